//! How controllers run: they plan, an executor acts.
//!
//! A controller is a [`Controller`]: `wakes` says which objects an event concerns, and `plan` looks at
//! one object and what it asks the [`Facts`] for and answers with a [`Step`]. Planning is pure: no clock,
//! no randomness, no I/O. A plan that asks for a fact that has not been read yet stops with [`Missing`];
//! the executor reads it and plans again, so `needs` is what the plan asked for, and nothing more is read.
//!
//! Controllers are shared by all logical clusters: one of each, with one bounded queue.

mod facts;
mod feed;
mod queue;
mod runner;
mod step;

pub use facts::{Answer, Fact, Facts, Missing, Object, Query, Reader, Served};
pub use runner::{Options, Runner, Stats};
pub use step::{Change, Propagation, Step, Wake, WriteError, Writer};

use kcp_apimachinery::Value;
use kcp_names::ClusterName;
use kcp_storage::{Event, Key, Range};

/// One controller, for every logical cluster.
pub trait Controller: Send + Sync + 'static {
    /// Its name in logs, metrics and durable marks, e.g. `kcp-workspace`.
    fn name(&self) -> &'static str;

    /// The ranges whose events it wants to see. They are also what a rescan lists.
    fn watches(&self) -> Vec<Range>;

    /// What an event wakes as far as its bytes show, and whether `wakes` has to see it, which costs
    /// decoding the object. For controllers that watch a lot and care for little of it.
    fn glance(&self, _event: &Event, _wakes: &mut Vec<Wakes>) -> bool {
        true
    }

    /// Which objects have to be planned (again) because of an event. Called in the order of the log;
    /// must be quick. `object` is the object after the event, or before it when it was deleted.
    fn wakes(&self, event: &Event, object: &Value, wakes: &mut Vec<Wakes>);

    /// What is to be done about one object.
    ///
    /// # Errors
    /// [`Missing`], when a fact that it needs has not been read yet (use `?` on the methods of [`Facts`]).
    fn plan(&self, key: &Key, facts: &Facts) -> Result<Step, Missing>;
}

/// What an event wakes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wakes {
    /// One object.
    One(Key),
    /// Every object of a range. Read in pages; for events that are rare.
    All(Range),
    /// Every object of a logical cluster that refers to an owner with this uid.
    Dependents(ClusterName, String),
}

//! What a store promises, in the words of its users: keys, records, ranges and the [`Store`] trait.
//!
//! The contract is etcd's, as far as an embedded log and etcd itself can both keep it. Revisions are
//! given to single changes, one after the other; a batch is an ordered list of changes and not one
//! transaction; what was acknowledged is durable; the outcome of a failed write may be unknown, and
//! then it is said so.

pub mod clock;
#[cfg(any(test, feature = "conformance"))]
pub mod conformance;
pub mod hub;
pub mod key;
pub mod memory;
pub mod record;
mod store;

pub use key::{Identity, Key, KeyError, Namespace, ObjectName, Range, ResourceKey, Resources, Scope};
pub use record::{Header, Record, RecordError};
pub use store::{
    Batch, BoxFuture, Change, Error, Event, EventPage, Events, Expect, Missed, NOTE_LIMIT, Outcome, Page,
    Require, Store, Subscription, VALUE_LIMIT, Write, check_batch, check_transaction,
};

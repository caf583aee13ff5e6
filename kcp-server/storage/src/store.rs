use crate::{Key, Range, Record};
use bytes::Bytes;
use kcp_names::{ClusterName, Revision};
use std::{future::Future, pin::Pin, sync::Arc};

/// A boxed future, so that the trait can be a trait object.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// An ordered, revisioned, durable map from [`Key`] to [`Record`].
///
/// # What every implementation promises
/// - **Ordered, unique**: each committed change has a revision of its own, greater than all before.
///   A fresh store is at revision 1, as etcd's is: to clients a resourceVersion of 0 means something else.
/// - **Durable**: a write that was answered with [`Outcome::Committed`] survives `kill -9` and loss of power.
/// - **Fresh**: a read that starts after a write was answered sees it.
/// - **Reliable, resumable**: [`Store::events`] from a revision gives every later change of the range,
///   once, in order, with the object before it; or [`Error::Compacted`].
/// - A write that finds no room changes nothing and says so; writes are taken again when there is room.
/// - A failed fsync makes the store read-only; it says so in every later write, and never tries the same
///   bytes again. Reads go on in both cases.
pub trait Store: Send + Sync + 'static {
    /// The newest revision.
    fn revision(&self) -> Revision;

    /// One object, as it is now.
    fn get<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, Result<Option<Record>, Error>>;

    /// Up to `limit` objects of a range in the order of their keys, beginning behind `after`, as they
    /// were at revision `at` (now, if `None`). Holds nothing between two calls.
    fn range<'a>(
        &'a self,
        range: &'a Range,
        after: Option<&'a Key>,
        limit: usize,
        at: Option<Revision>,
    ) -> BoxFuture<'a, Result<Page, Error>>;

    /// How many objects a range holds now.
    fn count<'a>(&'a self, range: &'a Range) -> BoxFuture<'a, Result<u64, Error>>;

    /// Up to `limit` keys of one logical cluster, of all kinds, in their order, behind `after`.
    fn cluster_keys<'a>(
        &'a self,
        cluster: &'a ClusterName,
        after: Option<&'a Key>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<Key>, Error>>;

    /// Commits changes one after the other and answers when all that were made are durable. One
    /// outcome for each write, in order: a refused one does not stop the next. A value that is too
    /// large refuses the whole batch.
    fn commit(&self, batch: Batch) -> BoxFuture<'_, Result<Vec<Outcome>, Error>>;

    /// Commits all of at most eight changes, no two of one group and resource, or none of them. All
    /// is judged by what was there before the first. The outcomes are all `Committed`, or those that
    /// were refused say why and the others are `Skipped`.
    fn transact(&self, batch: Batch) -> BoxFuture<'_, Result<Vec<Outcome>, Error>>;

    /// Changes of a range after revision `after`, oldest first, at most `limit` of them, from history. A
    /// call looks through a bounded part of it and may give fewer, or none: [`EventPage::upto`] says how far.
    fn events<'a>(
        &'a self,
        range: &'a Range,
        after: Revision,
        limit: usize,
    ) -> BoxFuture<'a, Result<EventPage, Error>>;

    /// Every change from now on, of all keys, in order. See [`Subscription`].
    fn subscribe(&self) -> Subscription;

    /// Forgets history before `revision`: reads at an older one, and events after an older one, answer
    /// `Compacted` from now on. Does nothing if that much is forgotten already.
    fn compact(&self, revision: Revision) -> BoxFuture<'_, Result<(), Error>>;

    /// A small value of the server's own, outside of keys and revisions: marks of controllers,
    /// the signing key's name. `None` if it was never set.
    fn note<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Option<Bytes>, Error>>;

    /// Sets a note (at most 64 KiB), durable when answered; `None` removes it.
    fn set_note<'a>(&'a self, name: &'a str, value: Option<Bytes>) -> BoxFuture<'a, Result<(), Error>>;
}

/// Bytes of the largest value that a store takes: etcd's limit on a request.
pub const VALUE_LIMIT: usize = 3 << 19;

/// Bytes of the largest note.
pub const NOTE_LIMIT: usize = 64 << 10;

/// Writes for [`Store::commit`], in order.
pub type Batch = Vec<Write>;

/// One change of one key, with what must hold for it to be made.
#[derive(Clone, Debug)]
pub struct Write {
    /// The key that changes.
    pub key: Key,
    /// What the key must be at that moment.
    pub expect: Expect,
    /// The change.
    pub change: Change,
    /// What must hold elsewhere: the logical cluster, and the namespace, that the object is in.
    pub requires: Vec<Require>,
}

/// What becomes of a key.
#[derive(Clone, Debug)]
pub enum Change {
    /// A sealed value ([`crate::Header::seal`]), at most 1.5 MiB. `Header::expires` makes it expire.
    Put(Bytes),
    /// Nothing stays. To delete what is not there is a conflict with nothing, whatever was expected.
    Delete,
}

/// What a key must be for a write to be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    /// It does not exist.
    Absent,
    /// It was last changed at this revision.
    Revision(Revision),
    /// It exists.
    Present,
    /// Whatever it is.
    Anything,
}

impl Expect {
    /// Whether a change may be made of a key that was last changed at `modified` (`None`: absent).
    #[must_use]
    pub fn allows(self, change: &Change, modified: Option<Revision>) -> bool {
        let deletes_nothing = matches!(change, Change::Delete) && modified.is_none();
        !deletes_nothing
            && match self {
                Self::Absent => modified.is_none(),
                Self::Revision(revision) => modified == Some(revision),
                Self::Present => modified.is_some(),
                Self::Anything => true,
            }
    }
}

/// Another object that must (still) be what it was when the write was decided upon.
///
/// Every write names its logical cluster's incarnation this way, so that a write in flight cannot
/// land in a cluster that is gone, reborn or being emptied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Require {
    /// The object: `logicalclusters/cluster`, or a namespace.
    pub key: Key,
    /// The revision that made it.
    pub created: Revision,
    /// It must not be closed ([`crate::Header::closed`]). Asked by writes that create.
    pub open: bool,
}

impl Require {
    /// Whether it holds, if its key was made at `found` and is closed or not (`None`: absent).
    #[must_use]
    pub fn holds(&self, found: Option<(Revision, bool)>) -> bool {
        found.is_some_and(|(created, closed)| created == self.created && !(self.open && closed))
    }
}

/// Refuses batches that no store takes, before anything is done.
///
/// # Errors
/// A value that is too large.
pub fn check_batch(batch: &[Write]) -> Result<(), Error> {
    let size = |write: &Write| match &write.change {
        Change::Put(value) => value.len(),
        Change::Delete => 0,
    };
    match batch.iter().map(size).find(|size| *size > VALUE_LIMIT) {
        Some(size) => Err(Error::TooLarge { size, limit: VALUE_LIMIT }),
        None => Ok(()),
    }
}

/// As [`check_batch`], for [`Store::transact`].
///
/// # Errors
/// A value that is too large, too many writes, or two of one group and resource.
pub fn check_transaction(batch: &[Write]) -> Result<(), Error> {
    if batch.len() > 8 {
        return Err(Error::BadTransaction("more than eight writes"));
    }
    let kind = |write: &Write| (write.key.resource.group.clone(), write.key.resource.resource.clone());
    let mut kinds: Vec<_> = batch.iter().map(kind).collect();
    kinds.sort();
    kinds.dedup();
    if kinds.len() < batch.len() {
        return Err(Error::BadTransaction("two writes of one resource"));
    }
    check_batch(batch)
}

/// What became of a write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Made, durable, at this revision. `previous` is what the key held before.
    Committed {
        /// Revision of the change.
        revision: Revision,
        /// The object before, if there was one.
        previous: Option<Record>,
    },
    /// `expect` did not hold; this is what the key holds.
    Conflict {
        /// The live object.
        current: Option<Record>,
    },
    /// A [`Require`] did not hold: the object of that key is gone, another, or closed.
    Fenced {
        /// Which one.
        key: Key,
    },
    /// Not tried, because another write of its transaction was refused.
    Skipped,
}

/// A part of a range.
#[derive(Clone, Debug, Default)]
pub struct Page {
    /// Objects in the order of their keys.
    pub items: Vec<(Key, Record)>,
    /// Whether the range goes on behind the last one.
    pub more: bool,
    /// The revision that all of it was read at.
    pub revision: Revision,
}

/// One committed change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Its revision.
    pub revision: Revision,
    /// The key that changed.
    pub key: Key,
    /// The object after it; `None`: deleted.
    pub record: Option<Record>,
    /// The object before it; `None`: created.
    pub previous: Option<Record>,
}

impl Event {
    /// Bytes of the objects that it keeps in memory.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let size = |record: &Option<Record>| record.as_ref().map_or(0, |record| record.value.len());
        size(&self.record) + size(&self.previous)
    }
}

/// A part of history.
#[derive(Clone, Debug, Default)]
pub struct EventPage {
    /// Changes of the range, oldest first.
    pub events: Vec<Arc<Event>>,
    /// History has been looked through up to here, including. Ask again from here.
    pub upto: Revision,
}

/// The events of one commit, in order. Shared by all who listen.
pub type Events = Arc<[Arc<Event>]>;

/// Live events of all keys.
///
/// The queue behind it is bounded. A subscriber that falls behind loses its place and is told so with
/// [`Subscription::next`] giving `Err(missed)`: it reads [`Store::events`] from the last revision it
/// saw and goes on with the same subscription, passing over what it has read already. Writers never
/// wait for a subscriber.
pub struct Subscription {
    /// The newest revision when the subscription began; the first event has a greater one.
    pub since: Revision,
    next: NextEvents,
}

type NextEvents = Box<dyn FnMut() -> BoxFuture<'static, Option<Result<Events, Missed>>> + Send>;

/// A subscriber was too slow and lost events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Missed;

impl Subscription {
    /// Wraps an implementation's queue.
    pub fn new(
        since: Revision,
        next: impl FnMut() -> BoxFuture<'static, Option<Result<Events, Missed>>> + Send + 'static,
    ) -> Self {
        Self { since, next: Box::new(next) }
    }

    /// The next committed changes; `Err` if some were lost; `None` when the store has closed. Nothing
    /// is lost if the future is dropped before it is ready.
    pub async fn next(&mut self) -> Option<Result<Events, Missed>> {
        (self.next)().await
    }
}

/// Why a store did not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// History before `oldest` was compacted.
    #[error("the required revision has been compacted; the oldest is {oldest}")]
    Compacted {
        /// The oldest revision that can be read.
        oldest: Revision,
    },
    /// A revision that does not exist yet.
    #[error("revision {asked} is greater than the newest, {newest}")]
    Future {
        /// What was asked for.
        asked: Revision,
        /// What there is.
        newest: Revision,
    },
    /// The value is larger than a store takes.
    #[error("object is too large: {size} bytes, at most {limit}")]
    TooLarge {
        /// Bytes of the value.
        size: usize,
        /// Bytes allowed.
        limit: usize,
    },
    /// More writes wait than the queue holds; nothing was done, try again later.
    #[error("the store is busy")]
    Busy,
    /// There is no room for what the write adds; nothing was done, and reads go on. Writes are taken
    /// again when there is room.
    #[error("the store has no room: {0}; nothing was written, and what is stored can be read")]
    Full(String),
    /// The store only reads since this happened; nothing was done.
    #[error("the store only reads until the server is started again: {0}")]
    ReadOnly(String),
    /// Whether the write was made is not known. Never to be repeated blindly.
    #[error("the outcome of the write is unknown: {0}")]
    Unknown(String),
    /// A transaction that no store takes: too many writes, or two of one resource.
    #[error("no such transaction: {0}")]
    BadTransaction(&'static str),
    /// A read failed.
    #[error("cannot read the store: {0}")]
    Read(String),
    /// The store is closed.
    #[error("the store is closed")]
    Closed,
}

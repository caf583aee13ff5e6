use kcp_apimachinery::Value;
use kcp_storage::{BoxFuture, Key};
use std::time::Duration;

/// What a plan decided.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// Nothing to do until something changes.
    Done,
    /// Nothing to do now. The text says why, in one line, for people.
    Wait(Wake, String),
    /// These changes, in this order; then plan again. The first refusal ends the list: a conflict or an
    /// object that is there already or gone means that the facts were old, so it is planned anew at once, a
    /// few times; anything else is tried again with growing pauses.
    Write(Vec<Change>),
    /// These changes, side by side and in no order, each whatever becomes of the others; then plan again.
    /// Those that were refused are in [`Facts::refused`](crate::Facts::refused) then, and a plan that asks
    /// for nothing but them again is tried with growing pauses.
    Each(Vec<Change>),
    /// As [`Step::Each`], for a plan that goes through many objects: it has looked at all up to this one, and
    /// finds that in [`Facts::cursor`](crate::Facts::cursor) when it plans again. What was refused on the way
    /// is kept, as far as anybody reads it. A [`Step::Write`] ends the walk.
    Walk {
        /// The changes, if any.
        changes: Vec<Change>,
        /// The object that was looked at last; greater each time.
        upto: Key,
    },
}

/// What ends a wait besides a change of the object or of what `wakes` connects with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wake {
    /// Only a change.
    Change,
    /// A change, or this much time.
    After(Duration),
}

/// One write that a controller wants. It goes the way of every write, from authorization on.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// A new object.
    Create {
        /// Where; the name must agree with the object's.
        key: Key,
        /// The object; `apiVersion` and `kind` may be left out.
        object: Value,
    },
    /// A merge patch (RFC 7386). With `metadata.resourceVersion` in it, only of that very version.
    Patch {
        /// The object.
        key: Key,
        /// The patch.
        patch: Value,
        /// `Some("status")` to patch the status.
        subresource: Option<&'static str>,
    },
    /// The whole object; `metadata.resourceVersion` must be in it.
    Update {
        /// The object.
        key: Key,
        /// What it becomes.
        object: Value,
        /// `status`, `finalize`, …
        subresource: Option<&'static str>,
    },
    /// Deletes the object, or marks it deleted while finalizers remain.
    Delete {
        /// The object.
        key: Key,
        /// Only if it has this uid.
        uid: Option<String>,
        /// Only if it has this resource version.
        resource_version: Option<String>,
        /// What becomes of dependents.
        propagation: Option<Propagation>,
    },
    /// Removes the object from the store, whatever its finalizers, with its last state as the event.
    /// For the last step of a logical cluster's own deletion only.
    Erase {
        /// The object.
        key: Key,
    },
}

impl Change {
    /// The object that changes.
    #[must_use]
    pub fn key(&self) -> &Key {
        match self {
            Self::Create { key, .. }
            | Self::Patch { key, .. }
            | Self::Update { key, .. }
            | Self::Delete { key, .. }
            | Self::Erase { key } => key,
        }
    }
}

/// `metav1.DeletionPropagation`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Propagation {
    /// Dependents are deleted afterwards.
    Background,
    /// Dependents first.
    Foreground,
    /// Dependents stay.
    Orphan,
}

/// Why a write of a controller was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WriteError {
    /// The object changed meanwhile, or a precondition failed.
    #[error("conflict: {0}")]
    Conflict(String),
    /// It does not exist (any more), or its logical cluster does not.
    #[error("not found: {0}")]
    NotFound(String),
    /// There is one already.
    #[error("already exists: {0}")]
    AlreadyExists(String),
    /// Validation or admission refused it; trying again changes nothing unless something else does.
    #[error("{0}")]
    Refused(String),
    /// The store or another shard did not answer.
    #[error("unavailable: {0}")]
    Unavailable(String),
}

/// Where controllers' writes go: the same steps as everybody's, from authorization on.
pub trait Writer: Send + Sync + 'static {
    /// Makes one change as the controller `who` and gives back the object as it is then (for a delete:
    /// as it was).
    fn write<'a>(&'a self, who: &'static str, change: Change) -> BoxFuture<'a, Result<Value, WriteError>>;
}

//! The three patches that change an object without saying who owns what: JSON Patch (RFC 6902),
//! JSON Merge Patch (RFC 7386) and strategic merge patch. Server-side apply is in [`crate::apply`].
//!
//! Each takes the tree that it changes by value or in place and the patch by value, so nothing is
//! copied that stays. What a patch may cost is bounded by its length and by the limits here.

mod container;
mod elements;
mod json;
mod merge;
mod order;
mod pointer;
mod strategic;

pub use json::{COPY_MAX, JsonPatch, OPERATIONS_MAX};
pub use merge::merge;
pub use strategic::strategic_merge;

/// Why a patch could not be applied, in the words of Kubernetes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The body is no patch of its kind, whatever the object.
    #[error("{0}")]
    Malformed(String),
    /// A JSON patch has more than [`OPERATIONS_MAX`] operations; this many.
    #[error("The allowed maximum operations in a JSON patch is 10000, got {0}")]
    TooManyOperations(usize),
    /// The patch does not fit this object.
    #[error("{0}")]
    NotApplicable(String),
    /// A strategic merge patch contradicts the schema or itself. Kubernetes calls this internal.
    #[error("{0}")]
    Unmergeable(String),
}

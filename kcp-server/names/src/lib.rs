//! What everything is called: logical clusters, workspace paths, shards, revisions, and the hashes
//! that derive one name from another.
//!
//! A name only parses. Nothing here knows a store or a request; a value of one of these types is
//! well formed wherever it turns up, so no code further in checks its shape again.

mod cluster;
pub mod hash;
mod path;

pub use cluster::{ClusterName, ShardName};
pub use path::{PathStart, WorkspacePath};

use std::fmt;

/// A number of the store: every committed change of one key has its own, and they only grow.
///
/// Clients see it as the opaque `resourceVersion`. Zero means "nothing yet".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Revision(pub u64);

impl Revision {
    /// Before the first change.
    pub const ZERO: Self = Self(0);

    /// The revision that follows this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }

    /// Reads a client's `resourceVersion`: decimal digits only. `None` for anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        text.parse().ok().map(Self)
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A string that is no name of the kind that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidName {
    /// What it should have been, e.g. `cluster`.
    pub kind: &'static str,
    /// What was given.
    pub given: String,
}

impl fmt::Display for InvalidName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "invalid {}: {:?} does not match the regex", self.kind, self.given)
    }
}

impl std::error::Error for InvalidName {}

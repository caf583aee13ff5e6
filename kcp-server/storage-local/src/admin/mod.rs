//! Backup, restore and check of a store, for people: `kcp store backup|restore|check`.
//!
//! A backup is one file: every live object and note as of one revision, without history. Taking one
//! does not stop writers, and holds nothing of the engine while whoever takes it is busy: it is read
//! from history, piece by piece ([`Backup`]), and [`receive`] makes the file of the pieces, in this
//! process or another. A store made from it refuses older revisions as if it had been compacted.

mod archive;
mod backup;
mod check;
mod restore;

pub use backup::{Backup, BackupReport, backup, receive, verify};
pub use check::{CheckReport, check};
pub use restore::{RestoreReport, restore};

use crate::{OpenError, engine::EngineError};
use std::{io, path::PathBuf};

/// How far a backup, restore or check has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Objects that are done.
    pub objects: u64,
    /// Bytes of the file that are done; 0 for a check.
    pub bytes: u64,
}

/// Objects between two calls with the progress.
const PROGRESS_EVERY: u64 = 10_000;

/// Why a backup, restore or check was not completed.
#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    /// The store cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The store cannot be read or written.
    #[error("{0}")]
    Store(String),
    /// A backup does not replace a file.
    #[error("{} exists already", .0.display())]
    Exists(PathBuf),
    /// A restore needs an empty directory.
    #[error("{} is not empty", .0.display())]
    NotEmpty(PathBuf),
    /// The file is no backup, or one that is damaged.
    #[error("{}: {why}", file.display())]
    BadArchive {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The file system refused something.
    #[error("{}: {source}", path.display())]
    Io {
        /// Where.
        path: PathBuf,
        /// What it said.
        source: io::Error,
    },
}

impl From<EngineError> for AdminError {
    fn from(error: EngineError) -> Self {
        Self::Store(error.to_string())
    }
}

/// Names the place of an error of the file system.
fn at(path: &std::path::Path) -> impl Fn(io::Error) -> AdminError + use<> {
    let path = path.to_owned();
    move |source| AdminError::Io { path: path.clone(), source }
}

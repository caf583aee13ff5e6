//! Taking a backup: of a store that nobody has open, or piece by piece of one that is served.

use super::{
    AdminError, PROGRESS_EVERY, Progress,
    archive::{self, Item, Totals},
    at,
};
use crate::{
    LocalStore, Options,
    codec::Span,
    disk::{Disk, SystemDisk},
    hold::Hold,
    read::Walk,
    rows,
    shared::Shared,
};
use bytes::Bytes;
use kcp_names::Revision;
use kcp_storage::{Error, Range};
use std::{
    fs::{self, File},
    io::{self, BufReader, Read, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
    sync::Arc,
    time::Instant,
};

/// What a backup holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BackupReport {
    /// The revision that it is of.
    pub revision: Revision,
    /// Objects.
    pub objects: u64,
    /// Notes.
    pub notes: u64,
    /// Bytes of the file.
    pub bytes: u64,
}

/// Takes a backup of a store that no process has open.
///
/// # Errors
/// The store cannot be opened or read, or the file exists or cannot be written.
pub fn backup(
    directory: &Path,
    file: &Path,
    progress: &mut dyn FnMut(Progress),
) -> Result<BackupReport, AdminError> {
    let missing = || io::Error::new(io::ErrorKind::NotFound, "there is no store");
    if !directory.join("FORMAT").exists() {
        return Err(at(directory)(missing()));
    }
    LocalStore::open(directory, Options::default())?.0.backup(file, progress)
}

impl LocalStore {
    /// Takes a backup into a new file, of all that is there at this moment. Readers and writers go on.
    /// It blocks its thread until all is written.
    ///
    /// # Errors
    /// As [`receive`], and the store cannot be read.
    pub fn backup(
        &self,
        file: &Path,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<BackupReport, AdminError> {
        let mut backup = self.begin_backup().map_err(|error| AdminError::Store(error.to_string()))?;
        receive(|| backup.piece().map_err(io::Error::other), file, progress)
    }

    /// Begins a backup of all that is there at this moment.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn begin_backup(&self) -> Result<Backup, Error> {
        Backup::begin(Arc::clone(&self.shared))
    }
}

/// A backup that is being taken, of one revision.
///
/// Between two pieces it holds nothing of the engine. History behind its revision is kept for two
/// minutes after each piece; a reader who takes longer, or falls millions of revisions behind, may get
/// [`Error::Compacted`] and has to begin anew.
pub struct Backup {
    shared: Arc<Shared>,
    hold: Hold,
    revision: Revision,
    archive: archive::Writer,
    /// The last key that is in it.
    after: Option<Vec<u8>>,
    complete: bool,
}

impl Backup {
    /// Notes have no history, so they are read now. They never say more than what is in the objects:
    /// a mark of a controller is set behind the changes that it is about.
    fn begin(shared: Arc<Shared>) -> Result<Self, Error> {
        let view = shared.engine.view();
        let revision = shared.newest(&view)?;
        let hold = shared.holds.hold(revision, Instant::now());
        let mut archive = archive::Writer::new(revision);
        for row in view.scan_prefix(&[rows::NOTE]) {
            let (name, value) = row?;
            archive.note(&name[1..], &value);
        }
        drop(view);
        Ok(Self { shared, hold, revision, archive, after: None, complete: false })
    }

    /// The revision that it is of.
    #[must_use]
    pub fn revision(&self) -> Revision {
        self.revision
    }

    /// The next piece of the file, some 256 KiB; `None` behind the last. It blocks.
    ///
    /// # Errors
    /// The store cannot be read, or history has been forgotten. What was given is no backup then.
    pub fn piece(&mut self) -> Result<Option<Bytes>, Error> {
        if self.complete {
            return Ok(None);
        }
        self.hold.renew(Instant::now());
        let view = self.shared.engine.view();
        let newest = self.shared.newest(&view)?;
        self.shared.readable(self.revision, newest, true)?;
        let past = (self.revision < newest).then_some(self.revision);
        let mut walk = Walk::new(&view, Span::of(&Range::everything()), self.after.take(), past);
        while !self.archive.is_full() {
            let Some(found) = walk.next() else {
                self.archive.finish();
                self.complete = true;
                break;
            };
            let (key, live) = found?;
            live.record()?; // a backup of what cannot be read is none
            self.archive.object(&key, &live);
            self.after = Some(key.to_vec());
        }
        Ok(Some(self.archive.take()))
    }
}

/// Writes a backup that comes piece by piece to a new file: beside it first, and in its place when it is
/// complete, has been checked and is durable.
///
/// # Errors
/// The file exists or cannot be written, or what comes is no complete backup. No file is left then.
pub fn receive(
    next: impl FnMut() -> io::Result<Option<Bytes>>,
    file: &Path,
    progress: &mut dyn FnMut(Progress),
) -> Result<BackupReport, AdminError> {
    if file.exists() {
        return Err(AdminError::Exists(file.to_owned()));
    }
    let mut draft = file.as_os_str().to_owned();
    draft.push(".new");
    let draft = Path::new(&draft);
    // It holds the secrets of the store.
    let out = File::options().write(true).create(true).truncate(true).mode(0o600).open(draft);
    let mut copied = Copied { next, piece: Bytes::new(), out: out.map_err(at(draft))?, failed: None };
    let placed = inspect(&mut copied, file, progress).and_then(|report| {
        copied.out.sync_all().map_err(at(draft))?;
        fs::rename(draft, file).map_err(at(file))?;
        let directory = file.parent().filter(|parent| !parent.as_os_str().is_empty());
        SystemDisk.sync_directory(directory.unwrap_or(Path::new("."))).map_err(at(file))?;
        Ok(report)
    });
    placed.map_err(|error| {
        // The error that matters is the first.
        let _ = fs::remove_file(draft);
        match copied.failed.take() {
            Some(source) => at(draft)(source),
            None => error,
        }
    })
}

/// Reads a backup from its beginning to its end, and says what it holds.
///
/// # Errors
/// It cannot be read, is damaged, or is not complete.
pub fn verify(file: &Path, progress: &mut dyn FnMut(Progress)) -> Result<BackupReport, AdminError> {
    inspect(BufReader::new(File::open(file).map_err(at(file))?), file, progress)
}

fn inspect(
    input: impl Read,
    file: &Path,
    progress: &mut dyn FnMut(Progress),
) -> Result<BackupReport, AdminError> {
    let bad = |why| AdminError::BadArchive { file: file.to_owned(), why };
    let mut archive = archive::Reader::new(input).map_err(bad)?;
    loop {
        let item = archive.next().map_err(bad)?;
        let bytes = archive.bytes;
        match item {
            Item::End(Totals { objects, notes, revision }) => {
                progress(Progress { objects, bytes });
                return Ok(BackupReport { revision, objects, notes, bytes });
            }
            Item::Object(..) if archive.objects().is_multiple_of(PROGRESS_EVERY) => {
                progress(Progress { objects: archive.objects(), bytes });
            }
            Item::Object(..) | Item::Note(..) => {}
        }
    }
}

/// Pieces as a stream of bytes, of which a copy goes to a file.
struct Copied<N> {
    next: N,
    piece: Bytes,
    out: File,
    /// Why the copy cannot be written.
    failed: Option<io::Error>,
}

impl<N: FnMut() -> io::Result<Option<Bytes>>> Read for Copied<N> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.piece.is_empty() {
            let Some(piece) = (self.next)()? else { return Ok(0) };
            if let Err(error) = self.out.write_all(&piece) {
                let told = io::Error::other(error.to_string());
                self.failed = Some(error);
                return Err(told);
            }
            self.piece = piece;
        }
        let length = buffer.len().min(self.piece.len());
        buffer[..length].copy_from_slice(&self.piece.split_to(length));
        Ok(length)
    }
}

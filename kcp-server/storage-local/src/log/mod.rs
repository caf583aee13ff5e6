//! The log: an ordered list of frames in segments, each of which is durable when its writer is told.
//!
//! One owner appends groups of frames and syncs once for all of them. Segments are dropped when the
//! engine has their content on disk. A write that found no room is undone, and nothing has happened. Any
//! other failed write, and any failed sync, ends the log: bytes whose fate is unknown are never written
//! or synced again.

mod frame;
mod scan;

pub(crate) use frame::{Entry, Logged};
pub use scan::Cut;
pub(crate) use scan::{Damage, Scan};

use crate::disk::{Disk, DiskFile, may_pass};
use std::{
    collections::VecDeque,
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

/// Why frames were not appended.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AppendError {
    /// There was no room. The log is as it was, and may be appended to again.
    #[error("{0}")]
    Full(io::Error),
    /// The frames may or may not be found at the next start. Nothing more must be appended.
    #[error("{0}")]
    Broken(io::Error),
}

/// The log, open to be written.
pub(crate) struct Log {
    disk: Arc<dyn Disk>,
    directory: PathBuf,
    segment_bytes: u64,
    file: Box<dyn DiskFile>,
    number: u64,
    /// Bytes of the segment, all durable.
    length: u64,
    /// Sequence number of the next frame.
    next: u64,
    /// Older segments, with the sequence number of the last frame of each.
    older: VecDeque<(u64, u64)>,
    buffer: Vec<u8>,
}

impl Log {
    /// A new log in an empty directory. Its first frame has sequence number 1.
    pub(crate) fn create(disk: Arc<dyn Disk>, directory: &Path, segment_bytes: u64) -> io::Result<Self> {
        let file = new_segment(&*disk, directory, 1, 1)?;
        Ok(Self {
            disk,
            directory: directory.to_owned(),
            segment_bytes,
            file,
            number: 1,
            length: frame::HEAD as u64,
            next: 1,
            older: VecDeque::new(),
            buffer: Vec::new(),
        })
    }

    /// Goes on behind what a scan found.
    pub(crate) fn resume(
        disk: Arc<dyn Disk>,
        directory: &Path,
        segment_bytes: u64,
        scan: Scan,
    ) -> io::Result<Self> {
        let file = match scan.length {
            0 => new_segment(&*disk, directory, scan.number, scan.next)?,
            _ => disk.append_to(&segment_path(directory, scan.number))?,
        };
        Ok(Self {
            disk,
            directory: directory.to_owned(),
            segment_bytes,
            file,
            number: scan.number,
            length: scan.length.max(frame::HEAD as u64),
            next: scan.next,
            older: scan.older,
            buffer: Vec::new(),
        })
    }

    /// Sequence number of the last frame.
    pub(crate) fn last(&self) -> u64 {
        self.next - 1
    }

    /// Appends frames and makes them durable, all with one sync.
    ///
    /// # Errors
    /// See [`AppendError`].
    pub(crate) fn append(&mut self, entries: &[Entry]) -> Result<(), AppendError> {
        if self.length >= self.segment_bytes {
            self.roll()?;
        }
        self.buffer.clear();
        for (entry, sequence) in entries.iter().zip(self.next..) {
            frame::write_frame(entry, sequence, self.length, &mut self.buffer);
        }
        if let Err(error) = self.file.append(&self.buffer) {
            return Err(self.undo(error));
        }
        self.file.sync().map_err(AppendError::Broken)?;
        self.length += self.buffer.len() as u64;
        self.next += entries.len() as u64;
        if self.buffer.capacity() > 1 << 20 {
            self.buffer = Vec::new();
        }
        Ok(())
    }

    /// Takes away what a write has left that found no room. None of it was ever synced.
    fn undo(&mut self, error: io::Error) -> AppendError {
        if !may_pass(&error) {
            return AppendError::Broken(error);
        }
        match self.file.cut(self.length) {
            Ok(()) => AppendError::Full(error),
            Err(error) => AppendError::Broken(error),
        }
    }

    /// Begins a segment. All frames before it are durable. What a failed attempt leaves is no segment:
    /// the next one begins it anew, and a start takes it for a torn tail.
    fn roll(&mut self) -> Result<(), AppendError> {
        let file = new_segment(&*self.disk, &self.directory, self.number + 1, self.next)?;
        self.older.push_back((self.number, self.last()));
        self.file = file;
        self.number += 1;
        self.length = frame::HEAD as u64;
        Ok(())
    }

    /// Drops segments that hold nothing after frame `durable`, which the engine has on disk.
    pub(crate) fn drop_until(&mut self, durable: u64) -> io::Result<()> {
        while self.older.front().is_some_and(|(_, last)| *last <= durable) {
            if let Some((number, _)) = self.older.pop_front() {
                self.disk.remove(&segment_path(&self.directory, number))?;
            }
        }
        Ok(())
    }
}

fn new_segment(
    disk: &dyn Disk,
    directory: &Path,
    number: u64,
    first: u64,
) -> Result<Box<dyn DiskFile>, AppendError> {
    let unwritten = |error| match may_pass(&error) {
        true => AppendError::Full(error),
        false => AppendError::Broken(error),
    };
    let mut file = disk.create(&segment_path(directory, number)).map_err(unwritten)?;
    file.append(&frame::segment_head(number, first)).map_err(unwritten)?;
    file.sync().map_err(AppendError::Broken)?;
    disk.sync_directory(directory).map_err(AppendError::Broken)?;
    Ok(file)
}

impl From<AppendError> for io::Error {
    fn from(error: AppendError) -> Self {
        match error {
            AppendError::Full(error) | AppendError::Broken(error) => error,
        }
    }
}

/// `<directory>/00000000000000000007.log`
pub(crate) fn segment_path(directory: &Path, number: u64) -> PathBuf {
    directory.join(format!("{number:020}.log"))
}

//! The log: an ordered list of frames in segments, each of which is durable when its writer is told.
//!
//! One owner appends groups of frames and syncs once for all of them. Segments are dropped when the
//! engine has their content on disk. A failed write or sync ends it: bytes whose fate is unknown are
//! never written or synced again.

mod frame;
mod scan;

pub(crate) use frame::{Entry, Logged};
pub use scan::Cut;
pub(crate) use scan::{Damage, Scan};

use crate::disk::{Disk, DiskFile};
use std::{
    collections::VecDeque,
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

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
    /// The frames may or may not be found at the next start. Nothing more must be appended.
    pub(crate) fn append(&mut self, entries: &[Entry]) -> io::Result<()> {
        if self.length >= self.segment_bytes {
            self.roll()?;
        }
        self.buffer.clear();
        for (entry, sequence) in entries.iter().zip(self.next..) {
            frame::write_frame(entry, sequence, self.length, &mut self.buffer);
        }
        self.file.append(&self.buffer)?;
        self.file.sync()?;
        self.length += self.buffer.len() as u64;
        self.next += entries.len() as u64;
        if self.buffer.capacity() > 1 << 20 {
            self.buffer = Vec::new();
        }
        Ok(())
    }

    /// Begins a segment. All frames before it are durable.
    fn roll(&mut self) -> io::Result<()> {
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

fn new_segment(disk: &dyn Disk, directory: &Path, number: u64, first: u64) -> io::Result<Box<dyn DiskFile>> {
    let mut file = disk.create(&segment_path(directory, number))?;
    file.append(&frame::segment_head(number, first))?;
    file.sync()?;
    disk.sync_directory(directory)?;
    Ok(file)
}

/// `<directory>/00000000000000000007.log`
pub(crate) fn segment_path(directory: &Path, number: u64) -> PathBuf {
    directory.join(format!("{number:020}.log"))
}

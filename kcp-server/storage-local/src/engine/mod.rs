//! The index of what the log says: an LSM tree without a journal of its own.
//!
//! The log is its journal. What has been applied lives in a memtable until that is written out as a
//! table; tables are synced before they count. So after any crash the tree holds exactly the batches
//! up to the last memtable that was written out, and [`Engine::durable`] says up to which frame that
//! is: the log keeps everything behind it. Batches never straddle two memtables.
//!
//! Two threads work behind it, one that writes memtables out and one that merges tables. A snapshot is
//! a number; the merging thread keeps what open snapshots can see.
//!
//! When there is no room for a table, what it was to hold stays where it is, and the thread tries again
//! with a new file each second; what the failed attempt has left is removed. [`Engine::admit`] says so
//! to whoever would add more than memory may hold. Any other failure ends the engine.
//!
//! This module is all that knows the tree's library, so that the choice can be made again.

mod tree;

use crate::{Options, disk::may_pass};
use bytes::Bytes;
use parking_lot::{Condvar, Mutex, MutexGuard};
use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    io,
    ops::Bound,
    path::Path,
    sync::Arc,
    thread::JoinHandle,
    time::{Duration, Instant},
};
use tree::Tree;

/// Memtables that wait to be written out before writers have to.
const SEALED_LIMIT: usize = 3;
/// How long the thread that writes memtables out waits before it looks again whether there is room.
const RETRY: Duration = Duration::from_secs(1);
/// How long the thread that merges does: an attempt reads and writes a lot.
const RETRY_MERGE: Duration = Duration::from_secs(2);
/// Tables that overlap in the first level before writers have to wait for the merging thread.
const OVERLAP_LIMIT: usize = 20;

/// Changes of rows, applied together.
pub(crate) type Rows = HashMap<Vec<u8>, Change>;

/// What becomes of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// It has this value.
    Put(Bytes),
    /// It is gone.
    Delete,
    /// It is gone, and was written once only, and never will be again.
    DeleteOnce,
}

/// A failure of the engine, in words.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{why}")]
pub(crate) struct EngineError {
    why: String,
    full: bool,
}

impl EngineError {
    pub(crate) fn new(why: impl std::fmt::Display) -> Self {
        Self { why: why.to_string(), full: false }
    }

    /// There was no room. Nothing is lost, and it may pass.
    pub(crate) fn is_full(&self) -> bool {
        self.full
    }
}

/// The engine. Dropping it does not write the memtable out; [`Engine::close`] does.
pub(crate) struct Engine {
    shared: Arc<Shared>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

struct Shared {
    tree: Tree,
    memtable_bytes: u64,
    state: Mutex<State>,
    /// A memtable was sealed, a table was written, or it is closing.
    changed: Condvar,
    /// Held while a batch is applied, so that none is seen by half.
    applying: Mutex<()>,
}

#[derive(Default)]
struct State {
    /// What a new snapshot sees: everything below this number.
    visible: u64,
    /// Open snapshots and how many hold each.
    open: BTreeMap<u64, usize>,
    /// For each sealed memtable, the last frame that was applied to it.
    sealed: VecDeque<u64>,
    /// The last frame that was applied.
    applied: u64,
    /// All frames up to this one are in tables.
    durable: u64,
    /// Tables were written since the merging thread last looked.
    unmerged: bool,
    closing: bool,
    failed: Option<EngineError>,
    /// Why the last memtable could not be written out, if there was no room.
    no_room_to_write: Option<EngineError>,
    /// Why tables could not be merged, if there was no room.
    no_room_to_merge: Option<EngineError>,
}

impl Engine {
    /// Opens the tree in a directory, or makes one.
    pub(crate) fn open(directory: &Path, options: &Options) -> Result<Self, EngineError> {
        let tree = Tree::open(directory, options.cache_bytes)?;
        let state = State { visible: tree.next_number(), unmerged: true, ..State::default() };
        let shared = Arc::new(Shared {
            tree,
            memtable_bytes: options.memtable_bytes,
            state: Mutex::new(state),
            changed: Condvar::new(),
            applying: Mutex::new(()),
        });
        let engine = Self { shared, threads: Mutex::default() };
        engine.start("store-flush", Shared::write_out)?;
        engine.start("store-merge", Shared::merge)?;
        Ok(engine)
    }

    fn start(&self, name: &str, run: fn(&Shared)) -> Result<(), EngineError> {
        let shared = Arc::clone(&self.shared);
        let thread = std::thread::Builder::new().name(name.to_owned()).spawn(move || run(&shared));
        self.threads.lock().push(thread?);
        Ok(())
    }

    /// Says which frame the tree that was opened ends with.
    pub(crate) fn begin_at(&self, frame: u64) {
        let mut state = self.shared.state.lock();
        state.applied = frame;
        state.durable = frame;
    }

    /// To be asked before more is added, so that memory stays bounded: waits if the threads behind
    /// cannot keep up.
    ///
    /// # Errors
    /// They cannot go on, for want of room ([`EngineError::is_full`]) or for ever.
    pub(crate) fn admit(&self) -> Result<(), EngineError> {
        self.shared.wait_for_room()
    }

    /// Applies rows, visible all at once. `frame` is the last frame of the log that they come from.
    pub(crate) fn apply(&self, rows: Rows, frame: u64) -> Result<(), EngineError> {
        if let Some(failed) = &self.shared.state.lock().failed {
            return Err(failed.clone());
        }
        let applying = self.shared.applying.lock();
        let size = self.shared.tree.write(rows);
        let mut state = self.shared.state.lock();
        state.visible = self.shared.tree.next_number();
        state.applied = frame;
        if size >= self.shared.memtable_bytes {
            self.shared.seal(&mut state);
        }
        drop(applying);
        Ok(())
    }

    /// What is there now, and stays so.
    pub(crate) fn view(&self) -> View {
        let mut state = self.shared.state.lock();
        let number = state.visible;
        *state.open.entry(number).or_insert(0) += 1;
        drop(state);
        View { shared: Arc::clone(&self.shared), number }
    }

    /// All frames up to this one are on disk.
    pub(crate) fn durable(&self) -> u64 {
        self.shared.state.lock().durable
    }

    /// Writes everything out and waits for it.
    pub(crate) fn flush(&self) -> Result<(), EngineError> {
        let applying = self.shared.applying.lock();
        let mut state = self.shared.state.lock();
        self.shared.seal(&mut state);
        drop(applying);
        while !state.sealed.is_empty() && state.failed.is_none() && state.no_room_to_write.is_none() {
            self.shared.changed.wait(&mut state);
        }
        let unwritten = state.no_room_to_write.as_ref().filter(|_| !state.sealed.is_empty());
        state.failed.as_ref().or(unwritten).cloned().map_or(Ok(()), Err)
    }

    /// Writes everything out and ends the threads.
    pub(crate) fn close(&self) -> Result<(), EngineError> {
        let flushed = self.flush();
        self.stop();
        flushed
    }

    /// Ends the threads.
    fn stop(&self) {
        self.shared.state.lock().closing = true;
        self.shared.changed.notify_all();
        for thread in self.threads.lock().drain(..) {
            if thread.join().is_err() {
                tracing::error!("a thread of the storage engine has panicked");
            }
        }
    }

    /// Bytes of all tables.
    pub(crate) fn disk_bytes(&self) -> u64 {
        self.shared.tree.disk_bytes()
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Shared {
    fn wait_for_room(&self) -> Result<(), EngineError> {
        let mut state = self.state.lock();
        loop {
            if let Some(failed) = &state.failed {
                return Err(failed.clone());
            }
            if state.sealed.len() < SEALED_LIMIT && self.tree.overlapping_tables() < OVERLAP_LIMIT {
                return Ok(());
            }
            if let Some(full) = state.no_room_to_write.as_ref().or(state.no_room_to_merge.as_ref()) {
                return Err(full.clone());
            }
            self.changed.wait(&mut state);
        }
    }

    /// Waits a while before another attempt, unless it is closing.
    fn rest(&self, state: &mut MutexGuard<'_, State>, pause: Duration) {
        self.changed.notify_all();
        let until = Instant::now() + pause;
        while !state.closing && !self.changed.wait_until(state, until).timed_out() {}
    }

    /// Ends the memtable, if there is something in it.
    fn seal(&self, state: &mut MutexGuard<'_, State>) {
        if self.tree.seal() {
            let applied = state.applied;
            state.sealed.push_back(applied);
            self.changed.notify_all();
        }
    }

    /// The thread that writes memtables out.
    fn write_out(&self) {
        let mut state = self.state.lock();
        while !state.closing && state.failed.is_none() {
            let waiting = state.sealed.len();
            if waiting == 0 {
                self.changed.wait(&mut state);
                continue;
            }
            let watermark = state.watermark();
            let written = MutexGuard::unlocked(&mut state, || self.tree.write_out(watermark));
            match written {
                Ok(()) => {
                    let last = state.sealed.drain(..waiting).next_back();
                    state.durable = last.unwrap_or(state.durable);
                    state.unmerged = true;
                    state.no_room_to_write = None;
                    self.show_all(&mut state);
                }
                Err(error) if error.is_full() => {
                    tracing::warn!(%error, "no room to write changes out");
                    state.no_room_to_write = Some(error);
                    self.rest(&mut state, RETRY);
                }
                Err(error) => state.fail(error),
            }
            self.changed.notify_all();
        }
    }

    /// The thread that merges tables.
    fn merge(&self) {
        let mut state = self.state.lock();
        while !state.closing && state.failed.is_none() {
            if !std::mem::take(&mut state.unmerged) {
                self.changed.wait(&mut state);
                continue;
            }
            let watermark = state.watermark();
            match MutexGuard::unlocked(&mut state, || self.tree.merge(watermark)) {
                Ok(more) => {
                    state.unmerged |= more;
                    state.no_room_to_merge = None;
                    self.show_all(&mut state);
                    let oldest = state.oldest();
                    MutexGuard::unlocked(&mut state, || self.tree.forget_versions(oldest));
                }
                Err(error) if error.is_full() => {
                    tracing::warn!(%error, "no room to merge tables");
                    state.no_room_to_merge = Some(error);
                    state.unmerged = true;
                    self.rest(&mut state, RETRY_MERGE);
                }
                Err(error) => state.fail(error),
            }
            self.changed.notify_all();
        }
    }

    /// Moves new snapshots behind what a thread has changed. The tables say the same as before, but
    /// the memtables and tables that they replace can go.
    fn show_all(&self, state: &mut MutexGuard<'_, State>) {
        MutexGuard::unlocked(state, || {
            let applying = self.applying.lock();
            let mut state = self.state.lock();
            state.visible = self.tree.next_number();
            drop(applying);
        });
    }
}

impl State {
    /// Below this number, only the newest version of a row has to stay.
    fn watermark(&self) -> u64 {
        self.oldest().saturating_sub(1)
    }

    /// The oldest snapshot that is open, or will be.
    fn oldest(&self) -> u64 {
        self.open.first_key_value().map_or(self.visible, |(number, _)| *number)
    }

    fn fail(&mut self, error: EngineError) {
        tracing::error!(%error, "the storage engine has failed; the store only reads until it is started again");
        self.failed = Some(error);
    }
}

/// What the engine held at one moment.
pub(crate) struct View {
    shared: Arc<Shared>,
    number: u64,
}

impl View {
    /// The value of a row.
    pub(crate) fn get(&self, key: &[u8]) -> Result<Option<Bytes>, EngineError> {
        self.shared.tree.get(key, self.number)
    }

    /// Rows in order.
    pub(crate) fn scan(
        &self,
        from: Bound<Vec<u8>>,
        to: Bound<Vec<u8>>,
    ) -> impl Iterator<Item = Result<(Bytes, Bytes), EngineError>> + use<> {
        self.shared.tree.scan(from, to, self.number)
    }

    /// Rows that begin with `prefix`, in order.
    pub(crate) fn scan_prefix(
        &self,
        prefix: &[u8],
    ) -> impl Iterator<Item = Result<(Bytes, Bytes), EngineError>> + use<> {
        self.scan(Bound::Included(prefix.to_vec()), behind_prefix(prefix))
    }
}

impl Drop for View {
    fn drop(&mut self) {
        let mut state = self.shared.state.lock();
        if let Some(holders) = state.open.get_mut(&self.number) {
            *holders -= 1;
            if *holders == 0 {
                state.open.remove(&self.number);
            }
        }
    }
}

/// The end of what begins with `prefix`.
pub(crate) fn behind_prefix(prefix: &[u8]) -> Bound<Vec<u8>> {
    let mut end = prefix.to_vec();
    while let Some(last) = end.pop() {
        if last < u8::MAX {
            end.push(last + 1);
            return Bound::Excluded(end);
        }
    }
    Bound::Unbounded
}

impl From<io::Error> for EngineError {
    fn from(error: io::Error) -> Self {
        Self { why: error.to_string(), full: may_pass(&error) }
    }
}

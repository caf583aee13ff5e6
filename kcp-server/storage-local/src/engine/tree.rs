//! The library's tree, as the engine uses it.

use super::{Change, EngineError, Rows};
use bytes::Bytes;
use lsm_tree::{
    AbstractTree, AnyTree, Cache, Config, DescriptorTable, Guard, SequenceNumberCounter,
    compaction::Leveled,
    config::{BlockSizePolicy, BloomConstructionPolicy, FilterPolicy, FilterPolicyEntry, PinningPolicy},
};
use parking_lot::Mutex;
use std::{
    fs::{self, File},
    ops::Bound,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

/// Bytes of a table that merging makes. Merging one touches about ten of the next level, and a close
/// waits for that, so they are small.
const TABLE_BYTES: u64 = 16 << 20;
/// Tables that are kept open.
const OPEN_FILES: usize = 256;

pub(super) struct Tree {
    tree: AnyTree,
    numbers: SequenceNumberCounter,
    strategy: Arc<Leveled>,
    /// Held while memtables are written out.
    writing: Mutex<()>,
    /// Held while tables are merged.
    merging: Mutex<()>,
    /// Merges that have ended.
    merges: AtomicU64,
}

impl Tree {
    pub(super) fn open(directory: &Path, cache_bytes: u64) -> Result<Self, EngineError> {
        let numbers = SequenceNumberCounter::default();
        // Partitioned indexes and filters, and larger blocks: with whole ones in a small cache, reads
        // of millions of rows evict what every read needs.
        let tree = Config::new(directory, numbers.clone(), SequenceNumberCounter::default())
            .use_cache(Arc::new(Cache::with_capacity_bytes(cache_bytes)))
            .use_descriptor_table(Some(Arc::new(DescriptorTable::new(OPEN_FILES))))
            .data_block_size_policy(BlockSizePolicy::all(8 << 10))
            .index_block_partitioning_policy(PinningPolicy::all(true))
            .filter_block_partitioning_policy(PinningPolicy::all(true))
            .index_block_pinning_policy(PinningPolicy::all(false))
            .filter_block_pinning_policy(PinningPolicy::all(false))
            .filter_policy(FilterPolicy::all(FilterPolicyEntry::Bloom(BloomConstructionPolicy::BitsPerKey(
                10.0,
            ))))
            .open()?;
        numbers.fetch_max(tree.get_highest_seqno().map_or(1, |number| number + 1));
        let strategy = Arc::new(Leveled::default().with_table_target_size(TABLE_BYTES));
        let (writing, merging) = Default::default();
        Ok(Self { tree, numbers, strategy, writing, merging, merges: AtomicU64::new(0) })
    }

    /// What the next write will be numbered; a snapshot sees what is below.
    pub(super) fn next_number(&self) -> u64 {
        self.numbers.get()
    }

    /// Writes rows into the memtable; its size then.
    pub(super) fn write(&self, rows: Rows) -> u64 {
        let number = self.numbers.next();
        let mut size = 0;
        for (key, change) in rows {
            (_, size) = match change {
                Change::Put(value) => self.tree.insert(key, value, number),
                Change::Delete => self.tree.remove(key, number),
                Change::DeleteOnce => self.tree.remove_weak(key, number),
            };
        }
        size
    }

    /// Ends the memtable; whether there was something in it.
    pub(super) fn seal(&self) -> bool {
        self.tree.rotate_memtable().is_some()
    }

    /// Writes sealed memtables out as tables.
    pub(super) fn write_out(&self, watermark: u64) -> Result<(), EngineError> {
        let (first, merges) = (self.tree.get_next_table_id(), self.merges.load(Ordering::SeqCst));
        let written = {
            let _writing = self.writing.lock();
            let lock = self.tree.get_flush_lock();
            self.tree.flush(&lock, watermark)
        };
        written.map(drop).map_err(|error| {
            let error = EngineError::from(error);
            if error.is_full() {
                self.remove_unfinished(first, merges);
            }
            error
        })
    }

    /// Merges some tables, if that is due; whether more may be.
    pub(super) fn merge(&self, watermark: u64) -> Result<bool, EngineError> {
        let first = self.tree.get_next_table_id();
        let before = self.tree.current_version().id();
        let merged = {
            let _merging = self.merging.lock();
            let merged = self.tree.compact(Arc::clone(&self.strategy) as _, watermark);
            self.merges.fetch_add(1, Ordering::SeqCst);
            merged
        };
        merged.map_err(|error| {
            let error = EngineError::from(error);
            if error.is_full() {
                self.remove_unfinished(first, self.merges.load(Ordering::SeqCst));
            }
            error
        })?;
        Ok(self.tree.current_version().id() != before)
    }

    /// Removes tables that were begun and not finished: they would take the room that there will be.
    ///
    /// They have numbers from `first` on, and no version of the tree has them. A table that was finished
    /// since and replaced by a second of the `merges` may still be seen by a snapshot; then all stay
    /// until the next start, which removes them, too.
    fn remove_unfinished(&self, first: u64, merges: u64) {
        let (_writing, _merging) = (self.writing.lock(), self.merging.lock());
        let path = &self.tree.tree_config().path;
        let version = self.tree.current_version();
        let on_disk = fs::read(path.join("current")).ok();
        let on_disk = on_disk.and_then(|bytes| Some(u64::from_le_bytes(*bytes.first_chunk()?)));
        let merged = self.merges.load(Ordering::SeqCst) - merges;
        if merged > 1 || on_disk != Some(version.id()) {
            return;
        }
        let Ok(files) = fs::read_dir(path.join("tables")) else { return };
        for file in files.filter_map(Result::ok) {
            let number = file.file_name().to_str().and_then(|name| name.parse::<u64>().ok());
            let unfinished = number.is_some_and(|number| {
                number >= first && !version.iter_tables().any(|table| table.id() == number)
            });
            // Emptied first: somebody may have it open.
            let emptied = unfinished && File::options().write(true).truncate(true).open(file.path()).is_ok();
            if emptied && let Err(error) = fs::remove_file(file.path()) {
                tracing::warn!(%error, "cannot remove a table that was not finished");
            }
        }
    }

    /// Drops versions of the tree that no snapshot from `oldest` on sees, and their tables.
    pub(super) fn forget_versions(&self, oldest: u64) {
        let path = &self.tree.tree_config().path;
        if let Err(error) = self.tree.get_version_history_lock().maintenance(path, oldest) {
            tracing::warn!(%error, "cannot remove old versions of the storage engine's manifest");
        }
    }

    pub(super) fn overlapping_tables(&self) -> usize {
        self.tree.l0_run_count()
    }

    pub(super) fn disk_bytes(&self) -> u64 {
        self.tree.disk_space()
    }

    pub(super) fn get(&self, key: &[u8], number: u64) -> Result<Option<Bytes>, EngineError> {
        Ok(self.tree.get(key, number)?.map(Bytes::from))
    }

    pub(super) fn scan(
        &self,
        from: Bound<Vec<u8>>,
        to: Bound<Vec<u8>>,
        number: u64,
    ) -> impl Iterator<Item = Result<(Bytes, Bytes), EngineError>> + use<> {
        self.tree.range((from, to), number, None).map(|row| {
            let (key, value) = row.into_inner()?;
            Ok((Bytes::from(key), Bytes::from(value)))
        })
    }
}

impl From<lsm_tree::Error> for EngineError {
    fn from(error: lsm_tree::Error) -> Self {
        if let lsm_tree::Error::Io(error) = error { error.into() } else { Self::new(error) }
    }
}

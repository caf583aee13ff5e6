//! The library's tree, as the engine uses it.

use super::{Change, EngineError, Rows};
use bytes::Bytes;
use lsm_tree::{
    AbstractTree, AnyTree, Cache, Config, DescriptorTable, Guard, SequenceNumberCounter,
    compaction::Leveled,
    config::{BlockSizePolicy, BloomConstructionPolicy, FilterPolicy, FilterPolicyEntry, PinningPolicy},
};
use std::{ops::Bound, path::Path, sync::Arc};

/// Bytes of a table that merging makes. Merging one touches about ten of the next level, and a close
/// waits for that, so they are small.
const TABLE_BYTES: u64 = 16 << 20;
/// Tables that are kept open.
const OPEN_FILES: usize = 256;

pub(super) struct Tree {
    tree: AnyTree,
    numbers: SequenceNumberCounter,
    strategy: Arc<Leveled>,
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
        Ok(Self { tree, numbers, strategy })
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
        let lock = self.tree.get_flush_lock();
        self.tree.flush(&lock, watermark)?;
        Ok(())
    }

    /// Merges some tables, if that is due; whether more may be.
    pub(super) fn merge(&self, watermark: u64) -> Result<bool, EngineError> {
        let before = self.tree.current_version().id();
        self.tree.compact(Arc::clone(&self.strategy) as _, watermark)?;
        Ok(self.tree.current_version().id() != before)
    }

    /// Drops versions of the tree that no snapshot sees.
    pub(super) fn forget_versions(&self, watermark: u64) {
        let path = &self.tree.tree_config().path;
        if let Err(error) = self.tree.get_version_history_lock().maintenance(path, watermark) {
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
        Self(error.to_string())
    }
}

//! What can be chosen about a store.

use crate::disk::{Disk, SystemDisk};
use kcp_storage::{
    clock::{Clock, SystemClock},
    hub::Capacity,
};
use std::{sync::Arc, time::Duration};

/// How a store behaves. The defaults suit a small server; a large one wants a larger cache.
#[derive(Clone)]
pub struct Options {
    /// Tells when objects expire and history is old.
    pub clock: Arc<dyn Clock>,
    /// How long history is kept, at least, if `keep_revisions` lets it. Clients resume their watches
    /// from it.
    pub keep: Duration,
    /// How many revisions of history are kept, at most.
    pub keep_revisions: u64,
    /// How much is kept for subscribers.
    pub subscribers: Capacity,
    /// Batches that may wait to be written; more are answered `Busy`.
    pub queue_batches: usize,
    /// Bytes that may wait to be written.
    pub queue_bytes: usize,
    /// Bytes of blocks of tables that are cached.
    pub cache_bytes: u64,
    /// Bytes of changes that are collected in memory before they are written out as a table. What
    /// a restart after a crash has to replay is at most about this.
    pub memtable_bytes: u64,
    /// Bytes of a segment of the log.
    pub segment_bytes: u64,
    /// Where the log writes.
    pub disk: Arc<dyn Disk>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            clock: Arc::new(SystemClock),
            keep: Duration::from_secs(5 * 60),
            keep_revisions: 1_000_000,
            subscribers: Capacity::default(),
            queue_batches: 4096,
            queue_bytes: 64 << 20,
            cache_bytes: 16 << 20,
            memtable_bytes: 8 << 20,
            segment_bytes: 16 << 20,
            disk: Arc::new(SystemDisk),
        }
    }
}

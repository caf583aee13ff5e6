//! What the writer and the readers of a store share.

use crate::{Options, engine::Engine, hold::Holds, writer::queue::Queue};
use kcp_names::Revision;
use kcp_storage::hub::Hub;
use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicU64, Ordering},
};

/// A store that is open.
pub(crate) struct Shared {
    pub(crate) options: Options,
    pub(crate) engine: Engine,
    pub(crate) queue: Queue,
    pub(crate) hub: Hub,
    /// Why it only reads.
    pub(crate) failed: OnceLock<String>,
    /// Who still reads history.
    pub(crate) holds: Arc<Holds>,
    oldest: AtomicU64,
}

impl Shared {
    pub(crate) fn new(options: Options, engine: Engine, revision: Revision, oldest: Revision) -> Self {
        Self {
            queue: Queue::new(options.queue_batches, options.queue_bytes),
            hub: Hub::new(revision, options.subscribers),
            options,
            engine,
            failed: OnceLock::new(),
            holds: Arc::default(),
            oldest: AtomicU64::new(oldest.0),
        }
    }

    /// The oldest revision that can be read. To be asked after a view was opened.
    pub(crate) fn oldest(&self) -> Revision {
        Revision(self.oldest.load(Ordering::SeqCst))
    }

    pub(crate) fn set_oldest(&self, oldest: Revision) {
        self.oldest.fetch_max(oldest.0, Ordering::SeqCst);
    }

    /// Makes the store read-only; the reason that holds.
    pub(crate) fn fail(&self, reason: String) -> String {
        tracing::error!(reason, "the store only reads until it is started again");
        self.failed.get_or_init(|| reason).clone()
    }
}

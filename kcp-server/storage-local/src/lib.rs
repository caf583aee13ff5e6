//! The embedded store: a log that is the authority, and an engine that indexes it.
//!
//! ```text
//! commit ─► queue ─► writer: decide ─► log (one sync for all that wait) ─► engine ─► subscribers ─► answer
//! get, range, events ───────────────────────────────────────────────────► engine
//! ```
//! - [`log`] is an ordered list of checksummed frames in segments. A frame that was synced is acknowledged.
//! - [`engine`] is an LSM tree without a journal of its own. It follows the log without syncing; when it
//!   has written a memtable out, the log drops the segments from before. At start the rest is replayed.
//! - [`writer`] is the only thread that changes anything, so expectations and fences are checked without locks.
//! - [`rows`] says what the engine holds, [`codec`] how keys are spelt, [`value`] how values are packed.
//!
//! Nothing here costs memory per object or per workspace.

pub mod admin;
mod codec;
pub mod disk;
mod engine;
mod hold;
mod log;
mod open;
mod options;
mod read;
mod rows;
mod shared;
mod store;
mod value;
mod writer;

pub use log::Cut;
pub use open::{OpenError, OpenReport};
pub use options::Options;
pub use store::LocalStore;

use kcp_names::Revision;

/// The revision of a fresh store.
const FIRST: Revision = Revision(1);

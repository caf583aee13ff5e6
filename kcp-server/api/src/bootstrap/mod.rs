//! What a fresh installation starts with, as objects in the order in which they are to be made.
//!
//! The objects are data (`config/kcp`) or come from the tables of [`crate::kinds`]. Whoever applies
//! them creates each, updates it if it exists and is not [`create_only`], and tries again until all
//! are there: an object may need an API that an earlier one of the list brings.

mod admin;
mod battery;
mod order;
mod root;
mod shard;

pub use admin::system_admin;
pub use battery::{Batteries, Battery, UnknownBattery, create_only, enabled};
pub use order::{sort, weight};
pub use root::{SCHEMAS, root_phase0, root_phase1};
pub use shard::{system_crds, system_shard, universal};

use kcp_apimachinery::Value;

/// Reads the documents of a manifest of this crate.
fn manifest(text: &str) -> Vec<Value> {
    let documents: Vec<Value> =
        serde_saphyr::from_multiple(text).expect("a manifest of the crate is well formed");
    documents.into_iter().filter(|document| !document.is_null()).collect()
}

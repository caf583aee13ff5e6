//! What admission asks of the kcp kinds: changes it makes to a write and reasons to refuse one.
//!
//! Each rule is a function of the objects and of what is known about the caller. Who may bind to an
//! export or use a type is asked elsewhere; the texts of those refusals are here too.
//! *Privileged* means a member of `system:masters`.

pub mod binding;
pub mod crd;
pub mod export;
pub mod finalizer;
pub mod logical_cluster;
pub mod path;
pub mod schedule;
pub mod schema;
pub mod shard;
pub mod workspace;
pub mod workspace_type;

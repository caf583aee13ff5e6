//! The binaries of the server, as functions: `kcp` first of all. This is the wiring; each part is a
//! crate of its own.

pub mod bootstrap;
pub mod config;
pub mod credentials;
pub mod flags;
pub mod front_proxy;
pub mod identity;
pub mod kcp;
pub mod keys;
pub mod kubeconfig;
pub mod lookup;
pub mod owners;
pub mod paths;
pub mod shard;
pub mod store_backup;
pub mod store_command;
pub mod telemetry;

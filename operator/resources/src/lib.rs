//! What the operator creates, as a function of what its users wrote.
//!
//! No clock, no randomness, no I/O: `validate` and `build` are plain functions, and what they return is
//! data. The operator fetches what they ask for, signs the certificates that they plan, applies what
//! they built and reports the outcome.
//!
//! ```text
//! RootShard ─► ValidRootShard::new ─┬─► certificates() ─► CertificatePlan, signed by the operator ─┐
//!  + inputs      (or a Refusal)     ├─► sources() ─► Secrets and ConfigMaps to read ─► Contents ◄──┘
//!                                   └─► build(contents, existing) ─► Resources<Built> ─► apply ─► Resources<Applied>
//! ```
//!
//! FrontProxy and Kubeconfig go the same way. Names, labels, mounts and the order of arguments are those
//! of kcp-operator 0.9; [`Images`], [`Store`] and the annotation with the digest of contents are ours.

mod cert_manager;
mod certificate;
mod flags;
mod front_proxy;
mod image;
mod installation;
mod kubeconfig;
mod kubeconfig_file;
pub mod names;
mod objects;
mod pod;
mod proxy;
mod refusal;
mod root_shard;
mod root_shard_pod;
mod server;
mod status;
mod store;
mod trust;

#[cfg(test)]
mod tests;

pub use certificate::{CertificatePlan, IssuedBy, KeyPlan, Metadata};
pub use front_proxy::ValidFrontProxy;
pub use image::{Image, Images};
pub use installation::{Address, Installation, Issuing};
pub use kubeconfig::{Target, TargetObject, ValidKubeconfig, group};
pub use objects::{Applied, Built, Object, Owner, Resources, Waiting};
pub use pod::{Contents, Kind, Source};
pub use refusal::Refusal;
pub use root_shard::{ExternalVirtualWorkspace, RootShardInputs, ValidRootShard};
pub use status::{Availability, Finding};
pub use store::{Settled, Store};

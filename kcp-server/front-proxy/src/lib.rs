//! The front proxy: one address for all shards.
//!
//! It ends TLS, finds out who is calling, and sends each request to the shard that holds its workspace,
//! over mutual TLS and with the caller's identity in headers that only it can set. It keeps no state but
//! the directory, an index in memory that it builds from the shards themselves.
//!
//! ```text
//! TLS ► path ► where? (directory) ► who? ► still unknown: ask its shard ► stamp ► forward
//!                 ▲
//!   root: Shard objects ► each shard: Workspaces, LogicalClusters
//! ```
//!
//! - [`Flags`] is the command line, [`Config`] what it means once checked, [`run`] all the rest.
//! - A mapping file says which paths go where; `/clusters/` is the one that goes to the shards.
//! - Bodies are never held: watches, uploads and upgraded connections pass as they come.
//! - There is no authorization here. The shards judge; the proxy only keeps the groups to itself that mean
//!   something between shards.

mod api;
mod attributes;
mod config;
mod connection;
mod directory;
mod ending;
mod flags;
mod health;
mod identity;
mod kubeconfig;
mod lookup;
mod mapping;
mod metrics;
mod miss;
mod reflect;
mod review;
mod routes;
mod run;
mod serve;
mod shard;
mod status;

pub use config::{Authentication, Config, InvalidFlags};
pub use flags::{AbsentFlags, AuthenticationFlags, DROPPED_GROUPS, Flags, LoggingFlags, ServingFlags};
pub use identity::IdentityError;
pub use kubeconfig::{Kubeconfig, KubeconfigError};
pub use mapping::{Mapping, MappingError, Mappings};
pub use routes::RoutesError;
pub use run::{FrontProxy, StartError, run};

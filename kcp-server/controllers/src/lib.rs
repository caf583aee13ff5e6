//! One module per controller, each around one `plan`: pure decisions about one object and what it needs
//! to know. One of each serves every logical cluster of the shard.

mod api_binding;
mod api_export;
mod bytes;
pub mod conditions;
mod contents;
mod initialize;
pub mod kinds;
mod logical_cluster;
mod logical_cluster_content;
mod namespaces;
mod plain;
mod root_ca;
mod service_accounts;
mod token_secrets;
mod workspace;
#[cfg(test)]
mod world;

pub use api_binding::ApiBindings;
pub use api_export::ApiExports;
pub use initialize::{DefaultBindings, UniversalContent};
pub use kinds::Kinds;
pub use logical_cluster::LogicalClusters;
pub use logical_cluster_content::LogicalClusterContent;
pub use namespaces::Namespaces;
pub use root_ca::RootCa;
pub use service_accounts::ServiceAccounts;
pub use token_secrets::{TokenSecrets, TokenSource};
pub use workspace::Workspaces;

use kcp_names::ClusterName;
use kcp_storage::{Key, ObjectName, ResourceKey};

/// The key of an object; `None` when the name can stand in no key.
pub(crate) fn key(
    resource: ResourceKey,
    cluster: &ClusterName,
    namespace: Option<&str>,
    name: &str,
) -> Option<Key> {
    let namespace = namespace.map(ObjectName::parse).transpose().ok()?;
    Some(Key { resource, cluster: cluster.clone(), namespace, name: ObjectName::parse(name).ok()? })
}

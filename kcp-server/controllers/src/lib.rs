//! One module per controller, each around one `plan`: pure decisions about one object and what it needs
//! to know. One of each serves every logical cluster of the shard.

mod api_binding;
mod api_binding_deletion;
mod api_export;
mod binding_index;
mod bound_crds;
mod bytes;
mod claim_labels;
mod cluster_roles;
pub mod conditions;
mod contents;
mod default_bindings;
mod definitions;
mod endpoint_slices;
mod garbage;
mod initialize;
pub mod kinds;
mod logical_cluster;
mod logical_cluster_content;
mod namespaces;
mod plain;
mod resource_locks;
mod root_ca;
mod service_accounts;
mod token_secrets;
mod types;
mod workspace;
mod workspace_types;
#[cfg(test)]
mod world;

pub use api_binding::ApiBindings;
pub use api_binding_deletion::ApiBindingDeletion;
pub use api_export::ApiExports;
pub use binding_index::BindingIndex;
pub use bound_crds::BoundCrds;
pub use claim_labels::ClaimLabels;
pub use cluster_roles::ClusterRoles;
pub use default_bindings::DefaultBindings;
pub use definitions::Definitions;
pub use endpoint_slices::EndpointSlices;
pub use garbage::GarbageCollector;
pub use initialize::Initialize;
pub use kinds::Kinds;
pub use logical_cluster::LogicalClusters;
pub use logical_cluster_content::LogicalClusterContent;
pub use namespaces::Namespaces;
pub use resource_locks::ResourceLocks;
pub use root_ca::RootCa;
pub use service_accounts::ServiceAccounts;
pub use token_secrets::{TokenSecrets, TokenSource};
pub use workspace::Workspaces;
pub use workspace_types::WorkspaceTypes;

use kcp_apimachinery::Value;
use kcp_names::ClusterName;
use kcp_reconcile::Controller;
use kcp_storage::{Key, ObjectName, ResourceKey};
use std::sync::Arc;

/// What controllers are given.
pub struct Parts {
    /// Kinds that are served under an identity.
    pub kinds: Kinds,
    /// Name of this shard.
    pub shard: String,
    /// What a new universal workspace holds.
    pub universal: Vec<Value>,
    /// Certificates by which clients verify this server, as PEM.
    pub root_ca: String,
    /// Whoever signs tokens of Secrets.
    pub tokens: Arc<dyn TokenSource>,
    /// Who uses which export. It has been loaded.
    pub bindings: Arc<BindingIndex>,
}

/// Every controller of a shard.
#[must_use]
pub fn all(parts: Parts) -> Vec<Arc<dyn Controller>> {
    let Parts { kinds, shard, universal, root_ca, tokens, bindings } = parts;
    vec![
        Arc::new(Workspaces::new(kinds.clone())),
        Arc::new(LogicalClusters::new(kinds.clone(), &shard)),
        Arc::new(LogicalClusterContent),
        Arc::new(Initialize::new(kinds.clone(), universal)),
        Arc::new(DefaultBindings::new(kinds.clone(), bindings.clone())),
        Arc::new(WorkspaceTypes::new(kinds.clone())),
        Arc::new(ResourceLocks),
        Arc::new(EndpointSlices::new(kinds, &shard, bindings.clone())),
        Arc::new(BoundCrds::new(bindings.clone())),
        Arc::new(ClusterRoles),
        Arc::new(ApiExports),
        Arc::new(ApiBindings::new(bindings)),
        Arc::new(ApiBindingDeletion),
        Arc::new(ClaimLabels),
        Arc::new(Definitions),
        Arc::new(Namespaces),
        Arc::new(ServiceAccounts),
        Arc::new(RootCa::new(&root_ca)),
        Arc::new(TokenSecrets::new(tokens, &root_ca)),
        Arc::new(GarbageCollector::default()),
    ]
}

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

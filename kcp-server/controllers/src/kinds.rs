//! The kinds that controllers know by name, as the store spells them.

use kcp_names::ClusterName;
use kcp_storage::{Key, ResourceKey};
use std::sync::Arc;

/// Kinds of kcp itself. Those that workspaces bind live under the identity of the root export.
#[derive(Clone, Debug)]
pub struct Kinds {
    /// Identity of the export `tenancy.kcp.io`.
    pub tenancy: Arc<str>,
    /// Identity of the export `topology.kcp.io`.
    pub topology: Arc<str>,
    /// Identity of the export `shards.core.kcp.io`.
    pub shards: Arc<str>,
}

impl Kinds {
    /// `workspaces.tenancy.kcp.io`
    #[must_use]
    pub fn workspaces(&self) -> ResourceKey {
        ResourceKey::bound("tenancy.kcp.io", "workspaces", &self.tenancy)
    }

    /// `workspacetypes.tenancy.kcp.io`
    #[must_use]
    pub fn workspace_types(&self) -> ResourceKey {
        ResourceKey::bound("tenancy.kcp.io", "workspacetypes", &self.tenancy)
    }

    /// `partitions.topology.kcp.io`
    #[must_use]
    pub fn partitions(&self) -> ResourceKey {
        ResourceKey::bound("topology.kcp.io", "partitions", &self.topology)
    }

    /// `shards.core.kcp.io`
    #[must_use]
    pub fn shards(&self) -> ResourceKey {
        ResourceKey::bound("core.kcp.io", "shards", &self.shards)
    }
}

/// `logicalclusters.core.kcp.io`
#[must_use]
pub fn logical_clusters() -> ResourceKey {
    ResourceKey::custom("core.kcp.io", "logicalclusters")
}

/// The object that stands for a logical cluster itself.
#[must_use]
pub fn logical_cluster(cluster: &ClusterName) -> Key {
    kcp_registry::logical_cluster_key(cluster)
}

/// `apibindings.apis.kcp.io`
#[must_use]
pub fn api_bindings() -> ResourceKey {
    ResourceKey::custom("apis.kcp.io", "apibindings")
}

/// `apiexports.apis.kcp.io`
#[must_use]
pub fn api_exports() -> ResourceKey {
    ResourceKey::custom("apis.kcp.io", "apiexports")
}

/// `apiresourceschemas.apis.kcp.io`
#[must_use]
pub fn api_resource_schemas() -> ResourceKey {
    ResourceKey::custom("apis.kcp.io", "apiresourceschemas")
}

/// `customresourcedefinitions.apiextensions.k8s.io`
#[must_use]
pub fn crds() -> ResourceKey {
    ResourceKey::built_in("apiextensions.k8s.io", "customresourcedefinitions")
}

/// A kind of the core group.
#[must_use]
pub fn core(plural: &str) -> ResourceKey {
    ResourceKey::built_in("", plural)
}

/// A kind of RBAC.
#[must_use]
pub fn rbac(plural: &str) -> ResourceKey {
    ResourceKey::built_in("rbac.authorization.k8s.io", plural)
}

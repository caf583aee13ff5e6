//! What plugins look up.

use crate::Rejection;
use kcp_api::{
    types::UserInfo,
    well_known::{annotation, api_group},
};
use kcp_apimachinery::Value;
use kcp_authz::{Attributes, Authorizer, Depth, Reach, ResourceTarget, Target, User};
use kcp_index::{Index, Resolved};
use kcp_names::{ClusterName, WorkspacePath};
use kcp_registry::{Registry, logical_cluster_key};
use kcp_storage::{Key, ObjectName, ResourceKey};
use std::sync::Arc;

/// Stored objects, workspace paths and permissions.
pub struct World {
    /// Objects.
    pub registry: Arc<Registry>,
    /// Workspace paths.
    pub index: Arc<Index>,
    /// Who may what.
    pub authz: Arc<Authorizer>,
}

impl World {
    /// One object as clients see it.
    pub(crate) async fn object(&self, key: &Key) -> Result<Option<Arc<Value>>, Rejection> {
        Ok(self.registry.object(key).await.map_err(internal)?.map(|opened| opened.value))
    }

    /// The object that stands for a logical cluster.
    pub(crate) async fn logical_cluster(
        &self,
        cluster: &ClusterName,
    ) -> Result<Option<Arc<Value>>, Rejection> {
        self.object(&logical_cluster_key(cluster)).await
    }

    /// The logical cluster that a path means.
    pub(crate) fn cluster_of(&self, path: &str) -> Option<ClusterName> {
        let path = WorkspacePath::parse(path).ok()?;
        match self.index.resolve(&path) {
            Resolved::Here { cluster, .. } | Resolved::Elsewhere { cluster, .. } => Some(cluster),
            Resolved::Mount { .. } | Resolved::Unavailable | Resolved::Unknown => None,
        }
    }

    /// An object of a cluster-scoped resource; nothing for a name that no object can have.
    pub(crate) async fn named(
        &self,
        resource: ResourceKey,
        cluster: &ClusterName,
        name: &str,
    ) -> Result<Option<Arc<Value>>, Rejection> {
        let Ok(name) = ObjectName::parse(name) else { return Ok(None) };
        self.object(&Key { resource, cluster: cluster.clone(), namespace: None, name }).await
    }

    /// The logical cluster of an export that exists.
    pub(crate) async fn export(&self, path: &str, name: &str) -> Result<Option<ClusterName>, Rejection> {
        let Some(cluster) = self.cluster_of(path) else { return Ok(None) };
        let exports = ResourceKey::custom(api_group::APIS, "apiexports");
        Ok(self.named(exports, &cluster, name).await?.map(|_| cluster))
    }

    /// Whether a user may bind to an export of a logical cluster, by the permissions there alone.
    pub(crate) async fn may_bind(
        &self,
        user: &User,
        cluster: &ClusterName,
        export: &str,
    ) -> Result<bool, Rejection> {
        self.may(user, "bind", cluster, [api_group::APIS, "v1alpha2", "apiexports"], export).await
    }

    /// Whether a user may use a type of a logical cluster, by the permissions there alone.
    pub(crate) async fn may_use(
        &self,
        user: &User,
        cluster: &ClusterName,
        kind: &str,
    ) -> Result<bool, Rejection> {
        self.may(user, "use", cluster, [api_group::TENANCY, "v1alpha1", "workspacetypes"], kind).await
    }

    async fn may(
        &self,
        user: &User,
        verb: &str,
        cluster: &ClusterName,
        [group, version, resource]: [&str; 3],
        name: &str,
    ) -> Result<bool, Rejection> {
        let target = Target::Resource(ResourceTarget {
            group: group.to_owned(),
            version: version.to_owned(),
            resource: resource.to_owned(),
            name: name.to_owned(),
            ..ResourceTarget::default()
        });
        let reach = Reach::Cluster(cluster.clone());
        let asked = Attributes { user: user.clone(), verb: verb.to_owned(), reach, target };
        Ok(self.authz.authorize(&asked, Depth::Deep).await.map_err(internal)?.is_allowed())
    }
}

/// The path of a workspace: what its LogicalCluster says, else the name of the logical cluster.
pub(crate) fn path_of<'a>(logical_cluster: &'a Value, cluster: &'a ClusterName) -> &'a str {
    let path = logical_cluster.meta().annotation(annotation::PATH).filter(|path| !path.is_empty());
    path.unwrap_or(cluster.as_str())
}

/// A user as objects have one.
pub(crate) fn user_info(user: &User) -> UserInfo {
    UserInfo {
        username: user.name.clone(),
        uid: user.uid.clone(),
        groups: user.groups.clone(),
        extra: user.extra.clone(),
    }
}

/// What Kubernetes says of a logical cluster that is not there.
pub(crate) const NO_LOGICAL_CLUSTER: &str = "logicalclusters.core.kcp.io \"cluster\" not found";

pub(crate) fn internal(error: impl std::fmt::Display) -> Rejection {
    Rejection::Internal(error.to_string())
}

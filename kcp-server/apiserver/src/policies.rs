//! What authorization depends on, read from the registry and compiled for as long as it is current.

use kcp_apimachinery::Value;
use kcp_authz::{
    BoundExport, BoxFuture, Error, Export, LogicalCluster, MaximalPermissionPolicy, Phase, Policies, Policy,
    PolicyBuilder,
};
use kcp_index::Index;
use kcp_names::{ClusterName, WorkspacePath};
use kcp_registry::{ClusterCache, Observer, Registry, codec, logical_cluster_key};
use kcp_storage::{Key, Range, ResourceKey};
use std::sync::Arc;

/// Logical clusters whose policy is kept compiled.
const CLUSTERS: usize = 20_000;
/// Logical clusters whose bound exports are kept read.
const BUSY: usize = 2_000;
const RBAC: &str = "rbac.authorization.k8s.io";

/// RBAC policies and logical clusters as the registry has them.
pub struct StoredPolicies {
    registry: Arc<Registry>,
    index: Arc<Index>,
    policies: ClusterCache<Policy>,
    clusters: ClusterCache<Option<LogicalCluster>>,
    exports: ClusterCache<Vec<kcp_registry::BoundExport>>,
}

impl StoredPolicies {
    /// Reads from `registry`, and hears from it of every change.
    #[must_use]
    pub fn new(registry: Arc<Registry>, index: Arc<Index>) -> Arc<Self> {
        let this = Arc::new(Self {
            registry: registry.clone(),
            index,
            policies: ClusterCache::new(CLUSTERS),
            clusters: ClusterCache::new(CLUSTERS),
            exports: ClusterCache::new(BUSY),
        });
        registry.on_change(this.clone());
        this
    }

    async fn compile(&self, cluster: &ClusterName) -> Result<Arc<Policy>, Error> {
        let mut builder = PolicyBuilder::default();
        for plural in ["clusterroles", "roles", "clusterrolebindings", "rolebindings"] {
            let range = Range::cluster(ResourceKey::built_in(RBAC, plural), cluster.clone());
            let listing =
                self.registry.list(&range, &crate::read::Everything, 0, None, None).await.map_err(failed)?;
            for (key, record) in &listing.items {
                let object = codec::open(key, record).map_err(failed)?;
                match plural {
                    "clusterroles" => builder.cluster_role(&object),
                    "roles" => builder.role(&object),
                    "clusterrolebindings" => builder.cluster_role_binding(&object),
                    _ => builder.role_binding(&object),
                }
            }
        }
        Ok(Arc::new(builder.build()))
    }

    /// A logical cluster, as authorization sees it.
    pub(crate) async fn cluster(&self, cluster: &ClusterName) -> Result<Arc<Option<LogicalCluster>>, Error> {
        self.clusters.get(cluster, || self.read_cluster(cluster)).await
    }

    async fn read_cluster(&self, cluster: &ClusterName) -> Result<Arc<Option<LogicalCluster>>, Error> {
        let key = logical_cluster_key(cluster);
        let Some(record) = self.registry.record(&key).await.map_err(failed)? else {
            return Ok(Arc::new(None));
        };
        let object = codec::open(&key, &record).map_err(failed)?;
        let phase = Phase::read(object.str_at(&["status", "phase"]).unwrap_or_default());
        let annotations = object.at(&["metadata", "annotations"]).and_then(Value::as_object);
        let annotations = annotations
            .map(|map| map.iter().filter_map(|(k, v)| Some((k.to_owned(), v.as_str()?.to_owned()))).collect())
            .unwrap_or_default();
        Ok(Arc::new(Some(LogicalCluster { phase, annotations })))
    }

    async fn find_export(
        &self,
        cluster: &ClusterName,
        group: &str,
        resource: &str,
    ) -> Result<Option<BoundExport>, Error> {
        let catalog = self.registry.catalog(cluster).await.map_err(failed)?;
        let Some(found) = catalog.find(group, resource) else { return Ok(None) };
        if !matches!(found.source, kcp_registry::Source::Bound { .. }) {
            return Ok(None);
        }
        let exports = self.exports.get(cluster, || async {
            self.registry.bound_exports(cluster).await.map(Arc::new).map_err(failed)
        });
        let exports = exports.await?;
        let Some(bound) = exports.iter().find(|export| export.resources.contains(&found.key)) else {
            return Ok(None);
        };
        let own = || cluster.to_string();
        let path = Some(bound.path.clone()).filter(|path| !path.is_empty()).unwrap_or_else(own);
        let export = self.export(&path, &bound.name).await?;
        Ok(Some(BoundExport { path, name: bound.name.clone(), export }))
    }

    /// The export that a path and name mean, if it is there.
    async fn export(&self, path: &str, name: &str) -> Result<Option<Export>, Error> {
        let Some(cluster) = self.cluster_of(path) else { return Ok(None) };
        let key = named("apiexports", &cluster, name)?;
        let Some(object) = self.registry.object(&key).await.map_err(failed)? else { return Ok(None) };
        let policy = match object.value.at(&["spec", "maximalPermissionPolicy"]) {
            None => MaximalPermissionPolicy::Absent,
            Some(policy) if policy.get("local").is_some() => MaximalPermissionPolicy::Local,
            Some(_) => MaximalPermissionPolicy::NotLocal,
        };
        Ok(Some(Export { cluster, policy }))
    }

    fn cluster_of(&self, path: &str) -> Option<ClusterName> {
        let path = WorkspacePath::parse(path).ok()?;
        if let Some(name) = path.as_name() {
            return Some(name);
        }
        match self.index.resolve(&path) {
            kcp_index::Resolved::Here { cluster, .. } => Some(cluster),
            kcp_index::Resolved::Mount { .. }
            | kcp_index::Resolved::Elsewhere { .. }
            | kcp_index::Resolved::Unavailable
            | kcp_index::Resolved::Unknown => None,
        }
    }
}

fn named(plural: &str, cluster: &ClusterName, name: &str) -> Result<Key, Error> {
    Ok(Key {
        resource: ResourceKey::custom("apis.kcp.io", plural),
        cluster: cluster.clone(),
        namespace: None,
        name: kcp_storage::ObjectName::parse(name).map_err(failed)?,
    })
}

fn failed(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error(Box::new(error))
}

impl Policies for StoredPolicies {
    fn local<'a>(&'a self, cluster: &'a ClusterName) -> BoxFuture<'a, Result<Arc<Policy>, Error>> {
        Box::pin(self.policies.get(cluster, || self.compile(cluster)))
    }

    fn logical_cluster<'a>(
        &'a self,
        cluster: &'a ClusterName,
    ) -> BoxFuture<'a, Result<Option<LogicalCluster>, Error>> {
        Box::pin(async move {
            let found = self.clusters.get(cluster, || self.read_cluster(cluster)).await?;
            Ok((*found).clone())
        })
    }

    fn bound_export<'a>(
        &'a self,
        cluster: &'a ClusterName,
        group: &'a str,
        resource: &'a str,
    ) -> BoxFuture<'a, Result<Option<BoundExport>, Error>> {
        Box::pin(self.find_export(cluster, group, resource))
    }
}

impl Observer for StoredPolicies {
    fn changing<'a>(&'a self, key: &Key) -> Option<Box<dyn Send + 'a>> {
        match (&*key.resource.group, &*key.resource.resource) {
            (RBAC, _) => Some(Box::new(self.policies.changing(&key.cluster))),
            ("core.kcp.io", "logicalclusters") => Some(Box::new(self.clusters.changing(&key.cluster))),
            ("apis.kcp.io", "apibindings") => Some(Box::new(self.exports.changing(&key.cluster))),
            _ => None,
        }
    }
}

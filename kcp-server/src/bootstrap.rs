//! What a shard starts with: written through the same steps as everything else, and repaired at each start.

use anyhow::{Context, bail};
use kcp_api::{
    bootstrap::{self, create_only},
    identity,
    well_known::name::IDENTITY_NAMESPACE,
};
use kcp_apimachinery::{Value, value};
use kcp_names::ClusterName;
use kcp_reconcile::{Change, WriteError, Writer};
use kcp_registry::{Registry, codec};
use kcp_storage::{Key, ObjectName, ResourceKey};
use std::{sync::Arc, time::Duration};

const WHO: &str = "bootstrapper";
/// How long APIs may take to be served before the start is given up.
const PATIENCE: Duration = Duration::from_secs(30);

/// Writes the objects.
pub struct Bootstrap {
    registry: Arc<Registry>,
    writer: Arc<dyn Writer>,
}

impl Bootstrap {
    /// Writes through `writer`.
    #[must_use]
    pub fn new(registry: Arc<Registry>, writer: Arc<dyn Writer>) -> Self {
        Self { registry, writer }
    }

    /// Makes each object what it should be, in this order.
    ///
    /// # Errors
    /// An object is refused, or the store fails.
    pub async fn apply(
        &self,
        cluster: &ClusterName,
        objects: impl IntoIterator<Item = Value>,
    ) -> anyhow::Result<()> {
        for object in objects {
            let kind = object.str_at(&["kind"]).unwrap_or_default().to_owned();
            let name = object.str_at(&["metadata", "name"]).unwrap_or_default().to_owned();
            self.one(cluster, object).await.with_context(|| format!("{kind} {name} in {cluster}"))?;
        }
        Ok(())
    }

    async fn one(&self, cluster: &ClusterName, mut object: Value) -> anyhow::Result<()> {
        let key = self.key(cluster, &object).await?;
        match self.registry.record(&key).await? {
            None => {
                if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
                    metadata.remove("resourceVersion");
                }
                match self.writer.write(WHO, Change::Create { key, object }).await {
                    Ok(_) | Err(WriteError::AlreadyExists(_)) => Ok(()),
                    Err(error) => Err(error.into()),
                }
            }
            Some(record) => {
                let stored = codec::open(&key, &record)?;
                // What a fresh installation only starts with may have been changed since.
                if create_only(&stored) {
                    return Ok(());
                }
                object.force_object().remove("status");
                object.force_object().remove("apiVersion");
                object.force_object().remove("kind");
                self.writer.write(WHO, Change::Patch { key, patch: object, subresource: None }).await?;
                Ok(())
            }
        }
    }

    /// Where an object of a manifest is stored.
    async fn key(&self, cluster: &ClusterName, object: &Value) -> anyhow::Result<Key> {
        let gvk = object.gvk();
        let catalog = self.registry.catalog(cluster).await?;
        let Some(resource) = catalog.of_kind(&gvk.group, &gvk.kind) else {
            bail!("{} {} is not served", gvk.api_version(), gvk.kind);
        };
        let text = |name: &str| object.str_at(&["metadata", name]).unwrap_or_default();
        let namespace = if resource.namespaced { Some(ObjectName::parse(text("namespace"))?) } else { None };
        let name = ObjectName::parse(text("name"))?;
        Ok(Key { resource: resource.key.clone(), cluster: cluster.clone(), namespace, name })
    }

    /// System CRDs and the shard's own policy.
    ///
    /// # Errors
    /// As [`Bootstrap::apply`].
    pub async fn system(&self) -> anyhow::Result<()> {
        let crds = bootstrap::system_crds().into_iter().map(established);
        self.apply(&ClusterName::system_crds(), crds).await?;
        self.apply(&ClusterName::system_admin(), bootstrap::system_admin()).await
    }

    /// The root logical cluster, and the keys of its exports. Gives the identity of each export.
    ///
    /// # Errors
    /// As [`Bootstrap::apply`].
    pub async fn root(&self, cache_apis: bool) -> anyhow::Result<Vec<(String, String)>> {
        let root = ClusterName::root();
        let (clusters, others): (Vec<_>, Vec<_>) = bootstrap::root_phase0(cache_apis)
            .into_iter()
            .partition(|object| object.str_at(&["kind"]) == Some("LogicalCluster"));
        self.apply(&root, clusters.into_iter().map(initializing)).await?;
        let namespace =
            value!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": (IDENTITY_NAMESPACE)}});
        self.apply(&root, [namespace]).await?;
        let mut identities = Vec::new();
        let (exports, others): (Vec<_>, Vec<_>) =
            others.into_iter().partition(|object| object.str_at(&["kind"]) == Some("APIExport"));
        let (bindings, schemas): (Vec<_>, Vec<_>) =
            others.into_iter().partition(|object| object.str_at(&["kind"]) == Some("APIBinding"));
        self.apply(&root, schemas).await?;
        for mut export in exports {
            let name = export.str_at(&["metadata", "name"]).unwrap_or_default().to_owned();
            let identity = self.identity(&root, &name).await?;
            let reference = value!({"name": (name.as_str()), "namespace": (IDENTITY_NAMESPACE)});
            export.set_at(&["spec", "identity", "secretRef"], reference);
            export.set_at(&["status", "identityHash"], identity.as_str().into());
            self.apply(&root, [export]).await?;
            identities.push((name, identity));
        }
        self.apply(&root, bindings).await?;
        Ok(identities)
    }

    /// The hash of an export's key, which is made if there is none.
    async fn identity(&self, cluster: &ClusterName, export: &str) -> anyhow::Result<String> {
        let key = Key {
            resource: ResourceKey::built_in("", "secrets"),
            cluster: cluster.clone(),
            namespace: Some(ObjectName::parse(IDENTITY_NAMESPACE)?),
            name: ObjectName::parse(export)?,
        };
        if self.registry.record(&key).await?.is_none() {
            let object = identity::secret(IDENTITY_NAMESPACE, export, &identity::generate());
            self.writer.write(WHO, Change::Create { key: key.clone(), object }).await?;
        }
        let record = self.registry.record(&key).await?.context("the identity secret is gone")?;
        let secret = codec::open(&key, &record)?;
        Ok(identity::hash_of_secret(&secret)?)
    }

    /// Waits until a logical cluster serves a resource.
    ///
    /// # Errors
    /// It takes too long.
    pub async fn served(&self, cluster: &ClusterName, group: &str, plural: &str) -> anyhow::Result<()> {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        while self.registry.catalog(cluster).await?.find(group, plural).is_none() {
            if tokio::time::Instant::now() > deadline {
                bail!("{plural}.{group} is not served in {cluster} after {PATIENCE:?}");
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        Ok(())
    }
}

/// A system CRD is served from the moment it is stored.
fn established(mut crd: Value) -> Value {
    let names = crd.at(&["spec", "names"]).cloned().unwrap_or_default();
    let stored: Vec<Value> = crd
        .at(&["spec", "versions"])
        .and_then(Value::as_array)
        .unwrap_or_default()
        .iter()
        .filter(|version| version.get("storage").and_then(Value::as_bool) == Some(true))
        .filter_map(|version| version.get("name").cloned())
        .collect();
    let now = kcp_apimachinery::time::Time::from_unix(0).map(|time| time.to_string()).unwrap_or_default();
    let condition = |kind: &str, reason: &str, message: &str| value!({"type": (kind), "status": "True", "reason": (reason), "message": (message), "lastTransitionTime": (now.as_str())});
    crd.set_at(&["status", "acceptedNames"], names);
    crd.set_at(&["status", "storedVersions"], Value::Array(stored));
    let conditions = vec![
        condition("NamesAccepted", "NoConflicts", "no conflicts found"),
        condition("Established", "InitialNamesAccepted", "the initial names have been accepted"),
    ];
    crd.set_at(&["status", "conditions"], Value::Array(conditions));
    crd
}

/// The root logical cluster begins to be initialized as soon as it is there.
fn initializing(mut cluster: Value) -> Value {
    let annotation = kcp_api::well_known::annotation::RESOURCE_BINDINGS;
    cluster.set_at(&["metadata", "annotations", annotation], "{}".into());
    cluster.set_at(&["status", "phase"], "Initializing".into());
    cluster
}

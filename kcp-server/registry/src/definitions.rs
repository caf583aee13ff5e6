//! Where catalogs come from: built-in kinds, system CRDs, APIBindings, and a cluster's own CRDs.
//!
//! Compiled definitions are shared. A catalog of one content exists once, however many logical
//! clusters have it, and so does a schema of one content.

use crate::{
    Catalog, Changing, ClusterCache, Error, Listing, Registry, Resource, Selection, Source, codec,
    definition::{self, is_established},
};
use kcp_apimachinery::{Value, value::encode};
use kcp_names::ClusterName;
use kcp_schema::Schema;
use kcp_storage::{Identity, Key, ObjectName, Range, ResourceKey};
use parking_lot::Mutex;
use quick_cache::sync::Cache;
use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash, Hasher},
    sync::{Arc, Weak},
};

/// Compiled definitions kept ready.
const DEFINITIONS: usize = 5_000;
/// Different catalogs kept ready.
const CATALOGS: usize = 2_000;

/// A compiled definition is of a key and an identity, and of the revision it was read at.
type Compiled = (Key, Identity, bool, kcp_names::Revision);

/// Compiles definitions and puts catalogs together.
pub struct Definitions {
    built_in: Vec<Arc<Resource>>,
    system: ClusterCache<Vec<Arc<Resource>>>,
    bound: ClusterCache<Option<Arc<Resource>>, (String, String, bool)>,
    compiled: Cache<Compiled, Arc<Resource>>,
    catalogs: Cache<u64, Arc<Catalog>>,
    schemas: Mutex<HashMap<u64, Weak<Schema>>>,
}

impl Definitions {
    /// Knows the built-in kinds.
    #[must_use]
    pub fn new(built_in: Vec<Arc<Resource>>) -> Self {
        Self {
            built_in,
            system: ClusterCache::new(1),
            bound: ClusterCache::new(DEFINITIONS),
            compiled: Cache::new(DEFINITIONS),
            catalogs: Cache::new(CATALOGS),
            schemas: Mutex::default(),
        }
    }

    /// Guards to be held while a CRD changes.
    pub(crate) fn changing(&self, key: &Key) -> Vec<Changing<'_>> {
        if key.cluster == ClusterName::system_crds() {
            vec![self.system.changing_everything(), self.bound.changing_everything()]
        } else if key.cluster == ClusterName::bound_crds() {
            vec![self.bound.changing_everything()]
        } else {
            Vec::new()
        }
    }

    /// The APIs of a logical cluster.
    pub(crate) async fn catalog(
        &self,
        registry: &Registry,
        cluster: &ClusterName,
    ) -> Result<Arc<Catalog>, Error> {
        let mut resources = self.built_in.clone();
        resources.extend(self.system(registry).await?.iter().cloned());
        if *cluster != ClusterName::system_crds() && *cluster != ClusterName::bound_crds() {
            resources.extend(self.bound_in(registry, cluster).await?);
            resources.extend(self.defined_in(registry, cluster).await?);
        }
        let id = Catalog::id_of(&resources);
        if let Some(catalog) = self.catalogs.get(&id) {
            return Ok(catalog);
        }
        let catalog = Arc::new(Catalog::new(&resources));
        self.catalogs.insert(id, catalog.clone());
        Ok(catalog)
    }

    async fn system(&self, registry: &Registry) -> Result<Arc<Vec<Arc<Resource>>>, Error> {
        let cluster = ClusterName::system_crds();
        self.system
            .get(&cluster, || async {
                Ok(Arc::new(self.defined_in(registry, &ClusterName::system_crds()).await?))
            })
            .await
    }

    /// Resources of the CRDs that a cluster holds itself.
    async fn defined_in(
        &self,
        registry: &Registry,
        cluster: &ClusterName,
    ) -> Result<Vec<Arc<Resource>>, Error> {
        let listing = all(registry, &Range::cluster(definitions(), cluster.clone())).await?;
        let mut found = Vec::new();
        for (key, record) in listing.items {
            let known = (key.clone(), Identity::Custom, false, record.modified);
            if let Some(resource) = self.compiled.get(&known) {
                found.push(resource);
                continue;
            }
            let crd = codec::open(&key, &record)?;
            if !is_established(&crd) {
                continue;
            }
            let terminating = crd.at(&["metadata", "deletionTimestamp"]).is_some();
            let source = Source::Definition { crd: key.name.to_string(), terminating };
            if let Some(resource) = self.compile(&crd, Identity::Custom, source) {
                self.compiled.insert(known, resource.clone());
                found.push(resource);
            }
        }
        Ok(found)
    }

    /// Resources that a cluster's APIBindings have bound.
    async fn bound_in(
        &self,
        registry: &Registry,
        cluster: &ClusterName,
    ) -> Result<Vec<Arc<Resource>>, Error> {
        let mut found = Vec::new();
        for (key, record) in all(registry, &Range::cluster(bindings(), cluster.clone())).await?.items {
            let binding = codec::open(&key, &record)?;
            let terminating = binding.at(&["metadata", "deletionTimestamp"]).is_some();
            for bound in bound_resources(&binding) {
                found.extend(self.bound(registry, &bound, terminating).await?);
            }
        }
        Ok(found)
    }

    /// The resource of a bound CRD under an identity; `None` while the CRD is not there or not established.
    pub(crate) async fn bound(
        &self,
        registry: &Registry,
        bound: &BoundResource,
        terminating: bool,
    ) -> Result<Option<Arc<Resource>>, Error> {
        let known = (bound.schema_uid.clone(), bound.identity.clone(), terminating);
        let build = || async {
            let Ok(name) = ObjectName::parse(&bound.schema_uid) else { return Ok(Arc::new(None)) };
            let key =
                Key { resource: definitions(), cluster: ClusterName::bound_crds(), namespace: None, name };
            let Some(record) = registry.record(&key).await? else { return Ok(Arc::new(None)) };
            let crd = codec::open(&key, &record)?;
            if !is_established(&crd) {
                return Ok(Arc::new(None));
            }
            let identity = Identity::Bound(bound.identity.as_str().into());
            Ok::<_, Error>(Arc::new(self.compile(&crd, identity, Source::Bound { terminating })))
        };
        Ok((*self.bound.get(&known, build).await?).clone())
    }

    /// A definition that cannot be compiled is told of in the log and not served: one tenant's mistake
    /// must not cost it its whole catalog.
    fn compile(&self, crd: &Value, identity: Identity, source: Source) -> Option<Arc<Resource>> {
        match definition::resource(crd, identity, source, |schema| self.schema(schema)) {
            Ok(resource) => Some(Arc::new(resource)),
            Err(error) => {
                tracing::warn!(%error, "not served");
                None
            }
        }
    }

    /// The compiled schema of this content.
    fn schema(&self, source: &Value) -> Result<Arc<Schema>, String> {
        let mut hash = DefaultHasher::new();
        encode(source).hash(&mut hash);
        let id = hash.finish();
        if let Some(schema) = self.schemas.lock().get(&id).and_then(Weak::upgrade) {
            return Ok(schema);
        }
        let schema = Schema::compile(source).map_err(|e| e.to_string())?;
        let mut schemas = self.schemas.lock();
        if schemas.len() >= DEFINITIONS {
            schemas.retain(|_, schema| schema.strong_count() > 0);
        }
        schemas.insert(id, Arc::downgrade(&schema));
        Ok(schema)
    }

    /// A built-in kind by its key.
    pub(crate) fn built_in(&self, key: &ResourceKey) -> Option<&Arc<Resource>> {
        self.built_in.iter().find(|resource| resource.key == *key)
    }
}

/// One entry of `status.boundResources`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BoundResource {
    /// API group.
    pub group: String,
    /// Plural name.
    pub resource: String,
    /// UID of the schema, which is the name of the bound CRD.
    pub schema_uid: String,
    /// Identity of the export.
    pub identity: String,
}

/// An export that a cluster has bound, and what it has from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BoundExport {
    /// Path of the export's workspace; empty: the cluster itself.
    pub path: String,
    /// Name of the export.
    pub name: String,
    /// Where the cluster's objects of its resources are.
    pub resources: Vec<ResourceKey>,
}

/// What a binding has bound.
#[must_use]
pub(crate) fn bound_resources(binding: &Value) -> Vec<BoundResource> {
    let entries = binding.at(&["status", "boundResources"]).and_then(Value::as_array).unwrap_or_default();
    let text = |entry: &Value, path: &[&str]| entry.str_at(path).unwrap_or_default().to_owned();
    entries
        .iter()
        .map(|entry| BoundResource {
            group: text(entry, &["group"]),
            resource: text(entry, &["resource"]),
            schema_uid: text(entry, &["schema", "UID"]),
            identity: text(entry, &["schema", "identityHash"]),
        })
        .collect()
}

impl Registry {
    /// The resource of one identity, wherever on the shard it is bound.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn bound_anywhere(
        &self,
        group: &str,
        resource: &str,
        identity: &str,
    ) -> Result<Option<Arc<Resource>>, Error> {
        let wanted = |bound: &BoundResource| {
            bound.group == group && bound.resource == resource && bound.identity == identity
        };
        let mut after: Option<Key> = None;
        loop {
            let page = self.store.range(&Range::everywhere(bindings()), after.as_ref(), 500, None).await?;
            after = page.items.last().map(|(key, _)| key.clone());
            for (key, record) in &page.items {
                for bound in bound_resources(&codec::open(key, record)?).iter().filter(|bound| wanted(bound))
                {
                    if let Some(found) = self.definitions.bound(self, bound, false).await? {
                        return Ok(Some(found));
                    }
                }
            }
            if !page.more {
                return Ok(None);
            }
        }
    }

    /// The exports that a cluster has its bound resources from.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn bound_exports(&self, cluster: &ClusterName) -> Result<Vec<BoundExport>, Error> {
        let mut exports = Vec::new();
        for (at, record) in all(self, &Range::cluster(bindings(), cluster.clone())).await?.items {
            let binding = codec::open(&at, &record)?;
            let text = |name| binding.str_at(&["spec", "reference", "export", name]).unwrap_or_default();
            let resources = bound_resources(&binding).into_iter().map(|bound| ResourceKey {
                group: bound.group.into(),
                resource: bound.resource.into(),
                identity: Identity::Bound(bound.identity.into()),
            });
            exports.push(BoundExport {
                path: text("path").to_owned(),
                name: text("name").to_owned(),
                resources: resources.collect(),
            });
        }
        Ok(exports)
    }

    /// Any definition of a group and resource, for lists of metadata over all of them.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn any_definition(&self, group: &str, resource: &str) -> Result<Option<Arc<Resource>>, Error> {
        let mut after: Option<Key> = None;
        loop {
            let page = self.store.range(&Range::everywhere(definitions()), after.as_ref(), 200, None).await?;
            after = page.items.last().map(|(key, _)| key.clone());
            for (key, record) in &page.items {
                let crd = codec::open(key, record)?;
                let names = crd.str_at(&["spec", "group"]) == Some(group)
                    && crd.str_at(&["spec", "names", "plural"]) == Some(resource);
                if names && is_established(&crd) {
                    let source = Source::Definition { crd: key.name.to_string(), terminating: false };
                    if let Some(found) = self.definitions.compile(&crd, Identity::Custom, source) {
                        return Ok(Some(found));
                    }
                }
            }
            if !page.more {
                return Ok(None);
            }
        }
    }

    /// The resource whose objects are stored under a key, wherever it is defined.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn of_key(&self, key: &ResourceKey) -> Result<Option<Arc<Resource>>, Error> {
        match &key.identity {
            Identity::BuiltIn => Ok(self.definitions.built_in(key).cloned()),
            Identity::Custom => match self.system_catalog().await?.stored_as(key) {
                Some(resource) => Ok(Some(resource.clone())),
                None => self.any_definition(&key.group, &key.resource).await,
            },
            Identity::Bound(identity) => self.bound_anywhere(&key.group, &key.resource, identity).await,
        }
    }
}

fn definitions() -> ResourceKey {
    ResourceKey::built_in("apiextensions.k8s.io", "customresourcedefinitions")
}

fn bindings() -> ResourceKey {
    ResourceKey::custom("apis.kcp.io", "apibindings")
}

async fn all(registry: &Registry, range: &Range) -> Result<Listing, Error> {
    registry.list(range, &Everything, 0, None, None).await
}

struct Everything;

impl Selection for Everything {
    fn is_everything(&self) -> bool {
        true
    }
    fn selects(&self, _object: &Value) -> bool {
        true
    }
}

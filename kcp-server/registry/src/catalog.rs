//! Which APIs a logical cluster has. Kinds are data: a built-in and a CRD are the same [`Resource`].

use kcp_schema::{
    Schema,
    builtin::{BuiltIn, Function},
};
use kcp_storage::{Identity, ResourceKey};
use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash, Hasher},
    sync::Arc,
};

/// One API resource as a logical cluster serves it. Shared by all clusters that have it.
pub struct Resource {
    /// API group, empty for the core group.
    pub group: Arc<str>,
    /// Plural name, as in URLs.
    pub plural: Arc<str>,
    /// Singular name.
    pub singular: Arc<str>,
    /// Kind.
    pub kind: Arc<str>,
    /// Kind of lists.
    pub list_kind: Arc<str>,
    /// Short names.
    pub short_names: Vec<String>,
    /// Categories, `all` and the like.
    pub categories: Vec<String>,
    /// Whether its objects live in namespaces.
    pub namespaced: bool,
    /// Where its objects are stored.
    pub key: ResourceKey,
    /// The versions that are served, most preferred first.
    pub versions: Vec<Arc<Version>>,
    /// The version objects are stored as: an entry of `versions`, or one that is not served any more.
    pub storage: Arc<Version>,
    /// Where the resource comes from.
    pub source: Source,
    /// Number that changes whenever anything above does.
    pub content: u64,
}

/// One version of a resource.
pub struct Version {
    /// `v1`
    pub name: Arc<str>,
    /// `<group>/<version>`, or the version alone in the core group.
    pub api_version: Arc<str>,
    /// What its objects look like.
    pub schema: Arc<Schema>,
    /// Verbs, as discovery lists them.
    pub verbs: Vec<&'static str>,
    /// Whether there is a `status` subresource.
    pub status: bool,
    /// Paths of the `scale` subresource.
    pub scale: Option<Scale>,
    /// Other subresources: `token`, `finalize`, `approval`, …
    pub subresources: Vec<Subresource>,
    /// Columns of tables; the first is the name.
    pub columns: Vec<Column>,
    /// Fields that field selectors may name besides the metadata's, as JSON paths.
    pub selectable: Vec<String>,
    /// Warning for whoever uses it, when it is deprecated.
    pub deprecation: Option<String>,
    /// Kubernetes' own kind of this group, version and name, also when a definition gives it: its clients know
    /// it, and expect strategic merge patches and its columns.
    pub known: Option<&'static BuiltIn>,
}

/// Where `scale` finds its numbers.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Scale {
    /// `.spec.replicas`
    pub spec_replicas: String,
    /// `.status.replicas`
    pub status_replicas: String,
    /// `.status.selector`
    pub selector: Option<String>,
}

/// A subresource beside `status` and `scale`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Subresource {
    /// Its name.
    pub name: &'static str,
    /// Kind of its body.
    pub kind: &'static str,
    /// Group of that kind when it is another.
    pub group: &'static str,
    /// Version of that kind.
    pub version: &'static str,
    /// Verbs.
    pub verbs: &'static [&'static str],
}

/// A column of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Heading.
    pub name: String,
    /// `string`, `integer`, `number`, `boolean`, `date`
    pub kind: String,
    /// OpenAPI format.
    pub format: String,
    /// 0: always shown.
    pub priority: i32,
    /// For people.
    pub description: String,
    /// Where the value is; empty when a function makes it.
    pub json_path: String,
    /// What makes the value, for built-in kinds.
    pub function: Option<Function>,
}

/// Where a resource comes from.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Source {
    /// Compiled into the server.
    BuiltIn,
    /// A CRD, of the cluster itself or of the system.
    Definition {
        /// Name of the CRD object.
        crd: String,
        /// The CRD is being deleted: nothing new may be created.
        terminating: bool,
    },
    /// An APIBinding.
    Bound {
        /// The binding is being deleted: nothing new may be created.
        terminating: bool,
    },
}

impl Resource {
    /// A served version by name.
    #[must_use]
    pub fn version(&self, name: &str) -> Option<&Arc<Version>> {
        self.versions.iter().find(|version| &*version.name == name)
    }

    /// `<plural>.<group>`, or the plural alone in the core group.
    #[must_use]
    pub fn qualified(&self) -> String {
        if self.group.is_empty() {
            self.plural.to_string()
        } else {
            format!("{}.{}", self.plural, self.group)
        }
    }

    /// Whether it is compiled into the server.
    #[must_use]
    pub fn is_built_in(&self) -> bool {
        self.key.identity == Identity::BuiltIn
    }

    /// Whether new objects are refused because the API is going away.
    #[must_use]
    pub fn is_terminating(&self) -> bool {
        match self.source {
            Source::BuiltIn => false,
            Source::Definition { terminating, .. } | Source::Bound { terminating, .. } => terminating,
        }
    }
}

/// All resources of a logical cluster. Clusters with the same resources share one.
pub struct Catalog {
    /// The resources, in the order that decides between equal names: built-ins, system CRDs, bound
    /// CRDs, CRDs of the cluster.
    pub resources: Vec<Arc<Resource>>,
    by_name: HashMap<(Arc<str>, Arc<str>), usize>,
    /// Equal for catalogs of the same content; discovery and OpenAPI documents are cached under it.
    pub id: u64,
}

impl Catalog {
    /// Puts resources together. The first of one group and plural hides the later ones, except that a
    /// CRD of the core group outranks a built-in.
    #[must_use]
    pub fn new(resources: &[Arc<Resource>]) -> Self {
        let mut catalog = Self { resources: Vec::new(), by_name: HashMap::new(), id: Self::id_of(resources) };
        for resource in resources.iter().cloned() {
            let name = (resource.group.clone(), resource.plural.clone());
            match catalog.by_name.get(&name) {
                None => {
                    catalog.by_name.insert(name, catalog.resources.len());
                    catalog.resources.push(resource);
                }
                Some(&at) if resource.group.is_empty() && catalog.resources[at].is_built_in() => {
                    catalog.resources[at] = resource;
                }
                Some(_) => {}
            }
        }
        catalog
    }

    /// What [`Catalog::id`] of these resources would be.
    #[must_use]
    pub fn id_of(resources: &[Arc<Resource>]) -> u64 {
        let mut hash = DefaultHasher::new();
        resources.iter().for_each(|resource| resource.content.hash(&mut hash));
        hash.finish()
    }

    /// The resource of a group and plural name.
    #[must_use]
    pub fn find(&self, group: &str, plural: &str) -> Option<&Arc<Resource>> {
        self.by_name.get(&(group.into(), plural.into())).map(|&at| &self.resources[at])
    }

    /// The resource whose objects are stored under a key.
    #[must_use]
    pub fn stored_as(&self, key: &ResourceKey) -> Option<&Arc<Resource>> {
        self.find(&key.group, &key.resource).filter(|resource| resource.key == *key)
    }

    /// The resource of a group and kind.
    #[must_use]
    pub fn of_kind(&self, group: &str, kind: &str) -> Option<&Arc<Resource>> {
        self.resources.iter().find(|resource| &*resource.group == group && &*resource.kind == kind)
    }
}

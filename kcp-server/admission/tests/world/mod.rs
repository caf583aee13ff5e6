//! A small shard in memory: what its logical clusters hold, and writes that pass every plugin.
#![allow(dead_code, reason = "each test file uses a part of it")]
#![allow(unreachable_pub, reason = "shared by the test files")]

use kcp_admission::{Operation, Plugin, Rejection, Request};
use kcp_apimachinery::{Value, value};
use kcp_authz::{Authorizer, BoundExport, BoxFuture, Error, LogicalCluster, Phase, Policies, Policy, User};
use kcp_index::{Index, LogicalClusterFacts, WorkspaceFacts};
use kcp_names::{ClusterName, ShardName};
use kcp_registry::{Deed, Registry, Resource, Source, Version, built_in_resources, codec};
use kcp_schema::Schema;
use kcp_storage::{Identity, Key, ObjectName, ResourceKey, memory::MemoryStore};
use parking_lot::Mutex;
use std::{collections::BTreeMap, future::Future, sync::Arc};

/// The shard.
pub struct World {
    registry: Arc<Registry>,
    index: Arc<Index>,
    rbac: Arc<Rbac>,
    plugins: Vec<Arc<dyn Plugin>>,
}

/// Someone writes something.
pub struct Attempt<'a> {
    pub user: &'a User,
    pub cluster: &'a str,
    pub resource: &'a Resource,
    pub namespace: Option<&'a str>,
    pub old: Option<&'a Value>,
}

impl World {
    pub fn new() -> Self {
        let registry = Registry::new(Arc::new(MemoryStore::default()), built_in_resources(false));
        let index = Arc::new(Index::of_shard(shard()));
        let rbac = Arc::new(Rbac::default());
        let authz = Authorizer::new(&kcp_authz::Options::default(), rbac.clone()).expect("default options");
        let plugins = kcp_admission::all(kcp_admission::World {
            registry: registry.clone(),
            index: index.clone(),
            authz: Arc::new(authz),
        });
        let world = Self { registry, index, rbac, plugins };
        world.cluster("root", "root", "root:root");
        world
    }

    /// A logical cluster of a type, at a path.
    pub fn cluster(&self, name: &str, path: &str, kind: &str) {
        let object = value!({
            "metadata": {"name": "cluster", "annotations": {"kcp.io/path": path, "internal.tenancy.kcp.io/type": kind}},
            "status": {"phase": "Ready"},
        });
        let cluster = ClusterName::parse(name).expect("a name");
        self.index.upsert_logical_cluster(&shard(), &cluster, &LogicalClusterFacts::read(&object));
        if let Some((parent, own)) = path.rsplit_once(':') {
            let found = self.index.resolve(&kcp_names::WorkspacePath::parse(parent).expect("a path"));
            let kcp_index::Resolved::Here { cluster: parent, .. } = found else { panic!("no {parent}") };
            let workspace = value!({
                "metadata": {"name": own, "annotations": {"core.kcp.io/shard": "amber"}},
                "spec": {"cluster": name}, "status": {"phase": "Ready"},
            });
            let facts = WorkspaceFacts::read(parent, &workspace).expect("a workspace");
            self.index.upsert_workspace(&shard(), &facts);
        }
        self.put(name, &logical_clusters(), None, object);
    }

    /// Stores an object as it is.
    pub fn put(&self, cluster: &str, resource: &Resource, namespace: Option<&str>, mut object: Value) {
        let name = object.meta().name().expect("a name").to_owned();
        let key = Key {
            resource: resource.key.clone(),
            cluster: ClusterName::parse(cluster).expect("a name"),
            namespace: namespace.map(|namespace| ObjectName::parse(namespace).expect("a name")),
            name: ObjectName::parse(&name).expect("a name"),
        };
        let closed = object.meta().is_deleting();
        let bytes = codec::seal(&mut object, codec::Seal { closed, ..codec::Seal::default() });
        let before = now(self.registry.record(&key)).expect("a store");
        let deed = before.map_or(Deed::Create(bytes.clone()), |record| Deed::Replace(record.modified, bytes));
        now(self.registry.commit(resource, &key, deed, None)).expect("it is stored");
    }

    /// Lets a user do something on `<resource>.<group>`, named.
    pub fn allow(&self, cluster: &str, user: &str, verb: &str, resource: &str, name: &str) {
        let (resource, group) = resource.split_once('.').unwrap_or((resource, ""));
        let role = format!("{user}-{verb}-{resource}-{name}").replace(':', "-");
        let rule =
            value!({"apiGroups": [group], "resources": [resource], "verbs": [verb], "resourceNames": [name]});
        let objects = [
            value!({"kind": "ClusterRole", "metadata": {"name": (role.as_str())}, "rules": [rule]}),
            value!({
                "kind": "ClusterRoleBinding", "metadata": {"name": (role.as_str())},
                "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": (role.as_str())},
                "subjects": [{"kind": "User", "name": user}],
            }),
        ];
        self.rbac.0.lock().entry(cluster.to_owned()).or_default().extend(objects);
    }

    /// What would be stored of an object that someone creates or, with `old`, updates.
    pub fn write(&self, attempt: &Attempt<'_>, mut object: Value) -> Result<Value, Rejection> {
        let operation = if attempt.old.is_some() { Operation::Update } else { Operation::Create };
        let name = object.meta().name().expect("a name").to_owned();
        let cluster = ClusterName::parse(attempt.cluster).expect("a name");
        let request = request(attempt, operation, &cluster, &name);
        for plugin in self.plugins.iter().filter(|plugin| plugin.handles(&request)) {
            now(plugin.mutate(&request, &mut object))?;
        }
        for plugin in self.plugins.iter().filter(|plugin| plugin.handles(&request)) {
            now(plugin.validate(&request, Some(&object)))?;
        }
        Ok(object)
    }

    /// Whether someone may delete an object.
    pub fn delete(&self, attempt: &Attempt<'_>) -> Result<(), Rejection> {
        let name = attempt.old.and_then(|old| old.meta().name()).expect("a name");
        let cluster = ClusterName::parse(attempt.cluster).expect("a name");
        let request = request(attempt, Operation::Delete, &cluster, name);
        let mut handling = self.plugins.iter().filter(|plugin| plugin.handles(&request));
        handling.try_for_each(|plugin| now(plugin.validate(&request, None)))
    }
}

fn request<'a>(
    attempt: &Attempt<'a>,
    operation: Operation,
    cluster: &'a ClusterName,
    name: &'a str,
) -> Request<'a> {
    Request {
        user: attempt.user,
        operation,
        cluster,
        resource: attempt.resource,
        version: &attempt.resource.storage,
        subresource: "",
        namespace: attempt.namespace,
        name,
        old: attempt.old,
        dry_run: false,
    }
}

/// The text of a refusal.
pub fn refusal<T: std::fmt::Debug>(result: Result<T, Rejection>) -> String {
    match result.expect_err("it is refused") {
        Rejection::Forbidden(text) | Rejection::Internal(text) => text,
        Rejection::Invalid(errors) => format!("{errors:?}"),
        Rejection::NotFound { resource, name } => format!("{resource} {name:?} not found"),
        Rejection::NamespaceTerminating(namespace) => format!("{namespace} is terminating"),
    }
}

pub fn alice() -> User {
    User::new("alice", &["system:authenticated"])
}

pub fn logical_clusters() -> Resource {
    custom("core.kcp.io", "v1alpha1", "logicalclusters", "LogicalCluster")
}

pub fn exports() -> Resource {
    custom("apis.kcp.io", "v1alpha2", "apiexports", "APIExport")
}

pub fn bindings() -> Resource {
    custom("apis.kcp.io", "v1alpha2", "apibindings", "APIBinding")
}

pub fn workspaces() -> Resource {
    bound("tenancy.kcp.io", "v1alpha1", "workspaces", "Workspace")
}

pub fn workspace_types() -> Resource {
    bound("tenancy.kcp.io", "v1alpha1", "workspacetypes", "WorkspaceType")
}

pub fn namespaces() -> Resource {
    resource(ResourceKey::built_in("", "namespaces"), "v1", "Namespace", false, Source::BuiltIn)
}

pub fn config_maps() -> Resource {
    resource(ResourceKey::built_in("", "configmaps"), "v1", "ConfigMap", true, Source::BuiltIn)
}

fn custom(group: &str, version: &str, plural: &str, kind: &str) -> Resource {
    let source = Source::Definition { crd: format!("{plural}.{group}"), terminating: false };
    resource(ResourceKey::custom(group, plural), version, kind, false, source)
}

fn bound(group: &str, version: &str, plural: &str, kind: &str) -> Resource {
    let identity = Identity::Bound("0123".into());
    let key = ResourceKey { identity, ..ResourceKey::custom(group, plural) };
    resource(key, version, kind, false, Source::Bound { terminating: false })
}

fn resource(key: ResourceKey, version: &str, kind: &str, namespaced: bool, source: Source) -> Resource {
    let api_version =
        if key.group.is_empty() { version.to_owned() } else { format!("{}/{version}", key.group) };
    let version = Arc::new(Version {
        name: version.into(),
        api_version: api_version.into(),
        schema: Schema::compile(&value!({"type": "object"})).expect("a schema"),
        verbs: Vec::new(),
        status: true,
        scale: None,
        subresources: Vec::new(),
        columns: Vec::new(),
        selectable: Vec::new(),
        deprecation: None,
        known: None,
    });
    Resource {
        group: (*key.group).into(),
        plural: (*key.resource).into(),
        singular: kind.to_lowercase().into(),
        kind: kind.into(),
        list_kind: format!("{kind}List").into(),
        short_names: Vec::new(),
        categories: Vec::new(),
        namespaced,
        key,
        versions: vec![version.clone()],
        storage: version,
        source,
        content: 0,
    }
}

/// Permissions by logical cluster.
#[derive(Default)]
struct Rbac(Mutex<BTreeMap<String, Vec<Value>>>);

impl Policies for Rbac {
    fn local<'a>(&'a self, cluster: &'a ClusterName) -> BoxFuture<'a, Result<Arc<Policy>, Error>> {
        let policy: Policy = self.0.lock().get(cluster.as_str()).into_iter().flatten().collect();
        Box::pin(async { Ok(Arc::new(policy)) })
    }

    fn logical_cluster<'a>(
        &'a self,
        _cluster: &'a ClusterName,
    ) -> BoxFuture<'a, Result<Option<LogicalCluster>, Error>> {
        Box::pin(async { Ok(Some(LogicalCluster { phase: Phase::Ready, annotations: BTreeMap::new() })) })
    }

    fn bound_export<'a>(
        &'a self,
        _cluster: &'a ClusterName,
        _group: &'a str,
        _resource: &'a str,
    ) -> BoxFuture<'a, Result<Option<BoundExport>, Error>> {
        Box::pin(async { Ok(None) })
    }
}

fn shard() -> ShardName {
    ShardName::parse("amber").expect("a name")
}

/// The answer of something that is in memory.
fn now<T>(answer: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(answer)
}

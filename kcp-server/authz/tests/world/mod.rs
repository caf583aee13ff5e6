//! A small installation in memory: who is who, and what each logical cluster holds.
#![allow(dead_code, reason = "each test file uses a part of it")]
#![allow(unreachable_pub, reason = "shared by the test files")]

use futures_util::FutureExt as _;
use kcp_apimachinery::{Value, value};
use kcp_authz::{
    Attributes, Authorizer, BoundExport, BoxFuture, Depth, Error, LogicalCluster, Options, Phase, Policies,
    Policy, Reach, ResourceTarget, Target, User, Verdict,
};
use kcp_names::ClusterName;
use std::{
    collections::BTreeMap,
    future::Future,
    sync::{Arc, LazyLock},
};

/// What is stored.
#[derive(Default)]
pub struct World {
    local: BTreeMap<String, Vec<Value>>,
    global: BTreeMap<String, Vec<Value>>,
    clusters: BTreeMap<String, LogicalCluster>,
    exports: BTreeMap<(String, String, String), BoundExport>,
    /// Every look-up fails.
    pub broken: bool,
}

static BOOTSTRAP: LazyLock<Vec<Value>> = LazyLock::new(|| {
    let manifests = [
        include_str!("../../../../config/kcp/system-admin/kcp.yaml"),
        include_str!("../../../../config/kcp/system-admin/kubernetes-roles.yaml"),
        include_str!("../../../../config/kcp/system-admin/kubernetes-bindings.yaml"),
    ];
    let objects = manifests
        .into_iter()
        .flat_map(|manifest| serde_saphyr::from_multiple::<serde_json::Value>(manifest).expect("YAML"));
    objects
        .map(|object| {
            let json = serde_json::to_vec(&object).expect("JSON");
            kcp_apimachinery::value::decode(&json).expect("an object")
        })
        .collect()
});

impl World {
    /// With `system:admin` as an installation starts with it. The role `view` is `viewer` here: the
    /// aggregated ones are empty until a controller fills them.
    pub fn new() -> Self {
        let mut world = Self::default();
        world.local.insert("system:admin".to_owned(), BOOTSTRAP.clone());
        world.role("system:admin", "viewer", rule(&["get", "list", "watch"], "", &["configmaps", "pods"]));
        world
    }

    pub fn cluster(&mut self, name: &str, phase: &str) -> &mut Self {
        let found = LogicalCluster { phase: Phase::read(phase), annotations: BTreeMap::new() };
        self.clusters.insert(name.to_owned(), found);
        self
    }

    pub fn requires(&mut self, cluster: &str, groups: &str) -> &mut Self {
        let found = self.clusters.get_mut(cluster).expect("a logical cluster");
        found.annotations.insert(LogicalCluster::REQUIRED_GROUPS.to_owned(), groups.to_owned());
        self
    }

    pub fn role(&mut self, cluster: &str, name: &str, rules: Value) -> &mut Self {
        self.object(cluster, value!({"kind": "ClusterRole", "metadata": {"name": (name)}, "rules": (rules)}))
    }

    pub fn bind(&mut self, cluster: &str, name: &str, role: &str, subject: &Value) -> &mut Self {
        self.object(cluster, binding("ClusterRoleBinding", "", name, role, subject))
    }

    pub fn bind_in(&mut self, cluster: &str, namespace: &str, role: &str, subject: &Value) -> &mut Self {
        self.object(cluster, binding("RoleBinding", namespace, "b", role, subject))
    }

    pub fn bind_globally(&mut self, cluster: &str, role: &str, subject: &Value) -> &mut Self {
        let object = binding("ClusterRoleBinding", "", "b", role, subject);
        self.global.entry(cluster.to_owned()).or_default().push(object);
        self
    }

    pub fn object(&mut self, cluster: &str, object: Value) -> &mut Self {
        self.local.entry(cluster.to_owned()).or_default().push(object);
        self
    }

    /// A binding in `cluster` that brings `resource.group`.
    pub fn export(&mut self, cluster: &str, resource: &str, group: &str, export: BoundExport) -> &mut Self {
        self.exports.insert((cluster.to_owned(), group.to_owned(), resource.to_owned()), export);
        self
    }

    pub fn authorizer(self) -> Authorizer {
        Authorizer::new(&Options::default(), Arc::new(self)).expect("default options")
    }

    fn answer<T>(&self, found: T) -> Result<T, Error> {
        if self.broken { Err(Error("the store is gone".into())) } else { Ok(found) }
    }
}

fn policy(objects: Option<&Vec<Value>>) -> Arc<Policy> {
    Arc::new(objects.into_iter().flatten().collect())
}

impl Policies for World {
    fn local<'a>(&'a self, cluster: &'a ClusterName) -> BoxFuture<'a, Result<Arc<Policy>, Error>> {
        Box::pin(async { self.answer(policy(self.local.get(cluster.as_str()))) })
    }

    fn global<'a>(&'a self, cluster: &'a ClusterName) -> BoxFuture<'a, Result<Arc<Policy>, Error>> {
        Box::pin(async { self.answer(policy(self.global.get(cluster.as_str()))) })
    }

    fn logical_cluster<'a>(
        &'a self,
        cluster: &'a ClusterName,
    ) -> BoxFuture<'a, Result<Option<LogicalCluster>, Error>> {
        Box::pin(async { self.answer(self.clusters.get(cluster.as_str()).cloned()) })
    }

    fn bound_export<'a>(
        &'a self,
        cluster: &'a ClusterName,
        group: &'a str,
        resource: &'a str,
    ) -> BoxFuture<'a, Result<Option<BoundExport>, Error>> {
        let key = (cluster.to_string(), group.to_owned(), resource.to_owned());
        Box::pin(async move { self.answer(self.exports.get(&key).cloned()) })
    }
}

fn binding(kind: &str, namespace: &str, name: &str, role: &str, subject: &Value) -> Value {
    let subject = subject.clone();
    value!({
        "kind": (kind),
        "metadata": {"name": (name), "namespace": (namespace)},
        "roleRef": {"kind": "ClusterRole", "name": (role)},
        "subjects": [(subject)]
    })
}

fn list(items: &[&str]) -> Value {
    items.iter().map(|&item| Value::from(item)).collect()
}

pub fn group(name: &str) -> Value {
    value!({"kind": "Group", "name": (name)})
}

pub fn user(name: &str) -> Value {
    value!({"kind": "User", "name": (name)})
}

pub fn rule(verbs: &[&str], group: &str, resources: &[&str]) -> Value {
    value!([{"verbs": (list(verbs)), "apiGroups": [(group)], "resources": (list(resources))}])
}

pub fn urls(paths: &[&str]) -> Value {
    value!([{"verbs": ["get"], "nonResourceURLs": (list(paths))}])
}

pub fn access() -> Value {
    value!([{"verbs": ["access"], "nonResourceURLs": ["/"]}])
}

pub fn all() -> Value {
    value!([
        {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]},
        {"verbs": ["*"], "nonResourceURLs": ["*"]}
    ])
}

/// Where: `-` for a bare URL, `*` for the wildcard, or a logical cluster.
pub fn reach(text: &str) -> Reach {
    match text {
        "-" => Reach::Nowhere,
        "*" => Reach::EveryCluster,
        name => Reach::Cluster(ClusterName::parse(name).expect("a cluster name")),
    }
}

/// What: `verb /path`, or `verb resource.group/subresource [namespace/]name`.
pub fn asks(user: User, place: &str, what: &str) -> Attributes {
    let mut words = what.split(' ');
    let (verb, target, name) =
        (words.next().expect("verb"), words.next().expect("target"), words.next().unwrap_or_default());
    let target = if target.starts_with('/') {
        Target::Path(target.to_owned())
    } else {
        let (target, subresource) = target.split_once('/').unwrap_or((target, ""));
        let (resource, group) = target.split_once('.').unwrap_or((target, ""));
        let (namespace, name) = name.split_once('/').unwrap_or(("", name));
        Target::Resource(ResourceTarget {
            group: group.to_owned(),
            version: "v1".to_owned(),
            resource: resource.to_owned(),
            subresource: subresource.to_owned(),
            namespace: namespace.to_owned(),
            name: name.to_owned(),
        })
    };
    Attributes { user, verb: verb.to_owned(), reach: reach(place), target }
}

/// Everything in this world is answered at once.
pub fn now<T>(answer: impl Future<Output = T>) -> T {
    answer.now_or_never().expect("nothing to wait for")
}

pub fn authorize(authorizer: &Authorizer, attributes: &Attributes) -> Verdict {
    now(authorizer.authorize(attributes, Depth::Whole)).expect("the facts are there")
}

/// `link decision reason`, one line for each link, outermost first.
pub fn trail(verdict: &Verdict) -> String {
    let lines: Vec<String> = verdict
        .trail
        .0
        .iter()
        .rev()
        .map(|entry| format!("{} {} {}", entry.link, entry.decision, entry.reason))
        .collect();
    lines.join("\n")
}

//! Objects that live and die with their owners, as a user with kubectl meets them.

use kcp_test_harness::{Kcp, Kubectl, eventually};

/// An object of the core kind ConfigMap, or of another, with owners and finalizers.
struct Thing<'t> {
    kind: &'t str,
    name: &'t str,
    owners: Vec<String>,
    held: bool,
}

fn map(name: &str) -> Thing<'_> {
    Thing { kind: "v1 ConfigMap", name, owners: Vec::new(), held: false }
}

impl<'t> Thing<'t> {
    fn of(mut self, kind: &'t str) -> Self {
        self.kind = kind;
        self
    }

    fn owned_by(mut self, owner: &Owner, blocks: bool) -> Self {
        let Owner { api, kind, name, uid } = owner;
        self.owners.push(format!(
            "{{apiVersion: {api}, kind: {kind}, name: {name}, uid: {uid}, blockOwnerDeletion: {blocks}}}"
        ));
        self
    }

    fn held(mut self) -> Self {
        self.held = true;
        self
    }

    fn create(&self, kubectl: &Kubectl) -> Owner {
        let (api, kind) = self.kind.split_once(' ').expect("a version and a kind");
        let (name, owners) = (self.name, self.owners.join(", "));
        let finalizers = if self.held { "example.io/held" } else { "" };
        let manifest = format!(
            "apiVersion: {api}\nkind: {kind}\n\
             metadata: {{name: {name}, ownerReferences: [{owners}], finalizers: [{finalizers}]}}\n"
        );
        let uid =
            kubectl.input(&["create", "-f", "-", "-o", "jsonpath={.metadata.uid}"], &manifest).success();
        Owner { api: api.to_owned(), kind: kind.to_owned(), name: name.to_owned(), uid }
    }
}

struct Owner {
    api: String,
    kind: String,
    name: String,
    uid: String,
}

fn gone(kubectl: &Kubectl, kind: &str, name: &str) -> bool {
    kubectl.run(&["get", kind, name, "--ignore-not-found", "-o", "name"]).success().is_empty()
}

fn owners(kubectl: &Kubectl, name: &str) -> String {
    let path = "jsonpath={.metadata.ownerReferences[*].name}";
    kubectl.run(&["get", "configmap", name, "-o", path]).success()
}

fn delete(kubectl: &Kubectl, name: &str, cascade: &str) {
    kubectl.run(&["delete", "configmap", name, &format!("--cascade={cascade}"), "--wait=false"]).success();
}

#[test]
fn dependents_go_after_before_or_not_with_their_owner() {
    let kcp = Kcp::start();
    let team = kcp.make_workspace("root", "team");

    let owner = map("background").create(&team);
    map("after").owned_by(&owner, true).create(&team);
    map("after-that").owned_by(&map("between").owned_by(&owner, false).create(&team), false).create(&team);
    delete(&team, "background", "background");
    for name in ["background", "after", "between", "after-that"] {
        eventually(name, || gone(&team, "configmap", name));
    }

    let owner = map("orphan").create(&team);
    map("stays").owned_by(&owner, true).create(&team);
    delete(&team, "orphan", "orphan");
    eventually("the owner goes", || gone(&team, "configmap", "orphan"));
    assert_eq!(owners(&team, "stays"), "", "nothing refers to what is gone");

    let owner = map("foreground").create(&team);
    map("blocks").owned_by(&owner, true).held().create(&team);
    map("does-not-block").owned_by(&owner, false).held().create(&team);
    delete(&team, "foreground", "foreground");
    let marked = |name: &str| {
        let path = "jsonpath={.metadata.deletionTimestamp}";
        !team.run(&["get", "configmap", name, "-o", path]).success().is_empty()
    };
    eventually("dependents go first", || marked("blocks") && marked("does-not-block"));
    assert!(!gone(&team, "configmap", "foreground"), "it waits");
    let release = r#"{"metadata": {"finalizers": null}}"#;
    team.run(&["patch", "configmap", "blocks", "--type=merge", "-p", release]).success();
    eventually("the owner goes when nothing blocks it", || gone(&team, "configmap", "foreground"));
    assert!(gone(&team, "configmap", "blocks") && !gone(&team, "configmap", "does-not-block"));
}

/// KINDS of one group, one of them cluster-scoped.
fn definition(plural: &str, kind: &str, scope: &str) -> String {
    format!(
        "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {{name: {plural}.example.io}}\n\
         spec:\n  group: example.io\n  scope: {scope}\n  names: {{plural: {plural}, kind: {kind}}}\n\
         \x20 versions: [{{name: v1, served: true, storage: true, schema: {{openAPIV3Schema: {{type: object}}}}}}]\n"
    )
}

#[test]
fn owners_are_of_any_kind() {
    let kcp = Kcp::start();
    let team = kcp.make_workspace("root", "team");
    for (plural, kind, scope) in [("gadgets", "Gadget", "Cluster"), ("widgets", "Widget", "Namespaced")] {
        team.input(&["create", "-f", "-"], &definition(plural, kind, scope)).success();
        let crd = format!("crd/{plural}.example.io");
        team.run(&["wait", "--for=condition=Established", &crd, "--timeout=60s"]).success();
    }
    let gadget = map("gadget").of("example.io/v1 Gadget").create(&team);
    let widget = map("widget").of("example.io/v1 Widget").owned_by(&gadget, false).create(&team);
    map("of-a-widget").owned_by(&widget, false).create(&team);
    let role = map("role").of("rbac.authorization.k8s.io/v1 ClusterRole").create(&team);
    map("of-a-role").owned_by(&role, false).create(&team);
    team.run(&["delete", "gadget", "gadget"]).success();
    team.run(&["delete", "clusterrole", "role"]).success();
    for name in ["of-a-widget", "of-a-role"] {
        eventually(name, || gone(&team, "configmap", name));
    }
    eventually("the object between has gone as well", || gone(&team, "widget", "widget"));
}

/// Nobody watches over references to what never was, but who has nothing else goes.
#[test]
fn owners_that_are_not_there_hold_nothing() {
    let kcp = Kcp::start();
    let (team, other) = (kcp.make_workspace("root", "team"), kcp.make_workspace("root", "other"));
    let nobody = Owner {
        api: "v1".to_owned(),
        kind: "ConfigMap".to_owned(),
        name: "nobody".to_owned(),
        uid: "00000000-0000-0000-0000-000000000000".to_owned(),
    };
    let solid = map("solid").create(&team);
    map("both").owned_by(&nobody, false).owned_by(&solid, false).create(&team);
    map("dangling").owned_by(&nobody, false).create(&team);
    eventually("it goes", || gone(&team, "configmap", "dangling"));
    eventually("the reference goes", || owners(&team, "both") == "solid");
    // The uid is there, but in another logical cluster.
    map("foreign").owned_by(&solid, false).create(&other);
    eventually("owners are in the same workspace", || gone(&other, "configmap", "foreign"));
    assert!(!gone(&team, "configmap", "both"));
}

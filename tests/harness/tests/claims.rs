//! What a consumer lets a provider see, and bindings that a workspace's type keeps, with kubectl.

use kcp_test_harness::{Kcp, Kubectl, eventually};

const EXPORT: &str = "
apiVersion: apis.kcp.io/v1alpha2
kind: APIExport
metadata: {name: audit, annotations: {extra.apis.kcp.io/color: blue}}
spec:
  permissionClaims:
  - {resource: configmaps, verbs: ['*']}
";

fn binding(state: &str) -> String {
    format!(
        "apiVersion: apis.kcp.io/v1alpha2\nkind: APIBinding\nmetadata: {{name: audit}}\nspec:\n\
         \x20 reference: {{export: {{path: root:provider, name: audit}}}}\n\
         \x20 permissionClaims: [{{resource: configmaps, verbs: ['*'], state: {state}, selector: {{matchAll: true}}}}]\n"
    )
}

fn claimed(kubectl: &Kubectl, name: &str) -> bool {
    let labels = kubectl.run(&["get", "configmap", name, "-o", "jsonpath={.metadata.labels}"]).success();
    labels.contains("claimed.internal.apis.kcp.io/")
}

#[test]
fn what_was_there_before_a_claim_is_claimed_too() {
    let kcp = Kcp::start();
    let provider = kcp.make_workspace("root", "provider");
    provider.input(&["create", "-f", "-"], EXPORT).success();
    let consumer = kcp.make_workspace("root", "consumer");
    consumer.run(&["create", "configmap", "before"]).success();
    consumer.input(&["create", "-f", "-"], &binding("Accepted")).success();
    let applied = "--for=condition=PermissionClaimsApplied";
    consumer.run(&["wait", applied, "apibinding/audit", "--timeout=60s"]).success();
    assert!(claimed(&consumer, "before"));
    consumer.run(&["create", "configmap", "after"]).success();
    assert!(claimed(&consumer, "after"));
    let path = r"jsonpath={.status.appliedPermissionClaims[*].resource} {.metadata.annotations.extra\.apis\.kcp\.io/color}";
    let said = || consumer.run(&["get", "apibinding", "audit", "-o", path]).success();
    assert_eq!(said(), "configmaps blue");
    consumer.input(&["apply", "-f", "-"], &binding("Rejected")).success();
    for name in ["before", "after"] {
        eventually(name, || !claimed(&consumer, name));
    }
    eventually("nothing is applied", || said() == " blue");
}

#[test]
fn a_type_keeps_the_bindings_of_its_workspaces() {
    let kcp = Kcp::start();
    let provider = kcp.make_workspace("root", "provider");
    provider.input(&["create", "-f", "-"], EXPORT).success();
    let kind = "apiVersion: tenancy.kcp.io/v1alpha1\nkind: WorkspaceType\nmetadata: {name: audited}\nspec:\n\
        \x20 extend: {with: [{name: universal, path: root}]}\n\
        \x20 defaultAPIBindings: [{path: root:provider, export: audit}]\n  defaultAPIBindingLifecycle: Maintain\n";
    kcp.admin().input(&["create", "-f", "-"], kind).success();
    let team = "apiVersion: tenancy.kcp.io/v1alpha1\nkind: Workspace\nmetadata: {name: team}\n\
        spec: {type: {name: audited, path: root}}\n";
    kcp.admin().input(&["create", "-f", "-"], team).success();
    let ready = "--for=jsonpath={.status.phase}=Ready";
    kcp.admin().run(&["wait", ready, "workspace/team", "--timeout=60s"]).success();
    let team = kcp.workspace("root:team");
    let name = || {
        let names = team.run(&["get", "apibindings", "-o", "name"]).success();
        names.lines().find(|name| name.contains("/audit-")).map(str::to_owned)
    };
    let uid = |name: &str| {
        team.run(&["get", name, "-o", "jsonpath={.metadata.uid}", "--ignore-not-found"]).success()
    };
    let binding = name().expect("a binding of the default export");
    let before = uid(&binding);
    team.run(&["delete", &binding]).success();
    eventually("it is made again", || !["", &before].contains(&&*uid(&binding)));
    let claims = r#"{"spec": {"permissionClaims": [{"resource": "secrets", "verbs": ["get"]}]}}"#;
    provider.run(&["patch", "apiexport", "audit", "--type=merge", "-p", claims]).success();
    let accepted = "jsonpath={.spec.permissionClaims[*].resource}";
    eventually("it accepts what is asked for now", || {
        team.run(&["get", &binding, "-o", accepted]).success() == "secrets"
    });
}

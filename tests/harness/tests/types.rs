//! WorkspaceTypes that extend one another, as a provider with kubectl meets them.

use kcp_test_harness::{Kcp, eventually};

fn workspace_type(name: &str, extends: &str) -> String {
    format!(
        "apiVersion: tenancy.kcp.io/v1alpha1\nkind: WorkspaceType\nmetadata: {{name: {name}}}\n\
         spec: {{initializer: true, extend: {{with: [{{name: {extends}, path: root}}]}}}}\n"
    )
}

fn workspace(name: &str, kind: &str) -> String {
    format!(
        "apiVersion: tenancy.kcp.io/v1alpha1\nkind: Workspace\nmetadata: {{name: {name}}}\n\
         spec: {{type: {{name: {kind}, path: root}}}}\n"
    )
}

/// Initializers are named base first, then that base's own bases, the type itself last; those of the server have
/// done their part meanwhile.
#[test]
fn initializers_wait_in_the_order_of_the_types() {
    let kcp = Kcp::start();
    let root = kcp.admin();
    for (name, extends) in [("upper", "middle"), ("middle", "lower"), ("lower", "universal")] {
        root.input(&["create", "-f", "-"], &workspace_type(name, extends)).success();
    }
    root.input(&["create", "-f", "-"], &workspace("ordered", "upper")).success();
    let waiting =
        || root.run(&["get", "workspace", "ordered", "-o", "jsonpath={.status.initializers}"]).success();
    eventually("only what nobody does is left", || {
        waiting() == r#"["root:middle","root:lower","root:upper"]"#
    });
    let phase = root.run(&["get", "workspace", "ordered", "-o", "jsonpath={.status.phase}"]).success();
    assert_eq!(phase, "Initializing");
}

#[test]
fn a_circle_of_types_is_told_and_makes_nothing() {
    let kcp = Kcp::start();
    let root = kcp.admin();
    for (name, extends) in [("chicken", "universal"), ("egg", "chicken")] {
        root.input(&["create", "-f", "-"], &workspace_type(name, extends)).success();
    }
    root.input(&["apply", "-f", "-"], &workspace_type("chicken", "egg")).success();
    let told = root.input(&["create", "-f", "-"], &workspace("farm", "egg")).failure();
    assert!(told.contains("circular dependency detected in workspace type"), "{told}");
    assert!(root.run(&["get", "workspace", "farm"]).failure().contains("not found"));
}

/// Whoever initializes or terminates workspaces of a type finds out where from the type.
#[test]
fn a_type_says_where_its_workspaces_are_initialized() {
    let kcp = Kcp::start();
    let team = kcp.make_workspace("root", "team");
    team.input(&["create", "-f", "-"], &workspace_type("kit", "universal")).success();
    team.run(&["wait", "--for=condition=VirtualWorkspaceURLsReady", "workspacetype/kit", "--timeout=60s"])
        .success();
    let cluster = kcp.admin().run(&["get", "workspace", "team", "-o", "jsonpath={.spec.cluster}"]).success();
    let path = "jsonpath={range .status.virtualWorkspaces[*]}{.type} {.url}{'\\n'}{end}";
    let urls = || team.run(&["get", "workspacetype", "kit", "-o", path]).success();
    let expected = |base: &str| {
        ["initializing", "terminating"]
            .map(|stage| format!("{stage} {base}/services/{stage}workspaces/{cluster}:kit\n"))
            .concat()
    };
    assert_eq!(urls(), expected(&kcp.url()));
    let moved = r#"{"spec": {"virtualWorkspaceURL": "https://elsewhere.example/"}}"#;
    kcp.admin().run(&["patch", "shard", "root", "--type=merge", "-p", moved]).success();
    eventually("the type follows its shard", || urls() == expected("https://elsewhere.example"));
}

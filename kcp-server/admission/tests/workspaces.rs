//! New workspaces: whose they are, of which type, and where they may be.

mod world;

use kcp_apimachinery::{Value, value};
use kcp_authz::User;
use world::{Attempt, World, alice, refusal, workspace_types, workspaces};

/// `root` with the types `org`, `team` (which is a `base`) and `closed`, and `root:acme` of type `org`.
fn acme() -> World {
    let world = World::new();
    let kind = |name: &str, spec: Value| {
        let object =
            value!({"metadata": {"name": name, "annotations": {"kcp.io/path": "root"}}, "spec": spec});
        world.put("root", &workspace_types(), None, object);
    };
    kind("org", value!({"defaultChildWorkspaceType": {"name": "team", "path": "root"}}));
    kind("base", value!({"limitAllowedParents": {"types": [{"name": "org", "path": "root"}]}}));
    kind(
        "team",
        value!({
            "extend": {"with": [{"name": "base", "path": "root"}]},
            "additionalWorkspaceLabels": {"color": "blue"}, "limitAllowedChildren": {"none": true},
            "defaultChildWorkspaceType": {"name": "org", "path": "root"},
        }),
    );
    world.cluster("acme1", "root:acme", "root:org");
    world.cluster("team1", "root:acme:team", "root:team");
    world
}

fn create(world: &World, user: &User, cluster: &str, spec: Value) -> Result<Value, kcp_admission::Rejection> {
    let attempt = Attempt { user, cluster, resource: &workspaces(), namespace: None, old: None };
    world.write(&attempt, value!({"metadata": {"name": "new"}, "spec": spec}))
}

#[test]
fn a_workspace_gets_its_type_from_its_parent_and_says_whose_it_is() {
    let world = acme();
    for kind in ["base", "team"] {
        world.allow("root", "alice", "use", "workspacetypes.tenancy.kcp.io", kind);
    }
    let made = create(&world, &alice(), "acme1", value!({})).expect("it is let through");
    assert_eq!(made.at(&["spec", "type"]), Some(&value!({"name": "team", "path": "root"})));
    assert_eq!(made.meta().label("color"), Some("blue"));
    let owner = made.meta().annotation("experimental.tenancy.kcp.io/owner");
    assert_eq!(owner, Some(r#"{"username":"alice","groups":["system:authenticated"]}"#));
}

#[test]
fn a_type_without_a_path_is_searched_for_on_the_way_up() {
    let world = acme();
    let nearer = value!({
        "metadata": {"name": "team", "annotations": {"kcp.io/path": "root:acme"}}, "spec": {}
    });
    world.put("acme1", &workspace_types(), None, nearer);
    world.allow("acme1", "alice", "use", "workspacetypes.tenancy.kcp.io", "team");
    let made = create(&world, &alice(), "acme1", value!({"type": {"name": "team"}})).expect("let through");
    assert_eq!(made.at(&["spec", "type"]), Some(&value!({"name": "team", "path": "root:acme"})));
    let nowhere = create(&world, &alice(), "acme1", value!({"type": {"name": "x"}}));
    assert_eq!(refusal(nowhere), "workspace type \"x\" cannot be resolved");
}

#[test]
fn a_type_needs_permission_for_all_that_it_extends() {
    let world = acme();
    world.allow("root", "alice", "use", "workspacetypes.tenancy.kcp.io", "team");
    let text = "unable to use workspace type root:base: missing verb='use' permission on workspacetype";
    assert_eq!(refusal(create(&world, &alice(), "acme1", value!({}))), text);
    let system = User::new("system:kcp:workspaces", &["system:masters"]);
    assert!(create(&world, &system, "acme1", value!({})).is_ok());
}

#[test]
fn a_type_says_where_its_workspaces_may_be() {
    let world = acme();
    for kind in ["base", "team", "org"] {
        world.allow("root", "alice", "use", "workspacetypes.tenancy.kcp.io", kind);
    }
    let within = |cluster: &str, kind: &str| {
        refusal(create(&world, &alice(), cluster, value!({"type": {"name": kind, "path": "root"}})))
    };
    let text = "workspace type root:team extends root:base, which only allows [root:org] parent workspaces, \
                but parent type root:team only implements [root:base root:team]";
    assert_eq!(within("team1", "team"), text);
    assert_eq!(within("team1", "org"), "workspace type root:team cannot have any child");
}

#[test]
fn the_place_of_a_workspace_is_the_systems() {
    let world = acme();
    let text = "spec.Cluster can only be set by system privileged users";
    assert_eq!(refusal(create(&world, &alice(), "acme1", value!({"cluster": "x"}))), text);
    let mount = value!({"mount": {"ref": {"apiVersion": "v1", "kind": "K", "name": "n"}}});
    let made = create(&world, &alice(), "acme1", mount).expect("it is let through");
    assert_eq!(made.at(&["spec", "type"]), None);
}

use super::*;
use crate::{
    conditions,
    world::{World, at, here, in_cluster},
};
use kcp_apimachinery::Value;

fn kinds() -> Kinds {
    Kinds { tenancy: "t".into(), topology: "o".into(), shards: "s".into() }
}

fn workspace() -> Key {
    at(kinds().workspaces(), "team")
}

fn child() -> Key {
    kinds::logical_cluster(&ClusterName::parse("child").expect("a name"))
}

fn claimed() -> Value {
    let mut object = value!({
        "metadata": {"finalizers": ["core.kcp.io/logicalcluster"]},
        "spec": {"type": {"name": "kit", "path": "root"}},
    });
    let mut annotate = |name: &str, text: &str| object.meta_mut().set_annotation(name, Some(text));
    annotate(annotation::CHOSEN_CLUSTER, "child");
    annotate(annotation::HOSTING_SHARD, "one");
    annotate(annotation::OWNER, r#"{"username":"alice","groups":["team"]}"#);
    object
}

/// A parent at `root:org` with a workspace of the type `kit`, which these initialize.
fn world(workspace_object: Value, kit: Value) -> World {
    let root = ClusterName::root();
    let mut parent = value!({"status": {"phase": "Ready"}});
    parent.meta_mut().set_annotation(annotation::PATH, Some("root:org"));
    World::new()
        .with(&kinds::logical_cluster(&here()), parent)
        .with(&in_cluster(&root, kinds().shards(), "one"), value!({"spec": {"externalURL": "https://one"}}))
        .with(&in_cluster(&root, kinds().workspace_types(), "kit"), value!({"spec": (kit)}))
        .with(&workspace(), workspace_object)
}

fn bindings() -> Value {
    value!({"defaultAPIBindings": [{"path": "root", "export": "tenancy.kcp.io"}]})
}

fn ready(cluster: &mut Value) {
    cluster.set_at(&["status", "phase"], "Ready".into());
    cluster.remove_at(&["status", "initializers"]);
}

fn phase(world: &World) -> Option<&str> {
    world.str_at(&workspace(), &["status", "phase"])
}

#[test]
fn what_only_we_initialize_is_ready_after_two_writes() {
    let (mut world, controller) = (world(claimed(), bindings()), Workspaces::new(kinds()));
    assert!(world.run(&controller, &workspace()).is_some(), "it is being initialized");
    assert_eq!(world.log, ["create logicalclusters cluster"]);
    world.edit(&child(), ready);
    assert_eq!(world.run(&controller, &workspace()), None);
    assert_eq!(world.log, ["create logicalclusters cluster", "update workspaces team"]);
    assert_eq!(phase(&world), Some("Ready"));
    assert_eq!(world.str_at(&workspace(), &["spec", "cluster"]), Some("child"));
    assert_eq!(world.str_at(&workspace(), &["spec", "URL"]), Some("https://one/clusters/root:org:team"));
    let found = world.get(&workspace()).expect("a workspace");
    assert!(conditions::is_true(found, "WorkspaceScheduled"));
    assert!(conditions::is_true(found, "WorkspaceInitialized"));
    assert_eq!(found.meta().annotation(annotation::OWNER), Some(r#"{"username":"alice"}"#));
}

#[test]
fn what_takes_long_is_shown_as_initializing() {
    let (mut world, controller) = (world(claimed(), bindings()), Workspaces::new(kinds()));
    world.run(&controller, &workspace());
    world.now += crate::initialize::PATIENCE;
    world.run(&controller, &workspace());
    assert_eq!(phase(&world), Some("Initializing"));
    assert_eq!(world.str_at(&workspace(), &["spec", "cluster"]), Some("child"));
}

#[test]
fn what_others_initialize_is_shown_as_initializing_at_once() {
    let (mut world, controller) = (world(claimed(), value!({"initializer": true})), Workspaces::new(kinds()));
    world.run(&controller, &workspace());
    assert_eq!(phase(&world), Some("Initializing"));
    assert_eq!(world.log, ["create logicalclusters cluster", "update workspaces team"]);
}

#[test]
fn a_logical_cluster_is_born_with_what_it_will_need() {
    let kit = value!({"terminator": true, "defaultAPIBindings": [{"path": "here", "export": "farm"}]});
    let export = value!({"spec": {"resources": [{"group": "farm.io", "name": "cows", "schema": "v1"}]}});
    let mut world = world(claimed(), kit).with(&at(kinds::api_exports(), "farm"), export);
    world.run(&Workspaces::new(kinds()), &workspace());
    let found = world.get(&child()).expect("a logical cluster");
    let locks = found.meta().annotation(annotation::RESOURCE_BINDINGS).expect("locks");
    assert!(locks.starts_with(r#"{"cows.farm.io":{"n":"farm-"#), "{locks}");
    assert_eq!(found.meta().annotation(annotation::PATH), Some("root:org:team"));
    assert_eq!(found.meta().annotation(annotation::TYPE), Some("root:kit"));
    assert_eq!(found.str_at(&["spec", "createdBy", "username"]), Some("alice"));
    assert_eq!(found.meta().label(label::PHASE), Some("Initializing"));
    assert!(found.meta().has_finalizer(finalizer::TERMINATORS));
}

#[test]
fn a_workspace_that_nobody_claimed_is_claimed() {
    let unclaimed = value!({"spec": {"type": {"name": "kit", "path": "root"}}});
    let (mut world, controller) = (world(unclaimed, bindings()), Workspaces::new(kinds()));
    world.run(&controller, &workspace());
    assert_eq!(world.log, ["patch workspaces team", "create logicalclusters cluster"]);
}

#[test]
fn a_name_that_somebody_else_has_is_given_back() {
    let taken = value!({"spec": {"owner": {"cluster": "else", "name": "x", "uid": "y"}}});
    let mut world = world(claimed(), bindings()).with(&child(), taken);
    world.run(&Workspaces::new(kinds()), &workspace());
    assert_eq!(world.log[..2], ["patch workspaces team", "patch workspaces team"], "released, claimed anew");
    let chosen = ["metadata", "annotations", annotation::CHOSEN_CLUSTER];
    assert_ne!(world.str_at(&workspace(), &chosen), Some("child"));
}

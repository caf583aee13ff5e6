use super::*;
use crate::world::{World, at, here, in_cluster, wakes};
use kcp_api::well_known::{annotation, label};
use kcp_apimachinery::value;
use kcp_names::ClusterName;

fn kinds() -> Kinds {
    Kinds { tenancy: "t".into(), topology: "o".into(), shards: "s".into() }
}

fn controller() -> Initialize {
    let namespaces = ["default", "kube-system"].map(|name| value!({"metadata": {"name": name}}));
    Initialize::new(kinds(), namespaces.into())
}

fn cluster() -> Key {
    kinds::logical_cluster(&here())
}

/// A new workspace of the type `kit`, which binds the export `farm` of `root` to cows.
fn world(initializers: &[&str]) -> World {
    let root = ClusterName::root();
    let initializers: Value = initializers.iter().map(|name| Value::from(*name)).collect();
    let mut object = value!({
        "spec": {"createdBy": {"username": "alice"}},
        "status": {"phase": "Initializing", "initializers": (initializers)},
    });
    object.meta_mut().set_annotation(annotation::TYPE, Some("root:kit"));
    object.meta_mut().set_annotation(annotation::RESOURCE_BINDINGS, Some("{}"));
    let kit = value!({"spec": {"defaultAPIBindings": [{"path": "root", "export": "farm"}]}});
    World::new().with(&cluster(), object).with(&in_cluster(&root, kinds().workspace_types(), "kit"), kit)
}

fn with_farm(world: World) -> World {
    let root = ClusterName::root();
    let export = value!({
        "spec": {"resources": [{"group": "farm.io", "name": "cows", "schema": "v1"}]},
        "status": {"identityHash": "f00"},
    });
    let schema = value!({"spec": {
        "group": "farm.io", "scope": "Cluster",
        "names": {"plural": "cows", "singular": "cow", "kind": "Cow", "listKind": "CowList"},
        "versions": [{"name": "v1", "served": true, "storage": true, "schema": {"type": "object"}}],
    }});
    world
        .with(&in_cluster(&root, kinds::api_exports(), "farm"), export)
        .with(&in_cluster(&root, kinds::api_resource_schemas(), "v1"), schema)
}

#[test]
fn everything_is_made_side_by_side_and_one_write_makes_it_ready() {
    let mut world = with_farm(world(&[UNIVERSAL, BINDINGS]));
    assert_eq!(world.run(&controller(), &cluster()), None);
    let (binding, written) = (world.log.remove(4), world.log.clone());
    assert!(binding.starts_with("create apibindings farm-"), "{binding}");
    assert_eq!(
        written,
        [
            // The first consumer of a shard, and whoever was born without locks, has two writes more.
            "patch logicalclusters cluster",
            "create customresourcedefinitions uid-of-v1",
            "create namespaces default",
            "create namespaces kube-system",
            "create clusterrolebindings workspace-admin",
            "update logicalclusters cluster",
        ]
    );
    let found = world.get(&cluster()).expect("there");
    assert_eq!(found.str_at(&["status", "phase"]), Some("Ready"));
    assert_eq!(
        (found.at(&["status", "initializers"]), found.meta().label(label::PHASE)),
        (None, Some("Ready"))
    );
}

#[test]
fn a_default_binding_is_born_bound() {
    let mut world = with_farm(world(&[BINDINGS]));
    world.run(&controller(), &cluster());
    let name = kcp_names::hash::default_binding_name(&here(), "root", "farm");
    let binding = at(kinds::api_bindings(), &name);
    assert_eq!(world.str_at(&binding, &["status", "phase"]), Some("Bound"));
    let before = world.log.len();
    world.run(&crate::ApiBindings::new(std::sync::Arc::default()), &binding);
    assert_eq!(world.log.len(), before, "nothing is left to do about it");
}

#[test]
fn what_others_initialize_is_left_to_them() {
    let mut world = with_farm(world(&["root:first", UNIVERSAL, BINDINGS, "root:last"]));
    world.run(&controller(), &cluster());
    let found = world.get(&cluster()).expect("there");
    assert_eq!(found.at(&["status", "initializers"]), Some(&value!(["root:first", "root:last"])));
    assert_eq!(found.str_at(&["status", "phase"]), Some("Initializing"));
    assert!(!is_pending(found) && !is_ours_alone(found));
}

#[test]
fn an_export_that_is_not_there_is_waited_for_and_told_of() {
    let mut world = world(&[UNIVERSAL, BINDINGS]);
    assert!(world.run(&controller(), &cluster()).is_some());
    let found = world.get(&cluster()).expect("there");
    assert_eq!(found.at(&["status", "initializers"]), Some(&value!([BINDINGS])), "the rest is done");
    assert!(conditions::find(found, "APIBindingsInitialized").is_none(), "not yet");
    world.now += PATIENCE;
    world.run(&controller(), &cluster());
    let found = world.get(&cluster()).expect("there");
    let condition = conditions::find(found, "APIBindingsInitialized").expect("a condition");
    assert_eq!(condition.str_at(&["reason"]), Some("WaitingOnAPIBindings"));
    assert_eq!(condition.str_at(&["severity"]), Some("Info"));
    let mut world = with_farm(world);
    let name = kcp_names::hash::default_binding_name(&here(), "root", "farm");
    world.run(&crate::ApiBindings::new(std::sync::Arc::default()), &at(kinds::api_bindings(), &name));
    world.run(&controller(), &cluster());
    let found = world.get(&cluster()).expect("there");
    assert_eq!(found.str_at(&["status", "phase"]), Some("Ready"));
    assert!(conditions::find(found, "APIBindingsInitialized").is_none());
}

#[test]
fn bindings_wake_the_logical_cluster_they_are_in() {
    let binding = at(kinds::api_bindings(), "any");
    assert_eq!(wakes(&controller(), &binding, None, Some(value!({}))), ["one logicalclusters cluster"]);
    let ready = value!({"status": {"phase": "Ready"}});
    assert!(wakes(&controller(), &cluster(), None, Some(ready)).is_empty());
}

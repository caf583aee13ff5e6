use super::*;
use crate::world::{World, at, in_cluster, wakes};
use kcp_apimachinery::value;

fn farm() -> ClusterName {
    ClusterName::parse("farm").expect("a name")
}

fn export() -> Key {
    in_cluster(&farm(), kinds::api_exports(), "animals")
}

fn schema(name: &str) -> Key {
    in_cluster(&farm(), kinds::api_resource_schemas(), name)
}

fn offers(schema: &str, storage: Value) -> Value {
    value!({
        "spec": {"resources": [{"group": "farm.io", "name": "cows", "schema": (schema), "storage": (storage)}]},
        "status": {"identityHash": "f00"},
    })
}

fn cows(stored: &str) -> Value {
    value!({
        "spec": {
            "group": "farm.io", "scope": "Cluster",
            "names": {"plural": "cows", "singular": "cow", "kind": "Cow", "listKind": "CowList"},
            "versions": [{"name": (stored), "served": true, "storage": true, "schema": {"type": "object"}}],
        },
    })
}

fn binds(path: &str) -> Value {
    value!({
        "metadata": {"finalizers": ["apis.kcp.io/apibinding-finalizer"]},
        "spec": {"reference": {"export": {"path": (path), "name": "animals"}}},
    })
}

fn world() -> (World, ApiBindings, Key) {
    let mut cluster = value!({});
    cluster.set_at(&["metadata", "annotations", annotation::RESOURCE_BINDINGS], "{}".into());
    let binding = at(kinds::api_bindings(), "animals");
    let world = World::new()
        .with(&kinds::logical_cluster(&crate::world::here()), cluster)
        .with(&export(), offers("v1", value!({"crd": {}})))
        .with(&schema("v1"), cows("v1"))
        .with(&schema("v2"), cows("v2"))
        .with(&binding, binds("farm"));
    (world, ApiBindings::new(Arc::default()), binding)
}

fn stored(world: &World, binding: &Key) -> Value {
    let bound = world.get(binding).and_then(|object| object.at(&["status", "boundResources"]));
    let bound = bound.and_then(Value::as_array).and_then(<[Value]>::first).expect("a bound resource");
    bound.get("storageVersions").cloned().expect("storage versions")
}

#[test]
fn a_binding_is_bound_in_one_go() {
    let (mut world, controller, binding) = world();
    assert_eq!(world.run(&controller, &binding), None);
    let crd = "create customresourcedefinitions uid-of-v1";
    assert_eq!(world.log, ["patch logicalclusters cluster", crd, "update apibindings animals"]);
    assert_eq!(world.str_at(&binding, &["status", "phase"]), Some("Bound"));
    let locks = &["metadata", "annotations", annotation::RESOURCE_BINDINGS];
    let cluster = kinds::logical_cluster(&crate::world::here());
    assert_eq!(world.str_at(&cluster, locks), Some(r#"{"cows.farm.io":{"n":"animals"}}"#));
}

#[test]
fn versions_that_were_stored_are_remembered() {
    let (mut world, controller, binding) = world();
    world.run(&controller, &binding);
    assert_eq!(stored(&world, &binding), value!(["v1"]));
    world.put(&export(), offers("v2", value!({"crd": {}})));
    assert_eq!(world.run(&controller, &binding), None);
    assert_eq!(stored(&world, &binding), value!(["v1", "v2"]));
    let crd = in_cluster(&ClusterName::bound_crds(), kinds::crds(), "uid-of-v2");
    world.edit(&crd, |crd| crd.set_at(&["status", "storedVersions"], value!(["v0", "v2"])));
    world.run(&controller, &binding);
    assert_eq!(stored(&world, &binding), value!(["v0", "v1", "v2"]));
}

#[test]
fn what_is_stored_elsewhere_has_no_versions() {
    let (mut world, controller, binding) = world();
    world.put(&export(), offers("v1", value!({"virtual": {"reference": {"kind": "Slice"}}})));
    world.run(&controller, &binding);
    assert_eq!(stored(&world, &binding), value!([]));
}

#[test]
fn an_export_wakes_its_own_bindings_only() {
    let (_, controller, binding) = world();
    let other = at(kinds::api_bindings(), "other");
    let elsewhere = in_cluster(&ClusterName::root(), kinds::api_bindings(), "by-path");
    for (key, path) in [(&binding, "farm"), (&other, "elsewhere"), (&elsewhere, "root:farm")] {
        assert_eq!(wakes(&controller, key, None, Some(binds(path))).len(), 1);
    }
    let check = |before: Option<Value>, after: Option<Value>, expected: &[&str]| {
        assert_eq!(wakes(&controller, &export(), before, after), expected);
    };
    let mut annotated = offers("v1", value!({"crd": {}}));
    annotated.set_at(&["metadata", "annotations", annotation::PATH], "root:farm".into());
    let changed = offers("v2", value!({"crd": {}}));
    check(Some(annotated.clone()), Some(changed), &["one apibindings animals"]);
    check(None, Some(annotated.clone()), &["one apibindings animals", "one apibindings by-path"]);
    check(Some(annotated.clone()), None, &["one apibindings animals", "one apibindings by-path"]);
    let mut status = annotated.clone();
    status.set_at(&["status", "conditions"], value!([{"type": "IdentityValid", "status": "True"}]));
    check(Some(annotated), Some(status), &[]);
}

#[test]
fn a_binding_that_serves_is_not_woken_by_its_own_status() {
    let (mut world, controller, binding) = world();
    let before = world.get(&binding).cloned();
    world.run(&controller, &binding);
    let bound = world.get(&binding).cloned();
    assert!(wakes(&controller, &binding, before, bound.clone()).is_empty());
    assert_eq!(wakes(&controller, &binding, bound, Some(binds("else"))).len(), 1);
}

#[test]
fn extra_annotations_of_the_export_are_repeated() {
    let (mut world, controller, binding) = world();
    let extra = |world: &World| {
        let annotations = world.get(&binding).expect("a binding").meta();
        let extra = annotations.annotations().filter(|(name, _)| name.starts_with("extra.apis.kcp.io/"));
        extra.map(|(name, text)| format!("{name}={text}")).collect::<Vec<_>>()
    };
    world.edit(&binding, |object| object.meta_mut().set_annotation("extra.apis.kcp.io/old", Some("x")));
    world.edit(&export(), |object| object.meta_mut().set_annotation("extra.apis.kcp.io/color", Some("blue")));
    world.run(&controller, &binding);
    assert_eq!(extra(&world), ["extra.apis.kcp.io/color=blue"]);
    world.delete(&export());
    world.run(&controller, &binding);
    assert!(extra(&world).is_empty());
}

#[test]
fn a_kind_that_a_definition_of_the_same_group_has_is_not_bound() {
    let taken = |group: &str| {
        let names = value!({"plural": "oxen", "singular": "ox", "kind": "Cow", "listKind": "OxList"});
        value!({"spec": {"group": (group)}, "status": {"acceptedNames": (names)}})
    };
    let check = |group: &str, expected: &str| {
        let (mut world, controller, binding) = world();
        world.put(&at(kinds::crds(), &format!("oxen.{group}")), taken(group));
        world.run(&controller, &binding);
        let found = world.get(&binding).expect("a binding");
        let reason = crate::conditions::find(found, "InitialBindingCompleted")
            .and_then(|condition| condition.str_at(&["reason"]))
            .unwrap_or_default();
        assert_eq!(reason, expected, "{group}");
    };
    check("farm.io", "NamingConflicts");
    check("other.io", "");
}

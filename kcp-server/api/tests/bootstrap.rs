//! What an installation starts with.

use kcp_api::{
    bootstrap::{self, Batteries},
    kinds,
};
use kcp_apimachinery::Value;
use std::collections::BTreeSet;

fn names(objects: &[Value], kind: &str) -> Vec<String> {
    let of_kind = objects.iter().filter(|object| object.str_at(&["kind"]) == Some(kind));
    of_kind.map(|object| object.meta().name().unwrap_or_default().to_owned()).collect()
}

fn find<'o>(objects: &'o [Value], kind: &str, name: &str) -> &'o Value {
    objects
        .iter()
        .find(|object| object.str_at(&["kind"]) == Some(kind) && object.meta().name() == Some(name))
        .unwrap_or_else(|| panic!("{kind} {name}"))
}

fn all() -> Vec<Vec<Value>> {
    let batteries = Batteries::parse(["workspace-types", "metrics-viewer"]).expect("known");
    vec![
        bootstrap::system_crds(),
        bootstrap::root_phase0(true),
        bootstrap::root_phase1(&batteries, &["system:authenticated".to_owned()]),
        bootstrap::system_admin(),
        bootstrap::system_shard(),
        bootstrap::universal(),
    ]
}

#[test]
fn every_list_is_complete_unique_and_in_order() {
    for objects in all() {
        let mut seen = BTreeSet::new();
        for object in &objects {
            let meta = object.meta();
            let name = meta.name().expect("a name");
            assert!(seen.insert((object.str_at(&["kind"]), meta.namespace(), name)), "{name} twice");
            assert!(object.str_at(&["apiVersion"]).is_some(), "{name}");
        }
        assert!(objects.is_sorted_by_key(bootstrap::weight));
    }
}

#[test]
fn exports_refer_to_schemas_that_are_there() {
    let objects = bootstrap::root_phase0(false);
    let schemas: BTreeSet<_> = names(&objects, "APIResourceSchema").into_iter().collect();
    assert_eq!(schemas.len(), 12);
    assert_eq!(names(&objects, "APIExport").len(), 5);
    for export in objects.iter().filter(|object| object.str_at(&["kind"]) == Some("APIExport")) {
        for resource in export.at(&["spec", "resources"]).and_then(Value::as_array).expect("resources") {
            let schema = resource.str_at(&["schema"]).expect("schema");
            let (name, group) = (resource.str_at(&["name"]), resource.str_at(&["group"]));
            assert!(schemas.contains(schema), "{schema}");
            assert!(kinds::find(name.expect("name"), group.expect("group")).is_some(), "{schema}");
        }
    }
}

#[test]
fn the_cache_is_bound_with_its_gate_only() {
    let without = ["shards.core.kcp.io", "tenancy.kcp.io", "topology.kcp.io"];
    assert_eq!(names(&bootstrap::root_phase0(false), "APIBinding"), without);
    assert_eq!(names(&bootstrap::root_phase0(true), "APIBinding").len(), 4);
}

#[test]
fn batteries_bring_types_and_the_metrics_viewer() {
    let bare = bootstrap::root_phase1(&Batteries::parse([]).expect("none"), &[]);
    assert_eq!(names(&bare, "WorkspaceType"), ["universal", "root", "home"]);
    assert_eq!(find(&bare, "WorkspaceType", "root").at(&["spec", "defaultChildWorkspaceType"]), None);
    assert!(names(&bare, "ServiceAccount").is_empty());
    let usual = bootstrap::root_phase1(&Batteries::default(), &["a".to_owned(), "b".to_owned()]);
    assert_eq!(names(&usual, "WorkspaceType"), ["universal", "root", "organization", "team", "home"]);
    let child = ["spec", "defaultChildWorkspaceType", "name"];
    assert_eq!(find(&usual, "WorkspaceType", "root").str_at(&child), Some("organization"));
    let homes =
        find(&usual, "ClusterRoleBinding", "system:kcp:configured-group:home-clusterworkspace-create");
    assert_eq!(homes.get("subjects").and_then(Value::as_array).expect("groups").len(), 2);
}

#[test]
fn bindings_of_roles_name_roles_that_are_there() {
    let admin = bootstrap::system_admin();
    let batteries = Batteries::parse(["metrics-viewer"]).expect("known");
    let root = bootstrap::root_phase1(&batteries, &[]);
    let everywhere: BTreeSet<_> = names(&admin, "ClusterRole").into_iter().collect();
    let in_root: BTreeSet<_> = names(&root, "ClusterRole").into_iter().collect();
    for binding in admin.iter().chain(&root) {
        if let Some(role) = binding.str_at(&["roleRef", "name"]) {
            assert!(everywhere.contains(role) || in_root.contains(role), "{role}");
        }
    }
}

#[test]
fn aggregating_roles_have_their_rules_from_the_start() {
    let admin = bootstrap::system_admin();
    let rules =
        |name| find(&admin, "ClusterRole", name).get("rules").and_then(Value::as_array).expect("rules");
    let (view, edit, all) = (rules("view"), rules("edit"), rules("admin"));
    assert!(view.iter().all(|rule| edit.contains(rule)), "edit includes view");
    assert!(edit.iter().all(|rule| all.contains(rule)), "admin includes edit");
    assert!(edit.len() > view.len() && all.len() > edit.len());
}

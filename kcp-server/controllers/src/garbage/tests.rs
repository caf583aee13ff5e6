use super::*;
use crate::{
    kinds,
    world::{World, at, here, wakes},
};
use kcp_apimachinery::value;
use kcp_reconcile::Propagation;
use kcp_storage::ResourceKey;

fn map(place: &str) -> Key {
    at(kinds::core("configmaps"), place)
}

fn world() -> World {
    World::new().serve("", "ConfigMap", kinds::core("configmaps"), true).serve(
        "",
        "Namespace",
        kinds::core("namespaces"),
        false,
    )
}

/// An owner reference to the config map `n/<name>`; `!` at the end blocks its deletion.
fn owner(name: &str) -> Value {
    let (name, blocks) = match name.strip_suffix('!') {
        Some(name) => (name, true),
        None => (name, false),
    };
    value!({"apiVersion": "v1", "kind": "ConfigMap", "name": (name), "uid": (format!("uid-of-n/{name}")), "blockOwnerDeletion": (blocks)})
}

fn owned(by: &[&str]) -> Value {
    let owners: Vec<Value> = by.iter().map(|name| owner(name)).collect();
    value!({"metadata": {"ownerReferences": (owners)}})
}

/// Runs the collector on all config maps of `n` until nothing changes any more.
fn settle(world: &mut World, collector: &GarbageCollector, names: &[&str]) {
    loop {
        let before = world.log.len();
        for name in names {
            world.run(collector, &map(&format!("n/{name}")));
        }
        if world.log.len() == before {
            return;
        }
    }
}

fn left(world: &World, names: &[&str]) -> String {
    let there = names.iter().filter(|name| world.get(&map(&format!("n/{name}"))).is_some());
    there.copied().collect::<Vec<_>>().join(" ")
}

fn owners_of(world: &World, name: &str) -> String {
    let object = world.get(&map(&format!("n/{name}"))).expect("an object");
    object.meta().owner_references().map(|owner| owner.name).collect::<Vec<_>>().join(" ")
}

/// Objects `name: owner owner, …` exist; `delete` is deleted; these are left in the end.
fn check(objects: &str, delete: &str, propagation: Propagation, expected: &str) -> World {
    let mut world = world();
    let mut names = Vec::new();
    for object in objects.split(',') {
        let (name, owners) = object.trim().split_once(':').expect("name: owners");
        world.put(&map(&format!("n/{name}")), owned(&owners.split_whitespace().collect::<Vec<_>>()));
        names.push(name);
    }
    let collector = GarbageCollector::default();
    settle(&mut world, &collector, &names);
    if !delete.is_empty() {
        world.delete_as(&map(&format!("n/{delete}")), propagation);
    }
    settle(&mut world, &collector, &names);
    assert_eq!(left(&world, &names), expected, "{objects}");
    world
}

#[test]
fn dependents_go_with_their_owners() {
    check("a:, b: a, c: b", "a", Propagation::Background, "");
    check("a:, b: a, c: b", "b", Propagation::Background, "a");
    check("a:, b: a, c:", "c", Propagation::Background, "a b");
}

#[test]
fn an_owner_that_never_was_is_none() {
    check("a: nobody, b: a", "", Propagation::Background, "");
}

#[test]
fn one_owner_that_stays_is_enough() {
    let world = check("a:, b:, c: a b", "a", Propagation::Background, "b c");
    assert_eq!(owners_of(&world, "c"), "b", "the reference to the one that is gone is dropped");
    check("a:, b:, c: a b!", "b", Propagation::Foreground, "a c");
}

#[test]
fn an_owner_of_the_same_name_is_another_one() {
    let mut world = world().with(&map("n/a"), value!({"metadata": {"uid": "new"}}));
    world.put(&map("n/b"), owned(&["a"]));
    settle(&mut world, &GarbageCollector::default(), &["a", "b"]);
    assert_eq!(left(&world, &["a", "b"]), "a");
}

#[test]
fn in_the_foreground_dependents_go_first() {
    let world = check("a:, b: a!, c: b!", "a", Propagation::Foreground, "");
    let gone = |name: &str| world.log.iter().rposition(|entry| entry.ends_with(name)).expect("changed");
    assert!(gone("n/c") < gone("n/b") && gone("n/b") < gone("n/a"), "{:?}", world.log);
    check("a:, b: a, c: b", "a", Propagation::Foreground, "");
}

#[test]
fn circles_do_not_wait_for_themselves() {
    check("a: b!, b: a!", "a", Propagation::Foreground, "");
    check("a: c!, b: a!, c: b!", "a", Propagation::Foreground, "");
    check("a: a!", "a", Propagation::Foreground, "");
}

#[test]
fn orphans_stay() {
    let world = check("a:, b: a!, c: a d, d:", "a", Propagation::Orphan, "b c d");
    assert_eq!((owners_of(&world, "b"), owners_of(&world, "c")), (String::new(), "d".to_owned()));
}

#[test]
fn owners_are_in_the_same_namespace_or_in_none() {
    let namespaced = value!({"metadata": {"ownerReferences": [{"apiVersion": "v1", "kind": "Namespace", "name": "x", "uid": "uid-of-x"}]}});
    let mut world = world()
        .with(&map("n/a"), value!({}))
        .with(&map("m/b"), owned(&["a"]))
        .with(&at(kinds::core("namespaces"), "x"), value!({}))
        .with(&map("n/c"), namespaced)
        .with(&at(kinds::core("namespaces"), "y"), owned(&["a"]));
    let collector = GarbageCollector::default();
    world.run(&collector, &map("m/b"));
    assert_eq!(world.get(&map("m/b")), None, "its owner would have to be in its namespace");
    assert_eq!(world.run(&collector, &map("n/c")), None);
    assert!(world.run(&collector, &at(kinds::core("namespaces"), "y")).is_some(), "that is no valid owner");
    assert!(world.get(&map("n/c")).is_some() && world.get(&at(kinds::core("namespaces"), "y")).is_some());
}

#[test]
fn owners_of_an_unknown_kind_may_be_there() {
    let object = value!({"metadata": {"ownerReferences": [{"apiVersion": "e.io/v1", "kind": "Widget", "name": "w", "uid": "u"}]}});
    let mut world = world().with(&map("n/a"), object);
    let why = world.run(&GarbageCollector::default(), &map("n/a"));
    assert_eq!(why.as_deref(), Some("nobody knows its owner, a Widget"));
    let mut world = world.serve("e.io", "Widget", ResourceKey::custom("e.io", "widgets"), true);
    world.run(&GarbageCollector::default(), &map("n/a"));
    assert_eq!(world.get(&map("n/a")), None);
}

#[test]
fn events_of_unrelated_objects_cost_nothing() {
    let collector = GarbageCollector::default();
    let event = |before, after| wakes(&collector, &map("n/a"), before, after);
    assert!(event(None, Some(value!({"data": {"a": "b"}}))).is_empty());
    assert_eq!(event(Some(value!({})), None), ["dependents uid-of-n/a"]);
    let (before, mut after) = (owned(&["b"]), owned(&["b"]));
    after.set_at(&["data"], value!({"a": "b"}));
    assert!(event(Some(before.clone()), Some(after)).is_empty(), "its owners are the same");
    assert_eq!(event(None, Some(before.clone())), ["one configmaps n/a"]);
    assert_eq!(event(Some(before), Some(value!({}))), [""; 0]);
}

#[test]
fn an_owner_that_waits_is_woken_by_its_dependents() {
    let collector = GarbageCollector::default();
    let deleting = value!({"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z", "finalizers": ["foregroundDeletion"]}});
    let marked = wakes(&collector, &map("n/a"), Some(value!({})), Some(deleting));
    assert_eq!(marked, ["one configmaps n/a", "dependents uid-of-n/a"]);
    let gone = wakes(&collector, &map("n/b"), Some(owned(&["a!"])), None);
    assert_eq!(gone, ["dependents uid-of-n/b", "one configmaps n/a"]);
    wakes(&collector, &map("n/a"), Some(value!({})), None);
    let gone = wakes(&collector, &map("n/c"), Some(owned(&["a!"])), None);
    assert_eq!(gone, ["dependents uid-of-n/c"], "nobody waits any more");
}

#[test]
fn what_referred_to_an_owner_just_before_its_end_is_found_without_the_index() {
    let collector = GarbageCollector::default();
    wakes(&collector, &map("n/b"), None, Some(owned(&["a"])));
    assert_eq!(collector.recent.dependents(&here(), "uid-of-n/a"), [map("n/b")]);
    let gone = wakes(&collector, &map("n/a"), Some(value!({})), None);
    assert_eq!(gone, ["dependents uid-of-n/a", "one configmaps n/b"]);
}

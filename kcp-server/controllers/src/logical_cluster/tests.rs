use super::*;
use crate::world::{World, here};
use kcp_api::well_known::{finalizer, label};
use kcp_apimachinery::value;

fn kinds() -> Kinds {
    Kinds { tenancy: "t".into(), topology: "o".into(), shards: "s".into() }
}

fn run(object: Value) -> (World, Value) {
    let at = kinds::logical_cluster(&here());
    let mut world = World::new().with(&at, object);
    world.run(&LogicalClusters::new(kinds(), "one"), &at);
    let found = world.get(&at).expect("there").clone();
    (world, found)
}

#[test]
fn without_initializers_it_is_ready_when_it_has_its_administrator() {
    let (world, found) = run(value!({
        "spec": {"createdBy": {"username": "alice"}}, "status": {"phase": "Initializing"},
    }));
    let writes = ["create clusterrolebindings workspace-admin", "update logicalclusters cluster"];
    assert_eq!(world.log, writes);
    assert_eq!(found.str_at(&["status", "phase"]), Some("Ready"));
    assert_eq!(found.meta().label(label::PHASE), Some("Ready"));
}

#[test]
fn what_is_to_be_initialized_is_copied_once() {
    let (_, found) = run(value!({"spec": {"initializers": ["root:kit"], "terminators": ["root:end"]}}));
    assert_eq!(found.at(&["status", "initializers"]), Some(&value!(["root:kit"])));
    assert_eq!(found.str_at(&["status", "phase"]), Some("Initializing"));
    assert!(found.meta().has_finalizer(finalizer::TERMINATORS));
    let labels: Vec<_> = found.meta().labels().map(|(key, _)| key.to_owned()).collect();
    assert_eq!(labels.iter().filter(|key| key.contains("initializer.internal")).count(), 1);
}

#[test]
fn it_sleeps_and_wakes_as_its_annotation_says() {
    let asleep =
        value!({"metadata": {"annotations": {"core.kcp.io/inactive": "true"}}, "status": {"phase": "Ready"}});
    assert_eq!(run(asleep).1.str_at(&["status", "phase"]), Some("Inactive"));
    let awake = value!({"status": {"phase": "Inactive"}});
    assert_eq!(run(awake).1.str_at(&["status", "phase"]), Some("Ready"));
}

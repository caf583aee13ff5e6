//! Bindings to exports, and the labels of what exports claim.

mod world;

use kcp_apimachinery::{Value, value};
use world::{Attempt, World, alice, bindings, config_maps, exports, namespaces, refusal};

const EXPORTS: &str = "apiexports.apis.kcp.io";

/// `root:farm` exports `cows`; `root:zoo` is somebody's workspace.
fn farm() -> World {
    let world = World::new();
    world.cluster("farm1", "root:farm", "root:org");
    world.cluster("zoo1", "root:zoo", "root:org");
    world.put("farm1", &exports(), None, value!({"metadata": {"name": "cows"}, "spec": {}}));
    world
}

fn binding(export: &str, state: &str) -> Value {
    value!({
        "apiVersion": "apis.kcp.io/v1alpha2", "kind": "APIBinding", "metadata": {"name": "b"},
        "spec": {
            "reference": {"export": {"path": "root:farm", "name": export}},
            "permissionClaims": [
                {"resource": "configmaps", "verbs": ["*"], "state": state, "selector": {"matchAll": true}}
            ],
        },
    })
}

fn bind(world: &World, old: Option<&Value>, new: Value) -> Result<Value, kcp_admission::Rejection> {
    let attempt = Attempt { user: &alice(), cluster: "zoo1", resource: &bindings(), namespace: None, old };
    world.write(&attempt, new)
}

#[test]
fn who_may_bind_gets_a_marked_binding() {
    let world = farm();
    let text = "unable to create APIBinding: no permission to bind to export root:farm:cows";
    assert_eq!(refusal(bind(&world, None, binding("cows", "Accepted"))), text);
    world.allow("farm1", "alice", "bind", EXPORTS, "cows");
    let made = bind(&world, None, binding("cows", "Accepted")).expect("it is let through");
    assert!(made.meta().has_finalizer("apis.kcp.io/apibinding-finalizer"));
    assert_eq!(made.meta().annotation("kcp.io/path"), Some("root:zoo"));
    let mark = made.meta().label("internal.apis.kcp.io/export").expect("a mark").to_owned();
    let mut forged = made.clone();
    forged.set_at(&["metadata", "labels", "internal.apis.kcp.io/export"], "x".into());
    let kept = bind(&world, Some(&made), forged).expect("it is let through");
    assert_eq!(kept.meta().label("internal.apis.kcp.io/export"), Some(mark.as_str()));
}

#[test]
fn an_export_that_is_not_there_looks_like_one_that_may_not_be_bound() {
    let world = farm();
    world.allow("farm1", "alice", "bind", EXPORTS, "pigs");
    let text = "unable to create APIBinding: no permission to bind to export root:farm:pigs";
    assert_eq!(refusal(bind(&world, None, binding("pigs", "Accepted"))), text);
}

fn labelled(world: &World, labels: Value) -> Vec<String> {
    let attempt = Attempt {
        user: &alice(),
        cluster: "zoo1",
        resource: &config_maps(),
        namespace: Some("default"),
        old: None,
    };
    let object = value!({"metadata": {"name": "a", "namespace": "default", "labels": labels}});
    let made = world.write(&attempt, object).expect("it is let through");
    made.meta().labels().map(|(key, _)| key.to_owned()).collect()
}

#[test]
fn claimed_objects_are_labelled_as_long_as_the_claim_is_accepted() {
    let world = farm();
    world.put("zoo1", &namespaces(), None, value!({"metadata": {"name": "default"}}));
    let forged = value!({"claimed.internal.apis.kcp.io/forged": "x", "app": "a"});
    assert_eq!(labelled(&world, forged.clone()), ["app"]);
    world.put("zoo1", &bindings(), None, binding("cows", "Accepted"));
    let labels = labelled(&world, forged.clone());
    assert_eq!(labels.len(), 2, "{labels:?}");
    assert!(labels.iter().any(|key| key.starts_with("claimed.internal.apis.kcp.io/")), "{labels:?}");
    world.put("zoo1", &bindings(), None, binding("cows", "Rejected"));
    assert_eq!(labelled(&world, forged), ["app"]);
}

//! The life of namespaces.

mod world;

use kcp_apimachinery::{Value, value};
use world::{Attempt, World, alice, config_maps, logical_clusters, namespaces, refusal};

fn create(world: &World, namespace: &str) -> Result<Value, kcp_admission::Rejection> {
    let attempt = Attempt {
        user: &alice(),
        cluster: "root",
        resource: &config_maps(),
        namespace: Some(namespace),
        old: None,
    };
    world.write(&attempt, value!({"metadata": {"name": "a", "namespace": namespace}}))
}

#[test]
fn objects_are_created_in_namespaces_that_stay() {
    let world = World::new();
    assert_eq!(refusal(create(&world, "x")), "namespaces \"x\" not found");
    world.put("root", &namespaces(), None, value!({"metadata": {"name": "x"}}));
    assert!(create(&world, "x").is_ok());
    let going = value!({"metadata": {"name": "x", "deletionTimestamp": "2026-01-01T00:00:00Z"}});
    world.put("root", &namespaces(), None, going);
    assert_eq!(refusal(create(&world, "x")), "x is terminating");
}

#[test]
fn some_namespaces_go_with_their_workspace_only() {
    let world = World::new();
    let delete = |name: &str| {
        let old = value!({"metadata": {"name": name}});
        let resource = namespaces();
        let (user, old) = (alice(), Some(&old));
        world.delete(&Attempt { user: &user, cluster: "root", resource: &resource, namespace: None, old })
    };
    assert_eq!(delete("mine"), Ok(()));
    assert_eq!(refusal(delete("default")), "this namespace may not be deleted");
    let going = value!({"metadata": {"name": "cluster", "deletionTimestamp": "2026-01-01T00:00:00Z"}});
    world.put("root", &logical_clusters(), None, going);
    assert_eq!(delete("default"), Ok(()));
}

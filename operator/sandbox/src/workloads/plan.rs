//! All controllers over one snapshot.

use jiff::Timestamp;
use k8s_openapi::api::{apps::v1::ReplicaSet, core::v1::Pod};
use serde_json::json;

use super::{
    Settings, claim, deployment, endpoints,
    objects::Key,
    replica_set, service, stateful_set,
    world::World,
    write::{Kind, Write},
};

/// What is to be written next. Empty when all is as it should be.
pub(crate) fn plan(world: &World, settings: &Settings, now: Timestamp) -> Vec<Write> {
    let mut writes = service::plan(&world.services, settings.services);
    writes.extend(claim::plan(&world.claims));
    for deployment in world.deployments.iter() {
        let uid = deployment.metadata.uid.as_deref().unwrap_or_default();
        let sets: Vec<&ReplicaSet> = world.replica_sets.controlled_by(uid).collect();
        let near = |pod: &&Pod| pod.metadata.namespace == deployment.metadata.namespace;
        let pods: Vec<&Pod> = world.pods.iter().filter(near).collect();
        writes.extend(deployment::plan(deployment, &sets, &pods, now));
    }
    for set in world.replica_sets.iter() {
        let uid = set.metadata.uid.as_deref().unwrap_or_default();
        let pods: Vec<&Pod> = world.pods.controlled_by(uid).collect();
        writes.extend(replica_set::plan(set, &pods, &settings.node, now));
    }
    for set in world.stateful_sets.iter() {
        let uid = set.metadata.uid.as_deref().unwrap_or_default();
        let pods: Vec<&Pod> = world.pods.controlled_by(uid).collect();
        writes.extend(stateful_set::plan(set, &pods, &world.claims, &settings.node, now));
    }
    writes.extend(endpoints::plan(world));
    writes.extend(schedule(world, &settings.node));
    writes
}

/// Pods that came without a node get ours, and the account that they act as.
fn schedule<'a>(world: &'a World, node: &'a str) -> impl Iterator<Item = Write> + 'a {
    let unbound = world.pods.iter().filter(|pod| {
        let bound =
            pod.spec.as_ref().and_then(|spec| spec.node_name.as_deref()).is_some_and(|n| !n.is_empty());
        !bound && pod.metadata.deletion_timestamp.is_none()
    });
    unbound.map(move |pod| Write::Patch {
        kind: Kind::Pod,
        key: Key::of(pod),
        body: json!({ "spec": { "nodeName": node, "serviceAccountName": account_of(pod) } }),
    })
}

fn account_of(pod: &Pod) -> &str {
    let named = pod.spec.as_ref().and_then(|spec| spec.service_account_name.as_deref());
    named.filter(|name| !name.is_empty()).unwrap_or("default")
}

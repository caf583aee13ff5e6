//! ReplicaSet → Pods: as many as wanted, no more.

use jiff::Timestamp;
use k8s_openapi::api::{
    apps::v1::{ReplicaSet, ReplicaSetStatus},
    core::v1::Pod,
};
use serde_json::json;

use super::{
    objects::Key,
    pods,
    write::{Kind, Object, Write},
};

/// At most so many pods are made or ended by one plan.
const BURST: usize = 50;

/// Brings the number of pods to the wanted one and reports on them. `pods` are those this set controls.
pub(crate) fn plan(set: &ReplicaSet, pods: &[&Pod], node: &str, now: Timestamp) -> Vec<Write> {
    let mut writes = Vec::new();
    if set.metadata.deletion_timestamp.is_none() {
        writes.extend(scale(set, pods, node));
    }
    writes.extend(report(set, pods, now));
    writes
}

fn scale(set: &ReplicaSet, pods: &[&Pod], node: &str) -> Vec<Write> {
    let wanted = usize::try_from(wanted(set)).unwrap_or(0);
    let mut active: Vec<&Pod> = pods.iter().copied().filter(|pod| pods::is_active(pod)).collect();
    let missing = wanted.saturating_sub(active.len()).min(BURST);
    let surplus = active.len().saturating_sub(wanted).min(BURST);
    active.sort_by_key(|pod| rank(pod));
    let made = (0..missing).map(|_| Write::Create(Box::new(Object::Pod(newborn(set, node)))));
    let ended = active.into_iter().take(surplus).map(|pod| Write::Delete {
        kind: Kind::Pod,
        key: Key::of(pod),
        uid: pod.metadata.uid.clone().unwrap_or_default(),
    });
    made.chain(ended).collect()
}

/// Who goes first: what is not ready, then the youngest.
fn rank(pod: &Pod) -> (bool, std::cmp::Reverse<Option<Timestamp>>) {
    let born = pod.metadata.creation_timestamp.as_ref().map(|time| time.0);
    (pods::is_ready(pod), std::cmp::Reverse(born))
}

fn newborn(set: &ReplicaSet, node: &str) -> Pod {
    let template = set.spec.as_ref().and_then(|spec| spec.template.clone()).unwrap_or_default();
    let namespace = set.metadata.namespace.as_deref().unwrap_or_default();
    let mut pod = pods::from_template(&template, pods::owned_by(set), namespace, node);
    pod.metadata.generate_name = Some(format!("{}-", set.metadata.name.as_deref().unwrap_or_default()));
    pod
}

fn report(set: &ReplicaSet, pods: &[&Pod], now: Timestamp) -> Option<Write> {
    let min_ready = set.spec.as_ref().and_then(|spec| spec.min_ready_seconds).unwrap_or(0);
    let active: Vec<&Pod> = pods.iter().copied().filter(|pod| pods::is_active(pod)).collect();
    let count = |test: &dyn Fn(&Pod) -> bool| count(active.iter().filter(|pod| test(pod)));
    let status = ReplicaSetStatus {
        replicas: count(&|_| true),
        fully_labeled_replicas: Some(count(&|_| true)),
        ready_replicas: Some(count(&pods::is_ready)),
        available_replicas: Some(count(&|pod| pods::is_available(pod, min_ready, now))),
        observed_generation: set.metadata.generation,
        ..ReplicaSetStatus::default()
    };
    (!same(set.status.as_ref().unwrap_or(&ReplicaSetStatus::default()), &status)).then(|| {
        Write::PatchStatus { kind: Kind::ReplicaSet, key: Key::of(set), body: json!({ "status": status }) }
    })
}

/// Counts into the type of the wire.
pub(crate) fn count<T>(items: impl Iterator<Item = T>) -> i32 {
    i32::try_from(items.count()).unwrap_or(i32::MAX)
}

/// A server may leave out zeros; that is no difference.
fn same(old: &ReplicaSetStatus, new: &ReplicaSetStatus) -> bool {
    old.replicas == new.replicas
        && old.fully_labeled_replicas.unwrap_or(0) == new.fully_labeled_replicas.unwrap_or(0)
        && old.ready_replicas.unwrap_or(0) == new.ready_replicas.unwrap_or(0)
        && old.available_replicas.unwrap_or(0) == new.available_replicas.unwrap_or(0)
        && old.observed_generation.unwrap_or(0) == new.observed_generation.unwrap_or(0)
}

/// How many pods the set should have.
pub(crate) fn wanted(set: &ReplicaSet) -> i32 {
    set.spec.as_ref().and_then(|spec| spec.replicas).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pod(name: &str, ready: bool) -> Pod {
        let ready = if ready { "True" } else { "False" };
        serde_json::from_value(json!({
            "metadata": { "name": name, "namespace": "ns", "uid": name },
            "status": { "phase": "Running", "conditions": [{ "type": "Ready", "status": ready }] },
        }))
        .unwrap()
    }

    fn check(replicas: i32, pods: &[Pod]) -> String {
        let set: ReplicaSet = serde_json::from_value(json!({
            "metadata": { "name": "web", "namespace": "ns", "uid": "u", "generation": 1 },
            "spec": { "replicas": replicas, "selector": {} },
            "status": { "replicas": pods.len(), "fullyLabeledReplicas": pods.len(), "observedGeneration": 1,
                        "readyReplicas": 1, "availableReplicas": 1 },
        }))
        .unwrap();
        let pods: Vec<&Pod> = pods.iter().collect();
        plan(&set, &pods, "node", Timestamp::UNIX_EPOCH).iter().map(|write| format!("{write}; ")).collect()
    }

    #[test]
    fn pods_are_made_and_ended_to_the_wanted_number() {
        assert_eq!(check(2, &[pod("a", true)]), "create Pod web-; ");
        assert_eq!(check(1, &[pod("a", true), pod("b", false)]), "delete Pod ns/b; ");
        assert_eq!(check(1, &[pod("a", true)]), "");
    }
}

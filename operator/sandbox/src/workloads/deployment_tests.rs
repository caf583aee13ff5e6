use serde_json::{Value, json};

use super::*;

fn deployment(image: &str, status: Value) -> Deployment {
    serde_json::from_value(json!({
        "metadata": { "name": "web", "namespace": "ns", "uid": "d", "generation": 2,
                      "annotations": { (REVISION): "1" } },
        "spec": {
            "replicas": 1,
            "selector": { "matchLabels": { "app": "web" } },
            "strategy": { "type": "RollingUpdate", "rollingUpdate": { "maxSurge": 1, "maxUnavailable": 0 } },
            "template": { "metadata": { "labels": { "app": "web" } },
                          "spec": { "containers": [{ "name": "c", "image": image }] } },
        },
        "status": status,
    }))
    .unwrap()
}

/// The set that a deployment of this image made, `replicas` wanted and available.
fn set_of(image: &str, revision: i64, replicas: i32) -> ReplicaSet {
    let made = deployment(image, json!({}));
    let spec = made.spec.as_ref().unwrap();
    let view = View { deployment: &made, spec, newest: None, old: Vec::new(), pods: &[] };
    let mut set = view.new_set(replicas);
    set.metadata.annotations.as_mut().unwrap().insert(REVISION.into(), revision.to_string());
    set.metadata.creation_timestamp = Some(Time(Timestamp::from_second(revision).unwrap()));
    set.metadata.uid = Some(format!("{image}-{revision}"));
    set.status = Some(
        serde_json::from_value(json!({ "replicas": replicas, "readyReplicas": replicas,
                                       "availableReplicas": replicas }))
        .unwrap(),
    );
    set
}

fn check(deployment: &Deployment, sets: &[ReplicaSet]) -> Vec<Write> {
    plan(deployment, &sets.iter().collect::<Vec<_>>(), &[], Timestamp::from_second(1000).unwrap())
}

fn status(writes: &[Write]) -> Value {
    let status = writes.iter().find_map(|write| match write {
        Write::PatchStatus { body, .. } => Some(body["status"].clone()),
        Write::Create(_) | Write::Patch { .. } | Write::Delete { .. } => None,
    });
    status.unwrap()
}

#[test]
fn a_new_template_gets_a_set_of_its_own() {
    let writes = check(&deployment("two", json!({})), &[set_of("one", 1, 1)]);
    let Write::Create(object) = &writes[0] else { panic!("{writes:?}") };
    let Object::ReplicaSet(set) = object.as_ref() else { panic!("{object}") };
    assert_eq!(wanted(set), 1);
    assert_eq!(revision(&set.metadata), 2);
    let hash = &set.metadata.labels.as_ref().unwrap()[HASH_LABEL];
    assert_eq!(set.metadata.name.as_deref().unwrap(), format!("web-{hash}"));
    let labels = set.spec.as_ref().unwrap().selector.match_labels.as_ref().unwrap();
    assert_eq!(labels.get(HASH_LABEL), Some(hash));
}

#[test]
fn a_finished_rollout_writes_nothing_more() {
    let mut sets = [set_of("one", 1, 1)];
    let first = check(&deployment("one", json!({})), &sets);
    let mut done = deployment("one", status(&first));
    done.metadata.annotations.as_mut().unwrap().insert(REVISION.into(), "1".into());
    sets[0].metadata.annotations.as_mut().unwrap().insert(REVISION.into(), "1".into());
    assert_eq!(check(&done, &sets), []);
    assert_eq!(done.status.unwrap().conditions.unwrap()[1].reason.as_deref(), Some("NewReplicaSetAvailable"));
}

#[test]
fn an_older_template_that_returns_becomes_the_newest_revision() {
    let sets = [set_of("one", 1, 0), set_of("two", 2, 1)];
    let writes: Vec<String> =
        check(&deployment("one", json!({})), &sets).iter().map(ToString::to_string).collect();
    let one = Key::of(&sets[0]);
    assert_eq!(writes[0], format!("patch ReplicaSet {one}"));
    assert_eq!(writes[1], "patch Deployment ns/web");
}

#[test]
fn a_rollout_without_progress_is_called_so_after_its_deadline() {
    let mut stuck = set_of("one", 1, 1);
    stuck.status = Some(serde_json::from_value(json!({ "replicas": 1 })).unwrap());
    let long_ago = "1970-01-01T00:00:00Z";
    let before = json!({
        "observedGeneration": 2, "replicas": 1, "updatedReplicas": 1, "unavailableReplicas": 1,
        "conditions": [{ "type": "Progressing", "status": "True", "reason": "ReplicaSetUpdated",
                         "lastUpdateTime": long_ago, "lastTransitionTime": long_ago }],
    });
    let writes = check(&deployment("one", before), &[stuck]);
    assert_eq!(status(&writes)["conditions"][1]["reason"], "ProgressDeadlineExceeded");
}

#[test]
fn history_beyond_the_limit_is_deleted_oldest_first() {
    let mut wanted = deployment("new", json!({}));
    wanted.spec.as_mut().unwrap().revision_history_limit = Some(1);
    let sets = [set_of("one", 1, 0), set_of("two", 2, 0), set_of("new", 3, 1)];
    let deleted: Vec<String> = check(&wanted, &sets)
        .iter()
        .filter(|write| matches!(write, Write::Delete { .. }))
        .map(ToString::to_string)
        .collect();
    assert_eq!(deleted, [format!("delete ReplicaSet {}", Key::of(&sets[0]))]);
}

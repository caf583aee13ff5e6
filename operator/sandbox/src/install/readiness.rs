//! Whether an object is ready, and in one line why not.

use k8s_openapi::{api::core::v1::Pod, apimachinery::pkg::apis::meta::v1::LabelSelector};
use kube::core::DynamicObject;
use serde_json::Value;

use crate::node::known::Known;

const INSTANCE: &str = "app.kubernetes.io/instance";
const COMPONENT: &str = "app.kubernetes.io/component";
/// Every container begins like this; that is no trouble.
const CREATING: &str = "ContainerCreating";

/// What can be said of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Readiness {
    /// It needs nothing but to exist.
    Plain,
    Ready,
    Waiting(String),
}

/// By the conventions of Kubernetes and of the operator: what has been observed, replicas, conditions, phases.
pub(super) fn of(object: &DynamicObject, known: &Known) -> Readiness {
    let (status, generation) = (&object.data["status"], object.metadata.generation);
    match object.types.as_ref().map(|types| types.kind.as_str()).unwrap_or_default() {
        "Deployment" | "StatefulSet" => workload(object, known),
        "CustomResourceDefinition" => condition(status, "Established"),
        "RootShard" | "Shard" | "FrontProxy" | "Kubeconfig" => {
            with_pods(phase(status, generation), object, known)
        }
        "CacheServer" | "VirtualWorkspace" if status.get("conditions").is_some() => {
            with_pods(condition(status, "Available"), object, known)
        }
        _ => Readiness::Plain,
    }
}

fn workload(object: &DynamicObject, known: &Known) -> Readiness {
    let (spec, status) = (&object.data["spec"], &object.data["status"]);
    let wanted = spec["replicas"].as_i64().unwrap_or(1);
    let count = |field: &str| status[field].as_i64().unwrap_or(0);
    let observed = status["observedGeneration"].as_i64() >= object.metadata.generation;
    let (updated, ready) = (count("updatedReplicas"), count("readyReplicas"));
    if observed && updated == wanted && ready == wanted && count("replicas") == wanted {
        return Readiness::Ready;
    }
    let namespace = object.metadata.namespace.as_deref();
    let selector: LabelSelector = serde_json::from_value(spec["selector"].clone()).unwrap_or_default();
    let pods = known.pods.iter().filter(|pod| pod.metadata.namespace.as_deref() == namespace);
    let trouble = pods.filter(|pod| selects(&selector, pod)).find_map(trouble);
    Readiness::Waiting(trouble.unwrap_or_else(|| format!("{ready} of {wanted} pods ready")))
}

/// The operator's pods carry the name of the object they are of; their trouble is its trouble.
fn with_pods(readiness: Readiness, object: &DynamicObject, known: &Known) -> Readiness {
    let Readiness::Waiting(why) = readiness else { return readiness };
    let of = |pod: &&Pod| {
        let labels = pod.metadata.labels.as_ref();
        pod.metadata.namespace == object.metadata.namespace
            && labels.and_then(|labels| labels.get(INSTANCE)) == object.metadata.name.as_ref()
            && labels.and_then(|labels| labels.get(COMPONENT)).is_some_and(|component| {
                let kind = object.types.as_ref().map(|types| types.kind.to_lowercase()).unwrap_or_default();
                component.replace('-', "") == kind
            })
    };
    match known.pods.iter().filter(of).find_map(trouble) {
        Some(trouble) => Readiness::Waiting(format!("{why}; {trouble}")),
        None => Readiness::Waiting(why),
    }
}

fn selects(selector: &LabelSelector, pod: &Pod) -> bool {
    let labels = pod.metadata.labels.as_ref();
    let mut wanted = selector.match_labels.iter().flatten();
    wanted.all(|(name, value)| labels.and_then(|labels| labels.get(name)) == Some(value))
}

/// The first thing that keeps a pod from being ready.
fn trouble(pod: &Pod) -> Option<String> {
    let status = pod.status.as_ref()?;
    let init = status.init_container_statuses.iter().flatten();
    let waiting = init.chain(status.container_statuses.iter().flatten()).find_map(|container| {
        let waiting = container.state.as_ref()?.waiting.as_ref()?;
        let last = container.last_state.as_ref().and_then(|last| last.terminated.as_ref());
        match last {
            // What it said last is more than that it will start again.
            Some(last) => {
                let said = last.message.as_deref().and_then(|message| message.trim().lines().last());
                Some(format!("ended with {}: {}", last.exit_code, said.unwrap_or("it said nothing")))
            }
            None => {
                waiting.message.clone().or_else(|| waiting.reason.clone().filter(|reason| reason != CREATING))
            }
        }
    })?;
    Some(format!("pod {}: {}", pod.metadata.name.as_deref().unwrap_or_default(), one_line(&waiting)))
}

fn phase(status: &Value, generation: Option<i64>) -> Readiness {
    let stale = |condition: &&Value| {
        condition["observedGeneration"].as_i64().is_some_and(|observed| Some(observed) < generation)
    };
    let conditions = status["conditions"].as_array().map(Vec::as_slice).unwrap_or_default();
    let failed = conditions.iter().find(|condition| condition["status"] == "False" || stale(condition));
    match (status["phase"].as_str(), failed) {
        (Some("Running" | "Ready"), None) => Readiness::Ready,
        (_, Some(failed)) => Readiness::Waiting(reason(failed)),
        (Some(phase), None) => Readiness::Waiting(format!("phase {phase}")),
        (None, None) => Readiness::Waiting("not looked at yet".to_owned()),
    }
}

fn condition(status: &Value, type_: &str) -> Readiness {
    let conditions = status["conditions"].as_array().map(Vec::as_slice).unwrap_or_default();
    match conditions.iter().find(|condition| condition["type"] == type_) {
        Some(condition) if condition["status"] == "True" => Readiness::Ready,
        Some(condition) => Readiness::Waiting(reason(condition)),
        None => Readiness::Waiting(format!("not {type_} yet")),
    }
}

fn reason(condition: &Value) -> String {
    let text = |field: &str| condition[field].as_str().filter(|text| !text.is_empty());
    one_line(text("message").or_else(|| text("reason")).unwrap_or("no reason given"))
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use kube::runtime::watcher::Event;
    use serde_json::json;

    use super::*;

    fn check(mut object: Value, expected: &str) {
        object["metadata"] = json!({ "name": "x", "namespace": "ns", "generation": 2 });
        object["apiVersion"] = json!("v1");
        let pod = json!({ "metadata": { "name": "p", "namespace": "ns", "labels": { "app": "bad" } },
            "status": { "containerStatuses": [{ "name": "c", "ready": false, "restartCount": 1, "image": "", "imageID": "",
                "state": { "waiting": { "reason": "CrashLoopBackOff", "message": "back-off 10s" } },
                "lastState": { "terminated": { "exitCode": 1, "message": "first\nno store\n" } } }] } });
        let mut known = Known::default();
        known.pods.observe(Event::Apply(serde_json::from_value(pod).unwrap()));
        let got = match of(&serde_json::from_value(object).unwrap(), &known) {
            Readiness::Plain => "plain".to_owned(),
            Readiness::Ready => "ready".to_owned(),
            Readiness::Waiting(why) => why,
        };
        assert_eq!(got, expected);
    }

    #[test]
    fn a_workload_is_ready_when_its_pods_are() {
        let counts = |ready: i64| {
            json!({ "observedGeneration": 2, "replicas": 1, "updatedReplicas": 1,
                                          "readyReplicas": ready })
        };
        let labels = |app: &str| json!({ "selector": { "matchLabels": { "app": app } } });
        check(json!({ "kind": "Deployment", "spec": labels("good"), "status": counts(1) }), "ready");
        check(
            json!({ "kind": "Deployment", "spec": labels("good"), "status": counts(0) }),
            "0 of 1 pods ready",
        );
        check(json!({ "kind": "Deployment", "spec": labels("good") }), "0 of 1 pods ready");
        check(
            json!({ "kind": "StatefulSet", "spec": labels("bad"), "status": counts(0) }),
            "pod p: ended with 1: no store",
        );
    }

    #[test]
    fn the_operators_objects_say_it_in_phases_and_conditions() {
        let available = |status: &str, message: &str| json!([{ "type": "Available", "status": status, "message": message, "observedGeneration": 2 }]);
        check(json!({ "kind": "RootShard" }), "not looked at yet");
        check(
            json!({ "kind": "RootShard", "status": { "phase": "Running", "conditions": available("True", "") } }),
            "ready",
        );
        check(
            json!({ "kind": "RootShard",
                    "status": { "phase": "Provisioning", "conditions": available("False", "no endpoints") } }),
            "no endpoints",
        );
        check(json!({ "kind": "Kubeconfig", "status": { "phase": "Provisioning" } }), "phase Provisioning");
        check(json!({ "kind": "ConfigMap" }), "plain");
    }
}

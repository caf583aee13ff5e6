use super::{each, empty, has, missing};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use kcp_apimachinery::Value;

pub(super) fn namespace(object: &mut Value) {
    if let Some(name) = object.meta().name().map(str::to_owned) {
        empty(object, &["metadata", "labels", "kubernetes.io/metadata.name"], &name);
    }
    empty(object, &["status", "phase"], "Active");
}

/// The type, and `stringData`, which is only a way to write `data`.
pub(super) fn secret(object: &mut Value) {
    empty(object, &["type"], "Opaque");
    let Some(Value::Object(texts)) = object.remove_at(&["stringData"]) else { return };
    for (key, text) in texts.iter().filter_map(|(key, text)| Some((key, text.as_str()?))) {
        object.set_at(&["data", key], STANDARD.encode(text).into());
    }
}

pub(super) fn service(object: &mut Value) {
    empty(object, &["spec", "sessionAffinity"], "None");
    if object.str_at(&["spec", "sessionAffinity"]) == Some("ClientIP") {
        missing(object, &["spec", "sessionAffinityConfig", "clientIP", "timeoutSeconds"], 10_800_i64);
    }
    empty(object, &["spec", "type"], "ClusterIP");
    for port in each(object, &["spec", "ports"]) {
        empty(port, &["protocol"], "TCP");
        if let Some(number) = port.get("port").cloned() {
            missing(port, &["targetPort"], number);
        }
    }
    let kind = object.str_at(&["spec", "type"]).unwrap_or_default().to_owned();
    if matches!(&*kind, "NodePort" | "LoadBalancer") {
        empty(object, &["spec", "externalTrafficPolicy"], "Cluster");
    }
    if matches!(&*kind, "NodePort" | "LoadBalancer" | "ClusterIP") {
        empty(object, &["spec", "internalTrafficPolicy"], "Cluster");
    }
    if kind == "LoadBalancer" {
        missing(object, &["spec", "allocateLoadBalancerNodePorts"], true);
    }
}

pub(super) fn node(object: &mut Value) {
    if let Some(capacity) = object.at(&["status", "capacity"]).cloned() {
        missing(object, &["status", "allocatable"], capacity);
    }
}

pub(super) fn persistent_volume(object: &mut Value) {
    empty(object, &["status", "phase"], "Pending");
    empty(object, &["spec", "persistentVolumeReclaimPolicy"], "Retain");
    missing(object, &["spec", "volumeMode"], "Filesystem");
    if has(object, &["spec", "hostPath"]) {
        missing(object, &["spec", "hostPath", "type"], "");
    }
}

pub(super) fn persistent_volume_claim(object: &mut Value) {
    empty(object, &["status", "phase"], "Pending");
    missing(object, &["spec", "volumeMode"], "Filesystem");
}

pub(super) fn endpoints(object: &mut Value) {
    for subset in each(object, &["subsets"]) {
        for port in each(subset, &["ports"]) {
            empty(port, &["protocol"], "TCP");
        }
    }
}

pub(super) fn endpoint_slice(object: &mut Value) {
    for port in each(object, &["ports"]) {
        missing(port, &["name"], "");
        missing(port, &["protocol"], "TCP");
    }
}

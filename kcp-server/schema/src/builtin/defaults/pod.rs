use super::{each, empty, has, missing};
use kcp_apimachinery::{Map, Value};

pub(super) fn pod(object: &mut Value) {
    for kind in ["containers", "initContainers"] {
        each(object, &["spec", kind]).for_each(requests_from_limits);
    }
    missing(object, &["spec", "enableServiceLinks"], true);
    if let Some(spec) = object.get_mut("spec") {
        pod_spec(spec);
    }
}

/// The pod of a template.
pub(super) fn template(template: &mut Value) {
    pod_spec(template.force_object().entry("spec"));
}

fn pod_spec(spec: &mut Value) {
    empty(spec, &["dnsPolicy"], "ClusterFirst");
    empty(spec, &["restartPolicy"], "Always");
    missing(spec, &["securityContext"], Map::new());
    missing(spec, &["terminationGracePeriodSeconds"], 30_i64);
    empty(spec, &["schedulerName"], "default-scheduler");
    // One is the old name of the other.
    if let Some(name) =
        spec.str_at(&["serviceAccountName"]).filter(|name| !name.is_empty()).map(str::to_owned)
    {
        spec.set_at(&["serviceAccount"], name.into());
    } else if let Some(name) = spec.str_at(&["serviceAccount"]).map(str::to_owned) {
        spec.set_at(&["serviceAccountName"], name.into());
    }
    let host_network = spec.get("hostNetwork").and_then(Value::as_bool).unwrap_or_default();
    for kind in ["containers", "initContainers", "ephemeralContainers"] {
        for one in each(spec, &[kind]) {
            container(one, host_network);
        }
    }
    each(spec, &["volumes"]).for_each(volume);
}

fn container(one: &mut Value, host_network: bool) {
    if one.str_at(&["imagePullPolicy"]).unwrap_or_default().is_empty() {
        let latest = is_latest(one.str_at(&["image"]).unwrap_or_default());
        one.set_at(&["imagePullPolicy"], if latest { "Always" } else { "IfNotPresent" }.into());
    }
    empty(one, &["terminationMessagePath"], "/dev/termination-log");
    empty(one, &["terminationMessagePolicy"], "File");
    missing(one, &["resources"], Map::new());
    for port in each(one, &["ports"]) {
        empty(port, &["protocol"], "TCP");
        if let Some(number) = port.get("containerPort").cloned().filter(|_| host_network) {
            missing(port, &["hostPort"], number);
        }
    }
    for variable in each(one, &["env"]) {
        if has(variable, &["valueFrom", "fieldRef"]) {
            empty(variable, &["valueFrom", "fieldRef", "apiVersion"], "v1");
        }
    }
    for name in ["livenessProbe", "readinessProbe", "startupProbe"] {
        if let Some(probe) = one.get_mut(name) {
            self::probe(probe);
        }
    }
    for name in ["postStart", "preStop"] {
        if has(one, &["lifecycle", name, "httpGet"]) {
            empty(one, &["lifecycle", name, "httpGet", "path"], "/");
            empty(one, &["lifecycle", name, "httpGet", "scheme"], "HTTP");
        }
    }
}

fn probe(probe: &mut Value) {
    for (name, value) in
        [("timeoutSeconds", 1), ("periodSeconds", 10), ("successThreshold", 1), ("failureThreshold", 3)]
    {
        if probe.get(name).and_then(Value::as_int).unwrap_or_default() == 0 {
            probe.set_at(&[name], Value::Int(value));
        }
    }
    if has(probe, &["httpGet"]) {
        empty(probe, &["httpGet", "path"], "/");
        empty(probe, &["httpGet", "scheme"], "HTTP");
    }
    if has(probe, &["grpc"]) {
        missing(probe, &["grpc", "service"], "");
    }
}

/// Whether an image has the tag `latest`, said or not.
fn is_latest(image: &str) -> bool {
    if image.contains('@') {
        return false;
    }
    let name = image.rsplit_once('/').map_or(image, |(_, name)| name);
    name.split_once(':').is_none_or(|(_, tag)| tag == "latest")
}

/// What is limited and not requested is requested as much as it is limited.
fn requests_from_limits(container: &mut Value) {
    let Some(Value::Object(limits)) = container.at(&["resources", "limits"]).cloned() else { return };
    for (resource, limit) in limits {
        missing(container, &["resources", "requests", &resource], limit);
    }
}

fn volume(volume: &mut Value) {
    let sources = volume.as_object().map_or(0, Map::len);
    if sources == 1 && has(volume, &["name"]) {
        volume.set_at(&["emptyDir"], Value::object());
    }
    for kind in ["secret", "configMap", "downwardAPI", "projected"] {
        if has(volume, &[kind]) {
            missing(volume, &[kind, "defaultMode"], 0o644_i64);
        }
    }
    each(volume, &["downwardAPI", "items"]).for_each(downward_item);
    for source in each(volume, &["projected", "sources"]) {
        each(source, &["downwardAPI", "items"]).for_each(downward_item);
        if has(source, &["serviceAccountToken"]) {
            missing(source, &["serviceAccountToken", "expirationSeconds"], 3600_i64);
        }
    }
    if has(volume, &["hostPath"]) {
        missing(volume, &["hostPath", "type"], "");
    }
    if has(volume, &["ephemeral", "volumeClaimTemplate"]) {
        missing(volume, &["ephemeral", "volumeClaimTemplate", "spec", "volumeMode"], "Filesystem");
    }
}

fn downward_item(item: &mut Value) {
    if has(item, &["fieldRef"]) {
        empty(item, &["fieldRef", "apiVersion"], "v1");
    }
}

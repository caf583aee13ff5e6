use super::{core::port_number, has, list, text};
use kcp_apimachinery::{
    Value,
    field::{Error, Path},
    names,
};

/// Members of a pod's `spec` that may change.
const CHANGEABLE: [&str; 3] = ["activeDeadlineSeconds", "tolerations", "terminationGracePeriodSeconds"];

pub(super) fn pod(new: &Value, old: Option<&Value>, errors: &mut Vec<Error>) {
    let at = Path::new("spec");
    let empty = Value::object();
    spec(new.get("spec").unwrap_or(&empty), &at, errors);
    let Some(old) = old else { return };
    let fixed = |pod: &Value| {
        let mut spec = pod.get("spec").cloned().unwrap_or_else(Value::object);
        for name in CHANGEABLE {
            spec.remove_at(&[name]);
        }
        for kind in ["containers", "initContainers"] {
            for container in spec.get_mut(kind).and_then(Value::as_array_mut).into_iter().flatten() {
                container.remove_at(&["image"]);
            }
        }
        // Assigning a pod to a node is a change of its own, and brings the account where admission named none.
        if text(old, &["spec", "nodeName"]).is_empty() {
            spec.remove_at(&["nodeName"]);
            if text(old, &["spec", "serviceAccountName"]).is_empty() {
                spec.remove_at(&["serviceAccountName"]);
                spec.remove_at(&["serviceAccount"]);
            }
        }
        spec.remove_at(&["ephemeralContainers"]);
        spec
    };
    if fixed(new) != fixed(old) {
        let detail = "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)";
        errors.push(Error::forbidden(&at, detail));
    }
}

/// What is wrong with the pod of a template.
pub(super) fn template(template: &Value, at: &Path<'_>, errors: &mut Vec<Error>) {
    let empty = Value::object();
    spec(template.get("spec").unwrap_or(&empty), &at.child("spec"), errors);
}

fn spec(spec: &Value, at: &Path<'_>, errors: &mut Vec<Error>) {
    let volumes = volumes(spec, at, errors);
    let mut seen = Vec::new();
    for kind in ["initContainers", "containers"] {
        let list_at = at.child(kind);
        let containers = list(spec, &[kind]);
        if containers.is_empty() && kind == "containers" {
            errors.push(Error::required(&list_at, ""));
        }
        for (index, one) in containers.iter().enumerate() {
            container(one, &volumes, &mut seen, &list_at.index(index), errors);
        }
    }
    let seconds = spec.get("activeDeadlineSeconds").and_then(Value::as_int);
    if let Some(seconds) = seconds.filter(|seconds| !(1..=i64::from(i32::MAX)).contains(seconds)) {
        let detail = "must be between 1 and 2147483647, inclusive";
        errors.push(Error::invalid(&at.child("activeDeadlineSeconds"), seconds, detail));
    }
    for name in ["serviceAccountName", "nodeName"] {
        let value = text(spec, &[name]);
        if !value.is_empty() {
            let wrong = names::dns1123_subdomain(value);
            errors.extend(wrong.into_iter().map(|wrong| Error::invalid(&at.child(name), value, wrong)));
        }
    }
}

fn volumes<'v>(spec: &'v Value, at: &Path<'_>, errors: &mut Vec<Error>) -> Vec<&'v str> {
    let at = at.child("volumes");
    let mut seen = Vec::new();
    for (index, volume) in list(spec, &["volumes"]).iter().enumerate() {
        let at = at.index(index);
        let name = text(volume, &["name"]);
        label(name, &at.child("name"), errors);
        if seen.contains(&name) {
            errors.push(Error::duplicate(&at.child("name"), name));
        }
        seen.push(name);
        let sources = volume.as_object().into_iter().flat_map(|map| map.keys()).filter(|key| *key != "name");
        match sources.count() {
            0 => errors.push(Error::required(&at, "must specify a volume type")),
            1 => {}
            _ => errors.push(Error::forbidden(&at, "may not specify more than 1 volume type")),
        }
    }
    seen
}

fn label(name: &str, at: &Path<'_>, errors: &mut Vec<Error>) {
    if name.is_empty() {
        errors.push(Error::required(at, ""));
    } else {
        errors.extend(names::dns1123_label(name).into_iter().map(|wrong| Error::invalid(at, name, wrong)));
    }
}

fn container<'v>(
    one: &'v Value,
    volumes: &[&str],
    seen: &mut Vec<&'v str>,
    at: &Path<'_>,
    errors: &mut Vec<Error>,
) {
    let name = text(one, &["name"]);
    label(name, &at.child("name"), errors);
    if !name.is_empty() && seen.contains(&name) {
        errors.push(Error::duplicate(&at.child("name"), name));
    }
    seen.push(name);
    let image = text(one, &["image"]);
    if image.is_empty() {
        errors.push(Error::required(&at.child("image"), ""));
    } else if image.trim() != image {
        let detail = "must not have leading or trailing whitespace";
        errors.push(Error::invalid(&at.child("image"), image, detail));
    }
    let ports = at.child("ports");
    for (index, port) in list(one, &["ports"]).iter().enumerate() {
        let at = ports.index(index);
        if has(port, &["containerPort"]) {
            port_number(port.get("containerPort"), &at.child("containerPort"), errors);
        } else {
            errors.push(Error::required(&at.child("containerPort"), ""));
        }
    }
    let environment = at.child("env");
    for (index, variable) in list(one, &["env"]).iter().enumerate() {
        if text(variable, &["name"]).is_empty() {
            errors.push(Error::required(&environment.index(index).child("name"), ""));
        }
        if has(variable, &["valueFrom"]) && !text(variable, &["value"]).is_empty() {
            let detail = "may not be specified when `value` is not empty";
            errors.push(Error::invalid(&environment.index(index).child("valueFrom"), "", detail));
        }
    }
    mounts(one, volumes, at, errors);
}

fn mounts(one: &Value, volumes: &[&str], at: &Path<'_>, errors: &mut Vec<Error>) {
    let at = at.child("volumeMounts");
    let mut paths = Vec::new();
    for (index, mount) in list(one, &["volumeMounts"]).iter().enumerate() {
        let at = at.index(index);
        let (name, path) = (text(mount, &["name"]), text(mount, &["mountPath"]));
        if name.is_empty() {
            errors.push(Error::required(&at.child("name"), ""));
        } else if !volumes.contains(&name) {
            errors.push(Error::not_found(&at.child("name"), name));
        }
        if path.is_empty() {
            errors.push(Error::required(&at.child("mountPath"), ""));
        } else if paths.contains(&path) {
            errors.push(Error::invalid(&at.child("mountPath"), path, "must be unique"));
        }
        paths.push(path);
    }
}

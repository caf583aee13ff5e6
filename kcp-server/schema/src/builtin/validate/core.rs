use super::{has, immutable, list, text};
use kcp_apimachinery::{
    Map, Value,
    field::{Error, Path},
    names,
};

/// Most bytes of the values of a ConfigMap or Secret.
const MAX_SIZE: usize = 1 << 20;
const WHEN_IMMUTABLE: &str = "field is immutable when `immutable` is set";

pub(super) fn config_map(new: &Value, old: Option<&Value>, errors: &mut Vec<Error>) {
    let (data, binary) = (map(new, "data"), map(new, "binaryData"));
    for (name, keys, other) in [("data", data, binary), ("binaryData", binary, data)] {
        let at = Path::new(name);
        for key in keys.into_iter().flat_map(|keys| keys.keys()) {
            bad_key(key, &at, errors);
            if name == "data" && other.is_some_and(|other| other.contains(key)) {
                errors.push(Error::invalid(&at.key(key), key, "duplicate of key present in binaryData"));
            }
        }
    }
    if size(data, false) + size(binary, true) > MAX_SIZE {
        errors.push(Error { field: "[]".into(), ..Error::too_long(&Path::root(), MAX_SIZE) });
    }
    if let Some(old) = old {
        when_immutable(new, old, &["data", "binaryData"], errors);
    }
}

pub(super) fn secret(new: &Value, old: Option<&Value>, errors: &mut Vec<Error>) {
    let data = map(new, "data");
    let at = Path::new("data");
    for key in data.into_iter().flat_map(|keys| keys.keys()) {
        bad_key(key, &at, errors);
    }
    if size(data, true) > MAX_SIZE {
        errors.push(Error::too_long(&at, MAX_SIZE));
    }
    secret_type(new, &at, errors);
    if let Some(old) = old {
        immutable(new, old, &["type"], errors);
        when_immutable(new, old, &["data"], errors);
    }
}

fn secret_type(new: &Value, at: &Path<'_>, errors: &mut Vec<Error>) {
    let there = |key: &str| new.at(&["data", key]).and_then(Value::as_str);
    let mut required = |key: &str| errors.push(Error::required(&at.key(key), ""));
    match text(new, &["type"]) {
        "kubernetes.io/service-account-token" => {
            let name = "kubernetes.io/service-account.name";
            if new.meta().annotation(name).is_none_or(str::is_empty) {
                let annotations = Path::new("metadata.annotations");
                errors.push(Error::required(&annotations.key(name), ""));
            }
        }
        "kubernetes.io/dockercfg" => docker_config(there(".dockercfg"), ".dockercfg", at, errors),
        "kubernetes.io/dockerconfigjson" => {
            docker_config(there(".dockerconfigjson"), ".dockerconfigjson", at, errors);
        }
        "kubernetes.io/basic-auth" if there("username").or(there("password")).is_none() => {
            required("username");
            required("password");
        }
        "kubernetes.io/ssh-auth" if there("ssh-privatekey").is_none_or(str::is_empty) => {
            required("ssh-privatekey");
        }
        "kubernetes.io/tls" => {
            for key in ["tls.crt", "tls.key"] {
                if there(key).is_none() {
                    required(key);
                }
            }
        }
        _ => {}
    }
}

fn docker_config(config: Option<&str>, key: &str, at: &Path<'_>, errors: &mut Vec<Error>) {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    let Some(config) = config else {
        errors.push(Error::required(&at.key(key), ""));
        return;
    };
    let bytes = STANDARD.decode(config).unwrap_or_default();
    if let Err(error) = kcp_apimachinery::value::decode(&bytes) {
        errors.push(Error::invalid(&at.key(key), "<secret contents redacted>", error.to_string()));
    }
}

fn map<'v>(object: &'v Value, name: &str) -> Option<&'v Map> {
    object.get(name).and_then(Value::as_object)
}

fn bad_key(key: &str, at: &Path<'_>, errors: &mut Vec<Error>) {
    errors
        .extend(names::config_map_key(key).into_iter().map(|wrong| Error::invalid(&at.key(key), key, wrong)));
}

/// Bytes of the values; of base64, those that it stands for.
fn size(map: Option<&Map>, base64: bool) -> usize {
    let length = |text: &str| {
        let padding = text.len() - text.trim_end_matches('=').len();
        if base64 { (text.len() / 4 * 3).saturating_sub(padding) } else { text.len() }
    };
    map.into_iter().flat_map(|map| map.iter()).filter_map(|(_, value)| value.as_str()).map(length).sum()
}

fn when_immutable(new: &Value, old: &Value, members: &[&str], errors: &mut Vec<Error>) {
    let set = |object: &Value| object.get("immutable") == Some(&Value::Bool(true));
    if !set(old) {
        return;
    }
    if !set(new) {
        errors.push(Error::forbidden(&Path::new("immutable"), WHEN_IMMUTABLE));
    }
    let empty = Map::new();
    for &name in members {
        if map(new, name).unwrap_or(&empty) != map(old, name).unwrap_or(&empty) {
            errors.push(Error::forbidden(&Path::new(name), WHEN_IMMUTABLE));
        }
    }
}

pub(super) fn namespace(new: &Value, errors: &mut Vec<Error>) {
    let at = Path::new("spec.finalizers");
    for (index, finalizer) in list(new, &["spec", "finalizers"]).iter().enumerate() {
        let name = finalizer.as_str().unwrap_or_default();
        let at = at.index(index);
        let wrong = names::qualified_name(name);
        errors.extend(wrong.into_iter().map(|wrong| Error::invalid(&at, name, wrong)));
        if !name.contains('/') && !matches!(name, "kubernetes" | "orphan" | "foregroundDeletion") {
            errors.push(Error::invalid(
                &at,
                name,
                "name is neither a standard finalizer name nor is it fully qualified",
            ));
        }
    }
}

/// Events of the core group: those with an event time are new ones, others are old.
pub(super) fn event(new: &Value, errors: &mut Vec<Error>) {
    event_under(new, "involvedObject", "message", errors);
}

fn event_under(new: &Value, about: &str, message: &str, errors: &mut Vec<Error>) {
    let namespace = new.meta().namespace().unwrap_or_default();
    let of_object = text(new, &[about, "namespace"]);
    let is_new = has(new, &["eventTime"]);
    let matches = match (of_object, is_new) {
        ("", false) => matches!(namespace, "" | "default"),
        ("", true) => matches!(namespace, "default" | "kube-system"),
        (of_object, false) => of_object == namespace,
        (_, true) => true,
    };
    if !matches {
        let at = Path::new("involvedObject.namespace");
        errors.push(Error::invalid(&at, of_object, "does not match event.namespace"));
    }
    if is_new {
        new_event_texts(new, message, errors);
    }
    let wrong = names::dns1123_subdomain(namespace);
    errors.extend(wrong.into_iter().map(|wrong| Error::invalid(&Path::new("namespace"), namespace, wrong)));
}

fn new_event_texts(new: &Value, message: &str, errors: &mut Vec<Error>) {
    // The newer API has shorter names for two of the fields; messages use the older ones.
    let controller =
        if has(new, &["reportingComponent"]) { "reportingComponent" } else { "reportingController" };
    let name = text(new, &[controller]);
    if name.is_empty() {
        errors.push(Error::required(&Path::new("reportingController"), ""));
    }
    let at = Path::new("reportingController");
    errors.extend(names::qualified_name(name).into_iter().map(|wrong| Error::invalid(&at, name, wrong)));
    for (member, most) in [("reportingInstance", 128), ("action", 128), ("reason", 128)] {
        let value = text(new, &[member]);
        if value.is_empty() {
            errors.push(Error::required(&Path::new(member), ""));
        }
        too_many_characters(value, most, member, errors);
    }
    too_many_characters(text(new, &[message]), 1024, "message", errors);
}

fn too_many_characters(value: &str, most: usize, member: &str, errors: &mut Vec<Error>) {
    if value.len() > most {
        errors.push(Error::invalid(&Path::new(member), "", format!("can have at most {most} characters")));
    }
}

/// Events of `events.k8s.io/v1`, which are always new ones.
pub(super) fn new_event(new: &Value, old: Option<&Value>, errors: &mut Vec<Error>) {
    event_under(new, "regarding", "note", errors);
    if old.is_none_or(|old| old.get("series") != new.get("series")) && has(new, &["series"]) {
        if new.at(&["series", "count"]).and_then(Value::as_int).unwrap_or_default() < 2 {
            errors.push(Error::invalid(&Path::new("series.count"), "", "should be at least 2"));
        }
        if !has(new, &["series", "lastObservedTime"]) {
            errors.push(Error::required(&Path::new("series.lastObservedTime"), ""));
        }
    }
    let Some(old) = old else {
        created_event(new, errors);
        return;
    };
    for member in [
        "regarding",
        "reason",
        "note",
        "type",
        "eventTime",
        "action",
        "related",
        "reportingController",
        "reportingInstance",
    ] {
        immutable(new, old, &[member], errors);
    }
}

fn created_event(new: &Value, errors: &mut Vec<Error>) {
    if !has(new, &["eventTime"]) {
        errors.push(Error::required(&Path::new("eventTime"), ""));
    }
    let kind = text(new, &["type"]);
    if !matches!(kind, "Normal" | "Warning") {
        errors.push(Error::invalid(&Path::new("type"), "", format!("has invalid value: {kind}")));
    }
    for (member, named) in [
        ("deprecatedFirstTimestamp", "firstTimestamp"),
        ("deprecatedLastTimestamp", "lastTimestamp"),
        ("deprecatedCount", "count"),
        ("deprecatedSource", "source"),
    ] {
        let unset = match new.get(member) {
            None | Some(Value::Null | Value::Int(0)) => true,
            Some(Value::Object(members)) => members.is_empty(),
            Some(Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::String(_) | Value::Array(_)) => {
                false
            }
        };
        if !unset {
            errors.push(Error::invalid(&Path::new(named), "", "needs to be unset"));
        }
    }
}

pub(super) fn resource_quota(new: &Value, errors: &mut Vec<Error>) {
    let at = Path::new("spec.hard");
    let hard = new.at(&["spec", "hard"]).and_then(Value::as_object);
    for (resource, quantity) in hard.into_iter().flat_map(|hard| hard.iter()) {
        let at = at.key(resource);
        let wrong = names::qualified_name(resource);
        errors.extend(wrong.into_iter().map(|wrong| Error::invalid(&at, resource, wrong)));
        let negative = match quantity {
            Value::Int(number) => *number < 0,
            Value::Float(number) => *number < 0.0,
            Value::String(text) => text.starts_with('-'),
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => false,
        };
        if negative {
            errors.push(Error::invalid(&at, quantity.clone(), "must be greater than or equal to 0"));
        }
    }
}

pub(super) fn service(new: &Value, errors: &mut Vec<Error>) {
    let kind = text(new, &["spec", "type"]);
    let ports = list(new, &["spec", "ports"]);
    let at = Path::new("spec.ports");
    let headless = text(new, &["spec", "clusterIP"]) == "None";
    if ports.is_empty() && !headless && kind != "ExternalName" {
        errors.push(Error::required(&at, ""));
    }
    for (index, port) in ports.iter().enumerate() {
        let at = at.index(index);
        let name = text(port, &["name"]);
        if name.is_empty() && ports.len() > 1 {
            errors.push(Error::required(&at.child("name"), ""));
        }
        if !name.is_empty() {
            let wrong = names::dns1123_label(name);
            errors.extend(wrong.into_iter().map(|wrong| Error::invalid(&at.child("name"), name, wrong)));
            if ports[..index].iter().any(|other| text(other, &["name"]) == name) {
                errors.push(Error::duplicate(&at.child("name"), name));
            }
        }
        port_number(port.get("port"), &at.child("port"), errors);
        let same = |other: &Value| {
            other.get("port") == port.get("port") && other.get("protocol") == port.get("protocol")
        };
        if ports[..index].iter().any(same) {
            let mut key = Map::new();
            for member in ["port", "protocol"] {
                key.insert(member, port.get(member).cloned().unwrap_or_default());
            }
            errors.push(Error::duplicate(&at, Value::Object(key)));
        }
    }
    if kind == "ExternalName" && text(new, &["spec", "externalName"]).is_empty() {
        errors.push(Error::required(&Path::new("spec.externalName"), ""));
    }
}

/// A port, from 1 to 65535.
pub(super) fn port_number(port: Option<&Value>, at: &Path<'_>, errors: &mut Vec<Error>) {
    let number = port.and_then(Value::as_int).unwrap_or_default();
    if !(1..=65535).contains(&number) {
        errors.push(Error::invalid(at, number, "must be between 1 and 65535, inclusive"));
    }
}

use super::{list, or_none, text};
use kcp_apimachinery::Value;

const ROLE: &str = "node-role.kubernetes.io/";

pub(super) fn status(object: &Value) -> Value {
    let conditions = list(object, &["status", "conditions"]);
    let ready = conditions.iter().find(|condition| text(condition, &["type"]) == "Ready");
    let mut status = match ready.map(|condition| text(condition, &["status"])) {
        Some("True") => "Ready",
        Some(_) => "NotReady",
        None => "Unknown",
    }
    .to_owned();
    if object.at(&["spec", "unschedulable"]) == Some(&Value::Bool(true)) {
        status += ",SchedulingDisabled";
    }
    status.into()
}

pub(super) fn roles(object: &Value) -> Value {
    let mut roles: Vec<&str> = Vec::new();
    for (label, value) in object.meta().labels() {
        match label.strip_prefix(ROLE) {
            Some(role) if !role.is_empty() => roles.push(role),
            Some(_) => {}
            None if label == "kubernetes.io/role" && !value.is_empty() => roles.push(value),
            None => {}
        }
    }
    roles.sort_unstable();
    or_none(&roles.join(","))
}

pub(super) fn address(object: &Value, kind: &str) -> Value {
    let mut addresses = list(object, &["status", "addresses"]).iter();
    let found = addresses.find(|address| text(address, &["type"]) == kind);
    or_none(found.map_or("", |address| text(address, &["address"])))
}

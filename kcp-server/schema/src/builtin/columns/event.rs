//! Events have two forms: that of the core group, and that of `events.k8s.io` with other names.

use super::{number, since, since_micro, text};
use kcp_apimachinery::{Value, time::Time};

/// A member under either name.
fn either<'v>(event: &'v Value, names: [&str; 2]) -> Option<&'v Value> {
    names.iter().find_map(|name| event.get(name)).filter(|value| !value.is_null())
}

pub(super) fn first_seen(event: &Value, now: Time) -> String {
    match either(event, ["firstTimestamp", "deprecatedFirstTimestamp"]) {
        Some(time) => since(Some(time), now),
        None => since_micro(event.get("eventTime").filter(|time| !time.is_null()), now),
    }
}

pub(super) fn last_seen(event: &Value, now: Time) -> String {
    if let Some(time) = event.at(&["series", "lastObservedTime"]) {
        return since_micro(Some(time), now);
    }
    match either(event, ["lastTimestamp", "deprecatedLastTimestamp"]) {
        Some(time) => since(Some(time), now),
        None => first_seen(event, now),
    }
}

/// Single events of the newer form have no count.
pub(super) fn count(event: &Value) -> Value {
    if event.get("series").is_some_and(|series| !series.is_null()) {
        return Value::Int(number(event, &["series", "count"]));
    }
    let count = either(event, ["count", "deprecatedCount"]).and_then(Value::as_int).unwrap_or_default();
    Value::Int(count.max(1))
}

pub(super) fn object(event: &Value) -> Value {
    let Some(about) = either(event, ["involvedObject", "regarding"]) else { return "".into() };
    let kind = text(about, &["kind"]).to_lowercase();
    match text(about, &["name"]) {
        "" => kind.into(),
        name => format!("{kind}/{name}").into(),
    }
}

pub(super) fn message(event: &Value) -> Value {
    either(event, ["message", "note"]).and_then(Value::as_str).unwrap_or_default().trim().into()
}

pub(super) fn source(event: &Value) -> Value {
    let empty = Value::object();
    let source = either(event, ["source", "deprecatedSource"]).unwrap_or(&empty);
    let or = |text: &'_ str, other: [&str; 2]| -> String {
        if text.is_empty() {
            either(event, other).and_then(Value::as_str).unwrap_or_default().to_owned()
        } else {
            text.to_owned()
        }
    };
    let component = or(text(source, &["component"]), ["reportingComponent", "reportingController"]);
    let host = or(text(source, &["host"]), ["reportingInstance", "reportingInstance"]);
    if host.is_empty() { component.into() } else { format!("{component}, {host}").into() }
}

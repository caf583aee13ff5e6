use super::{list, number, since, text};
use kcp_apimachinery::{
    Value,
    time::{Time, human},
};

pub(super) fn ready(object: &Value) -> Value {
    format!("{}/{}", number(object, &["status", "readyReplicas"]), number(object, &["spec", "replicas"]))
        .into()
}

/// A member of all containers of a template below `path`.
pub(super) fn containers(object: &Value, path: &[&str], member: &str) -> Value {
    let path = [path, &["template", "spec", "containers"]].concat();
    let values = list(object, &path).iter().map(|container| text(container, &[member]));
    values.collect::<Vec<_>>().join(",").into()
}

pub(super) fn controller(object: &Value) -> Value {
    let Some(owner) = object.meta().controller() else { return "<none>".into() };
    let group = owner.gvk().map(|gvk| gvk.group.to_string()).unwrap_or_default();
    let kind = owner.kind.to_lowercase();
    if group.is_empty() {
        format!("{kind}/{}", owner.name).into()
    } else {
        format!("{kind}.{group}/{}", owner.name).into()
    }
}

pub(super) fn active(object: &Value) -> Value {
    Value::Int(i64::try_from(list(object, &["status", "active"]).len()).unwrap_or(i64::MAX))
}

fn has_condition(object: &Value, kind: &str) -> bool {
    let holds = |one: &Value| text(one, &["type"]) == kind && text(one, &["status"]) == "True";
    list(object, &["status", "conditions"]).iter().any(holds)
}

pub(super) fn job_status(object: &Value) -> Value {
    let known = [
        ("Complete", "Complete"),
        ("Failed", "Failed"),
        ("Suspended", "Suspended"),
        ("FailureTarget", "FailureTarget"),
        ("SuccessCriteriaMet", "SuccessCriteriaMet"),
    ];
    let said = known.iter().find(|(kind, _)| has_condition(object, kind)).map(|(_, said)| *said);
    said.unwrap_or(if object.meta().is_deleting() { "Terminating" } else { "Running" }).into()
}

pub(super) fn completions(object: &Value) -> Value {
    let succeeded = number(object, &["status", "succeeded"]);
    match object.at(&["spec", "completions"]).and_then(Value::as_int) {
        Some(wanted) => format!("{succeeded}/{wanted}").into(),
        None => match number(object, &["spec", "parallelism"]) {
            parallel @ 2.. => format!("{succeeded}/1 of {parallel}").into(),
            _ => format!("{succeeded}/1").into(),
        },
    }
}

pub(super) fn duration(object: &Value, now: Time) -> Value {
    let Some(started) = object.at(&["status", "startTime"]) else { return "".into() };
    let times = (
        started.as_str().and_then(|started| Time::parse(started).ok()),
        object.str_at(&["status", "completionTime"]).and_then(|ended| Time::parse(ended).ok()),
    );
    match times {
        (Some(started), Some(ended)) => human(ended.since(started)).into(),
        _ => since(Some(started), now).into(),
    }
}

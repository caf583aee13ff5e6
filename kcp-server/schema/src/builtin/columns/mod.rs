//! The cells of tables of built-in kinds that are more than a field, as Kubernetes prints them.

mod core;
mod event;
mod node;
mod pod;
mod workload;

use kcp_apimachinery::{
    Value,
    time::{MicroTime, Time, human},
};

/// What makes the cells of a column of a built-in kind.
#[derive(Clone, Copy, Debug)]
pub struct Function {
    name: &'static str,
    cell: Cell,
}

#[derive(Clone, Copy, Debug)]
enum Cell {
    /// A number that counts as 0 where it is not there; a path without the first dot.
    Number(&'static str),
    /// A truth that counts as false where it is not there.
    Truth(&'static str),
    Of(Make),
}

/// Makes a cell of an object at a time.
type Make = fn(&Value, Time) -> Value;

impl PartialEq for Function {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Function {}

/// All functions by name.
const FUNCTIONS: [(&str, Make); 61] = [
    ("active-count", |object, _| workload::active(object)),
    ("age", |object, now| since(object.at(&["metadata", "creationTimestamp"]), now).into()),
    ("claim-access-modes", |object, _| core::access_modes(object, "status")),
    ("class-parameters", |object, _| core::class_parameters(object)),
    ("config-map-data", |object, _| count(object, &["data"], &["binaryData"])),
    ("controller", |object, _| workload::controller(object)),
    // The time itself: clients print it as it comes.
    ("created-at", |object, _| match object.at(&["metadata", "creationTimestamp"]) {
        Some(Value::String(time)) => time.to_string().into(),
        _ => Value::Null,
    }),
    ("cron-zone", |object, _| or_none(text(object, &["spec", "timeZone"]))),
    ("csr-condition", |object, _| core::request_condition(object)),
    ("csr-duration", |object, _| core::request_duration(object)),
    ("deployment-ready", |object, _| workload::ready(object)),
    ("endpoints", |object, _| core::endpoints(object)),
    ("event-count", |object, _| event::count(object)),
    ("event-first-seen", |object, now| event::first_seen(object, now).into()),
    ("event-last-seen", |object, now| event::last_seen(object, now).into()),
    ("event-message", |object, _| event::message(object)),
    ("event-object", |object, _| event::object(object)),
    ("event-source", |object, _| event::source(object)),
    ("ingress-hosts", |object, _| core::ingress_hosts(object)),
    ("ingress-ports", |object, _| core::ingress_ports(object)),
    ("job-completions", |object, _| workload::completions(object)),
    ("job-duration", workload::duration),
    ("job-status", |object, _| workload::job_status(object)),
    ("job-template-containers", |object, _| {
        workload::containers(object, &["spec", "jobTemplate", "spec"], "name")
    }),
    ("job-template-images", |object, _| {
        workload::containers(object, &["spec", "jobTemplate", "spec"], "image")
    }),
    ("job-template-selector", |object, _| selector(object.at(&["spec", "jobTemplate", "spec", "selector"]))),
    ("last-schedule", |object, now| match object.at(&["status", "lastScheduleTime"]) {
        Some(time) => since(Some(time), now).into(),
        None => "<none>".into(),
    }),
    ("load-balancer", |object, _| core::load_balancer(object).join(",").into()),
    ("mutations-count", |object, _| count(object, &["spec", "mutations"], &[])),
    ("node-external-ip", |object, _| node::address(object, "ExternalIP")),
    ("node-internal-ip", |object, _| node::address(object, "InternalIP")),
    ("node-roles", |object, _| node::roles(object)),
    ("node-selector", |object, _| labels(object.at(&["spec", "template", "spec", "nodeSelector"]))),
    ("node-status", |object, _| node::status(object)),
    ("param-kind", |object, _| core::parameter_kind(object)),
    ("param-ref", |object, _| core::parameter(object)),
    ("pod-gates", |object, _| pod::gates(object)),
    ("pod-ready", |object, _| pod::ready(object)),
    ("pod-restarts", pod::restarts),
    ("pod-selector", |object, _| selector(object.at(&["spec", "podSelector"]))),
    ("pod-status", |object, _| pod::status(object).into()),
    ("quota-limits", |object, _| core::quota(object, true)),
    ("quota-requests", |object, _| core::quota(object, false)),
    ("role-ref", |object, _| joined(object.get("roleRef"), &["kind", "name"])),
    ("scale-target", |object, _| joined(object.at(&["spec", "scaleTargetRef"]), &["kind", "name"])),
    ("secret-data", |object, _| count(object, &["data"], &[])),
    ("selector", |object, _| selector(object.at(&["spec", "selector"]))),
    ("service-external-ip", |object, _| core::external_addresses(object)),
    ("service-ports", |object, _| core::service_ports(object)),
    ("service-selector", |object, _| labels(object.at(&["spec", "selector"]))),
    ("slice-endpoints", |object, _| core::slice_endpoints(object)),
    ("slice-ports", |object, _| core::slice_ports(object)),
    ("subjects-groups", |object, _| core::subjects(object, "Group")),
    ("subjects-service-accounts", |object, _| core::subjects(object, "ServiceAccount")),
    ("subjects-users", |object, _| core::subjects(object, "User")),
    ("template-containers", |object, _| workload::containers(object, &["spec"], "name")),
    ("template-images", |object, _| workload::containers(object, &["spec"], "image")),
    ("validations-count", |object, _| count(object, &["spec", "validations"], &[])),
    ("volume-access-modes", |object, _| core::access_modes(object, "spec")),
    ("volume-claim", |object, _| joined(object.at(&["spec", "claimRef"]), &["namespace", "name"])),
    ("webhooks-count", |object, _| count(object, &["webhooks"], &[])),
];

impl Function {
    pub(super) fn named(name: &'static str) -> Option<Self> {
        let cell = if let Some(path) = name.strip_prefix("=.") {
            Cell::Number(path)
        } else if let Some(path) = name.strip_prefix("?.") {
            Cell::Truth(path)
        } else {
            Cell::Of(FUNCTIONS.iter().find(|(known, _)| *known == name)?.1)
        };
        Some(Self { name, cell })
    }

    /// The cell of an object.
    #[must_use]
    pub fn cell(self, object: &Value, now: Time) -> Value {
        let at = |path: &str| path.split('.').try_fold(object, |value, name| value.get(name)).cloned();
        match self.cell {
            Cell::Number(path) => at(path).filter(|value| !value.is_null()).unwrap_or(Value::Int(0)),
            Cell::Truth(path) => at(path).filter(|value| !value.is_null()).unwrap_or(Value::Bool(false)),
            Cell::Of(make) => make(object, now),
        }
    }
}

/// How long ago a time was, `<unknown>` without one.
fn since(time: Option<&Value>, now: Time) -> String {
    match time.and_then(Value::as_str).map(Time::parse) {
        Some(Ok(time)) => human(now.since(time)),
        Some(Err(_)) => "<invalid>".into(),
        None => "<unknown>".into(),
    }
}

/// [`since`] for times with fractions of seconds.
fn since_micro(time: Option<&Value>, now: Time) -> String {
    match time.and_then(Value::as_str).map(MicroTime::parse) {
        Some(Ok(time)) => human(now.since(Time::from_timestamp(time.timestamp()))),
        Some(Err(_)) => "<invalid>".into(),
        None => "<unknown>".into(),
    }
}

fn text<'v>(object: &'v Value, path: &[&str]) -> &'v str {
    object.str_at(path).unwrap_or_default()
}

fn list<'v>(object: &'v Value, path: &[&str]) -> &'v [Value] {
    object.at(path).and_then(Value::as_array).unwrap_or_default()
}

fn number(object: &Value, path: &[&str]) -> i64 {
    object.at(path).and_then(Value::as_int).unwrap_or_default()
}

fn or_none(text: &str) -> Value {
    if text.is_empty() { "<none>" } else { text }.into()
}

/// Members or elements of one place or two.
fn count(object: &Value, one: &[&str], other: &[&str]) -> Value {
    let size = |path: &[&str]| match object.at(path).filter(|_| !path.is_empty()) {
        Some(Value::Object(members)) => members.len(),
        Some(Value::Array(items)) => items.len(),
        Some(Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::String(_)) | None => 0,
    };
    Value::Int(i64::try_from(size(one) + size(other)).unwrap_or(i64::MAX))
}

/// Texts with slashes between; nothing if there is no object.
fn joined(object: Option<&Value>, members: &[&str]) -> Value {
    let Some(object) = object else { return "".into() };
    members.iter().map(|name| text(object, &[name])).collect::<Vec<_>>().join("/").into()
}

/// `a=b,c=d`
fn labels(map: Option<&Value>) -> Value {
    let members = map.and_then(Value::as_object).into_iter().flat_map(|map| map.iter());
    let pairs: Vec<_> =
        members.map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default())).collect();
    or_none(&pairs.join(","))
}

/// A label selector as text.
fn selector(object: Option<&Value>) -> Value {
    let Some(object) = object else { return "<none>".into() };
    let mut parts: Vec<String> = Vec::new();
    let labels = object.get("matchLabels").and_then(Value::as_object).into_iter().flat_map(|map| map.iter());
    parts.extend(labels.map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default())));
    for one in list(object, &["matchExpressions"]) {
        let key = text(one, &["key"]);
        let values: Vec<_> = list(one, &["values"]).iter().filter_map(Value::as_str).collect();
        parts.push(match text(one, &["operator"]) {
            "In" => format!("{key} in ({})", values.join(",")),
            "NotIn" => format!("{key} notin ({})", values.join(",")),
            "DoesNotExist" => format!("!{key}"),
            _ => key.to_owned(),
        });
    }
    parts.sort();
    or_none(&parts.join(","))
}

#[cfg(test)]
mod tests;

use super::{list, number, or_none, text};
use kcp_apimachinery::{Value, time::human};
use std::time::Duration;

/// `resource: used/hard`, of limits or of everything else.
pub(super) fn quota(object: &Value, limits: bool) -> Value {
    let hard = object.at(&["status", "hard"]).or_else(|| object.at(&["spec", "hard"]));
    let hard = hard.and_then(Value::as_object).into_iter().flat_map(|hard| hard.iter());
    let quantity = |value: Option<&Value>| match value {
        Some(Value::String(text)) => text.to_string(),
        Some(Value::Int(number)) => number.to_string(),
        Some(Value::Null | Value::Bool(_) | Value::Float(_) | Value::Array(_) | Value::Object(_)) | None => {
            "0".into()
        }
    };
    let parts: Vec<_> = hard
        .filter(|(resource, _)| resource.starts_with("limits") == limits)
        .map(|(resource, hard)| {
            let used = quantity(object.at(&["status", "used", resource]));
            format!("{resource}: {used}/{}", quantity(Some(hard)))
        })
        .collect();
    parts.join(", ").into()
}

pub(super) fn subjects(object: &Value, kind: &str) -> Value {
    let of_kind = list(object, &["subjects"]).iter().filter(|subject| text(subject, &["kind"]) == kind);
    let names: Vec<_> = of_kind
        .map(|subject| match kind {
            "ServiceAccount" => format!("{}/{}", text(subject, &["namespace"]), text(subject, &["name"])),
            _ => text(subject, &["name"]).to_owned(),
        })
        .collect();
    names.join(", ").into()
}

pub(super) fn request_condition(object: &Value) -> Value {
    let conditions = list(object, &["status", "conditions"]);
    let has = |kind: &str| conditions.iter().any(|condition| text(condition, &["type"]) == kind);
    let mut status = if has("Denied") {
        "Denied".to_owned()
    } else if has("Approved") {
        "Approved".to_owned()
    } else {
        "Pending".to_owned()
    };
    if has("Failed") {
        status += ",Failed";
    }
    if !text(object, &["status", "certificate"]).is_empty() {
        status += ",Issued";
    }
    status.into()
}

pub(super) fn request_duration(object: &Value) -> Value {
    let seconds = object.at(&["spec", "expirationSeconds"]).and_then(Value::as_int);
    let duration = seconds.and_then(|seconds| u64::try_from(seconds).ok()).map(Duration::from_secs);
    match duration.and_then(|duration| duration.try_into().ok()) {
        Some(duration) => human(duration).into(),
        None => "<none>".into(),
    }
}

pub(super) fn parameter_kind(object: &Value) -> Value {
    match object.at(&["spec", "paramKind"]) {
        Some(kind) => format!("{}/{}", text(kind, &["apiVersion"]), text(kind, &["kind"])).into(),
        None => "<unset>".into(),
    }
}

pub(super) fn parameter(object: &Value) -> Value {
    let Some(parameter) = object.at(&["spec", "paramRef"]) else { return "<unset>".into() };
    let namespace = Some(text(parameter, &["namespace"])).filter(|namespace| !namespace.is_empty());
    format!("{}/{}", namespace.unwrap_or("*"), text(parameter, &["name"])).into()
}

pub(super) fn external_addresses(object: &Value) -> Value {
    let mut addresses = match text(object, &["spec", "type"]) {
        "ExternalName" => return text(object, &["spec", "externalName"]).into(),
        "LoadBalancer" => load_balancer(object),
        _ => Vec::new(),
    };
    addresses
        .extend(list(object, &["spec", "externalIPs"]).iter().filter_map(Value::as_str).map(str::to_owned));
    match (addresses.as_slice(), text(object, &["spec", "type"])) {
        ([], "LoadBalancer") => "<pending>".into(),
        _ => or_none(&addresses.join(",")),
    }
}

/// Addresses and names that a load balancer answers at.
pub(super) fn load_balancer(object: &Value) -> Vec<String> {
    let entries = list(object, &["status", "loadBalancer", "ingress"]).iter();
    let address = |entry: &Value| {
        let ip = text(entry, &["ip"]);
        if ip.is_empty() { text(entry, &["hostname"]).to_owned() } else { ip.to_owned() }
    };
    entries.map(address).collect()
}

pub(super) fn service_ports(object: &Value) -> Value {
    let ports = list(object, &["spec", "ports"]).iter().map(|port| {
        let (number, protocol) = (number(port, &["port"]), text(port, &["protocol"]));
        match super::number(port, &["nodePort"]) {
            0 => format!("{number}/{protocol}"),
            node => format!("{number}:{node}/{protocol}"),
        }
    });
    or_none(&ports.collect::<Vec<_>>().join(","))
}

/// The first of many, and how many more there are.
fn first(all: &[String], most: usize) -> Value {
    let shown = all.iter().take(most).cloned().collect::<Vec<_>>().join(",");
    match all.len().checked_sub(most) {
        Some(more @ 1..) => format!("{shown} + {more} more...").into(),
        Some(0) | None => or_none(&shown),
    }
}

pub(super) fn endpoints(object: &Value) -> Value {
    let mut all = Vec::new();
    for subset in list(object, &["subsets"]) {
        let ports = list(subset, &["ports"]);
        for address in list(subset, &["addresses"]) {
            let ip = text(address, &["ip"]);
            let host = if ip.contains(':') { format!("[{ip}]") } else { ip.to_owned() };
            all.extend(ports.iter().map(|port| format!("{host}:{}", number(port, &["port"]))));
            if ports.is_empty() {
                all.push(ip.to_owned());
            }
        }
    }
    first(&all, 3)
}

pub(super) fn slice_ports(object: &Value) -> Value {
    let ports: Vec<_> = list(object, &["ports"])
        .iter()
        .map(|port| match port.get("port").and_then(Value::as_int) {
            Some(number) => number.to_string(),
            None => "*".to_owned(),
        })
        .collect();
    if ports.is_empty() { "<unset>".into() } else { first(&ports, 3) }
}

pub(super) fn slice_endpoints(object: &Value) -> Value {
    let addresses = list(object, &["endpoints"]).iter().flat_map(|endpoint| list(endpoint, &["addresses"]));
    let all: Vec<_> = addresses.filter_map(Value::as_str).map(str::to_owned).collect();
    if all.is_empty() { "<unset>".into() } else { first(&all, 3) }
}

pub(super) fn access_modes(object: &Value, part: &str) -> Value {
    let short = |mode: &str| match mode {
        "ReadWriteOnce" => "RWO",
        "ReadOnlyMany" => "ROX",
        "ReadWriteMany" => "RWX",
        "ReadWriteOncePod" => "RWOP",
        _ => "",
    };
    let modes = list(object, &[part, "accessModes"]).iter().filter_map(Value::as_str).map(short);
    modes.collect::<Vec<_>>().join(",").into()
}

pub(super) fn ingress_hosts(object: &Value) -> Value {
    let hosts = list(object, &["spec", "rules"]).iter().map(|rule| match text(rule, &["host"]) {
        "" => "*",
        host => host,
    });
    let hosts: Vec<_> = hosts.collect();
    if hosts.is_empty() { "*".into() } else { hosts.join(",").into() }
}

pub(super) fn ingress_ports(object: &Value) -> Value {
    if list(object, &["spec", "tls"]).is_empty() { "80" } else { "80, 443" }.into()
}

pub(super) fn class_parameters(object: &Value) -> Value {
    let Some(parameters) = object.at(&["spec", "parameters"]) else { return "<none>".into() };
    let group = text(parameters, &["apiGroup"]);
    let kind = text(parameters, &["kind"]);
    let name = text(parameters, &["name"]);
    if group.is_empty() { format!("{kind}/{name}").into() } else { format!("{kind}.{group}/{name}").into() }
}

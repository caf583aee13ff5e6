use super::{each, empty, has, missing};
use kcp_apimachinery::{Map, Value, value};

const RBAC: &str = "rbac.authorization.k8s.io";

pub(super) fn role_binding(object: &mut Value) {
    empty(object, &["roleRef", "apiGroup"], RBAC);
    for subject in each(object, &["subjects"]) {
        if matches!(subject.str_at(&["kind"]), Some("User" | "Group")) {
            empty(subject, &["apiGroup"], RBAC);
        }
    }
}

pub(super) fn webhooks(object: &mut Value, mutating: bool) {
    for webhook in each(object, &["webhooks"]) {
        empty(webhook, &["failurePolicy"], "Fail");
        empty(webhook, &["matchPolicy"], "Equivalent");
        missing(webhook, &["namespaceSelector"], Map::new());
        missing(webhook, &["objectSelector"], Map::new());
        missing(webhook, &["timeoutSeconds"], 10_i64);
        if mutating {
            missing(webhook, &["reinvocationPolicy"], "Never");
        }
        each(webhook, &["rules"]).for_each(|rule| empty(rule, &["scope"], "*"));
        service_port(webhook, &["clientConfig"]);
    }
}

fn service_port(config: &mut Value, path: &[&str]) {
    let service = [path, &["service"]].concat();
    if has(config, &service) {
        missing(config, &[&service[..], &["port"]].concat(), 443_i64);
    }
}

pub(super) fn admission_policy(object: &mut Value) {
    missing(object, &["spec", "failurePolicy"], "Fail");
    match_resources(object, "matchConstraints");
}

pub(super) fn admission_binding(object: &mut Value) {
    match_resources(object, "matchResources");
}

fn match_resources(object: &mut Value, name: &str) {
    if !has(object, &["spec", name]) {
        return;
    }
    missing(object, &["spec", name, "matchPolicy"], "Equivalent");
    missing(object, &["spec", name, "namespaceSelector"], Map::new());
    missing(object, &["spec", name, "objectSelector"], Map::new());
    for rules in ["resourceRules", "excludeResourceRules"] {
        each(object, &["spec", name, rules]).for_each(|rule| empty(rule, &["scope"], "*"));
    }
}

pub(super) fn custom_resource_definition(object: &mut Value) {
    let kind = object.str_at(&["spec", "names", "kind"]).unwrap_or_default().to_owned();
    if !kind.is_empty() {
        empty(object, &["spec", "names", "singular"], &kind.to_lowercase());
        empty(object, &["spec", "names", "listKind"], &format!("{kind}List"));
    }
    missing(object, &["spec", "conversion"], value!({"strategy": "None"}));
    service_port(object, &["spec", "conversion", "webhook", "clientConfig"]);
    let stored = object.at(&["status", "storedVersions"]).and_then(Value::as_array);
    if stored.is_none_or(<[Value]>::is_empty) {
        let stored: Value = crate::crd::stored_versions(object, None).into_iter().map(Value::from).collect();
        object.set_at(&["status", "storedVersions"], stored);
    }
}

pub(super) fn network_policy(object: &mut Value) {
    for direction in ["ingress", "egress"] {
        for rule in each(object, &["spec", direction]) {
            each(rule, &["ports"]).for_each(|port| missing(port, &["protocol"], "TCP"));
        }
    }
    let egress =
        object.at(&["spec", "egress"]).and_then(Value::as_array).is_some_and(|rules| !rules.is_empty());
    let types = if egress { value!(["Ingress", "Egress"]) } else { value!(["Ingress"]) };
    missing(object, &["spec", "policyTypes"], types);
}

pub(super) fn ingress_class(object: &mut Value) {
    if has(object, &["spec", "parameters"]) {
        missing(object, &["spec", "parameters", "scope"], "Cluster");
    }
}

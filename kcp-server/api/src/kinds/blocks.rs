//! Shapes that many kinds share.

use kcp_apimachinery::{Value, value};

/// A shared shape by its name in the tables.
pub(super) fn named(name: &str) -> Option<Value> {
    Some(match name {
        "Condition[]" => conditions(),
        "LabelSelector" => selector(&[]),
        "PermissionSelector" => {
            selector(&[("matchAll", value!({"type": "boolean", "description": "Every object."}))])
        }
        "PolicyRule[]" => value!({"type": "array", "items": (policy_rule())}),
        "Endpoint[]" => endpoints(),
        "quantity" => quantity(),
        _ => return None,
    })
}

/// A kind's schema before its fields.
pub(super) fn root(description: &str) -> Value {
    let api_version = "Group and version of this object's schema, such as apis.kcp.io/v1alpha1.";
    value!({
        "type": "object",
        "description": description,
        "properties": {
            "apiVersion": {"type": "string", "description": api_version},
            "kind": {"type": "string", "description": "What kind of object this is."},
            "metadata": {"type": "object"}
        }
    })
}

/// Has an object's schema require a member. The names are kept in order.
pub(super) fn require(object: &mut Value, name: &str) {
    let mut names: Vec<Value> =
        object.get("required").and_then(Value::as_array).map(<[_]>::to_vec).unwrap_or_default();
    names.push(name.into());
    names.sort_by(|left, right| left.as_str().cmp(&right.as_str()));
    object.set_at(&["required"], names.into());
}

fn text(description: &str) -> Value {
    value!({"type": "string", "description": description})
}

fn texts(description: &str) -> Value {
    value!({
        "type": "array", "description": description, "items": {"type": "string"},
        "x-kubernetes-list-type": "atomic"
    })
}

fn conditions() -> Value {
    let changed = "When status, reason, severity or message last changed.";
    value!({
        "type": "array",
        "description": "What can be said of the object now, one entry per type.",
        "items": {
            "type": "object",
            "properties": {
                "type": (text("What the condition is about, in CamelCase.")),
                "status": (text("True, False or Unknown.")),
                "severity": (text("Error, Warning or Info; only where the status is False.")),
                "lastTransitionTime": {"type": "string", "format": "date-time", "description": changed},
                "reason": (text("Why, as one CamelCase word.")),
                "message": (text("Why, for people."))
            },
            "required": ["lastTransitionTime", "status", "type"]
        }
    })
}

fn selector(more: &[(&str, Value)]) -> Value {
    let mut selector = value!({
        "type": "object",
        "properties": {
            "matchLabels": {
                "type": "object", "additionalProperties": {"type": "string"},
                "description": "Labels an object must have."
            },
            "matchExpressions": {
                "type": "array",
                "description": "Requirements, all of which an object's labels must meet.",
                "items": {
                    "type": "object",
                    "properties": {
                        "key": (text("Label key.")),
                        "operator": (text("In, NotIn, Exists or DoesNotExist.")),
                        "values": (texts("Label values: some for In and NotIn, none for the others."))
                    },
                    "required": ["key", "operator"]
                },
                "x-kubernetes-list-type": "atomic"
            }
        },
        "x-kubernetes-map-type": "atomic"
    });
    for (name, node) in more {
        selector.set_at(&["properties", name], node.clone());
    }
    selector
}

fn policy_rule() -> Value {
    value!({
        "type": "object",
        "properties": {
            "apiGroups": (texts("API groups, * for all.")),
            "nonResourceURLs": (texts("URL paths, a * at the end for all below.")),
            "resourceNames": (texts("Object names; none for all.")),
            "resources": (texts("Resources, * for all.")),
            "verbs": (texts("Verbs, * for all."))
        },
        "required": ["verbs"]
    })
}

fn endpoints() -> Value {
    let mut selector = selector(&[]);
    selector.set_at(&["description"], "Labels of the shards.".into());
    value!({
        "type": "array",
        "description": "Base URLs at which the objects are served.",
        "items": {
            "type": "object",
            "properties": {
                "url": {"type": "string", "minLength": 1_i64, "description": "Base URL."},
                "shards": {
                    "type": "object",
                    "description": "Which shards should prefer this URL; without it they choose by prefix.",
                    "properties": {
                        "matchAll": {"type": "boolean", "description": "Every shard."},
                        "selector": selector
                    },
                    "x-kubernetes-validations": [{
                        "rule": "!(has(self.matchAll) && self.matchAll && has(self.selector))",
                        "message": "matchAll and selector are mutually exclusive"
                    }]
                }
            },
            "required": ["url"]
        },
        "x-kubernetes-list-map-keys": ["url"],
        "x-kubernetes-list-type": "map"
    })
}

fn quantity() -> Value {
    let pattern = r"^(\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))(([KMGTPE]i)|[numkMGTPE]|([eE](\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))))?$";
    value!({
        "anyOf": [{"type": "integer"}, {"type": "string"}],
        "pattern": pattern,
        "x-kubernetes-int-or-string": true
    })
}

//! The CustomResourceDefinitions, brought into the shape that Kubernetes' own generator gives them.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::CustomResourceExt;
use serde_json::{Map, Value, json};

use crate::{Bundle, CacheServer, FrontProxy, Kubeconfig, RootShard, Shard, VirtualWorkspace};

/// All CustomResourceDefinitions of the group, as documents ready to be written or applied.
pub fn crds() -> Vec<Value> {
    [
        RootShard::crd(),
        Shard::crd(),
        FrontProxy::crd(),
        CacheServer::crd(),
        VirtualWorkspace::crd(),
        Kubeconfig::crd(),
        Bundle::crd(),
    ]
    .iter()
    .map(document)
    .collect()
}

fn document(crd: &CustomResourceDefinition) -> Value {
    let mut document = json!(crd);
    if let Some(schema) = document.pointer_mut("/spec/versions/0/schema/openAPIV3Schema") {
        tidy(schema);
        complete_root(schema);
    }
    if let Some(names) = document.pointer_mut("/spec/names").and_then(Value::as_object_mut) {
        if let Some(kind) = names.get("kind").and_then(Value::as_str) {
            let list_kind = format!("{kind}List");
            names.insert("listKind".to_owned(), Value::String(list_kind));
        }
        names.retain(|_, value| value.as_array().is_none_or(|list| !list.is_empty()));
    }
    document
}

/// Removes what Rust's schemas say and Kubernetes' own do not: that an absent field is `null`, and
/// defaults that the server side has no business to fill in. The two types of an int-or-string get lost
/// on the way here and are put back.
fn tidy(schema: &mut Value) {
    let Some(schema) = schema.as_object_mut() else { return };
    schema.remove("nullable");
    schema.remove("title");
    if schema.get("default").is_some_and(|default| default.is_null() || is_empty(default)) {
        schema.remove("default");
    }
    if schema.get("x-kubernetes-int-or-string") == Some(&Value::Bool(true)) && schema.contains_key("anyOf") {
        schema.insert("anyOf".to_owned(), json!([{ "type": "integer" }, { "type": "string" }]));
    }
    if let Some(Value::String(text)) = schema.get_mut("description") {
        *text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    }
    if let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) {
        properties.values_mut().for_each(tidy);
    }
    for key in ["items", "additionalProperties"] {
        if let Some(part) = schema.get_mut(key) {
            tidy(part);
        }
    }
}

fn is_empty(value: &Value) -> bool {
    value.as_array().is_some_and(Vec::is_empty) || value.as_object().is_some_and(Map::is_empty)
}

/// Kubernetes' generator lists the fields of every object, and requires no `spec`.
fn complete_root(schema: &mut Value) {
    let Some(schema) = schema.as_object_mut() else { return };
    schema.remove("required");
    if let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) {
        properties.insert("apiVersion".to_owned(), json!({ "type": "string" }));
        properties.insert("kind".to_owned(), json!({ "type": "string" }));
        properties.insert("metadata".to_owned(), json!({ "type": "object" }));
    }
}

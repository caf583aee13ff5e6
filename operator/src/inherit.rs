//! Fields that the operator before this one set.
//!
//! It wrote whole objects, and the API server remembers which fields were its. Unless they become ours,
//! what it set and we do not want (a volume, a port) would stay for ever: nobody else gives it up.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{FieldsV1, ManagedFieldsEntry};
use kcp_operator_resources::names::MANAGER;
use serde_json::{Map, Value};

/// The name of its binary, and so of its field manager.
const EARLIER: &str = "manager";

/// The record of who set what, with its fields counted as ours; `None` if it set none.
pub(crate) fn inherited(entries: &[ManagedFieldsEntry]) -> Option<Vec<ManagedFieldsEntry>> {
    let is_earlier = |entry: &ManagedFieldsEntry| {
        entry.manager.as_deref() == Some(EARLIER)
            && entry.operation.as_deref() == Some("Update")
            && entry.subresource.as_deref().unwrap_or_default().is_empty()
    };
    let (earlier, mut rest): (Vec<_>, Vec<_>) = entries.iter().cloned().partition(is_earlier);
    let first = earlier.first()?.clone();
    let is_ours = |entry: &ManagedFieldsEntry| {
        entry.manager.as_deref() == Some(MANAGER) && entry.operation.as_deref() == Some("Apply")
    };
    let mut ours = match rest.iter().position(is_ours) {
        Some(position) => rest.remove(position),
        None => ManagedFieldsEntry {
            manager: Some(MANAGER.to_owned()),
            operation: Some("Apply".to_owned()),
            fields_v1: None,
            ..first
        },
    };
    let mut fields = ours.fields_v1.map_or_else(|| Value::Object(Map::new()), |fields| fields.0);
    for entry in earlier {
        let mut more = entry.fields_v1.map_or(Value::Null, |fields| fields.0);
        spare(&mut more);
        merge(&mut fields, more);
    }
    ours.fields_v1 = Some(FieldsV1(fields));
    rest.push(ours);
    Some(rest)
}

/// Annotations may be anybody's by now, and a number of replicas somebody's who scales.
fn spare(fields: &mut Value) {
    if let Some(metadata) = fields.get_mut("f:metadata").and_then(Value::as_object_mut) {
        metadata.remove("f:annotations");
    }
    if let Some(spec) = fields.get_mut("f:spec").and_then(Value::as_object_mut) {
        spec.remove("f:replicas");
    }
}

fn merge(into: &mut Value, more: Value) {
    if let (Value::Object(into), Value::Object(more)) = (into, more) {
        for (key, value) in more {
            merge(into.entry(key).or_insert_with(|| Value::Object(Map::new())), value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn entry(manager: &str, operation: &str, fields: Value) -> ManagedFieldsEntry {
        ManagedFieldsEntry {
            manager: Some(manager.to_owned()),
            operation: Some(operation.to_owned()),
            fields_v1: Some(FieldsV1(fields)),
            ..ManagedFieldsEntry::default()
        }
    }

    #[test]
    fn fields_of_the_operator_before_become_ours() {
        let earlier = json!({
            "f:metadata": { "f:annotations": { "f:keep": {} }, "f:labels": { "f:a": {} } },
            "f:spec": { "f:ports": { "k:{\"port\":6443}": { "f:name": {} } }, "f:replicas": {} },
        });
        let entries = [
            entry("manager", "Update", earlier),
            entry("kcp-operator", "Apply", json!({ "f:spec": { "f:type": {} } })),
            entry("autoscaler", "Update", json!({ "f:spec": { "f:replicas": {} } })),
        ];
        let after = inherited(&entries).unwrap();
        assert_eq!(after.len(), 2);
        assert_eq!(after[0].manager.as_deref(), Some("autoscaler"));
        assert_eq!(
            after[1].fields_v1.as_ref().unwrap().0,
            json!({
                "f:metadata": { "f:labels": { "f:a": {} } },
                "f:spec": { "f:ports": { "k:{\"port\":6443}": { "f:name": {} } }, "f:type": {} },
            })
        );
        assert_eq!(inherited(&after), None);
    }

    #[test]
    fn what_others_set_stays_theirs() {
        assert_eq!(inherited(&[entry("kubectl", "Update", json!({}))]), None);
    }
}

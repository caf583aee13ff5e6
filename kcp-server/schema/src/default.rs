//! Filling in defaults, and removing `null` where it means "not there".

use crate::node::Node;
use kcp_apimachinery::Value;

/// Removes members that are `null` though they may not be, unless a default takes their place.
pub(crate) fn remove_nulls(value: &mut Value, node: &Node) {
    match value {
        Value::Object(members) => members.retain(|name, member| {
            let Some(node) = node.member(name) else { return true };
            if member.is_null() && !node.nullable && node.default.is_none() {
                return false;
            }
            remove_nulls(member, node);
            true
        }),
        Value::Array(items) => {
            if let Some(node) = node.element() {
                items.iter_mut().for_each(|item| remove_nulls(item, node));
            }
        }
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::String(_) => {}
    }
}

/// Sets what is not there, and what is `null` though it may not be, to its default; then goes on inside,
/// so that a default may itself be completed.
pub(crate) fn fill(value: &mut Value, node: &Node) {
    match value {
        Value::Object(members) => {
            for property in &node.properties {
                let node = property.node.node();
                let Some(default) = &node.default else { continue };
                match members.get(&property.name) {
                    Some(Value::Null) if !node.nullable => {}
                    Some(_) => continue,
                    None => {}
                }
                members.insert(property.name.clone(), (**default).clone());
            }
            for (name, member) in members.iter_mut() {
                let Some(node) = node.member(name) else { continue };
                fill_null(member, node);
                fill(member, node);
            }
        }
        Value::Array(items) => {
            let Some(node) = node.element() else { return };
            for item in items {
                fill_null(item, node);
                fill(item, node);
            }
        }
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::String(_) => {}
    }
}

fn fill_null(value: &mut Value, node: &Node) {
    if let (Value::Null, false, Some(default)) = (&*value, node.nullable, &node.default) {
        *value = (**default).clone();
    }
}

#[cfg(test)]
mod tests {
    use crate::Schema;
    use kcp_apimachinery::{Value, value};

    fn check(properties: Value, mut object: Value, expected: &Value) {
        let schema =
            Schema::compile(&value!({"type": "object", "properties": properties})).expect("a schema");
        schema.default(&mut object);
        assert_eq!(object, *expected);
        schema.default(&mut object);
        assert_eq!(object, *expected, "a second time");
    }

    #[test]
    fn defaults_are_filled_in_where_their_object_is() {
        let properties = value!({"spec": {"type": "object", "properties": {
            "replicas": {"type": "integer", "default": 1_i64},
        }}});
        check(properties.clone(), value!({}), &value!({}));
        check(properties.clone(), value!({"spec": {}}), &value!({"spec": {"replicas": 1_i64}}));
        check(properties, value!({"spec": {"replicas": 0_i64}}), &value!({"spec": {"replicas": 0_i64}}));
    }

    #[test]
    fn a_default_is_completed() {
        check(
            value!({"spec": {"type": "object", "default": {}, "properties": {
                "a": {"type": "string", "default": "x"},
            }}}),
            value!({}),
            &value!({"spec": {"a": "x"}}),
        );
    }

    #[test]
    fn null_is_a_value_only_where_it_may_be() {
        check(
            value!({
                "dropped": {"type": "string"},
                "defaulted": {"type": "string", "default": "x"},
                "kept": {"type": "string", "nullable": true, "default": "x"},
                "list": {"type": "array", "items": {"type": "string", "default": "y"}},
                "map": {"type": "object", "additionalProperties": {"type": "string"}},
            }),
            value!({"dropped": null, "defaulted": null, "kept": null, "list": [null], "map": {"a": null}}),
            &value!({"defaulted": "x", "kept": null, "list": ["y"], "map": {}}),
        );
    }
}

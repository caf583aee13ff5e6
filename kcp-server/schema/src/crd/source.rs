//! Reading schemas as they are written, before anything is known to be right about them.

use kcp_apimachinery::Value;

/// A text member; empty if there is none.
pub(super) fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// A boolean member; false if there is none.
pub(super) fn flag(value: &Value, name: &str) -> bool {
    value.get(name).and_then(Value::as_bool).unwrap_or_default()
}

/// The elements of a list; none if there is no list.
pub(super) fn list<'v>(value: &'v Value, name: &str) -> &'v [Value] {
    value.get(name).and_then(Value::as_array).unwrap_or_default()
}

/// The texts in a list.
pub(super) fn texts<'v>(value: &'v Value, name: &str) -> Vec<&'v str> {
    list(value, name).iter().filter_map(Value::as_str).collect()
}

/// A member that is there and not `null`.
pub(super) fn present<'v>(value: &'v Value, name: &str) -> Option<&'v Value> {
    value.get(name).filter(|member| !member.is_null())
}

/// The members of `properties`.
pub(super) fn properties(schema: &Value) -> impl Iterator<Item = (&str, &Value)> {
    schema.get("properties").and_then(Value::as_object).into_iter().flat_map(|map| map.iter())
}

/// The schema in `additionalProperties`, if it is one.
pub(super) fn additional(schema: &Value) -> Option<&Value> {
    schema.get("additionalProperties").filter(|value| value.as_object().is_some())
}

/// The schema in `items`, if it is one.
pub(super) fn items(schema: &Value) -> Option<&Value> {
    schema.get("items").filter(|value| value.as_object().is_some())
}

/// Whether something holds for a schema or one inside it.
pub(super) fn any(schema: &Value, holds: &mut impl FnMut(&Value) -> bool) -> bool {
    if holds(schema) {
        return true;
    }
    let named = properties(schema).map(|(_, schema)| schema);
    let alone = [items(schema), additional(schema), present(schema, "not")];
    let junctors = ["allOf", "anyOf", "oneOf"];
    let listed = junctors.into_iter().flat_map(|name| list(schema, name));
    named.chain(alone.into_iter().flatten()).chain(listed).any(|schema| any(schema, holds))
}

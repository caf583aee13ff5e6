//! What a JSON patch does with the last part of a pointer.

use super::pointer;
use crate::Value;

const MISSING: &str = "missing value";

/// Adds a member, or an element before the one at that place.
pub(super) fn insert(container: &mut Value, key: &str, value: Value) -> Result<(), String> {
    match container {
        Value::Object(map) => {
            map.insert(key, value);
        }
        Value::Array(items) => {
            let index = pointer::fresh(items.len(), key)?;
            items.insert(index, value);
        }
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::String(_) => {}
    }
    Ok(())
}

/// Takes out a member or element.
pub(super) fn take(container: &mut Value, key: &str) -> Result<Value, String> {
    match container {
        Value::Array(items) => {
            let index = pointer::existing(items.len(), key)?;
            Ok(items.remove(index))
        }
        Value::Object(_)
        | Value::Null
        | Value::Bool(_)
        | Value::Int(_)
        | Value::Float(_)
        | Value::String(_) => {
            let map = container.force_object();
            map.remove(key).ok_or_else(|| format!("Unable to remove nonexistent key: {key}: {MISSING}"))
        }
    }
}

/// A member or element; a member may be missing.
pub(super) fn look<'c>(container: &'c Value, key: &str) -> Result<Option<&'c Value>, String> {
    match container.as_array() {
        Some(items) => pointer::existing(items.len(), key).map(|index| Some(&items[index])),
        None => Ok(container.get(key)),
    }
}

/// How many objects and lists are inside one another, and how many values it took to see.
pub(super) fn depth(value: &Value, seen: &mut usize) -> usize {
    *seen += 1;
    match value {
        Value::Array(items) => 1 + items.iter().map(|item| depth(item, seen)).max().unwrap_or(0),
        Value::Object(map) => 1 + map.iter().map(|(_, member)| depth(member, seen)).max().unwrap_or(0),
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::String(_) => 0,
    }
}

//! Metadata alone: `PartialObjectMetadata`.

use crate::{Value, value};

/// The metadata of an object, as an object of its own.
#[must_use]
pub fn of(object: &Value) -> Value {
    let metadata = object.get("metadata").cloned().unwrap_or_else(Value::object);
    value!({"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": (metadata)})
}

//! Metadata alone: `PartialObjectMetadata`, `meta.k8s.io/v1`.

use crate::{Map, Value};

/// The metadata of an object, as an object of its own.
#[must_use]
pub fn of(object: &Value) -> Value {
    wrap("PartialObjectMetadata", object.get("metadata").cloned())
}

/// The object reduced to its metadata, nothing copied.
#[must_use]
pub fn into_partial(mut object: Value) -> Value {
    wrap("PartialObjectMetadata", object.remove_at(&["metadata"]))
}

/// A list reduced to the metadata of its items.
#[must_use]
pub fn into_partial_list(mut list: Value) -> Value {
    let items = match list.remove_at(&["items"]) {
        Some(Value::Array(items)) => items,
        Some(_) | None => Vec::new(),
    };
    let mut partial = wrap("PartialObjectMetadataList", list.remove_at(&["metadata"]));
    let items: Value = items.into_iter().map(into_partial).collect();
    partial.force_object().insert("items", items);
    partial
}

fn wrap(kind: &str, metadata: Option<Value>) -> Value {
    let mut map = Map::new();
    map.insert("apiVersion", "meta.k8s.io/v1");
    map.insert("kind", kind);
    map.insert("metadata", metadata.unwrap_or_else(Value::object));
    Value::Object(map)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value;

    #[test]
    fn metadata_is_left() {
        let object =
            value!({"kind": "A", "apiVersion": "v1", "metadata": {"name": "a"}, "spec": {"b": 1_i64}});
        let partial = value!({"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": {"name": "a"}});
        assert_eq!(of(&object), partial);
        assert_eq!(into_partial(object.clone()), partial);
        let list = value!({"kind": "AList", "metadata": {"resourceVersion": "1"}, "items": [object]});
        let partial_list = value!({"kind": "PartialObjectMetadataList", "apiVersion": "meta.k8s.io/v1",
            "metadata": {"resourceVersion": "1"}, "items": [partial]});
        assert_eq!(into_partial_list(list), partial_list);
    }
}

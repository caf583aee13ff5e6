use crate::{Value, go};

/// The first member of `metadata` that has a wrong type, in the words of Go's JSON decoder.
#[must_use]
pub fn malformed(object: &Value) -> Option<String> {
    let metadata = object.get("metadata").filter(|value| !value.is_null())?;
    let Some(map) = metadata.as_object() else {
        return Some(cannot_unmarshal(metadata, "metadata", "v1.ObjectMeta"));
    };
    map.iter().filter(|(_, value)| !value.is_null()).find_map(|(member, value)| match member {
        "generation" | "deletionGracePeriodSeconds" => {
            wrong(value, value.as_int().is_some(), member, "int64")
        }
        "labels" | "annotations" => strings(value, member, "map[string]string"),
        "finalizers" => strings(value, member, "[]string"),
        "ownerReferences" => objects(value, member, "[]v1.OwnerReference", "v1.OwnerReference"),
        "managedFields" => objects(value, member, "[]v1.ManagedFieldsEntry", "v1.ManagedFieldsEntry"),
        "creationTimestamp" | "deletionTimestamp" => match value.as_str() {
            Some(text) => crate::time::Time::parse(text).err().map(|error| error.to_string()),
            None => wrong(value, false, member, "string"),
        },
        "name" | "generateName" | "namespace" | "uid" | "resourceVersion" | "selfLink" => {
            wrong(value, value.as_str().is_some(), member, "string")
        }
        _ => None,
    })
}

fn wrong(value: &Value, good: bool, member: &str, wanted: &str) -> Option<String> {
    (!good).then(|| cannot_unmarshal(value, member, wanted))
}

fn strings(value: &Value, member: &str, wanted: &str) -> Option<String> {
    let children: Vec<&Value> = match (value, wanted.starts_with("map")) {
        (Value::Object(map), true) => map.iter().map(|(_, child)| child).collect(),
        (Value::Array(items), false) => items.iter().collect(),
        _ => return Some(cannot_unmarshal(value, member, wanted)),
    };
    children
        .iter()
        .find_map(|child| wrong(child, child.as_str().is_some() || child.is_null(), member, "string"))
}

fn objects(value: &Value, member: &str, wanted: &str, element: &str) -> Option<String> {
    let Some(items) = value.as_array() else { return Some(cannot_unmarshal(value, member, wanted)) };
    items.iter().find_map(|item| wrong(item, item.as_object().is_some(), member, element))
}

fn cannot_unmarshal(value: &Value, member: &str, wanted: &str) -> String {
    let found = go::json_kind(value);
    format!("json: cannot unmarshal {found} into Go struct field ObjectMeta.{member} of type {wanted}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value;

    #[test]
    fn types() {
        assert_eq!(malformed(&value!({"metadata": {"name": "a", "labels": null}})), None);
        assert_eq!(
            malformed(&value!({"metadata": {"labels": {"a": 1_i64}}})).as_deref(),
            Some("json: cannot unmarshal number into Go struct field ObjectMeta.labels of type string")
        );
        assert!(malformed(&value!({"metadata": []})).is_some());
        assert!(malformed(&value!({"metadata": {"creationTimestamp": "x"}})).is_some());
    }
}

//! Embedded resources: their `apiVersion`, `kind` and `metadata` are those of every object.

use crate::node::Node;
use kcp_apimachinery::{
    Value,
    field::{Error, Path},
    meta::{self, Gv, Scope},
    names,
};

/// Removes unknown members of `metadata`, of the object itself and of embedded resources; gives their paths.
pub(crate) fn prune_metadata(object: &mut Value, root: &Node) -> Vec<String> {
    let mut removed = Vec::new();
    prune(object, root, "", &mut removed);
    removed
}

const OBJECT_META: [&str; 15] = [
    "annotations",
    "creationTimestamp",
    "deletionGracePeriodSeconds",
    "deletionTimestamp",
    "finalizers",
    "generateName",
    "generation",
    "labels",
    "managedFields",
    "name",
    "namespace",
    "ownerReferences",
    "resourceVersion",
    "selfLink",
    "uid",
];
const OWNER_REFERENCE: [&str; 6] = ["apiVersion", "blockOwnerDeletion", "controller", "kind", "name", "uid"];
const MANAGED_FIELDS: [&str; 7] =
    ["apiVersion", "fieldsType", "fieldsV1", "manager", "operation", "subresource", "time"];

fn prune(value: &mut Value, node: &Node, path: &str, removed: &mut Vec<String>) {
    let below = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    match value {
        Value::Object(members) => {
            for (name, member) in members.iter_mut() {
                if node.resource && name == "metadata" {
                    metadata(member, &below(name), removed);
                } else if let Some(node) = node.member(name) {
                    prune(member, node, &below(name), removed);
                }
            }
        }
        Value::Array(items) => {
            let Some(node) = node.element() else { return };
            for (index, item) in items.iter_mut().enumerate() {
                prune(item, node, &format!("{path}[{index}]"), removed);
            }
        }
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::String(_) => {}
    }
}

/// `null` means "not there" in metadata.
fn metadata(value: &mut Value, path: &str, removed: &mut Vec<String>) {
    keep(value, &OBJECT_META, path, removed);
    if let Some(members) = value.as_object_mut() {
        members.retain(|_, member| !member.is_null());
    }
    for (list, known) in [("ownerReferences", &OWNER_REFERENCE[..]), ("managedFields", &MANAGED_FIELDS)] {
        let items = value.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten();
        for (index, item) in items.enumerate() {
            keep(item, known, &format!("{path}.{list}[{index}]"), removed);
        }
    }
}

fn keep(value: &mut Value, known: &[&str], path: &str, removed: &mut Vec<String>) {
    let Some(members) = value.as_object_mut() else { return };
    members.retain(|name, _| {
        let keep = known.contains(&name);
        if !keep {
            removed.push(format!("{path}.{name}"));
        }
        keep
    });
}

/// What is wrong with embedded resources. The object itself is checked by whoever serves it.
pub(crate) fn validate(object: &Value, root: &Node) -> Vec<Error> {
    let mut errors = Vec::new();
    members(object, root, &Path::root(), &mut errors);
    errors
}

fn walk(value: &Value, node: &Node, at: &Path<'_>, errors: &mut Vec<Error>) {
    if node.resource && value.as_object().is_some() {
        resource(value, at, errors);
    }
    members(value, node, at, errors);
}

fn members(value: &Value, node: &Node, at: &Path<'_>, errors: &mut Vec<Error>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members.iter() {
                if let Some(property) = node.property(name) {
                    walk(member, property.node.node(), &at.child(name), errors);
                } else if let Some(node) = node.additional.node() {
                    walk(member, node, &at.key(name), errors);
                }
            }
        }
        Value::Array(items) => {
            let Some(node) = node.element() else { return };
            for (index, item) in items.iter().enumerate() {
                walk(item, node, &at.index(index), errors);
            }
        }
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::String(_) => {}
    }
}

/// An embedded resource, checked as if it were created.
pub(crate) fn resource(value: &Value, at: &Path<'_>, errors: &mut Vec<Error>) {
    for name in ["apiVersion", "kind"] {
        if value.get(name).is_none() {
            errors.push(Error::required(&at.child(name), ""));
        }
    }
    if let Some(version) = value.get("apiVersion") {
        text(version, &at.child("apiVersion"), errors, |version| {
            Gv::parse(version).err().map(|error| error.to_string())
        });
    }
    if let Some(kind) = value.get("kind") {
        text(kind, &at.child("kind"), errors, |kind| {
            let wrong = names::dns1035_label(&kind.to_lowercase());
            let mixed = "may have mixed case, but should otherwise match: ";
            (!wrong.is_empty()).then(|| format!("{mixed}{}", wrong.join(",")))
        });
    }
    if let Some(metadata) = value.get("metadata") {
        let path = at.child("metadata");
        match meta::malformed(value) {
            Some(wrong) => errors.push(Error::invalid(&path, metadata.clone(), wrong)),
            None => errors.extend(object_meta(value, at)),
        }
    }
}

fn text(value: &Value, at: &Path<'_>, errors: &mut Vec<Error>, wrong: impl Fn(&str) -> Option<String>) {
    let detail = match value.as_str() {
        None => Some("must be a string".to_owned()),
        Some("") => Some("must not be empty".to_owned()),
        Some(text) => wrong(text),
    };
    errors.extend(detail.map(|detail| Error::invalid(at, value.clone(), detail)));
}

/// The metadata of something that is not stored: it needs no name.
fn object_meta(value: &Value, at: &Path<'_>) -> Vec<Error> {
    let mut object = value.clone();
    if object.meta().name().is_none() {
        object.meta_mut().set_name(Some("fakename"));
    }
    let scope = if object.meta().namespace().is_some() { Scope::Namespaced } else { Scope::Cluster };
    let errors = meta::validate_create(&object, meta::Created { scope, name: names::Rule::PathSegment });
    let below = |error: Error| match at.to_string().as_str() {
        "<nil>" => error,
        at => Error { field: format!("{at}.{}", error.field), ..error },
    };
    errors.into_iter().map(below).collect()
}

#[cfg(test)]
mod tests {
    use crate::Schema;
    use kcp_apimachinery::{Value, value};

    fn check(template: Value, expected: &[&str]) {
        let schema = value!({"type": "object", "properties": {"template": {
            "type": "object", "x-kubernetes-embedded-resource": true, "x-kubernetes-preserve-unknown-fields": true,
        }}});
        let schema = Schema::compile(&schema).expect("a schema");
        let errors = schema.validate(&value!({"template": template}), None);
        assert_eq!(errors.iter().map(ToString::to_string).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn embedded_resources_are_objects() {
        check(value!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}}), &[]);
        check(value!({}), &["template.apiVersion: Required value", "template.kind: Required value"]);
        check(
            value!({"apiVersion": "a/b/c", "kind": "", "metadata": {"name": "a"}}),
            &[
                "template.apiVersion: Invalid value: \"a/b/c\": unexpected GroupVersion string: a/b/c",
                "template.kind: Invalid value: \"\": must not be empty",
            ],
        );
        check(
            value!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a/b", "labels": {"a": "!"}}}),
            &[
                "template.metadata.name: Invalid value: \"a/b\": may not contain '/'",
                "template.metadata.labels: Invalid value: \"!\": a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')",
            ],
        );
    }
}

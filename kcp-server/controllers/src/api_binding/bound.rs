//! What a binding has bound, as the binding shows it, and the CRDs that serve it.

use super::export::Bindable;
use kcp_apimachinery::{Value, value};
use std::collections::BTreeSet;

/// A bound CRD is served from the moment it is stored: nobody else can have its name.
pub(super) fn established(mut crd: Value) -> Value {
    let names = crd.at(&["spec", "names"]).cloned().unwrap_or_default();
    let stored: Vec<Value> = storage_versions(&crd).into_iter().map(Value::from).collect();
    let condition = |kind: &str, reason: &str, message: &str| {
        value!({"type": (kind), "status": "True", "reason": (reason), "message": (message),
            "lastTransitionTime": "1970-01-01T00:00:00Z"})
    };
    crd.set_at(&["status", "acceptedNames"], names);
    crd.set_at(&["status", "storedVersions"], Value::Array(stored));
    crd.set_at(
        &["status", "conditions"],
        Value::Array(vec![
            condition("NamesAccepted", "NoConflicts", "no conflicts found"),
            condition("Established", "InitialNamesAccepted", "the initial names have been accepted"),
        ]),
    );
    crd
}

/// Bound resources that the export does not have any more stay as they are.
pub(super) fn kept(object: &Value, bindables: &[Bindable], free: &[usize]) -> Vec<Value> {
    let replaced = |entry: &&Value| free.iter().any(|&at| is_of(entry, &bindables[at]));
    entries(object).iter().filter(|entry| !replaced(entry)).cloned().collect()
}

/// What a binding shows of one resource. Versions that were stored once are never forgotten, because objects
/// may still be stored in them; what is stored elsewhere has none.
pub(super) fn entry(bindable: &Bindable, identity: &str, crd: Option<&Value>, object: &Value) -> Value {
    let mut stored = BTreeSet::new();
    if !bindable.elsewhere {
        let before = entries(object).iter().find(|entry| is_of(entry, bindable));
        stored.extend(names(before, &["storageVersions"]));
        stored.extend(names(crd, &["status", "storedVersions"]));
        stored.extend(storage_versions(&bindable.schema.value));
    }
    value!({
        "group": (bindable.group.as_str()), "resource": (bindable.resource.as_str()),
        "schema": {"name": (bindable.schema.key.name.as_str()), "UID": (bindable.schema.uid()), "identityHash": (identity)},
        "storageVersions": (stored.into_iter().map(Value::from).collect::<Vec<_>>()),
    })
}

fn entries(binding: &Value) -> &[Value] {
    binding.at(&["status", "boundResources"]).and_then(Value::as_array).unwrap_or_default()
}

fn is_of(entry: &Value, bindable: &Bindable) -> bool {
    entry.str_at(&["group"]).unwrap_or_default() == bindable.group
        && entry.str_at(&["resource"]) == Some(&*bindable.resource)
}

fn names(object: Option<&Value>, path: &[&str]) -> Vec<String> {
    let list = object.and_then(|object| object.at(path)).and_then(Value::as_array).unwrap_or_default();
    list.iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

/// The versions of a CRD or schema that objects are stored in: one.
fn storage_versions(object: &Value) -> Vec<String> {
    let versions = object.at(&["spec", "versions"]).and_then(Value::as_array).unwrap_or_default();
    let stored =
        versions.iter().filter(|version| version.get("storage").and_then(Value::as_bool) == Some(true));
    stored.filter_map(|version| version.str_at(&["name"])).map(str::to_owned).collect()
}

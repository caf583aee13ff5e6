use super::{DELETE_DEPENDENTS, Gv, Meta, ORPHAN_DEPENDENTS, OwnerReference};
use crate::{
    Value,
    field::{Error, Path},
    go,
    names::{self, Rule},
};
use std::collections::HashSet;

/// Most bytes of keys and values of all annotations of an object.
pub const ANNOTATIONS_MAX: usize = 256 * 1024;
/// Most bytes of the name of a field manager.
const FIELD_MANAGER_MAX: usize = 128;
/// Most bytes of the name of a subresource in `managedFields`.
const SUBRESOURCE_MAX: usize = 256;
const IMMUTABLE: &str = "field is immutable";

/// Whether a kind's objects are in namespaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// They are.
    Namespaced,
    /// They are not.
    Cluster,
}

/// What kind of object is created.
#[derive(Clone, Copy, Debug)]
pub struct Created {
    /// Whether it belongs into a namespace.
    pub scope: Scope,
    /// The rule for its name.
    pub name: Rule,
}

/// What is wrong with the metadata of an object that is created, after its name was generated.
#[must_use]
pub fn validate_create(object: &Value, what: Created) -> Vec<Error> {
    let meta = object.meta();
    let at = Path::new("metadata");
    let mut errors = Vec::new();
    if let Some(prefix) = meta.generate_name() {
        let path = at.child("generateName");
        errors
            .extend(what.name.check_prefix(prefix).into_iter().map(|one| Error::invalid(&path, prefix, one)));
    }
    let path = at.child("name");
    match meta.name() {
        None => errors.push(Error::required(&path, "name or generateName is required")),
        Some(name) => {
            errors.extend(what.name.check(name).into_iter().map(|one| Error::invalid(&path, name, one)))
        }
    }
    namespace(meta, what.scope, &at.child("namespace"), &mut errors);
    generation(meta, &at.child("generation"), &mut errors);
    errors.extend(validate_labels(labels(object), &at.child("labels")));
    errors.extend(validate_annotations(annotations(object), &at.child("annotations")));
    owner_references(meta, &at.child("ownerReferences"), &mut errors);
    finalizers(meta, &at.child("finalizers"), &mut errors);
    managed_fields(meta, &at.child("managedFields"), &mut errors);
    errors
}

/// What is wrong with the metadata of an object that replaces `old`.
#[must_use]
pub fn validate_update(object: &Value, old: &Value) -> Vec<Error> {
    let (meta, old_meta) = (object.meta(), old.meta());
    let at = Path::new("metadata");
    let mut errors = Vec::new();
    if old_meta.is_deleting() {
        no_new_finalizers(meta, old_meta, &at.child("finalizers"), &mut errors);
    }
    if meta.resource_version().is_none() {
        let path = at.child("resourceVersion");
        errors.push(Error::invalid(&path, "", "must be specified for an update"));
    }
    let path = at.child("generation");
    generation(meta, &path, &mut errors);
    let generation = meta.generation().unwrap_or_default();
    if generation < old_meta.generation().unwrap_or_default() {
        errors.push(Error::invalid(&path, generation, "must not be decremented"));
    }
    for member in
        ["name", "namespace", "uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds"]
    {
        immutable(object, old, member, &at.child(member), &mut errors);
    }
    errors.extend(validate_labels(labels(object), &at.child("labels")));
    errors.extend(validate_annotations(annotations(object), &at.child("annotations")));
    owner_references(meta, &at.child("ownerReferences"), &mut errors);
    managed_fields(meta, &at.child("managedFields"), &mut errors);
    errors
}

/// What is wrong with labels.
#[must_use]
pub fn validate_labels<'l>(
    labels: impl IntoIterator<Item = (&'l str, &'l str)>,
    at: &Path<'_>,
) -> Vec<Error> {
    let mut errors = Vec::new();
    for (key, value) in labels {
        errors.extend(names::qualified_name(key).into_iter().map(|one| Error::invalid(at, key, one)));
        errors.extend(names::label_value(value).into_iter().map(|one| Error::invalid(at, value, one)));
    }
    errors
}

/// What is wrong with annotations. Their keys may have upper case in the prefix.
#[must_use]
pub fn validate_annotations<'a>(
    annotations: impl IntoIterator<Item = (&'a str, &'a str)>,
    at: &Path<'_>,
) -> Vec<Error> {
    let (mut errors, mut size) = (Vec::new(), 0);
    for (key, value) in annotations {
        size += key.len() + value.len();
        let wrong = names::qualified_name(&key.to_lowercase());
        errors.extend(wrong.into_iter().map(|one| Error::invalid(at, key, one)));
    }
    if size > ANNOTATIONS_MAX {
        errors.push(Error::too_long(at, ANNOTATIONS_MAX));
    }
    errors
}

/// What is wrong with the name of a field manager.
#[must_use]
pub fn validate_field_manager(name: &str, at: &Path<'_>) -> Vec<Error> {
    let mut errors = Vec::new();
    if name.len() > FIELD_MANAGER_MAX {
        errors.push(Error::too_long(at, FIELD_MANAGER_MAX));
    }
    let unprintable = name.char_indices().filter(|(_, c)| !go::is_printable(*c));
    errors.extend(unprintable.map(|(position, c)| {
        let detail = format!("invalid character U+{:04X} (at position {position})", u32::from(c));
        Error::invalid(at, name, detail)
    }));
    errors
}

fn labels(object: &Value) -> impl Iterator<Item = (&str, &str)> {
    object.meta().labels()
}

fn annotations(object: &Value) -> impl Iterator<Item = (&str, &str)> {
    object.meta().annotations()
}

fn namespace(meta: Meta<'_>, scope: Scope, at: &Path<'_>, errors: &mut Vec<Error>) {
    match (scope, meta.namespace()) {
        (Scope::Namespaced, None) => errors.push(Error::required(at, "")),
        (Scope::Namespaced, Some(name)) => {
            errors.extend(names::dns1123_label(name).into_iter().map(|one| Error::invalid(at, name, one)));
        }
        (Scope::Cluster, Some(_)) => errors.push(Error::forbidden(at, "not allowed on this type")),
        (Scope::Cluster, None) => {}
    }
}

fn generation(meta: Meta<'_>, at: &Path<'_>, errors: &mut Vec<Error>) {
    if let Some(generation) = meta.generation().filter(|generation| *generation < 0) {
        errors.push(Error::invalid(at, generation, "must be greater than or equal to 0"));
    }
}

fn owner_references(meta: Meta<'_>, at: &Path<'_>, errors: &mut Vec<Error>) {
    let mut controller: Option<String> = None;
    for (position, owner) in meta.owner_references().enumerate() {
        owner_reference(&owner, &at.index(position), errors);
        if owner.controller != Some(true) {
            continue;
        }
        let name = format!("{}/{}", owner.kind, owner.name);
        match &controller {
            Some(first) => {
                let all: Value = meta.owner_references().map(|owner| owner.to_value()).collect();
                let detail = format!(
                    "Only one reference can have Controller set to true. Found \"true\" in references for {first} and {name}"
                );
                errors.push(Error::invalid(at, all, detail));
            }
            None => controller = Some(name),
        }
    }
}

fn owner_reference(owner: &OwnerReference, at: &Path<'_>, errors: &mut Vec<Error>) {
    let path = at.child("apiVersion");
    if owner.api_version.is_empty() {
        errors.push(Error::required(&path, "must not be empty"));
    } else if !Gv::parse(&owner.api_version).is_ok_and(|gv| !gv.version.is_empty()) {
        errors.push(Error::invalid(&path, &*owner.api_version, "must be <group>/<version> or <version>"));
    }
    for (member, text) in [("kind", &owner.kind), ("name", &owner.name), ("uid", &owner.uid)] {
        if text.is_empty() {
            errors.push(Error::required(&at.child(member), "must not be empty"));
        }
    }
    // Events come and go by themselves.
    if owner.api_version == "v1" && owner.kind == "Event" {
        let detail = "/v1, Kind=Event is disallowed from being an owner";
        errors.push(Error::invalid(at, owner.to_value(), detail));
    }
}

fn finalizers(meta: Meta<'_>, at: &Path<'_>, errors: &mut Vec<Error>) {
    for name in meta.finalizers() {
        errors.extend(names::qualified_name(name).into_iter().map(|one| Error::invalid(at, name, one)));
    }
    if meta.has_finalizer(ORPHAN_DEPENDENTS) && meta.has_finalizer(DELETE_DEPENDENTS) {
        let all: Value = meta.finalizers().map(Value::from).collect();
        let detail = format!("finalizer {ORPHAN_DEPENDENTS} and {DELETE_DEPENDENTS} cannot be both set");
        errors.push(Error::invalid(at, all, detail));
    }
}

/// What is wrong with the finalizers of a kind of Kubernetes itself, beyond their form: each is qualified, or one of
/// those that Kubernetes knows.
#[must_use]
pub fn validate_standard_finalizers(object: &Value) -> Vec<Error> {
    let at = Path::new("metadata");
    let at = at.child("finalizers");
    let unknown = |name: &str| {
        !name.contains('/') && !["kubernetes", ORPHAN_DEPENDENTS, DELETE_DEPENDENTS].contains(&name)
    };
    let finalizers = object.meta().finalizers().enumerate().filter(|(_, name)| unknown(name));
    finalizers
        .map(|(position, name)| {
            let detail = "name is neither a standard finalizer name nor is it fully qualified";
            Error::invalid(&at.index(position), name, detail)
        })
        .collect()
}

fn no_new_finalizers(meta: Meta<'_>, old: Meta<'_>, at: &Path<'_>, errors: &mut Vec<Error>) {
    let known: HashSet<_> = old.finalizers().collect();
    let mut fresh: Vec<_> = meta.finalizers().filter(|name| !known.contains(name)).collect();
    fresh.sort_unstable();
    fresh.dedup();
    if !fresh.is_empty() {
        let list = fresh.iter().map(|name| go::quote(name)).collect::<Vec<_>>().join(", ");
        let detail = format!(
            "no new finalizers can be added if the object is being deleted, found new finalizers []string{{{list}}}"
        );
        errors.push(Error::forbidden(at, detail));
    }
}

fn managed_fields(meta: Meta<'_>, at: &Path<'_>, errors: &mut Vec<Error>) {
    let entries = meta.managed_fields().and_then(Value::as_array).unwrap_or_default();
    for (position, entry) in entries.iter().enumerate() {
        let at = at.index(position);
        let text = |name| entry.get(name).and_then(Value::as_str).unwrap_or_default();
        match text("operation") {
            "" => errors.push(Error::required(&at.child("operation"), "must not be empty")),
            "Apply" | "Update" => {}
            other => errors.push(Error::not_supported(&at.child("operation"), other, &["Apply", "Update"])),
        }
        if !matches!(text("fieldsType"), "" | "FieldsV1") {
            errors.push(Error::invalid(&at.child("fieldsType"), text("fieldsType"), "must be `FieldsV1`"));
        }
        errors.extend(validate_field_manager(text("manager"), &at.child("manager")));
        if text("subresource").len() > SUBRESOURCE_MAX {
            errors.push(Error::too_long(&at.child("subresource"), SUBRESOURCE_MAX));
        }
    }
}

fn immutable(object: &Value, old: &Value, member: &str, at: &Path<'_>, errors: &mut Vec<Error>) {
    // Missing, null and empty are one and the same.
    let read = |object: &Value| {
        let value = object.at(&["metadata", member]).cloned().unwrap_or_default();
        if value.as_str() == Some("") { Value::Null } else { value }
    };
    let value = read(object);
    if value != read(old) {
        // Kinds with Go types print an empty string for a missing one.
        let shown = if value.is_null() && !member.starts_with("deletion") { "".into() } else { value };
        errors.push(Error::invalid(at, shown, IMMUTABLE));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value;
    use expect_test::{Expect, expect};

    fn check(errors: &[Error], expected: Expect) {
        expected.assert_eq(&errors.iter().map(Error::to_string).collect::<Vec<_>>().join("\n"));
    }

    fn create(metadata: Value) -> Vec<Error> {
        let mut object = Value::object();
        object.set_at(&["metadata"], metadata);
        validate_create(&object, Created { scope: Scope::Namespaced, name: Rule::Subdomain })
    }

    #[test]
    fn what_is_created() {
        check(&create(value!({"name": "a", "namespace": "b", "labels": {"x/y": "z"}})), expect![""]);
        check(
            &create(value!({"generation": (-1_i64)})),
            expect![[r#"
            metadata.name: Required value: name or generateName is required
            metadata.namespace: Required value
            metadata.generation: Invalid value: -1: must be greater than or equal to 0"#]],
        );
        check(
            &create(value!({"name": "a", "namespace": "b", "finalizers": ["orphan", "foregroundDeletion"]})),
            expect![[
                r#"metadata.finalizers: Invalid value: ["orphan","foregroundDeletion"]: finalizer orphan and foregroundDeletion cannot be both set"#
            ]],
        );
        let big = "x".repeat(ANNOTATIONS_MAX);
        check(
            &create(value!({"name": "a", "namespace": "b", "annotations": {"A.com/b": (big)}})),
            expect!["metadata.annotations: Too long: may not be more than 262144 bytes"],
        );
    }

    #[test]
    fn finalizers_of_kubernetes_itself_are_qualified() {
        let of = |names: Value| validate_standard_finalizers(&value!({"metadata": {"finalizers": (names)}}));
        check(&of(value!(["orphan", "a.io/b", "kubernetes", "foregroundDeletion"])), expect![""]);
        check(
            &of(value!(["a.io/b", "x"])),
            expect![[
                r#"metadata.finalizers[1]: Invalid value: "x": name is neither a standard finalizer name nor is it fully qualified"#
            ]],
        );
    }

    #[test]
    fn owners() {
        let owner = |kind: &str| value!({"apiVersion": "v1", "kind": (kind), "name": "a", "uid": "u", "controller": true});
        check(
            &create(
                value!({"name": "a", "namespace": "b", "ownerReferences": [(owner("Pod")), (owner("Event")), {}]}),
            ),
            expect![[r#"
                metadata.ownerReferences[1]: Invalid value: {"apiVersion":"v1","controller":true,"kind":"Event","name":"a","uid":"u"}: /v1, Kind=Event is disallowed from being an owner
                metadata.ownerReferences: Invalid value: [{"apiVersion":"v1","controller":true,"kind":"Pod","name":"a","uid":"u"},{"apiVersion":"v1","controller":true,"kind":"Event","name":"a","uid":"u"},{"apiVersion":"","kind":"","name":"","uid":""}]: Only one reference can have Controller set to true. Found "true" in references for Pod/a and Event/a
                metadata.ownerReferences[2].apiVersion: Required value: must not be empty
                metadata.ownerReferences[2].kind: Required value: must not be empty
                metadata.ownerReferences[2].name: Required value: must not be empty
                metadata.ownerReferences[2].uid: Required value: must not be empty"#]],
        );
    }

    #[test]
    fn what_is_updated() {
        let old = value!({"metadata": {"name": "a", "uid": "u", "generation": 2_i64,
            "deletionTimestamp": "2026-01-01T00:00:00Z", "finalizers": ["a"]}});
        let new = value!({"metadata": {"name": "b", "generation": 1_i64, "resourceVersion": "1",
            "deletionTimestamp": "2026-01-01T00:00:00Z", "finalizers": ["b", "a"]}});
        check(
            &validate_update(&new, &old),
            expect![[r#"
            metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers []string{"b"}
            metadata.generation: Invalid value: 1: must not be decremented
            metadata.name: Invalid value: "b": field is immutable
            metadata.uid: Invalid value: "": field is immutable"#]],
        );
        check(
            &validate_update(&old, &old),
            expect![[r#"metadata.resourceVersion: Invalid value: "": must be specified for an update"#]],
        );
    }

    #[test]
    fn field_managers() {
        let at = Path::new("fieldManager");
        check(
            &validate_field_manager("a\tb", &at),
            expect![[r#"fieldManager: Invalid value: "a\tb": invalid character U+0009 (at position 1)"#]],
        );
        check(
            &validate_field_manager(&"a".repeat(129), &at),
            expect!["fieldManager: Too long: may not be more than 128 bytes"],
        );
    }
}

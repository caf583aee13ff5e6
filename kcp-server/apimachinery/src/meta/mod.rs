//! A typed view on `metadata`, and what may be written there.
//!
//! [`Meta`] reads a tree in place and [`MetaMut`] changes one in place; nothing is converted. A member
//! that is empty, as Go's zero values are, reads as missing, and writing nothing removes the member.

mod gvk;
mod malformed;
mod owner;
mod validate;
mod version;
mod write;

pub use gvk::{GroupKind, GroupResource, Gv, Gvk, Gvr};
pub use malformed::malformed;
pub use owner::OwnerReference;
pub use validate::{
    ANNOTATIONS_MAX, Created, Scope, validate_annotations, validate_create, validate_field_manager,
    validate_labels, validate_standard_finalizers, validate_update,
};
pub use version::compare_versions;
pub use write::MetaMut;

use crate::{Map, Value, time::Time};

/// The finalizer of an object whose dependents are to be orphaned.
pub const ORPHAN_DEPENDENTS: &str = "orphan";
/// The finalizer of an object whose dependents are to be deleted before it.
pub const DELETE_DEPENDENTS: &str = "foregroundDeletion";

/// `metadata` of an object, for reading. Missing and malformed members read alike.
#[derive(Clone, Copy, Debug)]
pub struct Meta<'o>(Option<&'o Map>);

impl Value {
    /// Its `metadata`, for reading.
    #[must_use]
    pub fn meta(&self) -> Meta<'_> {
        Meta(self.get("metadata").and_then(Value::as_object))
    }

    /// Its `metadata`, for change; it is made when missing.
    pub fn meta_mut(&mut self) -> MetaMut<'_> {
        MetaMut::new(self.force_object().entry("metadata").force_object())
    }

    /// Its `apiVersion` and `kind`, as far as they are there.
    #[must_use]
    pub fn gvk(&self) -> Gvk {
        let version = self.str_at(&["apiVersion"]).unwrap_or_default();
        let kind = self.str_at(&["kind"]).unwrap_or_default();
        Gv::parse(version).unwrap_or_default().with_kind(kind)
    }

    /// Sets `apiVersion` and `kind`.
    pub fn set_gvk(&mut self, gvk: &Gvk) {
        let map = self.force_object();
        map.insert("apiVersion", gvk.api_version());
        map.insert("kind", &*gvk.kind);
    }
}

impl<'o> Meta<'o> {
    /// The view on a `metadata` object itself.
    #[must_use]
    pub const fn of(metadata: &'o Map) -> Self {
        Self(Some(metadata))
    }

    fn member(self, name: &str) -> Option<&'o Value> {
        self.0?.get(name)
    }

    fn text(self, name: &str) -> Option<&'o str> {
        self.member(name)?.as_str().filter(|text| !text.is_empty())
    }

    fn time(self, name: &str) -> Option<Time> {
        Time::parse(self.text(name)?).ok()
    }

    fn strings(self, name: &str) -> impl Iterator<Item = (&'o str, &'o str)> + Clone + use<'o> {
        let map = self.member(name).and_then(Value::as_object);
        map.into_iter().flat_map(Map::iter).filter_map(|(key, value)| Some((key, value.as_str()?)))
    }

    /// The name.
    #[must_use]
    pub fn name(self) -> Option<&'o str> {
        self.text("name")
    }

    /// What the server is to begin the name with.
    #[must_use]
    pub fn generate_name(self) -> Option<&'o str> {
        self.text("generateName")
    }

    /// The namespace.
    #[must_use]
    pub fn namespace(self) -> Option<&'o str> {
        self.text("namespace")
    }

    /// What tells this object from others that had its name.
    #[must_use]
    pub fn uid(self) -> Option<&'o str> {
        self.text("uid")
    }

    /// The revision of the object, opaque.
    #[must_use]
    pub fn resource_version(self) -> Option<&'o str> {
        self.text("resourceVersion")
    }

    /// How often what is wanted has changed.
    #[must_use]
    pub fn generation(self) -> Option<i64> {
        self.member("generation")?.as_int()
    }

    /// All labels, by key.
    pub fn labels(self) -> impl Iterator<Item = (&'o str, &'o str)> + Clone + use<'o> {
        self.strings("labels")
    }

    /// One label.
    #[must_use]
    pub fn label(self, key: &str) -> Option<&'o str> {
        self.member("labels")?.get(key)?.as_str()
    }

    /// All annotations, by key.
    pub fn annotations(self) -> impl Iterator<Item = (&'o str, &'o str)> + Clone + use<'o> {
        self.strings("annotations")
    }

    /// One annotation.
    #[must_use]
    pub fn annotation(self, key: &str) -> Option<&'o str> {
        self.member("annotations")?.get(key)?.as_str()
    }

    /// What has to be done before the object may go.
    pub fn finalizers(self) -> impl Iterator<Item = &'o str> + Clone + use<'o> {
        let items = self.member("finalizers").and_then(Value::as_array).unwrap_or_default();
        items.iter().filter_map(Value::as_str)
    }

    /// Whether this finalizer is there.
    #[must_use]
    pub fn has_finalizer(self, name: &str) -> bool {
        self.finalizers().any(|finalizer| finalizer == name)
    }

    /// The objects it lives and dies with.
    pub fn owner_references(self) -> impl Iterator<Item = OwnerReference> + Clone + use<'o> {
        let items = self.member("ownerReferences").and_then(Value::as_array).unwrap_or_default();
        items.iter().map(OwnerReference::read)
    }

    /// The owner that manages it.
    #[must_use]
    pub fn controller(self) -> Option<OwnerReference> {
        self.owner_references().find(|owner| owner.controller == Some(true))
    }

    /// When it was created.
    #[must_use]
    pub fn creation_timestamp(self) -> Option<Time> {
        self.time("creationTimestamp")
    }

    /// When it is to be gone; it is being deleted if this is set.
    #[must_use]
    pub fn deletion_timestamp(self) -> Option<Time> {
        self.time("deletionTimestamp")
    }

    /// Whether it is being deleted.
    #[must_use]
    pub fn is_deleting(self) -> bool {
        self.text("deletionTimestamp").is_some()
    }

    /// How long it was given to end, in seconds.
    #[must_use]
    pub fn deletion_grace_period_seconds(self) -> Option<i64> {
        self.member("deletionGracePeriodSeconds")?.as_int()
    }

    /// Who owns which fields, as it is on the wire (`apply::ManagedFields` reads it).
    #[must_use]
    pub fn managed_fields(self) -> Option<&'o Value> {
        self.member("managedFields")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value;

    #[test]
    fn members_are_read_in_place() {
        let object = value!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {
            "name": "a", "namespace": "", "generation": 3_i64, "labels": {"x": "y", "n": 1_i64},
            "finalizers": ["f"], "creationTimestamp": "2026-01-02T03:04:05Z"}});
        let meta = object.meta();
        assert_eq!(object.gvk().to_string(), "apps/v1, Kind=Deployment");
        assert_eq!((meta.name(), meta.namespace(), meta.uid()), (Some("a"), None, None));
        assert_eq!(meta.labels().collect::<Vec<_>>(), [("x", "y")]);
        assert_eq!((meta.label("x"), meta.label("n"), meta.generation()), (Some("y"), None, Some(3)));
        assert!(meta.has_finalizer("f") && !meta.is_deleting());
        assert_eq!(meta.creation_timestamp().map(|at| at.to_string()), Some("2026-01-02T03:04:05Z".into()));
    }

    #[test]
    fn anything_may_lack_metadata() {
        for object in
            [Value::Null, value!({"metadata": "x"}), value!({"metadata": {"ownerReferences": [1_i64]}})]
        {
            assert_eq!(object.meta().name(), None);
            assert_eq!(object.meta().finalizers().count(), 0);
            assert_eq!(object.meta().controller(), None);
        }
    }
}

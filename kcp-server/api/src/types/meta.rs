use super::unset;
use kcp_apimachinery::{Value, meta::OwnerReference, time::Time, value};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::collections::BTreeMap;

/// An object that does not have the shape of its kind.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{kind}: {problem}")]
pub struct ShapeError {
    /// The kind it should have been.
    pub kind: &'static str,
    /// What is wrong, in the words of the decoder.
    pub problem: String,
}

/// One kind of objects, as a Rust type.
pub trait Kind: Serialize + DeserializeOwned {
    /// API group.
    const GROUP: &'static str;
    /// The version this type has the shape of.
    const VERSION: &'static str;
    /// Name of the kind.
    const KIND: &'static str;
    /// Name of the resource.
    const PLURAL: &'static str;

    /// The object's metadata.
    fn metadata(&self) -> &ObjectMeta;

    /// Reads an object. Its `apiVersion` and `kind` are not looked at.
    ///
    /// # Errors
    /// A field of another type than the kind has.
    fn from_value(object: &Value) -> Result<Self, ShapeError> {
        value::into_type(object).map_err(|error| ShapeError { kind: Self::KIND, problem: error.to_string() })
    }

    /// The object with `apiVersion` and `kind`.
    fn to_value(&self) -> Value {
        // The types of this crate are objects with text for keys, which JSON can always say.
        let mut object = value::to_value(self).unwrap_or_default();
        object.set_at(&["apiVersion"], format!("{}/{}", Self::GROUP, Self::VERSION).into());
        object.set_at(&["kind"], Self::KIND.into());
        object
    }
}

/// What all objects have. `managedFields` and what only the server needs are left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ObjectMeta {
    /// Unique in its logical cluster, namespace and resource.
    #[serde(skip_serializing_if = "unset")]
    pub name: String,
    /// Prefix of a name that the server makes.
    #[serde(skip_serializing_if = "unset")]
    pub generate_name: String,
    /// Namespace; empty for cluster-scoped objects.
    #[serde(skip_serializing_if = "unset")]
    pub namespace: String,
    /// Unique for ever.
    #[serde(skip_serializing_if = "unset")]
    pub uid: String,
    /// Opaque version of the stored object.
    #[serde(skip_serializing_if = "unset")]
    pub resource_version: String,
    /// Counts changes of the spec.
    #[serde(skip_serializing_if = "unset")]
    pub generation: i64,
    /// When it was made.
    #[serde(skip_serializing_if = "unset")]
    pub creation_timestamp: Option<Time>,
    /// When it was asked to go.
    #[serde(skip_serializing_if = "unset")]
    pub deletion_timestamp: Option<Time>,
    /// What it can be selected by.
    #[serde(skip_serializing_if = "unset")]
    pub labels: BTreeMap<String, String>,
    /// What else is known about it.
    #[serde(skip_serializing_if = "unset")]
    pub annotations: BTreeMap<String, String>,
    /// Objects it goes with.
    #[serde(skip_serializing_if = "unset")]
    pub owner_references: Vec<OwnerReference>,
    /// Who has to clean up before it goes.
    #[serde(skip_serializing_if = "unset")]
    pub finalizers: Vec<String>,
}

impl ObjectMeta {
    /// Metadata with a name only.
    #[must_use]
    pub fn named(name: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }

    /// An annotation's value.
    #[must_use]
    pub fn annotation(&self, key: &str) -> Option<&str> {
        self.annotations.get(key).map(String::as_str)
    }

    /// Whether a finalizer is there.
    #[must_use]
    pub fn has_finalizer(&self, name: &str) -> bool {
        self.finalizers.iter().any(|finalizer| finalizer == name)
    }

    /// Whether the object was asked to go.
    #[must_use]
    pub fn is_deleting(&self) -> bool {
        self.deletion_timestamp.is_some()
    }
}

//! APIExports and APIBindings between v1alpha1 and v1alpha2, the stored version.
//!
//! What one version cannot say is kept in an annotation of the object in that version and put back
//! when it is converted again, matched by group, resource and identity. What the annotations cannot
//! keep either is lost as upstream loses it: the `defaultSelector` of a claim with the verbs `["*"]`
//! on an export, that of any claim on a binding, and the place of virtual resources among others.
//! A v1alpha1 `resourceSelector` becomes "all objects" in v1alpha2.

mod binding;
mod claim;
mod export;

use kcp_apimachinery::Value;

/// An object that cannot be converted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConvertError {
    /// No APIExport or APIBinding, or another version.
    #[error("cannot convert {from} to {to}")]
    Unknown {
        /// `apiVersion` and kind of the object.
        from: String,
        /// The version that was asked for.
        to: String,
    },
    /// A name in `latestResourceSchemas` that is not `<prefix>.<resource>.<group>`.
    #[error("invalid schema {0:?}: must have at least 3 dot-separated segments")]
    SchemaName(String),
    /// An annotation that does not hold what was left out.
    #[error("failed to decode {what} from JSON: {problem}")]
    Annotation {
        /// What it should hold.
        what: &'static str,
        /// Words of the decoder.
        problem: String,
    },
    /// A field of another type than the kind has.
    #[error("{field}: {problem}")]
    Shape {
        /// The field.
        field: &'static str,
        /// Words of the decoder.
        problem: String,
    },
}

/// The object in another version of its group; the object itself if it is in that version.
///
/// # Errors
/// An object of another kind or version, or of another shape than its kind has.
pub fn convert(object: &Value, version: &str) -> Result<Value, ConvertError> {
    let from = object.gvk();
    let to = format!("apis.kcp.io/{version}");
    if from.api_version() == to {
        return Ok(object.clone());
    }
    let mut converted = match (&*from.kind, &*from.version, version) {
        ("APIExport", "v1alpha1", "v1alpha2") => export::up(object)?,
        ("APIExport", "v1alpha2", "v1alpha1") => export::down(object)?,
        ("APIBinding", "v1alpha1", "v1alpha2") => binding::up(object)?,
        ("APIBinding", "v1alpha2", "v1alpha1") => binding::down(object)?,
        _ => return Err(ConvertError::Unknown { from: from.to_string(), to }),
    };
    converted.set_at(&["apiVersion"], to.into());
    tidy(&mut converted);
    Ok(converted)
}

/// An object without annotations has none, not an empty map.
fn tidy(object: &mut Value) {
    let annotations = object.at(&["metadata", "annotations"]).and_then(Value::as_object);
    if annotations.is_some_and(kcp_apimachinery::Map::is_empty) {
        object.remove_at(&["metadata", "annotations"]);
    }
}

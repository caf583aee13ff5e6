//! What `kubectl apply` without `--server-side` left behind, and how an object moves from that to
//! server-side apply: kubectl may take over without conflict what its own annotation says it set.

use super::{Versions, compare::compare, fields::fields_of, set::Set};
use crate::{
    Value,
    meta::ANNOTATIONS_MAX,
    value::{decode, encode},
};

/// The annotation in which kubectl keeps what it applied last.
pub(super) const ANNOTATION: &str = "kubectl.kubernetes.io/last-applied-configuration";
/// The field manager that this is about.
pub(super) const KUBECTL: &str = "kubectl";

/// The fields that the annotation of `live` sets and that still have that value.
pub(super) fn still_applied(live: &Value, version: &str, versions: &dyn Versions) -> Option<Set> {
    let text = live.meta().annotation(ANNOTATION).filter(|text| !text.is_empty())?;
    let applied = decode(text.as_bytes()).ok()?;
    let shape = versions.shape(version)?;
    if applied.str_at(&["apiVersion"]) != Some(version) || super::typed::validate(&applied, shape).is_err() {
        return None;
    }
    let changes = compare(&applied, live, shape);
    let fields = fields_of(&applied, shape);
    Some(fields.difference(&changes.modified).difference(&changes.added).difference(&changes.removed))
}

/// The annotation that stands for a configuration.
pub(super) fn annotation_of(config: &Value) -> String {
    let mut config = config.clone();
    config.remove_at(&["metadata", "annotations", ANNOTATION]);
    if config.at(&["metadata", "annotations"]).and_then(Value::as_object).is_some_and(crate::Map::is_empty) {
        config.remove_at(&["metadata", "annotations"]);
    }
    // As kubectl writes it, a line.
    String::from_utf8_lossy(&encode(&config)).into_owned() + "\n"
}

/// Whether the object has the annotation.
pub(super) fn is_annotated(object: &Value) -> bool {
    object.meta().annotation(ANNOTATION).is_some_and(|text| !text.is_empty())
}

/// Replaces the annotation, or drops it if annotations became too long.
pub(super) fn annotate(object: &mut Value, text: &str) {
    let others = object.meta().annotations().filter(|(key, _)| *key != ANNOTATION);
    let size: usize = others.map(|(key, value)| key.len() + value.len()).sum();
    let fits = size + ANNOTATION.len() + text.len() <= ANNOTATIONS_MAX;
    object.meta_mut().set_annotation(ANNOTATION, fits.then_some(text));
}

//! The phase machine of logical clusters, and what mirrors the phase.

use crate::workspace::trim_owner;
use kcp_api::well_known::{annotation, finalizer, label};
use kcp_apimachinery::Value;
use kcp_names::hash;

/// Brings phase, labels and finalizers to what the rest of the object says.
pub(crate) fn settle(object: &mut Value) {
    set_phase(object);
    mirror(object);
}

/// Brings labels and finalizers to what the phase and what is left of the lifecycle say.
pub(crate) fn mirror(object: &mut Value) {
    set_labels(object);
    set_finalizers(object);
}

fn set_phase(object: &mut Value) {
    let phase = object.str_at(&["status", "phase"]).unwrap_or_default().to_owned();
    let inactive = [annotation::INACTIVE, annotation::INACTIVE_LEGACY]
        .iter()
        .any(|name| object.str_at(&["metadata", "annotations", name]) == Some("true"));
    let next = if object.meta().is_deleting() {
        if left(object, "terminators") { "Terminating" } else { "Deleting" }
    } else {
        match phase.as_str() {
            "" | "Scheduling" => {
                for name in ["initializers", "terminators"] {
                    if let Some(list) = object.at(&["spec", name]).cloned() {
                        object.set_at(&["status", name], list);
                    }
                }
                "Initializing"
            }
            "Initializing" if !left(object, "initializers") => "Ready",
            "Ready" if inactive => "Inactive",
            "Inactive" if !inactive => "Ready",
            other => other,
        }
    };
    // One more step at once when the first one leads straight through it.
    let next = if next == "Initializing" && !left(object, "initializers") { "Ready" } else { next };
    object.set_at(&["status", "phase"], next.into());
    if next == "Ready" {
        trim_owner(object);
    }
}

fn left(object: &Value, name: &str) -> bool {
    object.at(&["status", name]).and_then(Value::as_array).is_some_and(|list| !list.is_empty())
}

/// Labels mirror the phase and what is left of the lifecycle, so that others can select by them.
fn set_labels(object: &mut Value) {
    let phase = object.str_at(&["status", "phase"]).unwrap_or_default().to_owned();
    let ids = |name: &str| -> Vec<String> {
        let list = object.at(&["status", name]).and_then(Value::as_array).unwrap_or_default();
        list.iter().filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let mut wanted = vec![(label::PHASE.to_owned(), phase)];
    wanted.extend(ids("initializers").iter().map(|id| hash::initializer_label(id)));
    wanted.extend(ids("terminators").iter().map(|id| hash::terminator_label(id)));
    if let Some(labels) =
        object.get_mut("metadata").and_then(|m| m.get_mut("labels")).and_then(Value::as_object_mut)
    {
        labels.retain(|name, _| {
            let ours = name.starts_with("initializer.internal.kcp.io/")
                || name.starts_with("terminator.internal.kcp.io/");
            !ours || wanted.iter().any(|(key, _)| key == name)
        });
    }
    for (key, value) in wanted {
        object.set_at(&["metadata", "labels", &key], value.into());
    }
}

fn set_finalizers(object: &mut Value) {
    if !left(object, "terminators") {
        object.meta_mut().remove_finalizer(finalizer::TERMINATORS);
    } else if !object.meta().is_deleting() {
        object.meta_mut().add_finalizer(finalizer::TERMINATORS);
    }
}

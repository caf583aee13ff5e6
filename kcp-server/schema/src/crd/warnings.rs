use super::{
    source::{any, items, text},
    view::View,
};
use crate::format;
use kcp_apimachinery::{Value, go};
use std::collections::BTreeSet;

/// What Kubernetes warns of when a definition is written; of an update, only what is new.
#[must_use]
pub fn warnings(crd: &Value, old: Option<&Value>) -> Vec<String> {
    let known = old.map(all).unwrap_or_default();
    let mut new = all(crd);
    new.retain(|warning| !known.contains(warning));
    new
}

fn all(crd: &Value) -> Vec<String> {
    let Some(spec) = crd.get("spec") else { return Vec::new() };
    let (mut formats, mut sets) = (Vec::new(), BTreeSet::new());
    for schema in View::of(spec).schemas() {
        any(schema, &mut |schema| {
            let format = text(schema, "format");
            if !format.is_empty() && !is_recognized(text(schema, "type"), format) {
                formats.push(format!("unrecognized format {}", go::quote(format)));
            }
            let elements = items(schema).map(|items| text(items, "type")).unwrap_or_default();
            if text(schema, "x-kubernetes-list-type") == "set" && matches!(elements, "object" | "array") {
                sets.insert(format!(
                    "x-kubernetes-list-type: set for items of type {} is not supported by server-side apply or CEL validation rules",
                    go::quote(elements)
                ));
            }
            false
        });
    }
    formats.extend(sets);
    formats
}

fn is_recognized(kind: &str, format: &str) -> bool {
    match kind {
        "" | "string" => format::is_known(format),
        "integer" => matches!(format, "int32" | "int64"),
        "number" => matches!(format, "float" | "double"),
        _ => false,
    }
}

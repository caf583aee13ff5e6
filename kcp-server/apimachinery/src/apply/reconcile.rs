use super::{
    element,
    managers::ManagedFields,
    set::{Entry, Set},
};
use crate::shape::{ListKind, MapKind, Shape};

/// Makes ownership fit a schema that has changed since: who owned something inside a list or map
/// that is atomic now owns the whole of it, and what was named in a version that is gone is forgotten.
pub(super) fn reconcile(managers: &mut ManagedFields, versions: &dyn super::Versions) {
    // The same shapes are looked up again and again, but managers are few.
    managers.0.retain(|_, entry| {
        let Some(shape) = versions.shape(&entry.api_version) else { return false };
        below(&mut entry.fields, shape);
        true
    });
}

fn below(fields: &mut Set, shape: &dyn Shape) {
    for entry in fields.entries_mut() {
        if entry.below.is_empty() {
            continue;
        }
        if let Some(shape) = element::shape_below(shape, &entry.element) {
            one(entry, shape);
        }
    }
}

fn one(entry: &mut Entry, shape: &dyn Shape) {
    // A shape that allows several forms is looked at as the first of them.
    let atomic = match (shape.map(), shape.scalar(), shape.list()) {
        (Some(map), _, _) => map == MapKind::Atomic,
        (None, None, Some(list)) => list == ListKind::Atomic,
        (None, _, _) => false,
    };
    if atomic {
        entry.member = true;
        entry.below = Set::new();
    } else {
        below(&mut entry.below, shape);
    }
}

use super::{
    Versions,
    fields::fields_of,
    managers::{Entry, ManagedFields},
    remove::remove,
    set::Set,
    track::shape_of,
};
use crate::{Value, shape::Shape};
use std::collections::BTreeMap;

/// Whether something is to be removed: whether the applier listed before what it does not list any
/// more and nobody owns.
pub(super) fn is_needed(last: &Entry, managers: &ManagedFields) -> bool {
    let owned = by_version(managers);
    let all_owned = owned.get(&last.api_version).is_some_and(|owned| last.fields.is_subset(owned));
    !last.fields.is_empty() && !all_owned
}

/// Removes from a merged object what the applier listed before, does not list any more, and nobody
/// else owns.
///
/// `last` is what the applier owned before; `managers` has already what it lists now.
pub(super) fn prune(
    merged: Value,
    version: &str,
    last: &Entry,
    managers: &ManagedFields,
    versions: &dyn Versions,
) -> Result<Value, String> {
    let owned = by_version(managers);
    let Some(shape) = versions.shape(&last.api_version) else { return Ok(merged) };
    let mut merged = convert(merged, version, &last.api_version, versions)?;
    let named = last.fields.clone().with_named(shape);
    let mut pruned = merged.clone();
    let keep = owned.get(&last.api_version).cloned().unwrap_or_default();
    remove(&mut pruned, &named, &keep, shape);
    let pruned = add_back_owned(&merged, pruned, &last.api_version, owned, versions)?;
    let gone = lost(&merged, &pruned, shape).intersection(&named);
    remove(&mut merged, &gone, &keep, shape);
    convert(merged, &last.api_version, version, versions)
}

/// All that is owned, by the version in which it is named.
fn by_version(managers: &ManagedFields) -> BTreeMap<Box<str>, Set> {
    let mut owned: BTreeMap<Box<str>, Set> = BTreeMap::new();
    for (_, entry) in managers.iter() {
        let of_version = owned.entry(entry.api_version.clone()).or_default();
        *of_version = std::mem::take(of_version).union(entry.fields.clone());
    }
    owned
}

/// The merged object without what was pruned, but with what somebody owns. The version that was
/// pruned comes first, because others may need its fields to be converted.
fn add_back_owned(
    merged: &Value,
    mut pruned: Value,
    version: &str,
    mut owned: BTreeMap<Box<str>, Set>,
    versions: &dyn Versions,
) -> Result<Value, String> {
    let first = owned.remove(version).map(|set| (Box::from(version), set));
    for (other, owned) in first.into_iter().chain(owned) {
        let Some(shape) = versions.shape(&other) else { continue };
        let whole = convert(merged.clone(), version, &other, versions)?;
        let part = convert(pruned, version, &other, versions)?;
        let gone = lost(&whole, &part, shape).difference(&owned.clone().with_named(shape));
        let mut kept = whole;
        remove(&mut kept, &gone, &owned, shape);
        pruned = convert(kept, &other, version, versions)?;
    }
    Ok(pruned)
}

/// The fields of the one that the other has lost.
fn lost(whole: &Value, part: &Value, shape: &dyn Shape) -> Set {
    let left = fields_of(part, shape).with_named(shape);
    fields_of(whole, shape).with_named(shape).difference(&left)
}

fn convert(object: Value, from: &str, to: &str, versions: &dyn Versions) -> Result<Value, String> {
    if from == to {
        return Ok(object);
    }
    shape_of(versions, to)?;
    versions.convert(object, to)
}

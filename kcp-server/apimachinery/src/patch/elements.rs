//! How strategic merge patch merges lists.

use super::{
    Error,
    merge::without_nulls,
    order::{self, Identity},
    strategic::{DIRECTIVE, merge_map, unknown_directive, without_directives},
};
use crate::{
    Map, Value,
    shape::{PatchRule, Shape},
};
use std::collections::HashSet;

/// Merges lists whose rule is `merge`; without that rule the patch replaces the list.
pub(super) fn merge_list(
    current: Vec<Value>,
    patch: Vec<Value>,
    shape: Option<&dyn Shape>,
    rule: PatchRule<'_>,
) -> Result<Vec<Value>, Error> {
    if !rule.merge {
        return Ok(patch);
    }
    let objects = element_kind(current.iter().chain(&patch))? == Some("object");
    let identity = Identity(rule.merge_key.filter(|_| objects));
    if objects && identity.0.is_none() {
        return Err(Error::Unmergeable("cannot merge lists without merge key".to_owned()));
    }
    let (current, patch) = if objects { directives(current, patch, identity)? } else { (current, patch) };
    let (patch_order, server_order) = (identity.positions(&patch)?, identity.positions(&current)?);
    let merged = merge_elements(current, patch, shape.and_then(Shape::element), identity)?;
    order::normalize(merged, &patch_order, &server_order, identity)
}

/// Does what elements with `$patch` say; gives back the lists without them.
fn directives(
    mut current: Vec<Value>,
    patch: Vec<Value>,
    identity: Identity<'_>,
) -> Result<(Vec<Value>, Vec<Value>), Error> {
    let (mut plain, mut replaces, mut gone) = (Vec::new(), false, HashSet::new());
    for item in patch {
        match item.get(DIRECTIVE).map(|directive| (directive, directive.as_str())) {
            None => plain.push(item),
            Some((_, Some("delete"))) => {
                gone.insert(identity.of(&item)?);
            }
            Some((_, Some("replace"))) => replaces = true,
            Some((_, Some("merge"))) => {
                return Err(Error::Unmergeable(
                    "merging lists cannot yet be specified in the patch".to_owned(),
                ));
            }
            Some((directive, _)) => {
                return Err(unknown_directive(directive, item.as_object().unwrap_or(&Map::new())));
            }
        }
    }
    if replaces {
        return Ok((plain, Vec::new()));
    }
    if !gone.is_empty() {
        current.retain(|item| !identity.of(item).is_ok_and(|id| gone.contains(&id)));
    }
    Ok((current, plain))
}

fn merge_elements(
    mut current: Vec<Value>,
    patch: Vec<Value>,
    shape: Option<&dyn Shape>,
    identity: Identity<'_>,
) -> Result<Vec<Value>, Error> {
    let mut positions = identity.positions(&current)?;
    for item in patch {
        let id = identity.of(&item)?;
        match (positions.get(&id), item) {
            (Some(at), Value::Object(item)) => {
                merge_map(current[*at].force_object(), item, shape)?;
            }
            // A scalar that is there already.
            (Some(_), _) => {}
            (None, item) => {
                if let Some(item) = without_directives(without_nulls(item)) {
                    positions.insert(id, current.len());
                    current.push(item);
                }
            }
        }
    }
    Ok(current)
}

/// The type all elements have; lists of lists cannot be merged, nor lists of mixed types.
pub(super) fn element_kind<'i>(
    items: impl IntoIterator<Item = &'i Value>,
) -> Result<Option<&'static str>, Error> {
    let mut kind = None;
    for item in items {
        let this = item.type_name();
        if this == "array" {
            return Err(Error::NotApplicable("lists of lists are not supported".to_owned()));
        }
        if *kind.get_or_insert(this) != this {
            return Err(Error::Unmergeable("list element types are not identical".to_owned()));
        }
    }
    Ok(kind)
}

//! The order of a list that was merged: elements of the patch in the patch's order, those only the
//! server has in the server's, both woven into one another where the server's order says so.

use super::Error;
use crate::{Value, go, value::encode};
use std::collections::HashMap;

/// Which element of a list is meant by an element: by the value of its key, or by its own value.
#[derive(Clone, Copy, Debug)]
pub(super) struct Identity<'k>(pub(super) Option<&'k str>);

impl Identity<'_> {
    /// What identifies an element, as bytes that can be compared and hashed.
    pub(super) fn of(self, item: &Value) -> Result<Vec<u8>, Error> {
        let Some(key) = self.0 else { return Ok(encode(item)) };
        let found = item.get(key).ok_or_else(|| {
            Error::Unmergeable(format!(
                "map: {} does not contain declared merge key: {key}",
                go::display(item)
            ))
        })?;
        Ok(encode(found))
    }

    /// The first position of each identity.
    pub(super) fn positions<'i>(
        self,
        items: impl IntoIterator<Item = &'i Value>,
    ) -> Result<HashMap<Vec<u8>, usize>, Error> {
        let mut positions = HashMap::new();
        for (at, item) in items.into_iter().enumerate() {
            positions.entry(self.of(item)?).or_insert(at);
        }
        Ok(positions)
    }
}

/// Orders `merged`: `patch_order` is the order of the patch, `server_order` that of the server.
pub(super) fn normalize(
    merged: Vec<Value>,
    patch_order: &HashMap<Vec<u8>, usize>,
    server_order: &HashMap<Vec<u8>, usize>,
    identity: Identity<'_>,
) -> Result<Vec<Value>, Error> {
    let (mut patched, mut server_only) = (Vec::new(), Vec::new());
    for item in merged {
        let id = identity.of(&item)?;
        let server_at = server_order.get(&id).copied();
        match patch_order.get(&id) {
            Some(patch_at) => patched.push((*patch_at, server_at, item)),
            None => server_only.push((server_at, item)),
        }
    }
    patched.sort_by_key(|(at, _, _)| *at);
    // New ones cannot be here: they came with the patch.
    server_only.sort_by_key(|(at, _)| *at);
    Ok(weave(server_only, patched))
}

/// Merges two ordered lists. An element of the server goes first only if both are known to the
/// server and it stood before.
fn weave(server: Vec<(Option<usize>, Value)>, patched: Vec<(usize, Option<usize>, Value)>) -> Vec<Value> {
    let mut out = Vec::with_capacity(server.len() + patched.len());
    let mut server = server.into_iter().peekable();
    for (_, patched_at, item) in patched {
        while let Some((_, earlier)) =
            server.next_if(|(at, _)| at.is_some() && patched_at.is_some() && *at < patched_at)
        {
            out.push(earlier);
        }
        out.push(item);
    }
    out.extend(server.map(|(_, item)| item));
    out
}

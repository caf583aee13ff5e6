//! Deleting everything of a set: what a namespace, a logical cluster, a definition or a binding holds.
//!
//! Objects are deleted in chunks, each whatever becomes of the others. What is marked already is waited for,
//! and told of: how many objects of which kind are left, and which finalizers hold them.

use kcp_reconcile::{Change, Fact, Facts, Missing, Object, Propagation};
use kcp_storage::Key;
use std::{collections::BTreeMap, time::Duration};

/// Keys looked at in one plan.
pub(crate) const LOOK: usize = 5_000;
/// Objects deleted in one plan.
const CHUNK: usize = 500;
/// Kinds and finalizers that a message names.
const SHOWN: usize = 20;

/// What is to be done about a set of objects.
#[derive(Debug, Default)]
pub(crate) struct Sweep {
    /// Deletions that have not been asked for yet.
    pub deletes: Vec<Change>,
    /// Objects left, by `<resource>.<group>`.
    pub kinds: BTreeMap<String, usize>,
    /// Objects held, by finalizer.
    pub finalizers: BTreeMap<String, usize>,
    /// Objects whose deletion was refused just now, and why, by `<resource>.<group>`.
    pub refused: BTreeMap<String, String>,
}

impl Sweep {
    /// Looks at these objects, as far as one plan can.
    pub(crate) fn of<'k>(keys: impl IntoIterator<Item = &'k Key>, facts: &Facts) -> Result<Self, Missing> {
        let mut sweep = Self::default();
        sweep.look(keys, facts)?;
        Ok(sweep)
    }

    /// Looks at more objects, until there is enough to delete.
    pub(crate) fn look<'k>(
        &mut self,
        keys: impl IntoIterator<Item = &'k Key>,
        facts: &Facts,
    ) -> Result<(), Missing> {
        let keys: Vec<&Key> = keys.into_iter().collect();
        for chunk in keys.chunks(CHUNK) {
            if self.deletes.len() >= CHUNK {
                break;
            }
            for object in facts.get_all(chunk.iter().copied())?.into_iter().filter_map(Fact::known) {
                self.add(&object, facts);
            }
        }
        Ok(())
    }

    /// Looks at one object.
    pub(crate) fn add(&mut self, object: &Object, facts: &Facts) {
        *self.kinds.entry(kind(&object.key)).or_default() += 1;
        for finalizer in object.value.meta().finalizers() {
            *self.finalizers.entry(finalizer.to_owned()).or_default() += 1;
        }
        if object.is_deleting() {
            return;
        }
        if let Some((key, why)) = facts.refused().iter().find(|(key, _)| *key == object.key) {
            self.refused.insert(kind(key), why.clone());
            return;
        }
        if self.deletes.len() < CHUNK {
            self.deletes.push(Change::Delete {
                key: object.key.clone(),
                uid: Some(object.uid().to_owned()),
                resource_version: None,
                propagation: Some(Propagation::Background),
            });
        }
    }

    /// `configmaps. has 2 resource instances, widgets.example.io has 1 resource instances`
    pub(crate) fn remaining(&self) -> Option<String> {
        join(&self.kinds, |kind, count| format!("{kind} has {count} resource instances"))
    }

    /// `example.io/held in 2 resource instances`
    pub(crate) fn held(&self) -> Option<String> {
        join(&self.finalizers, |finalizer, count| format!("{finalizer} in {count} resource instances"))
    }
}

/// `<resource>.<group>`, with the dot for the core group too, as Kubernetes' messages have it.
fn kind(key: &Key) -> String {
    format!("{}.{}", key.resource.resource, key.resource.group)
}

fn join(counts: &BTreeMap<String, usize>, text: impl Fn(&str, usize) -> String) -> Option<String> {
    let all: Vec<String> = counts.iter().take(SHOWN).map(|(name, count)| text(name, *count)).collect();
    (!all.is_empty()).then(|| all.join(", "))
}

/// Seconds for which an object has been marked as deleted.
pub(crate) fn age(object: &Object, now: i64) -> i64 {
    object.value.meta().deletion_timestamp().map_or(0, |at| now - at.unix())
}

/// When to look again at what goes by itself: often at first, then every few seconds.
pub(crate) fn pause(age: i64) -> Duration {
    match age {
        ..2 => Duration::from_millis(50),
        2..60 => Duration::from_secs(1),
        _ => Duration::from_secs(5),
    }
}

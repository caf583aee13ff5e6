//! `kcp-garbage-collector`: objects live and die with their owners.
//!
//! There is no graph in memory. Who an object's owners are is in the object, who its dependents are is an
//! index that the server keeps, and both are looked at when an event says that something may have changed:
//!
//! - an object has new or other owners: it is looked at;
//! - an object is gone: its dependents are looked at, and the owners that wait for it to go;
//! - an object is being deleted and its dependents go first (`foregroundDeletion`) or stay (`orphan`): it is
//!   looked at, and its dependents are.
//!
//! Owners are in the same logical cluster; those of a namespaced object in its namespace or in none. Whether
//! an owner is there is read from the store and never from memory, so an owner that was there when the object
//! was made and is gone now needs no further care, nor does one that never was.

mod object;
mod references;
mod waiting;

#[cfg(test)]
mod tests;

use crate::bytes;
use kcp_apimachinery::{Value, meta::OwnerReference};
use kcp_reconcile::{Controller, Fact, Facts, Missing, Step, Wakes};
use kcp_storage::{Event, Key, Range, Record};
use waiting::{Recent, Waiting};

/// On an object whose dependents are deleted before it.
pub(crate) const FOREGROUND: &str = "foregroundDeletion";
/// On an object whose dependents stay behind.
pub(crate) const ORPHAN: &str = "orphan";

/// The controller.
#[derive(Default)]
pub struct GarbageCollector {
    waiting: Waiting,
    recent: Recent,
}

impl Controller for GarbageCollector {
    fn name(&self) -> &'static str {
        "kcp-garbage-collector"
    }

    fn watches(&self) -> Vec<Range> {
        vec![Range::everything()]
    }

    fn glance(&self, event: &Event, wakes: &mut Vec<Wakes>) -> bool {
        let cluster = &event.key.cluster;
        if event.record.is_none()
            && let Some(uid) = event.previous.as_ref().and_then(bytes::uid)
        {
            self.waiting.forget(cluster, uid);
            wakes.push(Wakes::Dependents(cluster.clone(), uid.to_owned()));
            wakes.extend(self.recent.dependents(cluster, uid).into_iter().map(Wakes::One));
        }
        let concerned = |record: &Option<Record>| record.as_ref().is_some_and(|r| may_matter(r.json()));
        concerned(&event.record) || concerned(&event.previous)
    }

    fn wakes(&self, event: &Event, object: &Value, wakes: &mut Vec<Wakes>) {
        let cluster = &event.key.cluster;
        let before = event.previous.as_ref().map(decode).unwrap_or_default();
        let (owners_before, owners) =
            (owners(&before), if event.record.is_some() { owners(object) } else { Vec::new() });
        if owners != owners_before || (event.previous.is_none() && !owners.is_empty()) {
            for owner in &owners {
                self.recent.note(cluster, &owner.uid, &event.key);
            }
            if !owners.is_empty() {
                wakes.push(Wakes::One(event.key.clone()));
            }
            // Whoever waits for this object has to know that it has gone, or let go.
            for uid in owners_before.iter().chain(&owners).map(|owner| &owner.uid) {
                wakes.extend(self.waiting.find(cluster, uid).map(Wakes::One));
            }
        }
        let Some(uid) = event.record.as_ref().and_then(bytes::uid) else { return };
        match (holds_back(object), holds_back(&before)) {
            (false, false) => {}
            (false, true) => self.waiting.forget(cluster, uid),
            (true, held_before) => {
                self.waiting.note(cluster, uid, &event.key);
                wakes.push(Wakes::One(event.key.clone()));
                if !held_before {
                    wakes.push(Wakes::Dependents(cluster.clone(), uid.to_owned()));
                }
            }
        }
    }

    fn plan(&self, at: &Key, facts: &Facts) -> Result<Step, Missing> {
        match facts.get(at)? {
            Fact::Is(found) => object::plan(&found, facts),
            Fact::Absent | Fact::Unknown => Ok(Step::Done),
        }
    }
}

/// Whether an object may have owners, or dependents that go before it or stay behind.
fn may_matter(json: &[u8]) -> bool {
    bytes::contain(json, "\"ownerReferences\"")
        || bytes::contain(json, "\"deletionTimestamp\"")
            && (bytes::contain(json, "\"foregroundDeletion\"") || bytes::contain(json, "\"orphan\""))
}

fn decode(record: &Record) -> Value {
    if !may_matter(record.json()) {
        return Value::object();
    }
    kcp_apimachinery::value::decode(record.json()).unwrap_or_default()
}

fn owners(object: &Value) -> Vec<OwnerReference> {
    object.meta().owner_references().collect()
}

/// Whether an object is being deleted and its dependents have to be dealt with first.
pub(crate) fn holds_back(object: &Value) -> bool {
    let meta = object.meta();
    meta.is_deleting() && (meta.has_finalizer(FOREGROUND) || meta.has_finalizer(ORPHAN))
}

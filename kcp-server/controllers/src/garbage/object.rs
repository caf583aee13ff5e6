//! What is to be done about one object.

use super::{
    FOREGROUND, ORPHAN,
    references::{Owners, dependents, is_waiting, owners},
};
use kcp_apimachinery::meta::OwnerReference;
use kcp_reconcile::{Change, Facts, Missing, Object, Propagation, Step, Wake};
use std::time::Duration;

/// How long until owners of a kind that is not known are looked for again.
const UNKNOWN: Duration = Duration::from_secs(300);
/// How long until an owner that nobody wakes looks at its dependents again.
const PATIENCE: Duration = Duration::from_secs(30);
/// Dependents that are changed in one plan.
const CHUNK: usize = 500;

pub(super) fn plan(object: &Object, facts: &Facts) -> Result<Step, Missing> {
    let meta = object.value.meta();
    if object.is_deleting() {
        return if meta.has_finalizer(ORPHAN) {
            orphan(object, facts)
        } else if meta.has_finalizer(FOREGROUND) {
            follow(object, facts)
        } else {
            Ok(Step::Done)
        };
    }
    collect(object, facts)
}

/// The object has owners: it goes when they have gone.
fn collect(object: &Object, facts: &Facts) -> Result<Step, Missing> {
    let owners = owners(object, facts)?;
    if !owners.solid.is_empty() {
        return Ok(let_go(object, &owners));
    }
    if !owners.unknown.is_empty() {
        let kind = &owners.unknown[0].kind;
        return Ok(Step::Wait(Wake::After(UNKNOWN), format!("nobody knows its owner, a {kind}")));
    }
    if owners.dangling.is_empty() && owners.waiting.is_empty() {
        return Ok(Step::Done);
    }
    if owners.waiting.is_empty() {
        let meta = object.value.meta();
        let propagation = if meta.has_finalizer(ORPHAN) {
            Propagation::Orphan
        } else if meta.has_finalizer(FOREGROUND) {
            Propagation::Foreground
        } else {
            Propagation::Background
        };
        return Ok(Step::Write(vec![delete(object, propagation)]));
    }
    let dependents = dependents(object, facts)?;
    if dependents.is_empty() {
        return Ok(Step::Write(vec![delete(object, Propagation::Background)]));
    }
    // Owners that wait for one another would wait for ever, so nobody waits for this one.
    let mut changes = Vec::new();
    if dependents.iter().any(is_waiting) {
        changes.extend(unblock(object));
    }
    if changes.is_empty() {
        return Ok(Step::Write(vec![delete(object, Propagation::Foreground)]));
    }
    Ok(Step::Write(changes))
}

/// Some owners stay: the references to those that do not are dropped.
fn let_go(object: &Object, owners: &Owners) -> Step {
    let gone: Vec<&OwnerReference> = owners.dangling.iter().chain(&owners.waiting).collect();
    if gone.is_empty() {
        return Step::Done;
    }
    let left = object.value.meta().owner_references().filter(|owner| !gone.contains(&owner));
    Step::Write(vec![set_owners(object, &left.collect::<Vec<_>>())])
}

/// The object is being deleted and waits for the dependents that block it.
fn follow(object: &Object, facts: &Facts) -> Result<Step, Missing> {
    let uid = object.uid();
    let blocks = |owner: &OwnerReference| owner.uid == uid && owner.block_owner_deletion == Some(true);
    let blocking = dependents(object, facts)?;
    let left =
        blocking.iter().filter(|dependent| dependent.value.meta().owner_references().any(|o| blocks(&o)));
    match left.count() {
        0 => Ok(Step::Write(vec![release(object, FOREGROUND)])),
        count => Ok(Step::Wait(Wake::After(PATIENCE), format!("{count} dependents are left"))),
    }
}

/// The object is being deleted and leaves its dependents behind.
fn orphan(object: &Object, facts: &Facts) -> Result<Step, Missing> {
    let left = |dependent: &Object| -> Vec<OwnerReference> {
        dependent.value.meta().owner_references().filter(|owner| owner.uid != object.uid()).collect()
    };
    let dependents = dependents(object, facts)?;
    let changes: Vec<Change> =
        dependents.iter().take(CHUNK).map(|dependent| set_owners(dependent, &left(dependent))).collect();
    match facts.refused().first() {
        Some((key, why)) => Ok(Step::Wait(Wake::After(PATIENCE), format!("{key}: {why}"))),
        None if changes.is_empty() => Ok(Step::Write(vec![release(object, ORPHAN)])),
        None => Ok(Step::Each(changes)),
    }
}

/// Has no owner wait for this object any more.
fn unblock(object: &Object) -> Option<Change> {
    let mut owners: Vec<OwnerReference> = object.value.meta().owner_references().collect();
    let blocking = owners.iter_mut().filter(|owner| owner.block_owner_deletion == Some(true));
    let mut changed = false;
    for owner in blocking {
        owner.block_owner_deletion = Some(false);
        changed = true;
    }
    changed.then(|| set_owners(object, &owners))
}

fn set_owners(object: &Object, owners: &[OwnerReference]) -> Change {
    let mut patch = object.precondition();
    let owners = owners.iter().map(OwnerReference::to_value).collect();
    patch.set_at(&["metadata", "ownerReferences"], owners);
    Change::Patch { key: object.key.clone(), patch, subresource: None }
}

fn release(object: &Object, finalizer: &str) -> Change {
    let mut patch = object.precondition();
    let left = object.value.meta().finalizers().filter(|name| *name != finalizer);
    patch.set_at(&["metadata", "finalizers"], left.map(kcp_apimachinery::Value::from).collect());
    Change::Patch { key: object.key.clone(), patch, subresource: None }
}

/// Deletes the object as it was looked at: one that got another owner meanwhile stays.
fn delete(object: &Object, propagation: Propagation) -> Change {
    Change::Delete {
        key: object.key.clone(),
        uid: Some(object.uid().to_owned()),
        resource_version: Some(object.modified.to_string()),
        propagation: Some(propagation),
    }
}

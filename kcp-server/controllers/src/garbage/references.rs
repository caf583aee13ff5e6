use kcp_apimachinery::meta::OwnerReference;
use kcp_reconcile::{Fact, Facts, Missing, Object};
use kcp_storage::Key;

/// What the owners of an object are now.
#[derive(Debug, Default)]
pub(super) struct Owners {
    /// They are there and stay.
    pub solid: Vec<OwnerReference>,
    /// They are gone, or another object has their name.
    pub dangling: Vec<OwnerReference>,
    /// They are being deleted after their dependents.
    pub waiting: Vec<OwnerReference>,
    /// Nobody can say: no API of that kind, or an object without a namespace that names an owner in one.
    pub unknown: Vec<OwnerReference>,
}

/// Looks at an object's owners.
pub(super) fn owners(object: &Object, facts: &Facts) -> Result<Owners, Missing> {
    let mut owners = Owners::default();
    for reference in object.value.meta().owner_references() {
        match owner(object, &reference, facts)? {
            Fact::Unknown => owners.unknown.push(reference),
            Fact::Absent => owners.dangling.push(reference),
            Fact::Is(owner) if owner.uid() != reference.uid => owners.dangling.push(reference),
            Fact::Is(owner) if is_waiting(&owner) => owners.waiting.push(reference),
            Fact::Is(_) => owners.solid.push(reference),
        }
    }
    Ok(owners)
}

/// The object that bears an owner's name.
fn owner(dependent: &Object, reference: &OwnerReference, facts: &Facts) -> Result<Fact<Object>, Missing> {
    let Some(kind) = reference.gvk() else { return Ok(Fact::Unknown) };
    let cluster = &dependent.key.cluster;
    let Fact::Is(served) = facts.kind(cluster, &kind.group, &kind.kind)? else { return Ok(Fact::Unknown) };
    let namespace = match (served.namespaced, &dependent.key.namespace) {
        (false, _) => None,
        (true, Some(namespace)) => Some(namespace.as_str()),
        (true, None) => return Ok(Fact::Unknown),
    };
    match crate::key(served.resource, cluster, namespace, &reference.name) {
        Some(key) => facts.get(&key),
        None => Ok(Fact::Absent),
    }
}

/// Whether an owner is being deleted and waits for its dependents to go.
pub(super) fn is_waiting(owner: &Object) -> bool {
    owner.is_deleting() && owner.value.meta().has_finalizer(super::FOREGROUND)
}

/// The other objects that refer to an owner now.
pub(super) fn dependents(owner: &Object, facts: &Facts) -> Result<Vec<Object>, Missing> {
    let keys: Vec<Key> = facts.dependents(&owner.key.cluster, owner.uid())?.to_vec();
    let found = facts.get_all(&keys)?.into_iter().filter_map(Fact::known);
    let other = |dependent: &Object| dependent.key != owner.key && refers(dependent, owner.uid());
    Ok(found.filter(other).collect())
}

fn refers(dependent: &Object, uid: &str) -> bool {
    dependent.value.meta().owner_references().any(|reference| reference.uid == uid)
}

//! Whose the names of resources are in a logical cluster: locks, and conflicts with names that are taken.

use super::{Blocked, export::Bindable};
use crate::{key, kinds};
use kcp_api::{
    lock::{Lock, Locks},
    naming::{self, Existing, Holder},
    types::apis::{ExportReference, Names},
    well_known::annotation,
};
use kcp_apimachinery::{Value, meta::GroupResource, time::Time, value::from_value};
use kcp_names::ClusterName;
use kcp_reconcile::{Change, Fact, Facts, Missing, Object};
use kcp_storage::Range;

/// Bindings and CRDs of one logical cluster that conflicts are looked for in.
const NEIGHBOURS: usize = 5_000;

/// What of an export this binding has the names of: positions of its bindables, and names others have.
pub(super) struct Locked {
    pub free: Vec<usize>,
    pub taken: Vec<String>,
}

/// Takes the names of resources for this binding. Gives the positions of those that it has, and the
/// names of those that somebody else has.
pub(super) fn lock(
    binding: &Object,
    bindables: &[Bindable],
    changes: &mut Vec<Change>,
    facts: &Facts,
) -> Result<Result<Locked, Blocked>, Missing> {
    let blocked = |message: &str| Blocked {
        condition: "InitialBindingCompleted",
        reason: "LogicalClusterNotFound",
        message: message.to_owned(),
    };
    let at = kinds::logical_cluster(&binding.key.cluster);
    let Fact::Is(cluster) = facts.get(&at)? else {
        return Ok(Err(blocked("the logical cluster does not exist")));
    };
    let held = cluster.value.str_at(&["metadata", "annotations", annotation::RESOURCE_BINDINGS]);
    let locks = match Locks::parse(held) {
        Ok(locks) => locks,
        Err(why) => return Ok(Err(blocked(&why.to_string()))),
    };
    let wanted: Vec<GroupResource> =
        bindables.iter().map(|bindable| GroupResource::new(&bindable.group, &bindable.resource)).collect();
    let (own, _) = facts.list(&Range::cluster(kinds::crds(), binding.key.cluster.clone()), NEIGHBOURS)?;
    let crds = own
        .iter()
        .map(|crd| {
            let text = |path: &[&str]| crd.value.str_at(path).unwrap_or_default();
            GroupResource::new(text(&["spec", "group"]), text(&["spec", "names", "plural"]))
        })
        .collect();
    // A clock that shows no time at all lets no lock expire.
    let Some(now) = Time::from_unix(facts.now()) else { return Ok(Err(blocked("the clock is wrong"))) };
    let acquired = locks.acquire(&wanted, &Lock::binding(binding.key.name.as_str()), &crds, now);
    if acquired.locks != locks {
        let mut patch = cluster.precondition();
        patch.set_at(
            &["metadata", "annotations", annotation::RESOURCE_BINDINGS],
            acquired.locks.encode().into(),
        );
        changes.push(Change::Patch { key: at, patch, subresource: None });
    }
    let free = (0..wanted.len()).filter(|&at| acquired.locked.contains(&wanted[at])).collect();
    Ok(Ok(Locked { free, taken: acquired.skipped.keys().map(ToString::to_string).collect() }))
}

/// Whether a name of the resource is taken by another binding or by a CRD of the logical cluster.
pub(super) fn conflict(
    binding: &Object,
    bindable: &Bindable,
    facts: &Facts,
) -> Result<Option<Blocked>, Missing> {
    let cluster = &binding.key.cluster;
    let names = |object: &Value, path: &[&str]| -> Names {
        object.at(path).and_then(|names| from_value(names).ok()).unwrap_or_default()
    };
    let (own_crds, _) = facts.list(&Range::cluster(kinds::crds(), cluster.clone()), NEIGHBOURS)?;
    let same_group = |crd: &&Object| crd.value.str_at(&["spec", "group"]) == Some(&*bindable.group);
    let mut others: Vec<(Names, String, Option<ExportReference>)> = own_crds
        .iter()
        .filter(same_group)
        .map(|crd| (names(&crd.value, &["status", "acceptedNames"]), crd.key.name.to_string(), None))
        .collect();
    let (bindings, _) = facts.list(&Range::cluster(kinds::api_bindings(), cluster.clone()), NEIGHBOURS)?;
    for other in bindings.iter().filter(|other| other.key != binding.key) {
        let entries =
            other.value.at(&["status", "boundResources"]).and_then(Value::as_array).unwrap_or_default();
        for entry in
            entries.iter().filter(|entry| entry.str_at(&["group"]).unwrap_or_default() == bindable.group)
        {
            let uid = entry.str_at(&["schema", "UID"]).unwrap_or_default();
            let Some(at) = key(kinds::crds(), &ClusterName::bound_crds(), None, uid) else { continue };
            let Fact::Is(crd) = facts.get(&at)? else { continue };
            let text = |name: &str| {
                other.value.str_at(&["spec", "reference", "export", name]).unwrap_or_default().to_owned()
            };
            let export = ExportReference { path: text("path"), name: text("name") };
            let accepted = names(&crd.value, &["status", "acceptedNames"]);
            others.push((accepted, other.key.name.to_string(), Some(export)));
        }
    }
    // Most bindings are alone in their group.
    if others.is_empty() {
        return Ok(None);
    }
    let wanted = names(&bindable.schema.value, &["spec", "names"]);
    let existing = others.iter().map(|(accepted, name, export)| Existing {
        group: &bindable.group,
        accepted,
        holder: match export {
            Some(export) => Holder::Binding { name, export },
            None => Holder::Crd(name),
        },
    });
    Ok(naming::check(binding.key.name.as_str(), &bindable.group, &wanted, existing).err().map(|taken| {
        Blocked {
            condition: "InitialBindingCompleted",
            reason: "NamingConflicts",
            message: format!("Unable to bind APIs: {taken}"),
        }
    }))
}

//! `kcp-apibindingdeletion`: what a binding brought into a workspace goes before it does.
//!
//! Nothing can be created under a binding that is deleted, so what has been emptied stays empty. Objects of
//! a resource that another binding of the workspace brings as well, under the same identity, stay.

use crate::{
    conditions::{self, Condition},
    contents::{self, LOOK, Sweep},
    kinds,
    workspace::finalizers,
};
use kcp_api::{
    lock::Locks,
    well_known::{annotation, finalizer},
};
use kcp_apimachinery::Value;
use kcp_names::ClusterName;
use kcp_reconcile::{Change, Controller, Fact, Facts, Missing, Object, Step, Wake, Wakes};
use kcp_storage::{Event, Key, Range, ResourceKey};
use std::collections::BTreeSet;

const CONDITION: &str = "BindingResourceDeleteSuccess";

/// The controller.
#[derive(Default)]
pub struct ApiBindingDeletion;

impl Controller for ApiBindingDeletion {
    fn name(&self) -> &'static str {
        "kcp-apibindingdeletion"
    }

    fn watches(&self) -> Vec<Range> {
        vec![Range::everywhere(kinds::api_bindings())]
    }

    fn wakes(&self, event: &Event, object: &Value, wakes: &mut Vec<Wakes>) {
        if event.record.is_some() && object.meta().is_deleting() {
            wakes.push(Wakes::One(event.key.clone()));
        }
    }

    fn plan(&self, at: &Key, facts: &Facts) -> Result<Step, Missing> {
        let Fact::Is(binding) = facts.get(at)? else { return Ok(Step::Done) };
        if !binding.is_deleting() || !binding.value.meta().has_finalizer(finalizer::API_BINDING) {
            return Ok(Step::Done);
        }
        let kept = adopted(&binding, facts)?;
        let mut keys = Vec::new();
        for resource in bound(&binding.value).filter(|resource| !kept.contains(resource)) {
            let range = Range::cluster(resource, ClusterName::clone(&at.cluster));
            keys.extend(facts.keys_of(&range, LOOK)?);
        }
        let sweep = Sweep::of(keys, facts)?;
        if !sweep.deletes.is_empty() {
            return Ok(Step::Each(sweep.deletes));
        }
        let Some(remaining) = sweep.remaining() else {
            let mut changes: Vec<Change> = unlock(&binding, facts)?.into_iter().collect();
            changes.push(release(&binding));
            return Ok(Step::Write(changes));
        };
        Ok(report(&binding, &sweep, &remaining, facts))
    }
}

/// What a binding has bound.
fn bound(binding: &Value) -> impl Iterator<Item = ResourceKey> {
    let entries = binding.at(&["status", "boundResources"]).and_then(Value::as_array).unwrap_or_default();
    entries.iter().filter_map(|entry| {
        let identity = entry.str_at(&["schema", "identityHash"])?;
        Some(ResourceKey::bound(
            entry.str_at(&["group"]).unwrap_or_default(),
            entry.str_at(&["resource"])?,
            identity,
        ))
    })
}

/// What other bindings of the workspace bring as well.
fn adopted(binding: &Object, facts: &Facts) -> Result<BTreeSet<ResourceKey>, Missing> {
    let range = Range::cluster(kinds::api_bindings(), ClusterName::clone(&binding.key.cluster));
    let (all, _) = facts.list(&range, LOOK)?;
    let others = all.iter().filter(|other| other.key != binding.key && !other.is_deleting());
    Ok(others.flat_map(|other| bound(&other.value)).collect())
}

/// Says what is left when that takes longer than a moment, and waits for it.
fn report(binding: &Object, sweep: &Sweep, remaining: &str, facts: &Facts) -> Step {
    let age = contents::age(binding, facts.now());
    let mut object = (*binding.value).clone();
    if age >= 1 {
        let (reason, message) = if !sweep.refused.is_empty() {
            let whys: Vec<&str> = sweep.refused.values().map(String::as_str).collect();
            ("ResourceDeletionFailed", whys.join(", "))
        } else if let Some(held) = sweep.held() {
            let message = format!("Some content in the workspace has finalizers remaining: {held}");
            ("SomeFinalizersRemain", message)
        } else {
            ("SomeResourcesRemain", format!("Some resources are remaining: {remaining}"))
        };
        let condition = Condition::unmet(CONDITION, "Error", reason, message);
        conditions::set(&mut object, &condition, facts.now());
    }
    if object != *binding.value {
        let subresource = Some("status");
        return Step::Write(vec![Change::Update { key: binding.key.clone(), object, subresource }]);
    }
    Step::Wait(Wake::After(contents::pause(age)), format!("resources are remaining: {remaining}"))
}

/// Lets others have the resources that the binding held.
fn unlock(binding: &Object, facts: &Facts) -> Result<Option<Change>, Missing> {
    let Fact::Is(cluster) = facts.get(&kinds::logical_cluster(&binding.key.cluster))? else {
        return Ok(None);
    };
    // Nobody will ask for them in a logical cluster that goes itself.
    if cluster.is_deleting() {
        return Ok(None);
    }
    let annotation = cluster.value.meta().annotation(annotation::RESOURCE_BINDINGS);
    // Locks that cannot be read are built anew from the bindings that there are.
    let Ok(locks) = Locks::parse(annotation) else { return Ok(None) };
    let left = locks.released(binding.key.name.as_str());
    if left == locks {
        return Ok(None);
    }
    let mut patch = cluster.precondition();
    patch.set_at(&["metadata", "annotations", annotation::RESOURCE_BINDINGS], left.encode().into());
    Ok(Some(Change::Patch { key: cluster.key.clone(), patch, subresource: None }))
}

/// Takes this controller's finalizer off.
fn release(binding: &Object) -> Change {
    let mut left = finalizers(&binding.value);
    left.retain(|name| name.as_str() != Some(finalizer::API_BINDING));
    let mut patch = binding.precondition();
    patch.set_at(&["metadata", "finalizers"], Value::Array(left));
    Change::Patch { key: binding.key.clone(), patch, subresource: None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::{World, at};
    use kcp_apimachinery::value;

    fn binding(name: &str) -> Key {
        at(kinds::api_bindings(), name)
    }

    fn cow(place: &str) -> Key {
        at(ResourceKey::bound("farm.io", "cows", "f00"), place)
    }

    fn brings_cows() -> Value {
        value!({
            "metadata": {"finalizers": ["apis.kcp.io/apibinding-finalizer"]},
            "status": {"boundResources": [
                {"group": "farm.io", "resource": "cows", "schema": {"UID": "u", "identityHash": "f00"}}
            ]},
        })
    }

    fn world() -> World {
        let elsewhere = at(ResourceKey::bound("farm.io", "cows", "0ther"), "n/a");
        World::new()
            .with(&binding("farm"), brings_cows())
            .with(&cow("n/a"), value!({}))
            .with(&cow("n/b"), value!({"metadata": {"finalizers": ["farm.io/milk"]}}))
            .with(&elsewhere, value!({}))
    }

    #[test]
    fn what_was_bound_goes_first() {
        let mut world = world();
        assert_eq!(world.run(&ApiBindingDeletion, &binding("farm")), None);
        assert!(world.log.is_empty(), "a binding that stays is left alone");
        world.delete(&binding("farm"));
        assert!(world.run(&ApiBindingDeletion, &binding("farm")).is_some());
        assert_eq!(world.log, ["delete cows n/a", "delete cows n/b"]);
        world.now += 5;
        assert!(world.run(&ApiBindingDeletion, &binding("farm")).is_some());
        let found = world.get(&binding("farm")).expect("a binding");
        let condition = conditions::find(found, CONDITION).expect("a condition");
        let text =
            "Some content in the workspace has finalizers remaining: farm.io/milk in 1 resource instances";
        assert_eq!(condition.str_at(&["message"]), Some(text));
        world.edit(&cow("n/b"), |object| _ = object.meta_mut().remove_finalizer("farm.io/milk"));
        assert_eq!(world.run(&ApiBindingDeletion, &binding("farm")), None);
        assert_eq!(world.get(&binding("farm")), None, "it is gone");
        assert!(world.get(&at(ResourceKey::bound("farm.io", "cows", "0ther"), "n/a")).is_some());
    }

    #[test]
    fn resources_are_free_when_their_binding_goes() {
        let cluster = kinds::logical_cluster(&crate::world::here());
        let mut object = value!({});
        let locks = r#"{"cows.farm.io":{"n":"farm"},"pigs.farm.io":{"n":"other"}}"#;
        object.set_at(&["metadata", "annotations", annotation::RESOURCE_BINDINGS], locks.into());
        let mut world = World::new().with(&binding("farm"), brings_cows()).with(&cluster, object);
        world.delete(&binding("farm"));
        assert_eq!(world.run(&ApiBindingDeletion, &binding("farm")), None);
        let left = world.str_at(&cluster, &["metadata", "annotations", annotation::RESOURCE_BINDINGS]);
        assert_eq!(left, Some(r#"{"pigs.farm.io":{"n":"other"}}"#));
    }

    #[test]
    fn what_another_binding_brings_stays() {
        let mut world = world().with(&binding("ranch"), brings_cows());
        world.delete(&binding("farm"));
        assert_eq!(world.run(&ApiBindingDeletion, &binding("farm")), None);
        assert_eq!(world.get(&binding("farm")), None);
        assert!(world.get(&cow("n/a")).is_some());
    }
}

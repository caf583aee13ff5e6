//! `kcp-logicalclustercleanup`: the locks on a LogicalCluster say whose each resource is.
//!
//! Locks of bindings are taken by the bindings themselves. Here they are built anew where they are missing
//! or cannot be read, and tidied: those of bindings that are gone are dropped, those of established CRDs
//! added, those of CRDs that are gone released, at once or when they expire.

use crate::{initialize, key, kinds};
use kcp_api::{
    lock::{LocalCrd, Locks},
    types::{Kind, apis::APIBinding},
    well_known::annotation,
};
use kcp_apimachinery::{Value, meta::GroupResource, time::Time};
use kcp_names::ClusterName;
use kcp_reconcile::{Change, Controller, Fact, Facts, Missing, Object, Step, Wake, Wakes};
use kcp_storage::{Event, Key, Range};
use std::{collections::BTreeSet, time::Duration};

/// Bindings and CRDs of one logical cluster that are looked at.
const MOST: usize = 20_000;

/// The controller. It plans LogicalClusters.
#[derive(Default)]
pub struct ResourceLocks;

impl Controller for ResourceLocks {
    fn name(&self) -> &'static str {
        "kcp-logicalclustercleanup"
    }

    fn watches(&self) -> Vec<Range> {
        vec![
            Range::everywhere(kinds::logical_clusters()),
            Range::everywhere(kinds::api_bindings()),
            Range::everywhere(kinds::crds()),
        ]
    }

    fn glance(&self, event: &Event, wakes: &mut Vec<Wakes>) -> bool {
        let gone = event.record.is_none();
        // A binding has its locks before it shows what it has bound.
        if event.key.resource == kinds::api_bindings() && gone {
            wakes.push(Wakes::One(kinds::logical_cluster(&event.key.cluster)));
        }
        let cluster = event.key.resource == kinds::logical_clusters();
        cluster && !gone || event.key.resource == kinds::crds() && !event.key.cluster.is_system()
    }

    fn wakes(&self, event: &Event, object: &Value, wakes: &mut Vec<Wakes>) {
        let wanted = if event.key.resource == kinds::logical_clusters() {
            // The locks of a logical cluster that has some are looked at when something else happens.
            let held = object.meta().annotation(annotation::RESOURCE_BINDINGS);
            !initialize::is_pending(object) && (began(event) || Locks::parse(held).is_err())
        } else {
            event.record.is_none() || crate::conditions::is_true(object, "Established")
        };
        if wanted {
            wakes.push(Wakes::One(kinds::logical_cluster(&event.key.cluster)));
        }
    }

    fn plan(&self, at: &Key, facts: &Facts) -> Result<Step, Missing> {
        let Fact::Is(cluster) = facts.get(at)? else { return Ok(Step::Done) };
        // One that begins has the locks of bindings that are still to come.
        if cluster.is_deleting() || initialize::is_pending(&cluster.value) {
            return Ok(Step::Done);
        }
        let held = cluster.value.meta().annotation(annotation::RESOURCE_BINDINGS);
        let range = Range::cluster(kinds::api_bindings(), at.cluster.clone());
        let before = Locks::parse(held).ok();
        let locks = match &before {
            Some(locks) => locks.clone(),
            None => {
                let (bindings, _) = facts.list(&range, MOST)?;
                let read = |binding: &Object| APIBinding::from_value(&binding.value).ok();
                Locks::rebuild(&bindings.iter().filter_map(read).collect::<Vec<_>>())
            }
        };
        let crds = crds(&at.cluster, &locks, facts)?;
        let bindings: BTreeSet<&str> =
            facts.keys_of(&range, MOST)?.iter().map(|key| key.name.as_str()).collect();
        // A clock that shows no time at all lets no lock expire.
        let Some(now) = Time::from_unix(facts.now()) else { return Ok(Step::Done) };
        let tidied = locks.tidied(&bindings, &crds, now);
        if before.as_ref() != Some(&tidied) {
            let mut patch = cluster.precondition();
            let text = tidied.encode();
            patch.set_at(&["metadata", "annotations", annotation::RESOURCE_BINDINGS], text.into());
            return Ok(Step::Write(vec![Change::Patch { key: at.clone(), patch, subresource: None }]));
        }
        let next = tidied.iter().filter_map(|(_, lock)| lock.expiry).map(Time::unix).min();
        Ok(next.map_or(Step::Done, |next| {
            let pause = Duration::from_secs((next - facts.now()).max(0).unsigned_abs() + 1);
            Step::Wait(Wake::After(pause), "a lock expires".to_owned())
        }))
    }
}

/// Whether a logical cluster is new here, or has just been initialized.
fn began(event: &Event) -> bool {
    let before = |record: &kcp_storage::Record| kcp_apimachinery::value::decode(record.json()).ok();
    event.previous.as_ref().is_none_or(|record| before(record).is_some_and(|o| initialize::is_pending(&o)))
}

/// The CRDs of a logical cluster. Of those that hold their resource already, nothing more is read.
fn crds(cluster: &ClusterName, locks: &Locks, facts: &Facts) -> Result<Vec<LocalCrd>, Missing> {
    let keys = facts.keys_of(&Range::cluster(kinds::crds(), cluster.clone()), MOST)?;
    let (mut crds, mut unlocked) = (Vec::new(), Vec::new());
    for key in keys {
        let resource = resource(key);
        match locks.holder(&resource) {
            Some(_) => crds.push(LocalCrd { resource, established: true }),
            None => unlocked.push((key, resource)),
        }
    }
    let found = facts.get_all(unlocked.iter().map(|(key, _)| *key))?;
    for (found, (_, resource)) in found.into_iter().zip(unlocked) {
        let Fact::Is(crd) = found else { continue };
        let established = crate::conditions::is_true(&crd.value, "Established");
        crds.push(LocalCrd { resource, established });
    }
    Ok(crds)
}

/// A CRD is called `<plural>.<group>`; the core group's are called `<plural>.core`.
fn resource(crd: &Key) -> GroupResource {
    let (plural, group) = crd.name.as_str().split_once('.').unwrap_or((crd.name.as_str(), ""));
    GroupResource::new(if group == "core" { "" } else { group }, plural)
}

/// The key of a bound CRD.
pub(crate) fn bound_crd(uid: &str) -> Option<Key> {
    key(kinds::crds(), &ClusterName::bound_crds(), None, uid)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::{World, at, here, wakes};
    use kcp_apimachinery::value;

    fn cluster() -> Key {
        kinds::logical_cluster(&here())
    }

    fn world(locks: Option<&str>) -> World {
        let mut object = value!({});
        if let Some(locks) = locks {
            object.set_at(&["metadata", "annotations", annotation::RESOURCE_BINDINGS], locks.into());
        }
        let binding = value!({
            "metadata": {"name": "farm"}, "spec": {"reference": {"export": {"name": "farm"}}},
            "status": {"boundResources": [{"group": "farm.io", "resource": "cows", "schema": {"name": "s", "UID": "u", "identityHash": "f00"}}]},
        });
        World::new().with(&cluster(), object).with(&at(kinds::api_bindings(), "farm"), binding)
    }

    fn locks(world: &World) -> &str {
        world.str_at(&cluster(), &["metadata", "annotations", annotation::RESOURCE_BINDINGS]).expect("locks")
    }

    fn check(before: Option<&str>, expected: &str) {
        let mut world = world(before);
        world.run(&ResourceLocks, &cluster());
        assert_eq!(locks(&world), expected, "{before:?}");
        let writes = world.log.len();
        world.run(&ResourceLocks, &cluster());
        assert_eq!(world.log.len(), writes);
    }

    #[test]
    fn locks_that_are_missing_or_unreadable_are_built_from_the_bindings() {
        let built = r#"{"cows.farm.io":{"n":"farm"}}"#;
        check(None, built);
        check(Some("no json"), built);
        check(Some("{}"), "{}");
        check(Some(r#"{"cows.farm.io":{"n":"gone"}}"#), "{}");
    }

    #[test]
    fn established_definitions_hold_their_resources_until_they_go() {
        let crd = at(kinds::crds(), "pigs.farm.io");
        let established = value!({"status": {"conditions": [{"type": "Established", "status": "True"}]}});
        let mut world = world(Some("{}")).with(&crd, value!({}));
        world.run(&ResourceLocks, &cluster());
        assert_eq!(locks(&world), "{}", "it is not served yet");
        world.put(&crd, established.clone());
        assert_eq!(
            wakes(&ResourceLocks, &crd, Some(value!({})), Some(established)),
            ["one logicalclusters cluster"]
        );
        world.run(&ResourceLocks, &cluster());
        assert_eq!(locks(&world), r#"{"pigs.farm.io":{"c":true}}"#);
        world.delete(&crd);
        world.run(&ResourceLocks, &cluster());
        assert_eq!(locks(&world), "{}");
    }

    #[test]
    fn a_lock_that_expires_is_waited_for() {
        let held = r#"{"pigs.farm.io":{"c":true,"e":"1970-01-01T00:20:00Z"}}"#;
        let mut world = world(Some(held));
        assert!(world.run(&ResourceLocks, &cluster()).is_some());
        assert_eq!(locks(&world), held);
        world.now = 1_201;
        assert_eq!(world.run(&ResourceLocks, &cluster()), None);
        assert_eq!(locks(&world), "{}");
    }
}

//! `kcp-crdcleanup`: bound CRDs that no binding of the shard uses go, half an hour after they came.

use crate::{
    binding_index::{BindingIndex, schemas},
    kinds,
    resource_locks::bound_crd,
};
use kcp_apimachinery::Value;
use kcp_names::ClusterName;
use kcp_reconcile::{Change, Controller, Fact, Facts, Missing, Step, Wake, Wakes};
use kcp_storage::{Event, Key, Range};
use std::{sync::Arc, time::Duration};

/// Seconds that a bound CRD stays, used or not.
const YOUNG: i64 = 30 * 60;

/// The controller.
pub struct BoundCrds {
    bindings: Arc<BindingIndex>,
}

impl BoundCrds {
    /// The controller, which asks this index who uses a CRD.
    #[must_use]
    pub fn new(bindings: Arc<BindingIndex>) -> Self {
        Self { bindings }
    }
}

impl Controller for BoundCrds {
    fn name(&self) -> &'static str {
        "kcp-crdcleanup"
    }

    fn watches(&self) -> Vec<Range> {
        vec![
            Range::cluster(kinds::crds(), ClusterName::bound_crds()),
            Range::everywhere(kinds::api_bindings()),
        ]
    }

    fn glance(&self, event: &Event, wakes: &mut Vec<Wakes>) -> bool {
        if event.key.resource == kinds::crds() {
            if event.record.is_some() && event.previous.is_none() {
                wakes.push(Wakes::One(event.key.clone()));
            }
            return false;
        }
        true
    }

    fn wakes(&self, event: &Event, object: &Value, wakes: &mut Vec<Wakes>) {
        self.bindings.see(event, object);
        // What a binding used and uses no longer.
        let Some(before) = &event.previous else { return };
        let before = kcp_apimachinery::value::decode(before.json()).unwrap_or_default();
        let bound = |binding: &Value| {
            binding.at(&["status", "boundResources"]).and_then(Value::as_array).unwrap_or_default().to_vec()
        };
        let now = if event.record.is_some() { bound(object) } else { Vec::new() };
        let left: Vec<&str> = schemas(&now).collect();
        let before = bound(&before);
        let lost = schemas(&before).filter(|uid| !left.contains(uid));
        wakes.extend(lost.filter_map(bound_crd).map(Wakes::One));
    }

    fn plan(&self, at: &Key, facts: &Facts) -> Result<Step, Missing> {
        let Fact::Is(crd) = facts.get(at)? else { return Ok(Step::Done) };
        if crd.is_deleting() {
            return Ok(Step::Done);
        }
        let age = crd.value.meta().creation_timestamp().map_or(YOUNG, |at| facts.now() - at.unix());
        if age < YOUNG {
            let left = Duration::from_secs((YOUNG - age).unsigned_abs());
            return Ok(Step::Wait(Wake::After(left), "it is young".to_owned()));
        }
        if !self.bindings.of_schema(at.name.as_str()).is_empty() {
            return Ok(Step::Done);
        }
        Ok(Step::Write(vec![Change::Delete {
            key: at.clone(),
            uid: Some(crd.uid().to_owned()),
            resource_version: None,
            propagation: None,
        }]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::{World, at, wakes};
    use kcp_apimachinery::value;

    #[test]
    fn a_crd_that_nobody_uses_goes_when_it_is_old() {
        let controller = BoundCrds::new(Arc::default());
        let crd = bound_crd("u1").expect("a key");
        let binding = at(kinds::api_bindings(), "farm");
        let mut world = World::new().with(&crd, value!({}));
        assert!(world.run(&controller, &crd).is_some(), "it is young");
        let bound = value!({"status": {"boundResources": [{"schema": {"UID": "u1"}}]}});
        wakes(&controller, &binding, None, Some(bound.clone()));
        world.now += YOUNG;
        assert_eq!(world.run(&controller, &crd), None);
        assert!(world.get(&crd).is_some(), "it is used");
        let other = value!({"status": {"boundResources": [{"schema": {"UID": "u2"}}]}});
        let woken = wakes(&controller, &binding, Some(bound), None);
        assert_eq!(woken, ["one customresourcedefinitions u1"]);
        world.run(&controller, &crd);
        assert_eq!(world.get(&crd), None);
        assert!(wakes(&controller, &binding, Some(other.clone()), Some(other)).is_empty());
    }
}

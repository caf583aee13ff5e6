//! `kcp-default-apibinding-controller`: default bindings that their type maintains stay what they were made as.
//!
//! Most types only initialize workspaces; of those this controller says nothing. Bindings of a type with the
//! lifecycle `Maintain` are made again when they are gone, and accept the claims that their export has now.

use crate::{
    binding_index::BindingIndex,
    conditions::{self, Condition},
    initialize::{binding, desired, export, is_complete},
    key,
    kinds::{self, Kinds},
};
use kcp_api::{
    types::{Kind, apis::APIBinding},
    well_known::annotation,
};
use kcp_apimachinery::{Value, value};
use kcp_names::hash;
use kcp_reconcile::{Change, Controller, Fact, Facts, Missing, Object, Step, Wake, Wakes};
use kcp_storage::{Event, Key, Range, Record};
use std::{collections::BTreeSet, sync::Arc, time::Duration};

const RECONCILED: &str = "APIBindingsReconciled";

/// The controller. It plans LogicalClusters.
pub struct DefaultBindings {
    kinds: Kinds,
    bindings: Arc<BindingIndex>,
}

impl DefaultBindings {
    /// The controller, which asks this index whom an export concerns.
    #[must_use]
    pub fn new(kinds: Kinds, bindings: Arc<BindingIndex>) -> Self {
        Self { kinds, bindings }
    }
}

impl Controller for DefaultBindings {
    fn name(&self) -> &'static str {
        "kcp-default-apibinding-controller"
    }

    fn watches(&self) -> Vec<Range> {
        vec![
            Range::everywhere(kinds::logical_clusters()),
            Range::everywhere(kinds::api_bindings()),
            Range::everywhere(kinds::api_exports()),
            Range::everywhere(self.kinds.workspace_types()),
        ]
    }

    fn wakes(&self, event: &Event, object: &Value, wakes: &mut Vec<Wakes>) {
        let kind = &event.key.resource;
        let before = event.previous.as_ref().map(decode);
        if *kind == kinds::logical_clusters() {
            if is_ready(object) && !before.as_ref().is_some_and(is_ready) {
                wakes.push(Wakes::One(event.key.clone()));
            }
        } else if *kind == kinds::api_bindings() {
            self.bindings.see(event, object);
            // A new binding is as it was made.
            if before.is_some() {
                wakes.push(Wakes::One(kinds::logical_cluster(&event.key.cluster)));
            }
        } else if *kind == kinds::api_exports() {
            let claims = |export: &Value| export.at(&["spec", "permissionClaims"]).cloned();
            if event.record.is_some() && before.as_ref().map(claims) != Some(claims(object)) {
                let cluster = event.key.cluster.as_str();
                let places = [cluster, object.meta().annotation(annotation::PATH).unwrap_or(cluster)];
                let users = self.bindings.of_export(&places, event.key.name.as_str());
                let clusters: BTreeSet<Key> =
                    users.iter().map(|binding| kinds::logical_cluster(&binding.cluster)).collect();
                wakes.extend(clusters.into_iter().map(Wakes::One));
            }
        } else if before.iter().chain([object]).any(maintains) && before.is_some() {
            // Which workspaces are of the type is known to none but themselves; such types rarely change.
            wakes.push(Wakes::All(Range::everywhere(kinds::logical_clusters())));
        }
    }

    fn plan(&self, at: &Key, facts: &Facts) -> Result<Step, Missing> {
        let Fact::Is(found) = facts.get(at)? else { return Ok(Step::Done) };
        if found.is_deleting() || !is_ready(&found.value) {
            return Ok(Step::Done);
        }
        let Ok(wanted) = desired(&self.kinds, &found, facts)? else { return Ok(Step::Done) };
        let (mut changes, mut waiting) = (Vec::new(), BTreeSet::new());
        for (wanted, _) in wanted.iter().filter(|(_, maintained)| *maintained) {
            let name = hash::default_binding_name(&at.cluster, &wanted.path, &wanted.export);
            let Some(binding_key) = key(kinds::api_bindings(), &at.cluster, None, &name) else { continue };
            // What an export that nobody can find claims is not known either.
            if export(wanted, facts)?.is_none() {
                waiting.insert(name);
                continue;
            }
            let wanted = binding(&at.cluster, wanted, true, facts)?;
            match facts.get(&binding_key)? {
                Fact::Unknown => {}
                Fact::Absent => changes.push(Change::Create { key: binding_key, object: wanted }),
                Fact::Is(found) if found.is_deleting() => _ = waiting.insert(name),
                Fact::Is(found) => {
                    changes.extend(mend(&found, &wanted));
                    if !is_complete(&found) {
                        waiting.insert(name);
                    }
                }
            }
        }
        if !changes.is_empty() {
            return Ok(Step::Write(changes));
        }
        Ok(report(&found, &waiting, facts))
    }
}

fn decode(record: &Record) -> Value {
    kcp_apimachinery::value::decode(record.json()).unwrap_or_default()
}

fn is_ready(logical_cluster: &Value) -> bool {
    logical_cluster.str_at(&["status", "phase"]) == Some("Ready")
}

fn maintains(kind: &Value) -> bool {
    kind.str_at(&["spec", "defaultAPIBindingLifecycle"]) == Some("Maintain")
}

/// Brings the spec of a binding back to what it should be.
fn mend(found: &Object, wanted: &Value) -> Option<Change> {
    let spec = |object: &Value| APIBinding::from_value(object).ok().map(|binding| binding.spec);
    if spec(&found.value)? == spec(wanted)? {
        return None;
    }
    let claims = wanted.at(&["spec", "permissionClaims"]).cloned().unwrap_or(Value::Null);
    let mut patch = found.precondition();
    patch.set_at(&["spec"], value!({"permissionClaims": (claims)}));
    Some(Change::Patch { key: found.key.clone(), patch, subresource: None })
}

/// Says whether all is as it should be, if it ever was not.
fn report(found: &Object, waiting: &BTreeSet<String>, facts: &Facts) -> Step {
    let mut object = (*found.value).clone();
    let names: Vec<&str> = waiting.iter().map(String::as_str).collect();
    let why = format!("APIBinding(s) not yet fully reconciled: {}", names.join(", "));
    if !waiting.is_empty() {
        let cause = Condition::unmet(RECONCILED, "Info", "WaitingOnAPIBindings", why.clone());
        conditions::set(&mut object, &cause, facts.now());
    } else if conditions::find(&object, RECONCILED).is_some() {
        conditions::set(&mut object, &Condition::met(RECONCILED), facts.now());
    }
    if object != *found.value {
        return Step::Write(vec![Change::Update { key: found.key.clone(), object, subresource: None }]);
    }
    if waiting.is_empty() { Step::Done } else { Step::Wait(Wake::After(Duration::from_secs(5)), why) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::{World, at, here, in_cluster, wakes};
    use kcp_names::ClusterName;

    fn kinds() -> Kinds {
        Kinds { tenancy: "t".into(), topology: "o".into(), shards: "s".into() }
    }

    fn controller() -> DefaultBindings {
        DefaultBindings::new(kinds(), Arc::default())
    }

    fn cluster() -> Key {
        super::kinds::logical_cluster(&here())
    }

    fn binding() -> Key {
        at(super::kinds::api_bindings(), &hash::default_binding_name(&here(), "root", "farm"))
    }

    fn export() -> Key {
        in_cluster(&ClusterName::root(), super::kinds::api_exports(), "farm")
    }

    fn claims(resource: &str) -> Value {
        value!({"spec": {"permissionClaims": [
            {"resource": (resource), "verbs": ["get"], "defaultSelector": {"matchLabels": {"a": "b"}}}
        ]}})
    }

    fn world(lifecycle: &str) -> World {
        let mut object = value!({"status": {"phase": "Ready"}});
        object.meta_mut().set_annotation(annotation::TYPE, Some("root:kit"));
        let kit = value!({"spec": {
            "defaultAPIBindings": [{"path": "root", "export": "farm"}], "defaultAPIBindingLifecycle": (lifecycle),
        }});
        World::new()
            .with(&cluster(), object)
            .with(&export(), claims("secrets"))
            .with(&in_cluster(&ClusterName::root(), kinds().workspace_types(), "kit"), kit)
    }

    fn claimed(world: &World) -> Option<&str> {
        let claims = world.get(&binding())?.at(&["spec", "permissionClaims"])?.as_array()?;
        claims.first()?.str_at(&["resource"])
    }

    fn complete(world: &mut World) {
        world.edit(&binding(), |object| {
            for kind in ["InitialBindingCompleted", "PermissionClaimsApplied"] {
                conditions::set(object, &Condition::met(kind), 0);
            }
        });
    }

    #[test]
    fn a_maintained_binding_comes_back_and_follows_its_export() {
        let mut world = world("Maintain");
        assert!(world.run(&controller(), &cluster()).is_some(), "it is not bound yet");
        assert_eq!(claimed(&world), Some("secrets"));
        complete(&mut world);
        assert_eq!(world.run(&controller(), &cluster()), None);
        assert!(conditions::is_true(world.get(&cluster()).expect("there"), RECONCILED));
        world.put(&export(), claims("configmaps"));
        world.run(&controller(), &cluster());
        assert_eq!(claimed(&world), Some("configmaps"));
        let writes = world.log.len();
        world.run(&controller(), &cluster());
        assert_eq!(world.log.len(), writes, "and then it is left alone");
        world.delete(&binding());
        world.run(&controller(), &cluster());
        assert_eq!(claimed(&world), Some("configmaps"));
    }

    #[test]
    fn what_is_only_initialized_is_left_alone() {
        let mut world = world("InitializeOnly");
        assert_eq!(world.run(&controller(), &cluster()), None);
        assert!(world.log.is_empty());
    }

    #[test]
    fn claims_of_an_export_wake_those_who_use_it() {
        let controller = controller();
        let uses = value!({"spec": {"reference": {"export": {"path": "root", "name": "farm"}}}});
        assert!(wakes(&controller, &binding(), None, Some(uses.clone())).is_empty());
        let woken = wakes(&controller, &export(), Some(claims("secrets")), Some(claims("configmaps")));
        assert_eq!(woken, ["one logicalclusters cluster"]);
        assert!(wakes(&controller, &export(), Some(claims("a")), Some(claims("a"))).is_empty());
        assert_eq!(wakes(&controller, &binding(), Some(uses), None), ["one logicalclusters cluster"]);
    }
}

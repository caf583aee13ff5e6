//! `kcp-logicalcluster-deletion`: what a logical cluster holds goes before it does.
//!
//! Content first, then APIBindings, then RBAC, the LogicalCluster last. Once its phase is `Deleting` nothing
//! can be created in it any more (the store refuses), so what has been emptied stays empty.

use crate::{
    conditions::{self, Condition},
    kinds,
    workspace::finalizers,
};
use kcp_api::well_known::finalizer;
use kcp_apimachinery::Value;
use kcp_reconcile::{Change, Controller, Fact, Facts, Missing, Object, Propagation, Step, Wake, Wakes};
use kcp_storage::{Event, Key, Range};
use std::{collections::BTreeMap, time::Duration};

/// Keys looked at in one plan.
const LOOK: usize = 5_000;
/// Objects deleted in one plan.
const CHUNK: usize = 200;

/// The controller.
#[derive(Default)]
pub struct LogicalClusterContent;

/// When an object goes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    Content,
    Bindings,
    Rbac,
}

fn stage(key: &Key) -> Option<Stage> {
    match (&*key.resource.group, &*key.resource.resource) {
        ("core.kcp.io", "logicalclusters") => None,
        ("apis.kcp.io", "apibindings") => Some(Stage::Bindings),
        ("rbac.authorization.k8s.io", "clusterroles" | "clusterrolebindings") => Some(Stage::Rbac),
        _ => Some(Stage::Content),
    }
}

impl Controller for LogicalClusterContent {
    fn name(&self) -> &'static str {
        "kcp-logicalcluster-deletion"
    }

    fn watches(&self) -> Vec<Range> {
        vec![Range::everywhere(kinds::logical_clusters())]
    }

    fn wakes(&self, event: &Event, object: &Value, wakes: &mut Vec<Wakes>) {
        if object.at(&["metadata", "deletionTimestamp"]).is_some() {
            wakes.push(Wakes::One(event.key.clone()));
        }
    }

    fn plan(&self, at: &Key, facts: &Facts) -> Result<Step, Missing> {
        let Fact::Is(found) = facts.get(at)? else { return Ok(Step::Done) };
        let held = finalizers(&found.value).iter().any(|f| f.as_str() == Some(finalizer::LOGICAL_CLUSTER));
        if !found.is_deleting() || !held {
            return Ok(Step::Done);
        }
        let keys = facts.contents(&at.cluster, LOOK)?;
        let mut first = None;
        for key in keys {
            let stage = stage(key);
            if stage.is_some() && (first.is_none() || stage < first) {
                first = stage;
            }
        }
        let Some(first) = first else {
            // Empty; but only a closed logical cluster stays so.
            if found.value.str_at(&["status", "phase"]) == Some("Deleting") {
                return Ok(Step::Write(vec![release(&found)]));
            }
            return Ok(Step::Wait(Wake::Change, "terminators are left".to_owned()));
        };
        let mut deletes = Vec::new();
        let mut remaining: BTreeMap<String, usize> = BTreeMap::new();
        for key in keys.iter().filter(|key| stage(key) == Some(first)) {
            if deletes.len() >= CHUNK {
                break;
            }
            let Fact::Is(object) = facts.get(key)? else { continue };
            if object.is_deleting() {
                *remaining.entry(key.resource.to_string()).or_default() += 1;
                continue;
            }
            let uid = Some(object.uid().to_owned());
            let propagation = Some(Propagation::Background);
            deletes.push(Change::Delete { key: key.clone(), uid, resource_version: None, propagation });
        }
        if !deletes.is_empty() {
            return Ok(Step::Write(deletes));
        }
        Ok(report(&found, &remaining, facts))
    }
}

/// Everything is marked, and something has to go by itself.
fn report(found: &Object, remaining: &BTreeMap<String, usize>, facts: &Facts) -> Step {
    let list: Vec<String> = remaining
        .iter()
        .take(20)
        .map(|(kind, count)| format!("{kind} has {count} resource instances"))
        .collect();
    let why = format!("Some resources are remaining: {}", list.join(", "));
    let deleted = found.value.str_at(&["metadata", "deletionTimestamp"]).unwrap_or_default();
    let age = kcp_apimachinery::time::Time::parse(deleted).map_or(0, |at| facts.now() - at.unix());
    let mut object = (*found.value).clone();
    // What is gone in a moment needs no report.
    if age >= 1 {
        let cause = Condition::unmet("WorkspaceContentDeleted", "Info", "SomeResourcesRemain", why.clone());
        conditions::set(&mut object, &cause, facts.now());
    }
    if object != *found.value {
        return Step::Write(vec![Change::Update { key: found.key.clone(), object, subresource: None }]);
    }
    let pause = if age < 2 { Duration::from_millis(50) } else { Duration::from_secs(1) };
    Step::Wait(Wake::After(pause), why)
}

fn release(found: &Object) -> Change {
    let mut left = finalizers(&found.value);
    left.retain(|f| f.as_str() != Some(finalizer::LOGICAL_CLUSTER));
    let mut patch = found.precondition();
    patch.set_at(&["metadata", "finalizers"], Value::Array(left));
    Change::Patch { key: found.key.clone(), patch, subresource: None }
}

//! `kcp-initializer`: what every universal workspace begins with.
//!
//! Two initializers are ours: `root:universal` stands for the namespaces that a workspace holds, and
//! `system:apibindings` for the bindings that its type and the type's bases ask for. Both, and the first
//! administrator, are made side by side, which is one commit; and the write that takes the initializers off
//! is the one that makes the logical cluster ready, if nobody else is left.

mod bindings;
#[cfg(test)]
mod tests;

use crate::{
    conditions::{self, Condition},
    key,
    kinds::{self, Kinds},
    logical_cluster::{admin, phase},
};
use bindings::{Pending, missing};
pub(crate) use bindings::{binding, desired, export, is_complete, locks};
use kcp_api::well_known::name;
use kcp_apimachinery::Value;
use kcp_reconcile::{Change, Controller, Fact, Facts, Missing, Object, Step, Wake, Wakes};
use kcp_storage::{Event, Key, Range};
use std::time::Duration;

const UNIVERSAL: &str = "root:universal";
const BINDINGS: &str = name::API_BINDINGS_INITIALIZER;
/// Seconds after which it is told what is waited for.
pub(crate) const PATIENCE: i64 = 5;

/// The controller.
pub struct Initialize {
    kinds: Kinds,
    content: Vec<Value>,
}

impl Initialize {
    /// Makes these cluster-scoped objects in universal workspaces.
    #[must_use]
    pub fn new(kinds: Kinds, content: Vec<Value>) -> Self {
        Self { kinds, content }
    }

    /// The namespaces that are not there yet.
    fn namespaces(&self, at: &Key, facts: &Facts) -> Result<Vec<Change>, Missing> {
        let mut changes = Vec::new();
        for object in &self.content {
            let name = object.meta().name().unwrap_or_default();
            let Some(key) = key(kinds::core("namespaces"), &at.cluster, None, name) else { continue };
            if facts.get(&key)? == Fact::Absent {
                changes.push(Change::Create { key, object: object.clone() });
            }
        }
        Ok(changes)
    }
}

impl Controller for Initialize {
    fn name(&self) -> &'static str {
        "kcp-initializer"
    }

    fn watches(&self) -> Vec<Range> {
        vec![Range::everywhere(kinds::logical_clusters()), Range::everywhere(kinds::api_bindings())]
    }

    fn glance(&self, event: &Event, wakes: &mut Vec<Wakes>) -> bool {
        let binding = event.key.resource == kinds::api_bindings();
        if binding {
            wakes.push(Wakes::One(kinds::logical_cluster(&event.key.cluster)));
        }
        !binding && event.record.is_some()
    }

    fn wakes(&self, event: &Event, object: &Value, wakes: &mut Vec<Wakes>) {
        if is_pending(object) {
            wakes.push(Wakes::One(event.key.clone()));
        }
    }

    fn plan(&self, at: &Key, facts: &Facts) -> Result<Step, Missing> {
        let Fact::Is(found) = facts.get(at)? else { return Ok(Step::Done) };
        if found.is_deleting() || !is_pending(&found.value) {
            return Ok(Step::Done);
        }
        let (mut finished, mut changes) = (Vec::new(), Vec::new());
        let mut waiting = None;
        if has(&found.value, UNIVERSAL) {
            finished.push(UNIVERSAL);
            changes.extend(self.namespaces(at, facts)?);
        }
        if has(&found.value, BINDINGS) {
            match missing(&self.kinds, &found, facts)? {
                Pending::Needs(prerequisites) => return Ok(Step::Write(prerequisites)),
                Pending::Creates(bindings) => changes.extend(bindings),
                Pending::Waits { reason, message } => waiting = Some((reason, message)),
            }
            if waiting.is_none() {
                finished.push(BINDINGS);
            }
        }
        changes.extend(admin(&found, facts)?);
        if !changes.is_empty() {
            return Ok(Step::Each(changes));
        }
        if !finished.is_empty() {
            return Ok(Step::Write(vec![done(&found, &finished)]));
        }
        let (reason, why) = waiting.unwrap_or_default();
        Ok(blocked(&found, reason, &why, facts))
    }
}

/// Whether we have something to do about a logical cluster.
pub(crate) fn is_pending(logical_cluster: &Value) -> bool {
    logical_cluster.str_at(&["status", "phase"]) == Some("Initializing")
        && (has(logical_cluster, UNIVERSAL) || has(logical_cluster, BINDINGS))
}

/// Whether nobody else has anything to do about a logical cluster before it is ready.
pub(crate) fn is_ours_alone(logical_cluster: &Value) -> bool {
    let ours = |name: &str| name == UNIVERSAL || name == BINDINGS;
    logical_cluster.str_at(&["status", "phase"]) == Some("Initializing") && left(logical_cluster).all(ours)
}

fn left(logical_cluster: &Value) -> impl Iterator<Item = &str> {
    let list = logical_cluster.at(&["status", "initializers"]).and_then(Value::as_array);
    list.unwrap_or_default().iter().filter_map(Value::as_str)
}

fn has(logical_cluster: &Value, initializer: &str) -> bool {
    left(logical_cluster).any(|name| name == initializer)
}

/// Takes initializers off. When those were the last ones, the logical cluster is ready in the same write.
fn done(object: &Object, finished: &[&str]) -> Change {
    let mut wanted = (*object.value).clone();
    let left: Value = left(&object.value).filter(|name| !finished.contains(name)).map(Value::from).collect();
    wanted.set_at(&["status", "initializers"], left);
    phase::settle(&mut wanted);
    if self::left(&wanted).next().is_none() {
        wanted.remove_at(&["status", "initializers"]);
    }
    conditions::remove(&mut wanted, "APIBindingsInitialized");
    Change::Update { key: object.key.clone(), object: wanted, subresource: None }
}

/// Waits; and says so on the object when it takes longer than a moment.
fn blocked(found: &Object, reason: &str, why: &str, facts: &Facts) -> Step {
    let mut object = (*found.value).clone();
    if found.age(facts.now()) >= PATIENCE {
        let severity = if reason == "WaitingOnAPIBindings" { "Info" } else { "Error" };
        let cause = Condition::unmet("APIBindingsInitialized", severity, reason, why);
        conditions::set(&mut object, &cause, facts.now());
    }
    if object != *found.value {
        return Step::Write(vec![Change::Update { key: found.key.clone(), object, subresource: None }]);
    }
    Step::Wait(Wake::After(Duration::from_secs(1)), why.to_owned())
}

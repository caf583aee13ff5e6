//! `kcp-workspace`: from a Workspace to a logical cluster on a shard, and back.
//!
//! Scheduling is a two-phase commit. Phase A claims: shard and cluster name are written on the
//! Workspace, by admission when it is created if that is possible. Phase B creates the LogicalCluster of that
//! name; if somebody else's is there, the claim is released. So a crash between the two never leaves two
//! clusters for one Workspace.
//!
//! A logical cluster that only we initialize is ready in a moment. Its Workspace goes from Scheduling to Ready
//! in one write then; one that takes longer, or that others initialize, is shown as Initializing.

mod deletion;
mod follow;
mod schedule;
#[cfg(test)]
mod tests;

use crate::{
    key,
    kinds::{self, Kinds},
};
use kcp_api::well_known::{annotation, finalizer, label};
use kcp_apimachinery::{Value, value};
use kcp_names::ClusterName;
use kcp_reconcile::{Change, Controller, Fact, Facts, Missing, Object, Step, Wakes};
use kcp_storage::{Event, Key, Range};

/// The controller of Workspaces.
pub struct Workspaces {
    kinds: Kinds,
}

impl Workspaces {
    /// The controller.
    #[must_use]
    pub fn new(kinds: Kinds) -> Self {
        Self { kinds }
    }
}

impl Controller for Workspaces {
    fn name(&self) -> &'static str {
        "kcp-workspace"
    }

    fn watches(&self) -> Vec<Range> {
        vec![
            Range::everywhere(self.kinds.workspaces()),
            Range::everywhere(kinds::logical_clusters()),
            Range::everywhere(self.kinds.shards()),
        ]
    }

    fn wakes(&self, event: &Event, object: &Value, wakes: &mut Vec<Wakes>) {
        let kind = &event.key.resource;
        if *kind == self.kinds.workspaces() {
            wakes.push(Wakes::One(event.key.clone()));
        } else if *kind == kinds::logical_clusters() {
            wakes.extend(self.owner(object).map(Wakes::One));
        } else if event.record.is_some() && event.previous.is_none() {
            wakes.push(Wakes::All(Range::everywhere(self.kinds.workspaces())));
        }
    }

    fn plan(&self, key: &Key, facts: &Facts) -> Result<Step, Missing> {
        let Fact::Is(workspace) = facts.get(key)? else { return Ok(Step::Done) };
        if workspace.is_deleting() {
            return self.delete(&workspace, facts);
        }
        if workspace.value.at(&["spec", "mount"]).is_some() {
            return Ok(Step::Done);
        }
        if workspace.value.str_at(&["spec", "cluster"]).unwrap_or_default().is_empty() {
            return self.schedule(&workspace, facts);
        }
        self.follow(&workspace, facts)
    }
}

impl Workspaces {
    /// The Workspace that a LogicalCluster belongs to.
    fn owner(&self, logical_cluster: &Value) -> Option<Key> {
        let owner = logical_cluster.at(&["spec", "owner"])?;
        if owner.str_at(&["resource"]) != Some("workspaces") {
            return None;
        }
        let cluster = ClusterName::parse(owner.str_at(&["cluster"])?).ok()?;
        key(self.kinds.workspaces(), &cluster, None, owner.str_at(&["name"])?)
    }
}

fn set_phase(object: &mut Value, phase: &str) {
    object.set_at(&["status", "phase"], phase.into());
    object.set_at(&["metadata", "labels", label::PHASE], phase.into());
}

/// What is ready remembers the owner's name only.
pub(crate) fn trim_owner(object: &mut Value) {
    let owner = object.str_at(&["metadata", "annotations", annotation::OWNER]).map(str::to_owned);
    let Some(user) = owner.and_then(|json| kcp_apimachinery::value::decode(json.as_bytes()).ok()) else {
        return;
    };
    let name = user.str_at(&["username"]).unwrap_or_default();
    let trimmed = kcp_apimachinery::value::encode(&value!({"username": (name)}));
    object.set_at(
        &["metadata", "annotations", annotation::OWNER],
        String::from_utf8_lossy(&trimmed).into_owned().into(),
    );
}

fn belongs(logical_cluster: &Object, workspace: &Object) -> bool {
    let owner = |name: &str| logical_cluster.value.str_at(&["spec", "owner", name]).unwrap_or_default();
    owner("cluster") == workspace.key.cluster.as_str()
        && owner("name") == workspace.key.name.as_str()
        && owner("uid") == workspace.uid()
}

/// The canonical path of a logical cluster; its name when it has none.
pub(crate) fn path_of(logical_cluster: &Object) -> String {
    let annotated = logical_cluster.value.str_at(&["metadata", "annotations", annotation::PATH]);
    annotated.map_or_else(|| logical_cluster.key.cluster.to_string(), str::to_owned)
}

fn parent_key(workspace: &Key) -> Key {
    kinds::logical_cluster(&workspace.cluster)
}

pub(crate) fn finalizers(object: &Value) -> Vec<Value> {
    object.at(&["metadata", "finalizers"]).and_then(Value::as_array).unwrap_or_default().to_vec()
}

fn patch(workspace: &Object, patch: Value) -> Change {
    Change::Patch { key: workspace.key.clone(), patch, subresource: None }
}

/// Takes the finalizer off.
fn release(workspace: &Object) -> Change {
    let mut left = finalizers(&workspace.value);
    left.retain(|f| f.as_str() != Some(finalizer::WORKSPACE));
    let mut change = workspace.precondition();
    change.set_at(&["metadata", "finalizers"], Value::Array(left));
    patch(workspace, change)
}

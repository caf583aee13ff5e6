//! A Workspace goes when its logical cluster has gone.

use super::{Workspaces, belongs, finalizers, follow::mirror, release, set_phase};
use crate::{
    conditions::{self, Condition},
    kinds,
};
use kcp_api::well_known::{annotation, finalizer};
use kcp_names::ClusterName;
use kcp_reconcile::{Change, Fact, Facts, Missing, Object, Step, Wake};
use std::time::Duration;

impl Workspaces {
    /// Deletes the logical cluster, and lets the Workspace go when it has gone.
    pub(super) fn delete(&self, workspace: &Object, facts: &Facts) -> Result<Step, Missing> {
        if !finalizers(&workspace.value).iter().any(|f| f.as_str() == Some(finalizer::WORKSPACE)) {
            return Ok(Step::Done);
        }
        let spec = workspace.value.str_at(&["spec", "cluster"]);
        let claimed = workspace.value.str_at(&["metadata", "annotations", annotation::CHOSEN_CLUSTER]);
        let Some(cluster) = spec.or(claimed).and_then(|name| ClusterName::parse(name).ok()) else {
            return Ok(Step::Write(vec![release(workspace)]));
        };
        let at = kinds::logical_cluster(&cluster);
        match facts.get(&at)? {
            Fact::Unknown => {
                Ok(Step::Wait(Wake::After(Duration::from_secs(1)), "its shard does not answer".to_owned()))
            }
            Fact::Absent => Ok(Step::Write(vec![release(workspace)])),
            Fact::Is(found) if !belongs(&found, workspace) => Ok(Step::Write(vec![release(workspace)])),
            Fact::Is(found) if !found.is_deleting() => {
                let uid = Some(found.uid().to_owned());
                Ok(Step::Write(vec![Change::Delete {
                    key: at,
                    uid,
                    resource_version: None,
                    propagation: None,
                }]))
            }
            Fact::Is(found) => {
                let mut object = (*workspace.value).clone();
                let wanted = found.value.str_at(&["status", "phase"]).unwrap_or("Deleting").to_owned();
                if matches!(wanted.as_str(), "Terminating" | "Deleting") {
                    set_phase(&mut object, &wanted);
                }
                mirror(&mut object, &found, "terminators");
                if let Some(condition) = conditions::find(&found.value, "WorkspaceContentDeleted")
                    && condition.str_at(&["status"]) == Some("False")
                {
                    let text = |name: &str| condition.str_at(&[name]).unwrap_or_default().to_owned();
                    let (severity, reason) = (text("severity"), text("reason"));
                    let shown =
                        Condition::unmet("WorkspaceContentDeleted", &severity, &reason, text("message"));
                    conditions::set(&mut object, &shown, facts.now());
                }
                if object == *workspace.value {
                    return Ok(Step::Wait(Wake::Change, "its content is being deleted".to_owned()));
                }
                Ok(Step::Write(vec![Change::Update {
                    key: workspace.key.clone(),
                    object,
                    subresource: None,
                }]))
            }
        }
    }
}

//! A Workspace shows what its logical cluster is.

use super::{Workspaces, set_phase, trim_owner};
use crate::{
    conditions::{self, Condition},
    kinds,
};
use kcp_apimachinery::Value;
use kcp_names::ClusterName;
use kcp_reconcile::{Change, Fact, Facts, Missing, Object, Step, Wake};
use std::time::Duration;

/// Seconds for which initializers may work before the Workspace says which ones are left.
const PATIENCE: i64 = 1;

impl Workspaces {
    /// The Workspace shows what its logical cluster is.
    pub(super) fn follow(&self, workspace: &Object, facts: &Facts) -> Result<Step, Missing> {
        let name = workspace.value.str_at(&["spec", "cluster"]).unwrap_or_default();
        let Ok(cluster) = ClusterName::parse(name) else { return Ok(Step::Done) };
        let at = kinds::logical_cluster(&cluster);
        let mut object = (*workspace.value).clone();
        let phase = workspace.value.str_at(&["status", "phase"]).unwrap_or_default().to_owned();
        let pause = match facts.get(&at)? {
            Fact::Unknown => {
                return Ok(Step::Wait(
                    Wake::After(Duration::from_secs(1)),
                    "its shard does not answer".to_owned(),
                ));
            }
            Fact::Absent => {
                let gone = Condition::unmet(
                    "WorkspaceInitialized",
                    "Error",
                    "WorkspaceDisappeared",
                    "the logical cluster disappeared",
                );
                conditions::set(&mut object, &gone, facts.now());
                if phase == "Ready" {
                    set_phase(&mut object, "Unavailable");
                }
                None
            }
            Fact::Is(found) => show(&mut object, &found, &phase, facts.now()),
        };
        if object != *workspace.value {
            return Ok(Step::Write(vec![Change::Update {
                key: workspace.key.clone(),
                object,
                subresource: None,
            }]));
        }
        Ok(match pause {
            Some((pause, why)) => Step::Wait(Wake::After(pause), why),
            None => Step::Done,
        })
    }
}

/// Brings phase and conditions of a Workspace to what its logical cluster says; when to look again.
pub(super) fn show(object: &mut Value, found: &Object, phase: &str, now: i64) -> Option<(Duration, String)> {
    let left = found.value.at(&["status", "initializers"]).and_then(Value::as_array).unwrap_or_default();
    let actual = found.value.str_at(&["status", "phase"]).unwrap_or_default();
    let names: Vec<&str> = left.iter().filter_map(Value::as_str).collect();
    match actual {
        "Ready" | "Inactive" => {
            set_phase(object, "Ready");
            object.remove_at(&["status", "initializers"]);
            conditions::set(object, &Condition::met("WorkspaceInitialized"), now);
            trim_owner(object);
            None
        }
        _ if phase == "Ready" => None,
        _ => {
            let age = object.meta().creation_timestamp().map_or(0, |at| now - at.unix());
            let why = format!("initializers still exist: {}", names.join(", "));
            // Nobody needs to read of initializers that are done in a moment.
            if age >= PATIENCE {
                mirror(object, found, "initializers");
                conditions::set(
                    object,
                    &Condition::unmet("WorkspaceInitialized", "Info", "InitializerExists", why.clone()),
                    now,
                );
            }
            Some((Duration::from_secs(1), why))
        }
    }
}

pub(super) fn mirror(object: &mut Value, found: &Object, name: &str) {
    match found.value.at(&["status", name]) {
        Some(list) if list.as_array().is_some_and(|l| !l.is_empty()) => {
            object.set_at(&["status", name], list.clone())
        }
        _ => {
            object.remove_at(&["status", name]);
        }
    }
}

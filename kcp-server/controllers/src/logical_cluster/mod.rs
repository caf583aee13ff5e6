//! `kcp-logicalcluster`: phases, labels and URL of logical clusters, and their first administrator.
//!
//! Scheduling → Initializing → Ready when no initializer is left → Inactive and back as the annotation
//! says; with a deletion timestamp Terminating while terminators are left, then Deleting.

mod admin;
pub(crate) mod phase;
#[cfg(test)]
mod tests;

use crate::{
    initialize, key,
    kinds::{self, Kinds},
};
pub(crate) use admin::{ADMIN, admin};
use kcp_api::well_known::annotation;
use kcp_apimachinery::Value;
use kcp_names::ClusterName;
use kcp_reconcile::{Change, Controller, Fact, Facts, Missing, Object, Step, Wakes};
use kcp_storage::{Event, Key, Range};

/// The controller of LogicalClusters.
pub struct LogicalClusters {
    kinds: Kinds,
    shard: String,
}

impl LogicalClusters {
    /// The controller on a shard of this name.
    #[must_use]
    pub fn new(kinds: Kinds, shard: &str) -> Self {
        Self { kinds, shard: shard.to_owned() }
    }
}

impl Controller for LogicalClusters {
    fn name(&self) -> &'static str {
        "kcp-logicalcluster"
    }

    fn watches(&self) -> Vec<Range> {
        vec![
            Range::everywhere(kinds::logical_clusters()),
            Range::everywhere(kinds::rbac("clusterrolebindings")),
        ]
    }

    fn wakes(&self, event: &Event, _object: &Value, wakes: &mut Vec<Wakes>) {
        if event.key.resource == kinds::logical_clusters() {
            wakes.push(Wakes::One(event.key.clone()));
        } else if event.key.name.as_str() == ADMIN && !event.key.cluster.is_system() {
            wakes.push(Wakes::One(kinds::logical_cluster(&event.key.cluster)));
        }
    }

    fn plan(&self, key: &Key, facts: &Facts) -> Result<Step, Missing> {
        let Fact::Is(found) = facts.get(key)? else { return Ok(Step::Done) };
        let mut changes = Vec::new();
        // Whoever initializes it makes the first administrator as well.
        if !found.is_deleting() && !initialize::is_pending(&found.value) {
            changes.extend(admin(&found, facts)?);
        }
        let mut object = (*found.value).clone();
        phase::settle(&mut object);
        self.set_url(&mut object, &found, facts)?;
        if object.str_at(&["metadata", "annotations", annotation::HOSTING_SHARD]).is_none() {
            object
                .set_at(&["metadata", "annotations", annotation::HOSTING_SHARD], self.shard.as_str().into());
        }
        if object != *found.value {
            changes.push(Change::Update { key: key.clone(), object, subresource: None });
        }
        Ok(if changes.is_empty() { Step::Done } else { Step::Write(changes) })
    }
}

impl LogicalClusters {
    fn set_url(&self, object: &mut Value, found: &Object, facts: &Facts) -> Result<(), Missing> {
        let Some(at) = key(self.kinds.shards(), &ClusterName::root(), None, &self.shard) else {
            return Ok(());
        };
        if let Fact::Is(shard) = facts.get(&at)? {
            let external = shard.value.str_at(&["spec", "externalURL"]).unwrap_or_default();
            object.set_at(&["status", "URL"], format!("{external}/clusters/{}", found.key.cluster).into());
        }
        Ok(())
    }
}

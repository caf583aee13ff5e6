//! Feeds the index of workspace paths with every commit, before anybody is told of it.

use kcp_index::{Index, LogicalClusterFacts, WorkspaceFacts};
use kcp_names::ShardName;
use kcp_registry::{Error, Observer, Registry};
use kcp_storage::{Key, Range, Record, ResourceKey};
use std::sync::{Arc, OnceLock};

/// What feeds the index.
pub struct PathFeed {
    index: Arc<Index>,
    shard: ShardName,
    /// Known once the root export has an identity; a workspace of another identity is somebody's own kind.
    workspaces: OnceLock<ResourceKey>,
}

impl PathFeed {
    /// Feeds `index` with what `shard` holds.
    #[must_use]
    pub fn new(index: Arc<Index>, shard: ShardName) -> Arc<Self> {
        Arc::new(Self { index, shard, workspaces: OnceLock::new() })
    }

    /// From now on this kind is what makes edges. Reads those that there are.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn begin(&self, registry: &Registry, workspaces: ResourceKey) -> Result<(), Error> {
        let kinds = [ResourceKey::custom("core.kcp.io", "logicalclusters"), workspaces.clone()];
        let _ = self.workspaces.set(workspaces);
        for kind in kinds {
            registry.load(&Range::everywhere(kind), |key, record| self.changed(key, record)).await?;
        }
        Ok(())
    }
}

impl Observer for PathFeed {
    fn changed(&self, key: &Key, record: Option<&Record>) {
        if key.resource == ResourceKey::custom("core.kcp.io", "logicalclusters") {
            match record {
                None => self.index.remove_logical_cluster(&self.shard, &key.cluster),
                Some(record) => {
                    let object = kcp_apimachinery::value::decode(record.json()).unwrap_or_default();
                    self.index.upsert_logical_cluster(
                        &self.shard,
                        &key.cluster,
                        &LogicalClusterFacts::read(&object),
                    );
                }
            }
        } else if self.workspaces.get() == Some(&key.resource) {
            match record {
                None => self.index.remove_workspace(&self.shard, &key.cluster, key.name.as_str()),
                Some(record) => {
                    let object = kcp_apimachinery::value::decode(record.json()).unwrap_or_default();
                    if let Some(facts) = WorkspaceFacts::read(key.cluster.clone(), &object) {
                        self.index.upsert_workspace(&self.shard, &facts);
                    }
                }
            }
        }
    }
}

//! Workspaces are claimed for a shard when they are created, so that their scheduling costs no further write.
//!
//! Whatever stands in the way is none of the creator's business: a workspace that is not claimed here is
//! claimed, or told that it cannot be, by the controller of workspaces.

use crate::{Operation, Plugin, Rejection, Request, World, world::internal};
use kcp_api::{
    rules::schedule,
    well_known::{annotation, api_group},
};
use kcp_apimachinery::Value;
use kcp_names::ClusterName;
use kcp_registry::{ClusterCache, Observer, codec};
use kcp_storage::{BoxFuture, Key, Range};
use std::sync::Arc;

/// Shards among which one is chosen.
const SHARDS: usize = 20_000;

/// Claims new workspaces.
pub(crate) struct Scheduling {
    world: Arc<World>,
    shards: ClusterCache<Vec<Value>>,
}

impl Scheduling {
    pub(crate) fn new(world: Arc<World>) -> Arc<Self> {
        Arc::new(Self { world, shards: ClusterCache::new(1) })
    }

    /// The shards that there are, as far as this one knows.
    async fn read(&self) -> Result<Arc<Vec<Value>>, Rejection> {
        let root = ClusterName::root();
        let catalog = self.world.registry.catalog(&root).await.map_err(internal)?;
        let Some(resource) = catalog.find(api_group::CORE, "shards") else { return Ok(Arc::default()) };
        let range = Range::cluster(resource.key.clone(), root);
        let page = self.world.registry.store().range(&range, None, SHARDS, None).await.map_err(internal)?;
        let shards = page.items.iter().map(|(key, record)| codec::open(key, record));
        Ok(Arc::new(shards.collect::<Result<_, _>>().map_err(internal)?))
    }
}

impl Observer for Scheduling {
    fn changing<'a>(&'a self, key: &Key) -> Option<Box<dyn Send + 'a>> {
        let concerned = match (&*key.resource.group, &*key.resource.resource) {
            (api_group::CORE, "shards") | (api_group::APIS, "apibindings") => {
                key.cluster == ClusterName::root()
            }
            _ => false,
        };
        concerned.then(|| Box::new(self.shards.changing(&key.cluster)) as Box<dyn Send + 'a>)
    }
}

impl Plugin for Scheduling {
    fn name(&self) -> &'static str {
        "tenancy.kcp.io/WorkspaceScheduling"
    }

    fn handles(&self, request: &Request<'_>) -> bool {
        request.stores() && request.subresource.is_empty() && request.is_on(api_group::TENANCY, "workspaces")
    }

    fn mutate<'a>(
        &'a self,
        request: &'a Request<'a>,
        object: &'a mut Value,
    ) -> BoxFuture<'a, Result<(), Rejection>> {
        Box::pin(async move {
            if !request.is_privileged() {
                keep_name(request.old, object);
            }
            let wanted = request.operation == Operation::Create && !request.dry_run && !is_placed(object);
            if !wanted {
                return Ok(());
            }
            let shards = self.shards.get(&ClusterName::root(), || self.read()).await?;
            // The server has just drawn the uid.
            let Some(uid) = object.meta().uid().map(str::to_owned) else { return Ok(()) };
            if let Some(claim) = schedule::choose(object, &*shards, &uid) {
                let workspace = object.clone();
                claim.write(&workspace, object);
            }
            Ok(())
        })
    }
}

/// The name of a logical cluster is drawn, never asked for: somebody else may be about to have it.
fn keep_name(old: Option<&Value>, object: &mut Value) {
    let name = old.and_then(|old| old.meta().annotation(annotation::CHOSEN_CLUSTER)).map(str::to_owned);
    if object.meta().annotation(annotation::CHOSEN_CLUSTER) != name.as_deref() {
        object.meta_mut().set_annotation(annotation::CHOSEN_CLUSTER, name.as_deref());
    }
}

fn is_placed(workspace: &Value) -> bool {
    workspace.at(&["spec", "mount"]).is_some()
        || workspace.str_at(&["spec", "cluster"]).is_some_and(|cluster| !cluster.is_empty())
        || workspace.meta().annotation(annotation::CHOSEN_CLUSTER).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use kcp_apimachinery::value;

    fn named(name: Option<&str>) -> Value {
        let mut object = value!({"metadata": {"name": "w"}});
        object.meta_mut().set_annotation(annotation::CHOSEN_CLUSTER, name);
        object
    }

    #[test]
    fn nobody_asks_for_the_name_of_a_logical_cluster() {
        let check = |old: Option<Value>, given: Option<&str>, expected: Option<&str>| {
            let mut object = named(given);
            keep_name(old.as_ref(), &mut object);
            assert_eq!(object.meta().annotation(annotation::CHOSEN_CLUSTER), expected);
        };
        check(None, Some("mine"), None);
        check(Some(named(Some("drawn"))), Some("mine"), Some("drawn"));
        check(Some(named(Some("drawn"))), None, Some("drawn"));
        check(Some(named(None)), Some("mine"), None);
    }
}

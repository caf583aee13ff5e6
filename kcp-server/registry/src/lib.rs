//! The catalog (which APIs a logical cluster has) and every verb on stored objects.
//!
//! [`Registry`] is the one way to the store, for people and for controllers. It knows logical
//! clusters, resources and revisions; it knows neither HTTP nor who asks.

mod built_in;
mod cache;
pub mod catalog;
pub mod codec;
mod commit;
mod definition;
mod definitions;
mod error;
mod follow;
mod list;
mod objects;
mod stream;

pub use built_in::built_in_resources;
pub use cache::{Changing, ClusterCache};
pub use catalog::{Catalog, Column, Resource, Scale, Source, Subresource, Version};
pub use commit::{Commit, Deed};
pub use definitions::{BoundExport, Definitions};
pub use error::Error;
pub use list::{Listing, Selection, Token};
pub use objects::Opened;
pub use stream::{Streamed, WatchStream};

use kcp_names::{ClusterName, Revision};
use kcp_storage::{Key, Record, Store};
use kcp_watch::Hub;
use std::sync::Arc;

/// Logical clusters whose compiled form is kept ready.
const CLUSTERS: usize = 20_000;

/// The objects of one shard, and the APIs they belong to.
pub struct Registry {
    store: Arc<dyn Store>,
    hub: Arc<Hub>,
    definitions: Definitions,
    catalogs: ClusterCache<Catalog>,
    incarnations: ClusterCache<Option<Incarnation>>,
    objects: objects::Objects,
    /// Watchers of changes that others compile from: RBAC policies. See [`Registry::on_change`].
    observers: parking_lot::RwLock<Vec<Arc<dyn Observer>>>,
    follower: follow::Follower,
}

/// Which life of a logical cluster a write belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Incarnation {
    /// Revision of the creation of its LogicalCluster object.
    pub created: Revision,
    /// It is being emptied: nothing new may be created.
    pub closed: bool,
}

/// Somebody who keeps something that was compiled from stored objects.
pub trait Observer: Send + Sync + 'static {
    /// An object is about to change; what is returned is kept until the change is durable.
    fn changing<'a>(&'a self, _key: &Key) -> Option<Box<dyn Send + 'a>> {
        None
    }

    /// An object has changed and is durable; nobody has been told yet. `None`: it is gone. Called for every
    /// change of the store, in the order of the log, one at a time.
    fn changed(&self, _key: &Key, _record: Option<&Record>) {}
}

impl Registry {
    /// A registry on a store, serving `built_in` resources in every logical cluster.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, built_in: Vec<Arc<Resource>>) -> Arc<Self> {
        let hub = Arc::new(Hub::new(store.revision()));
        let follower = follow::Follower::of(&*store);
        Arc::new(Self {
            store,
            hub,
            definitions: Definitions::new(built_in),
            catalogs: ClusterCache::new(CLUSTERS),
            incarnations: ClusterCache::new(CLUSTERS),
            objects: objects::Objects::default(),
            observers: parking_lot::RwLock::default(),
            follower,
        })
    }

    /// The store beneath.
    #[must_use]
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    /// Adds somebody who wants to know of changes before they are made.
    pub fn on_change(&self, observer: Arc<dyn Observer>) {
        self.observers.write().push(observer);
    }

    /// The APIs of a logical cluster. Those of one that does not exist are the built-in and system ones.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn catalog(&self, cluster: &ClusterName) -> Result<Arc<Catalog>, Error> {
        self.catalogs.get(cluster, || self.definitions.catalog(self, cluster)).await
    }

    /// The APIs that are the same in every logical cluster: built-in and system ones.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn system_catalog(&self) -> Result<Arc<Catalog>, Error> {
        self.catalog(&ClusterName::system_crds()).await
    }

    /// One object, as stored.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn record(&self, key: &Key) -> Result<Option<Record>, Error> {
        Ok(self.store.get(key).await?)
    }

    /// The life that a logical cluster is in; `None` if it does not exist.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn incarnation(&self, cluster: &ClusterName) -> Result<Option<Incarnation>, Error> {
        let build = || async {
            let record = self.store.get(&logical_cluster_key(cluster)).await?;
            Ok::<_, Error>(Arc::new(
                record.map(|record| Incarnation { created: record.created, closed: record.is_closed() }),
            ))
        };
        Ok(*self.incarnations.get(cluster, build).await?)
    }
}

/// Where the object is that stands for a logical cluster itself.
#[must_use]
pub fn logical_cluster_key(cluster: &ClusterName) -> Key {
    Key {
        resource: kcp_storage::ResourceKey::custom("core.kcp.io", "logicalclusters"),
        cluster: cluster.clone(),
        namespace: None,
        name: kcp_storage::ObjectName::parse("cluster").unwrap_or_else(|_| unreachable!("a constant name")),
    }
}

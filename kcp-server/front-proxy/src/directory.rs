//! Where everything is: the index, and the shards that feed it.
//!
//! The root shard's `Shard` objects say which shards there are. Each is followed with two watches over all
//! its logical clusters, workspaces and logical clusters. When a shard's URL changes its watches begin
//! anew and nothing is forgotten meanwhile; when its object goes, so does all that it reported.
//!
//! Two tasks per shard, none per workspace.

use crate::{
    api::{Api, ApiError},
    connection::Connection,
    miss::Asker,
    reflect::{Accept, Follower, reflect},
    shard::Shard,
};
use kcp_apimachinery::Value;
use kcp_index::{Feed, Index, Resolved};
use kcp_names::{ShardName, WorkspacePath};
use parking_lot::{Mutex, RwLock};
use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

const SHARDS: &str = "/clusters/root/apis/core.kcp.io/v1alpha1/shards";
const TENANCY: &str = "/clusters/root/apis/apis.kcp.io/v1alpha1/apiexports/tenancy.kcp.io";

/// The directory. Shared by all requests.
#[derive(Debug)]
pub(crate) struct Directory {
    index: Index,
    root: Api,
    shards: RwLock<BTreeMap<ShardName, Arc<Shard>>>,
    /// How shards are connected to.
    connection: Arc<Connection>,
    asker: Asker,
    /// The shards have been listed once.
    listed: AtomicBool,
    /// The hash that names the `tenancy.kcp.io` export, and so its workspaces.
    identity: Mutex<Option<Arc<str>>>,
    tasks: TaskTracker,
    stop: CancellationToken,
}

impl Directory {
    /// A directory of the shards that `root` knows. `connection` is to any of them.
    pub(crate) fn new(root: Api, connection: Arc<Connection>, stop: CancellationToken) -> Arc<Self> {
        Arc::new(Self {
            index: Index::of_proxy(),
            root,
            shards: RwLock::default(),
            connection,
            asker: Asker::default(),
            listed: AtomicBool::new(false),
            identity: Mutex::default(),
            tasks: TaskTracker::new(),
            stop,
        })
    }

    /// Follows the shards until the directory is stopped, and returns when all that it began has ended.
    pub(crate) async fn run(self: &Arc<Self>) {
        let follower = Shards { directory: Arc::clone(self), seen: Vec::new() };
        reflect(&self.root, Accept::Object, follower, &self.stop).await;
        self.tasks.close();
        self.tasks.wait().await;
    }

    /// Whether every shard has been heard, or has been given up for now.
    pub(crate) fn is_ready(&self) -> bool {
        self.listed.load(Ordering::Acquire) && self.shards.read().values().all(|shard| shard.is_settled())
    }

    /// What a path means.
    pub(crate) fn resolve(&self, path: &WorkspacePath) -> Resolved {
        self.index.resolve(path)
    }

    /// What a path means, after the shards have been asked about what is not known of it.
    pub(crate) async fn resolve_by_asking(self: &Arc<Self>, path: &WorkspacePath) -> Resolved {
        self.asker.ask(self, path).await;
        self.index.resolve(path)
    }

    /// A shard by its name.
    pub(crate) fn shard(&self, name: &ShardName) -> Option<Arc<Shard>> {
        self.shards.read().get(name).cloned()
    }

    /// All shards.
    pub(crate) fn shards(&self) -> Vec<Arc<Shard>> {
        self.shards.read().values().cloned().collect()
    }

    /// The API of the root shard.
    pub(crate) fn root(&self) -> &Api {
        &self.root
    }

    pub(crate) fn index(&self) -> &Index {
        &self.index
    }

    /// The collection of all workspaces of a shard.
    async fn workspaces(&self) -> Result<String, ApiError> {
        let known = self.identity.lock().clone();
        let identity = match known {
            Some(identity) => identity,
            None => self.learn_identity().await?,
        };
        Ok(format!("/clusters/*/apis/tenancy.kcp.io/v1alpha1/workspaces:{identity}"))
    }

    async fn learn_identity(&self) -> Result<Arc<str>, ApiError> {
        let export = self.root.get(TENANCY).await?;
        match export.str_at(&["status", "identityHash"]).filter(|hash| !hash.is_empty()) {
            Some(hash) => {
                let hash: Arc<str> = hash.into();
                *self.identity.lock() = Some(Arc::clone(&hash));
                Ok(hash)
            }
            None => Err(ApiError::Senseless { path: TENANCY.to_owned(), reason: "no identity yet".into() }),
        }
    }

    /// Takes in a Shard object. A URL that changed begins the shard's watches anew.
    fn upsert_shard(self: &Arc<Self>, name: &ShardName, base: &str) {
        let base = base.trim_end_matches('/');
        let before = self.shards.read().get(name).cloned();
        if before.as_ref().is_some_and(|shard| shard.base == base) {
            return;
        }
        tracing::info!(shard = %name, url = base, "following shard");
        let (connection, stop) = (Arc::clone(&self.connection), self.stop.child_token());
        let shard = Arc::new(Shard::new(name.clone(), base, connection, stop));
        self.index.add_shard(name);
        self.shards.write().insert(name.clone(), Arc::clone(&shard));
        if let Some(before) = &before {
            before.stop.cancel();
        }
        for feed in [Feed::Workspaces, Feed::LogicalClusters] {
            self.follow(&shard, feed, before.clone());
        }
        shard.tasks.close();
    }

    /// Forgets a shard, once nothing can report on it any more.
    fn remove_shard(self: &Arc<Self>, name: &ShardName) {
        let Some(shard) = self.shards.write().remove(name) else { return };
        tracing::info!(shard = %name, "shard removed");
        shard.stop.cancel();
        let directory = Arc::clone(self);
        self.tasks.spawn(async move {
            shard.tasks.wait().await;
            // It may have come back meanwhile, and then it reports anew what is true.
            if directory.shard(&shard.name).is_none() {
                directory.index.remove_shard(&shard.name);
            }
        });
    }

    fn follow(self: &Arc<Self>, shard: &Arc<Shard>, feed: Feed, before: Option<Arc<Shard>>) {
        let follower = Followed { directory: Arc::clone(self), shard: Arc::clone(shard), feed };
        let accept = match feed {
            Feed::Workspaces => Accept::Object,
            Feed::LogicalClusters => Accept::Metadata,
        };
        let shard = Arc::clone(shard);
        let tasks = shard.tasks.clone();
        let task = tasks.track_future(async move {
            if let Some(before) = before {
                before.tasks.wait().await;
            }
            reflect(&follower.shard.api.clone(), accept, follower, &shard.stop.clone()).await;
        });
        self.tasks.spawn(task);
    }
}

/// Follows the Shard objects.
struct Shards {
    directory: Arc<Directory>,
    /// Names in the list that is being read.
    seen: Vec<ShardName>,
}

impl Shards {
    fn read(object: &Value) -> Option<(ShardName, &str)> {
        let name = ShardName::parse(object.str_at(&["metadata", "name"])?).ok()?;
        Some((name, object.str_at(&["spec", "baseURL"]).unwrap_or_default()))
    }
}

impl Follower for Shards {
    async fn path(&mut self) -> Result<String, ApiError> {
        Ok(SHARDS.to_owned())
    }

    fn begin(&mut self) {
        self.seen.clear();
    }

    fn upsert(&mut self, object: &Value) {
        let Some((name, base)) = Self::read(object) else { return };
        self.seen.push(name.clone());
        // A shard without a URL has just registered, or lost its mind; nothing can be asked there.
        if !base.is_empty() {
            self.directory.upsert_shard(&name, base);
        }
    }

    fn remove(&mut self, object: &Value) {
        if let Some((name, _)) = Self::read(object) {
            self.directory.remove_shard(&name);
        }
    }

    fn end(&mut self, _version: &str) {
        for shard in self.directory.shards() {
            if !self.seen.contains(&shard.name) {
                self.directory.remove_shard(&shard.name);
            }
        }
        self.seen.clear();
        self.directory.listed.store(true, Ordering::Release);
    }

    fn failed(&mut self, error: &ApiError) {
        tracing::warn!(%error, "shards cannot be listed at the root shard");
    }
}

/// Follows one feed of one shard.
struct Followed {
    directory: Arc<Directory>,
    shard: Arc<Shard>,
    feed: Feed,
}

impl Follower for Followed {
    async fn path(&mut self) -> Result<String, ApiError> {
        match self.feed {
            Feed::Workspaces => self.directory.workspaces().await,
            Feed::LogicalClusters => Ok("/clusters/*/apis/core.kcp.io/v1alpha1/logicalclusters".to_owned()),
        }
    }

    fn begin(&mut self) {
        self.shard.begin(&self.directory.index, self.feed);
    }

    fn upsert(&mut self, object: &Value) {
        self.shard.upsert(&self.directory.index, self.feed, object);
    }

    fn remove(&mut self, object: &Value) {
        self.shard.remove(&self.directory.index, self.feed, object);
    }

    fn end(&mut self, version: &str) {
        self.shard.end(&self.directory.index, self.feed, version);
    }

    fn failed(&mut self, error: &ApiError) {
        tracing::warn!(shard = %self.shard.name, feed = ?self.feed, %error, "shard cannot be followed");
        if error.is_not_found() {
            // The export may have been made anew; its identity then is another.
            *self.directory.identity.lock() = None;
        }
        self.shard.failed(self.feed);
    }
}

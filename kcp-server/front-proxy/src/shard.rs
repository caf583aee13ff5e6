//! One shard that is followed: where it is, and how far its two feeds are.

use crate::{api::Api, connection::Connection};
use kcp_apimachinery::Value;
use kcp_index::{Feed, Index, LogicalClusterFacts, WorkspaceFacts};
use kcp_names::{ClusterName, ShardName};
use parking_lot::Mutex;
use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU32, Ordering},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// After so many failures in a row a shard no longer keeps the proxy from being ready: the others count.
const GIVEN_UP: u32 = 3;

/// A shard that is followed.
#[derive(Debug)]
pub(crate) struct Shard {
    pub(crate) name: ShardName,
    /// `spec.baseURL` without a slash at its end.
    pub(crate) base: String,
    pub(crate) api: Api,
    /// Ends the tasks that follow it.
    pub(crate) stop: CancellationToken,
    pub(crate) tasks: TaskTracker,
    workspaces: Progress,
    logical_clusters: Progress,
}

/// How far one feed of a shard is.
#[derive(Debug, Default)]
struct Progress {
    /// Listed once, or given up for now.
    settled: AtomicBool,
    failures: AtomicU32,
    /// What the index has seen of the feed. Held while the index changes, so that an answer to a question
    /// and an event that contradicts it come in their order.
    reached: Mutex<u64>,
}

impl Shard {
    pub(crate) fn new(
        name: ShardName,
        base: &str,
        connection: Arc<Connection>,
        stop: CancellationToken,
    ) -> Self {
        Self {
            name,
            base: base.to_owned(),
            api: Api::at(connection, base),
            stop,
            tasks: TaskTracker::new(),
            workspaces: Progress::default(),
            logical_clusters: Progress::default(),
        }
    }

    /// Whether both feeds have been listed, or have been given up for now.
    pub(crate) fn is_settled(&self) -> bool {
        [&self.workspaces, &self.logical_clusters].iter().all(|feed| feed.settled.load(Ordering::Acquire))
    }

    /// Takes in an object that a list or a watch shows.
    pub(crate) fn upsert(&self, index: &Index, feed: Feed, object: &Value) {
        let mut reached = self.progress(feed).reached.lock();
        *reached = version(object).max(*reached);
        put(index, &self.name, feed, object);
    }

    /// Takes in an answer to a question, unless the feed has been further already: then the index knows
    /// better, even if it knows nothing.
    pub(crate) fn answer(&self, index: &Index, feed: Feed, object: &Value) {
        let reached = self.progress(feed).reached.lock();
        if version(object) > *reached {
            put(index, &self.name, feed, object);
        }
    }

    /// Takes note that an object is gone.
    pub(crate) fn remove(&self, index: &Index, feed: Feed, object: &Value) {
        let mut reached = self.progress(feed).reached.lock();
        *reached = version(object).max(*reached);
        let Some(cluster) = cluster_of(object) else { return };
        match feed {
            Feed::LogicalClusters => index.remove_logical_cluster(&self.name, &cluster),
            Feed::Workspaces => {
                if let Some(name) = object.str_at(&["metadata", "name"]) {
                    index.remove_workspace(&self.name, &cluster, name);
                }
            }
        }
    }

    /// A list begins. The server may have been replaced by one that counts anew.
    pub(crate) fn begin(&self, index: &Index, feed: Feed) {
        *self.progress(feed).reached.lock() = 0;
        index.begin_round(&self.name, feed);
    }

    /// A list has ended.
    pub(crate) fn end(&self, index: &Index, feed: Feed, listed: &str) {
        let progress = self.progress(feed);
        let mut reached = progress.reached.lock();
        index.end_round(&self.name, feed);
        *reached = listed.parse().unwrap_or(0).max(*reached);
        progress.failures.store(0, Ordering::Relaxed);
        progress.settled.store(true, Ordering::Release);
    }

    /// The shard did not answer, or said no.
    pub(crate) fn failed(&self, feed: Feed) {
        let progress = self.progress(feed);
        if progress.failures.fetch_add(1, Ordering::Relaxed).saturating_add(1) >= GIVEN_UP {
            progress.settled.store(true, Ordering::Release);
        }
    }

    fn progress(&self, feed: Feed) -> &Progress {
        match feed {
            Feed::Workspaces => &self.workspaces,
            Feed::LogicalClusters => &self.logical_clusters,
        }
    }
}

fn put(index: &Index, shard: &ShardName, feed: Feed, object: &Value) {
    let Some(cluster) = cluster_of(object) else { return };
    match feed {
        Feed::LogicalClusters => {
            index.upsert_logical_cluster(shard, &cluster, &LogicalClusterFacts::read(object));
        }
        Feed::Workspaces => {
            if let Some(facts) = WorkspaceFacts::read(cluster, object) {
                index.upsert_workspace(shard, &facts);
            }
        }
    }
}

/// The logical cluster that an object lies in, as its shard says.
fn cluster_of(object: &Value) -> Option<ClusterName> {
    ClusterName::parse(object.str_at(&["metadata", "annotations", "kcp.io/cluster"])?).ok()
}

/// Resource versions are numbers wherever kcp runs, and grow; anything else compares as nothing.
fn version(object: &Value) -> u64 {
    let text = object.str_at(&["metadata", "resourceVersion"]).unwrap_or_default();
    text.parse().unwrap_or(0)
}

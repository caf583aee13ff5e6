//! Which logical cluster a workspace path means, and which shard holds it.
//!
//! The index is a tree of names kept in memory, fed with the facts of Workspace and LogicalCluster
//! objects as their watches deliver them. A path names a logical cluster first (`root`, a home) and
//! then child workspaces; resolving walks one edge per segment. It reads and answers, no more: it
//! knows no store, no clock and no connection, and whoever asks decides what an answer is worth.
//!
//! Two processes hold one. A shard knows itself ([`Index::of_shard`]) and passes every bare name on,
//! for its own storage is the better judge. A front proxy ([`Index::of_proxy`]) is nobody's home:
//! what it does not know is [`Resolved::Unknown`], and what it knows is on some shard.
//!
//! Facts arrive from many shards in any order, so an edge and its logical cluster are independent
//! entries. Each remembers the shard that reported it. A later report wins, and a removal counts only
//! if it comes from the shard that the entry belongs to: that is how a migrated cluster changes hands.
//! A watch that has to begin anew is a *round*: what the new list no longer holds is dropped at its end.
//!
//! An idle workspace costs its two entries here, less than 200 bytes, and nothing else.

mod facts;
mod resolve;
mod shards;
mod slab;
mod tree;
mod types;

pub use facts::{LogicalClusterFacts, Reach, WorkspaceFacts};
pub use resolve::{Frontier, Resolved};
pub use shards::Feed;

use kcp_names::{ClusterName, ShardName, WorkspacePath};
use parking_lot::RwLock;
use std::sync::Arc;
use tree::Tree;

/// The index. All methods take `&self`; readers do not wait for each other.
#[derive(Debug)]
pub struct Index {
    here: Option<ShardName>,
    tree: RwLock<Tree>,
}

impl Index {
    /// The index of a shard, which answers [`Resolved::Here`] for what it holds itself.
    #[must_use]
    pub fn of_shard(here: ShardName) -> Self {
        let index = Self { here: Some(here), ..Self::of_proxy() };
        if let Some(name) = &index.here {
            index.add_shard(name);
        }
        index
    }

    /// The index of a front proxy, for which every workspace is elsewhere.
    #[must_use]
    pub fn of_proxy() -> Self {
        Self { here: None, tree: RwLock::new(Tree::default()) }
    }

    /// Makes a shard known, so that workspaces which say they are scheduled there are found before
    /// their logical cluster is reported.
    pub fn add_shard(&self, name: &ShardName) {
        self.tree.write().shards.add(name);
    }

    /// Forgets a shard and everything it reported.
    pub fn remove_shard(&self, name: &ShardName) {
        self.tree.write().remove_shard(name);
    }

    /// Takes in a Workspace object as `source` shows it now.
    pub fn upsert_workspace(&self, source: &ShardName, workspace: &WorkspaceFacts<'_>) {
        self.tree.write().upsert_workspace(source, workspace);
    }

    /// Takes note that `source` has no workspace of this name in `parent` any more.
    pub fn remove_workspace(&self, source: &ShardName, parent: &ClusterName, name: &str) {
        self.tree.write().remove_workspace(source, parent, name);
    }

    /// Takes in the LogicalCluster object of `cluster` as `source` shows it now.
    pub fn upsert_logical_cluster(
        &self,
        source: &ShardName,
        cluster: &ClusterName,
        facts: &LogicalClusterFacts<'_>,
    ) {
        self.tree.write().upsert_logical_cluster(source, cluster, facts);
    }

    /// Takes note that `source` does not hold `cluster` any more.
    pub fn remove_logical_cluster(&self, source: &ShardName, cluster: &ClusterName) {
        self.tree.write().remove_logical_cluster(source, cluster);
    }

    /// Begins a new list of one feed of `source`. Until [`Self::end_round`] nothing is forgotten.
    pub fn begin_round(&self, source: &ShardName, feed: Feed) {
        self.tree.write().shards.begin_round(source, feed);
    }

    /// Ends the list: what this feed reported in an earlier round and not in this one is dropped.
    pub fn end_round(&self, source: &ShardName, feed: Feed) {
        self.tree.write().end_round(source, feed);
    }

    /// Finds what a path means.
    #[must_use]
    pub fn resolve(&self, path: &WorkspacePath) -> Resolved {
        self.tree.read().resolve(path, self.here.as_ref())
    }

    /// How far a path is known: the last logical cluster on it that is, its shard, and the workspace
    /// name that is not. `None` when nothing is missing, or when not even the first segment is known.
    #[must_use]
    pub fn frontier(&self, path: &WorkspacePath) -> Option<Frontier> {
        self.tree.read().frontier(path)
    }

    /// The shard that holds a logical cluster.
    #[must_use]
    pub fn shard_of(&self, cluster: &ClusterName) -> Option<ShardName> {
        self.tree.read().shard_of(cluster)
    }

    /// The workspace type of a logical cluster, as its annotation spells it: `<path>:<name>`.
    #[must_use]
    pub fn type_of(&self, cluster: &ClusterName) -> Option<Arc<str>> {
        self.tree.read().type_of(cluster)
    }

    /// The path that leads to a logical cluster. It begins with the topmost cluster that is known:
    /// `root`, or the name of a home.
    #[must_use]
    pub fn path_of(&self, cluster: &ClusterName) -> Option<WorkspacePath> {
        self.tree.read().path_of(cluster)
    }

    /// How many logical clusters each shard has, by shard name.
    #[must_use]
    pub fn counts(&self) -> Vec<(ShardName, usize)> {
        self.tree.read().shards.counts()
    }
}

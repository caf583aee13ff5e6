use crate::{
    Feed, LogicalClusterFacts, Reach, WorkspaceFacts,
    shards::Shards,
    slab::{NONE, Slab},
    types::Types,
};
use hashbrown::{HashMap, HashTable};
use kcp_names::{ClusterName, ShardName, WorkspacePath};
use std::{
    hash::{BuildHasher, RandomState},
    sync::Arc,
};

/// Logical clusters (nodes) and the workspaces that lead from one to the next (edges).
///
/// A node exists while a shard holds the cluster or an edge touches it. The two tables hold numbers
/// only and are hashed with a random key, for workspace names are chosen by users.
#[derive(Debug, Default)]
pub(crate) struct Tree {
    pub(crate) nodes: Slab<Node>,
    pub(crate) edges: Slab<Edge>,
    pub(crate) shards: Shards,
    /// Where mounted workspaces lead, by edge. They are few.
    pub(crate) mounts: HashMap<u32, Arc<str>>,
    node_ids: HashTable<u32>,
    edge_ids: HashTable<u32>,
    types: Types,
    hasher: RandomState,
}

#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) name: ClusterName,
    pub(crate) type_path: Option<Arc<str>>,
    /// The shard that holds it; [`NONE`] if only edges speak of it.
    pub(crate) shard: u32,
    /// The edge that leads here.
    pub(crate) reached_by: u32,
    /// How many edges begin or end here.
    touching: u32,
    round: u16,
}

#[derive(Debug)]
pub(crate) struct Edge {
    pub(crate) name: Box<str>,
    pub(crate) parent: u32,
    /// [`NONE`] for a mount, or for a workspace that has no cluster yet.
    pub(crate) child: u32,
    /// Where the workspace says its cluster was scheduled.
    pub(crate) hint: u32,
    source: u32,
    round: u16,
    pub(crate) unavailable: bool,
}

impl Tree {
    pub(crate) fn upsert_workspace(&mut self, source: &ShardName, facts: &WorkspaceFacts<'_>) {
        if facts.reach == Reach::Hidden {
            return self.remove_workspace(source, &facts.parent, facts.name);
        }
        let source = self.shards.add(source);
        let hint = facts.shard.as_ref().and_then(|name| self.shards.find(name)).unwrap_or(NONE);
        let Some(id) = self.edge_for(&facts.parent, facts.name) else { return };
        self.lead_to(id, facts.cluster.as_ref());
        let round = self.shards.round(source, Feed::Workspaces);
        if let Some(edge) = self.edges.get_mut(id) {
            edge.hint = hint;
            edge.source = source;
            edge.round = round;
            edge.unavailable = facts.reach == Reach::Unavailable;
        }
        match facts.mount_url {
            Some(url) => drop(self.mounts.insert(id, url.into())),
            None => drop(self.mounts.remove(&id)),
        }
    }

    pub(crate) fn remove_workspace(&mut self, source: &ShardName, parent: &ClusterName, name: &str) {
        let Some(source) = self.shards.find(source) else { return };
        let Some(id) = self.find(parent).and_then(|parent| self.find_edge(parent, name)) else { return };
        if self.edges.get(id).is_some_and(|edge| edge.source == source) {
            self.drop_edge(id);
        }
    }

    pub(crate) fn upsert_logical_cluster(
        &mut self,
        source: &ShardName,
        cluster: &ClusterName,
        facts: &LogicalClusterFacts<'_>,
    ) {
        let source = self.shards.add(source);
        let round = self.shards.round(source, Feed::LogicalClusters);
        let Some(id) = self.node_for(cluster) else { return };
        let type_path = facts.type_path.map(|name| self.types.share(name));
        let Some(node) = self.nodes.get_mut(id) else { return };
        let before = std::mem::replace(&mut node.shard, source);
        let old_type = std::mem::replace(&mut node.type_path, type_path);
        node.round = round;
        if before != source {
            self.shards.count(before, false);
            self.shards.count(source, true);
        }
        if let Some(name) = old_type {
            self.types.release(name);
        }
    }

    pub(crate) fn remove_logical_cluster(&mut self, source: &ShardName, cluster: &ClusterName) {
        let Some(source) = self.shards.find(source) else { return };
        let Some(id) = self.find(cluster) else { return };
        if self.nodes.get(id).is_some_and(|node| node.shard == source) {
            self.unhold(id);
        }
    }

    pub(crate) fn remove_shard(&mut self, name: &ShardName) {
        let Some(shard) = self.shards.find(name) else { return };
        self.drop_edges_where(|edge| edge.source == shard);
        self.unhold_where(|node| node.shard == shard);
        // The number may go to another shard; no entry may speak of it then.
        for id in self.edges.iter().map(|(id, _)| id).collect::<Vec<_>>() {
            if let Some(edge) = self.edges.get_mut(id).filter(|edge| edge.hint == shard) {
                edge.hint = NONE;
            }
        }
        self.shards.remove(shard);
    }

    pub(crate) fn end_round(&mut self, name: &ShardName, feed: Feed) {
        let Some(shard) = self.shards.find(name) else { return };
        let round = self.shards.round(shard, feed);
        match feed {
            Feed::Workspaces => self.drop_edges_where(|edge| edge.source == shard && edge.round != round),
            Feed::LogicalClusters => self.unhold_where(|node| node.shard == shard && node.round != round),
        }
    }

    pub(crate) fn shard_of(&self, cluster: &ClusterName) -> Option<ShardName> {
        self.shards.name(self.nodes.get(self.find(cluster)?)?.shard).cloned()
    }

    pub(crate) fn type_of(&self, cluster: &ClusterName) -> Option<Arc<str>> {
        self.nodes.get(self.find(cluster)?)?.type_path.clone()
    }

    pub(crate) fn path_of(&self, cluster: &ClusterName) -> Option<WorkspacePath> {
        // Reports of two shards may contradict each other for a moment and form a ring.
        const DEEPEST: usize = 1_000;
        let mut names = Vec::new();
        let mut node = self.nodes.get(self.find(cluster)?)?;
        while let Some(edge) = self.edges.get(node.reached_by) {
            if names.len() == DEEPEST {
                return None;
            }
            names.push(&*edge.name);
            node = self.nodes.get(edge.parent)?;
        }
        let top = WorkspacePath::from(&node.name);
        Some(names.iter().rev().fold(top, |path, name| path.join(name)))
    }

    pub(crate) fn find(&self, cluster: &ClusterName) -> Option<u32> {
        let same = |&id: &u32| self.nodes.get(id).is_some_and(|node| node.name == *cluster);
        self.node_ids.find(self.hasher.hash_one(cluster), same).copied()
    }

    pub(crate) fn find_edge(&self, parent: u32, name: &str) -> Option<u32> {
        let same =
            |&id: &u32| self.edges.get(id).is_some_and(|edge| edge.parent == parent && *edge.name == *name);
        self.edge_ids.find(self.hasher.hash_one((parent, name)), same).copied()
    }

    fn node_for(&mut self, cluster: &ClusterName) -> Option<u32> {
        if let Some(id) = self.find(cluster) {
            return Some(id);
        }
        let hash = self.hasher.hash_one(cluster);
        let id = self.nodes.insert(Node {
            name: cluster.clone(),
            type_path: None,
            shard: NONE,
            reached_by: NONE,
            touching: 0,
            round: 0,
        })?;
        let (nodes, hasher) = (&self.nodes, &self.hasher);
        self.node_ids
            .insert_unique(hash, id, |&id| nodes.get(id).map_or(0, |node| hasher.hash_one(&node.name)));
        Some(id)
    }

    fn edge_for(&mut self, parent: &ClusterName, name: &str) -> Option<u32> {
        let parent = self.node_for(parent)?;
        if let Some(id) = self.find_edge(parent, name) {
            return Some(id);
        }
        let hash = self.hasher.hash_one((parent, name));
        let edge = Edge {
            name: name.into(),
            parent,
            child: NONE,
            hint: NONE,
            source: NONE,
            round: 0,
            unavailable: false,
        };
        let id = self.edges.insert(edge)?;
        let (edges, hasher) = (&self.edges, &self.hasher);
        self.edge_ids.insert_unique(hash, id, |&id| {
            edges.get(id).map_or(0, |edge| hasher.hash_one((edge.parent, &*edge.name)))
        });
        self.touch(parent);
        Some(id)
    }

    /// Lets an edge end in `cluster`, wherever it ended before.
    fn lead_to(&mut self, edge: u32, cluster: Option<&ClusterName>) {
        let child = cluster.and_then(|cluster| self.node_for(cluster)).unwrap_or(NONE);
        let Some(before) = self.edges.get_mut(edge).map(|edge| std::mem::replace(&mut edge.child, child))
        else {
            return;
        };
        if before != child {
            self.touch(child);
            self.leave(before, edge);
        }
        if let Some(node) = self.nodes.get_mut(child) {
            node.reached_by = edge;
        }
    }

    fn drop_edge(&mut self, id: u32) {
        let Some(edge) = self.edges.get(id) else { return };
        let hash = self.hasher.hash_one((edge.parent, &*edge.name));
        if let Ok(entry) = self.edge_ids.find_entry(hash, |&other| other == id) {
            entry.remove();
        }
        self.mounts.remove(&id);
        if let Some(edge) = self.edges.remove(id) {
            self.leave(edge.child, id);
            self.leave(edge.parent, NONE);
        }
    }

    fn drop_edges_where(&mut self, gone: impl Fn(&Edge) -> bool) {
        let ids: Vec<u32> = self.edges.iter().filter(|(_, edge)| gone(edge)).map(|(id, _)| id).collect();
        for id in ids {
            self.drop_edge(id);
        }
    }

    fn unhold_where(&mut self, gone: impl Fn(&Node) -> bool) {
        let ids: Vec<u32> = self.nodes.iter().filter(|(_, node)| gone(node)).map(|(id, _)| id).collect();
        for id in ids {
            self.unhold(id);
        }
    }

    /// No shard holds this cluster any more.
    fn unhold(&mut self, id: u32) {
        let Some(node) = self.nodes.get_mut(id) else { return };
        let shard = std::mem::replace(&mut node.shard, NONE);
        let type_path = node.type_path.take();
        self.shards.count(shard, false);
        if let Some(name) = type_path {
            self.types.release(name);
        }
        self.drop_if_idle(id);
    }

    fn touch(&mut self, node: u32) {
        if let Some(node) = self.nodes.get_mut(node) {
            node.touching += 1;
        }
    }

    /// An edge does not touch this node any more.
    fn leave(&mut self, id: u32, edge: u32) {
        let Some(node) = self.nodes.get_mut(id) else { return };
        node.touching = node.touching.saturating_sub(1);
        if node.reached_by == edge {
            node.reached_by = NONE;
        }
        self.drop_if_idle(id);
    }

    fn drop_if_idle(&mut self, id: u32) {
        let Some(node) = self.nodes.get(id).filter(|node| node.shard == NONE && node.touching == 0) else {
            return;
        };
        let hash = self.hasher.hash_one(&node.name);
        if let Ok(entry) = self.node_ids.find_entry(hash, |&other| other == id) {
            entry.remove();
        }
        self.nodes.remove(id);
    }
}

use crate::{
    slab::NONE,
    tree::{Node, Tree},
};
use kcp_names::{ClusterName, ShardName, WorkspacePath};
use std::sync::Arc;

/// What a path means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Resolved {
    /// A logical cluster of this shard, or a bare name that nobody checked yet.
    Here {
        /// The logical cluster.
        cluster: ClusterName,
        /// Its workspace type, `<path>:<name>`, if it is known.
        type_path: Option<Arc<str>>,
    },
    /// A logical cluster that another shard holds.
    Elsewhere {
        /// That shard.
        shard: ShardName,
        /// The logical cluster.
        cluster: ClusterName,
        /// Its workspace type, `<path>:<name>`, if it is known.
        type_path: Option<Arc<str>>,
    },
    /// A workspace that stands for another API server.
    Mount {
        /// Where that server is, as the workspace has it.
        url: Arc<str>,
        /// The segments of the path that come after the mount.
        rest: Vec<Arc<str>>,
    },
    /// There, but it or a workspace above it is in phase `Unavailable`.
    Unavailable,
    /// Nothing of that name is known.
    Unknown,
}

/// Where the knowledge of a path ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frontier {
    /// The last logical cluster on the path that is known.
    pub cluster: ClusterName,
    /// The shard that holds it, and so also the workspace that is missing, if there is one.
    pub shard: ShardName,
    /// The name of that workspace.
    pub missing: Arc<str>,
}

impl Tree {
    pub(crate) fn resolve(&self, path: &WorkspacePath, here: Option<&ShardName>) -> Resolved {
        let start = path.start();
        if let (true, Some(_)) = (path.is_name(), here) {
            // A shard asks its store; the index would only be later.
            let type_path = self.type_of(&start.cluster);
            return Resolved::Here { cluster: start.cluster, type_path };
        }
        let Some(mut at) = self.find(&start.cluster) else { return Resolved::Unknown };
        // The shard of a cluster is what its holder says; until it speaks, what the workspace says.
        let mut hint = NONE;
        let mut unavailable = false;
        for (depth, name) in start.rest.iter().enumerate() {
            let Some(id) = self.find_edge(at, name) else { return Resolved::Unknown };
            let Some(edge) = self.edges.get(id) else { return Resolved::Unknown };
            unavailable |= edge.unavailable;
            if edge.child == NONE {
                return match self.mounts.get(&id) {
                    _ if unavailable => Resolved::Unavailable,
                    Some(url) => {
                        Resolved::Mount { url: Arc::clone(url), rest: start.rest[depth + 1..].to_vec() }
                    }
                    None => Resolved::Unknown,
                };
            }
            (at, hint) = (edge.child, edge.hint);
        }
        if unavailable {
            return Resolved::Unavailable;
        }
        let Some(node) = self.nodes.get(at) else { return Resolved::Unknown };
        self.place(node, hint, here)
    }

    pub(crate) fn frontier(&self, path: &WorkspacePath) -> Option<Frontier> {
        let start = path.start();
        let mut at = self.find(&start.cluster)?;
        for name in &start.rest {
            let next = self.find_edge(at, name).and_then(|id| self.edges.get(id)).map(|edge| edge.child);
            match next.filter(|child| self.nodes.get(*child).is_some_and(|node| node.shard != NONE)) {
                Some(child) => at = child,
                None => {
                    let node = self.nodes.get(at)?;
                    return Some(Frontier {
                        cluster: node.name.clone(),
                        shard: self.shards.name(node.shard)?.clone(),
                        missing: Arc::clone(name),
                    });
                }
            }
        }
        None
    }

    fn place(&self, node: &Node, hint: u32, here: Option<&ShardName>) -> Resolved {
        let shard = self.shards.name(node.shard).or_else(|| self.shards.name(hint));
        let (cluster, type_path) = (node.name.clone(), node.type_path.clone());
        match shard {
            None => Resolved::Unknown,
            Some(shard) if Some(shard) == here => Resolved::Here { cluster, type_path },
            Some(shard) => Resolved::Elsewhere { shard: shard.clone(), cluster, type_path },
        }
    }
}

use crate::slab::NONE;
use kcp_names::ShardName;

/// The two streams that a shard reports on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Feed {
    /// Workspace objects: the edges of the tree.
    Workspaces,
    /// LogicalCluster objects: what the shard holds.
    LogicalClusters,
}

/// The shards that are known, and the round each of their feeds is in.
#[derive(Debug, Default)]
pub(crate) struct Shards(Vec<Option<Shard>>);

#[derive(Debug)]
struct Shard {
    name: ShardName,
    workspaces: u16,
    logical_clusters: u16,
    held: usize,
}

impl Shards {
    /// The number of a shard, which is given one if it had none.
    pub(crate) fn add(&mut self, name: &ShardName) -> u32 {
        if let Some(id) = self.find(name) {
            return id;
        }
        let shard = Shard { name: name.clone(), workspaces: 0, logical_clusters: 0, held: 0 };
        let at = self.0.iter().position(Option::is_none).unwrap_or(self.0.len());
        if at == self.0.len() {
            self.0.push(Some(shard));
        } else {
            self.0[at] = Some(shard);
        }
        u32::try_from(at).unwrap_or(NONE)
    }

    pub(crate) fn remove(&mut self, id: u32) {
        if let Some(slot) = self.0.get_mut(id as usize) {
            *slot = None;
        }
    }

    // A fleet has tens of shards, at most thousands, and events name few of them in turn.
    pub(crate) fn find(&self, name: &ShardName) -> Option<u32> {
        let at = self.0.iter().position(|shard| shard.as_ref().is_some_and(|shard| shard.name == *name))?;
        u32::try_from(at).ok()
    }

    pub(crate) fn name(&self, id: u32) -> Option<&ShardName> {
        Some(&self.0.get(id as usize)?.as_ref()?.name)
    }

    pub(crate) fn begin_round(&mut self, name: &ShardName, feed: Feed) {
        let id = self.add(name);
        if let Some(round) = self.round_mut(id, feed) {
            *round = round.wrapping_add(1);
        }
    }

    pub(crate) fn round(&self, id: u32, feed: Feed) -> u16 {
        match (self.0.get(id as usize).and_then(Option::as_ref), feed) {
            (None, _) => 0,
            (Some(shard), Feed::Workspaces) => shard.workspaces,
            (Some(shard), Feed::LogicalClusters) => shard.logical_clusters,
        }
    }

    /// Counts a logical cluster that a shard got or lost.
    pub(crate) fn count(&mut self, id: u32, gained: bool) {
        if let Some(Some(shard)) = self.0.get_mut(id as usize) {
            shard.held = if gained { shard.held + 1 } else { shard.held.saturating_sub(1) };
        }
    }

    pub(crate) fn counts(&self) -> Vec<(ShardName, usize)> {
        self.0.iter().flatten().map(|shard| (shard.name.clone(), shard.held)).collect()
    }

    fn round_mut(&mut self, id: u32, feed: Feed) -> Option<&mut u16> {
        let shard = self.0.get_mut(id as usize)?.as_mut()?;
        Some(match feed {
            Feed::Workspaces => &mut shard.workspaces,
            Feed::LogicalClusters => &mut shard.logical_clusters,
        })
    }
}

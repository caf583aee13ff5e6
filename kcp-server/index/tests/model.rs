//! Any sequence of reports leaves the index where two plain maps would be.

use kcp_index::{Feed, Index, LogicalClusterFacts, Reach, Resolved, WorkspaceFacts};
use kcp_names::{ClusterName, ShardName, WorkspacePath};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

const CLUSTERS: [&str; 4] = ["aa", "bb", "cc", "dd"];
const NAMES: [&str; 3] = ["x", "y", "z"];
const SHARDS: [&str; 3] = ["amber", "blue", "green"];

#[derive(Clone, Debug)]
enum Report {
    Workspace { source: usize, parent: usize, name: usize, child: usize, reach: Reach },
    WorkspaceGone { source: usize, parent: usize, name: usize },
    Holds { source: usize, cluster: usize },
    HoldsNot { source: usize, cluster: usize },
    ShardGone { source: usize },
    Relist { source: usize, kept: Vec<usize> },
}

fn reports() -> impl Strategy<Value = Report> {
    let (shard, cluster, name) = (0..SHARDS.len(), 0..CLUSTERS.len(), 0..NAMES.len());
    let reach = prop_oneof![Just(Reach::Open), Just(Reach::Hidden), Just(Reach::Unavailable)];
    prop_oneof![
        6 => (shard.clone(), cluster.clone(), name.clone(), cluster.clone(), reach)
            .prop_map(|(source, parent, name, child, reach)| Report::Workspace { source, parent, name, child, reach }),
        2 => (shard.clone(), cluster.clone(), name)
            .prop_map(|(source, parent, name)| Report::WorkspaceGone { source, parent, name }),
        6 => (shard.clone(), cluster.clone()).prop_map(|(source, cluster)| Report::Holds { source, cluster }),
        2 => (shard.clone(), cluster.clone()).prop_map(|(source, cluster)| Report::HoldsNot { source, cluster }),
        1 => shard.clone().prop_map(|source| Report::ShardGone { source }),
        1 => (shard, proptest::collection::vec(cluster, 0..3))
            .prop_map(|(source, kept)| Report::Relist { source, kept }),
    ]
}

/// What the index should be, without a thought for memory.
#[derive(Default)]
struct Model {
    edges: BTreeMap<(usize, usize), (usize, usize, bool)>,
    held: BTreeMap<usize, usize>,
}

impl Model {
    fn take(&mut self, report: &Report) {
        match *report {
            Report::Workspace { source, parent, name, child, reach } => match reach {
                Reach::Hidden => self.take(&Report::WorkspaceGone { source, parent, name }),
                Reach::Open | Reach::Unavailable => {
                    self.edges.insert((parent, name), (source, child, reach == Reach::Unavailable));
                }
            },
            Report::WorkspaceGone { source, parent, name } => {
                self.edges.retain(|key, edge| *key != (parent, name) || edge.0 != source);
            }
            Report::Holds { source, cluster } => drop(self.held.insert(cluster, source)),
            Report::HoldsNot { source, cluster } => {
                self.held.retain(|key, holder| *key != cluster || *holder != source);
            }
            Report::ShardGone { source } => {
                self.edges.retain(|_, edge| edge.0 != source);
                self.held.retain(|_, holder| *holder != source);
            }
            Report::Relist { source, ref kept } => {
                for &cluster in kept {
                    self.held.insert(cluster, source);
                }
                let kept: BTreeSet<_> = kept.iter().collect();
                self.held.retain(|cluster, holder| *holder != source || kept.contains(cluster));
            }
        }
    }

    fn resolve(&self, start: usize, names: &[usize]) -> String {
        let (mut at, mut unavailable) = (start, false);
        for &name in names {
            let Some(&(_, child, closed)) = self.edges.get(&(at, name)) else { return "unknown".into() };
            unavailable |= closed;
            at = child;
        }
        match self.held.get(&at) {
            // Nobody holds it, but the workspace on the way is closed.
            _ if unavailable => "unavailable".into(),
            Some(&shard) => format!("{} {}", SHARDS[shard], CLUSTERS[at]),
            None => "unknown".into(),
        }
    }
}

fn apply(index: &Index, report: &Report) {
    let shard = |at: usize| ShardName::parse(SHARDS[at]).expect("shard");
    let cluster = |at: usize| ClusterName::parse(CLUSTERS[at]).expect("cluster");
    let holds = |source: usize, at: usize| {
        index.upsert_logical_cluster(&shard(source), &cluster(at), &LogicalClusterFacts::default());
    };
    match *report {
        Report::Workspace { source, parent, name, child, reach } => index.upsert_workspace(
            &shard(source),
            &WorkspaceFacts {
                parent: cluster(parent),
                name: NAMES[name],
                reach,
                cluster: Some(cluster(child)),
                shard: None,
                mount_url: None,
            },
        ),
        Report::WorkspaceGone { source, parent, name } => {
            index.remove_workspace(&shard(source), &cluster(parent), NAMES[name]);
        }
        Report::Holds { source, cluster } => holds(source, cluster),
        Report::HoldsNot { source, cluster: at } => {
            index.remove_logical_cluster(&shard(source), &cluster(at))
        }
        Report::ShardGone { source } => index.remove_shard(&shard(source)),
        Report::Relist { source, ref kept } => {
            index.begin_round(&shard(source), Feed::LogicalClusters);
            for &at in kept {
                holds(source, at);
            }
            index.end_round(&shard(source), Feed::LogicalClusters);
        }
    }
}

fn spell(resolved: &Resolved) -> String {
    match resolved {
        Resolved::Elsewhere { shard, cluster, .. } => format!("{shard} {cluster}"),
        Resolved::Unavailable => "unavailable".into(),
        Resolved::Unknown => "unknown".into(),
        Resolved::Here { .. } | Resolved::Mount { .. } => "unexpected".into(),
    }
}

proptest! {
    #[test]
    fn the_index_agrees_with_the_model(history in proptest::collection::vec(reports(), 0..60)) {
        let (index, mut model) = (Index::of_proxy(), Model::default());
        for report in &history {
            apply(&index, report);
            model.take(report);
        }
        for (start, cluster) in CLUSTERS.iter().enumerate() {
            for names in [&[][..], &[0], &[1], &[2], &[0, 1], &[2, 0], &[1, 1, 0]] {
                let tail: String = names.iter().map(|&name: &usize| format!(":{}", NAMES[name])).collect();
                let path = WorkspacePath::parse(&format!("{cluster}{tail}")).expect("path");
                prop_assert_eq!(spell(&index.resolve(&path)), model.resolve(start, names), "{}", path);
            }
        }
        let held = index.counts().iter().map(|(_, count)| count).sum::<usize>();
        prop_assert_eq!(held, model.held.len());
    }
}

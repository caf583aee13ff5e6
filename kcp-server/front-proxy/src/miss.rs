//! Asking the shards about what the index does not know yet.
//!
//! A workspace that was created a moment ago may be asked for before its event arrives. Before such a
//! request is refused, the shard of the parent is asked, once for all requests that wait for the same
//! path. An answer, also a negative one, counts for a second. How much is asked at once is bounded: past
//! that the index alone decides, so that guessing names costs the shards nothing.

use crate::directory::Directory;
use futures_util::{StreamExt, stream};
use kcp_index::{Feed, Resolved};
use kcp_names::{ClusterName, WorkspacePath};
use parking_lot::Mutex;
use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::sync::{OnceCell, Semaphore};

/// How long an answer counts.
const COUNTS_FOR: Duration = Duration::from_secs(1);
/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(3);
/// Paths that are remembered.
const REMEMBERED: usize = 4_096;
/// Paths that are asked for at once.
const AT_ONCE: usize = 16;
/// The shards that are asked for a bare name. In a larger fleet the index has to know.
const MOST_SHARDS: usize = 32;

/// Questions that are open or just answered.
#[derive(Debug)]
pub(crate) struct Asker {
    questions: Mutex<HashMap<WorkspacePath, Question>>,
    permits: Semaphore,
}

#[derive(Debug)]
struct Question {
    asked: Instant,
    answered: Arc<OnceCell<()>>,
}

impl Default for Asker {
    fn default() -> Self {
        Self { questions: Mutex::default(), permits: Semaphore::new(AT_ONCE) }
    }
}

impl Asker {
    /// Asks the shards about a path; what they know is in the index afterwards.
    pub(crate) async fn ask(&self, directory: &Arc<Directory>, path: &WorkspacePath) {
        let Some(answered) = self.question(path) else { return };
        answered
            .get_or_init(|| async {
                let Ok(_permit) = self.permits.try_acquire() else { return };
                if tokio::time::timeout(PATIENCE, look_up(directory, path)).await.is_err() {
                    tracing::debug!(%path, "shards did not say in time whether this exists");
                }
            })
            .await;
    }

    /// The open question about a path. `None` if too many are remembered.
    fn question(&self, path: &WorkspacePath) -> Option<Arc<OnceCell<()>>> {
        let mut questions = self.questions.lock();
        if let Some(question) = questions.get(path)
            && (!question.answered.initialized() || question.asked.elapsed() < COUNTS_FOR)
        {
            return Some(Arc::clone(&question.answered));
        }
        if questions.len() >= REMEMBERED {
            questions.retain(|_, question| question.asked.elapsed() < PATIENCE + COUNTS_FOR);
            if questions.len() >= REMEMBERED {
                return None;
            }
        }
        let answered = Arc::new(OnceCell::new());
        questions.insert(path.clone(), Question { asked: Instant::now(), answered: Arc::clone(&answered) });
        Some(answered)
    }
}

async fn look_up(directory: &Arc<Directory>, path: &WorkspacePath) {
    // One step finds at least one segment, or ends the search.
    let longest = path.as_str().split(':').count();
    let start = path.start().cluster;
    if directory.index().shard_of(&start).is_none() {
        find_cluster(directory, &start).await;
    }
    for _ in 0..longest {
        let Some(frontier) = directory.index().frontier(path) else { return };
        let Some(shard) = directory.shard(&frontier.shard) else { return };
        let url = format!(
            "/clusters/{}/apis/tenancy.kcp.io/v1alpha1/workspaces/{}",
            frontier.cluster, frontier.missing
        );
        let workspace = match shard.api.get(&url).await {
            Ok(workspace) => workspace,
            Err(error) => {
                tracing::debug!(%path, %error, "shard does not know the workspace");
                return;
            }
        };
        shard.answer(directory.index(), Feed::Workspaces, &workspace);
        if !matches!(directory.resolve(path), Resolved::Unknown) {
            return;
        }
        // The workspace is there; where its logical cluster is, only the shards can say.
        let child = workspace.str_at(&["spec", "cluster"]).and_then(|name| ClusterName::parse(name).ok());
        match child {
            Some(child) if directory.index().shard_of(&child).is_none() => {
                find_cluster(directory, &child).await;
            }
            Some(_) => {}
            None => return,
        }
    }
}

/// Asks all shards for a logical cluster.
async fn find_cluster(directory: &Arc<Directory>, cluster: &ClusterName) {
    let shards = directory.shards();
    if shards.len() > MOST_SHARDS {
        return;
    }
    let url = format!("/clusters/{cluster}/apis/core.kcp.io/v1alpha1/logicalclusters/cluster");
    let mut answers = stream::iter(shards)
        .map(|shard| {
            let url = &url;
            async move { (shard.api.get(url).await, shard) }
        })
        .buffer_unordered(MOST_SHARDS);
    while let Some((answer, shard)) = answers.next().await {
        if let Ok(found) = answer {
            shard.answer(directory.index(), Feed::LogicalClusters, &found);
            return;
        }
    }
}

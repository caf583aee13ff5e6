//! Watches end when their logical cluster is marked inactive; so do all wildcard watches, since what they
//! show of it would go on. The client comes back, and meets the refusal of an inactive cluster or goes on
//! with what it may see.

use kcp_names::ClusterName;
use kcp_registry::Observer;
use kcp_storage::{Key, Record, ResourceKey, Scope};
use tokio::sync::broadcast::{self, error::RecvError};

/// Annotations that mark a logical cluster inactive: today's, and its older spelling.
pub(crate) const INACTIVE: [&str; 2] = ["core.kcp.io/inactive", "internal.kcp.io/inactive"];
/// Deactivations a watch may be behind. One that is further behind ends, too.
const BEHIND: usize = 64;

/// Tells running watches of logical clusters that have just been marked inactive.
pub(crate) struct Deactivations(broadcast::Sender<ClusterName>);

impl Default for Deactivations {
    fn default() -> Self {
        Self(broadcast::Sender::new(BEHIND))
    }
}

impl Deactivations {
    /// What a watch of `scope` waits for.
    pub(crate) fn of(&self, scope: &Scope) -> Deactivated {
        Deactivated { told: self.0.subscribe(), cluster: scope.cluster().cloned() }
    }
}

impl Observer for Deactivations {
    fn changed(&self, key: &Key, record: Option<&Record>) {
        let Some(record) = record else { return };
        if key.resource == ResourceKey::custom("core.kcp.io", "logicalclusters") && just_marked(record.json())
        {
            // Nobody watches: nobody to tell.
            let _ = self.0.send(key.cluster.clone());
        }
    }
}

/// The mark is only accepted in phase Ready, and the next write makes the phase Inactive: so the two together are
/// seen once.
fn just_marked(json: &[u8]) -> bool {
    let object = kcp_apimachinery::value::decode(json).unwrap_or_default();
    let marked = |key: &&str| object.str_at(&["metadata", "annotations", key]) == Some("true");
    INACTIVE.iter().any(marked) && object.str_at(&["status", "phase"]) == Some("Ready")
}

/// One watch's ear.
pub(crate) struct Deactivated {
    told: broadcast::Receiver<ClusterName>,
    /// `None`: all of them.
    cluster: Option<ClusterName>,
}

impl Deactivated {
    /// Ends when the watch has to. May be dropped and called again.
    pub(crate) async fn happened(&mut self) {
        loop {
            match self.told.recv().await {
                Ok(cluster) if self.cluster.as_ref().is_none_or(|own| *own == cluster) => return,
                Ok(_) => {}
                Err(RecvError::Lagged(_)) => return,
                // The server goes down, which watches hear of elsewhere.
                Err(RecvError::Closed) => std::future::pending().await,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_seen_once() {
        let check = |annotations: &str, phase: &str, seen: bool| {
            let json =
                format!(r#"{{"metadata":{{"annotations":{annotations}}},"status":{{"phase":"{phase}"}}}}"#);
            assert_eq!(just_marked(json.as_bytes()), seen, "{json}");
        };
        check(r#"{"core.kcp.io/inactive":"true"}"#, "Ready", true);
        check(r#"{"internal.kcp.io/inactive":"true"}"#, "Ready", true);
        check(r#"{"core.kcp.io/inactive":"true"}"#, "Inactive", false);
        check(r#"{"core.kcp.io/inactive":"false"}"#, "Ready", false);
        check("{}", "Ready", false);
    }

    #[tokio::test]
    async fn a_watch_hears_of_its_own_cluster_and_a_wildcard_of_all() {
        let (own, other) = (ClusterName::root(), ClusterName::parse("other").unwrap());
        let deactivations = Deactivations::default();
        let mut one = deactivations.of(&Scope::Cluster(own.clone()));
        let mut all = deactivations.of(&Scope::Everywhere);
        deactivations.0.send(other).unwrap();
        all.happened().await;
        assert!(futures_util::FutureExt::now_or_never(one.happened()).is_none());
        deactivations.0.send(own).unwrap();
        one.happened().await;
    }
}

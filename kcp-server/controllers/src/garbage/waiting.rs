use kcp_names::ClusterName;
use kcp_storage::Key;
use parking_lot::Mutex;
use std::collections::{HashMap, VecDeque};

/// Owners that are remembered. The others look again every few seconds.
const MOST: usize = 100_000;
/// References that are remembered: more than there are writes under way.
const LAST: usize = 2_048;

type Owner = (ClusterName, Box<str>);

/// Owners that wait for their dependents, so that these can wake them.
#[derive(Default)]
pub(super) struct Waiting(Mutex<HashMap<Owner, Key>>);

impl Waiting {
    pub(super) fn note(&self, cluster: &ClusterName, uid: &str, key: &Key) {
        let mut waiting = self.0.lock();
        if waiting.len() < MOST {
            waiting.insert((cluster.clone(), uid.into()), key.clone());
        }
    }

    pub(super) fn forget(&self, cluster: &ClusterName, uid: &str) {
        let mut waiting = self.0.lock();
        if !waiting.is_empty() {
            waiting.remove(&(cluster.clone(), uid.into()));
        }
    }

    pub(super) fn find(&self, cluster: &ClusterName, uid: &str) -> Option<Key> {
        let waiting = self.0.lock();
        if waiting.is_empty() { None } else { waiting.get(&(cluster.clone(), uid.into())).cloned() }
    }
}

/// The newest references to owners, in the order of the log.
///
/// An owner's end may be seen here before the index of dependents has taken in a write that came just
/// before it. Whatever that write refers to is still in here.
#[derive(Default)]
pub(super) struct Recent(Mutex<VecDeque<(Owner, Key)>>);

impl Recent {
    pub(super) fn note(&self, cluster: &ClusterName, owner: &str, dependent: &Key) {
        let mut recent = self.0.lock();
        if recent.len() == LAST {
            recent.pop_front();
        }
        recent.push_back(((cluster.clone(), owner.into()), dependent.clone()));
    }

    pub(super) fn dependents(&self, cluster: &ClusterName, uid: &str) -> Vec<Key> {
        let recent = self.0.lock();
        let refers = |entry: &&(Owner, Key)| *entry.0.1 == *uid && entry.0.0 == *cluster;
        recent.iter().filter(refers).map(|(_, key)| key.clone()).collect()
    }
}

//! Who depends on whom: an index of owner references, kept up to date by every commit.
//!
//! Only objects that have an owner are in it. Changes come in the order of the log.

use kcp_apiserver::Owners;
use kcp_names::ClusterName;
use kcp_registry::Observer;
use kcp_storage::{Key, Record};
use parking_lot::RwLock;
use std::collections::{BTreeSet, HashMap};

/// The index.
#[derive(Default)]
pub struct OwnerIndex(RwLock<State>);

#[derive(Default)]
struct State {
    dependents: HashMap<(ClusterName, Box<str>), BTreeSet<Key>>,
    owners: HashMap<Key, Box<[Box<str>]>>,
}

impl OwnerIndex {
    /// Takes in an object as it is now; `None`: it is gone.
    pub fn update(&self, key: &Key, record: Option<&Record>) {
        let owners = record.map(owners).unwrap_or_default();
        let mut state = self.0.write();
        let State { dependents, owners: known } = &mut *state;
        let before = known.remove(key).unwrap_or_default();
        if *before == *owners {
            if !owners.is_empty() {
                known.insert(key.clone(), before);
            }
            return;
        }
        for uid in &before {
            let slot = (key.cluster.clone(), uid.clone());
            if let Some(keys) = dependents.get_mut(&slot) {
                keys.remove(key);
                if keys.is_empty() {
                    dependents.remove(&slot);
                }
            }
        }
        for uid in &owners {
            dependents.entry((key.cluster.clone(), uid.clone())).or_default().insert(key.clone());
        }
        if !owners.is_empty() {
            known.insert(key.clone(), owners.into());
        }
    }
}

/// The uids of an object's owners. Most objects have none, and a look at the bytes says so.
fn owners(record: &Record) -> Vec<Box<str>> {
    let json = record.json();
    if memchr::memmem::find(json, b"\"ownerReferences\"").is_none() {
        return Vec::new();
    }
    let object = kcp_apimachinery::value::decode(json).unwrap_or_default();
    object.meta().owner_references().map(|owner| owner.uid.into()).collect()
}

impl Observer for OwnerIndex {
    fn changed(&self, key: &Key, record: Option<&Record>) {
        self.update(key, record);
    }
}

impl Owners for OwnerIndex {
    fn dependents(&self, cluster: &ClusterName, uid: &str) -> Vec<Key> {
        let state = self.0.read();
        let slot = (cluster.clone(), uid.into());
        state.dependents.get(&slot).map(|keys| keys.iter().cloned().collect()).unwrap_or_default()
    }
}

//! The words that the checks are written in.

use super::Subject;
use crate::{
    Change, Error, Event, Expect, Header, Key, ObjectName, Outcome, Range, Record, Require, ResourceKey,
    Write,
};
use kcp_names::{ClusterName, Revision};
use std::sync::Arc;

/// What the clock of a check shows when it begins, in seconds since 1970.
pub(super) const TODAY: u64 = 1_800_000_000;

pub(super) fn config_maps() -> ResourceKey {
    ResourceKey::built_in("", "configmaps")
}

pub(super) fn widgets(identity: &str) -> ResourceKey {
    ResourceKey::bound("example.io", "widgets", identity)
}

pub(super) fn cluster(name: &str) -> ClusterName {
    ClusterName::parse(name).expect("a cluster name")
}

/// A key of `resource` from `cluster/[namespace/]name`.
pub(super) fn key_of(resource: ResourceKey, place: &str) -> Key {
    let parts: Vec<&str> = place.split('/').collect();
    let (owner, namespace, name) = match parts[..] {
        [owner, name] => (owner, None, name),
        [owner, namespace, name] => (owner, Some(namespace), name),
        _ => panic!("no place: {place}"),
    };
    let parse = |text| ObjectName::parse(text).expect("a name");
    Key { resource, cluster: cluster(owner), namespace: namespace.map(parse), name: parse(name) }
}

/// A config map's key.
pub(super) fn key(place: &str) -> Key {
    key_of(config_maps(), place)
}

pub(super) fn everything() -> Range {
    Range::everywhere(config_maps())
}

pub(super) fn sealed(text: &str) -> bytes::Bytes {
    Header::default().seal(format!(r#"{{"data":"{text}"}}"#).as_bytes())
}

pub(super) fn write(key: &Key, expect: Expect, change: Change) -> Write {
    Write { key: key.clone(), expect, change, requires: Vec::new() }
}

pub(super) fn create(key: &Key, text: &str) -> Write {
    write(key, Expect::Absent, Change::Put(sealed(text)))
}

pub(super) fn put(key: &Key, text: &str) -> Write {
    write(key, Expect::Anything, Change::Put(sealed(text)))
}

pub(super) fn delete(key: &Key) -> Write {
    write(key, Expect::Present, Change::Delete)
}

pub(super) fn require(key: &Key, created: Revision, open: bool) -> Require {
    Require { key: key.clone(), created, open }
}

impl Subject {
    pub(super) async fn commit(&self, batch: Vec<Write>) -> Vec<Outcome> {
        self.store.commit(batch).await.expect("the store takes writes")
    }

    /// Commits one write that must be made; its revision.
    pub(super) async fn made(&self, write: Write) -> Revision {
        revision(&self.commit(vec![write]).await[0])
    }

    pub(super) async fn get(&self, key: &Key) -> Option<Record> {
        self.store.get(key).await.expect("the store reads")
    }

    /// What a range lists, as `cluster/namespace/name`.
    pub(super) async fn list(&self, range: &Range, at: Option<Revision>) -> Vec<String> {
        let page = self.store.range(range, None, 1000, at).await.expect("the store lists");
        assert!(!page.more);
        page.items.iter().map(|(key, _)| place(key)).collect()
    }

    pub(super) async fn events(&self, range: &Range, after: Revision) -> Vec<Arc<Event>> {
        let page = self.store.events(range, after, 1000).await.expect("history is there");
        assert_eq!(page.upto, self.store.revision());
        page.events
    }
}

/// `cluster/[namespace/]name` of a key.
pub(super) fn place(key: &Key) -> String {
    let prefix = key.resource.prefix();
    key.spell().split_off(prefix.len())
}

/// The revision of a write that must have been made.
pub(super) fn revision(outcome: &Outcome) -> Revision {
    match outcome {
        Outcome::Committed { revision, .. } => *revision,
        Outcome::Conflict { .. } | Outcome::Fenced { .. } | Outcome::Skipped => {
            panic!("refused: {outcome:?}")
        }
    }
}

pub(super) fn is_conflict(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Conflict { .. })
}

pub(super) fn is_compacted<T>(answer: Result<T, Error>, oldest: Revision) -> bool {
    answer.err() == Some(Error::Compacted { oldest })
}

//! Random operations on two stores, which must give the same answers.
//!
//! One of them is usually [`crate::memory::MemoryStore`], short enough to be believed. Revisions are
//! part of the answers: both count alike.

use super::tools;
use crate::{
    Change, Error, Event, Expect, Header, Key, Page, Range, Require, ResourceKey, Resources, Scope, Store,
    Write,
};
use kcp_names::{ClusterName, Revision};
use proptest::prelude::*;
use std::sync::Arc;

/// One operation.
#[derive(Clone, Debug)]
pub enum Op {
    /// [`Store::commit`].
    Commit(Vec<Draft>),
    /// [`Store::transact`].
    Transact(Vec<Draft>),
    /// [`Store::compact`], so many revisions back.
    Compact(u64),
    /// [`Store::set_note`].
    Note(u8, Option<u8>),
    /// Reads all that can be read, at so many revisions back.
    Look(u64),
    /// Closes the store and opens it again, if it can.
    Reopen,
}

/// A write whose expectation and fence are looked up when it is made.
#[derive(Clone, Debug)]
pub struct Draft {
    key: u8,
    expect: u8,
    change: Option<(u8, bool, u16)>,
    fence: Option<(u8, bool, bool)>,
}

/// Keys that the operations use: three kinds (two of one name), three clusters, two namespaces.
fn key(number: u8) -> Key {
    let number = usize::from(number);
    let kind = [tools::config_maps(), tools::widgets("f00"), tools::widgets("b4r")][number % 3].clone();
    let place = ["a/n/x", "a/n/y", "a-b/n/x", "a/n-m/x", "a-b/x", "c/x"][number / 3 % 6];
    tools::key_of(kind, place)
}

fn draft() -> impl Strategy<Value = Draft> {
    let change = proptest::option::weighted(0.75, (any::<u8>(), proptest::bool::weighted(0.2), 0..2000_u16));
    let fence = proptest::option::weighted(0.3, (0..18_u8, proptest::bool::weighted(0.2), any::<bool>()));
    (0..18_u8, 0..8_u8, change, fence).prop_map(|(key, expect, change, fence)| Draft {
        key,
        expect,
        change,
        fence,
    })
}

/// A script of up to `length` operations.
pub fn script(length: usize) -> impl Strategy<Value = Vec<Op>> {
    let op = prop_oneof![
        10 => proptest::collection::vec(draft(), 0..6).prop_map(Op::Commit),
        4 => proptest::collection::vec(draft(), 0..4).prop_map(Op::Transact),
        1 => (0..30_u64).prop_map(Op::Compact),
        1 => (0..3_u8, any::<Option<u8>>()).prop_map(|(name, value)| Op::Note(name, value)),
        3 => (0..20_u64).prop_map(Op::Look),
        1 => Just(Op::Reopen),
    ];
    proptest::collection::vec(op, 1..length)
}

/// Runs a script on both and compares every answer. `reopen` is asked for the second store anew.
///
/// # Panics
/// When they differ.
pub async fn compare(
    model: Arc<dyn Store>,
    mut other: Arc<dyn Store>,
    mut reopen: impl FnMut(Arc<dyn Store>) -> Arc<dyn Store>,
    script: &[Op],
) {
    for op in script {
        match op {
            Op::Commit(drafts) => {
                let batch = writes(&*model, drafts).await;
                assert_eq!(model.commit(batch.clone()).await, other.commit(batch).await, "{op:?}");
            }
            Op::Transact(drafts) => {
                let batch = writes(&*model, drafts).await;
                assert_eq!(model.transact(batch.clone()).await, other.transact(batch).await, "{op:?}");
            }
            Op::Compact(back) => {
                let revision = Revision(model.revision().0.saturating_sub(*back));
                assert_eq!(model.compact(revision).await, other.compact(revision).await, "{op:?}");
            }
            Op::Note(name, value) => {
                let (name, value) = (format!("note{name}"), value.map(|byte| vec![byte].into()));
                model.set_note(&name, value.clone()).await.expect("is taken");
                other.set_note(&name, value).await.expect("is taken");
            }
            Op::Look(back) => {
                let at = Revision(model.revision().0.saturating_sub(*back));
                assert_eq!(look(&*model, at).await, look(&*other, at).await, "{op:?}");
            }
            Op::Reopen => other = reopen(other),
        }
        assert_eq!(model.revision(), other.revision());
    }
    let newest = model.revision();
    assert_eq!(look(&*model, newest).await, look(&*other, newest).await);
}

/// Makes the writes of drafts, as `model` stands now.
async fn writes(model: &dyn Store, drafts: &[Draft]) -> Vec<Write> {
    let mut writes = Vec::new();
    for draft in drafts {
        let key = key(draft.key);
        let current = model.get(&key).await.expect("the model reads");
        let modified = current.map_or(Revision(7), |record| record.modified);
        let expect = match draft.expect {
            0..3 => Expect::Anything,
            3 => Expect::Absent,
            4 => Expect::Present,
            5 => Expect::Revision(modified.next()),
            _ => Expect::Revision(modified),
        };
        let change = match draft.change {
            None => Change::Delete,
            Some((byte, closed, length)) => {
                let json = vec![byte; usize::from(length)];
                Change::Put(Header { closed, ..Header::default() }.seal(&json))
            }
        };
        let mut requires = Vec::new();
        if let Some((number, wrong, open)) = draft.fence {
            let key = self::key(number);
            let found = model.get(&key).await.expect("the model reads");
            let created = found.map_or(Revision(3), |record| record.created);
            requires.push(Require { key, created: if wrong { created.next() } else { created }, open });
        }
        writes.push(Write { key, expect, change, requires });
    }
    writes
}

/// All that can be read of a store.
#[derive(Debug, PartialEq)]
struct Sight {
    lists: Vec<Result<Vec<(Key, crate::Record)>, Error>>,
    counts: Vec<Result<u64, Error>>,
    events: Vec<Result<Vec<Arc<Event>>, Error>>,
    clusters: Vec<Vec<Key>>,
    objects: Vec<Option<crate::Record>>,
    notes: Vec<Option<bytes::Bytes>>,
}

async fn look(store: &dyn Store, at: Revision) -> Sight {
    let mut sight = Sight {
        lists: vec![],
        counts: vec![],
        events: vec![],
        clusters: vec![],
        objects: vec![],
        notes: vec![],
    };
    for range in ranges() {
        sight.lists.push(list(store, &range, at).await);
        sight.counts.push(store.count(&range).await);
        sight.events.push(events(store, &range, at).await);
    }
    for name in ["a", "a-b", "c", "d"] {
        sight.clusters.push(cluster_keys(store, &tools::cluster(name)).await);
    }
    for number in 0..18 {
        sight.objects.push(store.get(&key(number)).await.expect("reads"));
    }
    for number in 0..3 {
        sight.notes.push(store.note(&format!("note{number}")).await.expect("reads"));
    }
    sight
}

fn ranges() -> Vec<Range> {
    let kinds = |resource: ResourceKey| Resources::One(resource);
    let all = Resources::EveryIdentity { group: "example.io".into(), resource: "widgets".into() };
    let mut ranges = Vec::new();
    for resources in [kinds(tools::config_maps()), kinds(tools::widgets("f00")), all, Resources::Every] {
        let object = Range::object(&key(0)).scope;
        let namespace = key(0).namespace.expect("a namespace");
        for scope in [
            Scope::Everywhere,
            Scope::Cluster(tools::cluster("a")),
            Scope::Namespace(tools::cluster("a"), namespace),
            object,
        ] {
            ranges.push(Range { resources: resources.clone(), scope });
        }
    }
    ranges
}

/// A list at a revision, in pages of three.
async fn list(store: &dyn Store, range: &Range, at: Revision) -> Result<Vec<(Key, crate::Record)>, Error> {
    let mut items: Vec<(Key, crate::Record)> = Vec::new();
    loop {
        let after = items.last().map(|(key, _)| key.clone());
        let Page { items: page, more, revision } = store.range(range, after.as_ref(), 3, Some(at)).await?;
        assert_eq!(revision, at);
        items.extend(page);
        if !more {
            return Ok(items);
        }
    }
}

async fn events(store: &dyn Store, range: &Range, after: Revision) -> Result<Vec<Arc<Event>>, Error> {
    let (mut events, mut after) = (Vec::new(), after);
    loop {
        let page = store.events(range, after, 4).await?;
        events.extend(page.events);
        after = page.upto;
        if after == store.revision() {
            return Ok(events);
        }
    }
}

async fn cluster_keys(store: &dyn Store, cluster: &ClusterName) -> Vec<Key> {
    let mut keys: Vec<Key> = Vec::new();
    loop {
        let page = store.cluster_keys(cluster, keys.last(), 2).await.expect("reads");
        if page.is_empty() {
            return keys;
        }
        keys.extend(page);
    }
}

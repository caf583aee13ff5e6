//! Expectations, fences, batches and transactions.

use super::{Subject, tools::*};
use crate::{Change, Error, Expect, Header, Outcome, VALUE_LIMIT, Write};
use kcp_names::Revision;
use std::sync::Arc;

pub(super) async fn expectations_are_checked(s: Subject) {
    let key = key("a/n/x");
    let try_put =
        async |expect| s.commit(vec![write(&key, expect, Change::Put(sealed("v")))]).await.remove(0);
    let try_delete = async |expect| s.commit(vec![write(&key, expect, Change::Delete)]).await.remove(0);
    let nothing = Outcome::Conflict { current: None };
    assert_eq!(try_put(Expect::Present).await, nothing);
    assert_eq!(try_put(Expect::Revision(Revision(1))).await, nothing);
    for expect in [Expect::Absent, Expect::Present, Expect::Anything, Expect::Revision(Revision(1))] {
        assert_eq!(try_delete(expect).await, nothing, "{expect:?}");
    }
    assert_eq!(s.store.revision(), Revision(1), "what is refused has no revision");
    let first = revision(&try_put(Expect::Absent).await);
    let live = s.get(&key).await;
    let conflict = Outcome::Conflict { current: live.clone() };
    assert_eq!(try_put(Expect::Absent).await, conflict);
    assert_eq!(try_put(Expect::Revision(Revision(1))).await, conflict);
    assert_eq!(try_delete(Expect::Absent).await, conflict);
    assert_eq!(try_delete(Expect::Revision(first.next())).await, conflict);
    let outcome = try_put(Expect::Revision(first)).await;
    assert_eq!(outcome, Outcome::Committed { revision: first.next(), previous: live });
    revision(&try_put(Expect::Present).await);
    revision(&try_put(Expect::Anything).await);
    let live = s.get(&key).await.expect("is there");
    let outcome = try_delete(Expect::Revision(live.modified)).await;
    assert_eq!(outcome, Outcome::Committed { revision: live.modified.next(), previous: Some(live) });
    assert_eq!(s.get(&key).await, None);
}

pub(super) async fn a_refused_write_does_not_stop_the_next(s: Subject) {
    let (one, two, three) = (key("a/n/1"), key("a/n/2"), key("a/n/3"));
    let batch = vec![create(&one, "1"), delete(&two), create(&one, "again"), create(&three, "3")];
    let outcomes = s.commit(batch).await;
    assert_eq!(revision(&outcomes[0]), Revision(2));
    assert_eq!(outcomes[1], Outcome::Conflict { current: None });
    assert!(is_conflict(&outcomes[2]));
    assert_eq!(revision(&outcomes[3]), Revision(3), "revisions are without gaps");
    assert_eq!(s.commit(Vec::new()).await, Vec::new());
}

/// A write with a fence, on the logical cluster's object `owner`.
fn fenced(owner: &crate::Key, created: Revision, open: bool, name: &str) -> Write {
    Write { requires: vec![require(owner, created, open)], ..put(&key(&format!("a/n/{name}")), "x") }
}

pub(super) async fn a_write_needs_its_logical_cluster(s: Subject) {
    let owner = key_of(crate::ResourceKey::built_in("core.kcp.io", "logicalclusters"), "a/cluster");
    let fence = Outcome::Fenced { key: owner.clone() };
    assert_eq!(s.commit(vec![fenced(&owner, Revision(2), true, "x")]).await[0], fence);
    let created = s.made(create(&owner, "1")).await;
    s.made(fenced(&owner, created, true, "x")).await;
    s.made(put(&owner, "2")).await; // a later state of the same incarnation
    s.made(fenced(&owner, created, true, "x")).await;
    s.made(delete(&owner)).await;
    assert_eq!(s.commit(vec![fenced(&owner, created, false, "x")]).await[0], fence);
    let reborn = s.made(create(&owner, "1")).await;
    assert_eq!(s.commit(vec![fenced(&owner, created, true, "x")]).await, [fence]);
    s.made(fenced(&owner, reborn, true, "x")).await;
}

pub(super) async fn a_closed_object_takes_no_creates(s: Subject) {
    let owner = key_of(crate::ResourceKey::built_in("", "namespaces"), "a/n");
    let created = s.made(create(&owner, "open")).await;
    let closed = Header { closed: true, ..Header::default() }.seal(b"{}");
    s.made(write(&owner, Expect::Present, Change::Put(closed))).await;
    let outcomes =
        s.commit(vec![fenced(&owner, created, true, "x"), fenced(&owner, created, false, "x")]).await;
    assert_eq!(outcomes[0], Outcome::Fenced { key: owner });
    revision(&outcomes[1]);
}

pub(super) async fn a_batch_sees_its_own_writes(s: Subject) {
    let (owner, inside) = (key_of(widgets("f00"), "a/owner"), key("a/n/x"));
    let fenced = Write { requires: vec![require(&owner, Revision(2), true)], ..create(&inside, "1") };
    let outcomes = s.commit(vec![create(&owner, "1"), fenced, delete(&inside), create(&inside, "2")]).await;
    assert_eq!(outcomes.iter().map(revision).collect::<Vec<_>>(), (2..6).map(Revision).collect::<Vec<_>>());
    let record = s.get(&inside).await.expect("is there");
    assert_eq!((record.value, record.created), (sealed("2"), Revision(5)));
}

pub(super) async fn a_transaction_is_all_or_nothing(s: Subject) {
    let (one, two) = (key("a/n/x"), key_of(widgets("f00"), "a/x"));
    let outcomes = s.store.transact(vec![create(&one, "1"), create(&two, "2")]).await.expect("is taken");
    assert_eq!((revision(&outcomes[0]), revision(&outcomes[1])), (Revision(2), Revision(3)));
    let outcomes = s.store.transact(vec![delete(&one), create(&two, "3")]).await.expect("is taken");
    assert_eq!(outcomes, [Outcome::Skipped, Outcome::Conflict { current: s.get(&two).await }]);
    let fenced = Write { requires: vec![require(&two, Revision(9), false)], ..put(&one, "4") };
    let outcomes = s.store.transact(vec![fenced, delete(&two)]).await.expect("is taken");
    assert_eq!(outcomes, [Outcome::Fenced { key: two.clone() }, Outcome::Skipped]);
    assert_eq!(s.store.revision(), Revision(3));
    assert_eq!(s.store.transact(Vec::new()).await, Ok(Vec::new()));
}

pub(super) async fn a_transaction_is_judged_by_what_was_before(s: Subject) {
    let (owner, inside) = (key_of(widgets("f00"), "a/owner"), key("a/n/x"));
    let created = s.made(create(&owner, "1")).await;
    let fenced = Write { requires: vec![require(&owner, created, true)], ..create(&inside, "1") };
    let outcomes = s.store.transact(vec![delete(&owner), fenced]).await.expect("is taken");
    assert!(outcomes.iter().all(|outcome| !is_conflict(outcome)));
    assert_eq!(s.get(&owner).await, None);
    assert!(s.get(&inside).await.is_some());
}

pub(super) async fn transactions_are_small(s: Subject) {
    let of =
        |kind: usize| create(&key_of(crate::ResourceKey::custom("e.io", &format!("k{kind}")), "a/x"), "1");
    let nine = s.store.transact((0..9).map(of).collect()).await;
    assert!(matches!(nine, Err(Error::BadTransaction(_))));
    let same = s.store.transact(vec![create(&key("a/n/x"), "1"), create(&key("b/n/y"), "1")]).await;
    assert!(matches!(same, Err(Error::BadTransaction(_))));
    let identities = [widgets("f00"), widgets("b4r")].map(|kind| create(&key_of(kind, "a/x"), "1"));
    let same = s.store.transact(identities.to_vec()).await;
    assert!(matches!(same, Err(Error::BadTransaction(_))), "one watch can cover both");
    assert_eq!(s.store.revision(), Revision(1));
    let eight = s.store.transact((0..8).map(of).collect()).await.expect("is taken");
    assert_eq!(revision(&eight[7]), Revision(9));
}

pub(super) async fn large_values_are_refused(s: Subject) {
    let key = key("a/n/x");
    let large = write(&key, Expect::Anything, Change::Put(vec![1; VALUE_LIMIT + 1].into()));
    let refused = Err(Error::TooLarge { size: VALUE_LIMIT + 1, limit: VALUE_LIMIT });
    let batch = vec![create(&key, "1"), large];
    assert_eq!(s.store.commit(batch.clone()).await, refused);
    assert_eq!(s.store.transact(batch[1..].to_vec()).await, refused);
    assert_eq!(s.get(&key).await, None, "nothing of the batch was done");
}

pub(super) async fn a_recreated_object_is_another(s: Subject) {
    let key = key("a/n/x");
    let first = s.made(create(&key, "1")).await;
    s.made(delete(&key)).await;
    let second = s.made(create(&key, "1")).await;
    let record = s.get(&key).await.expect("is there");
    assert_eq!(record.created, second);
    let stale = write(&key, Expect::Revision(first), Change::Delete);
    assert_eq!(s.commit(vec![stale]).await, [Outcome::Conflict { current: Some(record) }]);
}

pub(super) async fn racing_writers_of_one_key_win_once(s: Subject) {
    let key = key("a/n/x");
    let mut last = s.made(create(&key, "0")).await;
    for _ in 0..20 {
        let race = |name: usize| {
            let write = write(&key, Expect::Revision(last), Change::Put(sealed(&name.to_string())));
            let store = Arc::clone(&s.store);
            async move { store.commit(vec![write]).await.expect("is taken").remove(0) }
        };
        let outcomes = all((0..8).map(race)).await;
        let (won, lost): (Vec<_>, Vec<_>) = outcomes.into_iter().partition(|outcome| !is_conflict(outcome));
        assert_eq!((won.len(), lost.len()), (1, 7));
        last = revision(&won[0]);
    }
}

/// Runs futures side by side.
async fn all<T>(futures: impl Iterator<Item = impl Future<Output = T> + Send>) -> Vec<T> {
    let mut waiting: Vec<_> = futures.map(|future| Some(Box::pin(future))).collect();
    let mut done: Vec<Option<T>> = waiting.iter().map(|_| None).collect();
    std::future::poll_fn(move |cx| {
        for (slot, result) in waiting.iter_mut().zip(&mut done) {
            if let Some(future) = slot
                && let std::task::Poll::Ready(value) = future.as_mut().poll(cx)
            {
                *result = Some(value);
                *slot = None;
            }
        }
        if waiting.iter().any(Option::is_some) {
            return std::task::Poll::Pending;
        }
        std::task::Poll::Ready(done.iter_mut().filter_map(Option::take).collect())
    })
    .await
}

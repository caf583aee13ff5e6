//! How history is forgotten, and reads beside writers.

mod support;

use kcp_names::Revision;
use kcp_storage::{Change, Error, Expect, Header, Range, ResourceKey, Store, Write, clock::ManualClock};
use kcp_storage_local::Options;
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use support::*;

fn widgets() -> Range {
    Range::everywhere(ResourceKey::custom("example.io", "widgets"))
}

#[tokio::test]
async fn history_is_kept_for_a_time() {
    let (directory, clock) = (tempfile::tempdir().expect("a directory"), Arc::new(ManualClock::default()));
    let options = Options { clock: Arc::clone(&clock) as _, keep: Duration::from_secs(60), ..small() };
    let (store, _) = open(directory.path(), options);
    // The writer notes its first revision when it comes to it; from here on it is past that one.
    fill(&store, 0, 1, 9).await;
    clock.set(1000);
    fill(&store, 0, 50, 0).await; // revisions 3..=52
    clock.set(1030);
    fill(&store, 0, 50, 1).await;
    clock.set(1065);
    fill(&store, 0, 5, 2).await; // the clock is looked at after a write
    assert!(store.events(&widgets(), Revision(51), 1).await.is_ok(), "it is younger than a minute");
    let old = store.events(&widgets(), Revision(1), 1).await;
    assert!(
        matches!(old, Err(Error::Compacted { oldest }) if oldest > Revision(1) && oldest <= Revision(51))
    );
    clock.set(500); // set back: ages begin again, and nothing is forgotten early
    fill(&store, 0, 5, 3).await;
    clock.set(530);
    fill(&store, 0, 5, 4).await;
    assert!(store.events(&widgets(), Revision(51), 1).await.is_ok());
}

#[tokio::test]
async fn history_is_kept_for_a_number_of_revisions() {
    let (directory, clock) = (tempfile::tempdir().expect("a directory"), Arc::new(ManualClock::default()));
    let options = Options { clock: Arc::clone(&clock) as _, keep_revisions: 100, ..small() };
    let (store, _) = open(directory.path(), options);
    for round in 0..5 {
        clock.set(1000 + 10 * round);
        fill(&store, 0, 50, round).await;
    }
    clock.set(1060);
    fill(&store, 0, 2, 9).await;
    let newest = store.revision();
    assert!(store.events(&widgets(), Revision(newest.0 - 99), 1).await.is_ok());
    assert!(matches!(
        store.events(&widgets(), Revision(newest.0 - 105), 1).await,
        Err(Error::Compacted { .. })
    ));
}

#[tokio::test]
async fn what_was_forgotten_stays_forgotten() {
    let directory = tempfile::tempdir().expect("a directory");
    let (store, _) = open(directory.path(), small());
    fill(&store, 0, 30, 0).await;
    store.compact(Revision(20)).await.expect("compacts");
    drop(store);
    let (store, _) = open(directory.path(), small());
    let old = store.events(&widgets(), Revision(19), 1).await;
    assert_eq!(old.err(), Some(Error::Compacted { oldest: Revision(20) }));
    assert_eq!(store.events(&widgets(), Revision(20), 100).await.expect("is there").events.len(), 11);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_see_what_was_answered_while_tables_are_written_and_merged() {
    let directory = tempfile::tempdir().expect("a directory");
    let options = Options { memtable_bytes: 8 << 10, segment_bytes: 4 << 10, keep_revisions: 200, ..small() };
    let (store, _) = open(directory.path(), options);
    let (store, done) = (Arc::new(store), Arc::new(AtomicBool::new(false)));
    let lister = {
        let (store, done) = (Arc::clone(&store), Arc::clone(&done));
        tokio::spawn(async move {
            let mut last = Revision::ZERO;
            while !done.load(Ordering::SeqCst) {
                let page = store.range(&widgets(), None, 1000, None).await.expect("lists");
                assert!(page.revision >= last, "time does not run backwards");
                last = page.revision;
                assert!(page.items.is_sorted_by(|one, two| one.0 < two.0));
                assert!(page.items.iter().all(|(_, record)| record.modified <= page.revision));
                let again = store.range(&widgets(), None, 1000, Some(page.revision)).await;
                match again {
                    Ok(again) => assert_eq!(again.items, page.items, "a revision is always the same"),
                    Err(error) => assert!(matches!(error, Error::Compacted { .. }), "{error}"),
                }
            }
        })
    };
    let writers: Vec<_> = (0..4)
        .map(|writer| {
            let store = Arc::clone(&store);
            tokio::spawn(async move {
                for round in 0..150 {
                    let number = writer * 20 + round % 20;
                    let revision = try_put(&store, number, round).await.expect("commits");
                    let record = store.get(&key(number)).await.expect("reads").expect("is there");
                    assert_eq!((record.modified, &record.value[..]), (revision, &value(number, round)[..]));
                    assert!(store.revision() >= revision);
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.expect("joins");
    }
    done.store(true, Ordering::SeqCst);
    lister.await.expect("joins");
    assert_eq!(store.check(&mut |_| ()).expect("checks").told, Vec::<String>::new());
}

#[tokio::test]
async fn what_comes_later_may_expire_earlier() {
    let (directory, clock) = (tempfile::tempdir().expect("a directory"), Arc::new(ManualClock::default()));
    let options = Options { clock: Arc::clone(&clock) as _, ..small() };
    let (store, _) = open(directory.path(), options);
    let expiring = |number, expires| {
        let change = Change::Put(Header { expires, ..Header::default() }.seal(b"{}"));
        Write { key: key(number), expect: Expect::Anything, change, requires: Vec::new() }
    };
    let gone = async |number| {
        while store.get(&key(number)).await.expect("reads").is_some() {
            tokio::task::yield_now().await;
        }
    };
    clock.set(100);
    store.commit((0..600).map(|number| expiring(number, 110)).collect()).await.expect("commits");
    store.commit(vec![expiring(600, 300)]).await.expect("commits");
    clock.set(200);
    gone(599).await;
    gone(0).await;
    // Already past, between the others, and the same object anew.
    store.commit(vec![expiring(601, 50), expiring(602, 210), expiring(600, 220)]).await.expect("commits");
    gone(601).await;
    clock.set(215);
    gone(602).await;
    assert!(store.get(&key(600)).await.expect("reads").is_some());
    clock.set(220);
    gone(600).await;
    let widgets = store.count(&widgets()).await.expect("counts");
    assert_eq!((widgets, store.check(&mut |_| ()).expect("checks").problems), (0, 0));
}

//! Backup, restore and check.

mod support;

use kcp_storage::{Change, Error, Expect, Header, Range, ResourceKey, Store, Write};
use kcp_storage_local::admin::{self, AdminError};
use std::{fs, path::Path};
use support::*;

fn silent() -> impl FnMut(admin::Progress) {
    |_| ()
}

/// Bytes that no compression makes fewer.
fn incompressible(length: usize) -> Vec<u8> {
    let mut state = 1_u64;
    let mut byte = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        b'a' + u8::try_from((state >> 33) % 26).expect("fits")
    };
    [b"\"".to_vec(), (0..length).map(|_| byte()).collect(), b"\"".to_vec()].concat()
}

/// A store with objects, deleted ones, one that expires, history and notes.
async fn furnished(directory: &Path) -> (kcp_storage_local::LocalStore, Acknowledged) {
    let (store, _) = open(directory, small());
    let mut acknowledged = fill(&store, 0, 200, 0).await;
    acknowledged.extend(fill(&store, 50, 80, 1).await);
    for number in 0..20 {
        let write =
            Write { key: key(number), expect: Expect::Present, change: Change::Delete, requires: vec![] };
        store.commit(vec![write]).await.expect("commits");
        acknowledged.remove(&number);
    }
    let change = Change::Put(Header { expires: u64::MAX - 1, ..Header::default() }.seal(b"{}"));
    let write = Write { key: key(5000), expect: Expect::Absent, change, requires: vec![] };
    store.commit(vec![write]).await.expect("commits");
    store.set_note("mark", Some("17".into())).await.expect("notes");
    (store, acknowledged)
}

#[tokio::test]
async fn a_backup_of_a_running_store_is_restored() {
    let directory = tempfile::tempdir().expect("a directory");
    let (store, acknowledged) = furnished(&directory.path().join("store")).await;
    let file = directory.path().join("backup");
    let report = store.backup(&file, &mut silent()).expect("backs up");
    assert_eq!((report.revision, report.objects, report.notes), (store.revision(), 181, 1));
    assert_eq!(report.bytes, fs::metadata(&file).expect("a file").len());
    fill(&store, 300, 310, 0).await; // not in it
    let restored = directory.path().join("restored");
    let report = admin::restore(&file, &restored, 1000, &mut silent()).expect("restores");
    assert_eq!(report.begins.0, report.revision.0 + 1000);
    let (copy, _) = open(&restored, small());
    assert_eq!(copy.revision(), report.begins);
    holds(&copy, &acknowledged).await;
    let widgets = Range::everywhere(ResourceKey::custom("example.io", "widgets"));
    assert_eq!(copy.count(&widgets).await, Ok(181));
    assert_eq!(copy.note("mark").await, Ok(Some("17".into())));
    let past = copy.events(&widgets, report.revision, 1).await;
    assert_eq!(past.err(), Some(Error::Compacted { oldest: report.begins }));
    assert_eq!(copy.check(&mut silent()).expect("checks").problems, 0);
    let more = fill(&copy, 300, 310, 2).await;
    drop(copy);
    let (copy, _) = open(&restored, small());
    holds(&copy, &more).await;
}

#[tokio::test]
async fn a_backup_is_consistent_while_others_write() {
    let directory = tempfile::tempdir().expect("a directory");
    let (store, _) = open(&directory.path().join("store"), small());
    let store = std::sync::Arc::new(store);
    fill(&store, 0, 500, 0).await;
    let (other, file) = (std::sync::Arc::clone(&store), directory.path().join("backup"));
    let file_there = file.clone();
    let backup = std::thread::spawn(move || other.backup(&file_there, &mut silent()).expect("backs up"));
    for round in 1..40 {
        store.commit(vec![put(7, round)]).await.expect("commits");
    }
    let report = backup.join().expect("joins");
    let restored = directory.path().join("restored");
    admin::restore(&file, &restored, 0, &mut silent()).expect("restores");
    let (copy, _) = open(&restored, small());
    let then = store.get(&key(7)).await.expect("reads");
    let found = copy.get(&key(7)).await.expect("reads").expect("is there");
    assert!(found.modified <= report.revision);
    assert_eq!(found.modified == then.expect("is there").modified, report.revision == store.revision());
    let widgets = Range::everywhere(ResourceKey::custom("example.io", "widgets"));
    let page = store.range(&widgets, None, 1000, Some(report.revision)).await.expect("history is there");
    assert_eq!(copy.range(&widgets, None, 1000, None).await.expect("lists").items, page.items);
}

#[tokio::test]
async fn a_backup_that_is_taken_slowly_is_of_the_revision_that_it_began_at() {
    let directory = tempfile::tempdir().expect("a directory");
    let clock = std::sync::Arc::new(kcp_storage::clock::ManualClock::default());
    let options = kcp_storage_local::Options {
        clock: clock.clone(),
        keep: std::time::Duration::from_secs(30),
        ..small()
    };
    let (store, _) = open(&directory.path().join("store"), options);
    clock.set(1000);
    fill(&store, 0, 200, 0).await;
    let large = || Change::Put(Header::default().seal(&incompressible(100_000)));
    for number in 300..330 {
        let write = Write { key: key(number), expect: Expect::Absent, change: large(), requires: vec![] };
        store.commit(vec![write]).await.expect("commits");
    }
    let widgets = Range::everywhere(ResourceKey::custom("example.io", "widgets"));
    let then = store.range(&widgets, None, 1000, None).await.expect("lists");
    let mut backup = store.begin_backup().expect("begins");
    assert_eq!(backup.revision(), then.revision);
    let (mut pieces, mut round) = (Vec::new(), 0);
    while let Some(piece) = backup.piece().expect("reads") {
        pieces.push(piece);
        round += 1;
        // Between two pieces all is changed, and more than what is kept otherwise grows old.
        fill(&store, 0, 60, round).await;
        let write =
            Write { key: key(60 + round), expect: Expect::Present, change: Change::Delete, requires: vec![] };
        store.commit(vec![write]).await.expect("commits");
        fill(&store, 1000 + 10 * round, 1001 + 10 * round, 0).await;
        clock.set(1000 + 20 * round);
        store.set_note("a write that makes the writer look at its clock", None).await.expect("notes");
    }
    assert!(pieces.len() > 3, "{}", pieces.len());
    let (file, restored) = (directory.path().join("backup"), directory.path().join("restored"));
    let mut rest = pieces.into_iter();
    let report = admin::receive(|| Ok(rest.next()), &file, &mut silent()).expect("is complete");
    assert_eq!((report.revision, report.objects), (then.revision, then.items.len() as u64));
    admin::restore(&file, &restored, 0, &mut silent()).expect("restores");
    let (copy, _) = open(&restored, small());
    assert_eq!(copy.range(&widgets, None, 1000, None).await.expect("lists").items, then.items);
    // When it is done, history grows old again.
    let held = store.events(&widgets, then.revision, 1).await;
    assert!(held.is_ok(), "{held:?}");
    drop(backup);
    clock.set(5000);
    fill(&store, 0, 2, 77).await;
    let forgotten = store.events(&widgets, then.revision, 1).await;
    assert!(matches!(forgotten, Err(Error::Compacted { .. })), "{forgotten:?}");
}

#[tokio::test]
async fn a_backup_whose_history_was_compacted_says_so() {
    let directory = tempfile::tempdir().expect("a directory");
    let (store, _) = furnished(directory.path()).await;
    let mut backup = store.begin_backup().expect("begins");
    fill(&store, 0, 10, 5).await;
    store.compact(store.revision()).await.expect("compacts");
    let (error, file) = (backup.piece(), directory.path().join("backup"));
    assert!(matches!(error, Err(Error::Compacted { .. })), "{error:?}");
    let piece = || backup.piece().map_err(std::io::Error::other);
    let refused = admin::receive(piece, &file, &mut silent());
    assert!(matches!(refused, Err(AdminError::BadArchive { .. })), "{refused:?}");
    assert!(
        fs::read_dir(directory.path())
            .expect("lists")
            .all(|entry| { !entry.expect("an entry").file_name().to_string_lossy().starts_with("backup") })
    );
}

#[tokio::test]
async fn restore_and_backup_replace_nothing() {
    let directory = tempfile::tempdir().expect("a directory");
    let (store, _) = furnished(&directory.path().join("store")).await;
    let file = directory.path().join("backup");
    store.backup(&file, &mut silent()).expect("backs up");
    assert!(matches!(store.backup(&file, &mut silent()), Err(AdminError::Exists(_))));
    drop(store);
    let full = admin::restore(&file, &directory.path().join("store"), 0, &mut silent());
    assert!(matches!(full, Err(AdminError::NotEmpty(_))));
    let offline = directory.path().join("backup-2");
    admin::backup(&directory.path().join("store"), &offline, &mut silent()).expect("backs up");
    assert_eq!(fs::read(offline).expect("reads"), fs::read(file).expect("reads"));
    let nothing = admin::backup(&directory.path().join("none"), &directory.path().join("b"), &mut silent());
    assert!(matches!(nothing, Err(AdminError::Io { .. })));
    assert!(!directory.path().join("none").exists(), "nothing was made");
}

#[tokio::test]
async fn a_damaged_backup_is_refused_before_anything_is_written() {
    let directory = tempfile::tempdir().expect("a directory");
    let (store, _) = furnished(&directory.path().join("store")).await;
    let (file, bad) = (directory.path().join("backup"), directory.path().join("bad"));
    store.backup(&file, &mut silent()).expect("backs up");
    let whole = fs::read(&file).expect("reads");
    let mut cases: Vec<Vec<u8>> =
        [0, 3, 8, 12, whole.len() / 2, whole.len() - 1].map(|cut| whole[..cut].to_vec()).into();
    for place in [0, 7, 9, 14, whole.len() / 2, whole.len() - 3] {
        let mut flipped = whole.clone();
        flipped[place] ^= 4;
        cases.push(flipped);
    }
    cases.push([&whole[..], b"more"].concat());
    for (number, case) in cases.into_iter().enumerate() {
        fs::write(&bad, case).expect("writes");
        let refused = admin::restore(&bad, &directory.path().join("restored"), 0, &mut silent());
        assert!(matches!(refused, Err(AdminError::BadArchive { .. })), "{number}");
        assert!(matches!(admin::verify(&bad, &mut silent()), Err(AdminError::BadArchive { .. })), "{number}");
        assert!(!directory.path().join("restored").exists());
    }
}

#[tokio::test]
async fn a_backup_of_another_version_is_refused() {
    let directory = tempfile::tempdir().expect("a directory");
    let (store, _) = furnished(&directory.path().join("store")).await;
    let file = directory.path().join("backup");
    let report = store.backup(&file, &mut silent()).expect("backs up");
    assert_eq!(admin::verify(&file, &mut silent()).expect("is whole"), report);
    tamper(&file, |bytes| bytes[7] = 2);
    let error = admin::verify(&file, &mut silent()).expect_err("is newer").to_string();
    assert!(error.ends_with("the backup has version 2, and this server reads 1"), "{error}");
    let error = admin::restore(&file, &directory.path().join("restored"), 0, &mut silent());
    assert!(error.expect_err("is newer").to_string().ends_with("has version 2, and this server reads 1"));
}

#[tokio::test]
async fn a_check_finds_nothing_wrong_with_a_good_store() {
    let directory = tempfile::tempdir().expect("a directory");
    let (store, _) = furnished(directory.path()).await;
    let report = store.check(&mut silent()).expect("checks");
    assert_eq!((report.problems, &report.told), (0, &vec![]));
    assert_eq!((report.objects, report.events, report.notes), (181, store.revision().0 - 1, 1));
    store.compact(kcp_names::Revision(100)).await.expect("compacts");
    drop(store);
    let mut last = admin::Progress::default();
    let report = admin::check(directory.path(), &mut |progress| last = progress).expect("checks");
    assert_eq!((report.problems, report.events), (0, report.revision.0 - 100));
    assert_eq!(last.objects, 181);
}

#[tokio::test]
async fn a_check_finds_a_flipped_byte_in_a_table() {
    let directory = tempfile::tempdir().expect("a directory");
    let (store, _) = furnished(directory.path()).await;
    drop(store);
    let table = fs::read_dir(directory.path().join("engine/tables")).expect("tables").next();
    let table = table.expect("a table").expect("an entry").path();
    let length = fs::metadata(&table).expect("a table").len();
    let (mut found, places) = (0, 8);
    for place in 0..places {
        let image = crashed(directory.path());
        let file = image.path().join("engine/tables").join(table.file_name().expect("a name"));
        let at = usize::try_from(length / places * place + 100).expect("fits");
        tamper(&file, |bytes| bytes[at] ^= 1);
        let good = admin::check(image.path(), &mut silent()).is_ok_and(|report| report.problems == 0);
        found += u64::from(!good);
    }
    // What is not data (filters, indexes of other levels) is only read when it is needed.
    assert!(found * 2 > places, "{found} of {places}");
}

//! Backup, restore and check.

mod support;

use kcp_storage::{Change, Error, Expect, Header, Range, ResourceKey, Store, Write};
use kcp_storage_local::admin::{self, AdminError};
use std::{fs, path::Path};
use support::*;

fn silent() -> impl FnMut(admin::Progress) {
    |_| ()
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
        assert!(!directory.path().join("restored").exists());
    }
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

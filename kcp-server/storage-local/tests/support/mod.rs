//! What the tests of faults share.
#![allow(dead_code, reason = "each test file uses a part of it")]

pub(crate) mod child;

use kcp_names::{ClusterName, Revision};
use kcp_storage::{
    Change, Error, Expect, Header, Key, ObjectName, Outcome, Record, ResourceKey, Store, Write,
};
use kcp_storage_local::{LocalStore, OpenError, OpenReport, Options};
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

/// What was acknowledged: key number, and the revision and value it has.
pub(crate) type Acknowledged = BTreeMap<u64, (Revision, Vec<u8>)>;

/// Memtables and segments so small that a test fills many.
pub(crate) fn small() -> Options {
    Options { memtable_bytes: 64 << 10, segment_bytes: 16 << 10, ..Options::default() }
}

/// Segments as they are, so that all is in one.
pub(crate) fn one_segment() -> Options {
    Options { memtable_bytes: 64 << 20, ..Options::default() }
}

pub(crate) fn open(directory: &Path, options: Options) -> (LocalStore, OpenReport) {
    LocalStore::open(directory, options).expect("opens")
}

pub(crate) fn refused(directory: &Path) -> OpenError {
    match LocalStore::open(directory, small()) {
        Ok(_) => panic!("it opens"),
        Err(error) => error,
    }
}

pub(crate) fn key(number: u64) -> Key {
    Key {
        resource: ResourceKey::custom("example.io", "widgets"),
        cluster: ClusterName::parse(&format!("c{}", number % 7)).expect("a cluster name"),
        namespace: Some(ObjectName::parse("default").expect("a name")),
        name: ObjectName::parse(&format!("widget-{number}")).expect("a name"),
    }
}

/// A value that only one revision has, of a length that varies.
pub(crate) fn value(number: u64, round: u64) -> Vec<u8> {
    let mut state = number.wrapping_mul(31).wrapping_add(round);
    let noise = (0..state % 700).map(|_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        char::from(b'a' + u8::try_from(state >> 60).unwrap_or(0))
    });
    let json = format!(r#"{{"number":{number},"round":{round},"noise":"{}"}}"#, noise.collect::<String>());
    Header::default().seal(json.as_bytes()).to_vec()
}

pub(crate) fn put(number: u64, round: u64) -> Write {
    let change = Change::Put(value(number, round).into());
    Write { key: key(number), expect: Expect::Anything, change, requires: Vec::new() }
}

pub(crate) async fn try_put(store: &LocalStore, number: u64, round: u64) -> Result<Revision, Error> {
    match store.commit(vec![put(number, round)]).await?.remove(0) {
        Outcome::Committed { revision, .. } => Ok(revision),
        Outcome::Conflict { .. } | Outcome::Fenced { .. } | Outcome::Skipped => panic!("refused"),
    }
}

/// Writes objects `from..to`, each acknowledged.
pub(crate) async fn fill(store: &LocalStore, from: u64, to: u64, round: u64) -> Acknowledged {
    let mut acknowledged = Acknowledged::new();
    for number in from..to {
        let revision = try_put(store, number, round).await.expect("commits");
        acknowledged.insert(number, (revision, value(number, round)));
    }
    acknowledged
}

/// Every acknowledged object is there, byte for byte.
pub(crate) async fn holds(store: &LocalStore, acknowledged: &Acknowledged) {
    for (number, (revision, value)) in acknowledged {
        let record: Option<Record> = store.get(&key(*number)).await.expect("reads");
        let record = record.unwrap_or_else(|| panic!("{number} is lost"));
        assert_eq!((record.modified, &record.value[..]), (*revision, &value[..]), "{number}");
    }
}

/// A copy of a store's files as they are, as after `kill -9`.
pub(crate) fn crashed(directory: &Path) -> tempfile::TempDir {
    let copy = tempfile::tempdir().expect("a directory");
    copy_directory(directory, copy.path());
    copy
}

fn copy_directory(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("makes a directory");
    for file in fs::read_dir(from).expect("a directory") {
        let file = file.expect("a file");
        let to = to.join(file.file_name());
        if file.file_type().expect("a type").is_dir() {
            copy_directory(&file.path(), &to);
        } else {
            fs::copy(file.path(), to).expect("copies");
        }
    }
}

/// The segments of a store's log, oldest first.
pub(crate) fn segments(directory: &Path) -> Vec<PathBuf> {
    let files = fs::read_dir(directory.join("log")).expect("a log");
    let mut paths: Vec<_> = files.map(|file| file.expect("a file").path()).collect();
    paths.sort();
    paths
}

pub(crate) fn tamper(file: &Path, change: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = fs::read(file).expect("reads");
    change(&mut bytes);
    fs::write(file, bytes).expect("writes");
}

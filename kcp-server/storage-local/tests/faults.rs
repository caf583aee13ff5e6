//! Disks that fill up, syncs that fail, files that are damaged, processes that come second.

mod support;

use kcp_storage::{Change, Error, Expect, Header, Outcome, Store, Write};
use kcp_storage_local::{
    LocalStore, OpenError, Options,
    disk::{Disk, DiskFile, SystemDisk},
};
use std::{
    fs, io,
    path::Path,
    sync::{
        Arc, Condvar, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};
use support::*;

/// A disk that can be made to fail.
#[derive(Clone, Default)]
struct FaultyDisk(Arc<Faults>);

#[derive(Default)]
struct Faults {
    /// Bytes that still fit, plus one; 0: no limit.
    room: AtomicU64,
    /// Syncs that still succeed, plus one; 0: all do.
    syncs: AtomicU64,
    /// Whether what was written cannot be taken back.
    stuck: AtomicBool,
    /// Syncs that were asked for.
    asked: AtomicU64,
    /// Whether syncs have to wait.
    held: Mutex<bool>,
    released: Condvar,
}

struct FaultyFile(Box<dyn DiskFile>, Arc<Faults>);

impl Disk for FaultyDisk {
    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        Ok(Box::new(FaultyFile(SystemDisk.create(path)?, Arc::clone(&self.0))))
    }

    fn append_to(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        Ok(Box::new(FaultyFile(SystemDisk.append_to(path)?, Arc::clone(&self.0))))
    }

    fn sync_directory(&self, path: &Path) -> io::Result<()> {
        SystemDisk.sync_directory(path)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        SystemDisk.remove(path)
    }
}

impl DiskFile for FaultyFile {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let room = self.1.room.load(Ordering::SeqCst);
        if room == 0 {
            return self.0.append(bytes);
        }
        let fits = usize::try_from(room - 1).expect("fits").min(bytes.len());
        self.0.append(&bytes[..fits])?;
        self.1.room.store(room - fits as u64, Ordering::SeqCst);
        if fits == bytes.len() { Ok(()) } else { Err(io::ErrorKind::StorageFull.into()) }
    }

    fn cut(&mut self, length: u64) -> io::Result<()> {
        if self.1.stuck.load(Ordering::SeqCst) {
            return Err(io::Error::other("the device is gone"));
        }
        self.0.cut(length)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.1.asked.fetch_add(1, Ordering::SeqCst);
        let mut held = self.1.held.lock().expect("locks");
        while *held {
            held = self.1.released.wait(held).expect("waits");
        }
        match self.1.syncs.load(Ordering::SeqCst) {
            0 => self.0.sync(),
            1 => Err(io::Error::other("the device is gone")),
            left => {
                self.1.syncs.store(left - 1, Ordering::SeqCst);
                self.0.sync()
            }
        }
    }
}

fn on(disk: &FaultyDisk, options: Options) -> Options {
    Options { disk: Arc::new(disk.clone()), ..options }
}

#[tokio::test]
async fn a_full_disk_refuses_writes_until_there_is_room_and_loses_nothing() {
    // Frames, and heads of segments, are torn at all kinds of places.
    for room in [1, 2, 29, 400, 5000, 9999].into_iter().chain((16_300..16_600).step_by(23)) {
        let (directory, disk) = (tempfile::tempdir().expect("a directory"), FaultyDisk::default());
        let (store, _) = open(directory.path(), on(&disk, small()));
        let mut acknowledged = fill(&store, 0, 20, 0).await;
        disk.0.room.store(room, Ordering::SeqCst);
        let (number, error) = fill_up(&store, 20, &mut acknowledged).await;
        let names_it = |error: &Error| matches!(error, Error::Full(why) if why.contains("log"));
        assert!(names_it(&error), "{error}");
        assert_eq!(store.get(&key(number)).await, Ok(None), "it was not made");
        assert!(names_it(&store.set_note("n", Some(vec![0; 9999].into())).await.expect_err("no room")));
        holds(&store, &acknowledged).await;
        // A crash now finds all that was acknowledged, and nothing of what was refused.
        let image = crashed(directory.path());
        let (found, report) = open(image.path(), small());
        holds(&found, &acknowledged).await;
        assert_eq!((report.cut, found.revision()), (None, store.revision()));
        disk.0.room.store(0, Ordering::SeqCst);
        acknowledged.extend(fill(&store, number, number + 10, 3).await);
        assert_eq!(store.read_only(), None);
        let image = crashed(directory.path());
        drop(store);
        for directory in [image.path(), directory.path()] {
            holds(&open(directory, small()).0, &acknowledged).await;
        }
    }
}

/// Writes objects from `number` on until one is refused: which, and why.
async fn fill_up(store: &LocalStore, mut number: u64, acknowledged: &mut Acknowledged) -> (u64, Error) {
    loop {
        match try_put(store, number, 1).await {
            Ok(revision) => acknowledged.insert(number, (revision, value(number, 1))),
            Err(error) => return (number, error),
        };
        number += 1;
    }
}

/// Writes a large object that does not shrink.
async fn put_large(store: &LocalStore, number: u64, acknowledged: &mut Acknowledged) -> Result<(), Error> {
    let content: Vec<u8> = (0..40).flat_map(|part| value(number * 40 + part, 7)).collect();
    let content = Header::default().seal(&content);
    let change = Change::Put(content.clone());
    let write = Write { key: key(number), expect: Expect::Absent, change, requires: vec![] };
    let outcome = store.commit(vec![write]).await?.remove(0);
    let Outcome::Committed { revision, .. } = outcome else { panic!("{outcome:?}") };
    acknowledged.insert(number, (revision, content.to_vec()));
    Ok(())
}

#[tokio::test]
async fn a_torn_write_that_cannot_be_taken_back_ends_writing() {
    let (directory, disk) = (tempfile::tempdir().expect("a directory"), FaultyDisk::default());
    let (store, _) = open(directory.path(), on(&disk, small()));
    let mut acknowledged = fill(&store, 0, 20, 0).await;
    disk.0.room.store(500, Ordering::SeqCst);
    disk.0.stuck.store(true, Ordering::SeqCst);
    let (number, error) = fill_up(&store, 20, &mut acknowledged).await;
    assert!(matches!(error, Error::Unknown(_)), "{error}");
    disk.0.room.store(0, Ordering::SeqCst);
    for _ in 0..3 {
        let later = try_put(&store, 1000, 2).await;
        assert!(matches!(&later, Err(Error::ReadOnly(why)) if why.contains("log")), "{later:?}");
    }
    holds(&store, &acknowledged).await;
    assert_eq!(store.get(&key(number)).await, Ok(None), "what is not known to be durable is not shown");
    drop(store);
    let (store, _) = open(directory.path(), small());
    holds(&store, &acknowledged).await;
    fill(&store, 2000, 2010, 3).await;
}

#[tokio::test]
async fn what_the_store_does_by_itself_waits_for_room_too() {
    let (directory, disk) = (tempfile::tempdir().expect("a directory"), FaultyDisk::default());
    let clock = Arc::new(kcp_storage::clock::ManualClock::default());
    let options = Options { clock: clock.clone(), ..on(&disk, small()) };
    let (store, _) = open(directory.path(), options);
    let change = Change::Put(Header { expires: 100, ..Header::default() }.seal(b"{}"));
    let write = Write { key: key(1), expect: Expect::Absent, change, requires: vec![] };
    store.commit(vec![write]).await.expect("commits");
    disk.0.room.store(1, Ordering::SeqCst);
    clock.set(101);
    assert!(matches!(try_put(&store, 2, 0).await, Err(Error::Full(_))));
    assert!(store.get(&key(1)).await.expect("reads").is_some());
    disk.0.room.store(0, Ordering::SeqCst);
    while store.get(&key(1)).await.expect("reads").is_some() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_failed_sync_is_not_tried_again() {
    let (directory, disk) = (tempfile::tempdir().expect("a directory"), FaultyDisk::default());
    let (store, _) = open(directory.path(), on(&disk, small()));
    let acknowledged = fill(&store, 0, 20, 0).await;
    disk.0.syncs.store(1, Ordering::SeqCst);
    assert!(matches!(try_put(&store, 20, 0).await, Err(Error::Unknown(_))));
    let asked = disk.0.asked.load(Ordering::SeqCst);
    disk.0.syncs.store(0, Ordering::SeqCst); // it would succeed now, and mean nothing
    for number in 21..30 {
        assert!(matches!(try_put(&store, number, 0).await, Err(Error::ReadOnly(_))));
    }
    assert_eq!(disk.0.asked.load(Ordering::SeqCst), asked);
    assert!(store.read_only().is_some_and(|why| why.contains("the device is gone")));
    assert!(matches!(store.set_note("n", None).await, Err(Error::ReadOnly(_))));
    holds(&store, &acknowledged).await;
}

#[tokio::test]
async fn more_writes_than_the_queue_holds_are_told_to_come_back() {
    let (directory, disk) = (tempfile::tempdir().expect("a directory"), FaultyDisk::default());
    let options = Options { queue_batches: 8, ..on(&disk, small()) };
    let (store, _) = open(directory.path(), options);
    *disk.0.held.lock().expect("locks") = true;
    let waiting: Vec<_> = (0..30).map(|number| store.commit(vec![put(number, 0)])).collect();
    *disk.0.held.lock().expect("locks") = false;
    disk.0.released.notify_all();
    let mut busy = 0;
    for (number, answer) in waiting.into_iter().enumerate() {
        let found = |record: Option<_>| record.is_some();
        match answer.await {
            Ok(_) => assert!(found(store.get(&key(number as u64)).await.expect("reads"))),
            Err(error) => {
                assert_eq!(error, Error::Busy);
                assert!(!found(store.get(&key(number as u64)).await.expect("reads")), "nothing was done");
                busy += 1;
            }
        }
    }
    assert!(busy >= 30 - 8 - 8, "{busy}: one group is being written, eight batches wait");
}

#[tokio::test]
async fn a_second_process_is_refused() {
    let directory = tempfile::tempdir().expect("a directory");
    let (store, _) = open(directory.path(), small());
    let error = refused(directory.path());
    assert!(matches!(error, OpenError::Locked { .. }));
    let message = error.to_string();
    assert!(
        message.ends_with(&format!("is in use by another process (pid {})", std::process::id())),
        "{message}"
    );
    store.close();
    open(directory.path(), small());
}

#[tokio::test]
async fn a_closed_store_says_so() {
    let directory = tempfile::tempdir().expect("a directory");
    let (store, _) = open(directory.path(), small());
    let mut subscription = store.subscribe();
    store.close();
    assert_eq!(try_put(&store, 1, 0).await, Err(Error::Closed));
    assert!(subscription.next().await.is_none());
}

#[tokio::test]
async fn a_newer_store_is_refused() {
    let directory = tempfile::tempdir().expect("a directory");
    let (store, _) = open(directory.path(), one_segment());
    fill(&store, 0, 3, 0).await;
    let newer = crashed(directory.path());
    fs::write(newer.path().join("FORMAT"), "kcp store, format 2\n").expect("writes");
    assert!(matches!(refused(newer.path()), OpenError::Newer { found: 2, known: 1, .. }));
    let newer = crashed(directory.path());
    tamper(&segments(newer.path())[0], |bytes| {
        bytes[7] = 2;
        let crc = crc32c::crc32c(&bytes[..28]).to_be_bytes();
        bytes[28..32].copy_from_slice(&crc);
    });
    assert!(matches!(refused(newer.path()), OpenError::Newer { found: 2, .. }));
    let garbled = crashed(directory.path());
    fs::write(garbled.path().join("FORMAT"), "kcp").expect("writes");
    assert!(matches!(refused(garbled.path()), OpenError::Damaged(_)));
    let without = crashed(directory.path());
    fs::remove_file(without.path().join("FORMAT")).expect("removes");
    let error = refused(without.path());
    assert!(error.to_string().contains("FORMAT is missing"), "{error}");
}

#[tokio::test]
async fn a_torn_tail_is_cut_at_the_right_byte() {
    let directory = tempfile::tempdir().expect("a directory");
    let (store, _) = open(directory.path(), one_segment());
    let acknowledged = fill(&store, 0, 30, 0).await;
    let frame = {
        let log = &segments(directory.path())[0];
        let before = fs::read(log).expect("reads").len();
        try_put(&store, 99, 0).await.expect("commits");
        fs::read(log).expect("reads")[before..].to_vec()
    };
    let image = crashed(directory.path());
    let whole = fs::read(&segments(image.path())[0]).expect("reads").len();
    let mut wrong = frame.clone();
    *wrong.last_mut().expect("a byte") ^= 1;
    // The last frame was written when all before it was durable, and not more.
    let tails = [
        frame[..1].to_vec(),
        frame[..20].to_vec(),
        frame[..frame.len() - 1].to_vec(),
        vec![0; 5000],
        vec![7; 64],
        wrong,
    ];
    for tail in tails {
        let torn = crashed(image.path());
        let log = segments(torn.path())[0].clone();
        tamper(&log, |bytes| bytes.extend(&tail));
        let (store, report) = open(torn.path(), one_segment());
        let cut = report.cut.expect("a cut");
        assert_eq!((cut.at, cut.bytes, cut.file), (whole as u64, tail.len() as u64, log));
        assert_eq!(report.replayed, 31);
        holds(&store, &acknowledged).await;
        let more = fill(&store, 100, 110, 1).await;
        drop(store);
        let (store, report) = open(torn.path(), one_segment());
        assert_eq!(report.cut, None);
        holds(&store, &more).await;
    }
}

#[tokio::test]
async fn pages_of_one_unfinished_write_may_be_lost_in_any_order() {
    // A group of frames that was never synced: the first page is lost, the second is there.
    let directory = tempfile::tempdir().expect("a directory");
    let (store, _) = open(directory.path(), one_segment());
    let acknowledged = fill(&store, 0, 10, 0).await;
    let log = &segments(directory.path())[0];
    let durable = fs::read(log).expect("reads").len();
    let image = crashed(directory.path());
    let disk = FaultyDisk::default();
    let (other, _) = open(image.path(), on(&disk, one_segment()));
    *disk.0.held.lock().expect("locks") = true;
    let waiting: Vec<_> = (20..40).map(|number| other.commit(vec![put(number, 0)])).collect();
    while fs::read(&segments(image.path())[0]).expect("reads").len() == durable {
        tokio::task::yield_now().await;
    }
    let torn = crashed(image.path());
    *disk.0.held.lock().expect("locks") = false;
    disk.0.released.notify_all();
    for answer in waiting {
        answer.await.expect("commits");
    }
    tamper(&segments(torn.path())[0], |bytes| bytes[durable..][..8].fill(0));
    let (store, report) = open(torn.path(), one_segment());
    assert_eq!(report.cut.expect("a cut").at, durable as u64);
    holds(&store, &acknowledged).await;
}

#[tokio::test]
async fn damage_that_is_no_torn_tail_is_refused() {
    let directory = tempfile::tempdir().expect("a directory");
    let (store, _) = open(directory.path(), one_segment());
    fill(&store, 0, 10, 0).await;
    let log = &segments(directory.path())[0];
    let at = fs::read(log).expect("reads").len();
    fill(&store, 10, 20, 0).await;
    let end = fs::read(log).expect("reads").len();
    for place in [at, at + 5, at + 9, at + 13, at + 40] {
        let image = crashed(directory.path());
        let file = segments(image.path())[0].clone();
        tamper(&file, |bytes| bytes[place] ^= 0x10);
        let message = refused(image.path()).to_string();
        let wanted = format!("{}: damaged at byte {at}: a later frame", file.display());
        assert!(message.starts_with(&wanted), "{message}");
        assert_eq!(fs::read(&file).expect("reads").len(), end, "nothing was changed");
    }
    // After a clean end the engine knows what was there, so even the last frame is missed.
    drop(store);
    let closed = crashed(directory.path());
    tamper(&segments(closed.path())[0], |bytes| bytes.truncate(end - 1));
    let message = refused(closed.path()).to_string();
    assert!(message.contains("the engine has applied what stood here"), "{message}");
    let closed = crashed(directory.path());
    tamper(&segments(closed.path())[0], |bytes| bytes.truncate(at));
    let message = refused(closed.path()).to_string();
    assert!(message.contains("the engine has applied what should follow"), "{message}");
}

#[tokio::test]
async fn damage_in_an_older_segment_is_refused() {
    let directory = tempfile::tempdir().expect("a directory");
    let options = Options { segment_bytes: 2 << 10, ..one_segment() };
    let (store, _) = open(directory.path(), options);
    fill(&store, 0, 40, 0).await;
    let count = segments(directory.path()).len();
    assert!(count > 4);
    for segment in 0..count - 1 {
        let image = crashed(directory.path());
        let file = segments(image.path())[segment].clone();
        tamper(&file, |bytes| *bytes.last_mut().expect("a byte") ^= 1);
        let message = refused(image.path()).to_string();
        assert!(message.contains(&format!("{}: damaged at byte", file.display())), "{message}");
    }
    let image = crashed(directory.path());
    fs::remove_file(&segments(image.path())[0]).expect("removes");
    let message = refused(image.path()).to_string();
    assert!(message.contains("begins behind what the engine has"), "{message}");
    let image = crashed(directory.path());
    fs::remove_file(&segments(image.path())[2]).expect("removes");
    let message = refused(image.path()).to_string();
    assert!(message.contains("begins behind what the engine has"), "{message}");
    assert_eq!(segments(image.path()).len(), count - 1, "nothing was changed");
}

#[tokio::test]
async fn a_crash_while_a_segment_begins_is_no_damage() {
    let directory = tempfile::tempdir().expect("a directory");
    let (store, _) = open(directory.path(), one_segment());
    let acknowledged = fill(&store, 0, 10, 0).await;
    for head in [0, 7, 31] {
        let image = crashed(directory.path());
        let next = image.path().join("log/00000000000000000002.log");
        fs::write(&next, vec![0; head]).expect("writes");
        let (store, _) = open(image.path(), one_segment());
        holds(&store, &acknowledged).await;
        let more = fill(&store, 10, 20, 0).await;
        let again = crashed(image.path());
        holds(&open(again.path(), one_segment()).0, &more).await;
    }
}

#[tokio::test]
async fn an_unfinished_creation_is_begun_anew() {
    let directory = tempfile::tempdir().expect("a directory");
    drop(open(directory.path(), small()));
    fs::remove_file(directory.path().join("FORMAT")).expect("removes");
    let log = segments(directory.path())[0].clone();
    tamper(&log, |bytes| bytes.truncate(5));
    let (store, report) = open(directory.path(), small());
    assert!(report.fresh);
    fill(&store, 0, 3, 0).await;
}

#[tokio::test]
async fn segments_are_dropped_when_the_engine_has_them_on_disk() {
    let directory = tempfile::tempdir().expect("a directory");
    let (store, _) = open(directory.path(), small());
    let mut acknowledged = fill(&store, 0, 800, 0).await;
    let first = segments(directory.path())[0].clone();
    assert!(!first.ends_with("00000000000000000001.log"), "{first:?}");
    acknowledged.extend(fill(&store, 0, 100, 1).await);
    drop(store);
    let (store, report) = open(directory.path(), small());
    assert_eq!(report.replayed, 0, "a close leaves nothing to replay");
    holds(&store, &acknowledged).await;
}

/// The engine runs out of space, on a file system of its own. Needs the right to mount.
#[tokio::test]
async fn tables_that_do_not_fit_refuse_writes_until_there_is_room() {
    use rustix::mount::{MountFlags, UnmountFlags, mount, mount_remount, unmount};
    let directory = tempfile::tempdir().expect("a directory");
    let engine = directory.path().join("engine");
    drop(open(directory.path(), small()));
    fs::remove_dir_all(&engine).expect("removes");
    fs::create_dir(&engine).expect("makes a directory");
    if let Err(error) = mount("tmpfs", &engine, "tmpfs", MountFlags::empty(), Some(c"size=1m")) {
        eprintln!("skipped: no right to mount a small file system here: {error}");
        return;
    }
    let (store, _) = open(directory.path(), small());
    let (mut acknowledged, mut number) = (Acknowledged::new(), 0);
    let error = loop {
        match put_large(&store, number, &mut acknowledged).await {
            Ok(()) => number += 1,
            Err(error) => break error,
        }
    };
    assert!(matches!(&error, Error::Full(why) if why.contains("storage engine")), "{error}");
    assert!(matches!(try_put(&store, 0, 1).await, Err(Error::Full(_))));
    holds(&store, &acknowledged).await;
    // A crash loses nothing, and a start on the full file system still reads.
    let image = crashed(directory.path());
    holds(&open(image.path(), small()).0, &acknowledged).await;
    // With room it goes on by itself.
    mount_remount(&engine, MountFlags::empty(), c"size=64m").expect("remounts");
    for number in number..number + 100 {
        while let Err(error) = put_large(&store, number, &mut acknowledged).await {
            assert!(matches!(error, Error::Full(_)), "{error}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    holds(&store, &acknowledged).await;
    // What failed attempts have begun is gone: about all that is there is in use.
    let files = || fs::read_dir(engine.join("tables")).expect("tables").filter_map(Result::ok);
    let bytes = || files().filter_map(|file| file.metadata().ok()).map(|file| file.len()).sum::<u64>();
    // What a file has besides its blocks is not counted by the store.
    while bytes() > store.disk_bytes() + store.disk_bytes() / 20 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(store.read_only(), None);
    assert_eq!(store.check(&mut |_| ()).expect("checks").told, Vec::<String>::new());
    store.close();
    let copy = crashed(directory.path());
    unmount(&engine, UnmountFlags::DETACH).expect("unmounts");
    holds(&open(copy.path(), small()).0, &acknowledged).await;
}

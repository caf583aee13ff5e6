//! What the embedded store does in a second, on this machine and this file system.
//!
//! `cargo bench -p kcp-storage-local -- [objects] [seconds] [directory]` prints a table: loading, durable
//! commits with some writers side by side, reads, lists, a start after a close and after a crash.

use kcp_names::ClusterName;
use kcp_storage::{Change, Expect, Header, Key, ObjectName, Outcome, Range, ResourceKey, Store, Write};
use kcp_storage_local::{LocalStore, Options};
use std::{
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

/// Objects in one logical cluster, as an empty workspace has them.
const PER_CLUSTER: u64 = 10;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let number =
        |at: usize, otherwise: u64| arguments.get(at).and_then(|n| n.parse().ok()).unwrap_or(otherwise);
    let (objects, seconds) = (number(0, 200_000), number(1, 4));
    let base = arguments.get(2).map_or_else(std::env::temp_dir, PathBuf::from);
    let directory = base.join(format!("kcp-store-bench-{}", std::process::id()));
    run(&directory, objects, Duration::from_secs(seconds)).await;
    let _ = fs::remove_dir_all(&directory);
}

async fn run(directory: &Path, objects: u64, time: Duration) {
    let begin = Instant::now();
    let (store, _) = LocalStore::open(directory, Options::default()).expect("opens");
    row("open, fresh", format!("{:.1} ms", millis(begin.elapsed())));
    row("memory, fresh", format!("{} MiB", memory() >> 20));
    let begin = Instant::now();
    load(&store, objects).await;
    let rate = objects as f64 / begin.elapsed().as_secs_f64();
    row("load, durable batches of 500", format!("{rate:.0} objects/s"));
    row("memory, loaded", format!("{} MiB", memory() >> 20));
    let store = Arc::new(store);
    for writers in [1, 4, 16, 100] {
        commits(&store, objects, writers, time).await;
    }
    reads(&store, objects, time).await;
    lists(&store).await;
    row("tables on disk", format!("{} bytes/object", store.disk_bytes() / objects));
    row("memory", format!("{} MiB", memory() >> 20));
    settle(&store).await;
    crash(&store, directory);
    let begin = Instant::now();
    store.close();
    row("close", format!("{:.1} ms", millis(begin.elapsed())));
    drop(store);
    let begin = Instant::now();
    let (_store, report) = LocalStore::open(directory, Options::default()).expect("opens");
    row("open, after a close", format!("{:.1} ms, {} replayed", millis(begin.elapsed()), report.replayed));
}

async fn load(store: &LocalStore, objects: u64) {
    let mut batch = Vec::new();
    for number in 0..objects {
        batch.push(write(number, 0, Expect::Absent));
        if batch.len() == 500 || number + 1 == objects {
            store.commit(std::mem::take(&mut batch)).await.expect("commits");
        }
    }
}

/// Updates (and some creates) by `writers` tasks side by side, one change a commit.
async fn commits(store: &Arc<LocalStore>, objects: u64, writers: u64, time: Duration) {
    let stop = Arc::new(AtomicBool::new(false));
    let tasks: Vec<_> = (0..writers)
        .map(|writer| {
            let (store, stop) = (Arc::clone(store), Arc::clone(&stop));
            tokio::spawn(async move {
                let mut random = Random(writer + 1);
                let mut times = Vec::new();
                while !stop.load(Ordering::Relaxed) {
                    let write = write(random.below(objects * 5 / 4), random.next(), Expect::Anything);
                    let begin = Instant::now();
                    let outcomes = store.commit(vec![write]).await.expect("commits");
                    times.push(begin.elapsed());
                    assert!(matches!(outcomes[0], Outcome::Committed { .. }));
                }
                times
            })
        })
        .collect();
    tokio::time::sleep(time).await;
    stop.store(true, Ordering::Relaxed);
    let mut times = Vec::new();
    for task in tasks {
        times.extend(task.await.expect("joins"));
    }
    let rate = times.len() as f64 / time.as_secs_f64();
    row(&format!("durable commits, {writers} writers"), format!("{rate:.0}/s  {}", spread(times)));
}

async fn reads(store: &LocalStore, objects: u64, time: Duration) {
    let (mut random, mut times, begin) = (Random(7), Vec::new(), Instant::now());
    while begin.elapsed() < time {
        let key = key(random.below(objects));
        let begin = Instant::now();
        let record = store.get(&key).await.expect("reads");
        times.push(begin.elapsed());
        assert!(record.is_some());
    }
    row("get, random", spread(times));
    let (key, mut times) = (key(objects / 2), Vec::new());
    for _ in 0..50_000 {
        let begin = Instant::now();
        store.get(&key).await.expect("reads");
        times.push(begin.elapsed());
    }
    row("get, the same", spread(times));
}

async fn lists(store: &LocalStore) {
    let range = Range::everywhere(resource());
    let (mut after, mut listed, begin) = (None, 0, Instant::now());
    while listed < 100_000 {
        let page = store.range(&range, after.as_ref(), 500, None).await.expect("lists");
        listed += page.items.len();
        after = page.items.last().map(|(key, _)| key.clone());
        if !page.more {
            break;
        }
    }
    let rate = listed as f64 / begin.elapsed().as_secs_f64();
    row("list, pages of 500", format!("{rate:.0} objects/s"));
}

/// Waits until no tables are written or merged any more, so that they can be copied.
async fn settle(store: &LocalStore) {
    let (mut before, mut quiet) = (0, 0);
    while quiet < 10 {
        tokio::time::sleep(Duration::from_millis(500)).await;
        quiet = if store.disk_bytes() == before { quiet + 1 } else { 0 };
        before = store.disk_bytes();
    }
}

/// Opens a copy of the files as they are, as after `kill -9`.
fn crash(store: &LocalStore, directory: &Path) {
    let copy = directory.with_extension("crashed");
    copy_directory(directory, &copy);
    let begin = Instant::now();
    let (crashed, report) = LocalStore::open(&copy, Options::default()).expect("opens");
    row("open, after a crash", format!("{:.1} ms, {} replayed", millis(begin.elapsed()), report.replayed));
    assert_eq!(crashed.revision(), store.revision());
    drop(crashed);
    let _ = fs::remove_dir_all(&copy);
}

fn copy_directory(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("makes a directory");
    for file in fs::read_dir(from).expect("a directory") {
        let file = file.expect("a file");
        let to = to.join(file.file_name());
        if file.file_type().expect("a type").is_dir() {
            copy_directory(&file.path(), &to);
        } else {
            let _ = fs::copy(file.path(), to);
        }
    }
}

fn resource() -> ResourceKey {
    ResourceKey::bound(
        "example.io",
        "widgets",
        "f00ba4f00ba4f00ba4f00ba4f00ba4f00ba4f00ba4f00ba4f00ba4f00ba4f00b",
    )
}

fn key(number: u64) -> Key {
    let cluster = Random(number / PER_CLUSTER + 1).next();
    let name = |text: String| ObjectName::parse(&text).expect("a name");
    Key {
        resource: resource(),
        cluster: ClusterName::parse(&format!("{:013x}", cluster >> 12)).expect("a cluster name"),
        namespace: Some(name("default".into())),
        name: name(format!("widget-{:08x}", number)),
    }
}

/// About 1.2 KiB, half of it the same words as in all others.
fn write(number: u64, salt: u64, expect: Expect) -> Write {
    let mut random = Random(number ^ salt.rotate_left(17) | 1);
    let mut data = String::new();
    for field in 0..8 {
        let (one, two) = (random.next(), random.next());
        data.push_str(&format!("\"field-{field}\":\"{one:016x}{:08x}\",", two >> 32));
    }
    let uid = random.next();
    let json = format!(
        r#"{{"apiVersion":"example.io/v1","data":{{{data}"last":"x"}},"kind":"Widget","metadata":{{"creationTimestamp":"2026-08-01T10:20:30Z","generation":1,"labels":{{"app.kubernetes.io/name":"widget","tier":"gold"}},"managedFields":[{{"apiVersion":"example.io/v1","fieldsType":"FieldsV1","fieldsV1":{{"f:data":{{".":{{}},"f:field-0":{{}},"f:field-1":{{}},"f:field-2":{{}},"f:field-3":{{}}}},"f:metadata":{{"f:labels":{{".":{{}},"f:app.kubernetes.io/name":{{}},"f:tier":{{}}}}}}}},"manager":"kubectl-client-side-apply","operation":"Update","time":"2026-08-01T10:20:30Z"}}],"name":"widget-{number:08x}","namespace":"default","uid":"{uid:08x}-8a7b-4c55-9d0f-0c4f5a1e2b3d"}},"status":{{"conditions":[{{"lastTransitionTime":"2026-08-01T10:20:30Z","message":"","reason":"AsExpected","status":"True","type":"Ready"}}]}}}}"#
    );
    let value = Header::default().seal(json.as_bytes());
    Write { key: key(number), expect, change: Change::Put(value), requires: Vec::new() }
}

/// SplitMix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut x = self.0;
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ (x >> 31)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }
}

fn spread(mut times: Vec<Duration>) -> String {
    times.sort();
    let at = |part: f64| times[((times.len() - 1) as f64 * part) as usize].as_secs_f64() * 1e6;
    let (half, most, nearly) = (at(0.5), at(0.99), at(0.999));
    format!("p50 {half:.1} µs  p99 {most:.1} µs  p99.9 {nearly:.1} µs  max {:.1} µs", at(1.0))
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// Bytes resident.
fn memory() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok()).unwrap_or(0) << 10
}

#[allow(clippy::print_stdout, reason = "a table is what a benchmark is for")]
fn row(what: &str, result: String) {
    println!("{what:<36} {result}");
}

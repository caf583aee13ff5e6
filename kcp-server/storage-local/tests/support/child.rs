//! A process that writes until it is killed, and notes what was acknowledged.
//!
//! Its workers have keys of their own and do what follows from their number alone. So whoever knows how
//! many operations of each were acknowledged knows what must be in the store.

use super::{key, open, put, small, value};
use kcp_names::Revision;
use kcp_storage::{Change, Error, Expect, Outcome, Store, Write};
use kcp_storage_local::{LocalStore, Options};
use std::{
    collections::BTreeMap,
    fs::File,
    io::Write as _,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
};

/// Workers of a child.
const WORKERS: u64 = 8;
/// Keys of a worker.
const KEYS: u64 = 12;

const DIRECTORY: &str = "KCP_STORE_TEST_DIRECTORY";
const ACKNOWLEDGED: &str = "KCP_STORE_TEST_ACKNOWLEDGED";
const ROUNDS: &str = "KCP_STORE_TEST_ROUNDS";

/// The command that runs the test `child` of this executable, where [`run`] is called, as a child.
/// It does `rounds` operations with each worker, ten rounds between two times that it closes the store
/// and opens it again; if `rounds` is 0, until it is killed.
pub(crate) fn command(program: Option<&str>, directory: &Path, acknowledged: &Path, rounds: u64) -> Command {
    let this = std::env::current_exe().expect("an executable");
    let mut command = match program {
        Some(program) => {
            let mut command = Command::new(program);
            command.arg(this);
            command
        }
        None => Command::new(this),
    };
    command.args(arguments()).env(DIRECTORY, directory).env(ACKNOWLEDGED, acknowledged);
    command.env(ROUNDS, rounds.to_string());
    command
}

/// The arguments that run nothing but the child.
pub(crate) fn arguments() -> [&'static str; 3] {
    ["child", "--exact", "--nocapture"]
}

/// Writes, if this process was started to do so.
pub(crate) async fn run() {
    let (Some(directory), Some(file)) = (std::env::var_os(DIRECTORY), std::env::var_os(ACKNOWLEDGED)) else {
        return;
    };
    let rounds: u64 = std::env::var(ROUNDS).ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(0);
    let mut done = Progress::read(Path::new(&file));
    let file = Arc::new(File::options().create(true).append(true).open(file).expect("opens"));
    let mut left = if rounds == 0 { u64::MAX } else { rounds };
    while left > 0 {
        let (store, _) = open(&PathBuf::from(&directory), options());
        // What was not acknowledged may have been made, so each worker looks where it stands.
        done.catch_up(&store, &file).await;
        let store = Arc::new(store);
        let now = if rounds == 0 { u64::MAX } else { left.min(rounds / 3 + 1) };
        let workers: Vec<_> = (0..WORKERS)
            .map(|worker| {
                let (store, file, from) = (Arc::clone(&store), Arc::clone(&file), done.of(worker));
                tokio::spawn(async move { work(&store, &file, worker, from..from.saturating_add(now)).await })
            })
            .collect();
        for (worker, task) in (0..).zip(workers) {
            task.await.expect("joins");
            done.0.insert(worker, done.of(worker).saturating_add(now));
        }
        left -= now;
        // The last time, it just goes.
        if left > 0 {
            store.close();
        } else {
            std::process::exit(0);
        }
    }
}

/// What the child's store is opened with; what checks it is opened with the same.
pub(crate) fn options() -> Options {
    Options { memtable_bytes: 24 << 10, segment_bytes: 8 << 10, ..small() }
}

async fn work(store: &LocalStore, file: &File, worker: u64, steps: std::ops::Range<u64>) {
    for step in steps {
        if worker == 0 && step % 40 == 39 {
            let oldest = Revision(store.revision().0.saturating_sub(100));
            store.compact(oldest).await.expect("compacts");
            store.set_note("step", Some(step.to_string().into())).await.expect("notes");
        }
        let outcome = store.commit(vec![write(worker, step)]).await.expect("commits").remove(0);
        let revision = match outcome {
            Outcome::Committed { revision, .. } => revision.0,
            Outcome::Conflict { .. } => 0, // nothing to delete
            Outcome::Fenced { .. } | Outcome::Skipped => panic!("{outcome:?}"),
        };
        let line = format!("{worker} {step} {revision}\n");
        (&mut &*file).write_all(line.as_bytes()).expect("notes");
    }
}

/// The operation of a worker's step.
fn write(worker: u64, step: u64) -> Write {
    let (number, deletes) = step_of(worker, step);
    match deletes {
        true => {
            Write { key: key(number), expect: Expect::Anything, change: Change::Delete, requires: Vec::new() }
        }
        false => put(number, step),
    }
}

/// Which key a step is about, and whether it deletes it.
fn step_of(worker: u64, step: u64) -> (u64, bool) {
    let mixed = (worker * 1_000_003 + step + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20;
    (worker * KEYS + mixed % KEYS, (mixed / KEYS).is_multiple_of(5))
}

/// How many steps of each worker were acknowledged, and the newest revision of all of them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Progress(BTreeMap<u64, u64>, u64);

impl Progress {
    /// Reads the file of acknowledgements.
    pub(crate) fn read(file: &Path) -> Self {
        Self::parse(&std::fs::read_to_string(file).unwrap_or_default())
    }

    /// Reads what a child has written there. A last line without an end counts as not written.
    pub(crate) fn parse(text: &str) -> Self {
        let mut progress = Self::default();
        for line in text.split_inclusive('\n').filter(|line| line.ends_with('\n')) {
            let numbers: Vec<u64> =
                line.split_whitespace().filter_map(|number| number.parse().ok()).collect();
            let [worker, step, revision] = numbers[..] else { panic!("{line:?}") };
            progress.0.insert(worker, progress.of(worker).max(step + 1));
            progress.1 = progress.1.max(revision);
        }
        progress
    }

    fn of(&self, worker: u64) -> u64 {
        self.0.get(&worker).copied().unwrap_or(0)
    }

    /// Steps of all workers.
    pub(crate) fn total(&self) -> u64 {
        self.0.values().sum()
    }

    /// What the keys of a worker hold after so many steps: the step that put each.
    fn state(worker: u64, steps: u64) -> BTreeMap<u64, u64> {
        let mut state = BTreeMap::new();
        for step in 0..steps {
            match step_of(worker, step) {
                (number, true) => state.remove(&number),
                (number, false) => state.insert(number, step),
            };
        }
        state
    }

    /// Everything acknowledged is in the store, and besides it at most the one step of each worker that
    /// was under way.
    pub(crate) async fn check(&self, store: &LocalStore) -> Result<(), String> {
        if store.revision().0 < self.1 {
            return Err(format!(
                "revision {} was acknowledged, and the newest is {}",
                self.1,
                store.revision()
            ));
        }
        for worker in 0..WORKERS {
            self.stands(store, worker).await?;
        }
        Ok(())
    }

    /// Whether a worker's keys hold what they did after its acknowledged steps, or after one more.
    async fn stands(&self, store: &LocalStore, worker: u64) -> Result<u64, String> {
        let steps = self.of(worker);
        let mut found = BTreeMap::new();
        for number in worker * KEYS..(worker + 1) * KEYS {
            let record = store.get(&key(number)).await.map_err(|error: Error| error.to_string())?;
            if let Some(record) = record {
                found.insert(number, record.value.to_vec());
            }
        }
        let after = |steps: u64| -> BTreeMap<u64, Vec<u8>> {
            let state = Self::state(worker, steps);
            state.into_iter().map(|(number, step)| (number, value(number, step))).collect()
        };
        // A step that deletes nothing leaves no trace: a child that starts again passes over it.
        let mut one_more = steps + 1;
        while Self::state(worker, one_more) == Self::state(worker, one_more - 1) {
            one_more += 1;
        }
        if found == after(one_more) {
            return Ok(one_more);
        }
        if found == after(steps) { Ok(steps) } else { Err(format!("worker {worker} after {steps} steps")) }
    }

    /// Notes what is there without having been acknowledged: now it was seen.
    async fn catch_up(&mut self, store: &LocalStore, mut file: &File) {
        for worker in 0..WORKERS {
            let steps = self.stands(store, worker).await.expect("stands");
            if steps > self.of(worker) {
                file.write_all(format!("{worker} {} 0\n", steps - 1).as_bytes()).expect("notes");
            }
            self.0.insert(worker, steps);
        }
    }
}

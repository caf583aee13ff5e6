//! The executor: plans objects one at a time, reads the facts that plans ask for, makes the writes.

use crate::{Change, Controller, Facts, Query, Reader, Step, Wake, WriteError, Writer, queue::Queue};
use futures_util::{StreamExt, stream};
use kcp_storage::{Key, Store};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// Rounds of reading facts that one plan may take. More means that the plan chases its own tail.
const ROUNDS: usize = 100;
/// Steps that one object may take before it is the others' turn.
const TURN: usize = 100;
/// How long an object waits that has had its turn.
const BREATH: Duration = Duration::from_millis(5);
/// Changes of one [`Step::Each`] that are made at the same time. They share what one commit costs.
const AT_ONCE: usize = 64;
/// Refusals of a walk that are kept.
const REFUSED: usize = 1_000;
/// How often a plan whose facts were old is made anew before it has to be patient.
const STALE: usize = 3;

/// How a controller runs.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Objects planned at the same time.
    pub workers: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { workers: 8 }
    }
}

/// Counters of one controller.
#[derive(Debug, Default)]
pub struct Stats {
    /// Plans that ended in `Done`, `Wait` or writes.
    pub planned: AtomicU64,
    /// Changes made.
    pub written: AtomicU64,
    /// Attempts that failed and are tried again.
    pub failed: AtomicU64,
}

/// Runs one controller until it is told to stop.
pub struct Runner {
    pub(crate) controller: Arc<dyn Controller>,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) reader: Arc<dyn Reader>,
    pub(crate) queue: Queue,
    writer: Arc<dyn Writer>,
    stats: Arc<Stats>,
    options: Options,
}

impl Runner {
    /// Puts a controller together with what it reads and where it writes.
    #[must_use]
    pub fn new(
        controller: Arc<dyn Controller>,
        store: Arc<dyn Store>,
        reader: Arc<dyn Reader>,
        writer: Arc<dyn Writer>,
        options: Options,
    ) -> Self {
        Self { controller, store, reader, writer, queue: Queue::default(), stats: Arc::default(), options }
    }

    /// Its counters.
    #[must_use]
    pub fn stats(&self) -> Arc<Stats> {
        self.stats.clone()
    }

    /// Feeds and works until `stop`, then waits for what is being written.
    pub async fn run(self, stop: CancellationToken) {
        let this = Arc::new(self);
        let tasks = TaskTracker::new();
        for _ in 0..this.options.workers {
            tasks.spawn(this.clone().work(stop.clone()));
        }
        tasks.spawn(this.clone().feed(stop.clone()));
        tasks.close();
        tasks.wait().await;
    }

    async fn work(self: Arc<Self>, stop: CancellationToken) {
        loop {
            let ready = self.queue.ready();
            let due = match self.queue.take() {
                Ok(key) => {
                    self.reconcile(&key).await;
                    self.queue.done(&key);
                    if stop.is_cancelled() {
                        return;
                    }
                    continue;
                }
                Err(due) => due,
            };
            let timer = async {
                match due {
                    Some(due) => tokio::time::sleep_until(due).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = stop.cancelled() => return,
                () = ready => {}
                () = timer => {}
            }
        }
    }

    /// Plans one object, and makes what it decides, until it is done, waits, or fails.
    async fn reconcile(&self, key: &Key) {
        let (mut refused, mut fruitless, mut stale) = (Vec::new(), false, 0);
        let (mut cursor, mut steps): (Option<Key>, usize) = (None, 0);
        while steps < TURN {
            steps += 1;
            let step = match self.plan(key, refused.clone(), cursor.clone()).await {
                Ok(step) => step,
                Err(error) => return self.failed(key, &error.to_string()),
            };
            self.stats.planned.fetch_add(1, Ordering::Relaxed);
            match step {
                Step::Done | Step::Wait(Wake::Change, _) => return self.queue.forget_failures(key),
                Step::Wait(Wake::After(pause), why) => {
                    tracing::debug!(controller = self.controller.name(), %key, why, "waits");
                    self.queue.forget_failures(key);
                    return self.queue.add_after(key.clone(), pause);
                }
                Step::Write(changes) => match self.execute(changes).await {
                    Ok(()) => {
                        stale = 0;
                        (refused, cursor) = (Vec::new(), None);
                    }
                    Err(WriteError::Conflict(_) | WriteError::NotFound(_) | WriteError::AlreadyExists(_))
                        if stale < STALE =>
                    {
                        stale += 1;
                    }
                    Err(error) => return self.failed(key, &error.to_string()),
                },
                Step::Each(changes) => {
                    let asked = changes.len();
                    refused = self.execute_each(changes).await;
                    let nothing = refused.len() == asked;
                    // Once, the plan may make something of it. After that it has to be patient.
                    if nothing && fruitless {
                        return self.failed(key, refused.first().map_or("nothing to do", |(_, why)| why));
                    }
                    fruitless = nothing;
                }
                Step::Walk { changes, upto } => {
                    // A walk comes to an end, however long it is.
                    if cursor.as_ref().is_none_or(|before| *before < upto) {
                        steps = 0;
                    }
                    cursor = Some(upto);
                    refused.extend(self.execute_each(changes).await);
                    refused.truncate(REFUSED);
                }
            }
        }
        tracing::debug!(controller = self.controller.name(), %key, "is not done after {TURN} steps");
        self.queue.add_after(key.clone(), BREATH);
    }

    fn failed(&self, key: &Key, error: &str) {
        self.stats.failed.fetch_add(1, Ordering::Relaxed);
        let pause = self.queue.pause_after_failure(key);
        if pause >= Duration::from_secs(1) {
            tracing::warn!(controller = self.controller.name(), %key, error, "trying again in {pause:?}");
        }
        self.queue.add_after(key.clone(), pause);
    }

    async fn plan(
        &self,
        key: &Key,
        refused: Vec<(Key, String)>,
        cursor: Option<Key>,
    ) -> Result<Step, kcp_storage::Error> {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        let seed = rand::random();
        let mut facts = Facts::new(i64::try_from(now.as_secs()).unwrap_or(i64::MAX), seed)
            .after_refusals(refused)
            .behind(cursor);
        for _ in 0..ROUNDS {
            match self.controller.plan(key, &facts) {
                Ok(step) => return Ok(step),
                Err(_missing) => {
                    let queries: Vec<Query> = facts.take_missing();
                    if queries.is_empty() {
                        break;
                    }
                    for query in queries {
                        let answer = self.reader.read(&query).await?;
                        facts.learn(query, answer);
                    }
                }
            }
        }
        Err(kcp_storage::Error::Read("the plan asks without end".to_owned()))
    }

    /// Makes changes side by side. Gives those that were refused; objects that changed or are gone
    /// meanwhile are none of them.
    async fn execute_each(&self, changes: Vec<Change>) -> Vec<(Key, String)> {
        let one = |change: Change| async move {
            let key = change.key().clone();
            match self.writer.write(self.controller.name(), change).await {
                Ok(_) => {
                    self.stats.written.fetch_add(1, Ordering::Relaxed);
                    None
                }
                Err(WriteError::Conflict(_) | WriteError::NotFound(_) | WriteError::AlreadyExists(_)) => None,
                Err(error @ (WriteError::Refused(_) | WriteError::Unavailable(_))) => {
                    Some((key, error.to_string()))
                }
            }
        };
        stream::iter(changes.into_iter().map(one))
            .buffer_unordered(AT_ONCE)
            .filter_map(std::future::ready)
            .collect()
            .await
    }

    async fn execute(&self, changes: Vec<Change>) -> Result<(), WriteError> {
        for change in changes {
            self.writer.write(self.controller.name(), change).await?;
            self.stats.written.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    }
}

//! The executor: feeds controllers from the log, keeps their queues, reads facts, makes the writes.

use crate::{Answer, Change, Controller, Facts, Query, Reader, Step, Wake, Wakes, WriteError, Writer};
use futures_util::{StreamExt, stream};
use kcp_names::{ClusterName, Revision};
use kcp_storage::{Event, Key, Range, Store};
use parking_lot::Mutex;
use std::{
    collections::{BinaryHeap, HashMap, HashSet, VecDeque},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{sync::Notify, time::Instant};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// Rounds of reading facts that one plan may take. More means that the plan chases its own tail.
const ROUNDS: usize = 100;
/// Objects that may wait in one controller's queue; beyond that it rescans when there is room again.
const QUEUE: usize = 200_000;
/// Changes of one [`Step::Each`] that are made at the same time. They share what one commit costs.
const AT_ONCE: usize = 64;
/// Longest pause between two tries.
const LONGEST: Duration = Duration::from_secs(60);

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
    controller: Arc<dyn Controller>,
    store: Arc<dyn Store>,
    reader: Arc<dyn Reader>,
    writer: Arc<dyn Writer>,
    queue: Arc<Queue>,
    stats: Arc<Stats>,
    options: Options,
}

/// Objects that wait to be planned. Each is in it once; one that is being planned and wakes again is
/// planned again afterwards, never twice at a time.
#[derive(Default)]
struct Queue {
    state: Mutex<QueueState>,
    ready: Notify,
}

#[derive(Default)]
struct QueueState {
    waiting: VecDeque<Key>,
    queued: HashSet<Key>,
    busy: HashSet<Key>,
    again: HashSet<Key>,
    attempts: HashMap<Key, u32>,
    later: BinaryHeap<Later>,
    overflowed: bool,
}

#[derive(PartialEq, Eq)]
struct Later {
    due: Instant,
    key: Key,
}

impl Ord for Later {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        // The heap gives the greatest first, and the earliest is wanted.
        other.due.cmp(&self.due).then_with(|| other.key.cmp(&self.key))
    }
}

impl PartialOrd for Later {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Queue {
    fn add(&self, key: Key) {
        let mut state = self.state.lock();
        if state.busy.contains(&key) {
            state.again.insert(key);
        } else if state.queued.len() >= QUEUE {
            state.overflowed = true;
        } else if state.queued.insert(key.clone()) {
            state.waiting.push_back(key);
            drop(state);
            self.ready.notify_one();
        }
    }

    fn add_after(&self, key: Key, pause: Duration) {
        self.state.lock().later.push(Later { due: Instant::now() + pause, key });
        self.ready.notify_one();
    }

    /// Moves what has become due and gives the next object, or when to look again.
    fn take(&self) -> Result<Key, Option<Instant>> {
        let mut state = self.state.lock();
        let now = Instant::now();
        while state.later.peek().is_some_and(|later| later.due <= now) {
            let Some(later) = state.later.pop() else { break };
            if state.busy.contains(&later.key) {
                state.again.insert(later.key);
            } else if state.queued.insert(later.key.clone()) {
                state.waiting.push_back(later.key);
            }
        }
        match state.waiting.pop_front() {
            Some(key) => {
                state.queued.remove(&key);
                state.busy.insert(key.clone());
                Ok(key)
            }
            None => Err(state.later.peek().map(|later| later.due)),
        }
    }

    fn done(&self, key: &Key) {
        let mut state = self.state.lock();
        state.busy.remove(key);
        if state.again.remove(key) && state.queued.insert(key.clone()) {
            state.waiting.push_back(key.clone());
            drop(state);
            self.ready.notify_one();
        }
    }

    /// How long to wait after one more failure: 5 ms, doubling, at most a minute.
    fn pause_after_failure(&self, key: &Key) -> Duration {
        let mut state = self.state.lock();
        let attempts = state.attempts.entry(key.clone()).or_default();
        *attempts = (*attempts + 1).min(20);
        LONGEST.min(Duration::from_millis(5 << (*attempts - 1)))
    }

    fn forget_failures(&self, key: &Key) {
        self.state.lock().attempts.remove(key);
    }
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
        Self { controller, store, reader, writer, queue: Arc::default(), stats: Arc::default(), options }
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

    /// Follows the log. Starts with a rescan, and rescans when it was too slow.
    async fn feed(self: Arc<Self>, stop: CancellationToken) {
        let ranges = self.controller.watches();
        while !stop.is_cancelled() {
            let mut live = self.store.subscribe();
            let mut position = live.since;
            if let Err(error) = self.rescan(&ranges, &stop).await {
                tracing::warn!(controller = self.controller.name(), %error, "cannot list, trying again");
                tokio::time::sleep(Duration::from_secs(1)).await;
                continue;
            }
            loop {
                let next = tokio::select! {
                    () = stop.cancelled() => return,
                    next = live.next() => next,
                };
                match next {
                    None => return,
                    Some(Err(_missed)) => match self.catch_up(&ranges, position).await {
                        Ok(upto) => position = upto,
                        Err(_compacted) => break,
                    },
                    Some(Ok(events)) => {
                        for event in events.iter().filter(|e| e.revision > position) {
                            if ranges.iter().any(|range| range.contains(&event.key)) {
                                self.see(event).await;
                            }
                        }
                        position = events.last().map_or(position, |e| e.revision.max(position));
                    }
                }
                if std::mem::take(&mut self.queue.state.lock().overflowed) {
                    break;
                }
            }
        }
    }

    async fn catch_up(&self, ranges: &[Range], after: Revision) -> Result<Revision, kcp_storage::Error> {
        let upto = self.store.revision();
        for range in ranges {
            let mut position = after;
            while position < upto {
                let page = self.store.events(range, position, 1000).await?;
                for event in &page.events {
                    self.see(event).await;
                }
                position = page.upto;
            }
        }
        Ok(upto)
    }

    async fn see(&self, event: &Event) {
        let Some(record) = event.record.as_ref().or(event.previous.as_ref()) else { return };
        let mut wakes = Vec::new();
        if self.controller.glance(event, &mut wakes) {
            let object = kcp_apimachinery::value::decode(record.json()).unwrap_or_default();
            self.controller.wakes(event, &object, &mut wakes);
        }
        for wake in wakes {
            match wake {
                Wakes::One(key) => self.queue.add(key),
                Wakes::All(range) => {
                    if let Err(error) = self.wake_all(&range).await {
                        tracing::warn!(controller = self.controller.name(), %error, "cannot list what an event wakes");
                        self.queue.state.lock().overflowed = true;
                    }
                }
                Wakes::Dependents(cluster, uid) => self.wake_dependents(cluster, uid).await,
            }
        }
    }

    async fn wake_dependents(&self, cluster: ClusterName, uid: String) {
        match self.reader.read(&Query::Dependents(cluster, uid)).await {
            Ok(Answer::Keys(keys)) => keys.into_iter().for_each(|key| self.queue.add(key)),
            Ok(Answer::Object(_) | Answer::Objects(..) | Answer::Cluster(_) | Answer::Served(_)) => {}
            Err(error) => {
                tracing::warn!(controller = self.controller.name(), %error, "cannot look up dependents");
                self.queue.state.lock().overflowed = true;
            }
        }
    }

    async fn wake_all(&self, range: &Range) -> Result<(), kcp_storage::Error> {
        let mut after: Option<Key> = None;
        loop {
            let page = self.store.range(range, after.as_ref(), 1000, None).await?;
            after = page.items.last().map(|(key, _)| key.clone());
            page.items.into_iter().for_each(|(key, _)| self.queue.add(key));
            if !page.more {
                return Ok(());
            }
        }
    }

    /// Shows the controller every object there is, as if it had just been created.
    async fn rescan(&self, ranges: &[Range], stop: &CancellationToken) -> Result<(), kcp_storage::Error> {
        for range in ranges {
            let mut after: Option<Key> = None;
            loop {
                let page = self.store.range(range, after.as_ref(), 1000, None).await?;
                after = page.items.last().map(|(key, _)| key.clone());
                for (key, record) in page.items {
                    let event =
                        Event { revision: record.modified, key, record: Some(record), previous: None };
                    self.see(&event).await;
                }
                // A full queue drains before more is listed.
                while self.queue.state.lock().queued.len() > QUEUE / 2 && !stop.is_cancelled() {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                if !page.more || stop.is_cancelled() {
                    break;
                }
            }
        }
        Ok(())
    }

    async fn work(self: Arc<Self>, stop: CancellationToken) {
        loop {
            let ready = self.queue.ready.notified();
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
        let (mut refused, mut fruitless) = (Vec::new(), false);
        for _ in 0..ROUNDS {
            let step = match self.plan(key, std::mem::take(&mut refused)).await {
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
                    Ok(()) => {}
                    Err(WriteError::Conflict(_) | WriteError::NotFound(_) | WriteError::AlreadyExists(_)) => {
                        let pause = self.queue.pause_after_failure(key);
                        return self.queue.add_after(key.clone(), pause);
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
            }
        }
        self.failed(key, "the plan does not come to an end");
    }

    fn failed(&self, key: &Key, error: &str) {
        self.stats.failed.fetch_add(1, Ordering::Relaxed);
        let pause = self.queue.pause_after_failure(key);
        if pause >= Duration::from_secs(1) {
            tracing::warn!(controller = self.controller.name(), %key, error, "trying again in {pause:?}");
        }
        self.queue.add_after(key.clone(), pause);
    }

    async fn plan(&self, key: &Key, refused: Vec<(Key, String)>) -> Result<Step, kcp_storage::Error> {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        let seed = rand::random();
        let mut facts =
            Facts::new(i64::try_from(now.as_secs()).unwrap_or(i64::MAX), seed).after_refusals(refused);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_is_queued_once_and_never_worked_twice_at_a_time() {
        let queue = Queue::default();
        let key = Key {
            resource: kcp_storage::ResourceKey::built_in("", "secrets"),
            cluster: kcp_names::ClusterName::root(),
            namespace: None,
            name: kcp_storage::ObjectName::parse("a").expect("a name"),
        };
        queue.add(key.clone());
        queue.add(key.clone());
        assert_eq!(queue.take(), Ok(key.clone()));
        queue.add(key.clone());
        assert_eq!(queue.take(), Err(None), "it is being worked on");
        queue.done(&key);
        assert_eq!(queue.take(), Ok(key.clone()));
        assert!(queue.pause_after_failure(&key) < queue.pause_after_failure(&key));
    }
}

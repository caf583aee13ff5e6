//! The objects that wait for one controller.

use kcp_storage::Key;
use parking_lot::Mutex;
use std::{
    collections::{BTreeSet, HashMap, HashSet, VecDeque},
    time::Duration,
};
use tokio::{
    sync::{Notify, futures::Notified},
    time::Instant,
};

/// Objects that may wait at the same time; beyond that the controller rescans when there is room again.
pub(crate) const MOST: usize = 200_000;
/// Shortest pause after a failure; each further one is twice as long.
const SHORTEST: Duration = Duration::from_millis(5);
/// Longest pause between two tries.
const LONGEST: Duration = Duration::from_secs(60);

/// Objects that wait to be planned. Each is in it once; one that is being planned and wakes again is
/// planned again afterwards, never twice at a time.
#[derive(Default)]
pub(crate) struct Queue {
    state: Mutex<State>,
    ready: Notify,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Key>,
    queued: HashSet<Key>,
    busy: HashSet<Key>,
    again: HashSet<Key>,
    attempts: HashMap<Key, u32>,
    later: BTreeSet<(Instant, Key)>,
    due: HashMap<Key, Instant>,
    overflowed: bool,
}

impl State {
    fn enqueue(&mut self, key: Key) -> bool {
        if self.busy.contains(&key) {
            self.again.insert(key);
            return false;
        }
        if self.queued.len() >= MOST {
            self.overflowed = true;
            return false;
        }
        let new = self.queued.insert(key.clone());
        if new {
            self.waiting.push_back(key);
        }
        new
    }

    fn forget_due(&mut self, key: &Key) {
        if let Some(due) = self.due.remove(key) {
            self.later.remove(&(due, key.clone()));
        }
    }
}

impl Queue {
    /// Adds an object.
    pub(crate) fn add(&self, key: Key) {
        if self.state.lock().enqueue(key) {
            self.ready.notify_one();
        }
    }

    /// Adds an object when a pause is over, or at an earlier time that was asked for before.
    pub(crate) fn add_after(&self, key: Key, pause: Duration) {
        let mut state = self.state.lock();
        let due = Instant::now() + pause;
        if state.due.get(&key).is_some_and(|before| *before <= due) {
            return;
        }
        if state.due.len() >= MOST && !state.due.contains_key(&key) {
            state.overflowed = true;
            return;
        }
        state.forget_due(&key);
        state.due.insert(key.clone(), due);
        state.later.insert((due, key));
        let is_next = state.later.first().is_some_and(|(first, _)| *first == due);
        drop(state);
        if is_next {
            self.ready.notify_one();
        }
    }

    /// Moves what has become due and gives the next object, or when to look again.
    pub(crate) fn take(&self) -> Result<Key, Option<Instant>> {
        let mut state = self.state.lock();
        let now = Instant::now();
        while state.later.first().is_some_and(|(due, _)| *due <= now) {
            let Some((_, key)) = state.later.pop_first() else { break };
            state.due.remove(&key);
            state.enqueue(key);
        }
        match state.waiting.pop_front() {
            Some(key) => {
                state.queued.remove(&key);
                // Whatever it waits for, it is looked at now.
                state.forget_due(&key);
                state.busy.insert(key.clone());
                // Whoever waits for the next one is told, because this wakeup may have been for several.
                if !state.waiting.is_empty() {
                    self.ready.notify_one();
                }
                Ok(key)
            }
            None => Err(state.later.first().map(|(due, _)| *due)),
        }
    }

    /// An object that was taken has been worked on.
    pub(crate) fn done(&self, key: &Key) {
        let mut state = self.state.lock();
        state.busy.remove(key);
        if state.again.remove(key) && state.enqueue(key.clone()) {
            drop(state);
            self.ready.notify_one();
        }
    }

    /// How long to wait after one more failure.
    pub(crate) fn pause_after_failure(&self, key: &Key) -> Duration {
        let mut state = self.state.lock();
        let attempts = state.attempts.entry(key.clone()).or_default();
        *attempts = (*attempts + 1).min(20);
        LONGEST.min(SHORTEST * (1 << (*attempts - 1)))
    }

    pub(crate) fn forget_failures(&self, key: &Key) {
        self.state.lock().attempts.remove(key);
    }

    /// Somebody was not seen: everything has to be looked at again.
    pub(crate) fn overflow(&self) {
        self.state.lock().overflowed = true;
    }

    /// Whether everything has to be looked at again; asked once.
    pub(crate) fn take_overflow(&self) -> bool {
        std::mem::take(&mut self.state.lock().overflowed)
    }

    /// Whether more objects wait than one should add to.
    pub(crate) fn is_filling(&self) -> bool {
        self.state.lock().queued.len() > MOST / 2
    }

    /// Resolves when there may be something to take. To be made before one looks.
    pub(crate) fn ready(&self) -> Notified<'_> {
        self.ready.notified()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(name: &str) -> Key {
        Key {
            resource: kcp_storage::ResourceKey::built_in("", "secrets"),
            cluster: kcp_names::ClusterName::root(),
            namespace: None,
            name: kcp_storage::ObjectName::parse(name).expect("a name"),
        }
    }

    #[test]
    fn an_object_is_queued_once_and_never_worked_twice_at_a_time() {
        let (queue, key) = (Queue::default(), key("a"));
        queue.add(key.clone());
        queue.add(key.clone());
        assert_eq!(queue.take(), Ok(key.clone()));
        queue.add(key.clone());
        assert_eq!(queue.take(), Err(None), "it is being worked on");
        queue.done(&key);
        assert_eq!(queue.take(), Ok(key.clone()));
        assert!(queue.pause_after_failure(&key) < queue.pause_after_failure(&key));
    }

    #[tokio::test(start_paused = true)]
    async fn an_object_is_due_once_at_the_earliest_time_that_was_asked_for() {
        let (queue, one, other) = (Queue::default(), key("one"), key("other"));
        let at = |seconds| Instant::now() + Duration::from_secs(seconds);
        for seconds in [5, 3, 8] {
            queue.add_after(one.clone(), Duration::from_secs(seconds));
        }
        queue.add_after(other.clone(), Duration::from_secs(4));
        assert_eq!(queue.take(), Err(Some(at(3))));
        tokio::time::advance(Duration::from_secs(3)).await;
        assert_eq!(queue.take(), Ok(one.clone()));
        queue.done(&one);
        assert_eq!(queue.take(), Err(Some(at(1))), "only the other one waits");
        queue.add(other.clone());
        assert_eq!(queue.take(), Ok(other.clone()));
        queue.done(&other);
        assert_eq!(queue.take(), Err(None), "what was looked at need not be looked at again");
    }
}

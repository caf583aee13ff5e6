//! The store in memory: the model that the others are compared with, and the store of unit tests.
//!
//! It holds the live objects and every event since the last compaction. A read at an older revision
//! undoes the events that came later. Nothing here is fast for millions of objects, and all of it is
//! short enough to be believed.

use crate::clock::{Clock, SystemClock};
use crate::hub::{Capacity, Hub};
use crate::{
    Batch, BoxFuture, Change, Error, Event, EventPage, Events, Header, Key, NOTE_LIMIT, Outcome, Page, Range,
    Record, Store, Subscription, Write, check_batch, check_transaction,
};
use bytes::Bytes;
use kcp_names::{ClusterName, Revision};
use parking_lot::Mutex;
use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    ops::Bound,
    sync::Arc,
};

/// Events that are kept when nobody compacts.
const HISTORY: usize = 100_000;

/// A [`Store`] that is gone with the process.
pub struct MemoryStore {
    state: Mutex<State>,
    hub: Hub,
    clock: Arc<dyn Clock>,
}

#[derive(Default)]
struct State {
    revision: Revision,
    /// The oldest revision that can be read.
    oldest: Revision,
    live: BTreeMap<Key, Record>,
    /// Every event after `oldest`.
    history: VecDeque<Arc<Event>>,
    /// When objects expire, and which.
    due: BTreeSet<(u64, Key)>,
    notes: BTreeMap<String, Bytes>,
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new(Arc::new(SystemClock), Capacity::default())
    }
}

impl MemoryStore {
    /// An empty store. Objects expire by `clock`, whenever the store is asked something or
    /// [`MemoryStore::expire`] is called.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>, capacity: Capacity) -> Self {
        let state = State { revision: Revision(1), oldest: Revision(1), ..State::default() };
        Self { hub: Hub::new(state.revision, capacity), state: Mutex::new(state), clock }
    }

    /// Removes what has expired.
    pub fn expire(&self) {
        drop(self.now());
    }

    /// Ends all subscriptions.
    pub fn close(&self) {
        self.hub.close();
    }

    /// The state without what has expired.
    fn now(&self) -> parking_lot::MutexGuard<'_, State> {
        let mut state = self.state.lock();
        let mut events = Vec::new();
        while let Some(key) = state.expired(self.clock.now()) {
            events.push(state.make(&key, None).0);
        }
        self.hub.publish(events.into());
        state
    }

    /// Runs a write and tells the subscribers, all under one lock so that they hear it in order.
    fn write<T>(&self, run: impl FnOnce(&mut State, &mut Vec<Arc<Event>>) -> T) -> T {
        let mut state = self.now();
        let mut events = Vec::new();
        let answer = run(&mut state, &mut events);
        self.hub.publish(Events::from(events));
        answer
    }
}

impl State {
    fn expired(&self, now: u64) -> Option<Key> {
        self.due.first().filter(|(due, _)| *due <= now).map(|(_, key)| key.clone())
    }

    /// Why a write would be refused, if it would.
    fn refuse(&self, write: &Write) -> Option<Outcome> {
        let found = |key: &Key| self.live.get(key).map(|record| (record.created, record.is_closed()));
        if let Some(broken) = write.requires.iter().find(|require| !require.holds(found(&require.key))) {
            return Some(Outcome::Fenced { key: broken.key.clone() });
        }
        let current = self.live.get(&write.key);
        let allowed = write.expect.allows(&write.change, current.map(|record| record.modified));
        (!allowed).then(|| Outcome::Conflict { current: current.cloned() })
    }

    /// Makes a change that was not refused.
    fn commit(&mut self, write: &Write, events: &mut Vec<Arc<Event>>) -> Outcome {
        let value = match &write.change {
            Change::Put(value) => Some(value.clone()),
            Change::Delete => None,
        };
        let (event, outcome) = self.make(&write.key, value);
        events.push(event);
        outcome
    }

    fn make(&mut self, key: &Key, value: Option<Bytes>) -> (Arc<Event>, Outcome) {
        let revision = self.revision.next();
        let previous = self.live.remove(key);
        let created = previous.as_ref().map_or(revision, |record| record.created);
        let record = value.map(|value| Record { value, created, modified: revision });
        if let Some(due) = previous.as_ref().and_then(expires) {
            self.due.remove(&(due, key.clone()));
        }
        if let Some(due) = record.as_ref().and_then(expires) {
            self.due.insert((due, key.clone()));
        }
        if let Some(record) = &record {
            self.live.insert(key.clone(), record.clone());
        }
        self.revision = revision;
        let event = Arc::new(Event { revision, key: key.clone(), record, previous: previous.clone() });
        self.history.push_back(Arc::clone(&event));
        if self.history.len() > HISTORY {
            self.compact(self.revision.0 - HISTORY as u64);
        }
        (event, Outcome::Committed { revision, previous })
    }

    fn compact(&mut self, oldest: u64) {
        self.oldest = self.oldest.max(Revision(oldest));
        while self.history.front().is_some_and(|event| event.revision <= self.oldest) {
            self.history.pop_front();
        }
    }

    /// Refuses revisions that are forgotten or not there yet.
    fn readable(&self, revision: Revision) -> Result<(), Error> {
        if revision > self.revision {
            return Err(Error::Future { asked: revision, newest: self.revision });
        }
        if revision < self.oldest {
            return Err(Error::Compacted { oldest: self.oldest });
        }
        Ok(())
    }

    /// What stood at `revision` where something else stands now.
    fn undone(&self, range: &Range, revision: Revision) -> BTreeMap<Key, Option<Record>> {
        let later = self.history.iter().rev().take_while(|event| event.revision > revision);
        later
            .filter(|event| range.contains(&event.key))
            .map(|event| (event.key.clone(), event.previous.clone()))
            .collect()
    }

    fn page(&self, range: &Range, after: Option<&Key>, limit: usize, revision: Revision) -> Page {
        let undone = self.undone(range, revision);
        let begin = after.map_or(Bound::Unbounded, |key| Bound::Excluded(key.clone()));
        let still = self
            .live
            .range((begin.clone(), Bound::Unbounded))
            .filter(|(key, _)| range.contains(key) && !undone.contains_key(key));
        let before = undone
            .range((begin, Bound::Unbounded))
            .filter_map(|(key, record)| record.as_ref().map(|record| (key, record)));
        let both: BTreeMap<_, _> = still.chain(before).collect();
        let items = both.iter().take(limit).map(|(key, record)| ((*key).clone(), (*record).clone()));
        Page { items: items.collect(), more: both.len() > limit, revision }
    }

    fn events(&self, range: &Range, after: Revision, limit: usize) -> EventPage {
        let from = self.history.partition_point(|event| event.revision <= after);
        let later = self.history.range(from..).filter(|event| range.contains(&event.key));
        let mut events: Vec<_> = later.take(limit.saturating_add(1)).cloned().collect();
        let more = events.len() > limit;
        events.truncate(limit);
        let last = events.last().map_or(after, |event| event.revision);
        EventPage { upto: if more { last } else { self.revision }, events }
    }
}

/// When a record expires, if it does.
fn expires(record: &Record) -> Option<u64> {
    Some(Header::peek(&record.value).1).filter(|due| *due != 0)
}

/// A future of what is known already.
fn ready<'a, T: Send + 'a>(value: T) -> BoxFuture<'a, T> {
    Box::pin(std::future::ready(value))
}

impl Store for MemoryStore {
    fn revision(&self) -> Revision {
        self.now().revision
    }

    fn get<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, Result<Option<Record>, Error>> {
        ready(Ok(self.now().live.get(key).cloned()))
    }

    fn range<'a>(
        &'a self,
        range: &'a Range,
        after: Option<&'a Key>,
        limit: usize,
        at: Option<Revision>,
    ) -> BoxFuture<'a, Result<Page, Error>> {
        let state = self.now();
        let revision = at.unwrap_or(state.revision);
        ready(state.readable(revision).map(|()| state.page(range, after, limit, revision)))
    }

    fn count<'a>(&'a self, range: &'a Range) -> BoxFuture<'a, Result<u64, Error>> {
        ready(Ok(self.now().live.keys().filter(|key| range.contains(key)).count() as u64))
    }

    fn cluster_keys<'a>(
        &'a self,
        cluster: &'a ClusterName,
        after: Option<&'a Key>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<Key>, Error>> {
        let begin = after.map_or(Bound::Unbounded, Bound::Excluded);
        let state = self.now();
        let keys = state.live.range((begin, Bound::Unbounded)).map(|(key, _)| key);
        ready(Ok(keys.filter(|key| key.cluster == *cluster).take(limit).cloned().collect()))
    }

    fn commit(&self, batch: Batch) -> BoxFuture<'_, Result<Vec<Outcome>, Error>> {
        ready(check_batch(&batch).map(|()| {
            self.write(|state, events| {
                let one = |write: &Write| state.refuse(write).unwrap_or_else(|| state.commit(write, events));
                batch.iter().map(one).collect()
            })
        }))
    }

    fn transact(&self, batch: Batch) -> BoxFuture<'_, Result<Vec<Outcome>, Error>> {
        ready(check_transaction(&batch).map(|()| {
            self.write(|state, events| {
                let refused: Vec<_> = batch.iter().map(|write| state.refuse(write)).collect();
                if refused.iter().any(Option::is_some) {
                    return refused.into_iter().map(|why| why.unwrap_or(Outcome::Skipped)).collect();
                }
                batch.iter().map(|write| state.commit(write, events)).collect()
            })
        }))
    }

    fn events<'a>(
        &'a self,
        range: &'a Range,
        after: Revision,
        limit: usize,
    ) -> BoxFuture<'a, Result<EventPage, Error>> {
        let state = self.now();
        ready(state.readable(after).map(|()| state.events(range, after, limit)))
    }

    fn subscribe(&self) -> Subscription {
        let _state = self.now(); // no write is under way between its revision and its events
        self.hub.subscribe()
    }

    fn compact(&self, revision: Revision) -> BoxFuture<'_, Result<(), Error>> {
        let mut state = self.now();
        let newest = state.revision;
        if revision > newest {
            return ready(Err(Error::Future { asked: revision, newest }));
        }
        state.compact(revision.0);
        ready(Ok(()))
    }

    fn note<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Option<Bytes>, Error>> {
        ready(Ok(self.now().notes.get(name).cloned()))
    }

    fn set_note<'a>(&'a self, name: &'a str, value: Option<Bytes>) -> BoxFuture<'a, Result<(), Error>> {
        let mut state = self.now();
        ready(match value {
            Some(value) if value.len() > NOTE_LIMIT => {
                Err(Error::TooLarge { size: value.len(), limit: NOTE_LIMIT })
            }
            Some(value) => {
                state.notes.insert(name.to_owned(), value);
                Ok(())
            }
            None => {
                state.notes.remove(name);
                Ok(())
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{clock::ManualClock, conformance};
    use proptest::prelude::*;

    fn store(clock: Arc<ManualClock>) -> Arc<dyn Store> {
        Arc::new(MemoryStore::new(clock, Capacity::default()))
    }

    #[tokio::test]
    async fn it_keeps_every_promise() {
        for check in conformance::CHECKS {
            println!("{}", check.name);
            let clock = Arc::new(ManualClock::default());
            check.run(store(Arc::clone(&clock)), clock).await;
        }
    }

    proptest! {
        #[test]
        fn two_of_them_answer_alike(script in conformance::model::script(30)) {
            let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
            let make = || store(Arc::new(ManualClock::default()));
            runtime.block_on(conformance::model::compare(make(), make(), |store| store, &script));
        }
    }
}

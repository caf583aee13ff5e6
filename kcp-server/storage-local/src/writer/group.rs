//! Deciding what a group of requests changes: pure, on top of a view of the engine.

use super::queue::{Answer, Prepared, Request};
use crate::{
    engine::{EngineError, Rows, View},
    log::{Entry, Logged},
    rows::{Draft, Live},
};
use bytes::Bytes;
use kcp_names::Revision;
use kcp_storage::{Error, Event, Events, Outcome, Record};
use std::sync::Arc;

/// Bytes of values in one frame of the log, about. A batch that has more becomes several.
const FRAME_BYTES: usize = 8 << 20;

/// What a group of requests comes to.
pub(crate) struct Group<'a> {
    draft: Draft<'a>,
    revision: Revision,
    oldest: Revision,
    entries: Vec<Entry>,
    events: Vec<Events>,
}

/// A group that has been decided.
pub(crate) struct Decided {
    pub(crate) rows: Rows,
    /// For the log.
    pub(crate) entries: Vec<Entry>,
    /// For the subscribers, one for each batch.
    pub(crate) events: Vec<Events>,
    pub(crate) revision: Revision,
    pub(crate) oldest: Revision,
}

impl<'a> Group<'a> {
    /// A group on top of what `view` shows.
    pub(crate) fn new(view: &'a View, revision: Revision, oldest: Revision) -> Self {
        Self { draft: Draft::new(view), revision, oldest, entries: Vec::new(), events: Vec::new() }
    }

    /// Decides one request, on top of those before.
    ///
    /// # Errors
    /// The engine cannot be read.
    pub(crate) fn add(&mut self, request: Request) -> Result<Answer, EngineError> {
        match request {
            Request::Commit(writes) => self.commit(writes).map(Ok),
            Request::Transact(writes) => self.transact(writes).map(Ok),
            Request::Note(name, value) => {
                self.entry(Entry::Note { name, value })?;
                Ok(Ok(Vec::new()))
            }
            Request::Compact(revision) if revision > self.revision => {
                Ok(Err(Error::Future { asked: revision, newest: self.revision }))
            }
            Request::Compact(revision) if revision <= self.oldest => Ok(Ok(Vec::new())),
            Request::Compact(revision) => {
                self.oldest = revision;
                self.entry(Entry::Compaction(revision))?;
                Ok(Ok(Vec::new()))
            }
        }
    }

    pub(crate) fn decided(self) -> Decided {
        let Self { draft, revision, oldest, entries, events } = self;
        Decided { rows: draft.rows, entries, events, revision, oldest }
    }

    fn entry(&mut self, entry: Entry) -> Result<(), EngineError> {
        self.draft.add(&entry, self.revision)?;
        self.entries.push(entry);
        Ok(())
    }

    fn commit(&mut self, writes: Vec<Prepared>) -> Result<Vec<Outcome>, EngineError> {
        let mut outcomes = Vec::with_capacity(writes.len());
        let mut batch = Batch::new(self.revision);
        for write in writes {
            match self.refuse(&write)? {
                Some(refused) => outcomes.push(refused),
                None => outcomes.push(self.make(write, &mut batch)?),
            }
            if batch.bytes > FRAME_BYTES {
                self.end(std::mem::replace(&mut batch, Batch::new(self.revision)));
            }
        }
        self.end(batch);
        Ok(outcomes)
    }

    fn transact(&mut self, writes: Vec<Prepared>) -> Result<Vec<Outcome>, EngineError> {
        let refused: Vec<_> = writes.iter().map(|write| self.refuse(write)).collect::<Result<_, _>>()?;
        if refused.iter().any(Option::is_some) {
            return Ok(refused.into_iter().map(|why| why.unwrap_or(Outcome::Skipped)).collect());
        }
        let mut batch = Batch::new(self.revision);
        let outcomes = writes.into_iter().map(|write| self.make(write, &mut batch)).collect();
        self.end(batch);
        outcomes
    }

    /// Why a write is refused, if it is.
    fn refuse(&mut self, write: &Prepared) -> Result<Option<Outcome>, EngineError> {
        for (require, key) in write.write.requires.iter().zip(&write.requires) {
            let found = self.draft.live(key)?.map(|live| (live.created, live.peek().0));
            if !require.holds(found) {
                return Ok(Some(Outcome::Fenced { key: require.key.clone() }));
            }
        }
        let current = self.draft.live(&write.key)?;
        if write.write.expect.allows(&write.write.change, current.map(|live| live.modified)) {
            return Ok(None);
        }
        Ok(Some(Outcome::Conflict { current: current.map(Live::record).transpose()? }))
    }

    /// Makes a change that is not refused.
    fn make(&mut self, write: Prepared, batch: &mut Batch) -> Result<Outcome, EngineError> {
        let revision = self.revision.next();
        let created = self.draft.live(&write.key)?.map_or(revision, |live| live.created);
        batch.bytes += write.packed.as_ref().map_or(0, Bytes::len) + write.key.len();
        let change = Logged { key: write.key, put: write.packed.map(|packed| (created, packed)) };
        let previous = self.draft.change(&change, revision)?.as_ref().map(Live::record).transpose()?;
        let record = match write.write.change {
            kcp_storage::Change::Put(value) => Some(Record { value, created, modified: revision }),
            kcp_storage::Change::Delete => None,
        };
        self.revision = revision;
        batch.changes.push(change);
        let event = Event { revision, key: write.write.key, record, previous: previous.clone() };
        batch.events.push(Arc::new(event));
        Ok(Outcome::Committed { revision, previous })
    }

    fn end(&mut self, batch: Batch) {
        if !batch.changes.is_empty() {
            self.entries.push(Entry::Changes { first: batch.first, changes: batch.changes });
            self.events.push(batch.events.into());
        }
    }
}

/// Changes that go into one frame.
struct Batch {
    first: Revision,
    changes: Vec<Logged>,
    events: Vec<Arc<Event>>,
    bytes: usize,
}

impl Batch {
    fn new(newest: Revision) -> Self {
        Self { first: newest.next(), changes: Vec::new(), events: Vec::new(), bytes: 0 }
    }
}

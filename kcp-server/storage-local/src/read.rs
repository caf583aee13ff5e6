//! Reads: objects, lists at any revision that is kept, and events.
//!
//! An `h` row holds what its key was before a change. So a key's state at a revision is in its first
//! `h` row after that, and if there is none, in its `c` row.

use crate::{
    codec::{self, Span},
    engine::{EngineError, View, behind_prefix},
    rows::{self, Applied, Live},
    shared::Shared,
};
use bytes::Bytes;
use kcp_names::{ClusterName, Revision};
use kcp_storage::{Error, Event, EventPage, Key, Page, Range, Record};
use std::{iter::Peekable, ops::Bound, sync::Arc};

/// Events that one call looks through, at most.
const EVENTS_AT_ONCE: usize = 20_000;
/// Bytes of objects in the events of one call, about: objects can be large, and readers many.
const EVENT_BYTES: usize = 1 << 20;

type Row = Result<(Bytes, Bytes), EngineError>;
type Found = Result<(Bytes, Live), EngineError>;

impl Shared {
    pub(crate) fn get(&self, key: &Key) -> Result<Option<Record>, Error> {
        let row = self.engine.view().get(&rows::row(rows::LIVE, &[&codec::spell(key)]))?;
        Ok(row.map(|row| Live::read(&row)?.record()).transpose()?)
    }

    pub(crate) fn note(&self, name: &str) -> Result<Option<Bytes>, Error> {
        let value = self.engine.view().get(&rows::row(rows::NOTE, &[name.as_bytes()]))?;
        Ok(value.map(|value| Bytes::copy_from_slice(&value)))
    }

    pub(crate) fn range(
        &self,
        range: &Range,
        after: Option<&Key>,
        limit: usize,
        at: Option<Revision>,
    ) -> Result<Page, Error> {
        let view = self.engine.view();
        let newest = self.newest(&view)?;
        let revision = at.unwrap_or(newest);
        self.readable(revision, newest, at.is_some())?;
        let past = (revision < newest).then_some(revision);
        let after = after.map(codec::spell);
        let (mut page, mut reader) = (Page { revision, ..Page::default() }, codec::Reader::default());
        for found in Walk::new(&view, Span::of(range), after, past) {
            if page.items.len() == limit {
                page.more = true;
                break;
            }
            let (key, live) = found?;
            page.items.push((reader.read(&key).map_err(bad_key)?, live.record()?));
        }
        Ok(page)
    }

    pub(crate) fn count(&self, range: &Range) -> Result<u64, Error> {
        let view = self.engine.view();
        Walk::new(&view, Span::of(range), None, None)
            .try_fold(0, |count, found| Ok(found.map(|_| count + 1)?))
    }

    pub(crate) fn cluster_keys(
        &self,
        cluster: &ClusterName,
        after: Option<&Key>,
        limit: usize,
    ) -> Result<Vec<Key>, Error> {
        let view = self.engine.view();
        let prefix = rows::row(rows::CLUSTER, &[cluster.as_str().as_bytes(), &[0]]);
        let after_row = after
            .filter(|after| after.cluster == *cluster)
            .and_then(|after| rows::cluster_row(&codec::spell(after)));
        let from = after_row.map_or(Bound::Included(prefix.clone()), Bound::Excluded);
        let (mut keys, mut reader) = (Vec::new(), codec::Reader::default());
        for row in view.scan(from, behind_prefix(&prefix)) {
            if keys.len() == limit {
                break;
            }
            let spelt = rows::read_cluster_row(&row?.0).ok_or_else(|| bad_key(codec::BadKey))?;
            let key = reader.read(&spelt).map_err(bad_key)?;
            // Behind a key of another logical cluster, rows do not say where to begin.
            if after.is_none_or(|after| key > *after) {
                keys.push(key);
            }
        }
        Ok(keys)
    }

    pub(crate) fn events(&self, range: &Range, after: Revision, limit: usize) -> Result<EventPage, Error> {
        let view = self.engine.view();
        let newest = self.newest(&view)?;
        self.readable(after, newest, true)?;
        let (span, mut reader) = (Span::of(range), codec::Reader::default());
        let mut page = EventPage { events: Vec::new(), upto: after };
        let mut bytes = 0;
        let from = Bound::Included(rows::event_row(after.next()));
        for (row, number) in view.scan(from, behind_prefix(&[rows::EVENT])).zip(1..) {
            let (row, value) = row?;
            let Some((revision, put, spelt)) = rows::read_event_row(&row, &value) else {
                return Err(Error::Read("a stored event is damaged".into()));
            };
            if span.contains(&spelt) {
                if page.events.len() == limit || bytes > EVENT_BYTES {
                    return Ok(page);
                }
                let key = reader.read(&spelt).map_err(bad_key)?;
                let event = event(&view, revision, put, &spelt, key)?;
                bytes += event.bytes();
                page.events.push(Arc::new(event));
            }
            page.upto = revision;
            if number == EVENTS_AT_ONCE {
                return Ok(page);
            }
        }
        page.upto = newest;
        Ok(page)
    }

    /// The newest revision that a view shows.
    pub(crate) fn newest(&self, view: &View) -> Result<Revision, EngineError> {
        Ok(Applied::read(view)?.map_or(crate::FIRST, |applied| applied.revision))
    }

    /// Refuses revisions that are forgotten or not there yet.
    pub(crate) fn readable(&self, revision: Revision, newest: Revision, past: bool) -> Result<(), Error> {
        if revision > newest {
            return Err(Error::Future { asked: revision, newest });
        }
        let oldest = self.oldest();
        if past && revision < oldest { Err(Error::Compacted { oldest }) } else { Ok(()) }
    }
}

/// The event of a change.
fn event(view: &View, revision: Revision, put: bool, spelt: &[u8], key: Key) -> Result<Event, EngineError> {
    let before = view.get(&rows::history_row(spelt, revision))?;
    let Some(before) = before else {
        return Err(EngineError::new(format_args!("history of revision {revision} is damaged")));
    };
    let previous = read_past(&before)?.map(|live| live.record()).transpose()?;
    let record = match put {
        true => state_at(view, spelt, revision)?.map(|live| live.record()).transpose()?,
        false => None,
    };
    Ok(Event { revision, key, record, previous })
}

/// What a key was after the change of a revision.
fn state_at(view: &View, spelt: &[u8], revision: Revision) -> Result<Option<Live>, EngineError> {
    let from = Bound::Included(rows::history_row(spelt, revision.next()));
    let to = Bound::Included(rows::history_row(spelt, Revision(u64::MAX)));
    match view.scan(from, to).next().transpose()? {
        Some((_, past)) => read_past(&past),
        None => view.get(&rows::row(rows::LIVE, &[spelt]))?.as_ref().map(Live::read).transpose(),
    }
}

/// Reads the value of an `h` row.
fn read_past(value: &Bytes) -> Result<Option<Live>, EngineError> {
    if value.is_empty() { Ok(None) } else { Live::read(value).map(Some) }
}

/// The objects of a span, in order.
pub(crate) struct Walk<'a> {
    view: &'a View,
    after: Option<Vec<u8>>,
    past: Option<Revision>,
    found: Box<dyn Iterator<Item = Found>>,
    /// For a span of every identity: what is left of it, and where the next identity begins.
    rest: Option<(Vec<u8>, codec::Tail, Bound<Vec<u8>>)>,
}

impl<'a> Walk<'a> {
    /// The objects of `span` behind the spelt key `after`, as they were at `past`, or are.
    pub(crate) fn new(view: &'a View, span: Span, after: Option<Vec<u8>>, past: Option<Revision>) -> Self {
        let mut walk = Self { view, after, past, found: Box::new(std::iter::empty()), rest: None };
        match span {
            Span::EveryIdentity(head, tail) => {
                let from = Bound::Included(head.clone());
                walk.rest = Some((head, tail, from));
            }
            span @ (Span::Prefix(_) | Span::One(_)) => walk.found = walk.span(span),
        }
        walk
    }

    /// The objects of a span of one identity.
    fn span(&self, span: Span) -> Box<dyn Iterator<Item = Found>> {
        match span {
            Span::One(key) => {
                let behind = self.after.as_ref().is_none_or(|after| key > *after);
                let live = match self.past {
                    _ if !behind => Ok(None),
                    None => state_at(self.view, &key, Revision(u64::MAX - 1)),
                    Some(revision) => state_at(self.view, &key, revision),
                };
                Box::new(live.transpose().into_iter().map(move |live| Ok((Bytes::from(key.clone()), live?))))
            }
            Span::Prefix(prefix) => self.prefix(&prefix),
            // Split by its owner.
            Span::EveryIdentity(..) => Box::new(std::iter::empty()),
        }
    }

    fn prefix(&self, prefix: &[u8]) -> Box<dyn Iterator<Item = Found>> {
        let after = self.after.as_ref().filter(|after| after.as_slice() >= prefix);
        let live = row_bounds(rows::LIVE, prefix, after.map(|after| vec![&after[..]]));
        let live = self.view.scan(live.0, live.1);
        let Some(revision) = self.past else {
            return Box::new(
                live.map(|row| row.and_then(|(key, value)| Ok((key.slice(1..), Live::read(&value)?)))),
            );
        };
        let end = [u8::MAX; 8];
        let past = row_bounds(rows::HISTORY, prefix, after.map(|after| vec![&after[..], &[0], &end]));
        let past: Box<dyn Iterator<Item = Row>> = Box::new(self.view.scan(past.0, past.1));
        let live: Box<dyn Iterator<Item = Row>> = Box::new(live);
        Box::new(Past { live: live.peekable(), history: past.peekable(), revision })
    }

    /// Goes on with the next identity, if there is one.
    fn next_identity(&mut self) -> Result<bool, EngineError> {
        let Some((head, tail, from)) = self.rest.take() else { return Ok(false) };
        let mut first: Option<Bytes> = None;
        let kinds: &[u8] = if self.past.is_some() { &[rows::LIVE, rows::HISTORY] } else { &[rows::LIVE] };
        for &kind in kinds {
            let row = |bytes: Vec<u8>| rows::row(kind, &[&bytes]);
            let end = behind_prefix(&rows::row(kind, &[&head]));
            if let Some(found) = self.view.scan(from.clone().map(row), end).next() {
                let key = found?.0.slice(1..);
                first = Some(first.map_or(key.clone(), |first| first.min(key)));
            }
        }
        let Some(first) = first else { return Ok(false) };
        let length = codec::resource_length(&first).map_err(EngineError::new)?;
        let resource = &first[..length];
        self.found = self.span(tail.behind(resource));
        let next = match behind_prefix(resource) {
            Bound::Excluded(end) => Bound::Included(end),
            Bound::Included(_) | Bound::Unbounded => return Ok(true),
        };
        self.rest = Some((head, tail, next));
        Ok(true)
    }
}

/// The rows of a kind whose keys begin with `prefix`, behind the row `after`.
fn row_bounds(kind: u8, prefix: &[u8], after: Option<Vec<&[u8]>>) -> (Bound<Vec<u8>>, Bound<Vec<u8>>) {
    let all = rows::row(kind, &[prefix]);
    let end = behind_prefix(&all);
    (after.map_or(Bound::Included(all), |after| Bound::Excluded(rows::row(kind, &after))), end)
}

impl Iterator for Walk<'_> {
    type Item = Found;

    fn next(&mut self) -> Option<Found> {
        loop {
            if let Some(found) = self.found.next() {
                return Some(found);
            }
            match self.next_identity() {
                Ok(true) => {}
                Ok(false) => return None,
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

/// Live objects and history, side by side in the order of keys: what was there at `revision`.
struct Past {
    live: Peekable<Box<dyn Iterator<Item = Row>>>,
    history: Peekable<Box<dyn Iterator<Item = Row>>>,
    revision: Revision,
}

impl Past {
    /// The next object, or that there is none at the next key.
    fn step(&mut self) -> Result<Option<Option<(Bytes, Live)>>, EngineError> {
        let live = peek(&mut self.live)?.map(|row| row.slice(1..));
        let past = match peek(&mut self.history)? {
            Some(row) => Some(key_of_history(&row)?),
            None => None,
        };
        match (live, past) {
            (None, None) => Ok(None),
            (Some(key), past) if past.as_ref().is_none_or(|past| key < *past) => Ok(Some(self.take_live()?)),
            (live, Some(key)) => {
                let before = self.undo(&key)?;
                let live = if live.as_ref() == Some(&key) { self.take_live()? } else { None };
                Ok(Some(match before {
                    Some(before) => before.map(|before| (key, before)),
                    None => live,
                }))
            }
            (Some(_), None) => Ok(Some(self.take_live()?)),
        }
    }

    fn take_live(&mut self) -> Result<Option<(Bytes, Live)>, EngineError> {
        let row = self.live.next().transpose()?;
        row.map(|(row, value)| Ok((row.slice(1..), Live::read(&value)?))).transpose()
    }

    /// Passes over the history of a key; what it was before its first change after `revision`.
    fn undo(&mut self, key: &Bytes) -> Result<Option<Option<Live>>, EngineError> {
        let mut before = None;
        while let Some(row) = peek(&mut self.history)?
            && key_of_history(&row)? == *key
        {
            let Some((row, value)) = self.history.next().transpose()? else { break };
            let later = rows::read_history_row(&row).is_some_and(|(_, revision)| revision > self.revision);
            if later && before.is_none() {
                before = Some(read_past(&value)?);
            }
        }
        Ok(before)
    }
}

impl Iterator for Past {
    type Item = Found;

    fn next(&mut self) -> Option<Found> {
        loop {
            match self.step() {
                Ok(None) => return None,
                Ok(Some(None)) => {}
                Ok(Some(Some(found))) => return Some(Ok(found)),
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

fn peek(rows: &mut Peekable<Box<dyn Iterator<Item = Row>>>) -> Result<Option<Bytes>, EngineError> {
    match rows.peek() {
        None => Ok(None),
        Some(Ok((row, _))) => Ok(Some(row.clone())),
        Some(Err(error)) => Err(error.clone()),
    }
}

fn key_of_history(row: &Bytes) -> Result<Bytes, EngineError> {
    let (key, _) = rows::read_history_row(row).ok_or_else(|| EngineError::new(codec::BadKey))?;
    Ok(row.slice_ref(key))
}

fn bad_key(error: codec::BadKey) -> Error {
    Error::Read(error.to_string())
}

impl From<EngineError> for Error {
    fn from(error: EngineError) -> Self {
        Self::Read(error.to_string())
    }
}

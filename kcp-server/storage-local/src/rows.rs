//! Which rows the engine has for what the log says.
//!
//! The first byte of a row's key says what it is:
//!
//! | | key | value |
//! |---|---|---|
//! | `c` | spelt key | the live object: created, modified, packed value |
//! | `h` | spelt key, 0, revision | what the key held before the change of that revision; empty: nothing |
//! | `e` | revision | the key that changed then, behind a byte: 1 put, 0 deleted |
//! | `x` | logical cluster, 0, resource, rest of the spelt key | (the index of what a logical cluster holds) |
//! | `d` | seconds, spelt key | (what expires then) |
//! | `n` | name | a note |
//! | `m` | `applied` | last frame and revision that are in the rows |
//! | `m` | `oldest` | the oldest revision that can be read |
//!
//! The rows are a function of the log alone. `h` and `e` rows are written once and removed once.

use crate::{
    codec,
    engine::{Change, EngineError, Rows, View},
    log::{Entry, Logged},
    value,
};
use bytes::Bytes;
use kcp_names::Revision;
use kcp_storage::{Header, Record};
use std::collections::HashMap;

pub(crate) const LIVE: u8 = b'c';
pub(crate) const HISTORY: u8 = b'h';
pub(crate) const EVENT: u8 = b'e';
pub(crate) const CLUSTER: u8 = b'x';
pub(crate) const DUE: u8 = b'd';
pub(crate) const NOTE: u8 = b'n';
const APPLIED: &[u8] = b"mapplied";
const OLDEST: &[u8] = b"moldest";

const PUT: u8 = 1;
const DELETED: u8 = 0;

/// An object as a row has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Live {
    pub(crate) created: Revision,
    pub(crate) modified: Revision,
    pub(crate) packed: Bytes,
}

impl Live {
    pub(crate) fn read(row: &Bytes) -> Result<Self, EngineError> {
        let long = |at: usize| row.get(at..at + 8)?.try_into().ok().map(u64::from_be_bytes);
        let (Some(created), Some(modified)) = (long(0), long(8)) else {
            return Err(EngineError::new("a stored object is damaged"));
        };
        Ok(Self { created: Revision(created), modified: Revision(modified), packed: row.slice(16..) })
    }

    pub(crate) fn write(&self) -> Bytes {
        let numbers = [self.created.0.to_be_bytes(), self.modified.0.to_be_bytes()];
        [numbers.as_flattened(), &self.packed].concat().into()
    }

    /// Whether it is closed, and when it expires (0: never).
    pub(crate) fn peek(&self) -> (bool, u64) {
        Header::peek(value::head(&self.packed))
    }

    /// The object, with its value unpacked.
    pub(crate) fn record(&self) -> Result<Record, EngineError> {
        let value = value::unpack(&self.packed)?;
        Ok(Record { value, created: self.created, modified: self.modified })
    }
}

/// A row's key: what it is, and parts.
pub(crate) fn row(kind: u8, parts: &[&[u8]]) -> Vec<u8> {
    let mut key = Vec::with_capacity(1 + parts.iter().map(|part| part.len()).sum::<usize>());
    key.push(kind);
    parts.iter().for_each(|part| key.extend_from_slice(part));
    key
}

pub(crate) fn history_row(key: &[u8], revision: Revision) -> Vec<u8> {
    row(HISTORY, &[key, &[0], &revision.0.to_be_bytes()])
}

/// The key and revision of an `h` row.
pub(crate) fn read_history_row(row: &[u8]) -> Option<(&[u8], Revision)> {
    let (key, revision) = row.get(1..)?.split_last_chunk::<8>()?;
    Some((key.strip_suffix(&[0])?, Revision(u64::from_be_bytes(*revision))))
}

pub(crate) fn event_row(revision: Revision) -> Vec<u8> {
    row(EVENT, &[&revision.0.to_be_bytes()])
}

/// The revision of an `e` row, whether it put, and the key.
pub(crate) fn read_event_row(row: &[u8], value: &Bytes) -> Option<(Revision, bool, Bytes)> {
    let revision = Revision(u64::from_be_bytes(row.get(1..)?.try_into().ok()?));
    let put = *value.first()? == PUT;
    Some((revision, put, value.slice(1..)))
}

/// The `x` row of a spelt key; `None` if the key is damaged.
pub(crate) fn cluster_row(key: &[u8]) -> Option<Vec<u8>> {
    let (resource, place) = key.split_at(codec::resource_length(key).ok()?);
    let slash = place.iter().position(|byte| *byte == b'/')?;
    Some(row(CLUSTER, &[&place[..slash], &[0], resource, &place[slash + 1..]]))
}

/// The spelt key of an `x` row.
pub(crate) fn read_cluster_row(row: &[u8]) -> Option<Vec<u8>> {
    let row = row.get(1..)?;
    let end = row.iter().position(|byte| *byte == 0)?;
    let (cluster, rest) = (&row[..end], &row[end + 1..]);
    let (resource, inside) = rest.split_at(codec::resource_length(rest).ok()?);
    Some([resource, cluster, b"/", inside].concat())
}

pub(crate) fn due_row(seconds: u64, key: &[u8]) -> Vec<u8> {
    row(DUE, &[&seconds.to_be_bytes(), key])
}

/// When a `d` row is due, and the key.
pub(crate) fn read_due_row(row: &[u8]) -> Option<(u64, &[u8])> {
    let (seconds, key) = row.get(1..)?.split_first_chunk::<8>()?;
    Some((u64::from_be_bytes(*seconds), key))
}

/// What the rows have been made from: the last frame and the newest revision.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Applied {
    pub(crate) frame: u64,
    pub(crate) revision: Revision,
}

impl Applied {
    /// `None`: there are no rows yet.
    pub(crate) fn read(view: &View) -> Result<Option<Self>, EngineError> {
        let Some(row) = view.get(APPLIED)? else { return Ok(None) };
        let (Some(frame), Some(revision)) = (row.first_chunk::<8>(), row.get(8..)) else {
            return Err(EngineError::new("the row of what is applied is damaged"));
        };
        let revision = revision.try_into().map_or(0, u64::from_be_bytes);
        Ok(Some(Self { frame: u64::from_be_bytes(*frame), revision: Revision(revision) }))
    }

    pub(crate) fn write(self, rows: &mut Rows) {
        let numbers = [self.frame.to_be_bytes(), self.revision.0.to_be_bytes()];
        rows.insert(APPLIED.to_vec(), Change::Put(numbers.as_flattened().to_vec().into()));
    }
}

/// The oldest revision that can be read.
pub(crate) fn read_oldest(view: &View) -> Result<Revision, EngineError> {
    let row = view.get(OLDEST)?;
    let number = row.and_then(|row| row[..].try_into().ok()).map_or(0, u64::from_be_bytes);
    Ok(Revision(number))
}

pub(crate) fn write_oldest(oldest: Revision, rows: &mut Rows) {
    rows.insert(OLDEST.to_vec(), Change::Put(oldest.0.to_be_bytes().to_vec().into()));
}

/// Collects the rows of entries that follow one another, on top of what the engine holds.
pub(crate) struct Draft<'a> {
    view: &'a View,
    /// Keys that were asked for or changed, as they are now.
    current: HashMap<Bytes, Option<Live>>,
    pub(crate) rows: Rows,
}

impl<'a> Draft<'a> {
    pub(crate) fn new(view: &'a View) -> Self {
        Self { view, current: HashMap::new(), rows: Rows::new() }
    }

    /// The object of a key as it is after what was drafted so far.
    pub(crate) fn live(&mut self, key: &Bytes) -> Result<Option<&Live>, EngineError> {
        if !self.current.contains_key(key) {
            let row = self.view.get(&row(LIVE, &[key]))?;
            let live = row.as_ref().map(Live::read).transpose()?;
            self.current.insert(key.clone(), live);
        }
        Ok(self.current.get(key).and_then(Option::as_ref))
    }

    /// Adds what an entry changes; the newest revision after it.
    pub(crate) fn add(&mut self, entry: &Entry, newest: Revision) -> Result<Revision, EngineError> {
        match entry {
            Entry::Changes { first, changes } => {
                for (change, revision) in changes.iter().zip(first.0..) {
                    self.change(change, Revision(revision))?;
                }
                Ok(Revision(first.0 - 1 + changes.len() as u64))
            }
            Entry::Note { name, value } => {
                let change = value.clone().map_or(Change::Delete, Change::Put);
                self.rows.insert(row(NOTE, &[name.as_bytes()]), change);
                Ok(newest)
            }
            Entry::Compaction(oldest) => {
                write_oldest(*oldest, &mut self.rows);
                Ok(newest)
            }
        }
    }

    /// Adds one change; the object before it.
    pub(crate) fn change(
        &mut self,
        change: &Logged,
        revision: Revision,
    ) -> Result<Option<Live>, EngineError> {
        let key = &change.key;
        let before = self.live(key)?.cloned();
        let after = change.put.as_ref().map(|(created, packed)| Live {
            created: *created,
            modified: revision,
            packed: packed.clone(),
        });
        let index = cluster_row(key).ok_or_else(|| EngineError::new(codec::BadKey))?;
        match (&before, &after) {
            (None, Some(_)) => drop(self.rows.insert(index, Change::Put(Bytes::new()))),
            (Some(_), None) => drop(self.rows.insert(index, Change::Delete)),
            (Some(_), Some(_)) | (None, None) => {}
        }
        for (live, change) in [(&before, Change::Delete), (&after, Change::Put(Bytes::new()))] {
            let due = live.as_ref().map_or(0, |live| live.peek().1);
            if due != 0 {
                self.rows.insert(due_row(due, key), change);
            }
        }
        let live = after.as_ref().map_or(Change::Delete, |live| Change::Put(live.write()));
        self.rows.insert(row(LIVE, &[key]), live);
        let history = before.as_ref().map_or(Bytes::new(), Live::write);
        self.rows.insert(history_row(key, revision), Change::Put(history));
        let flag = if after.is_some() { PUT } else { DELETED };
        self.rows.insert(event_row(revision), Change::Put([&[flag], &key[..]].concat().into()));
        self.current.insert(key.clone(), after);
        Ok(before)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn row_keys_come_back() {
        let key = b"apps\0deployments\0\x01root/default/x";
        assert_eq!(read_history_row(&history_row(key, Revision(7))), Some((&key[..], Revision(7))));
        assert_eq!(read_due_row(&due_row(9, key)), Some((9, &key[..])));
        let row = cluster_row(key).expect("a key");
        assert!(row.starts_with(b"xroot\0apps\0"));
        assert_eq!(read_cluster_row(&row), Some(key.to_vec()));
        let value = Bytes::from_static(b"\x01key");
        let event = read_event_row(&event_row(Revision(3)), &value);
        assert_eq!(event, Some((Revision(3), true, Bytes::from_static(b"key"))));
    }
}

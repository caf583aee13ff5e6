//! What the writer does between groups: expiry, and forgetting.

use super::{
    Writer,
    queue::{Prepared, Request, Submission},
};
use crate::{
    Options, codec,
    engine::{Change, EngineError, Rows, behind_prefix},
    rows,
};
use bytes::Bytes;
use kcp_names::Revision;
use kcp_storage::{Event, Expect, Header, Key, Write};
use std::{
    collections::VecDeque,
    ops::Bound,
    time::{Duration, Instant},
};

/// Objects that are removed together.
const EXPIRE_AT_ONCE: usize = 256;
/// Revisions whose history is removed together, so that no write waits long for it.
const FORGET_AT_ONCE: usize = 512;
/// How often the clock is looked at when something will expire.
const CLOCK: Duration = Duration::from_millis(250);
/// How many times the usual number of revisions is kept for whoever reads history slowly.
const HELD_FACTOR: u64 = 4;
/// How often the age of history is looked at.
const AGE: Duration = Duration::from_secs(10);

/// What has to be done, and when.
pub(super) struct Housekeeping {
    keep: Duration,
    keep_revisions: u64,
    /// When the next object expires, in seconds since 1970; `None`: nobody has looked.
    due: Option<u64>,
    /// Nothing expires before this. Rows of what has expired are behind it, and are not read again until
    /// a merge has removed them.
    floor: u64,
    /// What the newest revision was at some times, oldest first.
    ages: VecDeque<(u64, Revision)>,
    /// History up to here is gone.
    forgotten: Revision,
}

impl Housekeeping {
    pub(super) fn new(options: &Options) -> Self {
        Self {
            keep: options.keep,
            keep_revisions: options.keep_revisions,
            due: None,
            floor: 0,
            ages: VecDeque::new(),
            forgotten: Revision::ZERO,
        }
    }

    /// Notes what changes have to be looked after.
    pub(super) fn notice(&mut self, events: &[std::sync::Arc<Event>]) {
        let expires = |event: &Event| event.record.as_ref().map_or(0, |record| Header::peek(&record.value).1);
        for due in events.iter().map(|event| expires(event)).filter(|due| *due != 0) {
            self.due = self.due.map(|known| known.min(due));
            self.floor = self.floor.min(due);
        }
    }
}

impl Writer {
    /// How long the writer may sleep.
    pub(super) fn patience(&self) -> Option<Duration> {
        let tasks = &self.housekeeping;
        if self.shared.failed.get().is_some() {
            return None;
        }
        if let Some(until) = self.resting {
            return Some(until.saturating_duration_since(Instant::now()).max(CLOCK));
        }
        if tasks.due.is_none() || tasks.forgotten < self.shared.oldest() {
            return Some(Duration::ZERO);
        }
        if tasks.due != Some(u64::MAX) {
            return Some(CLOCK);
        }
        (self.shared.oldest() < self.revision).then_some(AGE)
    }

    /// Does a bounded part of what has to be done.
    pub(super) fn tidy(&mut self) {
        if self.shared.failed.get().is_some() {
            return;
        }
        if self.resting.is_none_or(|until| until <= Instant::now()) {
            let done = self.expire().and_then(|()| self.forget());
            if let Err(error) = done {
                self.refuse(&error);
            }
            self.age();
        }
        if let Err(error) = self.log.drop_until(self.shared.engine.durable()) {
            tracing::warn!(%error, "cannot remove a segment of the log");
        }
    }

    /// Removes objects that have expired, as any other writer would.
    fn expire(&mut self) -> Result<(), EngineError> {
        let now = self.shared.options.clock.now();
        if self.housekeeping.due.is_some_and(|due| due > now) {
            return Ok(());
        }
        let view = self.shared.engine.view();
        let (mut writes, mut next, mut reader) = (Vec::new(), u64::MAX, codec::Reader::default());
        let from = Bound::Included(rows::due_row(self.housekeeping.floor, &[]));
        for row in view.scan(from, behind_prefix(&[rows::DUE])).take(EXPIRE_AT_ONCE) {
            let (row, _) = row?;
            let Some((due, spelt)) = rows::read_due_row(&row) else { continue };
            if next == u64::MAX {
                self.housekeeping.floor = due;
            }
            next = due;
            if due > now {
                break;
            }
            let spelt = Bytes::copy_from_slice(spelt);
            let Some(live) = view.get(&rows::row(rows::LIVE, &[&spelt]))? else { continue };
            let key = reader.read(&spelt).map_err(EngineError::new)?;
            writes.push(deletion(key, spelt, rows::Live::read(&live)?.modified));
        }
        self.housekeeping.due = Some(next);
        if !writes.is_empty() {
            self.housekeeping.due = None;
            self.write(vec![Submission { request: Request::Commit(writes), reply: None }]);
        }
        Ok(())
    }

    /// Removes rows of history that can no longer be read.
    fn forget(&mut self) -> Result<(), EngineError> {
        let oldest = self.shared.oldest();
        let from = self.housekeeping.forgotten.next();
        if from > oldest {
            return Ok(());
        }
        let view = self.shared.engine.view();
        let (from, to) = (rows::event_row(from), rows::event_row(oldest));
        let (mut gone, mut last) = (Rows::new(), oldest);
        for row in view.scan(Bound::Included(from), Bound::Included(to)).take(FORGET_AT_ONCE) {
            let (row, value) = row?;
            let Some((revision, _, key)) = rows::read_event_row(&row, &value) else { continue };
            gone.insert(row.to_vec(), Change::DeleteOnce);
            gone.insert(rows::history_row(&key, revision), Change::DeleteOnce);
            last = revision;
        }
        if gone.len() < 2 * FORGET_AT_ONCE {
            last = oldest;
        }
        if !gone.is_empty() {
            self.shared.engine.admit()?;
            self.shared.engine.apply(gone, self.log.last())?;
        }
        self.housekeeping.forgotten = last;
        Ok(())
    }

    /// Decides how much history is old enough to be forgotten.
    fn age(&mut self) {
        let now = self.shared.options.clock.now();
        let tasks = &mut self.housekeeping;
        let due = tasks.ages.back().is_none_or(|(then, _)| now.abs_diff(*then) >= AGE.as_secs());
        if !due {
            return;
        }
        let mut oldest = Revision(self.revision.0.saturating_sub(tasks.keep_revisions));
        while let Some((then, revision)) = tasks.ages.front()
            && (now.saturating_sub(*then) >= tasks.keep.as_secs() || *then > now)
        {
            // A clock that was set back makes ages useless: they begin again.
            if *then <= now {
                oldest = oldest.max(*revision);
            }
            tasks.ages.pop_front();
        }
        tasks.ages.push_back((now, self.revision));
        oldest = self.held_back(oldest);
        if oldest > self.shared.oldest() {
            self.write(vec![Submission { request: Request::Compact(oldest), reply: None }]);
        }
    }
}

impl Writer {
    /// Readers of one revision keep history from growing old, but not for more than so much of it.
    fn held_back(&self, oldest: Revision) -> Revision {
        let most = self.shared.options.keep_revisions.saturating_mul(HELD_FACTOR);
        let beyond = Revision(self.revision.0.saturating_sub(most));
        let held = self.shared.holds.oldest(Instant::now());
        held.map_or(oldest, |held| oldest.min(held).max(beyond))
    }
}

/// Removes an object that has not changed since `modified`.
fn deletion(key: Key, spelt: Bytes, modified: Revision) -> Prepared {
    let (expect, change) = (Expect::Revision(modified), kcp_storage::Change::Delete);
    let write = Write { key, expect, change, requires: Vec::new() };
    Prepared { write, key: spelt, requires: Vec::new(), packed: None }
}

#[cfg(test)]
mod tests {
    use crate::{LocalStore, Options, rows};
    use kcp_names::{ClusterName, Revision};
    use kcp_storage::{Change, Expect, Header, Key, ObjectName, ResourceKey, Store, Write};

    fn put(number: u64) -> Write {
        let key = Key {
            resource: ResourceKey::built_in("", "configmaps"),
            cluster: ClusterName::root(),
            namespace: None,
            name: ObjectName::parse(&format!("c{}", number % 10)).expect("a name"),
        };
        let change = Change::Put(Header::default().seal(b"{}"));
        Write { key, expect: Expect::Anything, change, requires: Vec::new() }
    }

    #[tokio::test]
    async fn rows_of_forgotten_history_go() {
        let directory = tempfile::tempdir().expect("a directory");
        let options = Options { memtable_bytes: 32 << 10, ..Options::default() };
        let (store, _) = LocalStore::open(directory.path(), options).expect("opens");
        for first in (0..3000).step_by(100) {
            store.commit((first..first + 100).map(put).collect()).await.expect("commits");
        }
        let rows = |kind| store.shared.engine.view().scan_prefix(&[kind]).count();
        assert_eq!((rows(rows::EVENT), rows(rows::HISTORY)), (3000, 3000));
        store.compact(Revision(2901)).await.expect("compacts");
        // The writer does it in small parts, and wants nothing for it but time.
        while rows(rows::EVENT) > 100 {
            tokio::task::yield_now().await;
        }
        assert_eq!((rows(rows::EVENT), rows(rows::HISTORY), rows(rows::LIVE)), (100, 100, 10));
    }
}

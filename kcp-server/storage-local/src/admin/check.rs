//! Reading everything in a store and asking whether it agrees.

use super::{AdminError, PROGRESS_EVERY, Progress, at};
use crate::{
    LocalStore, Options, codec,
    engine::{EngineError, View},
    rows::{self, Live},
};
use bytes::Bytes;
use kcp_names::Revision;
use std::path::Path;

/// Problems that are told one by one.
const TOLD: usize = 100;

/// What a check has found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CheckReport {
    /// The revision that was checked.
    pub revision: Revision,
    /// The oldest revision that can be read.
    pub oldest: Revision,
    /// Live objects.
    pub objects: u64,
    /// Changes in history.
    pub events: u64,
    /// Notes.
    pub notes: u64,
    /// How much is wrong. 0: all agrees.
    pub problems: u64,
    /// What is wrong, the first hundred.
    pub told: Vec<String>,
}

/// Checks a store that no process has open: the log is read and applied, then all rows are read.
///
/// # Errors
/// The store cannot be opened, which says what is wrong with it; or reading it failed half way.
pub fn check(directory: &Path, progress: &mut dyn FnMut(Progress)) -> Result<CheckReport, AdminError> {
    if !directory.join("FORMAT").exists() {
        return Err(at(directory)(std::io::Error::new(std::io::ErrorKind::NotFound, "there is no store")));
    }
    LocalStore::open(directory, Options::default())?.0.check(progress)
}

impl LocalStore {
    /// Checks all that is there at this moment: every checksum, and that objects, indexes and history
    /// agree. Readers and writers go on. It blocks.
    ///
    /// # Errors
    /// Reading failed half way: a table is damaged.
    pub fn check(&self, progress: &mut dyn FnMut(Progress)) -> Result<CheckReport, AdminError> {
        let view = self.shared.engine.view();
        let oldest = rows::read_oldest(&view)?.max(crate::FIRST);
        let revision = self.shared.newest(&view)?;
        let report = CheckReport { revision, oldest, ..CheckReport::default() };
        let mut check = Check { view: &view, report };
        check.objects(progress)?;
        check.indexes()?;
        check.history()?;
        check.report.notes =
            view.scan_prefix(&[rows::NOTE]).try_fold(0, |count, row| row.map(|_| count + 1))?;
        Ok(check.report)
    }
}

struct Check<'a> {
    view: &'a View,
    report: CheckReport,
}

impl Check<'_> {
    fn problem(&mut self, row: &[u8], why: &str) {
        self.report.problems += 1;
        if self.report.told.len() < TOLD {
            self.report.told.push(format!("row {}: {why}", row.escape_ascii()));
        }
    }

    fn has(&self, row: Option<Vec<u8>>) -> Result<bool, EngineError> {
        row.map_or(Ok(false), |row| Ok(self.view.get(&row)?.is_some()))
    }

    fn live(&self, key: &[u8]) -> Result<Option<Live>, EngineError> {
        self.view.get(&rows::row(rows::LIVE, &[key]))?.as_ref().map(Live::read).transpose()
    }

    fn objects(&mut self, progress: &mut dyn FnMut(Progress)) -> Result<(), EngineError> {
        let mut reader = codec::Reader::default();
        for row in self.view.scan_prefix(&[rows::LIVE]) {
            let (row, value) = row?;
            let key = &row[1..];
            if reader.read(key).is_err() {
                self.problem(&row, "its key is damaged");
            }
            if let Some(why) = self.object(key, &value)? {
                self.problem(&row, why);
            }
            self.report.objects += 1;
            if self.report.objects.is_multiple_of(PROGRESS_EVERY) {
                progress(Progress { objects: self.report.objects, bytes: 0 });
            }
        }
        progress(Progress { objects: self.report.objects, bytes: 0 });
        Ok(())
    }

    /// What is wrong with an object.
    fn object(&self, key: &[u8], value: &Bytes) -> Result<Option<&'static str>, EngineError> {
        let Ok(live) = Live::read(value) else { return Ok(Some("it is too short")) };
        let Ok(record) = live.record() else { return Ok(Some("its value cannot be unpacked")) };
        if record.header().is_err() {
            return Ok(Some("its header is damaged"));
        }
        if live.created > live.modified || live.modified > self.report.revision {
            return Ok(Some("its revisions cannot be"));
        }
        if !self.has(rows::cluster_row(key))? {
            return Ok(Some("it is not in the index of its logical cluster"));
        }
        let due = live.peek().1;
        let missing = due != 0 && !self.has(Some(rows::due_row(due, key)))?;
        Ok(missing.then_some("it is not in the index of what expires"))
    }

    fn indexes(&mut self) -> Result<(), EngineError> {
        for row in self.view.scan_prefix(&[rows::CLUSTER]) {
            let (row, _) = row?;
            let live = rows::read_cluster_row(&row).map(|key| self.live(&key)).transpose()?.flatten();
            if live.is_none() {
                self.problem(&row, "the index has what is not there");
            }
        }
        for row in self.view.scan_prefix(&[rows::DUE]) {
            let (row, _) = row?;
            let found = match rows::read_due_row(&row) {
                Some((due, key)) => self.live(key)?.is_some_and(|live| live.peek().1 == due),
                None => false,
            };
            if !found {
                self.problem(&row, "nothing expires then");
            }
        }
        Ok(())
    }

    fn history(&mut self) -> Result<(), EngineError> {
        let mut expected = self.report.oldest;
        for row in self.view.scan_prefix(&[rows::EVENT]) {
            let (row, value) = row?;
            let Some((revision, _, key)) = rows::read_event_row(&row, &value) else {
                self.problem(&row, "it is damaged");
                continue;
            };
            if revision <= self.report.oldest {
                continue; // forgotten, and not yet removed
            }
            self.report.events += 1;
            expected = expected.next();
            if revision != expected {
                self.problem(&row, "revisions before it are missing");
                expected = revision;
            }
            if !self.has(Some(rows::history_row(&key, revision)))? {
                self.problem(&row, "what was before it is missing");
            }
        }
        if expected != self.report.revision {
            self.problem(&[rows::EVENT], "the last revisions are missing");
        }
        self.past()
    }

    fn past(&mut self) -> Result<(), EngineError> {
        for row in self.view.scan_prefix(&[rows::HISTORY]) {
            let (row, value) = row?;
            let Some((key, revision)) = rows::read_history_row(&row) else {
                self.problem(&row, "it is damaged");
                continue;
            };
            if revision <= self.report.oldest {
                continue;
            }
            let sound = value.is_empty() || Live::read(&value).is_ok_and(|live| live.record().is_ok());
            if !sound {
                self.problem(&row, "what it holds cannot be read");
            }
            let event = self.view.get(&rows::event_row(revision))?;
            if event.is_none_or(|event| event.get(1..) != Some(key)) {
                self.problem(&row, "there is no event of it");
            }
        }
        Ok(())
    }
}

//! Making a store from a backup.

use super::{
    AdminError, PROGRESS_EVERY, Progress,
    archive::{Item, Reader, Totals},
    at,
};
use crate::{
    FIRST, Options,
    engine::{Change, Engine, Rows},
    log::Log,
    open::{Layout, make_directory},
    rows::{self, Applied},
};
use bytes::Bytes;
use kcp_names::Revision;
use std::{
    fs::{self, File},
    io::{self, BufReader},
    path::Path,
    sync::Arc,
};

/// Objects that are written together.
const AT_ONCE: usize = 1000;

/// What a store was made from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RestoreReport {
    /// The revision that the backup is of.
    pub revision: Revision,
    /// The revision that the store begins at.
    pub begins: Revision,
    /// Objects.
    pub objects: u64,
    /// Notes.
    pub notes: u64,
}

/// Makes a store from a backup, in a directory that is empty or not there.
///
/// The store begins `ahead` revisions after the backup's. Clients that had seen revisions after the
/// backup would otherwise take new ones for old; a million is more than most lose.
///
/// # Errors
/// The directory is not empty, the file is damaged (it is read whole before anything is written), or
/// the store cannot be written. What was begun is no store then, and is not opened as one.
pub fn restore(
    file: &Path,
    directory: &Path,
    ahead: u64,
    progress: &mut dyn FnMut(Progress),
) -> Result<RestoreReport, AdminError> {
    let is_empty = match fs::read_dir(directory) {
        Ok(mut files) => files.next().is_none(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => true,
        Err(error) => return Err(at(directory)(error)),
    };
    if !is_empty {
        return Err(AdminError::NotEmpty(directory.to_owned()));
    }
    let totals = read(file, |_, _| Ok(()))?;
    make_directory(directory).map_err(at(directory))?;
    let layout = Layout::new(directory);
    let _lock = layout.lock()?;
    let options = Options::default();
    let engine = layout.open_engine(&options)?;
    fill(&engine, file, progress)?;
    let begins = Revision(totals.revision.0.max(FIRST.0).saturating_add(ahead));
    let mut rows = Rows::new();
    Applied { frame: 0, revision: begins }.write(&mut rows);
    rows::write_oldest(begins, &mut rows);
    engine.apply(rows, 0)?;
    engine.close()?;
    fs::create_dir(&layout.log).map_err(at(&layout.log))?;
    Log::create(Arc::clone(&options.disk), &layout.log, options.segment_bytes).map_err(at(&layout.log))?;
    layout.complete()?;
    let Totals { objects, notes, revision } = totals;
    Ok(RestoreReport { revision, begins, objects, notes })
}

/// Writes what the file holds.
fn fill(engine: &Engine, file: &Path, progress: &mut dyn FnMut(Progress)) -> Result<(), AdminError> {
    let (mut rows, mut objects) = (Rows::new(), 0_u64);
    read(file, |item, bytes| {
        match item {
            Item::Object(key, live) => {
                let index = rows::cluster_row(&key).ok_or_else(|| "a key is damaged".to_owned())?;
                rows.insert(index, Change::Put(Bytes::new()));
                let (_, due) = live.peek();
                if due != 0 {
                    rows.insert(rows::due_row(due, &key), Change::Put(Bytes::new()));
                }
                rows.insert(rows::row(rows::LIVE, &[&key]), Change::Put(live.write()));
                objects += 1;
            }
            Item::Note(name, value) => drop(rows.insert(rows::row(rows::NOTE, &[&name]), Change::Put(value))),
            Item::End(_) => {}
        }
        if rows.len() >= 3 * AT_ONCE {
            engine.admit().map_err(|error| error.to_string())?;
            engine.apply(std::mem::take(&mut rows), 0).map_err(|error| error.to_string())?;
        }
        if objects.is_multiple_of(PROGRESS_EVERY) {
            progress(Progress { objects, bytes });
        }
        Ok(())
    })?;
    engine.apply(rows, 0)?;
    Ok(())
}

/// Reads a file from its beginning to its end.
fn read(file: &Path, mut take: impl FnMut(Item, u64) -> Result<(), String>) -> Result<Totals, AdminError> {
    let bad = |why| AdminError::BadArchive { file: file.to_owned(), why };
    let input = BufReader::new(File::open(file).map_err(at(file))?);
    let mut archive = Reader::new(input).map_err(bad)?;
    loop {
        let item = archive.next().map_err(bad)?;
        if let Item::End(totals) = item {
            return Ok(totals);
        }
        take(item, archive.bytes).map_err(bad)?;
    }
}

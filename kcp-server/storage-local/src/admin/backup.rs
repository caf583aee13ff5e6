//! Taking a backup.

use super::{AdminError, PROGRESS_EVERY, Progress, archive, at};
use crate::{
    LocalStore, Options,
    disk::{Disk, SystemDisk},
    rows::{self, Live},
};
use kcp_names::Revision;
use std::{
    fs::{self, File},
    io::BufWriter,
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

/// What a backup holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BackupReport {
    /// The revision that it is of.
    pub revision: Revision,
    /// Objects.
    pub objects: u64,
    /// Notes.
    pub notes: u64,
    /// Bytes of the file.
    pub bytes: u64,
}

/// Takes a backup of a store that no process has open.
///
/// # Errors
/// The store cannot be opened or read, or the file exists or cannot be written.
pub fn backup(
    directory: &Path,
    file: &Path,
    progress: &mut dyn FnMut(Progress),
) -> Result<BackupReport, AdminError> {
    let missing = || std::io::Error::new(std::io::ErrorKind::NotFound, "there is no store");
    if !directory.join("FORMAT").exists() {
        return Err(at(directory)(missing()));
    }
    LocalStore::open(directory, Options::default())?.0.backup(file, progress)
}

impl LocalStore {
    /// Takes a backup into a new file, of all that is there at this moment. Readers and writers go on.
    /// It blocks its thread until all is written.
    ///
    /// # Errors
    /// The store cannot be read, or the file exists or cannot be written. No file is left then.
    pub fn backup(
        &self,
        file: &Path,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<BackupReport, AdminError> {
        if file.exists() {
            return Err(AdminError::Exists(file.to_owned()));
        }
        let mut draft = file.as_os_str().to_owned();
        draft.push(".new");
        let draft = Path::new(&draft);
        let written = self.write_backup(draft, progress);
        let placed = written.and_then(|report| {
            fs::rename(draft, file).map_err(at(file))?;
            let directory = file.parent().filter(|parent| !parent.as_os_str().is_empty());
            SystemDisk.sync_directory(directory.unwrap_or(Path::new("."))).map_err(at(file))?;
            Ok(report)
        });
        if placed.is_err() {
            // The error that matters is the first.
            let _ = fs::remove_file(draft);
        }
        placed
    }

    fn write_backup(
        &self,
        file: &Path,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<BackupReport, AdminError> {
        let view = self.shared.engine.view();
        // It holds the secrets of the store.
        let out = File::options().write(true).create(true).truncate(true).mode(0o600).open(file);
        let out = BufWriter::new(out.map_err(at(file))?);
        let mut archive = archive::Writer::new(out, self.shared.newest(&view)?).map_err(at(file))?;
        for row in view.scan_prefix(&[rows::LIVE]) {
            let (key, value) = row?;
            let live = Live::read(&value)?;
            live.record()?; // a backup of what cannot be read is none
            archive.object(&key[1..], &live).map_err(at(file))?;
            if archive.totals.objects.is_multiple_of(PROGRESS_EVERY) {
                progress(Progress { objects: archive.totals.objects, bytes: archive.bytes });
            }
        }
        for row in view.scan_prefix(&[rows::NOTE]) {
            let (name, value) = row?;
            archive.note(&name[1..], &value).map_err(at(file))?;
        }
        let (out, totals, bytes) = archive.finish().map_err(at(file))?;
        let out = out.into_inner().map_err(|error| at(file)(error.into_error()))?;
        out.sync_all().map_err(at(file))?;
        progress(Progress { objects: totals.objects, bytes });
        let archive::Totals { objects, notes, revision } = totals;
        Ok(BackupReport { revision, objects, notes, bytes })
    }
}

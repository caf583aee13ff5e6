//! The directory of a store, and opening it.
//!
//! | | |
//! |---|---|
//! | `FORMAT` | the version of all that is below; written last, so a directory with it is complete |
//! | `LOCK` | held by the process that has the store open |
//! | `log/` | segments of the log |
//! | `engine/` | tables |

use crate::{
    FIRST, LocalStore, Options,
    disk::{Disk, SystemDisk, write_atomically},
    engine::{Engine, EngineError},
    log::{Cut, Damage, Entry, Log, Scan},
    rows::{self, Applied, Draft},
    shared::Shared,
    writer::Writer,
};
use kcp_names::Revision;
use parking_lot::Mutex;
use rustix::fs::{FlockOperation, flock};
use std::{
    fs::{self, File},
    io::{self, Read, Write},
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    sync::Arc,
};

/// Version of the directory's layout, the log and the rows.
const FORMAT: u32 = 1;
/// Entries that are replayed together.
const REPLAY_AT_ONCE: usize = 256;

/// What was found when a store was opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenReport {
    /// There was no store, and one was made.
    pub fresh: bool,
    /// The newest revision.
    pub revision: Revision,
    /// Frames of the log that the engine did not have yet.
    pub replayed: u64,
    /// A torn tail of the log that was cut off: writes that nobody was told to be made.
    pub cut: Option<Cut>,
}

/// Why a store cannot be opened. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process has it open.
    #[error("{} is in use by another process{holder}", directory.display())]
    Locked {
        /// The store's directory.
        directory: PathBuf,
        /// ` (pid 123)`, if it is known.
        holder: String,
    },
    /// A newer server has written it.
    #[error("{} has format {found}, and this server reads up to {known}", directory.display())]
    Newer {
        /// The store's directory, or a file in it.
        directory: PathBuf,
        /// Its format.
        found: u32,
        /// The newest format that can be read.
        known: u32,
    },
    /// Its content is damaged; the message says where.
    #[error("{0}")]
    Damaged(String),
    /// The engine cannot be opened.
    #[error("cannot open the tables in {}: {why}", directory.display())]
    Engine {
        /// Directory of the tables.
        directory: PathBuf,
        /// What the engine says.
        why: String,
    },
    /// The file system refused something.
    #[error("{}: {source}", path.display())]
    Io {
        /// Where.
        path: PathBuf,
        /// What it said.
        source: io::Error,
    },
}

/// Paths of a store's parts.
pub(crate) struct Layout {
    pub(crate) directory: PathBuf,
    pub(crate) log: PathBuf,
    pub(crate) engine: PathBuf,
    pub(crate) format: PathBuf,
    lock: PathBuf,
}

impl LocalStore {
    /// Opens the store in a directory, or makes one there. What the log holds and the engine does not
    /// is replayed. It blocks its thread until all is ready.
    ///
    /// # Errors
    /// See [`OpenError`]; nothing was changed then.
    pub fn open(directory: &Path, options: Options) -> Result<(Self, OpenReport), OpenError> {
        let layout = Layout::new(directory);
        make_directory(directory).map_err(at(directory))?;
        let lock = layout.lock()?;
        let fresh = !layout.is_made()?;
        if fresh {
            layout.make(&options)?;
        }
        let engine = layout.open_engine(&options)?;
        let (log, applied, mut report) = layout.replay(&engine, &options)?;
        report.fresh = fresh;
        let oldest =
            rows::read_oldest(&engine.view()).map_err(|error| layout.engine_error(&error))?.max(FIRST);
        let shared = Arc::new(Shared::new(options, engine, applied.revision, oldest));
        let writer = Writer::new(Arc::clone(&shared), log, applied.revision);
        let thread = std::thread::Builder::new().name("store-writer".into()).spawn(move || writer.run());
        let thread = thread.map_err(at(directory))?;
        Ok((Self { shared, writer: Mutex::new(Some(thread)), lock: Mutex::new(Some(lock)) }, report))
    }
}

impl Layout {
    pub(crate) fn new(directory: &Path) -> Self {
        Self {
            directory: directory.to_owned(),
            log: directory.join("log"),
            engine: directory.join("engine"),
            format: directory.join("FORMAT"),
            lock: directory.join("LOCK"),
        }
    }

    /// Takes the directory for this process.
    pub(crate) fn lock(&self) -> Result<File, OpenError> {
        let options = File::options().read(true).write(true).create(true).truncate(false).open(&self.lock);
        let mut file = options.map_err(at(&self.lock))?;
        if flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
            let mut holder = String::new();
            let known = file.read_to_string(&mut holder).is_ok() && !holder.trim().is_empty();
            let holder = if known { format!(" (pid {})", holder.trim()) } else { String::new() };
            return Err(OpenError::Locked { directory: self.directory.clone(), holder });
        }
        // Only for the message above; on a disk that is full, the store is opened without.
        let _ = file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id()));
        Ok(file)
    }

    /// Whether there is a complete store.
    fn is_made(&self) -> Result<bool, OpenError> {
        let text = match fs::read_to_string(&self.format) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(at(&self.format)(error)),
        };
        let found: Option<u32> = text.trim().strip_prefix("kcp store, format ").and_then(|n| n.parse().ok());
        match found {
            Some(FORMAT) => Ok(true),
            Some(found) if found > FORMAT => {
                Err(OpenError::Newer { directory: self.directory.clone(), found, known: FORMAT })
            }
            Some(_) | None => Err(OpenError::Damaged(format!("{} is damaged", self.format.display()))),
        }
    }

    /// Makes an empty store. What an earlier attempt has left holds nothing, as it was not completed.
    fn make(&self, options: &Options) -> Result<(), OpenError> {
        if holds_frames(&self.log).map_err(at(&self.log))? {
            let why = format!("{} is missing, but there is a log", self.format.display());
            return Err(OpenError::Damaged(why));
        }
        for part in [&self.log, &self.engine] {
            match fs::remove_dir_all(part) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(at(part)(error)),
                Err(_) | Ok(()) => {}
            }
        }
        fs::create_dir(&self.log).map_err(at(&self.log))?;
        Log::create(Arc::clone(&options.disk), &self.log, options.segment_bytes).map_err(at(&self.log))?;
        self.open_engine(options)?;
        self.complete()
    }

    /// Says that all parts are there.
    pub(crate) fn complete(&self) -> Result<(), OpenError> {
        let text = format!("kcp store, format {FORMAT}\n");
        write_atomically(&self.format, text.as_bytes()).map_err(at(&self.format))
    }

    pub(crate) fn open_engine(&self, options: &Options) -> Result<Engine, OpenError> {
        Engine::open(&self.engine, options).map_err(|error| self.engine_error(&error))
    }

    pub(crate) fn engine_error(&self, error: &EngineError) -> OpenError {
        OpenError::Engine { directory: self.engine.clone(), why: error.to_string() }
    }

    /// Reads the log and applies what the engine does not have.
    fn replay(&self, engine: &Engine, options: &Options) -> Result<(Log, Applied, OpenReport), OpenError> {
        let applied = Applied::read(&engine.view()).map_err(|error| self.engine_error(&error))?;
        let applied = applied.unwrap_or(Applied { frame: 0, revision: FIRST });
        engine.begin_at(applied.frame);
        let mut replay = Replay { engine, applied, waiting: Vec::new() };
        let scan = Scan::run(&self.log, applied.frame, |frame, entry| {
            replay.waiting.push((frame, entry));
            if replay.waiting.len() < REPLAY_AT_ONCE { Ok(()) } else { replay.apply() }
        });
        let scan = scan.map_err(|damage| self.damage(damage))?;
        replay.apply().map_err(OpenError::Damaged)?;
        let report = OpenReport {
            fresh: false,
            revision: replay.applied.revision,
            replayed: replay.applied.frame - applied.frame,
            cut: scan.cut.clone(),
        };
        let applied = replay.applied;
        let log = Log::resume(Arc::clone(&options.disk), &self.log, options.segment_bytes, scan);
        Ok((log.map_err(at(&self.log))?, applied, report))
    }

    fn damage(&self, damage: Damage) -> OpenError {
        match damage {
            Damage::Newer { file, version } => {
                OpenError::Newer { directory: file, found: version.into(), known: FORMAT }
            }
            Damage::Io(source) => OpenError::Io { path: self.log.clone(), source },
            damage @ (Damage::At { .. } | Damage::Gap { .. } | Damage::Missing { .. } | Damage::Apply(_)) => {
                OpenError::Damaged(damage.to_string())
            }
        }
    }
}

/// Applies entries of the log to the engine, some at a time.
struct Replay<'a> {
    engine: &'a Engine,
    applied: Applied,
    waiting: Vec<(u64, Entry)>,
}

impl Replay<'_> {
    fn apply(&mut self) -> Result<(), String> {
        let view = self.engine.view();
        let mut draft = Draft::new(&view);
        for (frame, entry) in self.waiting.drain(..) {
            if let Entry::Changes { first, .. } = &entry
                && *first != self.applied.revision.next()
            {
                return Err(format!(
                    "frame {frame} of the log begins with revision {first}, not the next one"
                ));
            }
            let revision = draft.add(&entry, self.applied.revision).map_err(|error| error.to_string())?;
            self.applied = Applied { frame, revision };
        }
        let mut rows = draft.rows;
        if rows.is_empty() {
            return Ok(());
        }
        self.applied.write(&mut rows);
        drop(view);
        // Without room it is replayed all the same: the log is only as long as what memory can hold.
        if let Err(error) = self.engine.admit()
            && !error.is_full()
        {
            return Err(error.to_string());
        }
        self.engine.apply(rows, self.applied.frame).map_err(|error| error.to_string())
    }
}

/// Makes the directory of a store, and those above it, so that they outlive a loss of power. It holds
/// secrets, so nobody else may look into it.
pub(crate) fn make_directory(directory: &Path) -> io::Result<()> {
    let missing: Vec<_> = directory.ancestors().take_while(|path| !path.exists()).collect();
    fs::DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
    for made in missing.into_iter().rev().filter_map(Path::parent) {
        let above = if made.as_os_str().is_empty() { Path::new(".") } else { made };
        SystemDisk.sync_directory(above)?;
    }
    Ok(())
}

/// Whether a directory of the log holds more than an empty segment.
fn holds_frames(log: &Path) -> io::Result<bool> {
    let files = match fs::read_dir(log) {
        Ok(files) => files,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
    };
    for file in files {
        if file?.metadata()?.len() > 32 {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Names the place of an error of the file system.
pub(crate) fn at(path: &Path) -> impl FnOnce(io::Error) -> OpenError + use<> {
    let path = path.to_owned();
    move |source| OpenError::Io { path, source }
}

//! What a disk may hold after power is lost: the files of a traced process, with what was synced, and of
//! the rest nothing, some pages, or all.
//!
//! The rules are POSIX's and harsher than those of ext4 and XFS. `fsync` of a file makes its content
//! durable and not its name; `fsync` of a directory makes its names durable. Names of a directory come
//! about in order, but each directory for itself. Content that was not synced survives in pages of 4 KiB,
//! each for itself, and the length or not.

use super::trace::Call;
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fs,
    path::{Path, PathBuf},
};

const PAGE: usize = 4096;

/// What survives of what was not synced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Survives {
    Nothing,
    /// About half of the pages and names.
    Half,
    All,
}

/// The disk under a directory, while a trace is replayed.
#[derive(Default)]
pub(crate) struct Power {
    root: PathBuf,
    /// The file that the process notes acknowledgements in, and what it has written there.
    noted: (PathBuf, Vec<u8>),
    files: Vec<File>,
    directories: BTreeMap<PathBuf, Directory>,
    open: HashMap<i64, Open>,
    /// For each call that had an effect on a file or directory: how it stood then, for syncs that began earlier.
    done: usize,
}

#[derive(Clone, Default)]
struct File {
    durable: Vec<u8>,
    now: Vec<u8>,
    /// Content after each change since the last sync, with the number of the call: what a sync that
    /// began before the last of them covers.
    since: Vec<(usize, Vec<u8>)>,
}

#[derive(Clone, Default)]
struct Directory {
    durable: BTreeMap<String, Entry>,
    /// Changes of names since the last sync, in order, with the number of the call.
    since: Vec<(usize, NameChange)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Entry {
    File(usize),
    Directory,
}

#[derive(Clone, Debug)]
enum NameChange {
    Set(String, Entry),
    Remove(String),
    Rename(String, String),
}

enum Open {
    File { file: usize, position: usize, appends: bool },
    Directory(PathBuf),
    Noted,
}

impl Power {
    /// A disk on which the files under `root` are durable.
    pub(crate) fn new(root: &Path, noted: &Path) -> Self {
        let noted_now = fs::read(noted).unwrap_or_default();
        let mut power =
            Self { root: root.to_owned(), noted: (noted.to_owned(), noted_now), ..Self::default() };
        power.load(root);
        power
    }

    fn load(&mut self, directory: &Path) {
        let mut durable = BTreeMap::new();
        for entry in fs::read_dir(directory).into_iter().flatten() {
            let entry = entry.expect("an entry");
            let name = entry.file_name().into_string().expect("a name");
            if entry.file_type().expect("a type").is_dir() {
                self.load(&entry.path());
                durable.insert(name, Entry::Directory);
            } else {
                let content = fs::read(entry.path()).expect("reads");
                self.files.push(File { durable: content.clone(), now: content, since: Vec::new() });
                durable.insert(name, Entry::File(self.files.len() - 1));
            }
        }
        self.directories.insert(directory.to_owned(), Directory { durable, since: Vec::new() });
    }

    /// What the process has noted so far.
    pub(crate) fn noted(&self) -> String {
        String::from_utf8(self.noted.1.clone()).expect("text")
    }

    /// Replays one call.
    pub(crate) fn replay(&mut self, call: &Call) {
        let arg = &call.arguments;
        match call.name.as_str() {
            "openat" => self.open(&arg[1].path(), arg[2].word(), call.result),
            "close" => drop(self.open.remove(&arg[0].number())),
            "write" => self.write(arg[0].number(), arg[1].bytes(), call.result),
            "lseek" => self.seek(arg[0].number(), call.result),
            "fsync" | "fdatasync" => self.sync(arg[0].number(), call.began),
            "ftruncate" => self.truncate(arg[0].number(), arg[1].number()),
            "rename" => self.rename(&arg[0].path(), &arg[1].path()),
            "renameat" | "renameat2" if arg[0].word() == "AT_FDCWD" && arg[2].word() == "AT_FDCWD" => {
                self.rename(&arg[1].path(), &arg[3].path());
            }
            "unlink" => self.remove(&arg[0].path()),
            "unlinkat" if arg[0].word() == "AT_FDCWD" => self.remove(&arg[1].path()),
            "mkdir" => self.make_directory(&arg[0].path()),
            // Calls that we do not follow must not touch our files.
            name => {
                let ours = arg.iter().any(|argument| match argument {
                    super::trace::Argument::Bytes(path) => {
                        path.starts_with(self.root.as_os_str().as_encoded_bytes())
                    }
                    super::trace::Argument::Word(word) => {
                        word.parse().is_ok_and(|fd| self.open.contains_key(&fd))
                    }
                });
                assert!(!ours, "{name} of our files is not followed: {call:?}");
            }
        }
        self.done += 1;
    }

    fn place(&self, path: &str) -> Option<(PathBuf, String)> {
        let path = Path::new(path);
        let inside = path.starts_with(&self.root) && path != self.root;
        let name = path.file_name()?.to_str()?.to_owned();
        (inside && name != "LOCK").then(|| (path.parent().expect("a parent").to_owned(), name))
    }

    fn open(&mut self, path: &str, flags: &str, fd: i64) {
        self.open.remove(&fd);
        if Path::new(path) == self.noted.0 {
            self.open.insert(fd, Open::Noted);
            return;
        }
        if self.directories.contains_key(Path::new(path)) {
            self.open.insert(fd, Open::Directory(path.into()));
            return;
        }
        let Some((directory, name)) = self.place(path) else { return };
        let has = |flag: &str| flags.split('|').any(|word| word == flag);
        let found = self.names(&directory).get(&name).copied();
        let file = match found {
            Some(Entry::File(file)) => file,
            Some(Entry::Directory) => panic!("{path} is a directory"),
            None => {
                assert!(has("O_CREAT"), "{path} was opened and is not there");
                self.files.push(File::default());
                let file = self.files.len() - 1;
                self.change(&directory, NameChange::Set(name, Entry::File(file)));
                file
            }
        };
        if has("O_TRUNC") && !self.files[file].now.is_empty() {
            self.files[file].change(self.done, |now| now.clear());
        }
        self.open.insert(fd, Open::File { file, position: 0, appends: has("O_APPEND") });
    }

    fn write(&mut self, fd: i64, bytes: &[u8], written: i64) {
        let bytes = &bytes[..usize::try_from(written).expect("fits")];
        match self.open.get_mut(&fd) {
            Some(Open::Noted) => self.noted.1.extend(bytes),
            Some(Open::File { file, position, appends }) => {
                let file = &mut self.files[*file];
                let at = if *appends { file.now.len() } else { *position };
                file.change(self.done, |now| {
                    now.resize(now.len().max(at + bytes.len()), 0);
                    now[at..at + bytes.len()].copy_from_slice(bytes);
                });
                *position = at + bytes.len();
            }
            Some(Open::Directory(_)) | None => {}
        }
    }

    fn seek(&mut self, fd: i64, to: i64) {
        if let Some(Open::File { position, .. }) = self.open.get_mut(&fd) {
            *position = usize::try_from(to).expect("fits");
        }
    }

    fn truncate(&mut self, fd: i64, length: i64) {
        if let Some(Open::File { file, .. }) = self.open.get(&fd) {
            let length = usize::try_from(length).expect("fits");
            self.files[*file].change(self.done, |now| now.resize(length, 0));
        }
    }

    /// Makes durable what had been done when the sync began.
    fn sync(&mut self, fd: i64, began: usize) {
        match self.open.get(&fd) {
            Some(Open::File { file, .. }) => {
                let file = &mut self.files[*file];
                let covered = file.since.partition_point(|(call, _)| *call < began);
                if let Some((_, content)) = file.since.drain(..covered).next_back() {
                    file.durable = content;
                }
            }
            Some(Open::Directory(path)) => {
                let directory = self.directories.get_mut(path).expect("a directory");
                let covered = directory.since.partition_point(|(call, _)| *call < began);
                for (_, change) in directory.since.drain(..covered) {
                    change.apply(&mut directory.durable);
                }
            }
            Some(Open::Noted) | None => {}
        }
    }

    fn rename(&mut self, from: &str, to: &str) {
        let (Some((directory, from)), Some((to_directory, to))) = (self.place(from), self.place(to)) else {
            return;
        };
        assert_eq!(directory, to_directory, "renames stay in their directory");
        self.change(&directory, NameChange::Rename(from, to));
    }

    fn remove(&mut self, path: &str) {
        if let Some((directory, name)) = self.place(path) {
            self.change(&directory, NameChange::Remove(name));
        }
    }

    fn make_directory(&mut self, path: &str) {
        let Some((directory, name)) = self.place(path) else {
            // The root itself, which is there for us.
            if Path::new(path) == self.root {
                self.directories.insert(path.into(), Directory::default());
            }
            return;
        };
        self.directories.insert(path.into(), Directory::default());
        self.change(&directory, NameChange::Set(name, Entry::Directory));
    }

    fn change(&mut self, directory: &Path, change: NameChange) {
        let directory =
            self.directories.get_mut(directory).unwrap_or_else(|| panic!("{directory:?} is not there"));
        directory.since.push((self.done, change));
    }

    /// The names of a directory as the process sees them.
    fn names(&self, directory: &Path) -> BTreeMap<String, Entry> {
        let directory =
            self.directories.get(directory).unwrap_or_else(|| panic!("{directory:?} is not there"));
        let mut names = directory.durable.clone();
        directory.since.iter().for_each(|(_, change)| change.apply(&mut names));
        names
    }

    /// Writes down what the disk may hold if power goes now.
    pub(crate) fn image(&self, to: &Path, survives: Survives, random: &mut impl FnMut(usize) -> usize) {
        self.image_of(&self.root, to, survives, random, &mut BTreeSet::new());
    }

    fn image_of(
        &self,
        directory: &Path,
        to: &Path,
        survives: Survives,
        random: &mut impl FnMut(usize) -> usize,
        seen: &mut BTreeSet<usize>,
    ) {
        fs::create_dir_all(to).expect("makes a directory");
        let Some(Directory { durable, since }) = self.directories.get(directory) else { return };
        let mut names = durable.clone();
        let kept = match survives {
            Survives::Nothing => 0,
            Survives::Half => random(since.len() + 1),
            Survives::All => since.len(),
        };
        since[..kept].iter().for_each(|(_, change)| change.apply(&mut names));
        for (name, entry) in names {
            match entry {
                Entry::Directory => {
                    self.image_of(&directory.join(&name), &to.join(&name), survives, random, seen);
                }
                Entry::File(file) => {
                    seen.insert(file);
                    fs::write(to.join(name), self.files[file].image(survives, random)).expect("writes");
                }
            }
        }
    }
}

impl File {
    fn change(&mut self, call: usize, change: impl FnOnce(&mut Vec<u8>)) {
        change(&mut self.now);
        self.since.push((call, self.now.clone()));
    }

    fn image(&self, survives: Survives, random: &mut impl FnMut(usize) -> usize) -> Vec<u8> {
        let half = match survives {
            Survives::Nothing => return self.durable.clone(),
            Survives::All => return self.now.clone(),
            Survives::Half if self.since.is_empty() => return self.durable.clone(),
            Survives::Half => self,
        };
        let length = [half.durable.len(), half.now.len()][random(2)];
        let mut image = Vec::with_capacity(length);
        while image.len() < length {
            let at = image.len();
            let source = [&half.durable, &half.now][random(2)];
            let end = (at + PAGE).min(length);
            let mut page = source.get(at..end.min(source.len())).unwrap_or_default().to_vec();
            page.resize(end - at, 0);
            image.extend(page);
        }
        image
    }
}

impl NameChange {
    fn apply(&self, names: &mut BTreeMap<String, Entry>) {
        match self {
            Self::Set(name, entry) => drop(names.insert(name.clone(), *entry)),
            Self::Remove(name) => drop(names.remove(name)),
            Self::Rename(from, to) => {
                if let Some(entry) = names.remove(from) {
                    names.insert(to.clone(), entry);
                }
            }
        }
    }
}

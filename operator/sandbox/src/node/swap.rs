//! Files of a volume that change all at once.
//!
//! The files are in a directory with a name of its own (`..1`), the link `..data` points to it, and each visible name
//! is a link through `..data`. A new content is a new directory; renaming one link over the other switches all files in
//! one step, so no reader ever sees some old and some new ones.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    os::unix::fs::{PermissionsExt, symlink},
    path::{Component, Path},
};

const DATA: &str = "..data";
const NEXT: &str = "..data_tmp";

/// One file of a volume.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Content {
    pub(crate) bytes: Vec<u8>,
    pub(crate) mode: u32,
}

/// By relative path.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Contents(pub(crate) BTreeMap<String, Content>);

/// Makes the volume at `directory` hold exactly these files.
///
/// # Errors
/// Of the file system, or a path that would leave the volume.
pub(crate) fn write(directory: &Path, contents: &Contents) -> io::Result<()> {
    if let Some(path) = contents.0.keys().find(|path| !is_inside(path)) {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, format!("{path} would leave the volume")));
    }
    fs::create_dir_all(directory)?;
    let before = fs::read_link(directory.join(DATA)).ok();
    let name = fresh_name(directory)?;
    for (path, content) in &contents.0 {
        let file = directory.join(&name).join(path);
        if let Some(parent) = file.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(&file, &content.bytes)?;
        fs::set_permissions(&file, fs::Permissions::from_mode(content.mode))?;
    }
    fs::remove_file(directory.join(NEXT)).or_else(absent_is_fine)?;
    symlink(&name, directory.join(NEXT))?;
    fs::rename(directory.join(NEXT), directory.join(DATA))?;
    show_names(directory, contents)?;
    if let Some(before) = before {
        fs::remove_dir_all(directory.join(before)).or_else(absent_is_fine)?;
    }
    Ok(())
}

/// A directory name that was not in use, made.
fn fresh_name(directory: &Path) -> io::Result<String> {
    for number in 1..u32::MAX {
        let name = format!("..{number}");
        match fs::create_dir(directory.join(&name)) {
            Ok(()) => return Ok(name),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::other("no name is left"))
}

fn show_names(directory: &Path, contents: &Contents) -> io::Result<()> {
    let first = |path: &String| path.split('/').find(|part| !part.is_empty()).map(str::to_owned);
    let wanted: BTreeSet<String> = contents.0.keys().filter_map(first).collect();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.file_type()?.is_symlink() && !name.starts_with("..") && !wanted.contains(&name) {
            fs::remove_file(entry.path())?;
        }
    }
    for name in wanted {
        match symlink(Path::new(DATA).join(&name), directory.join(&name)) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

fn is_inside(path: &str) -> bool {
    !path.is_empty()
        && !path.starts_with("..")
        && Path::new(path).components().all(|component| matches!(component, Component::Normal(_)))
}

fn absent_is_fine(error: io::Error) -> io::Result<()> {
    if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contents(files: &[(&str, &str)]) -> Contents {
        let content = |text: &str| Content { bytes: text.as_bytes().to_vec(), mode: 0o640 };
        Contents(files.iter().map(|(path, text)| ((*path).to_owned(), content(text))).collect())
    }

    /// Writes one content after the other and tells what is visible in the end.
    fn check(steps: &[&[(&str, &str)]]) -> Vec<String> {
        let directory = tempfile::tempdir().unwrap();
        steps.iter().for_each(|files| write(directory.path(), &contents(files)).unwrap());
        let mut seen: Vec<String> = fs::read_dir(directory.path())
            .unwrap()
            .map(|entry| entry.unwrap())
            .filter(|entry| !entry.file_name().to_string_lossy().starts_with(".."))
            .map(|entry| {
                let name = entry.file_name().to_string_lossy().into_owned();
                match fs::read_to_string(entry.path()) {
                    Ok(text) => format!("{name}={text}"),
                    Err(_) => format!("{name}/"),
                }
            })
            .collect();
        seen.sort();
        let generations = fs::read_dir(directory.path())
            .unwrap()
            .filter(|entry| entry.as_ref().unwrap().file_type().unwrap().is_dir())
            .count();
        assert_eq!(generations, 1, "older generations are removed");
        seen
    }

    #[test]
    fn a_new_content_replaces_the_old_one_whole() {
        assert_eq!(check(&[&[("a", "1"), ("b", "2")]]), ["a=1", "b=2"]);
        assert_eq!(check(&[&[("a", "1"), ("b", "2")], &[("b", "3"), ("c/d", "4")]]), ["b=3", "c/"]);
        assert_eq!(check(&[&[("a", "1")], &[]]), [""; 0]);
    }

    #[test]
    fn no_file_lies_outside() {
        let directory = tempfile::tempdir().unwrap();
        for path in ["../x", "/x", "a/../../x", "..data", ""] {
            assert!(write(directory.path(), &contents(&[(path, "")])).is_err(), "{path}");
        }
    }
}

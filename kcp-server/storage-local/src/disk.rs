//! What the log does to files, so that a test can make it fail.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Seek, SeekFrom, Write},
    path::Path,
};

/// Where the log writes. [`SystemDisk`] is the real one.
pub trait Disk: Send + Sync + 'static {
    /// Makes an empty file, in place of one that is there.
    ///
    /// # Errors
    /// As the file system says.
    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>>;

    /// Opens a file to write at its end.
    ///
    /// # Errors
    /// As the file system says.
    fn append_to(&self, path: &Path) -> io::Result<Box<dyn DiskFile>>;

    /// Makes the names in a directory durable.
    ///
    /// # Errors
    /// As the file system says.
    fn sync_directory(&self, path: &Path) -> io::Result<()>;

    /// Removes a file.
    ///
    /// # Errors
    /// As the file system says.
    fn remove(&self, path: &Path) -> io::Result<()>;
}

/// One file of the log.
pub trait DiskFile: Send {
    /// Writes behind what is there.
    ///
    /// # Errors
    /// As the file system says; how much was written is then unknown.
    fn append(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// Makes all that was written durable (`fdatasync`).
    ///
    /// # Errors
    /// As the file system says; it is never asked again for the same bytes.
    fn sync(&mut self) -> io::Result<()>;

    /// Takes away what was written behind `length`, durably; writing goes on there.
    ///
    /// # Errors
    /// As the file system says; how long the file is then is unknown.
    fn cut(&mut self, length: u64) -> io::Result<()>;
}

/// Whether a write was refused for want of something that may be there later: space, quota, file
/// handles. Nothing is wrong with the device then.
pub(crate) fn may_pass(error: &io::Error) -> bool {
    let handles = [rustix::io::Errno::MFILE, rustix::io::Errno::NFILE];
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
        || handles.iter().any(|errno| error.raw_os_error() == Some(errno.raw_os_error()))
}

/// The file system.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemDisk;

impl Disk for SystemDisk {
    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        Ok(Box::new(File::create(path)?))
    }

    fn append_to(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let mut file = OpenOptions::new().write(true).open(path)?;
        file.seek(SeekFrom::End(0))?;
        Ok(Box::new(file))
    }

    fn sync_directory(&self, path: &Path) -> io::Result<()> {
        File::open(path)?.sync_all()
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }
}

impl DiskFile for File {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.write_all(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.sync_data()
    }

    fn cut(&mut self, length: u64) -> io::Result<()> {
        self.set_len(length)?;
        self.seek(SeekFrom::Start(length))?;
        self.sync_all()
    }
}

/// Puts a small file in place whole or not at all.
pub(crate) fn write_atomically(path: &Path, content: &[u8]) -> io::Result<()> {
    let (Some(directory), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(io::Error::other("a file needs a directory and a name"));
    };
    let mut draft = name.to_owned();
    draft.push(".new");
    let draft = directory.join(draft);
    let mut file = File::create(&draft)?;
    file.write_all(content)?;
    file.sync_all()?;
    fs::rename(&draft, path)?;
    SystemDisk.sync_directory(directory)
}

//! Where things are in the data directory.
//!
//! ```text
//! volumes/<claim uid>/    data of PersistentVolumeClaims; stays until someone removes it
//! pods/<pod uid>/         scratch volumes; emptied when the sandbox starts
//! logs/                   what containers said
//! host/                   what the API host keeps: its store, keys and certificate
//! run/                    in memory, seen inside the sandbox only: this executable, Secrets, descriptions
//! ```

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use rustix::mount::{MountFlags, mount, mount_bind};

/// The data directory, as the node uses it.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    root: PathBuf,
}

impl Layout {
    /// Prepares the directory. To be called once, inside the sandbox's mount namespace.
    ///
    /// # Errors
    /// Names the path that could not be made.
    pub(crate) fn prepare(root: &Path, executable: &Path) -> io::Result<Self> {
        let layout = Self { root: root.to_owned() };
        let told = |path: &Path, error: io::Error| {
            io::Error::new(error.kind(), format!("{}: {error}", path.display()))
        };
        let scratch = layout.root.join("pods");
        match fs::remove_dir_all(&scratch) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(told(&scratch, error)),
            _ => {}
        }
        for name in ["volumes", "pods", "logs", "run"] {
            let path = layout.root.join(name);
            fs::create_dir_all(&path).map_err(|error| told(&path, error))?;
        }
        let run = layout.root.join("run");
        mount("tmpfs", &run, "tmpfs", MountFlags::NOSUID | MountFlags::NODEV, c"mode=0700")
            .map_err(|error| told(&run, error.into()))?;
        // Bound, so that it stays the same file when the one on disk is replaced by a newer build.
        fs::File::create(layout.executable())?;
        mount_bind(executable, layout.executable()).map_err(|error| told(executable, error.into()))?;
        Ok(layout)
    }

    /// This executable.
    pub(crate) fn executable(&self) -> PathBuf {
        self.root.join("run/executable")
    }

    /// What is kept in memory for one pod.
    pub(crate) fn pod(&self, uid: &str) -> PathBuf {
        self.root.join("run/pods").join(uid)
    }

    /// A scratch volume of one pod.
    pub(crate) fn scratch(&self, uid: &str, volume: &str) -> PathBuf {
        self.root.join("pods").join(uid).join(volume)
    }

    /// The data of a claim.
    pub(crate) fn claim(&self, uid: &str) -> PathBuf {
        self.root.join("volumes").join(uid)
    }

    pub(crate) fn logs(&self) -> PathBuf {
        self.root.join("logs")
    }

    /// What the API host keeps.
    pub(crate) fn api_host(&self) -> PathBuf {
        self.root.join("host")
    }

    /// Removes what a pod leaves.
    pub(crate) fn forget(&self, uid: &str) {
        for path in [self.pod(uid), self.root.join("pods").join(uid)] {
            if let Err(error) = fs::remove_dir_all(&path)
                && error.kind() != io::ErrorKind::NotFound
            {
                tracing::warn!(path = %path.display(), %error, "not removed");
            }
        }
    }
}

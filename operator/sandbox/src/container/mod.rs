//! A container: a process in a root of its own.
//!
//! The agent writes a [`Container`] to a file and starts this executable with its path, already in the container's
//! namespaces; `init` then builds the root, gives up rights and becomes the container's command.
//!
//! There are no images. Every root shows the host's programs and libraries, read-only, and this executable under the
//! names of our image. So any image "has" a shell if the host has one, and our own binaries always.

pub(crate) mod init;
mod root;

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// Everything `init` has to know. Paths of sources are the sandbox's, all others the container's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Container {
    pub(crate) argv: Vec<String>,
    /// The whole environment.
    pub(crate) env: Vec<(String, String)>,
    /// `/` unless the container names one; made when it does not exist.
    pub(crate) working_dir: PathBuf,
    /// An empty directory on which the root is mounted.
    pub(crate) root: PathBuf,
    pub(crate) read_only_root: bool,
    /// What is to be seen at the names of our image.
    pub(crate) executable: PathBuf,
    /// A directory that holds `hosts`, `hostname`, `resolv.conf` and `nsswitch.conf`.
    pub(crate) etc: PathBuf,
    pub(crate) mounts: Vec<Mount>,
    /// The capabilities that stay, by Kubernetes' names (`NET_BIND_SERVICE`).
    pub(crate) capabilities: Vec<String>,
    pub(crate) no_new_privileges: bool,
}

/// A file or directory that is to be seen somewhere else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Mount {
    pub(crate) source: PathBuf,
    pub(crate) target: PathBuf,
    pub(crate) read_only: bool,
}

/// Where our image has its programs; each is this executable.
pub(crate) const IMAGE_PATHS: [&str; 5] =
    ["/kcp", "/kcp-front-proxy", "/cache-server", "/virtual-workspaces", "/manager"];

/// What a container may do when its security context does not say otherwise, as container runtimes have it.
pub(crate) const DEFAULT_CAPABILITIES: [&str; 14] = [
    "AUDIT_WRITE",
    "CHOWN",
    "DAC_OVERRIDE",
    "FOWNER",
    "FSETID",
    "KILL",
    "MKNOD",
    "NET_BIND_SERVICE",
    "NET_RAW",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYS_CHROOT",
];

/// The exit code of a container whose command could not be started, as the kubelet reports it.
pub(crate) const START_ERROR: u8 = 128;

/// How the termination message of such a container begins.
pub(crate) const CANNOT_START: &str = "cannot start: ";

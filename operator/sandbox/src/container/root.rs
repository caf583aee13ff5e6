//! The root of a container, built of mounts.

use std::{
    fs, io,
    os::unix::fs::{PermissionsExt, symlink},
    path::{Component, Path, PathBuf},
};

use rustix::mount::{
    MountFlags, MountPropagationFlags, UnmountFlags, mount, mount_bind_recursive, mount_change,
    mount_remount, unmount,
};

use super::{Container, IMAGE_PATHS, Mount};

/// What of the host's root is shown, where it exists.
const HOST_DIRECTORIES: [&str; 10] =
    ["bin", "sbin", "lib", "lib32", "lib64", "libx32", "usr", "opt", "nix", "gnu"];
/// What of the host's `/etc` programs need to run and to trust the usual authorities.
const HOST_ETC: [&str; 13] = [
    "alternatives",
    "ca-certificates",
    "group",
    "ld.so.cache",
    "ld.so.conf",
    "ld.so.conf.d",
    "localtime",
    "os-release",
    "passwd",
    "pki",
    "protocols",
    "services",
    "ssl",
];
const DEVICES: [&str; 6] = ["full", "null", "random", "tty", "urandom", "zero"];
/// Where the sandbox's root is seen while the container's mounts are made.
const OLD_ROOT: &str = "/.sandbox";
/// Where the container finds the files that the agent rewrites while it runs.
const ETC: &str = "/run/.etc";

/// Makes the container's root the root of this process and all that it starts.
///
/// # Errors
/// Names the step and the path that failed.
pub(crate) fn enter(container: &Container) -> io::Result<()> {
    let root = &container.root;
    mount_change("/", MountPropagationFlags::PRIVATE | MountPropagationFlags::REC)?;
    mount("tmpfs", root, "tmpfs", MountFlags::NOSUID | MountFlags::NODEV, c"mode=0755")
        .map_err(|error| at("mounting", root, error.into()))?;
    let old = under(root, Path::new(OLD_ROOT));
    for directory in ["proc", "dev", "sys", "etc", "run", "tmp", "root", "home", "var", "mnt"] {
        fs::create_dir(root.join(directory))?;
    }
    fs::create_dir(&old)?;
    fs::set_permissions(root.join("tmp"), fs::Permissions::from_mode(0o1777))?;
    symlink("/run", root.join("var/run"))?;
    symlink("/tmp", root.join("var/tmp"))?;
    show_host(root)?;
    show_executable(root, &container.executable)?;
    devices(root)?;
    let flags = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
    mount("proc", root.join("proc"), "proc", flags, None)
        .map_err(|error| at("mounting", "/proc", error.into()))?;
    rustix::process::pivot_root(root, &old).map_err(|error| at("entering", root, error.into()))?;
    std::env::set_current_dir("/")?;
    show_etc(&container.etc)?;
    for mount in in_order(&container.mounts) {
        bind(&from_old(&mount.source), &mount.target, mount.read_only)?;
    }
    unmount(OLD_ROOT, UnmountFlags::DETACH).map_err(|error| at("leaving", OLD_ROOT, error.into()))?;
    fs::remove_dir(OLD_ROOT)?;
    if container.read_only_root {
        read_only(Path::new("/"))?;
    }
    Ok(())
}

fn show_host(root: &Path) -> io::Result<()> {
    for name in HOST_DIRECTORIES {
        show(&Path::new("/").join(name), &root.join(name))?;
    }
    for name in HOST_ETC {
        show(&Path::new("/etc").join(name), &root.join("etc").join(name))?;
    }
    Ok(())
}

/// Links stay links, since they are relative to what is shown as well; what the host lacks, the container lacks.
fn show(source: &Path, target: &Path) -> io::Result<()> {
    let Ok(meta) = fs::symlink_metadata(source) else { return Ok(()) };
    if meta.is_symlink() {
        return symlink(fs::read_link(source)?, target);
    }
    bind(source, target, true)
}

/// Each name is a file of its own, bound to the executable, so that a process sees by which name it was called.
fn show_executable(root: &Path, executable: &Path) -> io::Result<()> {
    IMAGE_PATHS.iter().try_for_each(|path| bind(executable, &under(root, Path::new(path)), true))
}

fn devices(root: &Path) -> io::Result<()> {
    let dev = root.join("dev");
    for name in DEVICES {
        bind(&Path::new("/dev").join(name), &dev.join(name), false)?;
    }
    fs::create_dir(dev.join("shm"))?;
    fs::set_permissions(dev.join("shm"), fs::Permissions::from_mode(0o1777))?;
    symlink("/proc/self/fd", dev.join("fd"))?;
    for (number, name) in ["stdin", "stdout", "stderr"].iter().enumerate() {
        symlink(format!("/proc/self/fd/{number}"), dev.join(name))?;
    }
    Ok(())
}

/// The files are replaced as a whole while the container runs, so it sees their directory, and links into it.
fn show_etc(source: &Path) -> io::Result<()> {
    bind(&from_old(source), Path::new(ETC), true)?;
    for name in ["hosts", "hostname", "resolv.conf", "nsswitch.conf"] {
        symlink(Path::new(ETC).join(name), Path::new("/etc").join(name))?;
    }
    Ok(())
}

/// Outer mounts before those inside them.
fn in_order(mounts: &[Mount]) -> Vec<&Mount> {
    let mut mounts: Vec<&Mount> = mounts.iter().collect();
    mounts.sort_by_key(|mount| mount.target.components().count());
    mounts
}

fn bind(source: &Path, target: &Path, as_read_only: bool) -> io::Result<()> {
    make_mount_point(source, target).map_err(|error| at("making a mount point at", target, error))?;
    mount_bind_recursive(source, target).map_err(|error| at("showing", source, error.into()))?;
    if as_read_only {
        read_only(target)?;
    }
    Ok(())
}

/// A link there (the host's `/etc/hosts`, say) gives way to the mount.
fn make_mount_point(source: &Path, target: &Path) -> io::Result<()> {
    if let Some(parent) = target.parent() {
        fs::create_dir_all(parent)?;
    }
    if fs::symlink_metadata(target).is_ok_and(|meta| meta.is_symlink()) {
        fs::remove_file(target)?;
    }
    if fs::metadata(source)?.is_dir() {
        fs::create_dir_all(target)
    } else if target.exists() {
        Ok(())
    } else {
        fs::File::create(target).map(|_| ())
    }
}

/// Flags that the mount has from a more privileged owner must be repeated, or the kernel refuses.
fn read_only(target: &Path) -> io::Result<()> {
    let held = rustix::fs::statvfs(target)?.f_flag;
    let pairs = [
        (rustix::fs::StatVfsMountFlags::NOSUID, MountFlags::NOSUID),
        (rustix::fs::StatVfsMountFlags::NODEV, MountFlags::NODEV),
        (rustix::fs::StatVfsMountFlags::NOEXEC, MountFlags::NOEXEC),
        (rustix::fs::StatVfsMountFlags::NOATIME, MountFlags::NOATIME),
        (rustix::fs::StatVfsMountFlags::NODIRATIME, MountFlags::NODIRATIME),
        (rustix::fs::StatVfsMountFlags::RELATIME, MountFlags::RELATIME),
    ];
    let kept = pairs.iter().filter(|(flag, _)| held.contains(*flag)).map(|(_, flag)| *flag);
    let flags = kept.fold(MountFlags::BIND | MountFlags::RDONLY, |flags, flag| flags | flag);
    mount_remount(target, flags, c"").map_err(|error| at("protecting", target, error.into()))
}

fn from_old(source: &Path) -> PathBuf {
    under(Path::new(OLD_ROOT), source)
}

/// The path below another root; `..` cannot leave it.
fn under(root: &Path, path: &Path) -> PathBuf {
    let inner = path.components().filter_map(|component| match component {
        Component::Normal(name) => Some(name),
        Component::Prefix(_) | Component::RootDir | Component::CurDir | Component::ParentDir => None,
    });
    root.join(inner.collect::<PathBuf>())
}

fn at(what: &str, path: impl AsRef<Path>, error: io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{what} {}: {error}", path.as_ref().display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_stays_below_its_root() {
        assert_eq!(under(Path::new("/r"), Path::new("/a/../b")), Path::new("/r/a/b"));
    }

    #[test]
    fn outer_mounts_come_first() {
        let mount = |target: &str| Mount { source: "/s".into(), target: target.into(), read_only: true };
        let mounts = [mount("/etc/kcp/tls/ca/inner"), mount("/etc/kcp/tls/ca"), mount("/var")];
        let order: Vec<_> = in_order(&mounts).into_iter().map(|m| m.target.display().to_string()).collect();
        assert_eq!(order, ["/var", "/etc/kcp/tls/ca", "/etc/kcp/tls/ca/inner"]);
    }
}

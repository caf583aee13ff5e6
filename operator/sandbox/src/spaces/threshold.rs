//! From the host into namespaces of our own, and what to tell those whose system forbids it.

use std::{
    fs, io,
    os::unix::process::CommandExt,
    path::Path,
    process::{Command, ExitCode, Stdio},
};

use nix::sched::{CloneFlags, unshare};
use rustix::{
    mount::{MountFlags, MountPropagationFlags, mount, mount_change},
    process::{Signal, set_parent_process_death_signal},
};

/// Becomes the *threshold*: makes all namespaces, starts *inside* as their process 1 with the same standard input
/// (the door), waits for it and ends as it ended. Must be called while the process has one thread.
pub(crate) fn run(arguments: &[String]) -> ExitCode {
    match enter().and_then(|()| inside(arguments)) {
        Ok(code) => code,
        Err(error) => {
            crate::say_error(&format!("{error}\n{}", advice(&Host::look())));
            ExitCode::FAILURE
        }
    }
}

/// The first thing *inside* does: it dies with the threshold, and sees its own processes in `/proc`.
pub(crate) fn settle_in() -> io::Result<()> {
    set_parent_process_death_signal(Some(Signal::KILL))?;
    mount_change("/", MountPropagationFlags::PRIVATE | MountPropagationFlags::REC)?;
    let hidden = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
    mount("proc", "/proc", "proc", hidden, None).map_err(|error| {
        io::Error::other(format!(
            "mounting /proc in the sandbox: {error}. In a container this needs an unmasked /proc \
             (docker: --security-opt systempaths=unconfined)"
        ))
    })
}

fn enter() -> io::Result<()> {
    let (uid, gid) = (rustix::process::getuid().as_raw(), rustix::process::getgid().as_raw());
    unshare(CloneFlags::CLONE_NEWUSER).map_err(told("making a user namespace"))?;
    let map = |file: &str, line: String| fs::write(Path::new("/proc/self").join(file), line);
    map("setgroups", "deny".to_owned()).map_err(told("preparing the user namespace"))?;
    map("uid_map", format!("0 {uid} 1")).map_err(told("becoming root in the user namespace"))?;
    map("gid_map", format!("0 {gid} 1")).map_err(told("becoming root in the user namespace"))?;
    let rest = CloneFlags::CLONE_NEWNS
        | CloneFlags::CLONE_NEWNET
        | CloneFlags::CLONE_NEWIPC
        | CloneFlags::CLONE_NEWUTS
        | CloneFlags::CLONE_NEWPID;
    unshare(rest).map_err(told("making network, mount and process namespaces"))?;
    // Entering a user namespace may have reset it, so only now.
    set_parent_process_death_signal(Some(Signal::KILL))?;
    Ok(())
}

fn inside(arguments: &[String]) -> io::Result<ExitCode> {
    let status = Command::new("/proc/self/exe")
        .arg0(crate::applets::INSIDE)
        .args(arguments)
        .stdin(Stdio::inherit())
        .status()
        .map_err(told("starting a process in the namespaces"))?;
    Ok(status.code().and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from))
}

fn told<E: std::fmt::Display>(what: &'static str) -> impl FnOnce(E) -> io::Error {
    move |error| io::Error::other(format!("{what}: {error}"))
}

/// What the host says about user namespaces; none where it has no such switch.
#[derive(Clone, Copy, Debug, Default)]
struct Host {
    apparmor_restricts: Option<u64>,
    debian_allows: Option<u64>,
    at_most: Option<u64>,
}

impl Host {
    fn look() -> Self {
        let read = |path: &str| fs::read_to_string(path).ok()?.trim().parse().ok();
        Self {
            apparmor_restricts: read("/proc/sys/kernel/apparmor_restrict_unprivileged_userns"),
            debian_allows: read("/proc/sys/kernel/unprivileged_userns_clone"),
            at_most: read("/proc/sys/user/max_user_namespaces"),
        }
    }
}

/// What to type, for a system on which the namespaces could not be made.
fn advice(host: &Host) -> String {
    let (why, what) = if host.apparmor_restricts.is_some_and(|restricts| restricts != 0) {
        (
            "This system keeps ordinary users from using user namespaces (Ubuntu does by AppArmor).",
            "sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0",
        )
    } else if host.debian_allows == Some(0) {
        (
            "This system keeps ordinary users from making user namespaces.",
            "sudo sysctl -w kernel.unprivileged_userns_clone=1",
        )
    } else if host.at_most == Some(0) {
        ("This system allows no user namespaces.", "sudo sysctl -w user.max_user_namespaces=15000")
    } else {
        (
            "The sandbox needs user, network, mount and process namespaces. In a container it needs more rights:",
            "docker run --privileged …",
        )
    };
    format!("{why} Nothing was started. To allow it, type:\n\n    {what}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(host: Host, expected: &str) {
        let advice = advice(&host);
        assert!(advice.contains(expected), "{advice}");
    }

    #[test]
    fn each_obstacle_has_its_own_remedy() {
        let none = Host::default();
        check(
            Host { apparmor_restricts: Some(1), at_most: Some(0), ..none },
            "apparmor_restrict_unprivileged_userns=0",
        );
        check(Host { debian_allows: Some(0), ..none }, "unprivileged_userns_clone=1");
        check(Host { at_most: Some(0), ..none }, "user.max_user_namespaces=15000");
        check(Host { apparmor_restricts: Some(0), ..none }, "--privileged");
    }
}

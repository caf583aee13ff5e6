//! From a described container to a running one: root, rights, command.

use std::{
    fs, io,
    os::unix::process::CommandExt,
    path::Path,
    process::{Command, ExitCode},
};

use rustix::thread::{CapabilitySet, remove_capability_from_bounding_set, set_no_new_privs};

use super::{CANNOT_START, Container, START_ERROR, root};

/// Becomes the container that the file describes; returns only when that fails, with the reason on standard error
/// (the container's log) and in its termination message.
pub(crate) fn run(description: &Path) -> ExitCode {
    let error = match become_container(description) {
        Ok(never) => match never {},
        Err(error) => error,
    };
    // Both places are best effort: there is nobody else to tell.
    let message = format!("{CANNOT_START}{error}\n");
    fs::write("/dev/termination-log", &message).ok();
    io::Write::write_all(&mut io::stderr(), message.as_bytes()).ok();
    ExitCode::from(START_ERROR)
}

fn become_container(description: &Path) -> io::Result<std::convert::Infallible> {
    let container: Container = serde_json::from_slice(&fs::read(description)?)?;
    rustix::process::setsid().ok();
    root::enter(&container)?;
    fs::create_dir_all(&container.working_dir).ok();
    std::env::set_current_dir(&container.working_dir)?;
    keep_only(&container.capabilities)?;
    if container.no_new_privileges {
        set_no_new_privs(true)?;
    }
    let (program, arguments) =
        container.argv.split_first().ok_or_else(|| io::Error::other("the container has no command"))?;
    let error = Command::new(program).args(arguments).env_clear().envs(container.env).exec();
    Err(io::Error::new(error.kind(), format!("{program}: {error}")))
}

/// Gives up all capabilities but these, for this process and whatever it starts. Unknown names keep nothing.
fn keep_only(names: &[String]) -> io::Result<()> {
    let all = names.iter().any(|name| name == "ALL");
    let kept = names.iter().filter_map(|name| CapabilitySet::from_name(name)).collect::<CapabilitySet>();
    for capability in CapabilitySet::all().iter().filter(|capability| !all && !kept.contains(*capability)) {
        match remove_capability_from_bounding_set(capability) {
            // A kernel older than the capability does not have it.
            Ok(()) | Err(rustix::io::Errno::INVAL) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

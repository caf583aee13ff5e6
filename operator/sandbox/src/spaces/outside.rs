//! The process in the host's namespaces: starts the rest, opens doors, passes on signals.

use std::{
    io,
    process::{ExitCode, Stdio},
    sync::Arc,
};

use tokio::{
    process::Command,
    signal::unix::{SignalKind, signal},
};

use super::door;

/// Starts the sandbox with these arguments for *inside* and returns how it ended.
///
/// The first SIGINT, SIGTERM or SIGHUP closes the door, which asks the inside to end its pods and stop; the second
/// kills it. Runs on the calling thread, whose end would end the sandbox.
///
/// # Errors
/// When the first process cannot be started.
pub(crate) fn run(arguments: &[String]) -> io::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(watch_over(arguments))
}

async fn watch_over(arguments: &[String]) -> io::Result<ExitCode> {
    let (outer, inner) = door::pair()?;
    let mut child = Command::new(std::env::current_exe()?)
        .arg0(crate::applets::THRESHOLD)
        .args(arguments)
        .stdin(Stdio::from(inner))
        // The terminal's Ctrl-C is for us; we tell the others.
        .process_group(0)
        .kill_on_drop(true)
        .spawn()?;
    let socket = Arc::new(door::socket_of(outer)?);
    let mut interrupts = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()]
        .map(signal)
        .into_iter()
        .collect::<io::Result<Vec<_>>>()?;
    let [interrupt, terminate, hangup] = interrupts.as_mut_slice() else { return Ok(ExitCode::FAILURE) };
    let mut asked = false;
    let doors = door::serve(Arc::clone(&socket));
    tokio::pin!(doors);
    let mut open = true;
    loop {
        tokio::select! {
            status = child.wait() => {
                let code = status?.code().and_then(|code| u8::try_from(code).ok());
                return Ok(code.map_or(ExitCode::FAILURE, ExitCode::from));
            }
            () = &mut doors, if open => {
                open = false;
                continue;
            }
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hangup.recv() => {}
        }
        if asked {
            child.start_kill()?;
        } else {
            asked = true;
            socket.shutdown(std::net::Shutdown::Write)?;
        }
    }
}

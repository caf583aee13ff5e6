//! A host without a cluster: what a Kubernetes cluster does for the operator and kcp, on one machine.
//!
//! | | |
//! |---|---|
//! | `outside`, `spaces` | from the user's shell into namespaces where no root is needed |
//! | `inside` | the wiring of all that follows |
//! | `api_host` | our own server with the kinds of a cluster, as the host's API |
//! | `workloads` | what a controller manager and a scheduler do |
//! | `node`, `container` | what a kubelet does, with processes of this machine |
//! | `net` | what kube-proxy does, and the way in from the host |
//! | `install` | applies manifests and tells how it goes |
//! | `applets` | every binary of ours under its own name |
//!
//! Everything but `api_host` talks to the API as any client does; none of it knows that the server is ours.

mod api_host;
mod applets;
mod container;
mod flags;
mod inside;
mod install;
mod net;
mod node;
mod outside;
mod spaces;
pub mod workloads;

pub use node::{LogError, LogOptions};

/// By this name the sandbox owns what it applies.
const MANAGER: &str = "kcp-sandbox";

/// Runs whichever program of ours the process was called as.
#[must_use]
pub fn main() -> std::process::ExitCode {
    applets::run(&std::env::args().collect::<Vec<_>>())
}

/// A line for the user.
fn say(text: &str) {
    // A user who closed standard output does not want to hear it.
    std::io::Write::write_all(&mut std::io::stdout(), format!("{text}\n").as_bytes()).ok();
}

/// The last words of a process.
fn say_error(text: &str) {
    // Nobody is left to tell when standard error is closed.
    std::io::Write::write_all(&mut std::io::stderr(), format!("kcp-sandbox: {text}\n").as_bytes()).ok();
}

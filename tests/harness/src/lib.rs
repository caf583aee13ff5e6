//! What the scenarios are written with: a running `kcp`, and the clients of its users.
//!
//! Everything goes through the real binary and real clients. A server that is dropped is killed.

mod caller;
mod client;
mod front_proxy;
mod kubectl;
mod pki;
mod server;

pub use caller::Caller;
pub use client::{Answer, Http};
pub use front_proxy::FrontProxy;
pub use kubectl::{Kubectl, Output, Running, kubectls};
pub use pki::{Ca, write_pair};
pub use server::{Kcp, Options};

use std::{path::PathBuf, time::Duration};

/// How long anything may take before a scenario gives up. Nothing is timed by it.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A binary of this workspace.
///
/// # Panics
/// It has not been built: `cargo build -p kcp-server --bins` does that, and `tests/run` calls it.
#[must_use]
pub fn binary(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("a test has a path");
    let profile = test.ancestors().find(|path| path.join(name).is_file());
    profile.map(|path| path.join(name)).unwrap_or_else(|| panic!("{name} has not been built; run tests/run"))
}

/// A Python that has the package `kubernetes`: the one of `tests/run`, or the one on the path.
#[must_use]
pub fn python() -> PathBuf {
    std::env::var_os("PYTHON").map_or_else(|| PathBuf::from("python3"), PathBuf::from)
}

/// A port of the loopback interface that nobody listens on.
///
/// # Panics
/// There is none.
#[must_use]
pub fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("an address").port()
}

/// Waits until `what` holds.
///
/// # Panics
/// It does not within [`PATIENCE`].
pub fn eventually(told: &str, mut what: impl FnMut() -> bool) {
    let deadline = std::time::Instant::now() + PATIENCE;
    while !what() {
        assert!(std::time::Instant::now() < deadline, "{told}: not within {PATIENCE:?}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// The end of a log.
#[allow(clippy::print_stderr, reason = "what a failed scenario shows")]
fn show(name: &str, log: &str) {
    let lines: Vec<&str> = log.lines().collect();
    eprintln!("--- {name}'s log\n{}", lines[lines.len().saturating_sub(40)..].join("\n"));
}

//! What the scenarios are written with: a running `kcp`, and the clients of its users.
//!
//! Everything goes through the real binary and real clients. A server that is dropped is killed.

mod kubectl;
mod server;

pub use kubectl::{Kubectl, Output, Running, kubectls};
pub use server::{Kcp, Options};

use std::{path::PathBuf, time::Duration};

/// How long anything may take before a scenario gives up. Nothing is timed by it.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A binary of this workspace.
///
/// # Panics
/// It has not been built: `cargo build -p kcp-server --bin kcp` does that, and `tests/run` calls it.
#[must_use]
pub fn binary(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("a test has a path");
    let profile = test.ancestors().find(|path| path.join(name).is_file());
    profile.map(|path| path.join(name)).unwrap_or_else(|| panic!("{name} has not been built; run tests/run"))
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

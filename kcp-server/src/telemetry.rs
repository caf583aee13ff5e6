//! Logs: quiet, structured, to standard error.

use tracing_subscriber::{EnvFilter, fmt};

/// Starts logging. `verbosity` is Kubernetes' `-v`; `RUST_LOG` overrides it.
pub fn start(verbosity: u8, json: bool) {
    let level = match verbosity {
        0 => "warn",
        1..=3 => "info",
        4..=7 => "info,kcp_apiserver=debug,kcp_reconcile=debug,kcp_controllers=debug",
        _ => "debug",
    };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(level));
    let lines = fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // A second start in one process (the sandbox's tools, tests) keeps the first one's.
    let _ = if json { lines.json().try_init() } else { lines.with_ansi(false).try_init() };
}

//! `kcp`: parse, validate all, open, run, drain.

use crate::{config::Config, flags, shard, store_command, telemetry};
use clap::Command;
use std::{ffi::OsString, process::ExitCode};
use tokio_util::sync::CancellationToken;

/// The command line of `kcp`.
#[must_use]
pub fn command() -> Command {
    Command::new("kcp")
        .about("A Kubernetes-like control plane with workspaces")
        .version(env!("CARGO_PKG_VERSION"))
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(flags::start_command())
        .subcommand(store_command::command())
}

/// Runs `kcp` with these arguments, the program's name first.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let matches = match command().try_get_matches_from(args) {
        Ok(matches) => matches,
        Err(error) => {
            let _ = error.print();
            return if error.use_stderr() { ExitCode::from(2) } else { ExitCode::SUCCESS };
        }
    };
    let result = match matches.subcommand() {
        Some(("start", matches)) if matches.subcommand_name() == Some("options") => {
            flags::start_command().print_long_help().map_err(Into::into)
        }
        Some(("start", matches)) => start(matches),
        Some(("store", matches)) => store_command::run(matches),
        Some(_) | None => Ok(()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln_chain(&error);
            ExitCode::FAILURE
        }
    }
}

fn start(matches: &clap::ArgMatches) -> anyhow::Result<()> {
    let config = Config::try_from(flags::read(matches)?)?;
    telemetry::start(config.verbosity, config.json_logs);
    for flag in &config.noted {
        tracing::info!(flag, "accepted and without effect: this server has nothing that it would tune");
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let stop = CancellationToken::new();
        let asked = stop.clone();
        let signals = async move {
            let result = terminated().await;
            asked.cancel();
            result
        };
        // The server drains after a signal; one that ends by itself needs none.
        tokio::pin!(signals);
        let server = shard::run(config, stop, |_| {});
        tokio::pin!(server);
        tokio::select! {
            result = &mut server => result,
            signal = &mut signals => {
                signal?;
                server.await
            }
        }
    })
}

/// Returns on SIGTERM and on Ctrl-C.
///
/// # Errors
/// The handlers cannot be installed.
pub async fn terminated() -> anyhow::Result<()> {
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    tokio::select! {
        _ = terminate.recv() => {}
        interrupt = tokio::signal::ctrl_c() => interrupt?,
    }
    Ok(())
}

#[allow(clippy::print_stderr, reason = "the last words of a process that did not start logging")]
fn eprintln_chain(error: &anyhow::Error) {
    eprintln!("error: {error:#}");
}

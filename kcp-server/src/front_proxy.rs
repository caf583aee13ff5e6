//! `kcp-front-proxy`: parse, validate all, serve, drain.

use crate::{kcp::terminated, telemetry};
use clap::{Args, Command, FromArgMatches};
use kcp_front_proxy::{Config, Flags, run};
use std::{ffi::OsString, process::ExitCode};
use tokio_util::sync::CancellationToken;

/// The command line of `kcp-front-proxy`.
#[must_use]
pub fn command() -> Command {
    Flags::augment_args(
        Command::new("kcp-front-proxy")
            .about("One address for all shards of an installation")
            .version(env!("CARGO_PKG_VERSION"))
            .args_override_self(true),
    )
}

/// Runs `kcp-front-proxy` with these arguments, the program's name first.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let flags =
        match command().try_get_matches_from(args).and_then(|matches| Flags::from_arg_matches(&matches)) {
            Ok(flags) => flags,
            Err(error) => {
                let _ = error.print();
                return if error.use_stderr() { ExitCode::from(2) } else { ExitCode::SUCCESS };
            }
        };
    match serve(flags) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            last_words(&error);
            ExitCode::FAILURE
        }
    }
}

fn serve(flags: Flags) -> anyhow::Result<()> {
    telemetry::start(flags.logging.verbosity, flags.logging.logging_format == "json");
    let config = Config::try_from(flags)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let stop = CancellationToken::new();
        let server = run(config, stop.clone());
        tokio::pin!(server);
        tokio::select! {
            result = &mut server => Ok(result?),
            signal = terminated() => {
                signal?;
                stop.cancel();
                Ok(server.await?)
            }
        }
    })
}

#[allow(clippy::print_stderr, reason = "the last words of a process")]
fn last_words(error: &anyhow::Error) {
    eprintln!("error: {error:#}");
}

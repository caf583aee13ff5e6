//! The operator as a process: flags, logging, the cluster, SIGTERM.

use std::ffi::OsString;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Parser as _;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

use crate::{Flags, Options};

/// Runs the operator with these arguments, the program's name first.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let flags = match Flags::try_parse_from(arguments) {
        Ok(flags) => flags,
        Err(error) => {
            // Where it cannot be shown, the exit code still tells.
            error.print().ok();
            return if error.use_stderr() { ExitCode::from(2) } else { ExitCode::SUCCESS };
        }
    };
    match run(flags) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            std::io::Write::write_all(&mut std::io::stderr(), format!("Error: {error:?}\n").as_bytes()).ok();
            ExitCode::FAILURE
        }
    }
}

fn run(flags: Flags) -> anyhow::Result<()> {
    let options = Options::try_from(flags.clone())?; // every wrong flag is told here, before any I/O
    start_logging(&flags);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let client = client(&flags).await?;
        crate::run(options, client, terminated()?).await
    })
}

/// `zap`'s levels and encoders, as the earlier operator's manifests name them.
fn start_logging(flags: &Flags) {
    let level = match flags.zap_log_level.as_str() {
        "error" | "panic" | "fatal" => "error",
        "warn" => "warn",
        "debug" => "debug",
        number if number.parse::<u8>().is_ok_and(|number| number > 0) => "debug",
        _ => "info",
    };
    let filter = EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| EnvFilter::new(format!("info,kcp_operator={level},kube_lease_manager=warn")));
    let subscriber = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    if flags.zap_devel || flags.zap_encoder == "console" {
        subscriber.with_ansi(false).init();
    } else {
        subscriber.json().flatten_event(true).init();
    }
}

async fn client(flags: &Flags) -> anyhow::Result<Client> {
    let config = match &flags.kubeconfig {
        Some(path) => {
            let file =
                Kubeconfig::read_from(path).with_context(|| format!("cannot read {}", path.display()))?;
            Config::from_custom_kubeconfig(file, &KubeConfigOptions::default()).await?
        }
        None => Config::infer().await.context("there is no cluster: neither a pod's nor a kubeconfig")?,
    };
    Client::try_from(config).context("the cluster's API cannot be used")
}

/// Cancelled by SIGTERM or SIGINT.
fn terminated() -> anyhow::Result<CancellationToken> {
    let (mut term, mut int) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let token = CancellationToken::new();
    let told = token.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = term.recv() => {}
            _ = int.recv() => {}
        }
        tracing::info!("stopping");
        told.cancel();
    });
    Ok(token)
}

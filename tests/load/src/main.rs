//! Load on any Kubernetes-like server that a kubeconfig names, and what came of it as a table.
//!
//! The same run can be pointed at another kcp. Every loop is bounded by a count or by a time; the tool
//! stops by itself, and deletes the namespace or the workspaces that it made.

mod client;
mod objects;
mod workspaces;

use clap::{Parser, Subcommand};
use std::{path::PathBuf, time::Duration};

#[derive(Parser)]
#[command(about = "Puts load on a Kubernetes-like server and prints what came of it")]
struct Args {
    /// Kubeconfig; its current context is used unless --context says otherwise.
    #[arg(long)]
    kubeconfig: PathBuf,
    /// Context of the kubeconfig.
    #[arg(long)]
    context: Option<String>,
    /// Process id of the server, to print its memory.
    #[arg(long)]
    pid: Option<u32>,
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// GET, create, merge patch and LIST of 1 KiB objects.
    Objects {
        /// Clients at a time, one row each.
        #[arg(long, value_delimiter = ',', default_value = "1,16,100")]
        clients: Vec<usize>,
        /// Seconds for each row.
        #[arg(long, default_value_t = 3)]
        seconds: u64,
        /// Objects in the list.
        #[arg(long, default_value_t = 10_000)]
        list: usize,
    },
    /// Workspaces, from create to Ready.
    Workspaces {
        /// How many.
        #[arg(long, default_value_t = 1000)]
        count: usize,
        /// Creates at a time.
        #[arg(long, default_value_t = 16)]
        clients: usize,
        /// Creates per second at most; 0: as fast as it goes.
        #[arg(long, default_value_t = 0)]
        rate: u32,
        /// Leave them there.
        #[arg(long)]
        keep: bool,
    },
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let client = client::Client::from_kubeconfig(&args.kubeconfig, args.context.as_deref())?;
    let before = args.pid.map(resident);
    match args.what {
        What::Objects { clients, seconds, list } => {
            objects::run(&client, &clients, Duration::from_secs(seconds), list).await?;
        }
        What::Workspaces { count, clients, rate, keep } => {
            workspaces::run(&client, count, clients, rate, keep, || args.pid.map(resident)).await?;
        }
    }
    if let (Some(before), Some(after)) = (before, args.pid.map(resident)) {
        row(&[
            "server's memory",
            &format!("{} MiB before", before >> 20),
            &format!("{} MiB after", after >> 20),
        ]);
    }
    Ok(())
}

/// Resident bytes of a process.
fn resident(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
    line.split_whitespace().next().and_then(|kib| kib.parse::<u64>().ok()).unwrap_or(0) * 1024
}

/// The latency below which this share of the samples lies, in milliseconds.
fn percentile(samples: &mut [Duration], share: f64) -> f64 {
    samples.sort_unstable();
    let at = ((samples.len() as f64 * share) as usize).min(samples.len().saturating_sub(1));
    samples.get(at).map_or(0.0, |sample| sample.as_secs_f64() * 1000.0)
}

#[allow(clippy::print_stdout, reason = "the table is what the tool is for")]
fn row(cells: &[&str]) {
    println!("| {} |", cells.join(" | "));
}

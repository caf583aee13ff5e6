//! The command line.

use std::path::PathBuf;

use clap::Parser;
use serde::{Deserialize, Serialize};

/// Starts a whole kcp installation on this machine, without any Kubernetes cluster: an API host with the operator
/// installed, and what the given manifests ask for. Runs until Ctrl-C, which ends everything it started.
#[derive(Clone, Debug, Parser, Serialize, Deserialize)]
#[command(name = "kcp-sandbox", version)]
pub(crate) struct Flags {
    /// Manifests to apply instead of the samples: a file, or a directory whose .yaml, .yml and .json files are taken
    /// in the order of their names. May be given several times.
    #[arg(short = 'f', long = "filename", value_name = "FILE|DIR")]
    pub(crate) files: Vec<PathBuf>,

    /// Where everything is kept: data, kubeconfigs, logs. A second start on the same directory continues.
    #[arg(long, value_name = "DIR", default_value = ".kcp-sandbox")]
    pub(crate) data_dir: PathBuf,

    /// Use a directory of its own and remove it in the end.
    #[arg(long, conflicts_with = "data_dir")]
    pub(crate) ephemeral: bool,

    /// Port on the host's loopback for the API host; 0 takes any that is free.
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    pub(crate) api_port: u16,

    /// More about what happens inside, on standard error: 1 tells of decisions, 2 of every write.
    #[arg(short = 'v', long, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
}

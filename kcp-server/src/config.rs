//! What the command line means. Everything that is wrong with it is told here, before any I/O.

use crate::flags::{Parsed, Start};
use anyhow::{Context, bail};
use kcp_api::bootstrap::Batteries;
use kcp_names::ShardName;
use kcp_transport::Cors;
use std::{net::SocketAddr, path::PathBuf, time::Duration};

/// A valid configuration of `kcp start`.
#[derive(Clone, Debug)]
pub struct Config {
    /// The flags as given.
    pub flags: Start,
    /// Flags that were accepted and do nothing.
    pub noted: Vec<String>,
    /// Address to listen on.
    pub address: SocketAddr,
    /// Name of the shard.
    pub shard: ShardName,
    /// What the installation starts with.
    pub batteries: Batteries,
    /// Whose scripts browsers let in.
    pub cors: Cors,
    /// How long events are kept.
    pub event_ttl: Duration,
    /// Where the store is.
    pub store: PathBuf,
    /// Where the administrator's kubeconfig goes.
    pub kubeconfig: PathBuf,
    /// Where the hash of the shard administrator's token is.
    pub admin_token: PathBuf,
    /// Where a self-signed certificate is kept.
    pub certificates: PathBuf,
    /// Feature gates that are on.
    pub gates: Vec<String>,
    /// Serve the kinds of a cluster that runs something, too.
    pub workloads: bool,
    /// `-v`
    pub verbosity: u8,
    /// Logs as JSON.
    pub json_logs: bool,
}

impl TryFrom<Parsed> for Config {
    type Error = anyhow::Error;

    fn try_from(parsed: Parsed) -> anyhow::Result<Self> {
        let Parsed { start: flags, noted, missing } = parsed;
        if let Some(flag) = missing.first() {
            bail!("--{flag} is not implemented by this server; it must not start and behave as if it were");
        }
        if flags.etcd_servers != ["embedded"] {
            bail!(
                "--etcd-servers={} is not implemented by this server; only the embedded store is",
                flags.etcd_servers.join(",")
            );
        }
        if flags.tls_cert_file.is_some() != flags.tls_private_key_file.is_some() {
            bail!("--tls-cert-file and --tls-private-key-file go together");
        }
        if !matches!(flags.tls_min_version.as_deref(), None | Some("" | "VersionTLS12" | "VersionTLS13")) {
            bail!("--tls-min-version must be VersionTLS12 or VersionTLS13");
        }
        if !matches!(flags.logging_format.as_str(), "text" | "json") {
            bail!("--logging-format must be text or json");
        }
        let names = flags.batteries_included.iter().map(String::as_str).filter(|name| !name.is_empty());
        let batteries = Batteries::parse(names).context("--batteries-included")?;
        let shard = ShardName::parse(&flags.shard_name).context("--shard-name")?;
        if shard.as_str() != "root" {
            bail!("--shard-name={shard} is not implemented by this server; it is a root shard only");
        }
        let ttl = kcp_apimachinery::time::Duration::parse(&flags.event_ttl).context("--event-ttl")?;
        let gates = gates(&flags.feature_gates)?;
        let cors = cors(&flags.cors_allowed_origins)?;
        // An empty root directory, as the operator gives it, is the working directory.
        let root = if flags.root_directory.as_os_str().is_empty() {
            PathBuf::from(".")
        } else {
            flags.root_directory.clone()
        };
        let or = |given: &Option<PathBuf>, name: &str| given.clone().unwrap_or_else(|| root.join(name));
        Ok(Self {
            address: SocketAddr::new(flags.bind_address, flags.secure_port),
            shard,
            batteries,
            cors,
            event_ttl: Duration::from_nanos(u64::try_from(ttl.0).context("--event-ttl")?),
            store: or(&flags.embedded_etcd_directory, "etcd-server"),
            kubeconfig: or(&flags.kubeconfig_path, "admin.kubeconfig"),
            admin_token: or(&flags.authentication_admin_token_path, ".admin-token-store"),
            certificates: flags.cert_dir.clone().unwrap_or_else(|| root.clone()),
            gates,
            workloads: false,
            verbosity: flags.verbosity,
            json_logs: flags.logging_format == "json",
            noted,
            flags,
        })
    }
}

impl Config {
    /// Whether a feature gate is on.
    #[must_use]
    pub fn gate(&self, name: &str) -> bool {
        self.gates.iter().any(|gate| gate == name)
    }
}

/// Allowed origins. Each must say where the host begins and where it ends, lest `https://a.example` let
/// `https://a.example.evil` in.
fn cors(origins: &[String]) -> anyhow::Result<Cors> {
    for origin in origins.iter().filter(|origin| !origin.is_empty()) {
        let begins = origin.contains('^') || origin.contains("//");
        let ends = origin.contains('$') || origin.replacen("://", "", 1).contains(':');
        if !(begins && ends) {
            bail!(
                "--cors-allowed-origins: {origin:?} does not pin the start (^ or //) and the end ($ or :) of the host"
            );
        }
    }
    Cors::parse(origins.iter().map(String::as_str)).context("--cors-allowed-origins")
}

/// Gates that are on. Names of gates that mean nothing here are accepted, as upstream's harness gives all it knows.
fn gates(given: &[String]) -> anyhow::Result<Vec<String>> {
    let mut on = Vec::new();
    for entry in given.iter().filter(|entry| !entry.is_empty()) {
        let Some((name, value)) = entry.split_once('=') else {
            bail!("--feature-gates: {entry:?} is not name=true|false")
        };
        match value {
            "true" => on.push(name.to_owned()),
            "false" => on.retain(|gate| gate != name),
            _ => bail!("--feature-gates: {value:?} is neither true nor false"),
        }
    }
    Ok(on)
}

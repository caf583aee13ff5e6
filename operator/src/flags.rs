//! The command line, that of the operator before this one, with a few flags of our own.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;

use clap::Parser;
use kcp_operator_resources::Images;

/// The image that pods run unless a manifest names another repository.
pub const DEFAULT_IMAGE: &str = concat!("kcp:v", env!("CARGO_PKG_VERSION"));

/// Flags of the operator.
#[derive(Clone, Debug, Parser)]
#[command(
    name = "kcp-operator",
    version,
    about = "Runs kcp: RootShard, FrontProxy and Kubeconfig objects become installations"
)]
pub struct Flags {
    /// Address of the metrics endpoint, or 0 for none
    #[arg(long, default_value = "0")]
    pub metrics_bind_address: String,
    /// Serve metrics over HTTPS, to those whom the cluster lets read them
    #[arg(long, default_value_t = true, num_args = 0..=1, default_missing_value = "true", action = clap::ArgAction::Set)]
    pub metrics_secure: bool,
    /// Address of the health endpoints /healthz and /readyz, or 0 for none
    #[arg(long, default_value = ":8081")]
    pub health_probe_bind_address: String,
    /// Work only while holding the lease, so that several operators can be started
    #[arg(long, default_value_t = false, num_args = 0..=1, default_missing_value = "true", action = clap::ArgAction::Set)]
    pub leader_elect: bool,
    /// Namespace of the lease; that of the pod when unset
    #[arg(long)]
    pub leader_election_namespace: Option<String>,
    /// Namespaces to work in, all when unset
    #[arg(long, value_delimiter = ',')]
    pub watch_namespaces: Vec<String>,
    /// Image with the kcp servers that pods run by default
    #[arg(long, env = "KCP_IMAGE", default_value = DEFAULT_IMAGE)]
    pub kcp_image: String,
    /// Run kcp's own image too where a manifest names it, instead of the default one
    #[arg(long, default_value_t = false, num_args = 0..=1, default_missing_value = "true", action = clap::ArgAction::Set)]
    pub honour_upstream_images: bool,
    /// Kubeconfig of the cluster to work in; that of the pod or of the user when unset
    #[arg(long)]
    pub kubeconfig: Option<PathBuf>,
    /// What to log: error, info, debug, or a verbosity
    #[arg(long, default_value = "info")]
    pub zap_log_level: String,
    /// How to log: json or console
    #[arg(long, default_value = "json")]
    pub zap_encoder: String,
    /// Accepted for old manifests: log for developers, to the console
    #[arg(long, default_value_t = false, num_args = 0..=1, default_missing_value = "true", action = clap::ArgAction::Set)]
    pub zap_devel: bool,
    /// Accepted for old manifests, without effect
    #[arg(long)]
    pub zap_stacktrace_level: Option<String>,
    /// Accepted for old manifests, without effect
    #[arg(long)]
    pub zap_time_encoding: Option<String>,
    /// Accepted for old manifests, without effect: HTTP/1.1 and HTTP/2 are served as clients ask
    #[arg(long, default_value_t = false, num_args = 0..=1, default_missing_value = "true", action = clap::ArgAction::Set)]
    pub enable_http2: bool,
    /// Accepted for old manifests: both groups of controllers always run
    #[arg(long, value_delimiter = ',', default_value = "config,workload")]
    pub enabled_controller_groups: Vec<String>,
    /// Accepted for old manifests; there are no feature gates
    #[arg(long, value_delimiter = ',')]
    pub feature_gates: Vec<String>,
}

/// Flags, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Where to serve metrics.
    pub metrics: Option<SocketAddr>,
    /// Whether metrics are served over HTTPS, behind authentication.
    pub metrics_secure: bool,
    /// Where to serve health.
    pub health: Option<SocketAddr>,
    /// Namespace of the lease, if one is to be held.
    pub lease_namespace: Option<String>,
    /// Namespaces to work in; all when empty.
    pub namespaces: Vec<String>,
    /// What pods run.
    pub images: Images,
}

/// A flag with a value that means nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FlagError {
    /// Not an address.
    #[error("--{flag}: {value:?} is no address like :8081 or 127.0.0.1:8081")]
    Address {
        /// The flag.
        flag: &'static str,
        /// What it says.
        value: String,
    },
    /// One of the two groups of controllers alone cannot be run.
    #[error("--enabled-controller-groups: {0:?} alone cannot be run; this operator always runs both groups")]
    Groups(String),
}

impl TryFrom<Flags> for Options {
    type Error = FlagError;

    fn try_from(flags: Flags) -> Result<Self, FlagError> {
        let groups = &flags.enabled_controller_groups;
        if !["config", "workload"].iter().all(|group| groups.iter().any(|enabled| enabled == group)) {
            return Err(FlagError::Groups(groups.join(",")));
        }
        let namespace = flags.leader_election_namespace.or_else(own_namespace);
        Ok(Self {
            metrics: address("metrics-bind-address", &flags.metrics_bind_address)?,
            metrics_secure: flags.metrics_secure,
            health: address("health-probe-bind-address", &flags.health_probe_bind_address)?,
            lease_namespace: flags.leader_elect.then(|| namespace.unwrap_or_else(|| "default".to_owned())),
            namespaces: flags.watch_namespaces.into_iter().filter(|name| !name.is_empty()).collect(),
            images: Images { bundled: flags.kcp_image, honour_all: flags.honour_upstream_images },
        })
    }
}

/// `:8081` means all addresses of the machine.
fn address(flag: &'static str, value: &str) -> Result<Option<SocketAddr>, FlagError> {
    if value.is_empty() || value == "0" {
        return Ok(None);
    }
    let wrong = || FlagError::Address { flag, value: value.to_owned() };
    if let Some(port) = value.strip_prefix(':') {
        let port = port.parse().map_err(|_| wrong())?;
        return Ok(Some(SocketAddr::new(IpAddr::V6(Ipv6Addr::UNSPECIFIED), port)));
    }
    value.parse().map(Some).map_err(|_| wrong())
}

/// The namespace of the pod that this is.
fn own_namespace() -> Option<String> {
    let from_env = std::env::var("POD_NAMESPACE").ok();
    let file = "/var/run/secrets/kubernetes.io/serviceaccount/namespace";
    from_env.or_else(|| std::fs::read_to_string(file).ok()).map(|name| name.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(args: &[&str]) -> Result<Options, String> {
        let all = std::iter::once("kcp-operator").chain(args.iter().copied());
        let flags = Flags::try_parse_from(all).map_err(|error| error.to_string())?;
        Options::try_from(flags).map_err(|error| error.to_string())
    }

    #[test]
    fn arguments_of_old_manifests_are_accepted() {
        let args = [
            "--metrics-bind-address=:8443",
            "--leader-elect",
            "--health-probe-bind-address=:8081",
            "--zap-log-level=info",
            "--zap-encoder=json",
            "--zap-time-encoding=iso8601",
            "--feature-gates=ConfigurationBundle=true",
            "--enabled-controller-groups=config,workload",
            "--leader-election-namespace=kcp-operator",
        ];
        let options = check(&args).unwrap();
        assert_eq!(options.metrics.unwrap().port(), 8443);
        assert_eq!(options.lease_namespace.as_deref(), Some("kcp-operator"));
        assert!(options.metrics_secure);
    }

    #[test]
    fn without_flags_there_is_health_and_nothing_else() {
        let options = check(&[]).unwrap();
        assert_eq!((options.metrics, options.lease_namespace), (None, None));
        assert_eq!(options.health.unwrap().port(), 8081);
        assert_eq!(options.images.bundled, DEFAULT_IMAGE);
    }

    #[test]
    fn wrong_values_are_told() {
        assert!(check(&["--health-probe-bind-address=here"]).unwrap_err().contains("is no address"));
        assert!(check(&["--enabled-controller-groups=config"]).unwrap_err().contains("alone cannot be run"));
        assert!(check(&["--unknown"]).is_err());
    }

    #[test]
    fn namespaces_are_a_list() {
        assert_eq!(check(&["--watch-namespaces=a,b"]).unwrap().namespaces, ["a", "b"]);
    }
}

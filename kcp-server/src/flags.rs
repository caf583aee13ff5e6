//! The command line of `kcp`, spelt as upstream spells it.
//!
//! Every flag is one of three kinds. Those of [`Start`] do what they say. Those of [`TUNING`] exist upstream to
//! tune parts that this server does not have; they are accepted with a note. Those of [`MISSING`] are about
//! security or storage and not implemented: giving one stops the process and names it.

use clap::builder::{OsStringValueParser, TypedValueParser};
use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches};
use std::path::PathBuf;

/// Flags of `kcp start` that do something.
#[derive(Clone, Debug, Args)]
pub struct Start {
    /// Where files are kept unless a flag says otherwise; empty: the working directory.
    #[arg(long, default_value = ".kcp", value_parser = OsStringValueParser::new().map(PathBuf::from))]
    pub root_directory: PathBuf,
    /// Where the administrator's kubeconfig is written [default: <root>/admin.kubeconfig].
    #[arg(long)]
    pub kubeconfig_path: Option<PathBuf>,
    /// Where the hash of the shard administrator's token is kept [default: <root>/.admin-token-store].
    #[arg(long)]
    pub authentication_admin_token_path: Option<PathBuf>,
    /// Address to listen on.
    #[arg(long, default_value = "0.0.0.0")]
    pub bind_address: std::net::IpAddr,
    /// Port to listen on; 0 finds a free one.
    #[arg(long, default_value_t = 6443)]
    pub secure_port: u16,
    /// Where a self-signed serving certificate is kept [default: <root>].
    #[arg(long)]
    pub cert_dir: Option<PathBuf>,
    /// Serving certificate.
    #[arg(long)]
    pub tls_cert_file: Option<PathBuf>,
    /// Key of the serving certificate.
    #[arg(long)]
    pub tls_private_key_file: Option<PathBuf>,
    /// Oldest TLS version that is spoken: VersionTLS12 or VersionTLS13.
    #[arg(long)]
    pub tls_min_version: Option<String>,
    /// Whether only HTTP/1.1 is spoken.
    #[arg(long, default_value = "false", num_args = 0..=1, default_missing_value = "true", require_equals = true)]
    pub disable_http2_serving: bool,
    /// Requests that one HTTP/2 connection may have open; 0: the default.
    #[arg(long, default_value_t = 0)]
    pub http2_max_streams_per_connection: u32,
    /// Origins whose scripts browsers let in, as regular expressions; none turns CORS off.
    #[arg(long, value_delimiter = ',')]
    pub cors_allowed_origins: Vec<String>,
    /// Certificate authorities of client certificates.
    #[arg(long)]
    pub client_ca_file: Option<PathBuf>,
    /// Users with static tokens, as CSV.
    #[arg(long)]
    pub token_auth_file: Option<PathBuf>,
    /// Whether requests without credentials are let in as system:anonymous.
    #[arg(long, default_value = "true", num_args = 0..=1, default_missing_value = "true", require_equals = true)]
    pub anonymous_auth: bool,
    /// Certificate authorities of proxies that may say who asks.
    #[arg(long)]
    pub requestheader_client_ca_file: Option<PathBuf>,
    /// Common names of such proxies; empty: any that the authority vouches for.
    #[arg(long, value_delimiter = ',')]
    pub requestheader_allowed_names: Vec<String>,
    /// Headers with the user's name.
    #[arg(long, value_delimiter = ',')]
    pub requestheader_username_headers: Vec<String>,
    /// Headers with the user's groups.
    #[arg(long, value_delimiter = ',')]
    pub requestheader_group_headers: Vec<String>,
    /// Headers with the user's uid.
    #[arg(long, value_delimiter = ',')]
    pub requestheader_uid_headers: Vec<String>,
    /// Prefixes of headers with anything else.
    #[arg(long, value_delimiter = ',')]
    pub requestheader_extra_headers_prefix: Vec<String>,
    /// Issuer of service account tokens; the first one signs.
    #[arg(long, default_value = "https://kcp.default.svc", value_delimiter = ',')]
    pub service_account_issuer: Vec<String>,
    /// Public (or private) keys, or certificates, that verify service account tokens.
    #[arg(long)]
    pub service_account_key_file: Vec<PathBuf>,
    /// Private key that signs bound service account tokens.
    #[arg(long)]
    pub service_account_signing_key_file: Option<PathBuf>,
    /// Private key that signs tokens in Secrets.
    #[arg(long)]
    pub service_account_private_key_file: Option<PathBuf>,
    /// Whether the objects that a token names must exist.
    #[arg(long, default_value = "true", num_args = 0..=1, default_missing_value = "true", require_equals = true)]
    pub service_account_lookup: bool,
    /// Audiences of tokens for this API [default: the issuer].
    #[arg(long, value_delimiter = ',')]
    pub api_audiences: Vec<String>,
    /// Paths that everybody may read.
    #[arg(long, default_value = "/healthz,/readyz,/livez", value_delimiter = ',')]
    pub authorization_always_allow_paths: Vec<String>,
    /// Authorizers, in the order in which they are asked.
    #[arg(long, default_value = "AlwaysAllowGroups,AlwaysAllowPaths,RBAC,Webhook", value_delimiter = ',')]
    pub authorization_order: Vec<String>,
    /// Which requests are written down.
    #[arg(long)]
    pub audit_policy_file: Option<PathBuf>,
    /// Where they are written down; `-`: standard output.
    #[arg(long)]
    pub audit_log_path: Option<PathBuf>,
    /// Megabytes after which a new audit file begins.
    #[arg(long, default_value_t = 0)]
    pub audit_log_maxsize: u64,
    /// Old audit files that are kept.
    #[arg(long, default_value_t = 10)]
    pub audit_log_maxbackup: usize,
    /// Whether controllers run here.
    #[arg(long, default_value = "true", num_args = 0..=1, default_missing_value = "true", require_equals = true)]
    pub run_controllers: bool,
    /// Whether `~` is answered.
    #[arg(long, default_value = "true", num_args = 0..=1, default_missing_value = "true", require_equals = true)]
    pub enable_home_workspaces: bool,
    /// Groups whose members may have a home workspace.
    #[arg(long, default_value = "system:authenticated", value_delimiter = ',')]
    pub home_workspaces_home_creator_groups: Vec<String>,
    /// Name of this shard.
    #[arg(long, default_value = "root")]
    pub shard_name: String,
    /// URL of this shard, for other components [default: https://<address>:<port>].
    #[arg(long)]
    pub shard_base_url: Option<String>,
    /// URL of this shard as clients know it, normally that of a front-proxy [default: the base URL].
    #[arg(long)]
    pub shard_external_url: Option<String>,
    /// URL of this shard's virtual workspaces [default: the base URL].
    #[arg(long)]
    pub shard_virtual_workspace_url: Option<String>,
    /// What an installation starts with: admin, workspace-types, user, metrics-viewer; +x and -x change the defaults.
    #[arg(long, default_value = "admin,workspace-types", value_delimiter = ',', allow_hyphen_values = true)]
    pub batteries_included: Vec<String>,
    /// How long events are kept, as a Go duration.
    #[arg(long, default_value = "1h")]
    pub event_ttl: String,
    /// `embedded`, the store in this process.
    #[arg(long, default_value = "embedded", value_delimiter = ',')]
    pub etcd_servers: Vec<String>,
    /// Where the embedded store is [default: <root>/etcd-server].
    #[arg(long)]
    pub embedded_etcd_directory: Option<PathBuf>,
    /// Certificate authority that is put into kube-root-ca.crt [default: the serving certificate].
    #[arg(long)]
    pub root_ca_file: Option<PathBuf>,
    /// Feature gates, `name=true|false`; may be given more than once.
    #[arg(long, value_delimiter = ',')]
    pub feature_gates: Vec<String>,
    /// Requests worked on at a time.
    #[arg(long, default_value_t = 600)]
    pub max_requests_inflight: usize,
    /// How much is logged: 0 warnings, 2 the usual, 4 and more everything.
    #[arg(short = 'v', long = "v", default_value_t = 2)]
    pub verbosity: u8,
    /// `text` or `json`
    #[arg(long, default_value = "text")]
    pub logging_format: String,
}

/// Flags of upstream that tune what is not there, or say what is so anyway. `=`: it takes a value.
pub const TUNING: &[&str] = &[
    "audit-log-batch-buffer-size=",
    "audit-log-batch-max-size=",
    "audit-log-batch-max-wait=",
    "audit-log-batch-throttle-burst=",
    "audit-log-batch-throttle-enable",
    "audit-log-batch-throttle-qps=",
    "audit-log-compress",
    "audit-log-format=",
    "audit-log-maxage=",
    "audit-log-mode=",
    "audit-log-truncate-enabled",
    "audit-log-truncate-max-batch-size=",
    "audit-log-truncate-max-event-size=",
    "audit-log-version=",
    "cache-server-kubeconfig-file=",
    "contention-profiling",
    "conversion-cel-transformation-timeout=",
    "coordinated-leadership-lease-duration=",
    "coordinated-leadership-renew-deadline=",
    "coordinated-leadership-retry-period=",
    "debug-socket-path=",
    "embedded-etcd-client-port=",
    "embedded-etcd-ecdsa-curve=",
    "embedded-etcd-force-new-cluster",
    "embedded-etcd-listen-metrics-urls=",
    "embedded-etcd-peer-port=",
    "embedded-etcd-quota-backend-bytes=",
    "embedded-etcd-wal-size-bytes=",
    "emulated-version=",
    "emulation-forward-compatible",
    "enable-garbage-collector",
    "enable-leader-election",
    "etcd-compaction-interval=",
    "etcd-count-metric-poll-period=",
    "etcd-db-metric-poll-interval=",
    "etcd-healthcheck-timeout=",
    "etcd-prefix=",
    "etcd-readycheck-timeout=",
    "event-burst=",
    "experimental-bind-free-port",
    "external-hostname=",
    "external-logical-cluster-admin-kubeconfig=",
    "goaway-chance=",
    "leader-election-name=",
    "leader-election-namespace=",
    "lease-reuse-duration-seconds=",
    "livez-grace-period=",
    "log-flush-frequency=",
    "log-json-info-buffer-size=",
    "log-json-split-stream",
    "log-text-info-buffer-size=",
    "log-text-split-stream",
    "logical-cluster-admin-kubeconfig=",
    "logical-cluster-object-count-scan-interval=",
    "max-connection-bytes-per-sec=",
    "min-compatibility-version=",
    "mount-proxy-client-cert-file=",
    "mount-proxy-client-key-file=",
    "permit-address-sharing",
    "permit-port-sharing",
    "profiling",
    "profiler-address=",
    "run-virtual-workspaces",
    "runtime-config-emulation-forward-compatible",
    "service-account-extend-token-expiration",
    "service-account-jwks-uri=",
    "service-account-max-token-expiration=",
    "shard-client-cert-file=",
    "shard-client-key-file=",
    "shard-kubeconfig-file=",
    "shard-virtual-workspace-ca-file=",
    "show-hidden-metrics-for-version=",
    "allow-metric-labels=",
    "allow-metric-labels-manifest=",
    "disabled-metrics=",
    "shutdown-delay-duration=",
    "shutdown-send-retry-after",
    "shutdown-watch-termination-grace-period=",
    "storage-initialization-timeout=",
    "storage-media-type=",
    "unsupported-run-individual-controllers=",
    "vmodule=",
    "watch-cache",
    "watch-cache-sizes=",
    "delete-collection-workers=",
    "deserialization-cache-size=",
    "default-watch-cache-size=",
];

/// Flags of upstream that change who may do what, or where data is, and are not implemented.
pub const MISSING: &[&str] = &[
    "audit-webhook-batch-buffer-size=",
    "audit-webhook-batch-max-size=",
    "audit-webhook-batch-max-wait=",
    "audit-webhook-batch-throttle-burst=",
    "audit-webhook-batch-throttle-enable",
    "audit-webhook-batch-throttle-qps=",
    "audit-webhook-config-file=",
    "audit-webhook-initial-backoff=",
    "audit-webhook-mode=",
    "audit-webhook-truncate-enabled",
    "audit-webhook-truncate-max-batch-size=",
    "audit-webhook-truncate-max-event-size=",
    "audit-webhook-version=",
    "authentication-config=",
    "authentication-token-webhook-cache-ttl=",
    "authentication-token-webhook-config-file=",
    "authentication-token-webhook-version=",
    "authorization-webhook-cache-authorized-ttl=",
    "authorization-webhook-cache-unauthorized-ttl=",
    "authorization-webhook-config-file=",
    "authorization-webhook-version=",
    "cache-kubeconfig=",
    "enable-bootstrap-token-auth",
    "encryption-provider-config=",
    "encryption-provider-config-automatic-reload",
    "etcd-cafile=",
    "etcd-certfile=",
    "etcd-keyfile=",
    "etcd-servers-overrides=",
    "logical-cluster-total-object-limit=",
    "miniproxy-mapping-file=",
    "oidc-ca-file=",
    "oidc-client-id=",
    "oidc-groups-claim=",
    "oidc-groups-prefix=",
    "oidc-issuer-url=",
    "oidc-required-claim=",
    "oidc-signing-algs=",
    "oidc-username-claim=",
    "oidc-username-prefix=",
    "proxy-client-cert-file=",
    "proxy-client-key-file=",
    "root-identities-file=",
    "root-shard-kubeconfig-file=",
    "strict-transport-security-directives=",
    "tls-cipher-suites=",
    "tls-sni-cert-key=",
    "tracing-config-file=",
];

/// A command line that was read.
#[derive(Clone, Debug)]
pub struct Parsed {
    /// The flags that do something.
    pub start: Start,
    /// The flags of [`TUNING`] that were given.
    pub noted: Vec<String>,
    /// The flags of [`MISSING`] that were given.
    pub missing: Vec<String>,
}

/// `kcp start`
#[must_use]
pub fn start_command() -> Command {
    // Go's flags may be given more than once, and then the last counts.
    let command =
        Command::new("start").about("Runs the server").subcommand_negates_reqs(true).args_override_self(true);
    let mut command = Start::augment_args(command);
    for spec in TUNING.iter().chain(MISSING) {
        command = command.arg(foreign(spec));
    }
    command.subcommand(Command::new("options").about("Prints all flags"))
}

/// Reads what clap matched.
///
/// # Errors
/// A value that is not of the flag's type.
pub fn read(matches: &ArgMatches) -> Result<Parsed, clap::Error> {
    let given = |list: &[&str]| {
        let name = |spec: &&str| spec.trim_end_matches('=').to_owned();
        let present =
            |name: &String| matches.value_source(name) == Some(clap::parser::ValueSource::CommandLine);
        list.iter().map(name).filter(present).collect()
    };
    Ok(Parsed { start: Start::from_arg_matches(matches)?, noted: given(TUNING), missing: given(MISSING) })
}

fn foreign(spec: &'static str) -> Arg {
    let name = spec.trim_end_matches('=');
    let arg = Arg::new(name).long(name).hide(true).action(ArgAction::Append);
    if spec.ends_with('=') {
        arg.allow_hyphen_values(true)
    } else {
        arg.num_args(0..=1).default_missing_value("true").require_equals(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(args: &[&str]) -> Result<Parsed, String> {
        let args = std::iter::once("start").chain(args.iter().copied());
        let matches = start_command().try_get_matches_from(args).map_err(|e| e.to_string())?;
        read(&matches).map_err(|e| e.to_string())
    }

    #[test]
    fn flags_of_the_end_to_end_harness_are_accepted() {
        let parsed = parse(&[
            "--root-directory",
            "/tmp/x",
            "--secure-port=1234",
            "--embedded-etcd-client-port=1",
            "--embedded-etcd-peer-port=2",
            "--embedded-etcd-wal-size-bytes=5000",
            "--kubeconfig-path=/tmp/k",
            "--audit-log-path",
            "/tmp/a",
            "--v=4",
            "-v4",
            "--feature-gates=A=true,B=false",
            "--feature-gates=C=true",
            "--bind-address=127.0.0.1",
            "--token-auth-file",
            "/t",
            "--audit-policy-file",
            "/p",
            "--client-ca-file",
            "/c",
        ]);
        let parsed = parsed.expect("all known");
        assert_eq!((parsed.start.secure_port, parsed.start.verbosity), (1234, 4));
        assert_eq!(parsed.start.feature_gates, ["A=true", "B=false", "C=true"]);
        assert_eq!(parsed.noted.len(), 3);
        assert!(parsed.missing.is_empty());
    }

    #[test]
    fn unknown_flags_are_errors_and_missing_ones_are_named() {
        assert!(parse(&["--no-such-flag"]).is_err());
        assert!(parse(&["--runtime-config=x"]).is_err());
        assert_eq!(parse(&["--oidc-issuer-url=https://x"]).expect("known").missing, ["oidc-issuer-url"]);
        assert!(!parse(&["--anonymous-auth=false"]).expect("known").start.anonymous_auth);
    }
}

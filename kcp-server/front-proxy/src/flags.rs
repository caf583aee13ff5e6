//! The command line of `kcp-front-proxy`: upstream's names and defaults.
//!
//! Everything parses that upstream parses. What is not implemented and would matter for security stops the
//! process in [`Config::try_from`](crate::Config); what only tunes is taken with a note.

use clap::{ArgAction, Args};
use std::net::IpAddr;

/// Groups that do not pass the proxy unless told otherwise, because they mean something between its shards.
pub const DROPPED_GROUPS: [&str; 4] = [
    "system:masters",
    "system:kcp:logical-cluster-admin",
    "system:kcp:initializer:*",
    "system:kcp:terminator:*",
];

/// The flags.
#[derive(Args, Clone, Debug)]
pub struct Flags {
    /// Which URLs go where
    #[arg(long, default_value = "")]
    pub mapping_file: String,
    /// Where generated files are kept
    #[arg(long, default_value = ".kcp")]
    pub root_directory: String,
    /// Where the root shard is, and how to be believed there
    #[arg(long, default_value = "")]
    pub root_kubeconfig: String,
    /// How to be believed by every shard; its server is not used
    #[arg(long, default_value = "")]
    pub shards_kubeconfig: String,
    /// Not implemented; taken with a note: shards are found through the root shard
    #[arg(long, value_delimiter = ',')]
    pub shard_peer_kubeconfig: Vec<String>,
    /// Not implemented; taken with a note
    #[arg(long, default_value = "")]
    pub profiler_address: String,
    /// Origins whose scripts may talk to us, as regular expressions; none turns CORS off
    #[arg(long, value_delimiter = ',')]
    pub cors_allowed_origins: Vec<String>,
    /// `key=bool` pairs
    #[arg(long, value_delimiter = ',')]
    pub feature_gates: Vec<String>,
    /// Serving
    #[command(flatten)]
    pub serving: ServingFlags,
    /// Authentication
    #[command(flatten)]
    pub authentication: AuthenticationFlags,
    /// Authenticators that do not exist here
    #[command(flatten)]
    pub absent: AbsentFlags,
    /// Logging
    #[command(flatten)]
    pub logging: LoggingFlags,
}

/// Where and how the proxy serves.
#[derive(Args, Clone, Debug)]
pub struct ServingFlags {
    /// Address to listen on
    #[arg(long, default_value = "0.0.0.0")]
    pub bind_address: IpAddr,
    /// Port to listen on; 0 takes any that is free
    #[arg(long, default_value_t = 443)]
    pub secure_port: u16,
    /// Where a generated certificate is kept, instead of the root directory
    #[arg(long, default_value = "")]
    pub cert_dir: String,
    /// Serving certificate and those that signed it
    #[arg(long, default_value = "")]
    pub tls_cert_file: String,
    /// Key of the serving certificate
    #[arg(long, default_value = "")]
    pub tls_private_key_file: String,
    /// VersionTLS12 or VersionTLS13
    #[arg(long, default_value = "")]
    pub tls_min_version: String,
    /// Whether only HTTP/1.1 is spoken
    #[arg(long, default_value_t = false, action = ArgAction::Set, num_args = 0..=1, default_missing_value = "true", require_equals = true)]
    pub disable_http2_serving: bool,
    /// Not implemented
    #[arg(long, value_delimiter = ',')]
    pub tls_cipher_suites: Vec<String>,
    /// Not implemented
    #[arg(long, value_delimiter = ',')]
    pub tls_curve_preferences: Vec<String>,
    /// Not implemented
    #[arg(long)]
    pub tls_sni_cert_key: Vec<String>,
    /// Requests that one HTTP/2 connection may have open; 0 is the default
    #[arg(long, default_value_t = 0)]
    pub http2_max_streams_per_connection: u32,
    /// Not implemented; taken with a note
    #[arg(long, default_value_t = false, action = ArgAction::Set, num_args = 0..=1, default_missing_value = "true", require_equals = true)]
    pub permit_address_sharing: bool,
    /// Not implemented; taken with a note
    #[arg(long, default_value_t = false, action = ArgAction::Set, num_args = 0..=1, default_missing_value = "true", require_equals = true)]
    pub permit_port_sharing: bool,
}

/// Who is believed, and what is passed on.
#[derive(Args, Clone, Debug)]
pub struct AuthenticationFlags {
    /// Authorities that vouch for client certificates
    #[arg(long, default_value = "")]
    pub client_ca_file: String,
    /// Authorities that vouch for proxies before us
    #[arg(long, default_value = "")]
    pub requestheader_client_ca_file: String,
    /// Common names of proxies; none allows any
    #[arg(long, value_delimiter = ',')]
    pub requestheader_allowed_names: Vec<String>,
    /// Headers with the user's name
    #[arg(long, value_delimiter = ',')]
    pub requestheader_username_headers: Vec<String>,
    /// Headers with the user's groups
    #[arg(long, value_delimiter = ',')]
    pub requestheader_group_headers: Vec<String>,
    /// Headers with the user's uid
    #[arg(long, value_delimiter = ',')]
    pub requestheader_uid_headers: Vec<String>,
    /// How headers with what else is known of the user begin
    #[arg(long, value_delimiter = ',')]
    pub requestheader_extra_headers_prefix: Vec<String>,
    /// CSV of tokens and their users
    #[arg(long, default_value = "")]
    pub token_auth_file: String,
    /// Keys or certificates that sign service account tokens; may be repeated
    #[arg(long)]
    pub service_account_key_file: Vec<String>,
    /// Whether service accounts must still exist
    #[arg(long, default_value_t = true, action = ArgAction::Set, num_args = 0..=1, default_missing_value = "true", require_equals = true)]
    pub service_account_lookup: bool,
    /// Issuers of service account tokens; may be repeated
    #[arg(long, default_value = "https://kcp.default.svc")]
    pub service_account_issuer: Vec<String>,
    /// What tokens are meant for; the issuers if not given
    #[arg(long, value_delimiter = ',')]
    pub api_audiences: Vec<String>,
    /// Groups that are passed on; none passes all. A `*` at the end matches any rest
    #[arg(long, value_delimiter = ',')]
    pub authentication_pass_on_groups: Vec<String>,
    /// Groups that are not passed on, instead of the default ones. A `*` at the end matches any rest
    #[arg(long, value_delimiter = ',', default_values_t = DROPPED_GROUPS.map(str::to_owned))]
    pub authentication_drop_groups: Vec<String>,
    /// Not used by a proxy, which issues no tokens
    #[arg(long, default_value = "")]
    pub service_account_jwks_uri: String,
    /// Not used by a proxy, which issues no tokens
    #[arg(long, default_value = "")]
    pub service_account_max_token_expiration: String,
    /// Not used by a proxy, which issues no tokens
    #[arg(long, default_value_t = true, action = ArgAction::Set, num_args = 0..=1, default_missing_value = "true", require_equals = true)]
    pub service_account_extend_token_expiration: bool,
}

/// Authenticators that do not exist here. To ask for one stops the process.
#[derive(Args, Clone, Debug, Default)]
pub struct AbsentFlags {
    /// Not implemented
    #[arg(long, default_value = "")]
    pub oidc_issuer_url: String,
    /// Not implemented
    #[arg(long, default_value = "")]
    pub oidc_client_id: String,
    /// Not implemented
    #[arg(long, default_value = "")]
    pub oidc_ca_file: String,
    /// Not implemented
    #[arg(long, default_value = "sub")]
    pub oidc_username_claim: String,
    /// Not implemented
    #[arg(long, default_value = "")]
    pub oidc_username_prefix: String,
    /// Not implemented
    #[arg(long, default_value = "")]
    pub oidc_groups_claim: String,
    /// Not implemented
    #[arg(long, default_value = "")]
    pub oidc_groups_prefix: String,
    /// Not implemented
    #[arg(long, value_delimiter = ',')]
    pub oidc_signing_algs: Vec<String>,
    /// Not implemented
    #[arg(long, value_delimiter = ',')]
    pub oidc_required_claim: Vec<String>,
    /// Not implemented
    #[arg(long, default_value = "")]
    pub authentication_config: String,
    /// Not implemented
    #[arg(long, default_value = "")]
    pub authentication_token_webhook_config_file: String,
    /// Not implemented
    #[arg(long, default_value = "")]
    pub authentication_token_webhook_version: String,
    /// Not implemented
    #[arg(long, default_value = "")]
    pub authentication_token_webhook_cache_ttl: String,
}

/// What is logged.
#[derive(Args, Clone, Debug)]
pub struct LoggingFlags {
    /// How much is logged, from 0
    #[arg(long = "v", short = 'v', default_value_t = 2)]
    pub verbosity: u8,
    /// `text` or `json`
    #[arg(long, default_value = "text")]
    pub logging_format: String,
    /// Not implemented; taken with a note
    #[arg(long, default_value = "")]
    pub vmodule: String,
    /// Not implemented; taken with a note
    #[arg(long, default_value = "")]
    pub log_flush_frequency: String,
    /// Not implemented; taken with a note
    #[arg(long, default_value_t = false, action = ArgAction::Set, num_args = 0..=1, default_missing_value = "true", require_equals = true)]
    pub log_text_split_stream: bool,
    /// Not implemented; taken with a note
    #[arg(long, default_value = "")]
    pub log_text_info_buffer_size: String,
    /// Not implemented; taken with a note
    #[arg(long, default_value_t = false, action = ArgAction::Set, num_args = 0..=1, default_missing_value = "true", require_equals = true)]
    pub log_json_split_stream: bool,
    /// Not implemented; taken with a note
    #[arg(long, default_value = "")]
    pub log_json_info_buffer_size: String,
}

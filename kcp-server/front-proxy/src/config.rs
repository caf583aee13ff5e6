//! What the proxy shall do, checked.

use crate::flags::{AuthenticationFlags, Flags};
use http::HeaderName;
use kcp_authn::{GroupFilter, HeaderNames};
use kcp_transport::{Cors, KeyPairSource, Limits, MinVersion};
use std::{
    net::IpAddr,
    path::{Path, PathBuf},
};

/// Everything [`run`](crate::run) needs to know.
#[derive(Clone, Debug)]
pub struct Config {
    /// Address to listen on.
    pub host: IpAddr,
    /// Port to listen on; 0 takes any that is free.
    pub port: u16,
    /// The serving certificate; without one it is made and kept in `directory`.
    pub certificate: Option<KeyPairSource>,
    /// Where a certificate is kept that was made.
    pub directory: PathBuf,
    /// The oldest TLS that is spoken.
    pub min_version: MinVersion,
    /// Whether HTTP/2 is spoken besides HTTP/1.1.
    pub http2: bool,
    /// What clients get.
    pub limits: Limits,
    /// The mapping file.
    pub mapping_file: PathBuf,
    /// Kubeconfig of the root shard.
    pub root_kubeconfig: PathBuf,
    /// Kubeconfig with the credential for all shards.
    pub shards_kubeconfig: PathBuf,
    /// Who is believed.
    pub authentication: Authentication,
    /// Origins that scripts of browsers may come from.
    pub cors: Cors,
}

/// Who is believed, and what is passed on of them.
#[derive(Clone, Debug, Default)]
pub struct Authentication {
    /// Authorities of client certificates.
    pub client_ca: Option<PathBuf>,
    /// Authorities of proxies before us.
    pub proxy_ca: Option<PathBuf>,
    /// Common names of those proxies.
    pub proxy_names: Vec<String>,
    /// Headers in which they name users.
    pub proxy_headers: HeaderNames,
    /// Static tokens.
    pub token_file: Option<PathBuf>,
    /// Files with keys of service account tokens.
    pub service_account_keys: Vec<PathBuf>,
    /// Whether service accounts must still exist.
    pub service_account_lookup: bool,
    /// Issuers of service account tokens.
    pub issuers: Vec<String>,
    /// What tokens are meant for.
    pub audiences: Vec<String>,
    /// Which groups are passed on.
    pub groups: GroupFilter,
}

/// Flags that cannot be followed, all of them.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.join("\n"))]
pub struct InvalidFlags(pub Vec<String>);

impl TryFrom<Flags> for Config {
    type Error = InvalidFlags;

    fn try_from(flags: Flags) -> Result<Self, InvalidFlags> {
        let mut wrong = Vec::new();
        check_absent(&flags, &mut wrong);
        for (path, flag) in [
            (&flags.mapping_file, "mapping-file"),
            (&flags.shards_kubeconfig, "shards-kubeconfig"),
            (&flags.root_kubeconfig, "root-kubeconfig"),
        ] {
            if path.is_empty() {
                wrong.push(format!("--{flag} is required"));
            }
        }
        note_tuning(&flags);
        let config = Self {
            host: flags.serving.bind_address,
            port: flags.serving.secure_port,
            certificate: certificate(&flags, &mut wrong),
            directory: directory(&flags),
            min_version: min_version(&flags.serving.tls_min_version, &mut wrong),
            http2: !flags.serving.disable_http2_serving,
            limits: limits(flags.serving.http2_max_streams_per_connection),
            authentication: authentication(&flags.authentication, &mut wrong),
            cors: cors(&flags.cors_allowed_origins, &mut wrong),
            mapping_file: flags.mapping_file.into(),
            root_kubeconfig: flags.root_kubeconfig.into(),
            shards_kubeconfig: flags.shards_kubeconfig.into(),
        };
        if wrong.is_empty() { Ok(config) } else { Err(InvalidFlags(wrong)) }
    }
}

/// Whoever asks for a lock that does not exist must not find the door open.
fn check_absent(flags: &Flags, wrong: &mut Vec<String>) {
    let (serving, absent) = (&flags.serving, &flags.absent);
    let gate = flags
        .feature_gates
        .iter()
        .any(|gate| matches!(gate.split_once('='), Some(("WorkspaceAuthentication" | "AllAlpha", "true"))));
    let oidc = [
        &absent.oidc_client_id,
        &absent.oidc_ca_file,
        &absent.oidc_username_prefix,
        &absent.oidc_groups_claim,
        &absent.oidc_groups_prefix,
    ];
    for (asked, flag) in [
        (!absent.oidc_issuer_url.is_empty(), "oidc-issuer-url"),
        (oidc.iter().any(|value| !value.is_empty()), "oidc-*"),
        (!absent.authentication_config.is_empty(), "authentication-config"),
        (
            !absent.authentication_token_webhook_config_file.is_empty(),
            "authentication-token-webhook-config-file",
        ),
        (!serving.tls_cipher_suites.is_empty(), "tls-cipher-suites"),
        (!serving.tls_curve_preferences.is_empty(), "tls-curve-preferences"),
        (!serving.tls_sni_cert_key.is_empty(), "tls-sni-cert-key"),
        (gate, "feature-gates=WorkspaceAuthentication"),
    ] {
        if asked {
            wrong.push(format!("--{flag} is not implemented"));
        }
    }
}

fn note_tuning(flags: &Flags) {
    let (serving, logging) = (&flags.serving, &flags.logging);
    for (given, flag) in [
        (!flags.shard_peer_kubeconfig.is_empty(), "shard-peer-kubeconfig"),
        (!flags.profiler_address.is_empty(), "profiler-address"),
        (serving.permit_address_sharing, "permit-address-sharing"),
        (serving.permit_port_sharing, "permit-port-sharing"),
        (!logging.vmodule.is_empty(), "vmodule"),
        (!logging.log_flush_frequency.is_empty(), "log-flush-frequency"),
        (logging.log_text_split_stream, "log-text-split-stream"),
        (!logging.log_text_info_buffer_size.is_empty(), "log-text-info-buffer-size"),
        (logging.log_json_split_stream, "log-json-split-stream"),
        (!logging.log_json_info_buffer_size.is_empty(), "log-json-info-buffer-size"),
    ] {
        if given {
            tracing::warn!("--{flag} has no effect");
        }
    }
}

fn certificate(flags: &Flags, wrong: &mut Vec<String>) -> Option<KeyPairSource> {
    let (certificate, key) = (&flags.serving.tls_cert_file, &flags.serving.tls_private_key_file);
    match (given(certificate), given(key)) {
        (Some(certificate), Some(key)) => Some(KeyPairSource::files(certificate, key)),
        (None, None) => None,
        (Some(_), None) | (None, Some(_)) => {
            wrong.push("--tls-cert-file and --tls-private-key-file belong together".to_owned());
            None
        }
    }
}

/// A relative certificate directory lies in the root directory.
fn directory(flags: &Flags) -> PathBuf {
    Path::new(&flags.root_directory).join(&flags.serving.cert_dir)
}

fn min_version(text: &str, wrong: &mut Vec<String>) -> MinVersion {
    match text {
        // The older ones are not spoken, so the least is more than was asked for.
        "" | "VersionTLS10" | "VersionTLS11" | "VersionTLS12" => MinVersion::Tls12,
        "VersionTLS13" => MinVersion::Tls13,
        other => {
            wrong.push(format!("--tls-min-version: unknown version {other:?}"));
            MinVersion::default()
        }
    }
}

fn limits(streams: u32) -> Limits {
    let limits = Limits::default();
    if streams == 0 { limits } else { Limits { streams, ..limits } }
}

fn authentication(flags: &AuthenticationFlags, wrong: &mut Vec<String>) -> Authentication {
    let named = |groups: &[String]| -> Vec<String> {
        groups.iter().filter(|group| !group.is_empty()).cloned().collect()
    };
    let audiences =
        if flags.api_audiences.is_empty() { &flags.service_account_issuer } else { &flags.api_audiences };
    Authentication {
        client_ca: given(&flags.client_ca_file),
        proxy_ca: given(&flags.requestheader_client_ca_file),
        proxy_names: flags.requestheader_allowed_names.clone(),
        proxy_headers: proxy_headers(flags, wrong),
        token_file: given(&flags.token_auth_file),
        service_account_keys: flags.service_account_key_file.iter().map(PathBuf::from).collect(),
        service_account_lookup: flags.service_account_lookup,
        issuers: flags.service_account_issuer.clone(),
        audiences: if flags.service_account_key_file.is_empty() { Vec::new() } else { audiences.clone() },
        groups: GroupFilter::new(
            &named(&flags.authentication_pass_on_groups),
            &named(&flags.authentication_drop_groups),
        ),
    }
}

fn proxy_headers(flags: &AuthenticationFlags, wrong: &mut Vec<String>) -> HeaderNames {
    let mut names = |given: &[String], flag: &str| -> Vec<HeaderName> {
        let parse = |name: &String| match name.trim().parse() {
            Ok(name) => Some(name),
            Err(_) => {
                wrong.push(format!("--{flag}: {name:?} is no header name"));
                None
            }
        };
        given.iter().filter_map(parse).collect()
    };
    let mut headers = HeaderNames::default();
    if flags.requestheader_client_ca_file.is_empty() {
        return headers;
    }
    headers.user = names(&flags.requestheader_username_headers, "requestheader-username-headers");
    headers.group = names(&flags.requestheader_group_headers, "requestheader-group-headers");
    headers.uid = names(&flags.requestheader_uid_headers, "requestheader-uid-headers");
    let prefixes = names(&flags.requestheader_extra_headers_prefix, "requestheader-extra-headers-prefix");
    headers.extra_prefixes = prefixes.iter().map(|prefix| prefix.as_str().to_owned()).collect();
    headers
}

fn cors(origins: &[String], wrong: &mut Vec<String>) -> Cors {
    Cors::parse(origins.iter().map(String::as_str)).unwrap_or_else(|error| {
        wrong.push(format!("--cors-allowed-origins: {error}"));
        Cors::default()
    })
}

fn given(path: &str) -> Option<PathBuf> {
    if path.is_empty() { None } else { Some(path.into()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;
    use kcp_authz::User;

    #[derive(Parser)]
    #[command(args_override_self = true)]
    struct Line {
        #[command(flatten)]
        flags: Flags,
    }

    const NEEDED: [&str; 4] = ["proxy", "--mapping-file=m", "--shards-kubeconfig=s", "--root-kubeconfig=r"];

    fn config(more: &[&str]) -> Result<Config, String> {
        let line =
            Line::try_parse_from(NEEDED.iter().chain(more)).map_err(|error| error.kind().to_string())?;
        Config::try_from(line.flags).map_err(|error| error.to_string())
    }

    #[test]
    fn upstreams_command_line_is_understood() {
        let config = config(&[
            "--secure-port=8443",
            "--tls-cert-file=/t/tls.crt",
            "--tls-private-key-file=/t/tls.key",
            "--client-ca-file=/ca",
            "--requestheader-client-ca-file=/rh",
            "--requestheader-allowed-names=kcp-front-proxy,kcp-mounts-proxy",
            "--requestheader-username-headers=X-Remote-User",
            "--requestheader-group-headers=X-Remote-Group",
            "--requestheader-extra-headers-prefix=X-Remote-Extra-",
            "--service-account-key-file=/a",
            "--service-account-key-file=/b",
            "--service-account-lookup=false",
            "-v=4",
            "-v",
            "6",
        ])
        .expect("valid");
        assert_eq!(config.port, 8443);
        let authentication = config.authentication;
        assert_eq!(authentication.proxy_names, ["kcp-front-proxy", "kcp-mounts-proxy"]);
        assert_eq!(authentication.service_account_keys.len(), 2);
        assert!(!authentication.service_account_lookup);
        assert_eq!(authentication.audiences, ["https://kcp.default.svc"]);
    }

    #[test]
    fn given_groups_are_dropped_instead_of_the_default_ones() {
        for (flags, left) in [
            (&[][..], &["ops", "team:a"][..]),
            (&["--authentication-drop-groups=team:*,ops"], &["system:kcp:initializer:x", "system:masters"]),
            (
                &["--authentication-drop-groups="],
                &["ops", "system:kcp:initializer:x", "system:masters", "team:a"],
            ),
            (&["--authentication-pass-on-groups=team:*,system:masters"], &["team:a"]),
        ] {
            let user = User::new("u", &["system:masters", "team:a", "ops", "system:kcp:initializer:x"]);
            let groups = config(flags).expect("valid").authentication.groups;
            assert_eq!(groups.apply(user).groups, left, "{flags:?}");
        }
    }

    fn check_refused(more: &[&str], expected: &str) {
        assert_eq!(config(more).expect_err("refused"), expected);
    }

    #[test]
    fn what_cannot_be_followed_is_named() {
        check_refused(&["--oidc-issuer-url=https://x"], "--oidc-issuer-url is not implemented");
        check_refused(
            &["--tls-cipher-suites=A", "--feature-gates=WorkspaceAuthentication=true"],
            "--tls-cipher-suites is not implemented\n--feature-gates=WorkspaceAuthentication is not implemented",
        );
        check_refused(&["--tls-cert-file=a"], "--tls-cert-file and --tls-private-key-file belong together");
        check_refused(&["--tls-min-version=1"], "--tls-min-version: unknown version \"1\"");
        check_refused(&["--mapping-file="], "--mapping-file is required");
        check_refused(&["--no-such-flag"], "unexpected argument found");
        let tuning = ["--profiler-address=:6060", "--shard-peer-kubeconfig=a", "--log-text-split-stream"];
        assert!(config(&tuning).is_ok());
        assert!(config(&["--feature-gates=Other=true"]).is_ok());
    }
}

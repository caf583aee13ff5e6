//! Arguments and mounts that several servers share: authentication, authorization, audit, logging.
//!
//! Flags are emitted for what is set, in the order of the earlier operator.

use kcp_operator_api::{
    AuditSpec, AuditWebhookSpec, AuthSpec, AuthenticationWebhookSpec, AuthorizationSpec, LoggingSpec,
    OidcConfiguration, Text, TokenAuthFileSpec,
};

use crate::pod::{Pod, Reads};

/// The flags with which every server is told who may speak for others.
pub(crate) fn request_header(pod: &mut Pod, ca_path: &str, names: [&str; 2]) {
    pod.arg(format!("--requestheader-client-ca-file={ca_path}/tls.crt"));
    pod.arg(format!("--requestheader-allowed-names={}", names.join(",")));
    pod.arg("--requestheader-username-headers=X-Remote-User");
    pod.arg("--requestheader-group-headers=X-Remote-Group");
    pod.arg("--requestheader-extra-headers-prefix=X-Remote-Extra-");
}

/// `-v`, unless it is 0.
pub(crate) fn logging(pod: &mut Pod, logging: Option<&LoggingSpec>) {
    if let Some(level) = logging.and_then(|logging| logging.level).filter(|level| *level != 0) {
        pod.arg(format!("-v={level}"));
    }
}

/// Audit policy and webhook.
pub(crate) fn audit(pod: &mut Pod, spec: Option<&AuditSpec>) {
    let Some(spec) = spec else { return };
    if let Some(map) = spec.policy.as_ref().and_then(|policy| policy.config_map.as_ref()) {
        let path = "/etc/kcp/audit/policy";
        pod.config_map("audit-policy", &map.name, path, Reads::Once);
        pod.arg(format!("--audit-policy-file={path}/{}", map.key));
    }
    if let Some(webhook) = &spec.webhook {
        audit_webhook(pod, webhook);
    }
}

fn audit_webhook(pod: &mut Pod, spec: &AuditWebhookSpec) {
    let set = |number: Option<i64>| number.filter(|number| *number != 0);
    pod.flag("audit-webhook-batch-buffer-size", set(spec.batch_buffer_size));
    pod.flag("audit-webhook-batch-max-size", set(spec.batch_max_size));
    pod.flag("audit-webhook-batch-max-wait", spec.batch_max_wait);
    pod.flag("audit-webhook-batch-throttle-burst", set(spec.batch_throttle_burst));
    if spec.batch_throttle_enable == Some(true) {
        pod.arg("--audit-webhook-batch-throttle-enable");
    }
    pod.flag("audit-webhook-batch-throttle-qps", spec.batch_throttle_qps.text());
    pod.flag("audit-webhook-initial-backoff", spec.initial_backoff);
    pod.flag("audit-webhook-mode", spec.mode.text());
    if spec.truncate_enabled == Some(true) {
        pod.arg("--audit-webhook-truncate-enabled");
    }
    pod.flag("audit-webhook-truncate-max-batch-size", set(spec.truncate_max_batch_size));
    pod.flag("audit-webhook-truncate-max-event-size", set(spec.truncate_max_event_size));
    pod.flag("audit-webhook-version", spec.version.text());
    if let Some(secret) = spec.config_secret_name.text() {
        webhook_config(
            pod,
            "audit-webhook-config",
            secret,
            "/etc/kcp/audit/webhook",
            "audit-webhook-config-file",
        );
    }
}

/// Authorization webhook.
pub(crate) fn authorization(pod: &mut Pod, spec: Option<&AuthorizationSpec>) {
    let Some(spec) = spec.and_then(|spec| spec.webhook.as_ref()) else { return };
    if !spec.allow_paths.is_empty() {
        pod.flag("authorization-always-allow-paths", Some(spec.allow_paths.join(",")));
    }
    pod.flag("authorization-webhook-cache-authorized-ttl", spec.cache_authorized_ttl);
    pod.flag("authorization-webhook-cache-unauthorized-ttl", spec.cache_unauthorized_ttl);
    pod.flag("authorization-webhook-version", spec.version.text());
    if let Some(secret) = spec.config_secret_name.text() {
        let (volume, path) = ("authorization-webhook-config", "/etc/kcp/authorization/webhook");
        webhook_config(pod, volume, secret, path, "authorization-webhook-config-file");
    }
}

fn webhook_config(pod: &mut Pod, volume: &str, secret: &str, path: &str, flag: &str) {
    pod.secret(volume, secret, path, Reads::Once);
    pod.arg(format!("--{flag}={path}/kubeconfig"));
}

/// Whose ServiceAccount tokens a server accepts, and how it gets their keys.
pub(crate) struct ServiceAccountKeys<'a> {
    /// Name of the RootShard.
    pub(crate) root_shard: &'a str,
    /// Names of the Shards.
    pub(crate) shards: &'a [String],
    /// Whether the server is ours and reads all keys from one Secret, so that one more shard replaces
    /// no pod.
    pub(crate) bundled: bool,
}

/// Ways to authenticate.
pub(crate) fn authentication(pod: &mut Pod, spec: Option<&AuthSpec>, keys: &ServiceAccountKeys<'_>) {
    let Some(spec) = spec else { return };
    if let Some(oidc) = &spec.oidc {
        self::oidc(pod, oidc);
    }
    if let Some(webhook) = &spec.webhook {
        authentication_webhook(pod, webhook);
    }
    if let Some(file) = &spec.token_auth_file {
        token_file(pod, file);
    }
    if spec.service_account.as_ref().is_some_and(|account| account.enabled) {
        service_accounts(pod, keys);
    }
}

fn oidc(pod: &mut Pod, spec: &OidcConfiguration) {
    let set = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    pod.flag("oidc-issuer-url", set(&spec.issuer_url));
    pod.flag("oidc-client-id", set(&spec.client_id));
    pod.flag("oidc-groups-claim", spec.groups_claim.text());
    pod.flag("oidc-username-claim", spec.username_claim.text());
    pod.flag("oidc-username-prefix", spec.username_prefix.text());
    pod.flag("oidc-groups-prefix", spec.groups_prefix.text());
    if let Some(ca) = &spec.ca_file_ref {
        pod.arg(format!("--oidc-ca-file=/etc/kcp/tls/oidc/{}", ca.key.text().unwrap_or("ca.crt")));
        pod.secret("oidc-ca-file", &ca.name, "/etc/kcp/tls/oidc", Reads::Once);
    }
}

fn authentication_webhook(pod: &mut Pod, spec: &AuthenticationWebhookSpec) {
    pod.flag("authentication-token-webhook-cache-ttl", spec.cache_authentication_ttl);
    pod.flag("authentication-token-webhook-version", spec.version.text());
    if !spec.config_secret_name.is_empty() {
        let (volume, path) = ("authentication-webhook-config", "/etc/kcp/authentication/webhook");
        let flag = "authentication-token-webhook-config-file";
        webhook_config(pod, volume, &spec.config_secret_name, path, flag);
    }
}

fn token_file(pod: &mut Pod, spec: &TokenAuthFileSpec) {
    let path = "/etc/kcp/authentication/token";
    pod.arg(format!("--token-auth-file={path}/{}", spec.key.text().unwrap_or("token.csv")));
    pod.secret("token-auth-file", &spec.secret_name, path, Reads::Again);
}

fn service_accounts(pod: &mut Pod, keys: &ServiceAccountKeys<'_>) {
    pod.arg("--service-account-lookup=false");
    if keys.bundled {
        let path = "/etc/kcp/tls/service-account-keys";
        let secret = service_account_keys(keys.root_shard);
        pod.secret("service-account-keys", &secret, path, Reads::Again);
        pod.arg(format!("--service-account-key-file={path}/{SERVICE_ACCOUNT_KEYS}"));
        return;
    }
    for shard in std::iter::once(keys.root_shard).chain(keys.shards.iter().map(String::as_str)) {
        let secret = format!("{shard}-service-account");
        let path = format!("/etc/kcp/tls/{shard}/service-account");
        pod.secret(&secret, &secret, &path, Reads::Once);
        pod.arg(format!("--service-account-key-file={path}/tls.crt"));
    }
}

/// Key of the Secret with all ServiceAccount keys.
pub(crate) const SERVICE_ACCOUNT_KEYS: &str = "keys.pem";

/// The Secret with the ServiceAccount keys of all shards of an installation.
pub(crate) fn service_account_keys(root_shard: &str) -> String {
    format!("{root_shard}-service-account-keys")
}

/// A comma-separated list; `None` if an entry would be read as two.
pub(crate) fn list(entries: &[String]) -> Option<String> {
    let clean = entries.iter().all(|entry| !entry.contains([',', '"', '\n']));
    clean.then(|| entries.join(","))
}

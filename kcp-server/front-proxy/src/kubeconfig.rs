//! Reading kubeconfigs: where a server is and how to be believed there.
//!
//! Only what a server process needs. Missing `apiVersion` and `kind` are taken as they should be; ways to
//! authenticate that run programs are refused by name.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use kcp_transport::{ClientTls, KeyPairSource, Roots, Source};
use serde::Deserialize;
use std::path::{Path, PathBuf};

/// One context of a kubeconfig, ready for use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kubeconfig {
    /// The server's URL, without a slash at its end. Empty if the file has none.
    pub server: String,
    /// Whose certificates count.
    pub roots: Roots,
    /// The client certificate.
    pub identity: Option<KeyPairSource>,
    /// The name in the server's certificate, if it is not the host of the URL.
    pub server_name: Option<String>,
    /// The bearer token.
    pub token: Option<Source>,
}

/// A kubeconfig that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KubeconfigError {
    /// The file cannot be read.
    #[error("cannot read kubeconfig {path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file is not a kubeconfig.
    #[error("kubeconfig {path}: {reason}")]
    Invalid {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
}

impl Kubeconfig {
    /// Reads a file and takes `context`, or its current context.
    ///
    /// # Errors
    /// A file that cannot be read or is no kubeconfig, a context that it lacks, a way to authenticate
    /// that is not supported.
    pub fn read(path: &Path, context: Option<&str>) -> Result<Self, KubeconfigError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| KubeconfigError::Read { path: path.to_owned(), source })?;
        let directory = path.parent().unwrap_or(Path::new(""));
        Self::parse(&text, directory, context)
            .map_err(|reason| KubeconfigError::Invalid { path: path.to_owned(), reason })
    }

    /// The TLS side of a client that uses it.
    #[must_use]
    pub fn tls(&self) -> ClientTls {
        ClientTls {
            roots: self.roots.clone(),
            identity: self.identity.clone(),
            server_name: self.server_name.clone(),
        }
    }

    fn parse(text: &str, directory: &Path, context: Option<&str>) -> Result<Self, String> {
        let file: File = serde_saphyr::from_str(text).map_err(|error| error.to_string())?;
        if !(file.kind.is_empty() || file.kind == "Config") {
            return Err(format!("kind is {:?}, not \"Config\"", file.kind));
        }
        let context = pick(&file.contexts, context.unwrap_or(&file.current_context), "context")?;
        let cluster = pick(&file.clusters, &context.context.cluster, "cluster")?;
        let user = match context.context.user.as_str() {
            "" => User::default(),
            name => pick(&file.users, name, "user")?.user.clone(),
        };
        let files = Files(directory);
        let cluster = &cluster.cluster;
        if cluster.proxy_url.as_ref().is_some_and(|url| !url.is_empty()) {
            return Err("proxy-url is not supported".into());
        }
        Ok(Self {
            server: cluster.server.trim_end_matches('/').to_owned(),
            roots: roots(cluster, &files)?,
            identity: user.identity(&files)?,
            server_name: cluster.tls_server_name.clone().filter(|name| !name.is_empty()),
            token: user.token(&files)?,
        })
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct File {
    #[serde(default)]
    kind: String,
    #[serde(default)]
    current_context: String,
    #[serde(default)]
    contexts: Vec<NamedContext>,
    #[serde(default)]
    clusters: Vec<NamedCluster>,
    #[serde(default)]
    users: Vec<NamedUser>,
}

#[derive(Deserialize)]
struct NamedContext {
    name: String,
    #[serde(default)]
    context: Context,
}

#[derive(Default, Deserialize)]
struct Context {
    #[serde(default)]
    cluster: String,
    #[serde(default)]
    user: String,
}

#[derive(Deserialize)]
struct NamedCluster {
    name: String,
    #[serde(default)]
    cluster: Cluster,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Cluster {
    #[serde(default)]
    server: String,
    certificate_authority: Option<String>,
    certificate_authority_data: Option<String>,
    #[serde(default)]
    insecure_skip_tls_verify: bool,
    tls_server_name: Option<String>,
    proxy_url: Option<String>,
}

#[derive(Deserialize)]
struct NamedUser {
    name: String,
    #[serde(default)]
    user: User,
}

#[derive(Clone, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct User {
    client_certificate: Option<String>,
    client_certificate_data: Option<String>,
    client_key: Option<String>,
    client_key_data: Option<String>,
    token: Option<String>,
    #[serde(rename = "tokenFile")]
    token_file: Option<String>,
    username: Option<String>,
    exec: Option<serde::de::IgnoredAny>,
    auth_provider: Option<serde::de::IgnoredAny>,
}

impl User {
    fn identity(&self, files: &Files<'_>) -> Result<Option<KeyPairSource>, String> {
        for (unsupported, name) in [
            (self.exec.is_some(), "exec"),
            (self.auth_provider.is_some(), "auth-provider"),
            (self.username.is_some(), "username"),
        ] {
            if unsupported {
                return Err(format!("{name} is not supported"));
            }
        }
        let certificate = files.source(&self.client_certificate_data, &self.client_certificate)?;
        let key = files.source(&self.client_key_data, &self.client_key)?;
        match (certificate, key) {
            (None, None) => Ok(None),
            (Some(certificate), Some(key)) => Ok(Some(KeyPairSource { certificate, key })),
            (Some(_), None) => Err("client certificate without client key".into()),
            (None, Some(_)) => Err("client key without client certificate".into()),
        }
    }

    /// The file wins, as with client-go: it may change.
    fn token(&self, files: &Files<'_>) -> Result<Option<Source>, String> {
        match given(&self.token_file) {
            Some(path) => Ok(Some(files.file(path))),
            None => Ok(given(&self.token).map(|token| Source::Inline(token.as_bytes().to_vec()))),
        }
    }
}

trait Named {
    fn name(&self) -> &str;
}

impl Named for NamedContext {
    fn name(&self) -> &str {
        &self.name
    }
}

impl Named for NamedCluster {
    fn name(&self) -> &str {
        &self.name
    }
}

impl Named for NamedUser {
    fn name(&self) -> &str {
        &self.name
    }
}

fn pick<'a, T: Named>(entries: &'a [T], name: &str, kind: &str) -> Result<&'a T, String> {
    entries.iter().find(|entry| entry.name() == name).ok_or_else(|| format!("there is no {kind} {name:?}"))
}

fn roots(cluster: &Cluster, files: &Files<'_>) -> Result<Roots, String> {
    let bundle = files.source(&cluster.certificate_authority_data, &cluster.certificate_authority)?;
    match bundle {
        Some(_) if cluster.insecure_skip_tls_verify => {
            Err("a certificate authority together with insecure-skip-tls-verify".into())
        }
        Some(source) => Ok(Roots::Bundle(source)),
        None if cluster.insecure_skip_tls_verify => Ok(Roots::Unverified),
        None => Ok(Roots::System),
    }
}

/// Paths in a kubeconfig start from its directory.
struct Files<'a>(&'a Path);

impl Files<'_> {
    /// Embedded data wins over a file, as with client-go.
    fn source(&self, data: &Option<String>, path: &Option<String>) -> Result<Option<Source>, String> {
        if let Some(data) = given(data) {
            let bytes = BASE64_STANDARD.decode(data).map_err(|error| format!("embedded data: {error}"))?;
            return Ok(Some(Source::Inline(bytes)));
        }
        Ok(given(path).map(|path| self.file(path)))
    }

    fn file(&self, path: &str) -> Source {
        Source::File(self.0.join(path))
    }
}

fn given(field: &Option<String>) -> Option<&str> {
    field.as_deref().filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Result<&str, &str>) {
        let shown = Kubeconfig::parse(text, Path::new("/etc/kcp"), None).map(|config| {
            format!("{} {:?} {:?} {:?}", config.server, config.roots, config.identity, config.token)
        });
        assert_eq!(shown.as_deref().map_err(String::as_str), expected);
    }

    #[test]
    fn files_are_beside_the_kubeconfig() {
        check(
            r"
            clusters: [{name: c, cluster: {server: 'https://root:6443/', certificate-authority: ca.crt}}]
            users: [{name: u, user: {client-certificate: /tls/tls.crt, client-key: tls.key}}]
            contexts: [{name: x, context: {cluster: c, user: u, namespace: ignored}}]
            current-context: x
            ",
            Ok("https://root:6443 Bundle(/etc/kcp/ca.crt) \
                Some(KeyPairSource { certificate: /tls/tls.crt, key: /etc/kcp/tls.key }) None"),
        );
    }

    #[test]
    fn data_may_be_embedded() {
        check(
            r"
            apiVersion: v1
            kind: Config
            preferences: {}
            clusters: [{name: c, cluster: {server: https://x, certificate-authority-data: Q0E=}}]
            users: [{name: u, user: {token: secret}}]
            contexts: [{name: x, context: {cluster: c, user: u}}]
            current-context: x
            ",
            Ok("https://x Bundle(embedded data) None Some(embedded data)"),
        );
    }

    #[test]
    fn what_is_not_supported_is_named() {
        let with_user = |user: &str| {
            format!(
                "{{clusters: [{{name: c}}], users: [{{name: u, user: {user}}}], \
                 contexts: [{{name: x, context: {{cluster: c, user: u}}}}], current-context: x}}"
            )
        };
        check(&with_user("{exec: {command: aws}}"), Err("exec is not supported"));
        check(&with_user("{client-key: a}"), Err("client key without client certificate"));
        check("current-context: gone", Err("there is no context \"gone\""));
        check("kind: Pod", Err("kind is \"Pod\", not \"Config\""));
    }
}

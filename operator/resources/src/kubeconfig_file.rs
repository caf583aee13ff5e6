//! Kubeconfig files, as the servers and clients of an installation read them.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde::Serialize;

/// A kubeconfig under construction: one user, some servers.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct File {
    #[serde(rename = "apiVersion", skip_serializing_if = "Option::is_none")]
    api_version: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<&'static str>,
    preferences: Empty,
    clusters: Vec<Named<Cluster>>,
    contexts: Vec<Named<Context>>,
    current_context: String,
    users: Vec<Named<User>>,
}

#[derive(Clone, Debug, Serialize)]
struct Empty {}

/// Entries are flat on the wire except for what they name: `{name, cluster}`, `{name, context}`.
#[derive(Clone, Debug, Serialize)]
struct Named<T> {
    #[serde(flatten)]
    entry: T,
    name: String,
}

#[derive(Clone, Debug, Serialize)]
struct Cluster {
    cluster: Server,
}

/// A server and who vouches for it.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Server {
    #[serde(flatten)]
    ca: Ca,
    server: String,
}

/// Certificate authorities.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Ca {
    /// In a file of the pod.
    #[serde(rename = "certificate-authority")]
    File(String),
    /// In the kubeconfig itself, in base64.
    #[serde(rename = "certificate-authority-data")]
    Data(String),
}

#[derive(Clone, Debug, Serialize)]
struct Context {
    context: ContextEntry,
}

#[derive(Clone, Debug, Serialize)]
struct ContextEntry {
    cluster: String,
    user: String,
}

#[derive(Clone, Debug, Serialize)]
struct User {
    user: Credential,
}

/// A client certificate.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum Credential {
    /// In files of the pod.
    #[serde(rename_all = "kebab-case")]
    Files {
        /// The certificate.
        client_certificate: String,
        /// Its key.
        client_key: String,
    },
    /// In the kubeconfig itself, in base64.
    #[serde(rename_all = "kebab-case")]
    Data {
        /// The certificate.
        client_certificate_data: String,
        /// Its key.
        client_key_data: String,
    },
}

impl Credential {
    /// `tls.crt` and `tls.key` in a directory of the pod.
    pub(crate) fn in_directory(path: &str) -> Self {
        Self::Files { client_certificate: format!("{path}/tls.crt"), client_key: format!("{path}/tls.key") }
    }

    /// PEM texts.
    pub(crate) fn embedded(certificate: &[u8], key: &[u8]) -> Self {
        Self::Data {
            client_certificate_data: BASE64_STANDARD.encode(certificate),
            client_key_data: BASE64_STANDARD.encode(key),
        }
    }
}

impl Ca {
    /// A PEM text.
    pub(crate) fn embedded(pem: &[u8]) -> Self {
        Self::Data(BASE64_STANDARD.encode(pem))
    }
}

impl File {
    /// With one user and nothing to talk to yet.
    pub(crate) fn new(user: &str, credential: Credential, current_context: &str) -> Self {
        Self {
            api_version: Some("v1"),
            kind: Some("Config"),
            preferences: Empty {},
            clusters: Vec::new(),
            contexts: Vec::new(),
            current_context: current_context.to_owned(),
            users: vec![Named { name: user.to_owned(), entry: User { user: credential } }],
        }
    }

    /// Without `apiVersion` and `kind`, as the proxies' files have always been.
    pub(crate) fn untyped(mut self) -> Self {
        (self.api_version, self.kind) = (None, None);
        self
    }

    /// One more server.
    pub(crate) fn cluster(mut self, name: &str, server: &str, ca: Ca) -> Self {
        let cluster = Server { ca, server: server.to_owned() };
        self.clusters.push(Named { name: name.to_owned(), entry: Cluster { cluster } });
        self
    }

    /// The user at a server.
    pub(crate) fn context(mut self, name: &str, cluster: &str) -> Self {
        let user = self.users.first().map(|user| user.name.clone()).unwrap_or_default();
        let context = ContextEntry { cluster: cluster.to_owned(), user };
        self.contexts.push(Named { name: name.to_owned(), entry: Context { context } });
        self
    }

    /// The text of the file.
    pub(crate) fn to_yaml(&self) -> String {
        yaml(self)
    }
}

/// A document of plain values as YAML.
pub(crate) fn yaml<T: Serialize>(value: &T) -> String {
    // Maps with text keys, texts and numbers can always be written.
    serde_saphyr::to_string(value).unwrap_or_default()
}

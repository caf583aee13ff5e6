//! Reading a kubeconfig: where a server is, and who to be there.

use anyhow::Context;
use base64::{Engine, prelude::BASE64_STANDARD};
use kcp_transport::{ClientTls, KeyPairSource, Roots, Source};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// A kubeconfig that was read.
pub struct Kubeconfig {
    config: Value,
    /// What relative paths in it are relative to.
    directory: PathBuf,
}

/// How a context reaches its server.
#[derive(Debug)]
pub struct Access {
    /// Its URL.
    pub server: String,
    /// How it is trusted, and the client's certificate.
    pub tls: ClientTls,
    /// A bearer token.
    pub token: Option<String>,
}

impl Kubeconfig {
    /// Reads a file.
    ///
    /// # Errors
    /// It cannot be read, or is no kubeconfig.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let name = || path.display().to_string();
        let text = std::fs::read_to_string(path).with_context(name)?;
        let config = serde_saphyr::from_str(&text).with_context(name)?;
        Ok(Self { config, directory: path.parent().unwrap_or(Path::new("")).to_owned() })
    }

    /// The context of a shard's administrator, as `kcp start` writes it; the current one, if there is none.
    #[must_use]
    pub fn shard_context(&self) -> String {
        let shard = "shard-base";
        let found = self.entry("contexts", shard, "context").is_some();
        if found { shard } else { self.config["current-context"].as_str().unwrap_or_default() }.to_owned()
    }

    /// How a context reaches its server.
    ///
    /// # Errors
    /// There is no such context, or something in it is missing or malformed.
    pub fn access(&self, context: &str) -> anyhow::Result<Access> {
        let text = |entry: &Value, member: &str| entry[member].as_str().unwrap_or_default().to_owned();
        let context =
            self.entry("contexts", context, "context").with_context(|| format!("no context {context:?}"))?;
        let name = text(context, "cluster");
        let cluster =
            self.entry("clusters", &name, "cluster").with_context(|| format!("no cluster {name:?}"))?;
        let name = text(context, "user");
        let user = self.entry("users", &name, "user").with_context(|| format!("no user {name:?}"))?;
        let server = cluster["server"].as_str().context("the cluster has no server")?.to_owned();
        let roots = match self.source(cluster, "certificate-authority")? {
            _ if cluster["insecure-skip-tls-verify"] == true => Roots::Unverified,
            Some(bundle) => Roots::Bundle(bundle),
            None => Roots::System,
        };
        let identity = match (self.source(user, "client-certificate")?, self.source(user, "client-key")?) {
            (Some(certificate), Some(key)) => Some(KeyPairSource { certificate, key }),
            _ => None,
        };
        let token = match (user["token"].as_str(), user["tokenFile"].as_str()) {
            (Some(token), _) => Some(token.to_owned()),
            (None, Some(file)) => {
                let token = std::fs::read_to_string(self.directory.join(file));
                Some(token.with_context(|| file.to_owned())?.trim().to_owned())
            }
            (None, None) => None,
        };
        let server_name = cluster["tls-server-name"].as_str().map(str::to_owned);
        Ok(Access { server, tls: ClientTls { roots, identity, server_name }, token })
    }

    fn entry(&self, list: &str, name: &str, member: &str) -> Option<&Value> {
        let entries = self.config[list].as_array()?;
        entries.iter().find(|entry| entry["name"] == name).map(|entry| &entry[member])
    }

    /// Bytes that are in the file, or named by it.
    fn source(&self, entry: &Value, name: &str) -> anyhow::Result<Option<Source>> {
        if let Some(data) = entry[format!("{name}-data")].as_str() {
            let data = BASE64_STANDARD.decode(data).with_context(|| format!("{name}-data"))?;
            return Ok(Some(Source::Inline(data)));
        }
        Ok(entry[name].as_str().map(|file| Source::File(self.directory.join(file))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIG: &str = "
current-context: mine
contexts:
- {name: mine, context: {cluster: c, user: u}}
- {name: bad, context: {cluster: c, user: nobody}}
clusters:
- {name: c, cluster: {server: 'https://x:1', certificate-authority: ca.crt, tls-server-name: other}}
users:
- {name: u, user: {tokenFile: token, client-certificate-data: YQ==, client-key-data: Yg==}}
";

    #[test]
    fn a_context_is_read() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("config");
        std::fs::write(&path, CONFIG).expect("writes");
        std::fs::write(directory.path().join("token"), "secret\n").expect("writes");
        let config = Kubeconfig::read(&path).expect("is one");
        let access = config.access(&config.shard_context()).expect("is whole");
        assert_eq!((access.server.as_str(), access.token.as_deref()), ("https://x:1", Some("secret")));
        assert_eq!(access.tls.roots, Roots::Bundle(Source::File(directory.path().join("ca.crt"))));
        assert_eq!(access.tls.server_name.as_deref(), Some("other"));
        assert!(access.tls.identity.is_some());
        assert_eq!(config.access("bad").expect_err("no user").to_string(), "no user \"nobody\"");
        assert_eq!(config.access("none").expect_err("none").to_string(), "no context \"none\"");
    }
}

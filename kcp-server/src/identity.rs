//! Who may enter: the authenticators of a shard, made anew when the files change that they are made of.
//!
//! Authorities, proxies' authorities, static tokens and the keys of service accounts are replaced while the shard
//! serves: a renewed authority or one more shard's key restarts nobody. Files that cannot be used are logged, and what
//! they were stays. What is configured by flags, and the key that signs, stay as they were at the start.

use crate::{config::Config, keys::SigningKeys, lookup::RegistryLookup};
use anyhow::Context;
use kcp_apiserver::{ApiServer, Identity};
use kcp_authn::{
    AdminTokens, Authenticator, ClientCertificates, HeaderNames, Lookup, RequestHeader, ServiceAccounts,
    TokenFile,
};
use kcp_pki::TrustBundle;
use kcp_registry::Registry;
use kcp_transport::Upkeep;
use parking_lot::Mutex;
use sha2::{Digest as _, Sha256};
use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

/// Of the content of all files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FilesDigest([u8; 32]);

/// What authenticators are made of.
pub struct Sources {
    config: Config,
    administrators: Option<AdminTokens>,
    lookup: Option<Arc<dyn Lookup>>,
}

impl Sources {
    /// For a shard with this configuration and these local administrators.
    #[must_use]
    pub fn new(config: &Config, administrators: Option<AdminTokens>, registry: &Arc<Registry>) -> Self {
        let lookup = config.flags.service_account_lookup;
        let lookup = lookup.then(|| Arc::new(RegistryLookup(registry.clone())) as Arc<dyn Lookup>);
        Self { config: config.clone(), administrators, lookup }
    }

    /// Authenticators of the files as they are now, and a digest of the files as they were just before.
    ///
    /// # Errors
    /// A file cannot be read, or does not hold what it should.
    pub fn read(&self) -> anyhow::Result<(Identity, FilesDigest)> {
        let seen = self.digest()?;
        let flags = &self.config.flags;
        let keys = SigningKeys::load(&self.config)?.verifying;
        let clients = flags.client_ca_file.as_deref().map(trust).transpose()?;
        let authn = Authenticator::new(kcp_authn::Config {
            admin_tokens: self.administrators.clone(),
            request_header: request_header(&self.config)?,
            client_certificates: clients.map(ClientCertificates::new),
            token_file: flags.token_auth_file.as_deref().map(token_file).transpose()?,
            service_accounts: Some(ServiceAccounts::new(
                flags.service_account_issuer.clone(),
                keys.clone(),
                self.lookup.clone(),
            )),
            anonymous: flags.anonymous_auth,
            api_audiences: audiences(&self.config),
        });
        Ok((Identity { authn, keys }, seen))
    }

    /// All files that [`Sources::read`] looks at.
    fn files(&self) -> impl Iterator<Item = &PathBuf> {
        let flags = &self.config.flags;
        let single = [&flags.client_ca_file, &flags.requestheader_client_ca_file, &flags.token_auth_file];
        single.into_iter().flatten().chain(&flags.service_account_key_file)
    }

    fn digest(&self) -> anyhow::Result<FilesDigest> {
        let mut hash = Sha256::new();
        for path in self.files() {
            let content = fs::read(path).with_context(|| path.display().to_string())?;
            hash.update((content.len() as u64).to_be_bytes());
            hash.update(content);
        }
        Ok(FilesDigest(hash.finalize().into()))
    }
}

/// Follows the files of a server's authenticators.
pub struct Follower {
    sources: Sources,
    server: Arc<ApiServer>,
    seen: Mutex<FilesDigest>,
}

impl Follower {
    /// The server has what was read from files of this digest.
    #[must_use]
    pub fn new(sources: Sources, server: Arc<ApiServer>, seen: FilesDigest) -> Arc<Self> {
        Arc::new(Self { sources, server, seen: Mutex::new(seen) })
    }

    fn reload(&self) -> anyhow::Result<bool> {
        let now = self.sources.digest()?;
        let mut seen = self.seen.lock();
        if *seen == now {
            return Ok(false);
        }
        // What cannot be used is told once, and read again when it changes.
        *seen = now;
        let (identity, read) = self.sources.read()?;
        *seen = read;
        self.server.replace_identity(identity);
        Ok(true)
    }
}

impl Upkeep for Follower {
    fn upkeep(&self) {
        match self.reload() {
            Ok(false) => {}
            Ok(true) => tracing::info!("authentication files reloaded"),
            Err(error) => {
                tracing::error!(error = %format!("{error:#}"), "new authentication files not usable; keeping the old ones");
            }
        }
    }
}

/// For whom a token without audiences is.
pub(crate) fn audiences(config: &Config) -> Vec<String> {
    let given = &config.flags.api_audiences;
    if given.is_empty() {
        config.flags.service_account_issuer.iter().take(1).cloned().collect()
    } else {
        given.clone()
    }
}

fn trust(path: &Path) -> anyhow::Result<TrustBundle> {
    let pem = fs::read(path).with_context(|| path.display().to_string())?;
    TrustBundle::read(&pem).with_context(|| path.display().to_string())
}

fn token_file(path: &Path) -> anyhow::Result<TokenFile> {
    let text = fs::read_to_string(path).with_context(|| format!("--token-auth-file {}", path.display()))?;
    TokenFile::read(&text).with_context(|| format!("--token-auth-file {}", path.display()))
}

fn request_header(config: &Config) -> anyhow::Result<Option<RequestHeader>> {
    let flags = &config.flags;
    let Some(path) = &flags.requestheader_client_ca_file else { return Ok(None) };
    let mut names = HeaderNames::default();
    let read = |given: &[String], names: &mut Vec<http::HeaderName>| -> anyhow::Result<()> {
        if !given.is_empty() {
            *names = given
                .iter()
                .map(|name| name.parse())
                .collect::<Result<_, _>>()
                .context("--requestheader-…-headers")?;
        }
        Ok(())
    };
    read(&flags.requestheader_username_headers, &mut names.user)?;
    read(&flags.requestheader_group_headers, &mut names.group)?;
    read(&flags.requestheader_uid_headers, &mut names.uid)?;
    if !flags.requestheader_extra_headers_prefix.is_empty() {
        names.extra_prefixes =
            flags.requestheader_extra_headers_prefix.iter().map(|p| p.to_ascii_lowercase()).collect();
    }
    Ok(Some(RequestHeader::new(trust(path)?, flags.requestheader_allowed_names.clone(), names)))
}

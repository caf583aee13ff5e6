//! Who makes a request, and how the shards are told.
//!
//! Client certificates, proxies before us, static tokens and service accounts are judged here. Without a
//! client certificate, and if no kind of token is known here, a request passes as it is: the shard judges
//! its `Authorization` header. In no case does an identity header that came in go out.

use crate::{config::Authentication, directory::Directory, lookup::AtItsShard};
use arc_swap::ArcSwap;
use http::{HeaderMap, HeaderName};
use kcp_authn::{
    Authenticator, ClientCertificates, Config, HeaderNames, KeySet, Lookup, RequestHeader, ServiceAccounts,
    TokenFile, Unauthorized, Unrepresentable,
};
use kcp_authz::User;
use kcp_pki::{PublicKey, TrustBundle, UnixTime};
use kcp_transport::{Peer, Upkeep};
use parking_lot::Mutex;
use sha2::{Digest, Sha256};
use std::{path::PathBuf, sync::Arc};

/// A file that authentication needs cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{path}: {reason}")]
pub struct IdentityError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    pub reason: String,
}

/// The authenticators, made anew when their files change.
pub(crate) struct Identity {
    config: Authentication,
    directory: Arc<Directory>,
    current: ArcSwap<Authenticator>,
    seen: Mutex<[u8; 32]>,
}

impl Identity {
    pub(crate) fn new(config: Authentication, directory: Arc<Directory>) -> Result<Arc<Self>, IdentityError> {
        let files = Files::read(&config)?;
        let authenticator = files.authenticator(&config, &directory)?;
        let seen = Mutex::new(files.digest());
        Ok(Arc::new(Self { config, directory, current: ArcSwap::from_pointee(authenticator), seen }))
    }

    /// Who makes the request; `None` if the shard shall judge. A credential that was accepted is removed
    /// from the headers.
    pub(crate) async fn of(
        &self,
        peer: &Peer,
        headers: &mut HeaderMap,
    ) -> Result<Option<User>, Unauthorized> {
        let authenticator = self.current.load_full();
        if peer.certificates.is_empty() && !authenticator.knows_tokens() {
            return Ok(None);
        }
        let found = authenticator.authenticate(&peer.certificates, headers, UnixTime::now()).await?;
        Ok(Some(self.config.groups.apply(found.user)))
    }

    fn reload(&self) -> Result<bool, IdentityError> {
        let files = Files::read(&self.config)?;
        let mut seen = self.seen.lock();
        let now = files.digest();
        if *seen == now {
            return Ok(false);
        }
        *seen = now;
        self.current.store(Arc::new(files.authenticator(&self.config, &self.directory)?));
        Ok(true)
    }
}

impl Upkeep for Identity {
    fn upkeep(&self) {
        match self.reload() {
            Ok(false) => {}
            Ok(true) => tracing::info!("authentication files reloaded"),
            Err(error) => {
                tracing::error!(%error, "new authentication files not usable; keeping the old ones")
            }
        }
    }
}

/// The headers that say who a user is, ready to be put on a request.
#[derive(Debug)]
pub(crate) struct Stamp {
    names: HeaderNames,
    headers: HeaderMap,
}

impl Stamp {
    /// Writes a user down, or that there is none.
    pub(crate) fn new(names: &HeaderNames, user: Option<&User>) -> Result<Self, Unrepresentable> {
        let mut headers = HeaderMap::new();
        names.stamp(&mut headers, user)?;
        Ok(Self { names: names.clone(), headers })
    }

    /// Replaces whatever identity a request carries, and all else that only servers tell each other.
    pub(crate) fn put(self, request: &mut HeaderMap) {
        HeaderNames::default().strip(request);
        self.names.strip(request);
        let internal: Vec<HeaderName> =
            request.keys().filter(|name| name.as_str().starts_with("x-kcp-internal-")).cloned().collect();
        for name in internal {
            request.remove(name);
        }
        request.extend(self.headers);
    }
}

/// The content of all files, each with its path.
struct Files(Vec<(PathBuf, Vec<u8>)>);

impl Files {
    fn read(config: &Authentication) -> Result<Self, IdentityError> {
        let single = [&config.client_ca, &config.proxy_ca, &config.token_file].into_iter().flatten();
        single
            .chain(&config.service_account_keys)
            .map(|path| match std::fs::read(path) {
                Ok(content) => Ok((path.clone(), content)),
                Err(error) => Err(IdentityError { path: path.clone(), reason: error.to_string() }),
            })
            .collect::<Result<_, _>>()
            .map(Self)
    }

    fn digest(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        for (_, content) in &self.0 {
            hash.update((content.len() as u64).to_be_bytes());
            hash.update(content);
        }
        hash.finalize().into()
    }

    fn authenticator(
        &self,
        config: &Authentication,
        directory: &Arc<Directory>,
    ) -> Result<Authenticator, IdentityError> {
        let client_ca = self.parsed(config.client_ca.as_ref(), TrustBundle::read)?;
        let proxy_ca = self.parsed(config.proxy_ca.as_ref(), TrustBundle::read)?;
        let tokens = self.parsed(config.token_file.as_ref(), |content| {
            TokenFile::read(&String::from_utf8_lossy(content))
        })?;
        Ok(Authenticator::new(Config {
            request_header: proxy_ca
                .map(|ca| RequestHeader::new(ca, config.proxy_names.clone(), config.proxy_headers.clone())),
            client_certificates: client_ca.map(ClientCertificates::new),
            token_file: tokens,
            service_accounts: self.service_accounts(config, directory)?,
            api_audiences: config.audiences.clone(),
            ..Config::default()
        }))
    }

    fn service_accounts(
        &self,
        config: &Authentication,
        directory: &Arc<Directory>,
    ) -> Result<Option<ServiceAccounts>, IdentityError> {
        let mut keys = Vec::new();
        for path in &config.service_account_keys {
            keys.extend(self.parsed(Some(path), PublicKey::read_all)?.unwrap_or_default());
        }
        let Some(first) = config.service_account_keys.first() else { return Ok(None) };
        let keys = KeySet::new(keys)
            .map_err(|error| IdentityError { path: first.clone(), reason: error.to_string() })?;
        let lookup = config
            .service_account_lookup
            .then(|| Arc::new(AtItsShard(Arc::clone(directory))) as Arc<dyn Lookup>);
        Ok(Some(ServiceAccounts::new(config.issuers.clone(), keys, lookup)))
    }

    fn parsed<T, E: ToString>(
        &self,
        path: Option<&PathBuf>,
        parse: impl FnOnce(&[u8]) -> Result<T, E>,
    ) -> Result<Option<T>, IdentityError> {
        let Some((path, content)) = path.and_then(|path| self.0.iter().find(|(other, _)| other == path))
        else {
            return Ok(None);
        };
        match parse(content) {
            Ok(parsed) => Ok(Some(parsed)),
            Err(error) => Err(IdentityError { path: path.clone(), reason: error.to_string() }),
        }
    }
}

use super::{KeyPairSource, Source, provider, source::digest, verifier::PossessionOnly};
use crate::Error;
use rustls::{ClientConfig, RootCertStore, client::WebPkiServerVerifier};
use std::{path::PathBuf, sync::Arc};

/// The TLS side of a client.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClientTls {
    /// Whose servers it believes.
    pub roots: Roots,
    /// What it shows when asked who it is.
    pub identity: Option<KeyPairSource>,
    /// The name that servers' certificates must hold, where it is not the host connected to.
    pub server_name: Option<String>,
}

/// Whose signature makes a server's certificate believable.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Roots {
    /// The bundle that the operating system has.
    #[default]
    System,
    /// A bundle of CA certificates.
    Bundle(Source),
    /// Nobody's: any server is believed. For `insecure-skip-tls-verify` only.
    Unverified,
}

/// Where systems keep the bundle they trust.
const SYSTEM_BUNDLES: [&str; 4] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/cert.pem",
    "/etc/ssl/ca-bundle.pem",
];

/// What the library needs, made from a [`ClientTls`] at one moment.
#[derive(Clone, Debug)]
pub(crate) struct Configs {
    /// Offers HTTP/2 and HTTP/1.1.
    pub(crate) any: Arc<ClientConfig>,
    /// Offers HTTP/1.1 only, for upgrades.
    pub(crate) http1: Arc<ClientConfig>,
}

impl ClientTls {
    pub(crate) fn configs(&self) -> Result<Configs, Error> {
        let builder =
            ClientConfig::builder_with_provider(provider()).with_safe_default_protocol_versions()?;
        let builder = match self.roots.bundle() {
            None => builder.dangerous().with_custom_certificate_verifier(PossessionOnly::new()),
            Some(bundle) => {
                let verifier =
                    WebPkiServerVerifier::builder_with_provider(Arc::new(store(&bundle)?), provider());
                let verifier = verifier.build().map_err(|error| Error::Certificate {
                    what: bundle.to_string(),
                    reason: error.to_string(),
                })?;
                builder.with_webpki_verifier(verifier)
            }
        };
        let mut any = match &self.identity {
            None => builder.with_no_client_auth(),
            Some(pair) => {
                let identity = rustls::sign::SingleCertAndKey::from(pair.load()?);
                builder.with_client_cert_resolver(Arc::new(identity))
            }
        };
        any.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let mut http1 = any.clone();
        http1.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Configs { any: Arc::new(any), http1: Arc::new(http1) })
    }

    /// A hash of all that is read from files, to notice changes by.
    pub(crate) fn digest(&self) -> Result<[u8; 32], Error> {
        let bundle = self.roots.bundle();
        let pair = self.identity.iter().flat_map(|pair| [&pair.certificate, &pair.key]);
        digest(bundle.iter().chain(pair))
    }
}

impl Roots {
    fn bundle(&self) -> Option<Source> {
        match self {
            Self::System => {
                let found = SYSTEM_BUNDLES.iter().map(PathBuf::from).find(|path| path.exists());
                Some(Source::File(found.unwrap_or_else(|| PathBuf::from(SYSTEM_BUNDLES[0]))))
            }
            Self::Bundle(source) => Some(source.clone()),
            Self::Unverified => None,
        }
    }
}

fn store(bundle: &Source) -> Result<RootCertStore, Error> {
    let mut store = RootCertStore::empty();
    // A bundle may hold a certificate that is old-fashioned; it must not spoil the others.
    let (added, _) = store.add_parsable_certificates(bundle.certificates()?);
    if added == 0 {
        return Err(Error::Certificate { what: bundle.to_string(), reason: "no usable CA in it".into() });
    }
    Ok(store)
}

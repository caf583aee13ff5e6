use super::provider;
use crate::Error;
use rustls::sign::CertifiedKey;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use sha2::{Digest, Sha256};
use std::{fmt, path::PathBuf};

/// Where PEM comes from: a file that may change, or bytes that do not.
#[derive(Clone, PartialEq, Eq)]
pub enum Source {
    /// A file, read again when it has changed.
    File(PathBuf),
    /// The content itself, as kubeconfigs embed it.
    Inline(Vec<u8>),
}

impl Source {
    /// Reads what is there now.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn read(&self) -> Result<Vec<u8>, Error> {
        match self {
            Self::File(path) => {
                std::fs::read(path).map_err(|source| Error::Read { path: path.clone(), source })
            }
            Self::Inline(bytes) => Ok(bytes.clone()),
        }
    }

    /// Reads the certificates that are there now, at least one.
    ///
    /// # Errors
    /// A file that cannot be read, or content that is no PEM certificate.
    pub fn certificates(&self) -> Result<Vec<CertificateDer<'static>>, Error> {
        let pem = self.read()?;
        let wrong = |reason: String| Error::Certificate { what: self.to_string(), reason };
        let found = CertificateDer::pem_slice_iter(&pem)
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| wrong(error.to_string()))?;
        if found.is_empty() { Err(wrong("no certificate in it".into())) } else { Ok(found) }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Inline(_) => f.write_str("embedded data"),
        }
    }
}

impl fmt::Debug for Source {
    /// Without the content, which may be a key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A certificate chain and its private key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyPairSource {
    /// The certificate, then those that signed it.
    pub certificate: Source,
    /// The key of the first certificate: PKCS#8, PKCS#1 or SEC1.
    pub key: Source,
}

impl KeyPairSource {
    /// Two files.
    pub fn files(certificate: impl Into<PathBuf>, key: impl Into<PathBuf>) -> Self {
        Self { certificate: Source::File(certificate.into()), key: Source::File(key.into()) }
    }

    /// Reads the pair and checks that the two belong together.
    ///
    /// # Errors
    /// Files that cannot be read, content that is no certificate or key, a key of another certificate.
    pub fn load(&self) -> Result<CertifiedKey, Error> {
        let chain = self.certificate.certificates()?;
        let wrong = |reason: String| Error::Certificate { what: self.key.to_string(), reason };
        let key =
            PrivateKeyDer::from_pem_slice(&self.key.read()?).map_err(|error| wrong(error.to_string()))?;
        CertifiedKey::from_der(chain, key, &provider()).map_err(|error| wrong(error.to_string()))
    }

    /// A hash of what is there now, to notice changes by.
    ///
    /// # Errors
    /// Files that cannot be read.
    pub(crate) fn digest(&self) -> Result<[u8; 32], Error> {
        digest([&self.certificate, &self.key])
    }
}

/// A hash of the content of several sources.
pub(crate) fn digest<'a>(sources: impl IntoIterator<Item = &'a Source>) -> Result<[u8; 32], Error> {
    let mut hash = Sha256::new();
    for source in sources {
        let content = source.read()?;
        hash.update((content.len() as u64).to_be_bytes());
        hash.update(&content);
    }
    Ok(hash.finalize().into())
}

//! Several certificates in one PEM text: who is trusted.

use crate::{Certificate, Error};
use base64::{Engine as _, prelude::BASE64_STANDARD as BASE64};
use rustls_pki_types::{CertificateDer, TrustAnchor, UnixTime, pem::PemObject as _};
use std::fmt::Write as _;
use webpki::{ALL_VERIFICATION_ALGS, EndEntityCert, KeyUsage, anchor_from_trusted_cert};

/// Certificates in the order in which they were added, each once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PemBundle(Vec<CertificateDer<'static>>);

impl PemBundle {
    /// Reads all certificates of a PEM text; other sections are passed over.
    ///
    /// # Errors
    /// The text is no PEM, or a section is no certificate.
    pub fn read(pem: &[u8]) -> Result<Self, Error> {
        let mut bundle = Self::default();
        bundle.add_pem(pem)?;
        Ok(bundle)
    }

    /// Adds the certificates of a PEM text.
    ///
    /// # Errors
    /// As for [`PemBundle::read`]; nothing is added then.
    pub fn add_pem(&mut self, pem: &[u8]) -> Result<(), Error> {
        let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
        let found = found.map_err(|error| Error::Pem(error.to_string()))?;
        found.iter().try_for_each(|der| Certificate::from_der(der).map(drop))?;
        found.into_iter().for_each(|der| self.add(der));
        Ok(())
    }

    /// Adds a certificate, unless it is there.
    pub fn add(&mut self, der: CertificateDer<'static>) {
        if !self.0.contains(&der) {
            self.0.push(der);
        }
    }

    /// The certificates.
    #[must_use]
    pub fn certificates(&self) -> &[CertificateDer<'static>] {
        &self.0
    }

    /// The bundle as PEM.
    #[must_use]
    pub fn to_pem(&self) -> String {
        self.0.iter().map(|der| to_pem("CERTIFICATE", der)).collect()
    }
}

/// Certificate authorities whose word counts, roots or not: what is in the file is trusted.
#[derive(Debug, Default)]
pub struct TrustBundle(Vec<Anchor>);

#[derive(Debug)]
struct Anchor {
    certificate: Certificate,
    anchor: TrustAnchor<'static>,
}

/// A client's certificate does not count.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// The client presented none.
    #[error("no client certificate")]
    Missing,
    /// What it presented is no certificate.
    #[error(transparent)]
    Unreadable(#[from] Error),
    /// It is no longer, or not yet, valid.
    #[error("certificate has expired or is not yet valid")]
    Expired,
    /// Nobody in the bundle vouches for it.
    #[error("certificate signed by unknown authority")]
    UnknownIssuer,
    /// It is valid, but not for this.
    #[error("certificate is not valid for client authentication: {0}")]
    Unsuitable(String),
}

impl TrustBundle {
    /// Reads the authorities of a PEM text.
    ///
    /// # Errors
    /// The text holds no certificate, or one that cannot be read.
    pub fn read(pem: &[u8]) -> Result<Self, Error> {
        Self::new(&PemBundle::read(pem)?)
    }

    /// Trusts the certificates of a bundle.
    ///
    /// # Errors
    /// The bundle is empty, or a certificate cannot be an authority.
    pub fn new(bundle: &PemBundle) -> Result<Self, Error> {
        if bundle.0.is_empty() {
            return Err(Error::Certificate("the bundle is empty".to_owned()));
        }
        let anchor = |der: &CertificateDer<'static>| {
            let anchor =
                anchor_from_trusted_cert(der).map_err(|error| Error::Certificate(error.to_string()))?;
            Ok(Anchor { certificate: Certificate::from_der(der)?, anchor: anchor.to_owned() })
        };
        bundle.0.iter().map(anchor).collect::<Result<_, _>>().map(Self)
    }

    /// The authorities.
    pub fn certificates(&self) -> impl Iterator<Item = &Certificate> {
        self.0.iter().map(|anchor| &anchor.certificate)
    }

    /// Checks what a client presented, its own certificate first, at a point in time. Possession of
    /// the key is not checked here: TLS did.
    ///
    /// # Errors
    /// See [`VerifyError`]. An authority that has expired itself vouches for nobody.
    pub fn verify_client(
        &self,
        chain: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<Certificate, VerifyError> {
        let (leaf, intermediates) = chain.split_first().ok_or(VerifyError::Missing)?;
        let certificate = Certificate::from_der(leaf)?;
        let end_entity = EndEntityCert::try_from(leaf).map_err(verify_error)?;
        let anchors: Vec<TrustAnchor<'_>> = self
            .0
            .iter()
            .filter(|anchor| anchor.certificate.is_valid_at(now))
            .map(|anchor| anchor.anchor.clone())
            .collect();
        end_entity
            .verify_for_usage(
                ALL_VERIFICATION_ALGS,
                &anchors,
                intermediates,
                now,
                KeyUsage::client_auth(),
                None,
                None,
            )
            .map_err(verify_error)?;
        Ok(certificate)
    }
}

fn verify_error(error: webpki::Error) -> VerifyError {
    use webpki::Error as Cause;
    if matches!(error, Cause::CertExpired { .. } | Cause::CertNotValidYet { .. }) {
        VerifyError::Expired
    } else if matches!(error, Cause::UnknownIssuer | Cause::InvalidSignatureForPublicKey) {
        VerifyError::UnknownIssuer
    } else {
        VerifyError::Unsuitable(error.to_string())
    }
}

/// One PEM section, with lines of 64 characters.
pub(crate) fn to_pem(label: &str, der: &[u8]) -> String {
    let text = BASE64.encode(der);
    let mut pem = format!("-----BEGIN {label}-----\n");
    for line in text.as_bytes().chunks(64) {
        pem.extend(line.iter().copied().map(char::from));
        pem.push('\n');
    }
    // Writing to a String cannot fail.
    let _ = writeln!(pem, "-----END {label}-----");
    pem
}

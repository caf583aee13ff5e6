//! Certificates and keys: issuing, reading and checking them.
//!
//! The server checks client certificates and signs service account tokens with this; the operator
//! makes whole trees of certificates. Nothing here reads a clock or a file: the time is an argument
//! and input is bytes, so that every answer can be repeated.
//!
//! ```text
//! PrivateKey ─► Authority::self_signed ─► issue_authority ─► issue ─► Issued (PEM)
//! PEM ─► TrustBundle::read ─► verify_client(chain, now) ─► Certificate (common name, organizations, …)
//! PEM ─► PublicKey::read_all                      who signs service account tokens
//! ```

mod bundle;
mod certificate;
mod der;
mod issue;
mod key;
mod public_key;
mod spec;

pub use bundle::{PemBundle, TrustBundle, VerifyError};
pub use certificate::Certificate;
pub use issue::{Authority, Issued};
pub use key::{Algorithm, Encoding, Kind, PrivateKey};
pub use public_key::{Parts, PublicKey};
pub use rustls_pki_types::{CertificateDer, UnixTime};
pub use spec::{Spec, Usage, Validity};

/// Something is no key or certificate, or cannot be made one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// There is no private key in the input, or none of a kind that is known.
    #[error("no usable private key: {0}")]
    PrivateKey(String),
    /// There is no public key in the input, or none of a kind that is known.
    #[error("no usable public key: {0}")]
    PublicKey(String),
    /// Bytes that are no X.509 certificate.
    #[error("no certificate: {0}")]
    Certificate(String),
    /// The PEM text is broken.
    #[error("invalid PEM: {0}")]
    Pem(String),
    /// A certificate and a key that do not belong together.
    #[error("the private key does not match the certificate of {0:?}")]
    Mismatch(String),
    /// A certificate that may not issue others was given as one that may.
    #[error("the certificate of {0:?} is no certificate authority")]
    NotAnAuthority(String),
    /// The certificate cannot be made as asked.
    #[error("cannot issue a certificate: {0}")]
    Issue(String),
}

//! Private keys in the three encodings that are in use.

use crate::{
    Certificate, Error, PublicKey,
    der::{
        EXPLICIT_0, EXPLICIT_1, Element, INTEGER, NULL, OCTET_STRING, OID, SEQUENCE, element, inside, oid,
    },
};
use rcgen::{KeyPair, PublicKeyData as _, RsaKeySize, SignatureAlgorithm};
use rustls_pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer, pem::PemObject as _};
use std::fmt;

/// What kind of key to make.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Algorithm {
    /// Small and fast; what we make unless something else is asked for.
    #[default]
    EcdsaP256,
    /// Elliptic curve with 384 bits.
    EcdsaP384,
    /// RSA with 2048 bits.
    Rsa2048,
    /// RSA with 4096 bits; takes about a second to make.
    Rsa4096,
    /// Edwards curve; not every TLS client knows it.
    Ed25519,
}

/// What kind a key is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// RSA of any size.
    Rsa,
    /// NIST P-256.
    EcdsaP256,
    /// NIST P-384.
    EcdsaP384,
    /// NIST P-521.
    EcdsaP521,
    /// Edwards curve.
    Ed25519,
}

/// How a private key is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Encoding {
    /// `PRIVATE KEY`
    #[default]
    Pkcs8,
    /// `RSA PRIVATE KEY` (PKCS#1) or `EC PRIVATE KEY` (SEC1). Ed25519 has none, and stays PKCS#8.
    Traditional,
}

/// A private key. It shows itself nowhere but in [`PrivateKey::to_pem`] and the `*_der` methods.
pub struct PrivateKey {
    pub(crate) pair: KeyPair,
    kind: Kind,
    pkcs8: Vec<u8>,
}

impl PrivateKey {
    /// Makes a new key.
    ///
    /// # Errors
    /// The system's source of randomness fails.
    pub fn generate(algorithm: Algorithm) -> Result<Self, Error> {
        let made = match algorithm {
            Algorithm::EcdsaP256 => KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256),
            Algorithm::EcdsaP384 => KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384),
            Algorithm::Rsa2048 => KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, RsaKeySize::_2048),
            Algorithm::Rsa4096 => KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, RsaKeySize::_4096),
            Algorithm::Ed25519 => KeyPair::generate_for(&rcgen::PKCS_ED25519),
        };
        let made = made.map_err(|error| Error::PrivateKey(error.to_string()))?;
        Self::from_pkcs8(made.serialized_der().to_vec())
    }

    /// Reads the first private key of a PEM text: PKCS#8, PKCS#1 or SEC1.
    ///
    /// # Errors
    /// There is none, or it is of an unknown kind. The message does not repeat the key.
    pub fn from_pem(pem: &[u8]) -> Result<Self, Error> {
        let key = PrivateKeyDer::from_pem_slice(pem).map_err(|error| Error::PrivateKey(error.to_string()))?;
        Self::from_der(&key)
    }

    pub(crate) fn from_der(key: &PrivateKeyDer<'_>) -> Result<Self, Error> {
        let pkcs8 = match key {
            PrivateKeyDer::Pkcs8(key) => Some(key.secret_pkcs8_der().to_vec()),
            PrivateKeyDer::Pkcs1(key) => Some(pkcs8_of_pkcs1(key.secret_pkcs1_der())),
            PrivateKeyDer::Sec1(key) => pkcs8_of_sec1(key.secret_sec1_der()),
            _ => None,
        };
        Self::from_pkcs8(pkcs8.ok_or_else(|| Error::PrivateKey("unknown encoding".to_owned()))?)
    }

    fn from_pkcs8(pkcs8: Vec<u8>) -> Result<Self, Error> {
        let kind = Info::read(&pkcs8)
            .and_then(|info| info.kind())
            .ok_or_else(|| Error::PrivateKey("unknown kind of key".to_owned()))?;
        let der = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(pkcs8.as_slice()));
        let pair = KeyPair::from_der_and_sign_algo(&der, signature_algorithm(kind))
            .map_err(|error| Error::PrivateKey(error.to_string()))?;
        Ok(Self { pair, kind, pkcs8 })
    }

    /// What kind of key this is.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The public half.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        PublicKey::from_spki(self.pair.subject_public_key_info())
    }

    /// Whether this is the key of a certificate.
    #[must_use]
    pub fn matches(&self, certificate: &Certificate) -> bool {
        self.public() == certificate.public_key
    }

    /// The key as PEM.
    #[must_use]
    pub fn to_pem(&self, encoding: Encoding) -> String {
        match (encoding, self.traditional_der()) {
            (Encoding::Traditional, Some((label, der))) => crate::bundle::to_pem(label, &der),
            (Encoding::Traditional, None) | (Encoding::Pkcs8, _) => {
                crate::bundle::to_pem("PRIVATE KEY", &self.pkcs8)
            }
        }
    }

    /// The key as PKCS#8 DER.
    #[must_use]
    pub fn pkcs8_der(&self) -> &[u8] {
        &self.pkcs8
    }

    /// An RSA key as PKCS#1 DER; `None` for other kinds.
    #[must_use]
    pub fn pkcs1_der(&self) -> Option<Vec<u8>> {
        (self.kind == Kind::Rsa).then(|| self.traditional_der()).flatten().map(|(_, der)| der)
    }

    fn traditional_der(&self) -> Option<(&'static str, Vec<u8>)> {
        let info = Info::read(&self.pkcs8)?;
        match self.kind {
            Kind::Rsa => Some(("RSA PRIVATE KEY", info.key.to_vec())),
            Kind::EcdsaP256 | Kind::EcdsaP384 | Kind::EcdsaP521 => Some(("EC PRIVATE KEY", info.sec1()?)),
            Kind::Ed25519 => None,
        }
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PrivateKey").field("kind", &self.kind).finish_non_exhaustive()
    }
}

fn signature_algorithm(kind: Kind) -> &'static SignatureAlgorithm {
    match kind {
        Kind::Rsa => &rcgen::PKCS_RSA_SHA256,
        Kind::EcdsaP256 => &rcgen::PKCS_ECDSA_P256_SHA256,
        Kind::EcdsaP384 => &rcgen::PKCS_ECDSA_P384_SHA384,
        Kind::EcdsaP521 => &rcgen::PKCS_ECDSA_P521_SHA512,
        Kind::Ed25519 => &rcgen::PKCS_ED25519,
    }
}

/// The parts of a PKCS#8 key.
struct Info<'a> {
    algorithm: Vec<Element<'a>>,
    key: &'a [u8],
}

impl<'a> Info<'a> {
    fn read(pkcs8: &'a [u8]) -> Option<Self> {
        let parts = inside(pkcs8, SEQUENCE)?;
        let [_version, algorithm, key, ..] = parts[..] else { return None };
        let algorithm = inside(algorithm.whole, SEQUENCE)?;
        (key.tag == OCTET_STRING).then_some(Self { algorithm, key: key.content })
    }

    fn kind(&self) -> Option<Kind> {
        let parameter = self.algorithm.get(1).map(|parameter| parameter.content);
        match self.algorithm.first()?.content {
            oid::RSA => Some(Kind::Rsa),
            oid::ED25519 => Some(Kind::Ed25519),
            oid::EC => match parameter? {
                oid::P256 => Some(Kind::EcdsaP256),
                oid::P384 => Some(Kind::EcdsaP384),
                oid::P521 => Some(Kind::EcdsaP521),
                _ => None,
            },
            _ => None,
        }
    }

    /// The key inside, with the curve that PKCS#8 keeps outside of it.
    fn sec1(&self) -> Option<Vec<u8>> {
        let parts = inside(self.key, SEQUENCE)?;
        let [version, secret, ..] = parts[..] else { return None };
        let curve = element(EXPLICIT_0, &[self.algorithm.get(1)?.whole]);
        let public = parts.iter().find(|part| part.tag == EXPLICIT_1).map_or(&[][..], |part| part.whole);
        Some(element(SEQUENCE, &[version.whole, secret.whole, &curve, public]))
    }
}

fn pkcs8(algorithm: &[&[u8]], key: &[u8]) -> Vec<u8> {
    let version = element(INTEGER, &[&[0]]);
    let algorithm = element(SEQUENCE, algorithm);
    element(SEQUENCE, &[&version, &algorithm, &element(OCTET_STRING, &[key])])
}

fn pkcs8_of_pkcs1(pkcs1: &[u8]) -> Vec<u8> {
    pkcs8(&[&element(OID, &[oid::RSA]), &element(NULL, &[])], pkcs1)
}

fn pkcs8_of_sec1(sec1: &[u8]) -> Option<Vec<u8>> {
    let parts = inside(sec1, SEQUENCE)?;
    let curve = parts.iter().find(|part| part.tag == EXPLICIT_0)?.content;
    Some(pkcs8(&[&element(OID, &[oid::EC]), curve], sec1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(algorithm: Algorithm, kind: Kind, label: &str) {
        let key = PrivateKey::generate(algorithm).expect("randomness");
        assert_eq!(key.kind(), kind);
        for (encoding, label) in [(Encoding::Pkcs8, "PRIVATE KEY"), (Encoding::Traditional, label)] {
            let pem = key.to_pem(encoding);
            assert!(pem.starts_with(&format!("-----BEGIN {label}-----\n")), "{pem}");
            let read = PrivateKey::from_pem(pem.as_bytes()).expect("what we wrote");
            assert_eq!((read.kind(), read.public()), (kind, key.public()));
            assert_eq!(read.to_pem(encoding), pem);
        }
    }

    #[test]
    fn keys_survive_each_encoding() {
        check(Algorithm::EcdsaP256, Kind::EcdsaP256, "EC PRIVATE KEY");
        check(Algorithm::EcdsaP384, Kind::EcdsaP384, "EC PRIVATE KEY");
        check(Algorithm::Rsa2048, Kind::Rsa, "RSA PRIVATE KEY");
        check(Algorithm::Ed25519, Kind::Ed25519, "PRIVATE KEY");
    }

    #[test]
    fn what_is_no_key_is_told_apart() {
        for bad in [
            "",
            "hello",
            "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
            "-----BEGIN RSA PRIVATE KEY-----\nMAA=\n-----END RSA PRIVATE KEY-----\n",
            "-----BEGIN EC PRIVATE KEY-----\nMAA=\n-----END EC PRIVATE KEY-----\n",
        ] {
            assert!(matches!(PrivateKey::from_pem(bad.as_bytes()), Err(Error::PrivateKey(_))), "{bad}");
        }
    }

    #[test]
    fn a_key_does_not_show_itself() {
        let key = PrivateKey::generate(Algorithm::EcdsaP256).expect("randomness");
        assert_eq!(format!("{key:?}"), "PrivateKey { kind: EcdsaP256, .. }");
    }
}

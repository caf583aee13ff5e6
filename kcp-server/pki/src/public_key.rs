//! Public keys, as those need them who check signatures.

use crate::{
    Certificate, Error, Kind, PrivateKey,
    der::{SEQUENCE, inside, oid},
};
use rustls_pki_types::{
    PrivateKeyDer, PrivatePkcs1KeyDer, PrivatePkcs8KeyDer, PrivateSec1KeyDer,
    pem::{PemObject as _, SectionKind},
};

/// A public key.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PublicKey {
    spki: Vec<u8>,
}

/// The numbers of a public key, big-endian.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Parts {
    /// RSA.
    Rsa {
        /// Without leading zeros.
        modulus: Vec<u8>,
        /// Without leading zeros.
        exponent: Vec<u8>,
    },
    /// A point on a curve; both coordinates have the length of the curve.
    Ec {
        /// Which curve.
        curve: Kind,
        /// First coordinate.
        x: Vec<u8>,
        /// Second coordinate.
        y: Vec<u8>,
    },
    /// Ed25519: the key is one string of 32 bytes.
    Ed25519(Vec<u8>),
}

impl PublicKey {
    /// Reads every public key of a PEM text: public keys, those of certificates, and those of
    /// private keys. Kubernetes takes all of these as service account keys.
    ///
    /// # Errors
    /// There is none, or one is of a kind that is not known.
    pub fn read_all(pem: &[u8]) -> Result<Vec<Self>, Error> {
        let mut found = Vec::new();
        for section in <(SectionKind, Vec<u8>)>::pem_slice_iter(pem) {
            let (kind, der) = section.map_err(|error| Error::Pem(error.to_string()))?;
            found.extend(Self::of_section(kind, der)?);
        }
        if found.is_empty() {
            return Err(Error::PublicKey(
                "data does not contain any valid RSA or ECDSA public keys".to_owned(),
            ));
        }
        Ok(found)
    }

    fn of_section(kind: SectionKind, der: Vec<u8>) -> Result<Option<Self>, Error> {
        let private = |key: PrivateKeyDer<'_>| PrivateKey::from_der(&key).map(|key| Some(key.public()));
        match kind {
            SectionKind::PublicKey => {
                let key = Self::from_spki(der);
                key.parts().map(|_| Some(key.clone())).ok_or_else(unknown)
            }
            SectionKind::Certificate => Ok(Some(Certificate::from_der(&der)?.public_key)),
            SectionKind::PrivateKey => private(PrivatePkcs8KeyDer::from(der).into()),
            SectionKind::RsaPrivateKey => private(PrivatePkcs1KeyDer::from(der).into()),
            SectionKind::EcPrivateKey => private(PrivateSec1KeyDer::from(der).into()),
            SectionKind::Crl | SectionKind::Csr | SectionKind::EchConfigList | _ => Ok(None),
        }
    }

    pub(crate) fn from_spki(spki: Vec<u8>) -> Self {
        Self { spki }
    }

    /// The key as SubjectPublicKeyInfo DER: what key ids are hashes of.
    #[must_use]
    pub fn spki_der(&self) -> &[u8] {
        &self.spki
    }

    /// The key as PEM, `PUBLIC KEY`.
    #[must_use]
    pub fn to_pem(&self) -> String {
        crate::bundle::to_pem("PUBLIC KEY", &self.spki)
    }

    /// The numbers of the key; `None` for a kind that is not known.
    #[must_use]
    pub fn parts(&self) -> Option<Parts> {
        let [algorithm, key] = inside(&self.spki, SEQUENCE)?[..] else { return None };
        // A bit string begins with the number of bits that its last byte does not use.
        let key = key.content.strip_prefix(&[0])?;
        let curve = match inside(algorithm.whole, SEQUENCE)?[..] {
            [algorithm, ..] if algorithm.content == oid::RSA => return rsa(key),
            [algorithm] if algorithm.content == oid::ED25519 => return Some(Parts::Ed25519(key.to_vec())),
            [algorithm, curve] if algorithm.content == oid::EC => curve.content,
            _ => return None,
        };
        let (curve, length) = match curve {
            oid::P256 => (Kind::EcdsaP256, 32),
            oid::P384 => (Kind::EcdsaP384, 48),
            oid::P521 => (Kind::EcdsaP521, 66),
            _ => return None,
        };
        match key.split_first()? {
            (4, point) if point.len() == 2 * length => {
                let (x, y) = point.split_at(length);
                Some(Parts::Ec { curve, x: x.to_vec(), y: y.to_vec() })
            }
            _ => None,
        }
    }
}

fn unknown() -> Error {
    Error::PublicKey("unknown kind of key".to_owned())
}

fn rsa(key: &[u8]) -> Option<Parts> {
    let [modulus, exponent] = inside(key, SEQUENCE)?[..] else { return None };
    let number = |content: &[u8]| {
        let zeros = content.iter().take_while(|&&byte| byte == 0).count();
        content[zeros..].to_vec()
    };
    Some(Parts::Rsa { modulus: number(modulus.content), exponent: number(exponent.content) })
}

//! Whose signatures count.
//!
//! The algorithm is a property of the key, never of the token: a token that names another is not
//! signed by this key, and `none` is signed by nobody.

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use jsonwebtoken::{Algorithm, DecodingKey, crypto};
use kcp_apimachinery::{Value, value};
use kcp_pki::{Kind, Parts, PublicKey};
use serde::Deserialize;

/// A key of a kind that signs no tokens: P-521 and Ed25519.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("service account keys must be RSA or ECDSA P-256 or P-384, not {0}")]
pub struct UnusableKey(pub String);

/// Public keys that sign service account tokens, each once.
#[derive(Clone, Default)]
pub struct KeySet(Vec<Key>);

#[derive(Clone)]
struct Key {
    id: String,
    algorithm: Algorithm,
    parts: Parts,
    decoding: DecodingKey,
}

/// The part of a token's header that is looked at.
#[derive(Deserialize)]
struct Header {
    alg: String,
    #[serde(default)]
    kid: String,
    /// Extensions that must be understood. We understand none.
    #[serde(default)]
    crit: Option<serde_json::Value>,
}

impl KeySet {
    /// The keys of `--service-account-key-file`, in the order in which they were given.
    ///
    /// # Errors
    /// One of them cannot sign tokens.
    pub fn new(keys: impl IntoIterator<Item = PublicKey>) -> Result<Self, UnusableKey> {
        let mut set = Self::default();
        for key in keys {
            let key = Key::new(&key)?;
            if !set.0.iter().any(|known| known.id == key.id) {
                set.0.push(key);
            }
        }
        Ok(set)
    }

    /// Whether there are no keys.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The payload of a compact token that one of the keys signed; `None` if none did.
    pub(super) fn verified(&self, token: &str) -> Option<Vec<u8>> {
        let (message, signature) = token.rsplit_once('.')?;
        let (header, payload) = message.split_once('.')?;
        let header: Header = serde_json::from_slice(&BASE64.decode(header).ok()?).ok()?;
        if header.crit.is_some() || payload.contains('.') {
            return None;
        }
        let named = self.0.iter().filter(|key| key.id == header.kid);
        // A key id is a hint; without one that is known, each key is tried.
        let candidates: Vec<&Key> =
            if named.clone().next().is_some() { named.collect() } else { self.0.iter().collect() };
        let signed = candidates.into_iter().filter(|key| name(key.algorithm) == header.alg).any(|key| {
            crypto::verify(signature, message.as_bytes(), &key.decoding, key.algorithm) == Ok(true)
        });
        signed.then(|| BASE64.decode(payload).ok()).flatten()
    }

    /// The document at `/openid/v1/jwks`.
    #[must_use]
    pub fn jwks(&self) -> Value {
        let keys: Value = self.0.iter().map(Key::jwk).collect();
        value!({"keys": (keys)})
    }

    /// The names of the algorithms in use, sorted.
    #[must_use]
    pub fn algorithms(&self) -> Vec<&'static str> {
        let mut names: Vec<_> = self.0.iter().map(|key| name(key.algorithm)).collect();
        names.sort_unstable();
        names.dedup();
        names
    }
}

impl Key {
    fn new(key: &PublicKey) -> Result<Self, UnusableKey> {
        let algorithm = algorithm(key)?;
        let parts = key.parts().ok_or_else(|| UnusableKey("an unknown kind".to_owned()))?;
        let decoding = match &parts {
            Parts::Rsa { modulus, exponent } => DecodingKey::from_rsa_raw_components(modulus, exponent),
            Parts::Ec { x, y, .. } => DecodingKey::from_ec_der(&[&[4], &x[..], &y[..]].concat()),
            Parts::Ed25519(_) => return Err(UnusableKey("Ed25519".to_owned())),
        };
        Ok(Self { id: key_id(key), algorithm, parts, decoding })
    }

    fn jwk(&self) -> Value {
        let mut jwk = value!({"use": "sig", "kid": (self.id.as_str()), "alg": (name(self.algorithm))});
        let mut put = |member: &str, value: &str| jwk.set_at(&[member], value.into());
        match &self.parts {
            Parts::Rsa { modulus, exponent } => {
                put("kty", "RSA");
                put("n", &BASE64.encode(modulus));
                put("e", &BASE64.encode(exponent));
            }
            Parts::Ec { curve, x, y } => {
                put("kty", "EC");
                put("crv", if *curve == Kind::EcdsaP384 { "P-384" } else { "P-256" });
                put("x", &BASE64.encode(x));
                put("y", &BASE64.encode(y));
            }
            // Key::new lets none in.
            Parts::Ed25519(_) => {}
        }
        jwk
    }
}

/// The id of a key: a hash of it, so that all shards know it by the same.
pub(super) fn key_id(key: &PublicKey) -> String {
    BASE64.encode(crate::digest(key.spki_der()))
}

/// The one algorithm with which a key signs.
pub(super) fn algorithm(key: &PublicKey) -> Result<Algorithm, UnusableKey> {
    match key.parts() {
        Some(Parts::Rsa { .. }) => Ok(Algorithm::RS256),
        Some(Parts::Ec { curve: Kind::EcdsaP256, .. }) => Ok(Algorithm::ES256),
        Some(Parts::Ec { curve: Kind::EcdsaP384, .. }) => Ok(Algorithm::ES384),
        Some(Parts::Ec { .. }) => Err(UnusableKey("P-521".to_owned())),
        Some(Parts::Ed25519(_)) => Err(UnusableKey("Ed25519".to_owned())),
        None => Err(UnusableKey("an unknown kind".to_owned())),
    }
}

fn name(algorithm: Algorithm) -> &'static str {
    if algorithm == Algorithm::ES256 {
        "ES256"
    } else if algorithm == Algorithm::ES384 {
        "ES384"
    } else {
        "RS256"
    }
}

//! Identities of exports: a secret key and its hash. Who has the key may serve the API, and objects
//! are stored under the hash.

use base64::{Engine, prelude::BASE64_STANDARD, prelude::BASE64_URL_SAFE_NO_PAD};
use kcp_apimachinery::{Value, value};
use kcp_names::hash;
use rand::RngCore;

/// The member of the Secret that holds the key.
pub const SECRET_KEY: &str = "key";

/// A Secret without a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("secret is missing data.key")]
pub struct MissingKey;

/// A fresh key: 32 random bytes as 43 characters of base64url.
#[must_use]
pub fn generate() -> String {
    let mut bytes = [0_u8; 32];
    rand::rng().fill_bytes(&mut bytes);
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

/// The hash of a key, as `status.identityHash` has it. The key is taken as it is, not decoded.
#[must_use]
pub fn hash(key: &[u8]) -> String {
    hash::hex_sha256(key)
}

/// A Secret that holds a key.
#[must_use]
pub fn secret(namespace: &str, name: &str, key: &str) -> Value {
    value!({
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name, "namespace": namespace},
        "data": {"key": (BASE64_STANDARD.encode(key))}
    })
}

/// The hash of the key that a Secret holds.
///
/// # Errors
/// A Secret without a key, or with one that is no base64.
pub fn hash_of_secret(secret: &Value) -> Result<String, MissingKey> {
    let key = secret.str_at(&["data", SECRET_KEY]).filter(|key| !key.is_empty()).ok_or(MissingKey)?;
    BASE64_STANDARD.decode(key).map(|key| hash(&key)).map_err(|_| MissingKey)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_over_the_key_as_it_is_written() {
        let key = generate();
        assert_eq!(key.len(), 43);
        assert_ne!(key, generate());
        assert_eq!(hash_of_secret(&secret("kcp-system", "a", &key)), Ok(hash(key.as_bytes())));
        assert_eq!(hash(b"").len(), 64);
        assert_eq!(hash_of_secret(&secret("kcp-system", "a", "")), Err(MissingKey));
        assert_eq!(hash_of_secret(&value!({"data": {"key": "%"}})), Err(MissingKey));
    }
}

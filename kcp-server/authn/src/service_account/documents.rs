//! What others need to check our tokens.

use super::KeySet;
use kcp_apimachinery::{Value, value};

/// The document at `/.well-known/openid-configuration`. `jwks_uri` is where [`KeySet::jwks`] is
/// served, `https://<external address>/openid/v1/jwks` unless something else is configured.
#[must_use]
pub fn discovery_document(issuer: &str, jwks_uri: &str, keys: &KeySet) -> Value {
    let algorithms: Value = keys.algorithms().into_iter().map(Value::from).collect();
    value!({
        "issuer": (issuer),
        "jwks_uri": (jwks_uri),
        "response_types_supported": ["id_token"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": (algorithms)
    })
}

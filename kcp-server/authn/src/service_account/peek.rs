//! Which logical cluster a token is about, before anybody has checked it.

use super::claims::Claims;
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use http::{HeaderMap, header::AUTHORIZATION};
use kcp_names::ClusterName;

/// The logical cluster that the bearer token of a request names, if it is a JSON web token with such
/// a claim. Clients inside of pods know no `/clusters/…` prefix, so requests without one go where
/// their token comes from. This only finds the place: the token is checked like any other.
#[must_use]
pub fn peek_cluster(headers: &HeaderMap) -> Option<ClusterName> {
    let token = headers.get(AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ")?;
    let mut parts = token.split('.');
    let (_, payload, _, None) = (parts.next()?, parts.next()?, parts.next()?, parts.next()) else {
        return None;
    };
    let claims: Claims = serde_json::from_slice(&BASE64.decode(payload).ok()?).ok()?;
    let name = claims.bound.map(|bound| bound.cluster_name).filter(|name| !name.is_empty());
    ClusterName::parse(&name.or(claims.legacy_cluster)?).ok()
}

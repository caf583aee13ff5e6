//! Files that say who is trusted: our own authority, and what users add to it.

use std::collections::BTreeMap;

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use kcp_pki::{PemBundle, PublicKey};

use crate::flags::{SERVICE_ACCOUNT_KEYS, service_account_keys};
use crate::objects::{Object, Owner};
use crate::pod::Contents;

/// How many ServiceAccount keys are remembered; the oldest go first.
const MAX_KEYS: usize = 64;

/// A Secret `name` whose `tls.crt` has the certificate of our authority and those of the users' Secrets.
///
/// Of our own only the authority itself is taken, not those above it: whoever trusts clients does not
/// trust its siblings.
///
/// # Errors
/// A Secret is missing, or holds no certificates. One line for people.
pub(crate) fn merged(
    name: &str,
    own: &str,
    others: &[&str],
    labels: BTreeMap<String, String>,
    owner: &Owner,
    contents: &Contents,
) -> Result<Object, String> {
    let mut bundle = PemBundle::default();
    let authority = certificates(own, contents)?;
    authority.certificates().iter().take(1).cloned().for_each(|der| bundle.add(der));
    for other in others {
        certificates(other, contents)?.certificates().iter().cloned().for_each(|der| bundle.add(der));
    }
    let data = BTreeMap::from([("tls.crt".to_owned(), ByteString(bundle.to_pem().into_bytes()))]);
    Ok(secret(owner, name, labels, data))
}

/// All certificates in `tls.crt` of a Secret.
pub(crate) fn certificates(secret: &str, contents: &Contents) -> Result<PemBundle, String> {
    if !contents.secrets.contains_key(secret) {
        return Err(format!("Secret {secret} does not exist"));
    }
    let pem =
        contents.secret(secret, "tls.crt").ok_or_else(|| format!("Secret {secret} has no key tls.crt"))?;
    let bundle = PemBundle::read(pem).map_err(|error| format!("Secret {secret}: tls.crt: {error}"))?;
    if bundle.certificates().is_empty() {
        return Err(format!("Secret {secret}: tls.crt holds no certificate"));
    }
    Ok(bundle)
}

/// The public keys of everyone whose ServiceAccount tokens count: the shards', and those they had
/// before, so that tokens outlive a key.
pub(crate) fn all_service_account_keys(
    root_shard: &str,
    shards: &[String],
    labels: BTreeMap<String, String>,
    owner: &Owner,
    contents: &Contents,
) -> Object {
    let name = service_account_keys(root_shard);
    let before = contents.secret(&name, SERVICE_ACCOUNT_KEYS).unwrap_or_default();
    let mut keys = PublicKey::read_all(before).unwrap_or_default();
    for shard in std::iter::once(root_shard).chain(shards.iter().map(String::as_str)) {
        let pem = contents.secret(&format!("{shard}-service-account"), "tls.crt").unwrap_or_default();
        for key in PublicKey::read_all(pem).unwrap_or_default() {
            if !keys.contains(&key) {
                keys.push(key);
            }
        }
    }
    let text: String = keys.iter().skip(keys.len().saturating_sub(MAX_KEYS)).map(PublicKey::to_pem).collect();
    let data = BTreeMap::from([(SERVICE_ACCOUNT_KEYS.to_owned(), ByteString(text.into_bytes()))]);
    secret(owner, &name, labels, data)
}

/// A Secret that goes with its owner.
pub(crate) fn secret(
    owner: &Owner,
    name: &str,
    labels: BTreeMap<String, String>,
    data: BTreeMap<String, ByteString>,
) -> Object {
    Object::Secret(Secret { metadata: owner.metadata(name, labels), data: Some(data), ..Secret::default() })
}

/// A Secret with a kubeconfig.
pub(crate) fn kubeconfig_secret(
    owner: &Owner,
    name: &str,
    labels: BTreeMap<String, String>,
    text: String,
) -> Object {
    secret(owner, name, labels, BTreeMap::from([("kubeconfig".to_owned(), ByteString(text.into_bytes()))]))
}

//! Checking a token.

use super::{
    KeySet, LEGACY_ISSUER, Lookup, LookupError, SecretFacts, ServiceAccountFacts,
    checks::{check_alive, check_no_workload, check_subject, check_times, cluster, extras},
    claims::{Claims, Reference},
    lookup::Cached,
};
use crate::{Authenticated, Digest, digest};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use kcp_authz::{User, extra};
use kcp_names::ClusterName;
use kcp_pki::UnixTime;
use quick_cache::sync::Cache;
use std::sync::Arc;

/// Signatures that were found good. What they sign is judged anew each time.
const SIGNATURES: usize = 4096;

/// Knows the users behind service account tokens.
pub struct ServiceAccounts {
    issuers: Vec<String>,
    keys: KeySet,
    lookup: Option<Arc<dyn Lookup>>,
    accounts: Cached<ServiceAccountFacts>,
    secrets: Cached<SecretFacts>,
    signed: Cache<Digest, Arc<Claims>>,
}

/// A token of ours that does not count. Nothing in it tells what other tokens would.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// No key signed it.
    #[error("invalid bearer token")]
    Signature,
    /// It is meant for others.
    #[error("token audiences {} is invalid for the target audiences {}", list(held), list(wanted))]
    Audience {
        /// Those of the token.
        held: Vec<String>,
        /// Those that were asked for.
        wanted: Vec<String>,
    },
    /// `exp` has passed, or is missing.
    #[error("service account token has expired")]
    Expired,
    /// `nbf` has not come.
    #[error("service account token is not valid yet")]
    NotYetValid,
    /// `iat` has not come.
    #[error("service account token is issued in the future")]
    FromTheFuture,
    /// A claim that must be there is not.
    #[error("{0} claim is missing")]
    Missing(&'static str),
    /// Claims that contradict each other.
    #[error("{0} claim is invalid")]
    Contradiction(&'static str),
    /// The account, or what the token is bound to, is gone.
    #[error("service account token has been invalidated")]
    Invalidated,
    /// The account was deleted and made anew.
    #[error("service account UID ({0}) does not match claim ({1})")]
    AccountReplaced(String, String),
    /// The Secret was deleted and made anew.
    #[error("secret UID ({0}) does not match service account secret ref claim ({1})")]
    SecretReplaced(String, String),
    /// The Secret holds another token.
    #[error("token does not match server's copy")]
    SecretHoldsAnother,
    /// The Secret's token was not used for long.
    #[error("the token in secret {0} has been marked invalid")]
    MarkedInvalid(String),
    /// Pods and nodes do not exist here.
    #[error("{0} not found")]
    NoWorkload(String),
    /// Nobody could say whether the account exists.
    #[error(transparent)]
    Lookup(#[from] LookupError),
}

/// As Go's `%q` shows a list.
fn list(texts: &[String]) -> String {
    let quoted: Vec<String> = texts.iter().map(|text| format!("{text:?}")).collect();
    format!("[{}]", quoted.join(" "))
}

/// A token whose claims hold.
struct Known {
    cluster: ClusterName,
    namespace: String,
    account: Reference,
    extra: Vec<(&'static str, String)>,
}

impl ServiceAccounts {
    /// Tokens of these issuers (`--service-account-issuer`) and of the legacy issuer, signed by one
    /// of `keys`. Without `lookup` (`--service-account-lookup=false`) nobody is asked whether
    /// accounts still exist.
    #[must_use]
    pub fn new(issuers: Vec<String>, keys: KeySet, lookup: Option<Arc<dyn Lookup>>) -> Self {
        Self {
            issuers,
            keys,
            lookup,
            accounts: Cached::new(),
            secrets: Cached::new(),
            signed: Cache::new(SIGNATURES),
        }
    }

    /// The user of a token; `None` for a token of somebody else's.
    pub(crate) async fn authenticate(
        &self,
        token: &str,
        api_audiences: &[String],
        wanted: &[String],
        now: UnixTime,
    ) -> Result<Option<Authenticated>, TokenError> {
        let Some(issuer) = issuer(token) else { return Ok(None) };
        let is_legacy = issuer == LEGACY_ISSUER;
        if !is_legacy && !self.issuers.contains(&issuer) {
            return Ok(None);
        }
        let claims = self.signed(token)?;
        // A token without audiences is meant for this API.
        let held = if claims.aud.0.is_empty() { api_audiences } else { &claims.aud.0 };
        let audiences: Vec<String> = held.iter().filter(|held| wanted.contains(held)).cloned().collect();
        if audiences.is_empty() && !api_audiences.is_empty() {
            return Err(TokenError::Audience { held: held.to_vec(), wanted: wanted.to_vec() });
        }
        let known = if is_legacy {
            self.legacy(token, &claims, now).await?
        } else {
            self.bound(&claims, now).await?
        };
        Ok(Some(Authenticated { user: known.user(), audiences }))
    }

    /// The claims of a token, if one of the keys signed it.
    fn signed(&self, token: &str) -> Result<Arc<Claims>, TokenError> {
        let key = digest(token.as_bytes());
        if let Some(claims) = self.signed.get(&key) {
            return Ok(claims);
        }
        let payload = self.keys.verified(token).ok_or(TokenError::Signature)?;
        let claims: Claims = serde_json::from_slice(&payload).map_err(|_| TokenError::Signature)?;
        let claims = Arc::new(claims);
        self.signed.insert(key, Arc::clone(&claims));
        Ok(claims)
    }

    async fn bound(&self, claims: &Claims, now: UnixTime) -> Result<Known, TokenError> {
        check_times(claims, now)?;
        let bound = claims.bound.as_ref().ok_or(TokenError::Missing("kubernetes.io"))?;
        let cluster = cluster(&bound.cluster_name)?;
        check_subject(claims, &bound.namespace, &bound.serviceaccount.name)?;
        if let Some(lookup) = &self.lookup {
            let account = self.account(lookup, &cluster, &bound.namespace, &bound.serviceaccount, now);
            check_alive(account.await?.deleted_at, now)?;
            if let Some(secret) = &bound.secret {
                let facts = self.secret(lookup, &cluster, &bound.namespace, &secret.name, now).await?;
                check_alive(facts.deleted_at, now)?;
                if facts.uid != secret.uid {
                    return Err(TokenError::SecretReplaced(facts.uid, secret.uid.clone()));
                }
            }
            check_no_workload(bound)?;
        }
        Ok(Known {
            cluster,
            namespace: bound.namespace.clone(),
            account: bound.serviceaccount.clone(),
            extra: extras(claims, bound),
        })
    }

    async fn legacy(&self, token: &str, claims: &Claims, now: UnixTime) -> Result<Known, TokenError> {
        let required = |claim: &Option<String>, name| {
            claim.clone().filter(|claim| !claim.is_empty()).ok_or(TokenError::Missing(name))
        };
        let namespace = required(&claims.legacy_namespace, "namespace")?;
        let secret = required(&claims.legacy_secret, "secretName")?;
        let account = Reference {
            name: required(&claims.legacy_name, "serviceAccountName")?,
            uid: required(&claims.legacy_uid, "serviceAccountUID")?,
        };
        let cluster = cluster(claims.legacy_cluster.as_deref().unwrap_or_default())?;
        check_subject(claims, &namespace, &account.name)?;
        if let Some(lookup) = &self.lookup {
            let facts = self.secret(lookup, &cluster, &namespace, &secret, now).await?;
            if facts.deleted_at.is_some() {
                return Err(TokenError::Invalidated);
            }
            // Digests, so that time tells nothing about the token in the Secret.
            if digest(&facts.token) != digest(token.as_bytes()) {
                return Err(TokenError::SecretHoldsAnother);
            }
            if facts.invalid_since.is_some_and(|since| !since.is_empty()) {
                return Err(TokenError::MarkedInvalid(format!("{namespace}/{secret}")));
            }
            let facts = self.account(lookup, &cluster, &namespace, &account, now).await?;
            if facts.deleted_at.is_some() {
                return Err(TokenError::Invalidated);
            }
        }
        Ok(Known { cluster, namespace, account, extra: Vec::new() })
    }

    /// The account, which must be the one that the token was made for.
    async fn account(
        &self,
        lookup: &Arc<dyn Lookup>,
        cluster: &ClusterName,
        namespace: &str,
        account: &Reference,
        now: UnixTime,
    ) -> Result<ServiceAccountFacts, TokenError> {
        let ask = lookup.service_account(cluster, namespace, &account.name);
        let facts = self.accounts.get((cluster, namespace, &account.name), now, ask).await?;
        let facts = facts.ok_or(TokenError::Invalidated)?;
        if facts.uid != account.uid {
            return Err(TokenError::AccountReplaced(facts.uid, account.uid.clone()));
        }
        Ok(facts)
    }

    async fn secret(
        &self,
        lookup: &Arc<dyn Lookup>,
        cluster: &ClusterName,
        namespace: &str,
        name: &str,
        now: UnixTime,
    ) -> Result<SecretFacts, TokenError> {
        let ask = lookup.secret(cluster, namespace, name);
        self.secrets.get((cluster, namespace, name), now, ask).await?.ok_or(TokenError::Invalidated)
    }
}

impl Known {
    fn user(self) -> User {
        let Self { cluster, namespace, account, extra } = self;
        let mut user = User {
            name: User::service_account_name(&namespace, &account.name),
            uid: account.uid,
            groups: User::service_account_groups(&namespace),
            extra: extra.into_iter().map(|(key, value)| (key.to_owned(), vec![value])).collect(),
        };
        user.extra.insert(extra::CLUSTER_NAME.to_owned(), vec![cluster.to_string()]);
        user.extra.insert(extra::SCOPES.to_owned(), vec![format!("cluster:{cluster}")]);
        user
    }
}

/// The issuer that a token names, unchecked: only to know whose keys to try.
fn issuer(token: &str) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct Issuer {
        #[serde(default)]
        iss: String,
    }
    let mut parts = token.split('.');
    let (_, payload, _, None) = (parts.next()?, parts.next()?, parts.next()?, parts.next()) else {
        return None;
    };
    let payload: Issuer = serde_json::from_slice(&BASE64.decode(payload).ok()?).ok()?;
    Some(payload.iss)
}

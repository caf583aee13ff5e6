//! Making tokens.

use super::{
    LEGACY_ISSUER, UnusableKey,
    claims::{Audience, Bound, Claims, Reference, Seconds},
    keys::{algorithm, key_id},
};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use jsonwebtoken::{Algorithm, EncodingKey, crypto};
use kcp_authz::User;
use kcp_names::ClusterName;
use kcp_pki::{PrivateKey, UnixTime};
use serde::Serialize;
use std::fmt;
use uuid::Uuid;

/// The account that a token is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceAccountId {
    /// Where it lives.
    pub cluster: ClusterName,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its uid; a token does not survive the account.
    pub uid: String,
}

/// A Secret that a token does not survive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BoundObject {
    /// Name of the Secret.
    pub name: String,
    /// Its uid.
    pub uid: String,
}

/// How long a token lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifetime {
    /// Until it expires.
    pub seconds: u64,
    /// Until its use is worth a warning; `None` for never.
    pub warn_after: Option<u64>,
}

impl Lifetime {
    /// What a TokenRequest gets that does not say.
    pub const DEFAULT_SECONDS: i64 = 3600;
    /// Kubernetes' sign that a kubelet asks for a pod that may not reload its token.
    const WARN_ONLY: u64 = 60 * 60 + 7;
    const EXTENDED: u64 = 365 * 24 * 60 * 60;

    /// The life of a token for `spec.expirationSeconds` of a TokenRequest. One that asks for the
    /// magic number of 3607 seconds for this API lives a year, and warns after the hour.
    ///
    /// # Errors
    /// The message of the field error.
    pub fn requested(seconds: i64, for_this_api: bool) -> Result<Self, &'static str> {
        if seconds < 10 * 60 {
            return Err("may not specify a duration less than 10 minutes");
        }
        if seconds > 1 << 32 {
            return Err("may not specify a duration larger than 2^32 seconds");
        }
        let seconds = seconds.unsigned_abs();
        Ok(if for_this_api && seconds == Self::WARN_ONLY {
            Self { seconds: Self::EXTENDED, warn_after: Some(seconds) }
        } else {
            Self { seconds, warn_after: None }
        })
    }
}

/// A new bound token.
#[derive(Clone, PartialEq, Eq)]
pub struct BoundToken {
    /// The token.
    pub token: String,
    /// When it expires, as far as the client is told.
    pub expires_at: UnixTime,
    /// Its id, for the audit log.
    pub id: String,
}

impl fmt::Debug for BoundToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BoundToken").field("id", &self.id).finish_non_exhaustive()
    }
}

/// Signing failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot sign a service account token: {0}")]
pub struct IssueError(String);

/// Signs tokens.
pub struct Signer {
    issuer: String,
    id: String,
    algorithm: Algorithm,
    key: EncodingKey,
}

#[derive(Serialize)]
struct Header<'a> {
    alg: Algorithm,
    kid: &'a str,
}

impl Signer {
    /// Signs with a key (`--service-account-signing-key-file`) as an issuer.
    ///
    /// # Errors
    /// The key is of a kind that signs no tokens.
    pub fn new(issuer: &str, key: &PrivateKey) -> Result<Self, UnusableKey> {
        let public = key.public();
        let encoding = match key.pkcs1_der() {
            Some(der) => EncodingKey::from_rsa_der(&der),
            None => EncodingKey::from_ec_der(key.pkcs8_der()),
        };
        Ok(Self {
            issuer: issuer.to_owned(),
            id: key_id(&public),
            algorithm: algorithm(&public)?,
            key: encoding,
        })
    }

    /// A token as TokenRequest gives it. Without audiences it would be meant for any API, so the
    /// caller puts in those of this one.
    ///
    /// # Errors
    /// Signing failed.
    pub fn bound(
        &self,
        account: &ServiceAccountId,
        secret: Option<&BoundObject>,
        audiences: &[String],
        lifetime: Lifetime,
        now: UnixTime,
    ) -> Result<BoundToken, IssueError> {
        let now = now.as_secs();
        let id = Uuid::new_v4().to_string();
        let claims = Claims {
            aud: Audience(audiences.to_vec()),
            exp: Some(Seconds(now.saturating_add(lifetime.seconds))),
            iat: Some(Seconds(now)),
            nbf: Some(Seconds(now)),
            iss: self.issuer.clone(),
            jti: Some(id.clone()),
            sub: User::service_account_name(&account.namespace, &account.name),
            bound: Some(Bound {
                cluster_name: account.cluster.to_string(),
                namespace: account.namespace.clone(),
                secret: secret.map(|secret| Reference { name: secret.name.clone(), uid: secret.uid.clone() }),
                serviceaccount: Reference { name: account.name.clone(), uid: account.uid.clone() },
                warnafter: lifetime.warn_after.map(|after| Seconds(now.saturating_add(after))),
                ..Bound::default()
            }),
            ..Claims::default()
        };
        let told = lifetime.warn_after.unwrap_or(lifetime.seconds);
        let expires_at = std::time::Duration::from_secs(now.saturating_add(told));
        Ok(BoundToken { token: self.sign(&claims)?, expires_at: UnixTime::since_unix_epoch(expires_at), id })
    }

    /// A token as it lies in a Secret of type `kubernetes.io/service-account-token`.
    ///
    /// # Errors
    /// Signing failed.
    pub fn legacy(&self, account: &ServiceAccountId, secret: &str) -> Result<String, IssueError> {
        self.sign(&Claims {
            iss: LEGACY_ISSUER.to_owned(),
            sub: User::service_account_name(&account.namespace, &account.name),
            legacy_cluster: Some(account.cluster.to_string()),
            legacy_namespace: Some(account.namespace.clone()),
            legacy_secret: Some(secret.to_owned()),
            legacy_name: Some(account.name.clone()),
            legacy_uid: Some(account.uid.clone()),
            ..Claims::default()
        })
    }

    fn sign(&self, claims: &Claims) -> Result<String, IssueError> {
        let failed = |error: &dyn ToString| IssueError(error.to_string());
        let header = Header { alg: self.algorithm, kid: &self.id };
        let header = serde_json::to_vec(&header).map_err(|error| failed(&error))?;
        let payload = serde_json::to_vec(claims).map_err(|error| failed(&error))?;
        let message = format!("{}.{}", BASE64.encode(header), BASE64.encode(payload));
        let signature =
            crypto::sign(message.as_bytes(), &self.key, self.algorithm).map_err(|error| failed(&error))?;
        Ok(format!("{message}.{signature}"))
    }
}

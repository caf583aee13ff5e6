//! How servers find out who a client is.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Duration;

/// Ways to authenticate, and what the front-proxy passes on of the result.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuthSpec {
    /// Tokens of an OpenID Connect provider.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oidc: Option<OidcConfiguration>,
    /// Tokens that a webhook reviews.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub webhook: Option<AuthenticationWebhookSpec>,
    /// Tokens listed in a file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_auth_file: Option<TokenAuthFileSpec>,
    /// Tokens of ServiceAccounts in workspaces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_account: Option<ServiceAccountAuthentication>,
    /// Groups that the front-proxy takes away from every request, beside the built-in ones.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub drop_groups: Vec<String>,
    /// Groups that the front-proxy passes on; no others when set.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pass_on_groups: Vec<String>,
}

/// An OpenID Connect provider.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OidcConfiguration {
    /// URL of the issuer; https only.
    #[serde(rename = "issuerURL")]
    pub issuer_url: String,
    /// Client that tokens must have been issued for.
    #[serde(rename = "clientID")]
    pub client_id: String,
    /// Not used. Deprecated: the servers need no secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_secret: Option<String>,
    /// Claim with the groups.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub groups_claim: Option<String>,
    /// Claim with the user name; `sub` when unset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username_claim: Option<String>,
    /// Put before every group of a token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub groups_prefix: Option<String>,
    /// Put before every user name of a token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username_prefix: Option<String>,
    /// The CA of the issuer, if it is not publicly trusted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_file_ref: Option<OidcCaFileRef>,
}

/// Secret with the CA of an OpenID Connect issuer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OidcCaFileRef {
    /// Name of the Secret.
    pub name: String,
    /// Key in the Secret; `ca.crt` when unset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}

/// Tokens listed in a CSV file: token, user, uid, groups.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TokenAuthFileSpec {
    /// Secret with the file.
    pub secret_name: String,
    /// Key in the Secret; `token.csv` when unset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}

/// A webhook that reviews tokens.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuthenticationWebhookSpec {
    /// How long an answer of the webhook is remembered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[serde(rename = "cacheAuthenticationTTL")]
    pub cache_authentication_ttl: Option<Duration>,
    /// Secret whose key `kubeconfig` says how to reach the webhook.
    pub config_secret_name: String,
    /// Version of the TokenReview API that the webhook speaks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = ["v1beta1", "v1"]))]
    pub version: Option<String>,
}

/// Tokens of ServiceAccounts in workspaces.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ServiceAccountAuthentication {
    /// Whether the tokens of all shards of the installation are accepted.
    pub enabled: bool,
}

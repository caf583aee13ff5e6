//! What shards log of requests, and whom they ask whether a request is allowed.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::core_schema::Int;
use crate::{Duration, LocalDataKeyReference};

/// Auditing of requests.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AuditSpec {
    /// A webhook that receives the events.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub webhook: Option<AuditWebhookSpec>,
    /// Which requests are recorded, and how much of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<AuditPolicySpec>,
}

/// Which requests are recorded.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuditPolicySpec {
    /// The key of a ConfigMap that holds the policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config_map: Option<LocalDataKeyReference>,
}

/// A webhook that receives audit events.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuditWebhookSpec {
    /// Events that wait to be sent, at most; mode batch only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Int>")]
    pub batch_buffer_size: Option<i64>,
    /// Events in one batch, at most; mode batch only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Int>")]
    pub batch_max_size: Option<i64>,
    /// How long a batch waits to fill up; mode batch only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch_max_wait: Option<Duration>,
    /// Batches sent at once after a quiet time; mode batch only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Int>")]
    pub batch_throttle_burst: Option<i64>,
    /// Whether batches are throttled; mode batch only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch_throttle_enable: Option<bool>,
    /// Batches per second, at most, as a decimal number; mode batch only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[serde(rename = "batchThrottleQPS")]
    pub batch_throttle_qps: Option<String>,
    /// Secret whose key `kubeconfig` says how to reach the webhook.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config_secret_name: Option<String>,
    /// How long to wait before the first request is sent again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub initial_backoff: Option<Duration>,
    /// Whether a response waits for its event to be sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = ["", "batch", "blocking", "blocking-strict"]))]
    pub mode: Option<String>,
    /// Whether large events and batches are cut.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub truncate_enabled: Option<bool>,
    /// Bytes in a batch, at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Int>")]
    pub truncate_max_batch_size: Option<i64>,
    /// Bytes in an event, at most; a larger one loses its bodies, then goes altogether.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Int>")]
    pub truncate_max_event_size: Option<i64>,
    /// API version of the events.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
}

/// Who else decides whether a request is allowed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AuthorizationSpec {
    /// A webhook that is asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub webhook: Option<AuthorizationWebhookSpec>,
}

/// A webhook that decides whether a request is allowed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuthorizationWebhookSpec {
    /// Paths that need no authorization, instead of `/healthz`, `/readyz` and `/livez`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allow_paths: Vec<String>,
    /// How long a yes is remembered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[serde(rename = "cacheAuthorizedTTL")]
    pub cache_authorized_ttl: Option<Duration>,
    /// How long a no is remembered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[serde(rename = "cacheUnauthorizedTTL")]
    pub cache_unauthorized_ttl: Option<Duration>,
    /// Secret whose key `kubeconfig` says how to reach the webhook.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config_secret_name: Option<String>,
    /// Version of the SubjectAccessReview API that the webhook speaks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
}

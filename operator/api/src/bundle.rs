//! Bundle: an export of earlier operators, accepted but not acted upon.
//!
//! Charts up to kcp-operator 0.9 create these objects' definition, and manifests may hold some. They
//! stay readable, so that nothing fails to apply; the controllers say that nothing is exported.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{LocalObjectReference, core_schema};

/// What to export.
#[derive(CustomResource, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "operator.kcp.io",
    version = "v1alpha1",
    kind = "Bundle",
    doc = "Bundle exported the objects of a server for another cluster. It is accepted for old manifests; nothing acts on it.",
    plural = "bundles",
    namespaced,
    status = "BundleStatus",
    derive = "PartialEq",
    printcolumn = r#"{"name":"Target","type":"string","jsonPath":".status.targetName"}"#,
    printcolumn = r#"{"name":"State","type":"string","jsonPath":".status.state"}"#,
    printcolumn = r#"{"name":"Age","type":"date","jsonPath":".metadata.creationTimestamp"}"#
)]
pub struct BundleSpec {
    /// The server whose objects are exported.
    pub target: BundleTarget,
}

/// The server whose objects are exported.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BundleTarget {
    /// A RootShard.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root_shard_ref: Option<LocalObjectReference>,
    /// A Shard.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shard_ref: Option<LocalObjectReference>,
    /// A FrontProxy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub front_proxy_ref: Option<LocalObjectReference>,
}

/// What was last seen of a Bundle.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BundleStatus {
    /// Provisioning, Ready or Deleting.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// Kind and name of the target.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_name: Option<String>,
    /// The exported objects.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub objects: Vec<BundleObject>,
    /// Details, by type.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "core_schema::conditions")]
    pub conditions: Vec<Condition>,
}

/// One exported object.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BundleObject {
    /// Kind and name of the object.
    pub object: String,
    /// Ready or NotReady.
    pub state: String,
    /// Why it is not ready.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

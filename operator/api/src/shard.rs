//! Shard: a further kcp server of an installation; and what it has in common with the RootShard.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{ResourceRequirements, Volume, VolumeMount};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    AuditSpec, AuthSpec, AuthorizationSpec, CertificateTemplate, DeploymentTemplate, EtcdConfig, ImageSpec,
    LocalObjectReference, LoggingSpec, RootShardConfig, ServiceTemplate, core_schema,
};

/// A kcp server that holds workspaces for the installation of a RootShard.
#[derive(CustomResource, Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "operator.kcp.io",
    version = "v1alpha1",
    kind = "Shard",
    doc = "Shard is a kcp server that holds workspaces for the installation of a RootShard.",
    plural = "shards",
    shortname = "ksh",
    namespaced,
    status = "ShardStatus",
    derive = "PartialEq",
    printcolumn = r#"{"name":"RootShard","type":"string","jsonPath":".spec.rootShard.ref.name"}"#,
    printcolumn = r#"{"name":"Phase","type":"string","jsonPath":".status.phase"}"#,
    printcolumn = r#"{"name":"Age","type":"date","jsonPath":".metadata.creationTimestamp"}"#
)]
#[serde(rename_all = "camelCase")]
pub struct ShardSpec {
    /// What every shard has.
    #[serde(flatten)]
    pub common: CommonShardSpec,
    /// The installation that the shard belongs to.
    pub root_shard: RootShardConfig,
    /// The cache server of this shard; that of the RootShard when unset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache: Option<ShardCacheConfig>,
}

/// What a Shard and a RootShard have in common.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CommonShardSpec {
    /// DNS suffix of Services in the host cluster; `cluster.local` when unset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster_domain: Option<String>,
    /// URL under which other components reach the shard; its Service when unset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[serde(rename = "shardBaseURL")]
    pub shard_base_url: Option<String>,
    /// Where the shard keeps its objects. It cannot be changed on a living shard.
    pub etcd: EtcdConfig,
    /// The image to run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<ImageSpec>,
    /// Number of pods; 2 when unset, and always 1 with an own store.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replicas: Option<i32>,
    /// Resources of the container; each given one replaces the default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "core_schema::resources")]
    pub resources: Option<ResourceRequirements>,
    /// Auditing of requests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audit: Option<AuditSpec>,
    /// Who else decides whether a request is allowed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorization: Option<AuthorizationSpec>,
    /// How the shard finds out who a client is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth: Option<AuthSpec>,
    /// The VirtualWorkspace that serves the shard's virtual workspaces instead of the shard itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kcp_virtual_workspace: Option<LocalObjectReference>,
    /// Adjusts the certificates of the shard, by their name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub certificate_templates: BTreeMap<String, CertificateTemplate>,
    /// Adjusts the Service of the shard.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_template: Option<ServiceTemplate>,
    /// Adjusts the Deployment of the shard.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deployment_template: Option<DeploymentTemplate>,
    /// Secret whose key `tls.crt` has further CAs that sign the front-proxy's certificate; the shard
    /// trusts them when it calls the front-proxy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_bundle_secret_ref: Option<LocalObjectReference>,
    /// Secret whose key `tls.crt` has further CAs of client certificates. Those of a RootShard count
    /// for the whole installation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[serde(rename = "clientCABundleRef")]
    pub client_ca_bundle_ref: Option<LocalObjectReference>,
    /// More command line arguments.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub extra_args: Vec<String>,
    /// More volumes of the pod.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "core_schema::volumes")]
    pub extra_volumes: Vec<Volume>,
    /// Where the container mounts them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "core_schema::volume_mounts")]
    pub extra_volume_mounts: Vec<VolumeMount>,
    /// How much the shard logs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logging: Option<LoggingSpec>,
}

/// The cache server of a shard.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ShardCacheConfig {
    /// The CacheServer, in the same namespace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[serde(rename = "ref")]
    pub reference: Option<LocalObjectReference>,
}

/// What was last seen of a Shard.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ShardStatus {
    /// Provisioning, Running or Deleting.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phase: Option<String>,
    /// Details, by type.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "core_schema::conditions")]
    pub conditions: Vec<Condition>,
}

//! RootShard: an installation of kcp, with its first shard.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{ResourceRequirements, Volume, VolumeMount};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    CertificateTemplate, Certificates, CommonShardSpec, DeploymentTemplate, ExternalConfig, ImageSpec,
    LocalObjectReference, LoggingSpec, ServiceTemplate, core_schema,
};

/// The desired installation.
#[derive(CustomResource, Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "operator.kcp.io",
    version = "v1alpha1",
    kind = "RootShard",
    doc = "RootShard is an installation of kcp: the shard that holds the root workspace, and its certificates.",
    plural = "rootshards",
    shortname = "krs",
    namespaced,
    status = "RootShardStatus",
    derive = "PartialEq",
    printcolumn = r#"{"name":"Hostname","type":"string","jsonPath":".spec.external.hostname"}"#,
    printcolumn = r#"{"name":"Phase","type":"string","jsonPath":".status.phase"}"#,
    printcolumn = r#"{"name":"Age","type":"date","jsonPath":".metadata.creationTimestamp"}"#
)]
#[serde(rename_all = "camelCase")]
pub struct RootShardSpec {
    /// What every shard has.
    #[serde(flatten)]
    pub common: CommonShardSpec,
    /// Address of the installation, where a front-proxy answers.
    pub external: ExternalConfig,
    /// The cache server of the installation; part of the root shard when empty.
    pub cache: RootShardCacheConfig,
    /// The proxy through which the operator itself reaches all shards.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proxy: Option<RootShardProxySpec>,
    /// Where the CA of the installation comes from.
    pub certificates: Certificates,
}

/// The cache server of an installation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RootShardCacheConfig {
    /// Not used. Deprecated: the cache is part of the root shard unless `ref` is set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub embedded: Option<EmbeddedCacheConfiguration>,
    /// The CacheServer, in the same namespace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[serde(rename = "ref")]
    pub reference: Option<LocalObjectReference>,
}

/// Not used.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EmbeddedCacheConfiguration {
    /// Not used.
    pub enabled: bool,
}

/// The proxy through which the operator reaches all shards.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RootShardProxySpec {
    /// The image to run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<ImageSpec>,
    /// Number of pods; 2 when unset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replicas: Option<i32>,
    /// Resources of the container.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "core_schema::resources")]
    pub resources: Option<ResourceRequirements>,
    /// Adjusts the Service of the proxy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_template: Option<ServiceTemplate>,
    /// Adjusts the Deployment of the proxy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deployment_template: Option<DeploymentTemplate>,
    /// Adjusts the certificates of the proxy, by their name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub certificate_templates: BTreeMap<String, CertificateTemplate>,
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
    /// How much the proxy logs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logging: Option<LoggingSpec>,
}

/// What was last seen of a RootShard.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RootShardStatus {
    /// Provisioning, Running or Deleting.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phase: Option<String>,
    /// Details, by type.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "core_schema::conditions")]
    pub conditions: Vec<Condition>,
    /// The Shard objects of the installation, in the order of their names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"]))]
    pub shards: Vec<ShardReference>,
}

/// A Shard object.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ShardReference {
    /// Its name.
    pub name: String,
}

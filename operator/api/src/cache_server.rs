//! CacheServer: what shards must know of each other.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{Volume, VolumeMount};
use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    CertificateTemplate, Certificates, DeploymentTemplate, EtcdConfig, ImageSpec, LoggingSpec,
    ServiceTemplate, core_schema,
};

/// The desired cache server.
#[derive(CustomResource, Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "operator.kcp.io",
    version = "v1alpha1",
    kind = "CacheServer",
    doc = "CacheServer holds what the shards of an installation must know of each other.",
    plural = "cacheservers",
    shortname = "kcs",
    namespaced,
    status = "CacheServerStatus",
    derive = "PartialEq"
)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = [{
    "rule": "!has(self.replicas) || self.replicas <= 1 || has(self.etcd)",
    "message": "etcd must be specified when replicas > 1"
}]))]
pub struct CacheServerSpec {
    /// DNS suffix of Services in the host cluster; `cluster.local` when unset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster_domain: Option<String>,
    /// The image to run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<ImageSpec>,
    /// Number of pods; one without etcd, otherwise 2 when unset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replicas: Option<i32>,
    /// How much the server logs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logging: Option<LoggingSpec>,
    /// Where the CA of the server comes from.
    pub certificates: Certificates,
    /// Adjusts the certificates of the server, by their name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub certificate_templates: BTreeMap<String, CertificateTemplate>,
    /// Adjusts the Service of the server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_template: Option<ServiceTemplate>,
    /// Adjusts the Deployment of the server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deployment_template: Option<DeploymentTemplate>,
    /// Where the server keeps its objects; in its pod when unset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub etcd: Option<EtcdConfig>,
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
}

/// What was last seen of a CacheServer: nothing yet.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CacheServerStatus {}

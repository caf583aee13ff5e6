//! VirtualWorkspace: a server of its own for the virtual workspaces of a shard.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{ResourceRequirements, Volume, VolumeMount};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    CertificateTemplate, DeploymentTemplate, ExternalConfig, ImageSpec, LocalObjectReference, LoggingSpec,
    ServiceTemplate, core_schema,
};

/// The desired server.
#[derive(CustomResource, Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "operator.kcp.io",
    version = "v1alpha1",
    kind = "VirtualWorkspace",
    doc = "VirtualWorkspace is a server of its own for the virtual workspaces of one shard.",
    plural = "virtualworkspaces",
    shortname = "kvw",
    namespaced,
    status = "VirtualWorkspaceStatus",
    derive = "PartialEq"
)]
#[serde(rename_all = "camelCase")]
pub struct VirtualWorkspaceSpec {
    /// The shard that it belongs to.
    pub target: VirtualWorkspaceTarget,
    /// Address under which clients reach it; kcp tells it to them.
    pub external: ExternalConfig,
    /// The image to run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<ImageSpec>,
    /// Entrypoint of the container, for a server that is not kcp's own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub command: Vec<String>,
    /// Containers that run, one after the other, before the server starts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"]))]
    pub init_containers: Vec<VirtualWorkspaceInitContainer>,
    /// Number of pods; 2 when unset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replicas: Option<i32>,
    /// Resources of the container.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "core_schema::resources")]
    pub resources: Option<ResourceRequirements>,
    /// Adjusts the certificates of the server, by their name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub certificate_templates: BTreeMap<String, CertificateTemplate>,
    /// Adjusts the Service of the server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_template: Option<ServiceTemplate>,
    /// Adjusts the Deployment of the server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deployment_template: Option<DeploymentTemplate>,
    /// Secret whose key `tls.crt` has further CAs of the target.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_bundle_secret_ref: Option<LocalObjectReference>,
    /// Secret whose key `tls.crt` has further CAs of client certificates.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[serde(rename = "clientCABundleRef")]
    pub client_ca_bundle_ref: Option<LocalObjectReference>,
    /// Secret whose key `kubeconfig` the server uses towards kcp, instead of an almighty one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kubeconfig_secret_ref: Option<LocalObjectReference>,
    /// More command line arguments.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub extra_args: Vec<String>,
    /// More volumes of the pod.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "core_schema::volumes")]
    pub extra_volumes: Vec<Volume>,
    /// Where the server's container mounts them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "core_schema::volume_mounts")]
    pub extra_volume_mounts: Vec<VolumeMount>,
    /// How much the server logs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logging: Option<LoggingSpec>,
    /// DNS suffix of Services in the host cluster; `cluster.local` when unset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster_domain: Option<String>,
}

/// A container that runs before the server starts.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct VirtualWorkspaceInitContainer {
    /// Its name.
    #[schemars(length(min = 1))]
    pub name: String,
    /// The image to run; that of the server when unset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<ImageSpec>,
    /// Its entrypoint.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub command: Vec<String>,
    /// Its command line arguments.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub args: Vec<String>,
    /// Secret whose key `kubeconfig` it finds as `/etc/kcp/init-kubeconfig/kubeconfig`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kubeconfig_secret_ref: Option<LocalObjectReference>,
    /// Its resources; those of the server when unset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "core_schema::resources")]
    pub resources: Option<ResourceRequirements>,
    /// More volumes of the pod. Of several with one name the first counts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "core_schema::volumes")]
    pub volumes: Vec<Volume>,
    /// Where this container mounts them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "core_schema::volume_mounts")]
    pub volume_mounts: Vec<VolumeMount>,
}

/// The shard that a virtual workspace server belongs to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = [{
    "rule": "(has(self.rootShardRef) && !has(self.shardRef)) || (!has(self.rootShardRef) && has(self.shardRef))",
    "message": "Must specify exactly one of rootShardRef or shardRef"
}]))]
pub struct VirtualWorkspaceTarget {
    /// A RootShard; not together with `shardRef`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root_shard_ref: Option<LocalObjectReference>,
    /// A Shard; not together with `rootShardRef`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shard_ref: Option<LocalObjectReference>,
}

/// What was last seen of a VirtualWorkspace.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct VirtualWorkspaceStatus {
    /// Details, by type.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "core_schema::conditions")]
    pub conditions: Vec<Condition>,
}

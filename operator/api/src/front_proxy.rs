//! FrontProxy: the door of an installation.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{ResourceRequirements, Volume, VolumeMount};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    AuthSpec, CertificateTemplate, DeploymentTemplate, ExternalConfig, ImageSpec, LocalObjectReference,
    LoggingSpec, RootShardConfig, ServiceTemplate, core_schema,
};

/// The desired front-proxy.
#[derive(CustomResource, Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "operator.kcp.io",
    version = "v1alpha1",
    kind = "FrontProxy",
    doc = "FrontProxy is the door of an installation: it authenticates clients and routes them to the shard of their workspace.",
    plural = "frontproxies",
    shortname = "kfp",
    namespaced,
    status = "FrontProxyStatus",
    derive = "PartialEq",
    printcolumn = r#"{"name":"RootShard","type":"string","jsonPath":".spec.rootShard.ref.name"}"#,
    printcolumn = r#"{"name":"ExternalHostname","type":"string","jsonPath":".spec.externalHostname"}"#,
    printcolumn = r#"{"name":"Phase","type":"string","jsonPath":".status.phase"}"#,
    printcolumn = r#"{"name":"Age","type":"date","jsonPath":".metadata.creationTimestamp"}"#
)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = [{
    "rule": "!(has(self.externalHostname) && has(self.external.hostname))",
    "message": "Cannot set both ExternalHostname (deprecated) and External.hostname. Use External.hostname only."
}]))]
pub struct FrontProxySpec {
    /// The installation that the proxy belongs to.
    pub root_shard: RootShardConfig,
    /// Number of pods; 2 when unset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replicas: Option<i32>,
    /// Resources of the container.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "core_schema::resources")]
    pub resources: Option<ResourceRequirements>,
    /// How the proxy finds out who a client is. OIDC needs ServiceAccount authentication beside it,
    /// because from then on the proxy looks at every token.
    #[schemars(extend("x-kubernetes-validations" = [{
        "rule": "!has(self.oidc) || (has(self.serviceAccount) && self.serviceAccount.enabled)",
        "message": "OIDC requires ServiceAccount auth to be enabled."
    }]))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth: Option<AuthSpec>,
    /// More path prefixes and the servers that answer under them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub additional_path_mappings: Vec<PathMappingEntry>,
    /// The image to run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<ImageSpec>,
    /// Name, and possibly port, under which clients reach the proxy. Deprecated: use `external`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_hostname: Option<String>,
    /// Address under which clients reach this proxy; that of the RootShard when unset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external: Option<ExternalConfig>,
    /// Adjusts the Service of the proxy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_template: Option<ServiceTemplate>,
    /// Adjusts the Deployment of the proxy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deployment_template: Option<DeploymentTemplate>,
    /// Adjusts the certificates of the proxy, by their name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub certificate_templates: BTreeMap<String, CertificateTemplate>,
    /// Secret whose key `tls.crt` has further CAs: of the servers behind the proxy, and of the proxy
    /// itself for kubeconfigs that point at it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_bundle_secret_ref: Option<LocalObjectReference>,
    /// Secret whose key `tls.crt` has further CAs of client certificates.
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
    /// How much the proxy logs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logging: Option<LoggingSpec>,
}

impl FrontProxySpec {
    /// The address of this proxy, if it has one of its own. Go clients store an empty one for none.
    pub fn own_external(&self) -> Option<&ExternalConfig> {
        self.external.as_ref().filter(|external| !external.hostname.is_empty() || external.port != 0)
    }
}

/// Sends requests under a path to another server.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PathMappingEntry {
    /// Prefix of the path.
    pub path: String,
    /// URL of the server.
    pub backend: String,
    /// File in the pod with the CA of the server.
    pub backend_server_ca: String,
    /// File in the pod with the client certificate that the proxy shows.
    pub proxy_client_cert: String,
    /// File in the pod with its key.
    pub proxy_client_key: String,
}

/// What was last seen of a FrontProxy.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FrontProxyStatus {
    /// Provisioning, Running or Deleting.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phase: Option<String>,
    /// Details, by type.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "core_schema::conditions")]
    pub conditions: Vec<Condition>,
}

//! Kubeconfig: credentials for an installation, written into a Secret.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{CertificateTemplate, Duration, LocalObjectReference, Text, core_schema};

/// The desired credentials.
#[derive(CustomResource, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "operator.kcp.io",
    version = "v1alpha1",
    kind = "Kubeconfig",
    doc = "Kubeconfig is a client certificate for an installation, kept in a Secret as a kubeconfig, and possibly what it allows.",
    plural = "kubeconfigs",
    shortname = "kkc",
    namespaced,
    status = "KubeconfigStatus",
    derive = "PartialEq",
    printcolumn = r#"{"name":"Target","type":"string","jsonPath":".status.targetName"}"#,
    printcolumn = r#"{"name":"Phase","type":"string","jsonPath":".status.phase"}"#,
    printcolumn = r#"{"name":"Age","type":"date","jsonPath":".metadata.creationTimestamp"}"#
)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = [{
    "rule": "!(has(self.targetWorkspace) && has(self.authorization) && has(self.authorization.clusterRoleBindings.cluster))",
    "message": "Cannot set both targetWorkspace and authorization.clusterRoleBindings.cluster. Use targetWorkspace only."
}]))]
pub struct KubeconfigSpec {
    /// The server that the kubeconfig points at.
    pub target: KubeconfigTarget,
    /// Path of the workspace that the kubeconfig points at and in which roles are bound; `root` when
    /// unset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("pattern" = "^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(:[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$"))]
    pub target_workspace: Option<String>,
    /// Name of the user.
    pub username: String,
    /// Groups of the user.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<String>,
    /// How long the certificate is valid. It is renewed before that, and the Secret with it.
    pub validity: Duration,
    /// The Secret that is written; its key is `kubeconfig`.
    pub secret_ref: LocalObjectReference,
    /// Adjusts the certificate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate_template: Option<CertificateTemplate>,
    /// What the user may do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorization: Option<KubeconfigAuthorization>,
}

impl KubeconfigSpec {
    /// Path of the workspace in the kubeconfig's URL.
    pub fn url_workspace(&self) -> &str {
        self.target_workspace.text().unwrap_or("root")
    }

    /// Path of the workspace in which roles are bound, if any are asked for.
    pub fn rbac_workspace(&self) -> Option<&str> {
        let bindings = &self.authorization.as_ref()?.cluster_role_bindings;
        Some(self.target_workspace.text().or(bindings.cluster.text()).unwrap_or("root"))
    }
}

/// The server that a kubeconfig points at; the first that is set counts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct KubeconfigTarget {
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

/// What the user of a kubeconfig may do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct KubeconfigAuthorization {
    /// Roles that are bound to the user.
    pub cluster_role_bindings: KubeconfigClusterRoleBindings,
}

/// Roles that are bound to a user in a workspace.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct KubeconfigClusterRoleBindings {
    /// The workspace. Deprecated: use `targetWorkspace`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster: Option<String>,
    /// Names of ClusterRoles in that workspace.
    pub cluster_roles: Vec<String>,
}

/// What was last seen of a Kubeconfig.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct KubeconfigStatus {
    /// Provisioning, Ready or Failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phase: Option<String>,
    /// Kind and name of the server that the kubeconfig points at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_name: Option<String>,
    /// Where roles have been bound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorization: Option<KubeconfigAuthorizationStatus>,
    /// Details, by type.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "core_schema::conditions")]
    pub conditions: Vec<Condition>,
}

/// Where roles have been bound.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct KubeconfigAuthorizationStatus {
    /// Path of the workspace.
    pub provisioned_cluster: String,
}

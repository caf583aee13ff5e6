//! `tenancy.kcp.io/v1alpha1`: workspaces, their types and their own authenticators.

use super::{LabelSelector, PolicyRule, kind, unset};
use crate::{conditions::Conditions, types::core::Phase};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

kind!(
    /// The object that asks for a logical cluster, or stands for a mounted object.
    Workspace, "tenancy.kcp.io", "v1alpha1", "workspaces", spec: WorkspaceSpec, status: WorkspaceStatus
);

/// What a workspace should be.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct WorkspaceSpec {
    /// Its WorkspaceType; admission fills it in.
    #[serde(rename = "type", skip_serializing_if = "unset")]
    pub kind: Option<TypeReference>,
    /// Which shards may host it.
    #[serde(skip_serializing_if = "unset")]
    pub location: Option<Location>,
    /// Its logical cluster, once it has one.
    #[serde(skip_serializing_if = "unset")]
    pub cluster: String,
    /// Where clients find it, once they do.
    #[serde(rename = "URL", skip_serializing_if = "unset")]
    pub url: String,
    /// The object it stands for. It then has no logical cluster.
    #[serde(skip_serializing_if = "unset")]
    pub mount: Option<Mount>,
}

/// A WorkspaceType by name and workspace.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct TypeReference {
    /// Name of the type.
    pub name: String,
    /// Path or logical cluster of its workspace; empty: searched for.
    #[serde(skip_serializing_if = "unset")]
    pub path: String,
}

/// Where a workspace may be.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Location {
    /// Selects shards.
    #[serde(skip_serializing_if = "unset")]
    pub selector: Option<LabelSelector>,
}

/// What a mounted workspace stands for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Mount {
    /// The object, whose status says where requests go.
    #[serde(rename = "ref")]
    pub reference: MountReference,
}

/// An object of the workspace that holds the mount.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct MountReference {
    /// Group and version.
    pub api_version: String,
    /// Kind.
    pub kind: String,
    /// Name.
    pub name: String,
    /// Namespace, if it has one.
    #[serde(skip_serializing_if = "unset")]
    pub namespace: String,
}

/// What a workspace is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct WorkspaceStatus {
    /// Where in its life it is.
    #[serde(skip_serializing_if = "unset")]
    pub phase: Phase,
    /// What can be said of it.
    #[serde(skip_serializing_if = "unset")]
    pub conditions: Conditions,
    /// Who still initializes it.
    #[serde(skip_serializing_if = "unset")]
    pub initializers: Vec<String>,
    /// Who still has to let it go.
    #[serde(skip_serializing_if = "unset")]
    pub terminators: Vec<String>,
}

kind!(
    /// What workspaces of a type start with and where they may be.
    WorkspaceType, "tenancy.kcp.io", "v1alpha1", "workspacetypes",
    spec: WorkspaceTypeSpec, status: WorkspaceTypeStatus
);

/// What a type says about its workspaces.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct WorkspaceTypeSpec {
    /// Whether a controller initializes them.
    #[serde(skip_serializing_if = "unset")]
    pub initializer: bool,
    /// Whether a controller has to let them go.
    #[serde(skip_serializing_if = "unset")]
    pub terminator: bool,
    /// What the initializing controller may do; empty: what the workspace's creator may.
    #[serde(skip_serializing_if = "unset")]
    pub initializer_permissions: Vec<PolicyRule>,
    /// What the terminating controller may do; empty: what the workspace's creator may.
    #[serde(skip_serializing_if = "unset")]
    pub terminator_permissions: Vec<PolicyRule>,
    /// Types that this one also is.
    #[serde(skip_serializing_if = "unset")]
    pub extend: Extend,
    /// Labels of new workspaces.
    #[serde(skip_serializing_if = "unset")]
    pub additional_workspace_labels: BTreeMap<String, String>,
    /// The type of children that name none.
    #[serde(skip_serializing_if = "unset")]
    pub default_child_workspace_type: Option<TypeReference>,
    /// Which types children may have.
    #[serde(skip_serializing_if = "unset")]
    pub limit_allowed_children: Option<TypeSelector>,
    /// Which types the parent may have.
    #[serde(skip_serializing_if = "unset")]
    pub limit_allowed_parents: Option<TypeSelector>,
    /// Exports that workspaces bind from the start.
    #[serde(rename = "defaultAPIBindings", skip_serializing_if = "unset")]
    pub default_api_bindings: Vec<DefaultBinding>,
    /// Whether those bindings are kept as they were made.
    #[serde(rename = "defaultAPIBindingLifecycle", skip_serializing_if = "unset")]
    pub default_api_binding_lifecycle: Option<BindingLifecycle>,
    /// Issuers whose tokens count in workspaces of this type.
    #[serde(skip_serializing_if = "unset")]
    pub authentication_configurations: Vec<AuthenticationReference>,
}

/// Inheritance of types.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Extend {
    /// The types that are extended.
    #[serde(skip_serializing_if = "unset")]
    pub with: Vec<TypeReference>,
}

/// None, or some types.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TypeSelector {
    /// No type at all.
    #[serde(skip_serializing_if = "unset")]
    pub none: bool,
    /// These types and those that extend them.
    #[serde(skip_serializing_if = "unset")]
    pub types: Vec<TypeReference>,
}

/// An export that workspaces of a type bind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct DefaultBinding {
    /// Path of the export's workspace; empty: that of the type.
    #[serde(skip_serializing_if = "unset")]
    pub path: String,
    /// Name of the export.
    pub export: String,
}

/// What happens to default bindings after they were made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum BindingLifecycle {
    /// They are the workspace's.
    InitializeOnly,
    /// They are kept as the type says.
    Maintain,
}

/// A WorkspaceAuthenticationConfiguration of the type's workspace.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AuthenticationReference {
    /// Its name.
    pub name: String,
}

/// Where the type's controllers work.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct WorkspaceTypeStatus {
    /// What can be said of it.
    #[serde(skip_serializing_if = "unset")]
    pub conditions: Conditions,
    /// The endpoints, two per shard.
    #[serde(skip_serializing_if = "unset")]
    pub virtual_workspaces: Vec<TypeEndpoint>,
}

/// An endpoint of a type on a shard.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TypeEndpoint {
    /// Base URL.
    pub url: String,
    /// `initializing` or `terminating`.
    #[serde(rename = "type", skip_serializing_if = "unset")]
    pub purpose: String,
}

kind!(
    /// Issuers whose tokens count in the workspaces of a type.
    WorkspaceAuthenticationConfiguration, "tenancy.kcp.io", "v1alpha1",
    "workspaceauthenticationconfigurations", spec: AuthenticationSpec
);

/// The authenticators. Each has the shape of an entry of Kubernetes' structured configuration, for
/// which authentication has its own type.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct AuthenticationSpec {
    /// JWT authenticators.
    pub jwt: Vec<kcp_apimachinery::Value>,
}

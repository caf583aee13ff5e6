use super::{ExportReference, PermissionClaim};
use crate::{
    conditions::Conditions,
    types::{SecretReference, cache::SliceStatus, kind, unset},
};
use kcp_apimachinery::Value;
use serde::{Deserialize, Serialize};

kind!(
    /// APIs that other workspaces may bind.
    APIExport, "apis.kcp.io", "v1alpha2", "apiexports", spec: APIExportSpec, status: APIExportStatus
);

/// What is exported, and what is asked for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct APIExportSpec {
    /// The resources.
    #[serde(skip_serializing_if = "unset")]
    pub resources: Vec<ResourceSchema>,
    /// Where the identity key is; the controller fills it in.
    #[serde(skip_serializing_if = "unset")]
    pub identity: Option<Identity>,
    /// The most that consumers may do.
    #[serde(skip_serializing_if = "unset")]
    pub maximal_permission_policy: Option<MaximalPermissionPolicy>,
    /// Access wanted in consumers' workspaces.
    #[serde(skip_serializing_if = "unset")]
    pub permission_claims: Vec<PermissionClaim>,
}

/// One exported resource.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ResourceSchema {
    /// Resource, in plural.
    pub name: String,
    /// API group.
    pub group: String,
    /// Name of the APIResourceSchema in the export's workspace.
    pub schema: String,
    /// Where its objects are.
    pub storage: Storage,
}

/// Where objects of an exported resource are: exactly one of the two.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Storage {
    /// In the consumer's workspace.
    #[serde(skip_serializing_if = "unset")]
    pub crd: Option<CrdStorage>,
    /// Served by another virtual workspace.
    #[serde(rename = "virtual", skip_serializing_if = "unset")]
    pub elsewhere: Option<VirtualStorage>,
}

/// Storage in the consumer's workspace; nothing can be said about it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CrdStorage {}

/// Storage behind an endpoint slice.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct VirtualStorage {
    /// The slice, in the export's workspace.
    pub reference: VirtualReference,
    /// Identity of the resource there.
    pub identity_hash: String,
}

/// An object whose status says where a resource is served.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct VirtualReference {
    /// API group.
    #[serde(skip_serializing_if = "unset")]
    pub api_group: String,
    /// Kind.
    pub kind: String,
    /// Name.
    pub name: String,
}

/// Where an identity key is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Identity {
    /// The Secret that holds it.
    #[serde(skip_serializing_if = "unset")]
    pub secret_ref: Option<SecretReference>,
}

/// Bounds what consumers may do with the exported resources.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct MaximalPermissionPolicy {
    /// By RBAC of the export's workspace. Its presence is all that counts.
    #[serde(skip_serializing_if = "unset")]
    pub local: Option<Value>,
}

/// What an export is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct APIExportStatus {
    /// Hash of the identity key; never changes once it is set.
    #[serde(skip_serializing_if = "unset")]
    pub identity_hash: String,
    /// What can be said of it.
    #[serde(skip_serializing_if = "unset")]
    pub conditions: Conditions,
    /// Deprecated; see endpoint slices.
    #[serde(skip_serializing_if = "unset")]
    pub virtual_workspaces: Vec<VirtualWorkspace>,
}

/// A URL.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct VirtualWorkspace {
    /// Base URL.
    pub url: String,
}

kind!(
    /// Where the objects of an export's consumers are served.
    APIExportEndpointSlice, "apis.kcp.io", "v1alpha1", "apiexportendpointslices",
    spec: EndpointSliceSpec, status: SliceStatus
);

/// What a slice serves.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct EndpointSliceSpec {
    /// The export.
    pub export: ExportReference,
    /// A Partition of the same workspace that limits the shards.
    #[serde(skip_serializing_if = "unset")]
    pub partition: String,
}

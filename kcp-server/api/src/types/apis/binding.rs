use super::{AcceptableClaim, PermissionClaim, ScopedClaim};
use crate::{
    conditions::Conditions,
    types::{kind, unset},
};
use serde::{Deserialize, Serialize};

kind!(
    /// The use of an APIExport in a workspace.
    APIBinding, "apis.kcp.io", "v1alpha2", "apibindings", spec: APIBindingSpec, status: APIBindingStatus
);

/// What is bound.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct APIBindingSpec {
    /// The export.
    pub reference: BindingReference,
    /// Answers to the export's claims.
    #[serde(skip_serializing_if = "unset")]
    pub permission_claims: Vec<AcceptableClaim>,
}

/// What a binding refers to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct BindingReference {
    /// The export; admission requires it.
    #[serde(skip_serializing_if = "unset")]
    pub export: Option<ExportReference>,
}

/// An export by name and workspace.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct ExportReference {
    /// Path or logical cluster of its workspace; empty: that of the reference.
    #[serde(skip_serializing_if = "unset")]
    pub path: String,
    /// Its name.
    pub name: String,
}

/// How far a binding has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum BindingPhase {
    /// Nobody has looked at it yet.
    #[default]
    #[serde(rename = "")]
    Unset,
    /// Its APIs are being set up.
    Binding,
    /// Its APIs were there at least once.
    Bound,
}

/// What is bound.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct APIBindingStatus {
    /// Logical cluster of the export.
    #[serde(skip_serializing_if = "unset")]
    pub api_export_cluster_name: String,
    /// The resources that are served.
    #[serde(skip_serializing_if = "unset")]
    pub bound_resources: Vec<BoundResource>,
    /// How far it has come.
    #[serde(skip_serializing_if = "unset")]
    pub phase: BindingPhase,
    /// What can be said of it.
    #[serde(skip_serializing_if = "unset")]
    pub conditions: Conditions,
    /// The claims that are in effect.
    #[serde(skip_serializing_if = "unset")]
    pub applied_permission_claims: Vec<ScopedClaim>,
    /// The claims of the export.
    #[serde(skip_serializing_if = "unset")]
    pub export_permission_claims: Vec<PermissionClaim>,
}

/// A resource that a binding serves.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct BoundResource {
    /// API group.
    pub group: String,
    /// Resource, in plural.
    pub resource: String,
    /// Its schema.
    pub schema: BoundSchema,
    /// Versions that objects were ever stored in; none for virtual storage.
    #[serde(skip_serializing_if = "unset")]
    pub storage_versions: Vec<String>,
}

/// The schema of a bound resource.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct BoundSchema {
    /// Name of the APIResourceSchema.
    pub name: String,
    /// Its UID, which is the name of the bound CRD.
    #[serde(rename = "UID")]
    pub uid: String,
    /// Identity of the export.
    pub identity_hash: String,
}

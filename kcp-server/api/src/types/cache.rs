//! `cache.kcp.io/v1alpha1`: resources that every shard can read.

use super::{LabelSelector, SecretReference, kind, unset};
use crate::{
    conditions::Conditions,
    types::{apis::ExportReference, core::Endpoint},
};
use serde::{Deserialize, Serialize};

kind!(
    /// A cluster-scoped resource whose objects every shard can read.
    ClusterCachedResource, "cache.kcp.io", "v1alpha1", "clustercachedresources",
    spec: CachedResourceSpec, status: CachedResourceStatus
);

/// What is published.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct CachedResourceSpec {
    /// API group.
    #[serde(skip_serializing_if = "unset")]
    pub group: String,
    /// Version.
    #[serde(skip_serializing_if = "unset")]
    pub version: String,
    /// Resource, in plural.
    pub resource: String,
    /// Where the identity key is.
    #[serde(skip_serializing_if = "unset")]
    pub identity: Option<super::apis::Identity>,
    /// Which objects.
    #[serde(skip_serializing_if = "unset")]
    pub label_selector: Option<LabelSelector>,
}

impl CachedResourceSpec {
    /// The Secret with the identity key.
    #[must_use]
    pub fn secret(&self) -> Option<&SecretReference> {
        self.identity.as_ref()?.secret_ref.as_ref()
    }
}

/// How far publishing has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum CachedResourcePhase {
    /// Not looked at yet.
    #[default]
    #[serde(rename = "")]
    Unset,
    /// Known to the schema, never set.
    Scheduling,
    /// Being set up.
    Initializing,
    /// Published.
    Ready,
    /// Copies are being removed.
    Deleting,
    /// Copies are gone.
    Deleted,
}

/// What is published.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct CachedResourceStatus {
    /// Hash of the identity key.
    #[serde(skip_serializing_if = "unset")]
    pub identity_hash: String,
    /// How far publishing has come.
    #[serde(skip_serializing_if = "unset")]
    pub phase: CachedResourcePhase,
    /// How many objects.
    #[serde(skip_serializing_if = "unset")]
    pub resource_counts: Option<ResourceCounts>,
    /// What can be said of it.
    #[serde(skip_serializing_if = "unset")]
    pub conditions: Conditions,
}

/// Numbers of objects.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ResourceCounts {
    /// In the cache server.
    pub cache: i64,
    /// In the workspace.
    pub local: i64,
}

kind!(
    /// Where the objects of a ClusterCachedResource are served.
    ClusterCachedResourceEndpointSlice, "cache.kcp.io", "v1alpha1", "clustercachedresourceendpointslices",
    spec: CachedResourceSliceSpec, status: SliceStatus
);

/// What a slice serves.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct CachedResourceSliceSpec {
    /// The ClusterCachedResource; the same shape as a reference to an export.
    pub cluster_cached_resource: ExportReference,
    /// The export that uses the slice as storage.
    pub export: ExportReference,
    /// A Partition of the same workspace that limits the shards.
    #[serde(skip_serializing_if = "unset")]
    pub partition: String,
}

/// Where a slice's objects are served; endpoint slices of exports have the same.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct SliceStatus {
    /// What can be said of it.
    #[serde(skip_serializing_if = "unset")]
    pub conditions: Conditions,
    /// Base URLs.
    #[serde(skip_serializing_if = "unset")]
    pub endpoints: Vec<Endpoint>,
    /// Label selector of the partition, as text; empty for all shards.
    #[serde(skip_serializing_if = "unset")]
    pub shard_selector: String,
}

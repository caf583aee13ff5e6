//! `core.kcp.io/v1alpha1`: logical clusters and shards.

use super::{UserInfo, kind, unset};
use crate::conditions::Conditions;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fmt};

/// Where in its life a workspace or logical cluster is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Phase {
    /// Nobody has looked at it yet.
    #[default]
    #[serde(rename = "")]
    Unset,
    /// It has no place yet.
    Scheduling,
    /// Its initializers work.
    Initializing,
    /// It is there.
    Ready,
    /// Something that it needs is not there now.
    Unavailable,
    /// An admin closed it.
    Inactive,
    /// Its terminators work.
    Terminating,
    /// It is being emptied.
    Deleting,
}

impl Phase {
    /// As objects and labels have it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unset => "",
            Self::Scheduling => "Scheduling",
            Self::Initializing => "Initializing",
            Self::Ready => "Ready",
            Self::Unavailable => "Unavailable",
            Self::Inactive => "Inactive",
            Self::Terminating => "Terminating",
            Self::Deleting => "Deleting",
        }
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

kind!(
    /// The singleton `cluster` of every logical cluster: its life cycle.
    LogicalCluster, "core.kcp.io", "v1alpha1", "logicalclusters",
    spec: LogicalClusterSpec, status: LogicalClusterStatus
);

/// What a logical cluster was made for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct LogicalClusterSpec {
    /// Whether users may delete it from within.
    #[serde(skip_serializing_if = "unset")]
    pub directly_deletable: bool,
    /// The object it goes with, as a rule a Workspace.
    #[serde(skip_serializing_if = "unset")]
    pub owner: Option<Owner>,
    /// Who asked for it.
    #[serde(skip_serializing_if = "unset")]
    pub created_by: Option<UserInfo>,
    /// Who initializes it.
    #[serde(skip_serializing_if = "unset")]
    pub initializers: Vec<String>,
    /// Who has to let it go.
    #[serde(skip_serializing_if = "unset")]
    pub terminators: Vec<String>,
}

/// An object of another logical cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Owner {
    /// Group and version.
    pub api_version: String,
    /// Resource, in plural.
    pub resource: String,
    /// Namespace, if it has one.
    #[serde(skip_serializing_if = "unset")]
    pub namespace: String,
    /// Name.
    pub name: String,
    /// Logical cluster.
    pub cluster: String,
    /// UID.
    pub uid: String,
}

/// What a logical cluster is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct LogicalClusterStatus {
    /// Where clients find it, by name.
    #[serde(rename = "URL", skip_serializing_if = "unset")]
    pub url: String,
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
    /// A kcp instance with its own store.
    Shard, "core.kcp.io", "v1alpha1", "shards", spec: ShardSpec, status: ShardStatus
);

/// Where a shard is reached.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ShardSpec {
    /// By other components.
    #[serde(rename = "baseURL")]
    pub base_url: String,
    /// By clients; admission fills it in.
    #[serde(rename = "externalURL", skip_serializing_if = "unset")]
    pub external_url: String,
    /// Its virtual workspaces; admission fills it in.
    #[serde(rename = "virtualWorkspaceURL", skip_serializing_if = "unset")]
    pub virtual_workspace_url: String,
}

/// What a shard says of itself.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ShardStatus {
    /// Quantities by resource name.
    #[serde(skip_serializing_if = "unset")]
    pub capacity: BTreeMap<String, kcp_apimachinery::Value>,
    /// What can be said of it.
    #[serde(skip_serializing_if = "unset")]
    pub conditions: Conditions,
}

/// A URL of an endpoint slice, shared by the kinds that have one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Endpoint {
    /// Base URL of a virtual workspace.
    pub url: String,
    /// Which shards prefer it. An empty one is written by Go clients and means none.
    #[serde(skip_serializing_if = "unset")]
    pub shards: ShardPreference,
}

/// Shards that prefer an endpoint.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ShardPreference {
    /// Every shard.
    #[serde(skip_serializing_if = "unset")]
    pub match_all: bool,
    /// Shards with these labels.
    #[serde(skip_serializing_if = "unset")]
    pub selector: Option<super::LabelSelector>,
}

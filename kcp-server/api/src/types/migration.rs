//! `migration.kcp.io/v1alpha1`: logical clusters on the move.

use super::{kind, unset};
use crate::conditions::Conditions;
use serde::{Deserialize, Serialize};

kind!(
    /// Moves a logical cluster to another shard.
    LogicalClusterMigration, "migration.kcp.io", "v1alpha1", "logicalclustermigrations",
    spec: MigrationSpec, status: MigrationStatus
);

/// What is to be moved where.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct MigrationSpec {
    /// Name of the logical cluster.
    pub logical_cluster: String,
    /// Name of the shard.
    pub destination_shard: String,
}

/// How far a migration has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum MigrationPhase {
    /// Not looked at yet.
    #[default]
    #[serde(rename = "")]
    Unset,
    /// The origin closes the logical cluster.
    Preparing,
    /// The destination copies.
    Migrating,
    /// The origin deletes.
    OriginCleanup,
    /// The destination opens the logical cluster.
    DestinationFinalize,
    /// Done.
    Completed,
    /// Given up.
    Failed,
}

/// What has been done.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct MigrationStatus {
    /// How far it has come.
    #[serde(skip_serializing_if = "unset")]
    pub phase: MigrationPhase,
    /// Where the data came from.
    #[serde(skip_serializing_if = "unset")]
    pub origin_shard: String,
    /// Where copying goes on.
    #[serde(skip_serializing_if = "unset")]
    pub dump_continue: String,
    /// Entries written so far.
    #[serde(skip_serializing_if = "unset")]
    pub entries_copied: i64,
    /// What can be said of it.
    #[serde(skip_serializing_if = "unset")]
    pub conditions: Conditions,
}

kind!(
    /// One page of a logical cluster's stored entries; posted and answered, never stored.
    LogicalClusterDump, "migration.kcp.io", "v1alpha1", "logicalclusterdumps",
    spec: DumpSpec, status: DumpStatus
);

/// Which page is wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct DumpSpec {
    /// Token of the page before.
    #[serde(rename = "continue", skip_serializing_if = "unset")]
    pub continue_from: String,
    /// Most entries; 0 for the server's choice.
    #[serde(skip_serializing_if = "unset")]
    pub limit: i64,
    /// Most bytes; 0 for the server's choice.
    #[serde(skip_serializing_if = "unset")]
    pub max_bytes: i64,
}

/// The page.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct DumpStatus {
    /// Entries in the order of their keys.
    #[serde(skip_serializing_if = "unset")]
    pub entries: Vec<DumpEntry>,
    /// Token for the next page; empty at the end.
    #[serde(rename = "continue", skip_serializing_if = "unset")]
    pub continue_from: String,
}

/// A stored entry.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct DumpEntry {
    /// Its key below the store's prefix.
    pub key: String,
    /// Its bytes in base64.
    pub value: String,
}

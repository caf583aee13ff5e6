//! `topology.kcp.io/v1alpha1`: sets of shards.

use super::{LabelSelector, kind, unset};
use crate::conditions::Conditions;
use serde::{Deserialize, Serialize};

kind!(
    /// A set of shards.
    Partition, "topology.kcp.io", "v1alpha1", "partitions", spec: PartitionSpec
);

/// Which shards a partition has.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PartitionSpec {
    /// Their labels; none: all shards.
    #[serde(skip_serializing_if = "unset")]
    pub selector: Option<LabelSelector>,
}

kind!(
    /// Divides shards into partitions.
    PartitionSet, "topology.kcp.io", "v1alpha1", "partitionsets",
    spec: PartitionSetSpec, status: PartitionSetStatus
);

/// How shards are divided.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct PartitionSetSpec {
    /// Label keys; one partition per combination of their values.
    #[serde(skip_serializing_if = "unset")]
    pub dimensions: Vec<String>,
    /// Shards to consider.
    #[serde(skip_serializing_if = "unset")]
    pub shard_selector: Option<LabelSelector>,
}

/// How many partitions there are.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct PartitionSetStatus {
    /// Number of partitions.
    #[serde(skip_serializing_if = "unset")]
    pub count: i64,
    /// What can be said of it.
    #[serde(skip_serializing_if = "unset")]
    pub conditions: Conditions,
}

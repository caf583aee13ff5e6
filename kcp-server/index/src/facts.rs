use kcp_apimachinery::Value;
use kcp_names::{ClusterName, ShardName};

/// What the index reads of a Workspace object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkspaceFacts<'a> {
    /// The logical cluster that the Workspace object lies in.
    pub parent: ClusterName,
    /// `metadata.name`: the segment of the path.
    pub name: &'a str,
    /// `status.phase`, as far as it matters to whoever passes through.
    pub reach: Reach,
    /// `spec.cluster`: the logical cluster that the workspace is a door to.
    pub cluster: Option<ClusterName>,
    /// Annotation `core.kcp.io/shard`: where that logical cluster was scheduled.
    pub shard: Option<ShardName>,
    /// `spec.URL` of a workspace that has `spec.mount`.
    pub mount_url: Option<&'a str>,
}

/// Whether a workspace can be passed through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Still in phase `Scheduling`: not there for anyone who walks the tree.
    Hidden,
    /// Any other phase.
    Open,
    /// Phase `Unavailable`: there, but nobody gets in, nor to what is below.
    Unavailable,
}

impl Reach {
    /// What a phase means. A workspace without one has just been created.
    #[must_use]
    pub fn of_phase(phase: &str) -> Self {
        match phase {
            "" | "Scheduling" => Self::Hidden,
            "Unavailable" => Self::Unavailable,
            _ => Self::Open,
        }
    }
}

impl<'a> WorkspaceFacts<'a> {
    /// Reads a Workspace object that lies in `parent`. `None` if it has no name.
    ///
    /// A cluster or shard that is not well formed counts as not set: nothing could be found there.
    #[must_use]
    pub fn read(parent: ClusterName, object: &'a Value) -> Option<Self> {
        let mounted = object.at(&["spec", "mount"]).is_some_and(|mount| !mount.is_null());
        let text = |path: &[&str]| object.str_at(path).filter(|text| !text.is_empty());
        Some(Self {
            parent,
            name: text(&["metadata", "name"])?,
            reach: Reach::of_phase(object.str_at(&["status", "phase"]).unwrap_or_default()),
            cluster: text(&["spec", "cluster"]).and_then(|name| ClusterName::parse(name).ok()),
            shard: text(&["metadata", "annotations", "core.kcp.io/shard"])
                .and_then(|name| ShardName::parse(name).ok()),
            mount_url: if mounted { text(&["spec", "URL"]) } else { None },
        })
    }
}

/// What the index reads of a LogicalCluster object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogicalClusterFacts<'a> {
    /// Annotation `internal.tenancy.kcp.io/type`: `<path>:<name>` of the workspace type.
    pub type_path: Option<&'a str>,
}

impl<'a> LogicalClusterFacts<'a> {
    /// Reads a LogicalCluster object.
    #[must_use]
    pub fn read(object: &'a Value) -> Self {
        Self {
            type_path: object
                .str_at(&["metadata", "annotations", "internal.tenancy.kcp.io/type"])
                .filter(|text| !text.is_empty()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kcp_apimachinery::value;

    fn check(object: Value, expected: WorkspaceFacts<'_>) {
        assert_eq!(WorkspaceFacts::read(ClusterName::root(), &object), Some(expected));
    }

    fn facts(name: &str, reach: Reach) -> WorkspaceFacts<'_> {
        WorkspaceFacts {
            parent: ClusterName::root(),
            name,
            reach,
            cluster: None,
            shard: None,
            mount_url: None,
        }
    }

    #[test]
    fn a_scheduled_workspace_has_a_cluster_and_a_shard() {
        check(
            value!({
                "metadata": {"name": "org", "annotations": {"core.kcp.io/shard": "amber"}},
                "spec": {"cluster": "a1b2", "URL": "https://x/clusters/a1b2"},
                "status": {"phase": "Ready"}
            }),
            WorkspaceFacts {
                cluster: ClusterName::parse("a1b2").ok(),
                shard: ShardName::parse("amber").ok(),
                ..facts("org", Reach::Open)
            },
        );
    }

    #[test]
    fn a_url_counts_only_for_a_mount() {
        check(
            value!({
                "metadata": {"name": "m"},
                "spec": {"mount": {"ref": {"kind": "Cluster"}}, "URL": "https://x/services/y"},
                "status": {"phase": "Unavailable"}
            }),
            WorkspaceFacts { mount_url: Some("https://x/services/y"), ..facts("m", Reach::Unavailable) },
        );
    }

    #[test]
    fn what_is_malformed_is_not_set() {
        check(
            value!({"metadata": {"name": "w", "annotations": {"core.kcp.io/shard": "A B"}}, "spec": {"cluster": "root:x"}}),
            facts("w", Reach::Hidden),
        );
        assert_eq!(WorkspaceFacts::read(ClusterName::root(), &value!({"metadata": []})), None);
    }
}

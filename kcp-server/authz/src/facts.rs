//! What the chain has to know, and who tells it.

use crate::Policy;
use kcp_names::ClusterName;
use std::{collections::BTreeMap, future::Future, pin::Pin, sync::Arc};

/// A boxed future, so that [`Policies`] can be a trait object.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Looks up what authorization depends on. Answers are fresh enough that a permission just granted
/// is seen, and cheap: caches belong to the implementation, and are bounded there.
pub trait Policies: Send + Sync {
    /// The RBAC objects that this shard stores for `cluster`; an empty policy if there are none.
    fn local<'a>(&'a self, cluster: &'a ClusterName) -> BoxFuture<'a, Result<Arc<Policy>, Error>>;

    /// The RBAC objects of `cluster` that came from other shards. A shard alone has none.
    fn global<'a>(&'a self, _cluster: &'a ClusterName) -> BoxFuture<'a, Result<Arc<Policy>, Error>> {
        Box::pin(async { Ok(Arc::default()) })
    }

    /// The LogicalCluster object of `cluster`, stored here or replicated; `None` if there is none.
    fn logical_cluster<'a>(
        &'a self,
        cluster: &'a ClusterName,
    ) -> BoxFuture<'a, Result<Option<LogicalCluster>, Error>>;

    /// The export behind the APIBinding in `cluster` whose `status.boundResources` has this
    /// resource; `None` if none has.
    fn bound_export<'a>(
        &'a self,
        cluster: &'a ClusterName,
        group: &'a str,
        resource: &'a str,
    ) -> BoxFuture<'a, Result<Option<BoundExport>, Error>>;
}

/// The facts could not be had. Nothing is allowed then.
#[derive(Debug, thiserror::Error)]
#[error("cannot look up what authorization depends on: {0}")]
pub struct Error(#[source] pub Box<dyn std::error::Error + Send + Sync>);

/// What authorization reads of a LogicalCluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogicalCluster {
    /// `status.phase`
    pub phase: Phase,
    /// `metadata.annotations`; only `authorization.kcp.io/required-groups` is looked at.
    pub annotations: BTreeMap<String, String>,
}

impl LogicalCluster {
    /// The annotation that says which groups may enter: `;` between alternatives, `,` between
    /// groups that are all required.
    pub const REQUIRED_GROUPS: &'static str = "authorization.kcp.io/required-groups";
}

/// The phase of a LogicalCluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Its place is being found.
    Scheduling,
    /// Initializers are at work.
    Initializing,
    /// In use.
    Ready,
    /// Marked inactive: the request pipeline refuses nearly everything.
    Inactive,
    /// Terminators are at work.
    Terminating,
    /// Its content is being removed.
    Deleting,
    /// `Unavailable`, none, or one from the future.
    Other(String),
}

impl Phase {
    /// Reads `status.phase`.
    #[must_use]
    pub fn read(text: &str) -> Self {
        match text {
            "Scheduling" => Self::Scheduling,
            "Initializing" => Self::Initializing,
            "Ready" => Self::Ready,
            "Inactive" => Self::Inactive,
            "Terminating" => Self::Terminating,
            "Deleting" => Self::Deleting,
            other => Self::Other(other.to_owned()),
        }
    }

    /// The phase as it is written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Scheduling => "Scheduling",
            Self::Initializing => "Initializing",
            Self::Ready => "Ready",
            Self::Inactive => "Inactive",
            Self::Terminating => "Terminating",
            Self::Deleting => "Deleting",
            Self::Other(other) => other,
        }
    }
}

/// The export that a binding refers to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BoundExport {
    /// `spec.reference.export.path`, or the name of the binding's own logical cluster.
    pub path: String,
    /// `spec.reference.export.name`
    pub name: String,
    /// What was found there.
    pub export: Option<Export>,
}

/// What authorization reads of an APIExport.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Export {
    /// The logical cluster it lives in.
    pub cluster: ClusterName,
    /// `spec.maximalPermissionPolicy`
    pub policy: MaximalPermissionPolicy,
}

/// How an export limits what its consumers may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MaximalPermissionPolicy {
    /// Not at all.
    Absent,
    /// There is a policy, but not of a kind that is known.
    NotLocal,
    /// By the RBAC of the export's logical cluster.
    Local,
}

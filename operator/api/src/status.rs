//! Phases: what the `Phase` column of `kubectl get` shows.
//!
//! A status keeps its phase as text, because another version of the operator may have written a word
//! that this one does not know; what this one writes are these.

/// Where a RootShard, Shard or FrontProxy is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Something that it needs is not there or not up yet.
    Provisioning,
    /// Its Deployments are up.
    Running,
    /// It is being deleted.
    Deleting,
}

impl Phase {
    /// The word in the status.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Provisioning => "Provisioning",
            Self::Running => "Running",
            Self::Deleting => "Deleting",
        }
    }
}

/// Where a Kubeconfig is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KubeconfigPhase {
    /// The Secret is not written yet.
    Provisioning,
    /// The Secret holds a valid kubeconfig.
    Ready,
    /// What it points at does not exist or contradicts itself.
    Failed,
}

impl KubeconfigPhase {
    /// The word in the status.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Provisioning => "Provisioning",
            Self::Ready => "Ready",
            Self::Failed => "Failed",
        }
    }
}

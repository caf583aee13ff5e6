//! What is asked: who wants to do what, where.

use crate::User;
use kcp_names::ClusterName;

/// One question to the authorizer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attributes {
    /// Who asks, as authentication and impersonation left them.
    pub user: User,
    /// `get`, `list`, `create`, …; the lower-case HTTP method for a path.
    pub verb: String,
    /// In which logical cluster.
    pub reach: Reach,
    /// On what.
    pub target: Target,
}

/// How far a request reaches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reach {
    /// A bare URL: no logical cluster at all.
    Nowhere,
    /// `/clusters/*`: all of the shard.
    EveryCluster,
    /// One logical cluster.
    Cluster(ClusterName),
}

impl Reach {
    /// The logical cluster, when it is one.
    #[must_use]
    pub fn cluster(&self) -> Option<&ClusterName> {
        match self {
            Self::Cluster(name) => Some(name),
            Self::Nowhere | Self::EveryCluster => None,
        }
    }
}

/// What a request is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// Objects.
    Resource(ResourceTarget),
    /// A URL that names no object, such as `/version`, without the `/clusters/…` in front.
    Path(String),
}

/// Which objects. Empty strings stand for what is not there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ResourceTarget {
    /// API group, empty for the core group.
    pub group: String,
    /// API version.
    pub version: String,
    /// Plural name of the resource.
    pub resource: String,
    /// `status`, `scale`, …
    pub subresource: String,
    /// Namespace, empty for objects of the logical cluster itself.
    pub namespace: String,
    /// Name of the object, empty for collections.
    pub name: String,
}

impl Attributes {
    /// The resource, unless the request is about a path.
    #[must_use]
    pub fn resource(&self) -> Option<&ResourceTarget> {
        match &self.target {
            Target::Resource(resource) => Some(resource),
            Target::Path(_) => None,
        }
    }

    /// The path, unless the request is about a resource.
    #[must_use]
    pub fn path(&self) -> Option<&str> {
        match &self.target {
            Target::Path(path) => Some(path),
            Target::Resource(_) => None,
        }
    }

    /// The namespace of the resource; empty for everything else.
    #[must_use]
    pub fn namespace(&self) -> &str {
        self.resource().map_or("", |resource| &resource.namespace)
    }
}

/// How much of the chain a question passes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Depth {
    /// All of it.
    #[default]
    Whole,
    /// The RBAC of the logical cluster alone: what a deep SubjectAccessReview of a member of
    /// `system:masters` asks for. Questions about `authorization.k8s.io` are never deep.
    Deep,
}

//! What a WorkspaceType means once the types that it extends are known.
//!
//! A type also is every type that it extends, directly or not: its *aliases*. They are in the order
//! in which their initializers are named: for each base first the base, then that base's own bases;
//! the type itself last. What a type asks of parents and children, which exports are bound and who
//! initializes is the union over the aliases; everything else is the type's own.

mod binding;
mod closure;
mod limits;
mod resolve;

pub use binding::default_binding;
pub use closure::{Closure, MOST_ALIASES};
pub use limits::check as check_limits;
pub use resolve::{default_child, parent_type, resolve};

use crate::{
    rejection::Rejection,
    types::tenancy::{TypeReference, WorkspaceType},
    well_known::annotation,
};
use kcp_names::ClusterName;
use std::sync::Arc;

/// A type and the logical cluster that it is in.
#[derive(Clone, Debug, PartialEq)]
pub struct PlacedType {
    /// Its logical cluster.
    pub cluster: ClusterName,
    /// The object.
    pub object: Arc<WorkspaceType>,
}

impl PlacedType {
    /// Name of the type.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.object.metadata.name
    }

    /// Path of its workspace; the name of its logical cluster where that has none.
    #[must_use]
    pub fn path(&self) -> &str {
        self.object.metadata.annotation(annotation::PATH).unwrap_or(self.cluster.as_str())
    }

    /// `<path>:<name>`, what limits name it by.
    #[must_use]
    pub fn qualified(&self) -> String {
        format!("{}:{}", self.path(), self.name())
    }

    /// `<logical cluster>:<name>`, the initializer and terminator of the type.
    #[must_use]
    pub fn lifecycle_id(&self) -> String {
        format!("{}:{}", self.cluster, self.name())
    }
}

impl TypeReference {
    /// `<path>:<name>`, or the name alone.
    #[must_use]
    pub fn qualified(&self) -> String {
        if self.path.is_empty() { self.name.clone() } else { format!("{}:{}", self.path, self.name) }
    }
}

/// Why types cannot be made out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TypeError {
    /// A reference with a path to a type that is not there.
    #[error("Internal error occurred: workspacetypes.tenancy.kcp.io {0:?} not found")]
    NotFound(String),
    /// A name that no workspace on the way up has a type of.
    #[error("workspace type {0:?} cannot be resolved")]
    Unresolved(String),
    /// A type that is extended and not there.
    #[error("unable to find inherited workspace type {0}")]
    NoBase(String),
    /// A type that extends itself.
    #[error("circular dependency detected in workspace type {name}: {}", way.join(" -> "))]
    Circle {
        /// The type.
        name: String,
        /// The types on the way back to it.
        way: Vec<String>,
    },
    /// A type that extends more types than we follow.
    #[error("workspace type {0} extends more than {MOST_ALIASES} types")]
    TooMany(String),
    /// The parent's own type is unknown.
    #[error("annotation internal.tenancy.kcp.io/type on LogicalCluster must be set")]
    NoParentType,
    /// The parent's own type is no type.
    #[error("annotation internal.tenancy.kcp.io/type on LogicalCluster must be in the form of cluster:name")]
    BadParentType,
    /// The parent's type names no type for children.
    #[error("spec.defaultChildWorkspaceType of workspace type %s:%s must be set")]
    NoDefaultChild,
}

impl From<TypeError> for Rejection {
    fn from(error: TypeError) -> Self {
        Self::Forbidden(error.to_string())
    }
}

#[cfg(test)]
mod tests;

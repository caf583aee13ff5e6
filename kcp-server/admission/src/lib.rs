//! Admission: what may change or refuse a write after authorization and before it is committed.
//!
//! All plugins' `mutate` run before any `validate`, in the order in which they are listed. The set is fixed.
//!
//! A plugin looks up what its rule depends on ([`World`]) and asks the rule, which is a function of
//! that; the rules of kcp's own kinds and their texts are in [`kcp_api::rules`].

mod bindings;
mod claims;
mod crds;
mod exports;
mod finalizers;
mod logical_clusters;
mod namespaces;
mod paths;
mod rbac;
mod scheduling;
mod schemas;
mod shards;
mod type_exists;
mod workspace_types;
mod workspaces;
mod world;

pub use world::World;

use kcp_apimachinery::{Value, field};
use kcp_authz::{User, group};
use kcp_names::ClusterName;
use kcp_registry::{Resource, Version};
use kcp_storage::BoxFuture;
use std::sync::Arc;

/// Every plugin, in order. What belongs to storing an object in Kubernetes, the check of RBAC, comes
/// first.
#[must_use]
pub fn all(world: World) -> Vec<Arc<dyn Plugin>> {
    let world = Arc::new(world);
    let claims = claims::PermissionClaims::new(world.clone());
    world.registry.on_change(claims.clone());
    let scheduling = scheduling::Scheduling::new(world.clone());
    world.registry.on_change(scheduling.clone());
    vec![
        Arc::new(rbac::Escalation(world.clone())),
        Arc::new(namespaces::NamespaceLifecycle(world.clone())),
        Arc::new(schemas::Schemas),
        Arc::new(workspaces::Workspaces(world.clone())),
        Arc::new(finalizers::LOGICAL_CLUSTERS),
        Arc::new(shards::Shards),
        Arc::new(workspace_types::WorkspaceTypes(world.clone())),
        Arc::new(type_exists::TypeExists(world.clone())),
        scheduling,
        Arc::new(logical_clusters::LogicalClusters),
        Arc::new(exports::Exports),
        Arc::new(bindings::Bindings(world.clone())),
        Arc::new(finalizers::BINDINGS),
        Arc::new(exports::EndpointSlices(world.clone())),
        Arc::new(crds::Reserved),
        Arc::new(workspace_types::ReservedNames),
        claims,
        Arc::new(paths::PathAnnotation(world)),
    ]
}

/// The kind of write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// A new object.
    Create,
    /// A changed object.
    Update,
    /// An object that goes.
    Delete,
}

/// One write, as admission sees it. Objects are in the version that the client speaks.
pub struct Request<'a> {
    /// Who writes.
    pub user: &'a User,
    /// What happens.
    pub operation: Operation,
    /// In which logical cluster.
    pub cluster: &'a ClusterName,
    /// On which resource.
    pub resource: &'a Resource,
    /// In which version.
    pub version: &'a Version,
    /// `status`, `scale`, …; empty for the object itself.
    pub subresource: &'a str,
    /// Its namespace.
    pub namespace: Option<&'a str>,
    /// Its name.
    pub name: &'a str,
    /// The object before; `None` on create.
    pub old: Option<&'a Value>,
    /// Nothing will be stored.
    pub dry_run: bool,
}

impl Request<'_> {
    /// Whether the write is on this resource.
    #[must_use]
    pub fn is_on(&self, group: &str, plural: &str) -> bool {
        &*self.resource.group == group && &*self.resource.plural == plural
    }

    /// Whether an object is created or changed.
    #[must_use]
    pub fn stores(&self) -> bool {
        match self.operation {
            Operation::Create | Operation::Update => true,
            Operation::Delete => false,
        }
    }

    /// Whether the system itself writes.
    #[must_use]
    pub fn is_privileged(&self) -> bool {
        self.user.is_in(group::MASTERS)
    }
}

/// Why a write is refused.
#[derive(Clone, Debug, PartialEq)]
pub enum Rejection {
    /// 403, with this message.
    Forbidden(String),
    /// 422, with these causes.
    Invalid(Vec<field::Error>),
    /// 404 of another object that the write needs.
    NotFound {
        /// `<plural>.<group>`
        resource: String,
        /// Its name.
        name: String,
    },
    /// 403: this namespace takes no new objects.
    NamespaceTerminating(String),
    /// 500: admission itself failed.
    Internal(String),
}

impl From<kcp_api::rejection::Rejection> for Rejection {
    fn from(rejection: kcp_api::rejection::Rejection) -> Self {
        match rejection {
            kcp_api::rejection::Rejection::Forbidden(text) => Self::Forbidden(text),
            kcp_api::rejection::Rejection::Unjudged(text) => Self::Internal(text),
        }
    }
}

impl From<kcp_api::types::ShapeError> for Rejection {
    fn from(error: kcp_api::types::ShapeError) -> Self {
        Self::Internal(error.to_string())
    }
}

impl From<String> for Rejection {
    fn from(message: String) -> Self {
        Self::Forbidden(message)
    }
}

impl From<&str> for Rejection {
    fn from(message: &str) -> Self {
        Self::Forbidden(message.to_owned())
    }
}

/// One rule, or a family of them.
pub trait Plugin: Send + Sync + 'static {
    /// Its name, as in messages.
    fn name(&self) -> &'static str;

    /// Whether it has anything to say on writes of this kind. Cheap; asked on every write.
    fn handles(&self, request: &Request<'_>) -> bool;

    /// Changes the object that will be stored.
    fn mutate<'a>(
        &'a self,
        _request: &'a Request<'a>,
        _object: &'a mut Value,
    ) -> BoxFuture<'a, Result<(), Rejection>> {
        Box::pin(async { Ok(()) })
    }

    /// Refuses the write or lets it pass. `object` is `None` on delete.
    fn validate<'a>(
        &'a self,
        _request: &'a Request<'a>,
        _object: Option<&'a Value>,
    ) -> BoxFuture<'a, Result<(), Rejection>> {
        Box::pin(async { Ok(()) })
    }
}

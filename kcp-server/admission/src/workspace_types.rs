//! WorkspaceTypes: what they refer to, and which exports their workspaces may be bound to.

use crate::{Operation, Plugin, Rejection, Request, World};
use kcp_api::{
    rules::workspace_type,
    types::{Kind, tenancy::WorkspaceType},
    well_known::api_group,
};
use kcp_apimachinery::Value;
use kcp_names::ClusterName;
use kcp_storage::BoxFuture;
use std::sync::Arc;

/// `tenancy.kcp.io/WorkspaceType`
pub(crate) struct WorkspaceTypes(pub(crate) Arc<World>);

impl WorkspaceTypes {
    /// The logical cluster that a default binding is about. The export need not exist yet.
    async fn cluster_of(&self, path: &str, own: &ClusterName) -> Result<Option<ClusterName>, Rejection> {
        match path {
            "" => Ok(Some(own.clone())),
            "root" => Ok(Some(ClusterName::root())),
            path => {
                let Some(cluster) = self.0.cluster_of(path) else { return Ok(None) };
                Ok(self.0.logical_cluster(&cluster).await?.map(|_| cluster))
            }
        }
    }
}

impl Plugin for WorkspaceTypes {
    fn name(&self) -> &'static str {
        "tenancy.kcp.io/WorkspaceType"
    }

    fn handles(&self, request: &Request<'_>) -> bool {
        request.stores() && request.is_on(api_group::TENANCY, "workspacetypes")
    }

    fn validate<'a>(
        &'a self,
        request: &'a Request<'a>,
        object: Option<&'a Value>,
    ) -> BoxFuture<'a, Result<(), Rejection>> {
        Box::pin(async move {
            let Some(object) = object else { return Ok(()) };
            let new = WorkspaceType::from_value(object)?;
            let old = request.old.map(WorkspaceType::from_value).transpose()?;
            workspace_type::validate(&new, request.cluster)?;
            for binding in workspace_type::added_bindings(old.as_ref(), &new) {
                let allowed = match self.cluster_of(&binding.path, request.cluster).await? {
                    None => false,
                    Some(cluster) => self.0.may_bind(request.user, &cluster, &binding.export).await?,
                };
                if !allowed {
                    return Err(workspace_type::no_bind_permission(binding).into());
                }
            }
            Ok(())
        })
    }
}

/// `apis.kcp.io/ReservedNames`
pub(crate) struct ReservedNames;

impl Plugin for ReservedNames {
    fn name(&self) -> &'static str {
        "apis.kcp.io/ReservedNames"
    }

    fn handles(&self, request: &Request<'_>) -> bool {
        request.operation == Operation::Create && request.is_on(api_group::TENANCY, "workspacetypes")
    }

    fn mutate<'a>(
        &'a self,
        request: &'a Request<'a>,
        _object: &'a mut Value,
    ) -> BoxFuture<'a, Result<(), Rejection>> {
        Box::pin(async move { Ok(workspace_type::check_name(request.name)?) })
    }
}

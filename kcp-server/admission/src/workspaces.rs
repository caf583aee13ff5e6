//! Workspaces: who asked for one, which groups may enter, and what stays as it is.

use crate::{
    Operation, Plugin, Rejection, Request, World,
    world::{NO_LOGICAL_CLUSTER, user_info},
};
use kcp_api::{
    rules::workspace::{self, Caller},
    types::{Kind, tenancy::Workspace},
    well_known::{annotation, api_group},
};
use kcp_apimachinery::Value;
use kcp_storage::BoxFuture;
use std::sync::Arc;

/// `tenancy.kcp.io/Workspace`
pub(crate) struct Workspaces(pub(crate) Arc<World>);

impl Workspaces {
    /// The groups that the parent asks for, which its children ask for as well.
    async fn required_groups(&self, request: &Request<'_>) -> Result<Option<String>, Rejection> {
        let parent = self.0.logical_cluster(request.cluster).await?;
        let parent = parent.ok_or_else(|| Rejection::Internal(NO_LOGICAL_CLUSTER.to_owned()))?;
        Ok(parent.meta().annotation(annotation::REQUIRED_GROUPS).map(str::to_owned))
    }
}

impl Plugin for Workspaces {
    fn name(&self) -> &'static str {
        "tenancy.kcp.io/Workspace"
    }

    fn handles(&self, request: &Request<'_>) -> bool {
        request.stores() && request.is_on(api_group::TENANCY, "workspaces")
    }

    fn mutate<'a>(
        &'a self,
        request: &'a Request<'a>,
        object: &'a mut Value,
    ) -> BoxFuture<'a, Result<(), Rejection>> {
        Box::pin(async move {
            if request.operation != Operation::Create {
                return Ok(());
            }
            let (user, groups) = (user_info(request.user), self.required_groups(request).await?);
            let privileged = request.is_privileged();
            workspace::prepare_create(
                object,
                Caller { user: &user, privileged, required_groups: groups.as_deref() },
            );
            Ok(())
        })
    }

    fn validate<'a>(
        &'a self,
        request: &'a Request<'a>,
        object: Option<&'a Value>,
    ) -> BoxFuture<'a, Result<(), Rejection>> {
        Box::pin(async move {
            let Some(object) = object else { return Ok(()) };
            let new = Workspace::from_value(object)?;
            let privileged = request.is_privileged();
            if let Some(old) = request.old {
                let old = Workspace::from_value(old)?;
                return Ok(workspace::validate_update(&old, &new, privileged)?);
            }
            let (user, groups) = (user_info(request.user), self.required_groups(request).await?);
            let caller = Caller { user: &user, privileged, required_groups: groups.as_deref() };
            Ok(workspace::validate_create(&new, caller)?)
        })
    }
}

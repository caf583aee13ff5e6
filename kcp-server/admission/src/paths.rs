//! The path of their workspace on objects that other workspaces refer to.

use crate::{
    Plugin, Rejection, Request, World,
    world::{NO_LOGICAL_CLUSTER, path_of},
};
use kcp_api::{rules::path, well_known::api_group};
use kcp_apimachinery::Value;
use kcp_storage::BoxFuture;
use std::sync::Arc;

/// `kcp.io/PathAnnotation`
pub(crate) struct PathAnnotation(pub(crate) Arc<World>);

impl PathAnnotation {
    /// The path that an object must say; nothing if it need not say any.
    async fn wanted(&self, request: &Request<'_>, object: &Value) -> Result<Option<String>, Rejection> {
        if !path::concerns(&request.resource.group, &request.resource.plural, object) {
            return Ok(None);
        }
        match self.0.logical_cluster(request.cluster).await? {
            Some(cluster) => Ok(Some(path_of(&cluster, request.cluster).to_owned())),
            // The bindings of a workspace may be made before it.
            None if request.is_on(api_group::APIS, "apibindings") => Ok(None),
            None => Err(format!("cannot get this workspace: {NO_LOGICAL_CLUSTER}").into()),
        }
    }
}

impl Plugin for PathAnnotation {
    fn name(&self) -> &'static str {
        "kcp.io/PathAnnotation"
    }

    fn handles(&self, request: &Request<'_>) -> bool {
        request.stores()
    }

    fn mutate<'a>(
        &'a self,
        request: &'a Request<'a>,
        object: &'a mut Value,
    ) -> BoxFuture<'a, Result<(), Rejection>> {
        Box::pin(async move {
            if let Some(wanted) = self.wanted(request, object).await? {
                path::prepare(object, &wanted);
            }
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
            let Some(wanted) = self.wanted(request, object).await? else { return Ok(()) };
            Ok(path::validate(&request.resource.group, &request.resource.plural, object, &wanted)?)
        })
    }
}

//! APIExports, and their endpoint slices.

use crate::{Operation, Plugin, Rejection, Request, World};
use kcp_api::{
    rules::export,
    types::{Kind, apis::APIExportEndpointSlice},
    well_known::api_group,
};
use kcp_apimachinery::Value;
use kcp_storage::BoxFuture;
use std::sync::Arc;

/// `apis.kcp.io/APIExport`
pub(crate) struct Exports;

impl Plugin for Exports {
    fn name(&self) -> &'static str {
        "apis.kcp.io/APIExport"
    }

    fn handles(&self, request: &Request<'_>) -> bool {
        request.stores() && request.is_on(api_group::APIS, "apiexports")
    }

    fn validate<'a>(
        &'a self,
        _request: &'a Request<'a>,
        object: Option<&'a Value>,
    ) -> BoxFuture<'a, Result<(), Rejection>> {
        Box::pin(async move { Ok(object.map_or(Ok(()), export::validate)?) })
    }
}

/// `apis.kcp.io/APIExportEndpointSlice`
pub(crate) struct EndpointSlices(pub(crate) Arc<World>);

impl Plugin for EndpointSlices {
    fn name(&self) -> &'static str {
        "apis.kcp.io/APIExportEndpointSlice"
    }

    fn handles(&self, request: &Request<'_>) -> bool {
        request.stores() && request.is_on(api_group::APIS, "apiexportendpointslices")
    }

    fn validate<'a>(
        &'a self,
        request: &'a Request<'a>,
        object: Option<&'a Value>,
    ) -> BoxFuture<'a, Result<(), Rejection>> {
        Box::pin(async move {
            let Some(object) = object else { return Ok(()) };
            let slice = APIExportEndpointSlice::from_value(object)?;
            export::validate_slice(&slice)?;
            if request.operation != Operation::Create {
                return Ok(());
            }
            let reference = &slice.spec.export;
            let cluster = if reference.path.is_empty() {
                Some(request.cluster.clone())
            } else {
                self.0.export(&reference.path, &reference.name).await?
            };
            match cluster {
                Some(cluster) if self.0.may_bind(request.user, &cluster, &reference.name).await? => Ok(()),
                Some(_) | None => Err(export::no_slice_permission(&slice).into()),
            }
        })
    }
}

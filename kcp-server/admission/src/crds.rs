//! CustomResourceDefinitions: what they leave to kcp. Whether they can be served is checked with their schema.

use crate::{Plugin, Rejection, Request};
use kcp_api::rules::crd;
use kcp_apimachinery::Value;
use kcp_storage::BoxFuture;

/// `apis.kcp.io/ReservedCRDAnnotations` and `kcp.io/ReservedCRDGroups`
pub(crate) struct Reserved;

impl Plugin for Reserved {
    fn name(&self) -> &'static str {
        "kcp.io/ReservedCRDGroups"
    }

    fn handles(&self, request: &Request<'_>) -> bool {
        request.stores() && request.is_on("apiextensions.k8s.io", "customresourcedefinitions")
    }

    fn validate<'a>(
        &'a self,
        request: &'a Request<'a>,
        object: Option<&'a Value>,
    ) -> BoxFuture<'a, Result<(), Rejection>> {
        Box::pin(async move {
            let Some(object) = object else { return Ok(()) };
            Ok(crd::validate(object, request.cluster)?)
        })
    }
}

//! Finalizers that objects of some kinds always have.

use crate::{Plugin, Rejection, Request};
use kcp_api::{rules::finalizer, well_known};
use kcp_apimachinery::Value;
use kcp_storage::BoxFuture;

/// Keeps a finalizer on the objects of one resource.
pub(crate) struct Finalizer {
    name: &'static str,
    group: &'static str,
    plural: &'static str,
    finalizer: &'static str,
}

/// `tenancy.kcp.io/LogicalClusterDeletionFinalizer`
pub(crate) const LOGICAL_CLUSTERS: Finalizer = Finalizer {
    name: "tenancy.kcp.io/LogicalClusterDeletionFinalizer",
    group: well_known::api_group::CORE,
    plural: "logicalclusters",
    finalizer: well_known::finalizer::LOGICAL_CLUSTER,
};

/// `apis.kcp.io/APIBindingDeletionFinalizer`
pub(crate) const BINDINGS: Finalizer = Finalizer {
    name: "apis.kcp.io/APIBindingDeletionFinalizer",
    group: well_known::api_group::APIS,
    plural: "apibindings",
    finalizer: well_known::finalizer::API_BINDING,
};

impl Plugin for Finalizer {
    fn name(&self) -> &'static str {
        self.name
    }

    fn handles(&self, request: &Request<'_>) -> bool {
        request.stores() && request.is_on(self.group, self.plural)
    }

    fn mutate<'a>(
        &'a self,
        _request: &'a Request<'a>,
        object: &'a mut Value,
    ) -> BoxFuture<'a, Result<(), Rejection>> {
        Box::pin(async move {
            finalizer::prepare(object, self.finalizer);
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
            Ok(finalizer::validate(request.old, object, self.finalizer, request.is_privileged())?)
        })
    }
}

//! CustomResourceDefinitions: that they can be served, and what they leave to kcp.

use crate::{Plugin, Rejection, Request};
use kcp_api::rules::crd;
use kcp_apimachinery::Value;
use kcp_names::ClusterName;
use kcp_storage::BoxFuture;

/// What Kubernetes checks when it stores a definition.
pub(crate) struct Definitions;

impl Plugin for Definitions {
    fn name(&self) -> &'static str {
        "CustomResourceDefinition"
    }

    fn handles(&self, request: &Request<'_>) -> bool {
        // Bound definitions were checked as schemas, and are named by them.
        is_definition(request) && *request.cluster != ClusterName::bound_crds()
    }

    fn validate<'a>(
        &'a self,
        request: &'a Request<'a>,
        object: Option<&'a Value>,
    ) -> BoxFuture<'a, Result<(), Rejection>> {
        Box::pin(async move {
            let Some(new) = object else { return Ok(()) };
            let errors = match (request.old, request.subresource) {
                (None, _) => kcp_schema::crd::validate_create(new),
                (Some(old), "status") => kcp_schema::crd::validate_status_update(new, old),
                (Some(old), _) => kcp_schema::crd::validate_update(new, old),
            };
            if errors.is_empty() { Ok(()) } else { Err(Rejection::Invalid(errors)) }
        })
    }
}

/// `apis.kcp.io/ReservedCRDAnnotations` and `kcp.io/ReservedCRDGroups`
pub(crate) struct Reserved;

impl Plugin for Reserved {
    fn name(&self) -> &'static str {
        "kcp.io/ReservedCRDGroups"
    }

    fn handles(&self, request: &Request<'_>) -> bool {
        is_definition(request)
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

fn is_definition(request: &Request<'_>) -> bool {
    request.stores() && request.is_on("apiextensions.k8s.io", "customresourcedefinitions")
}

//! LogicalClusters: their life goes forward, and only the system makes them.

use crate::{Operation, Plugin, Rejection, Request};
use kcp_api::{
    rules::logical_cluster,
    types::{Kind, core::LogicalCluster},
    well_known::api_group,
};
use kcp_apimachinery::Value;
use kcp_storage::BoxFuture;

/// `core.kcp.io/LogicalCluster`
pub(crate) struct LogicalClusters;

impl Plugin for LogicalClusters {
    fn name(&self) -> &'static str {
        "core.kcp.io/LogicalCluster"
    }

    fn handles(&self, request: &Request<'_>) -> bool {
        request.is_on(api_group::CORE, "logicalclusters")
    }

    fn mutate<'a>(
        &'a self,
        request: &'a Request<'a>,
        object: &'a mut Value,
    ) -> BoxFuture<'a, Result<(), Rejection>> {
        Box::pin(async move {
            if let Some(old) = request.old {
                logical_cluster::prepare_update(old, object);
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
            if logical_cluster::exempt(request.user.groups.iter().map(String::as_str)) {
                return Ok(());
            }
            let old = request.old.map(LogicalCluster::from_value).transpose()?;
            match (request.operation, old, object) {
                (Operation::Create, _, _) => Err(logical_cluster::no_create().into()),
                (Operation::Delete, Some(old), _) => Ok(logical_cluster::validate_delete(&old)?),
                (Operation::Update, Some(old), Some(new)) => {
                    Ok(logical_cluster::validate_update(&old, &LogicalCluster::from_value(new)?)?)
                }
                (Operation::Update | Operation::Delete, _, _) => Ok(()),
            }
        })
    }
}

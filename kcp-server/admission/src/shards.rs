//! Shards: where they are reached.

use crate::{Plugin, Rejection, Request};
use kcp_api::{rules::shard, well_known::api_group};
use kcp_apimachinery::Value;
use kcp_storage::BoxFuture;

/// `tenancy.kcp.io/Shard`
pub(crate) struct Shards;

impl Plugin for Shards {
    fn name(&self) -> &'static str {
        "tenancy.kcp.io/Shard"
    }

    fn handles(&self, request: &Request<'_>) -> bool {
        request.stores() && request.is_on(api_group::CORE, "shards")
    }

    fn mutate<'a>(
        &'a self,
        _request: &'a Request<'a>,
        object: &'a mut Value,
    ) -> BoxFuture<'a, Result<(), Rejection>> {
        Box::pin(async move { Ok(shard::prepare(object)?) })
    }
}

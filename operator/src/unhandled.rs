//! Kinds that exist but that this version does not act upon. It says so, once, instead of leaving
//! people to wonder.

use std::fmt::Debug;
use std::sync::Arc;

use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kcp_operator_api::{CacheServer, Shard, VirtualWorkspace};
use kcp_operator_resources::Finding;
use kube::Resource;
use kube::runtime::controller::Action;
use kube::runtime::events::EventType;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::context::Context;
use crate::error::Result;
use crate::report::{Report, report};

const REASON: &str = "NotSupported";

/// A kind that is not acted upon.
pub(crate) trait Unhandled:
    Resource<DynamicType = (), Scope = NamespaceResourceScope>
    + DeserializeOwned
    + Clone
    + Debug
    + Send
    + Sync
    + 'static
{
    /// Its conditions and its status; `None` if its status holds no conditions.
    fn status(&self) -> Option<(Vec<Condition>, Value)>;
}

/// Says that nothing happens.
pub(crate) async fn reconcile<K: Unhandled>(object: Arc<K>, context: Arc<Context>) -> Result<Action> {
    let message = format!("this version of the operator does not run a {} yet", K::kind(&()));
    match object.status() {
        Some((conditions, status)) => {
            let finding = Finding { condition: "Available", holds: false, reason: REASON, message };
            let outcome = Report { findings: vec![finding], absent: Vec::new(), fields: json!({}) };
            report(&context, &*object, &conditions, status, outcome).await?;
        }
        None => context.event(&object.object_ref(&()), EventType::Warning, REASON, &message).await,
    }
    Ok(Action::await_change())
}

impl Unhandled for Shard {
    fn status(&self) -> Option<(Vec<Condition>, Value)> {
        let status = self.status.clone().unwrap_or_default();
        Some((status.conditions.clone(), json!(status)))
    }
}

impl Unhandled for VirtualWorkspace {
    fn status(&self) -> Option<(Vec<Condition>, Value)> {
        let status = self.status.clone().unwrap_or_default();
        Some((status.conditions.clone(), json!(status)))
    }
}

impl Unhandled for CacheServer {
    fn status(&self) -> Option<(Vec<Condition>, Value)> {
        None
    }
}

//! Namespaces: nothing is created where there is none or one that goes, and some never go.

use crate::{Operation, Plugin, Rejection, Request, World, world::internal};
use kcp_apimachinery::Value;
use kcp_storage::{BoxFuture, Key, ObjectName, ResourceKey};
use std::sync::Arc;

/// Namespaces that stay as long as their workspace.
const IMMORTAL: [&str; 3] = ["default", "kube-system", "kube-public"];

/// `WorkspaceNamespaceLifecycle`
pub(crate) struct NamespaceLifecycle(pub(crate) Arc<World>);

impl NamespaceLifecycle {
    /// Whether objects may be created in a namespace.
    async fn is_open(&self, request: &Request<'_>, namespace: &str) -> Result<(), Rejection> {
        let missing =
            || Rejection::NotFound { resource: "namespaces".to_owned(), name: namespace.to_owned() };
        let key = Key {
            resource: ResourceKey::built_in("", "namespaces"),
            cluster: request.cluster.clone(),
            namespace: None,
            name: ObjectName::parse(namespace).map_err(|_| missing())?,
        };
        let record = self.0.registry.record(&key).await.map_err(internal)?.ok_or_else(missing)?;
        if record.is_closed() {
            return Err(Rejection::NamespaceTerminating(namespace.to_owned()));
        }
        Ok(())
    }

    /// An immortal namespace goes with its workspace only.
    async fn may_go(&self, request: &Request<'_>) -> Result<(), Rejection> {
        let cluster = self.0.logical_cluster(request.cluster).await?;
        if cluster.is_some_and(|cluster| cluster.meta().is_deleting()) {
            return Ok(());
        }
        Err("this namespace may not be deleted".into())
    }
}

fn is_namespace(request: &Request<'_>) -> bool {
    request.resource.is_built_in() && request.is_on("", "namespaces")
}

impl Plugin for NamespaceLifecycle {
    fn name(&self) -> &'static str {
        "WorkspaceNamespaceLifecycle"
    }

    fn handles(&self, request: &Request<'_>) -> bool {
        match request.operation {
            Operation::Create => request.resource.namespaced && request.namespace.is_some(),
            Operation::Update => false,
            Operation::Delete => is_namespace(request) && IMMORTAL.contains(&request.name),
        }
    }

    fn mutate<'a>(
        &'a self,
        request: &'a Request<'a>,
        _object: &'a mut Value,
    ) -> BoxFuture<'a, Result<(), Rejection>> {
        Box::pin(async move {
            match request.namespace {
                Some(namespace) if request.operation == Operation::Create => {
                    self.is_open(request, namespace).await
                }
                Some(_) | None => Ok(()),
            }
        })
    }

    fn validate<'a>(
        &'a self,
        request: &'a Request<'a>,
        _object: Option<&'a Value>,
    ) -> BoxFuture<'a, Result<(), Rejection>> {
        Box::pin(async move {
            if request.operation == Operation::Delete { self.may_go(request).await } else { Ok(()) }
        })
    }
}

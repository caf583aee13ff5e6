//! What only pods have: their logs, which whoever runs them gives.

use crate::{ApiServer, Error, pipeline::Authenticated};
use http::Response;
use kcp_storage::{BoxFuture, Key};
use kcp_transport::Body;

/// Whoever runs pods.
pub trait PodLogs: Send + Sync + 'static {
    /// What a container wrote: the response to `GET …/pods/<name>/log?<query>`.
    fn logs<'a>(&'a self, namespace: &'a str, name: &'a str, query: &'a str)
    -> BoxFuture<'a, Response<Body>>;
}

impl ApiServer {
    pub(crate) async fn pod_log(&self, request: &Authenticated, key: &Key) -> Result<Response<Body>, Error> {
        let Some(logs) = &self.pod_logs else {
            return Err(Error::NotImplemented("this server runs no pods".to_owned()));
        };
        if self.registry.record(key).await?.is_none() {
            let missing =
                kcp_registry::Error::NotFound { resource: "pods".to_owned(), name: key.name.to_string() };
            return Err(missing.into());
        }
        let namespace = key.namespace.as_ref().map(ToString::to_string).unwrap_or_default();
        Ok(logs.logs(&namespace, key.name.as_str(), &request.parsed.raw_query).await)
    }
}

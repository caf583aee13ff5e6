//! Requests that another server answers: mounted workspaces.

use crate::{ApiServer, Error, pipeline::Authenticated};
use http::Response;
use kcp_transport::Body;
use std::sync::Arc;

impl ApiServer {
    /// Passes a request on to what a mounted workspace stands for.
    #[allow(clippy::unused_async, reason = "it will wait for the other server")]
    pub(crate) async fn forward(
        self: &Arc<Self>,
        request: Authenticated,
        url: &str,
        rest: &str,
    ) -> Result<Response<Body>, Error> {
        let _ = (request, rest);
        Err(Error::NotImplemented(format!("mounted workspaces are not served by this server yet ({url})")))
    }
}

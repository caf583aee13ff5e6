//! `GET …/pods/<name>/log`, as the API host passes it on.

use std::sync::OnceLock;

use futures_util::StreamExt;
use http::{Response, StatusCode, header};
use jiff::{SignedDuration, Timestamp};
use kcp_apiserver::PodLogs;
use kcp_storage::BoxFuture;
use kcp_transport::Body;
use std::sync::Arc;

use super::{LogError, LogOptions, Node};

/// Chunks that may wait for a slow reader.
const CHUNKS: usize = 16;

/// The node's logs; the node itself is put in when it exists, which is after the API.
#[derive(Default)]
pub(crate) struct LogEndpoint {
    node: OnceLock<Arc<Node>>,
}

impl LogEndpoint {
    pub(crate) fn serve(&self, node: Arc<Node>) {
        // There is one node; a second one would change nothing.
        self.node.set(node).ok();
    }

    fn answer(&self, namespace: &str, pod: &str, query: &str) -> Response<Body> {
        let Some(node) = self.node.get() else {
            return refuse(StatusCode::SERVICE_UNAVAILABLE, "ServiceUnavailable", "the node is starting");
        };
        let (container, options) = match parse(query, Timestamp::now()) {
            Ok(parsed) => parsed,
            Err(wrong) => return refuse(StatusCode::BAD_REQUEST, "BadRequest", &wrong),
        };
        match node.logs(namespace, pod, container.as_deref(), options) {
            Ok(mut pieces) => {
                let (sender, body) = Body::channel(CHUNKS);
                // Ends with its reader, or with what there is to read.
                tokio::spawn(async move {
                    while let Some(Ok(piece)) = pieces.next().await {
                        if !sender.send(piece).await {
                            return;
                        }
                    }
                });
                let mut response = Response::new(body);
                let plain = header::HeaderValue::from_static("text/plain");
                response.headers_mut().insert(header::CONTENT_TYPE, plain);
                response
            }
            Err(error @ LogError::NoPod(_)) => refuse(StatusCode::NOT_FOUND, "NotFound", &error.to_string()),
            Err(
                error @ (LogError::WhichContainer { .. }
                | LogError::NoContainer { .. }
                | LogError::NotStarted { .. }),
            ) => refuse(StatusCode::BAD_REQUEST, "BadRequest", &error.to_string()),
        }
    }
}

impl PodLogs for LogEndpoint {
    fn logs<'a>(
        &'a self,
        namespace: &'a str,
        name: &'a str,
        query: &'a str,
    ) -> BoxFuture<'a, Response<Body>> {
        Box::pin(async move { self.answer(namespace, name, query) })
    }
}

fn parse(query: &str, now: Timestamp) -> Result<(Option<String>, LogOptions), String> {
    let (mut container, mut options) = (None, LogOptions::default());
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        let wrong = || format!("invalid value {value:?} for {name}");
        let flag = || matches!(&*value, "true" | "1" | "");
        match &*name {
            "container" => container = Some(value.into_owned()).filter(|name| !name.is_empty()),
            "follow" => options.follow = flag(),
            "previous" => options.previous = flag(),
            "timestamps" => options.timestamps = flag(),
            "tailLines" => options.tail_lines = Some(value.parse().map_err(|_| wrong())?),
            "limitBytes" => options.limit_bytes = Some(value.parse().map_err(|_| wrong())?),
            "sinceTime" => options.since = Some(value.parse().map_err(|_| wrong())?),
            "sinceSeconds" => {
                let seconds: u32 = value.parse().map_err(|_| wrong())?;
                options.since = Some(now - SignedDuration::from_secs(seconds.into()));
            }
            _ => {}
        }
    }
    Ok((container, options))
}

fn refuse(code: StatusCode, reason: &str, message: &str) -> Response<Body> {
    let status = serde_json::json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "message": message, "reason": reason, "code": code.as_u16(),
    });
    let mut response = Response::new(Body::from(status.to_string()));
    *response.status_mut() = code;
    let json = header::HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_query_says_what_is_wanted() {
        let now = Timestamp::from_second(1000).unwrap();
        let (container, options) =
            parse("container=c&follow=true&tailLines=5&sinceSeconds=10&previous=false", now).unwrap();
        let since = Some(Timestamp::from_second(990).unwrap());
        let expected = LogOptions { follow: true, tail_lines: Some(5), since, ..LogOptions::default() };
        assert_eq!((container.as_deref(), options), (Some("c"), expected));
        assert_eq!(parse("tailLines=-1", now).unwrap_err(), "invalid value \"-1\" for tailLines");
    }
}

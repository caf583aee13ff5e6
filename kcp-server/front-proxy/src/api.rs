//! A small client of the Kubernetes API: get, list in pages, watch.
//!
//! It gives trees, not types, and interprets no more of them than it needs to go on. One exists per
//! server and credential; connections are the transport's.

use crate::connection::Connection;
use bytes::{Bytes, BytesMut};
use http::{
    HeaderValue, Method, Request, Response, StatusCode,
    header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE},
};
use kcp_apimachinery::{
    Value,
    value::{decode, encode},
};
use kcp_transport::{Body, BodyError, ClientError};
use std::sync::Arc;

/// Objects per page of a list.
const PAGE: usize = 500;
/// The longest answer that is read at once. A page of large objects fits.
const LONGEST_ANSWER: usize = 256 << 20;
/// The longest watch event: an object of 1.5 MiB may be escaped on its way.
const LONGEST_EVENT: usize = 16 << 20;

/// The API of one server.
#[derive(Clone, Debug)]
pub(crate) struct Api {
    connection: Arc<Connection>,
    /// URL without a slash at its end, if it is not the connection's own.
    base: Option<Arc<str>>,
}

/// Why there is no answer that can be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ApiError {
    /// The server cannot be reached.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The answer broke off or was too long.
    #[error(transparent)]
    Body(#[from] BodyError),
    /// The server says no.
    #[error("{path}: {status}: {message}")]
    Refused {
        /// What was asked for.
        path: String,
        /// The HTTP status.
        status: StatusCode,
        /// The beginning of what it said.
        message: String,
    },
    /// The answer is not what the API promises.
    #[error("{path}: {reason}")]
    Senseless {
        /// What was asked for.
        path: String,
        /// What is wrong with the answer.
        reason: String,
    },
}

impl ApiError {
    /// Whether the server says that there is no such thing.
    pub(crate) fn is_not_found(&self) -> bool {
        matches!(self, Self::Refused { status, .. } if *status == StatusCode::NOT_FOUND)
    }
}

/// One page of a list.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) items: Vec<Value>,
    pub(crate) resource_version: String,
    /// Where the next page begins; empty on the last.
    pub(crate) next: String,
}

/// One event of a watch.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Event {
    /// An object that is new or changed.
    Upsert(Value),
    /// An object that is gone, as it was last.
    Removed(Value),
    /// Nothing changed up to here.
    Bookmark(Value),
    /// The watch cannot go on from where it was asked to.
    Expired(String),
}

impl Api {
    /// The API of the connection's own server.
    pub(crate) fn of(connection: Arc<Connection>) -> Self {
        Self { connection, base: None }
    }

    /// The API of another server that takes the same credential.
    pub(crate) fn at(connection: Arc<Connection>, base: &str) -> Self {
        Self { connection, base: Some(base.trim_end_matches('/').into()) }
    }

    /// The server's URL without a slash at its end.
    pub(crate) fn base(&self) -> String {
        self.base.as_ref().map_or_else(|| self.connection.server(), ToString::to_string)
    }

    /// Reads one object.
    pub(crate) async fn get(&self, path: &str) -> Result<Value, ApiError> {
        let response = self.ask(Method::GET, path, "application/json", None).await?;
        self.read(path, response).await
    }

    /// Sends an object to be created and reads what came of it.
    pub(crate) async fn create(&self, path: &str, object: &Value) -> Result<Value, ApiError> {
        let response = self.ask(Method::POST, path, "application/json", Some(encode(object))).await?;
        self.read(path, response).await
    }

    /// Reads a page of a collection. `after` is [`Page::next`] of the page before, or empty.
    pub(crate) async fn list(&self, path: &str, accept: &str, after: &str) -> Result<Page, ApiError> {
        let from = if after.is_empty() { String::new() } else { format!("&continue={}", escape(after)) };
        let path = format!("{path}?limit={PAGE}{from}");
        let response = self.ask(Method::GET, &path, accept, None).await?;
        let mut list = self.read(&path, response).await?;
        let Some(Value::Array(items)) = list.remove_at(&["items"]) else {
            // Go writes an empty list of no items as null.
            return Ok(Page { items: Vec::new(), ..page(&list) });
        };
        Ok(Page { items, ..page(&list) })
    }

    /// Watches a collection from a resource version on.
    pub(crate) async fn watch(&self, path: &str, accept: &str, from: &str) -> Result<Watch, ApiError> {
        // Servers end watches; different times keep them from ending all at once.
        let seconds = rand::random_range(300..600_u32);
        let path = format!(
            "{path}?watch=true&allowWatchBookmarks=true&timeoutSeconds={seconds}&resourceVersion={}",
            escape(from)
        );
        let response = self.ask(Method::GET, &path, accept, None).await?;
        let response = self.accepted(&path, response).await?;
        Ok(Watch { body: response.into_body(), pending: BytesMut::new(), path })
    }

    async fn ask(
        &self,
        method: Method,
        path: &str,
        accept: &str,
        body: Option<Vec<u8>>,
    ) -> Result<Response<Body>, ApiError> {
        let senseless = |reason: String| ApiError::Senseless { path: path.to_owned(), reason };
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.base()))
            .header(ACCEPT, accept)
            .body(body.map_or_else(Body::empty, Body::from))
            .map_err(|error| senseless(error.to_string()))?;
        if request.method() == Method::POST {
            request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        if let Some(token) = self.connection.token() {
            let token = token.read().map_err(|error| senseless(error.to_string()))?;
            let value = [b"Bearer ", token.trim_ascii()].concat();
            let mut value = HeaderValue::from_bytes(&value).map_err(|error| senseless(error.to_string()))?;
            value.set_sensitive(true);
            request.headers_mut().insert(AUTHORIZATION, value);
        }
        Ok(self.connection.client().send(request).await?)
    }

    async fn read(&self, path: &str, response: Response<Body>) -> Result<Value, ApiError> {
        let response = self.accepted(path, response).await?;
        let bytes = response.into_body().collect(LONGEST_ANSWER).await?;
        decode(&bytes)
            .map_err(|error| ApiError::Senseless { path: path.to_owned(), reason: error.to_string() })
    }

    async fn accepted(&self, path: &str, response: Response<Body>) -> Result<Response<Body>, ApiError> {
        if response.status().is_success() {
            return Ok(response);
        }
        let status = response.status();
        let mut body = response.into_body();
        let start = body.chunk().await.and_then(Result::ok).unwrap_or_default();
        let message = String::from_utf8_lossy(&start).chars().take(500).collect();
        Err(ApiError::Refused { path: path.to_owned(), status, message })
    }
}

/// The events of a watch, as they come.
#[derive(Debug)]
pub(crate) struct Watch {
    body: Body,
    pending: BytesMut,
    path: String,
}

impl Watch {
    /// The next event. `None` when the server ended the watch.
    pub(crate) async fn next(&mut self) -> Result<Option<Event>, ApiError> {
        loop {
            if let Some(line) = self.line() {
                if line.trim_ascii().is_empty() {
                    continue;
                }
                return self.event(&line).map(Some);
            }
            if self.pending.len() > LONGEST_EVENT {
                return Err(self.senseless("an event is too long"));
            }
            match self.body.chunk().await {
                None => return Ok(None),
                Some(chunk) => self.pending.extend_from_slice(&chunk?),
            }
        }
    }

    fn line(&mut self) -> Option<Bytes> {
        let end = self.pending.iter().position(|&byte| byte == b'\n')?;
        Some(self.pending.split_to(end + 1).freeze())
    }

    fn event(&self, line: &[u8]) -> Result<Event, ApiError> {
        let mut event = decode(line).map_err(|error| self.senseless(&error.to_string()))?;
        let object = event.remove_at(&["object"]).unwrap_or_default();
        match event.str_at(&["type"]).unwrap_or_default() {
            "ADDED" | "MODIFIED" => Ok(Event::Upsert(object)),
            "DELETED" => Ok(Event::Removed(object)),
            "BOOKMARK" => Ok(Event::Bookmark(object)),
            "ERROR" => Ok(Event::Expired(object.str_at(&["message"]).unwrap_or_default().to_owned())),
            other => Err(self.senseless(&format!("event of type {other:?}"))),
        }
    }

    fn senseless(&self, reason: &str) -> ApiError {
        ApiError::Senseless { path: self.path.clone(), reason: reason.to_owned() }
    }
}

fn page(list: &Value) -> Page {
    let text = |name: &str| list.str_at(&["metadata", name]).unwrap_or_default().to_owned();
    Page { items: Vec::new(), resource_version: text("resourceVersion"), next: text("continue") }
}

/// Percent-encodes a value of a query.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            escaped.push_str(&format!("%{byte:02X}"));
        }
    }
    escaped
}

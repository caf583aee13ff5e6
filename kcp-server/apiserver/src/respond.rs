//! Responses: bytes in the format that the client asked for.

use crate::{
    Error,
    request::{Encoding, MediaType},
    status,
};
use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use http_body::Body as _;
use kcp_apimachinery::{Value, value::encode, yaml};
use kcp_transport::Body;

/// A JSON or YAML document.
pub(crate) fn document(code: StatusCode, encoding: Encoding, value: &Value) -> Response<Body> {
    match encoding {
        Encoding::Json => bytes(code, "application/json", encode(value)),
        Encoding::Yaml => bytes(code, "application/yaml", yaml::encode(value).into_bytes()),
    }
}

/// Bytes of a media type.
pub(crate) fn bytes(code: StatusCode, kind: &str, bytes: impl Into<Bytes>) -> Response<Body> {
    let bytes: Bytes = bytes.into();
    let mut response = Response::new(Body::from(bytes));
    *response.status_mut() = code;
    let kind = HeaderValue::from_str(kind).unwrap_or(HeaderValue::from_static("application/octet-stream"));
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache, private"));
    response
}

/// The answer to `HEAD`: everything but the bytes.
pub(crate) fn without_body(response: Response<Body>) -> Response<Body> {
    let length = response.body().size_hint().exact();
    let mut response = response.map(|_| Body::empty());
    if let Some(length) = length {
        response.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    }
    response
}

/// Plain text.
pub(crate) fn text(code: StatusCode, text: impl Into<String>) -> Response<Body> {
    bytes(code, "text/plain; charset=utf-8", text.into().into_bytes())
}

/// The answer to a request that failed.
pub(crate) fn failure(error: &Error, accept: Option<&HeaderValue>) -> Response<Body> {
    let status = status::status(error);
    let code = StatusCode::from_u16(status.code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    // That there is no room, the store tells by itself.
    let told = code == StatusCode::INSUFFICIENT_STORAGE;
    if code.is_server_error() && !told && matches!(error, Error::Internal(_) | Error::Registry(_)) {
        tracing::error!(%error, "a request failed");
    }
    // Upstream answers these as text.
    let mut response = if matches!(error, Error::WorkspaceUnavailable | Error::OtherShard) {
        text(code, error.to_string())
    } else {
        let accept = accept.and_then(|value| value.to_str().ok()).unwrap_or_default();
        let yaml = MediaType::parse_accept(accept).first().is_some_and(|media| media.kind.ends_with("/yaml"));
        document(code, if yaml { Encoding::Yaml } else { Encoding::Json }, &status.to_value())
    };
    if let Some(seconds) = status.details.as_ref().map(|d| d.retry_after_seconds).filter(|&s| s > 0) {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

/// Adds `Warning` headers (RFC 7234, code 299).
pub(crate) fn with_warnings(mut response: Response<Body>, warnings: &[String]) -> Response<Body> {
    for warning in warnings {
        let clean: String = warning
            .chars()
            .filter(|c| !c.is_control())
            .flat_map(|c| if matches!(c, '"' | '\\') { vec!['\\', c] } else { vec![c] })
            .collect();
        if let Ok(value) = HeaderValue::from_str(&format!("299 - \"{clean}\"")) {
            response.headers_mut().append(header::WARNING, value);
        }
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_failure_is_a_status_and_says_when_to_come_back() {
        for (error, code, retry_after, reason) in [
            (Error::TooManyRequests, 429, Some("1"), "TooManyRequests"),
            (Error::ShuttingDown, 503, Some("1"), "ServiceUnavailable"),
            (Error::TookTooLong, 504, None, "Timeout"),
            (Error::BodyTooLarge(3), 413, None, "RequestEntityTooLarge"),
        ] {
            let response = failure(&error, None);
            let told = response.headers().get(header::RETRY_AFTER).cloned();
            assert_eq!((response.status().as_u16(), told), (code, retry_after.map(HeaderValue::from_static)));
            let body = response.into_body().collect(10_000).await.expect("body");
            let status = kcp_apimachinery::value::decode(&body).expect("json");
            assert_eq!(
                (status.str_at(&["kind"]), status.str_at(&["reason"])),
                (Some("Status"), Some(reason))
            );
        }
    }

    #[tokio::test]
    async fn the_answer_to_head_has_a_length_and_no_bytes() {
        let response = without_body(text(StatusCode::OK, "four"));
        assert_eq!(response.headers()[header::CONTENT_LENGTH], "4");
        assert!(response.into_body().collect(10).await.expect("body").is_empty());
    }
}

//! What a request is told that is not forwarded.

use http::{HeaderValue, Response, StatusCode, header::CONTENT_TYPE};
use kcp_apimachinery::{Value, value::encode};
use kcp_authz::Forbidden;
use kcp_transport::Body;

/// Nobody knows the credential, or there is none and has to be.
pub(crate) fn unauthorized() -> Response<Body> {
    failure(StatusCode::UNAUTHORIZED, "Unauthorized", "Unauthorized", Value::Null)
}

/// The user may not do this, or it does not exist: the same answer.
pub(crate) fn forbidden(forbidden: &Forbidden) -> Response<Body> {
    let mut details = Value::object();
    for (name, text) in [("name", &forbidden.name), ("group", &forbidden.group), ("kind", &forbidden.kind)] {
        if !text.is_empty() {
            details.set_at(&[name], text.as_str().into());
        }
    }
    failure(StatusCode::FORBIDDEN, "Forbidden", &forbidden.message, details)
}

/// The request makes no sense.
pub(crate) fn bad_request(message: &str) -> Response<Body> {
    failure(StatusCode::BAD_REQUEST, "BadRequest", message, Value::Null)
}

/// Something is wrong on our side.
pub(crate) fn internal(message: &str) -> Response<Body> {
    failure(StatusCode::INTERNAL_SERVER_ERROR, "InternalError", message, Value::Null)
}

/// A short text, as upstream answers where no API server is concerned.
pub(crate) fn text(status: StatusCode, text: impl Into<Body>) -> Response<Body> {
    respond(status, "text/plain; charset=utf-8", text.into())
}

pub(crate) fn respond(status: StatusCode, content_type: &'static str, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

fn failure(status: StatusCode, reason: &str, message: &str, details: Value) -> Response<Body> {
    let mut object = kcp_apimachinery::value!({
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": message,
        "reason": reason,
        "code": (i64::from(status.as_u16()))
    });
    if !details.is_null() {
        object.set_at(&["details"], details);
    }
    respond(status, "application/json", encode(&object).into())
}

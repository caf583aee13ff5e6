//! What a request is told that is not forwarded.

use http::{HeaderValue, Response, StatusCode, header};
use kcp_apimachinery::{
    status::{Details, Status},
    value::encode,
};
use kcp_authz::Forbidden;
use kcp_transport::Body;

/// Nobody knows the credential, or there is none and has to be.
pub(crate) fn unauthorized() -> Response<Body> {
    failure(StatusCode::UNAUTHORIZED, "Unauthorized", "Unauthorized", None)
}

/// The user may not do this, or it does not exist: the same answer.
pub(crate) fn forbidden(forbidden: &Forbidden) -> Response<Body> {
    let details = Details {
        name: forbidden.name.clone(),
        group: forbidden.group.clone(),
        kind: forbidden.kind.clone(),
        ..Details::default()
    };
    failure(StatusCode::FORBIDDEN, "Forbidden", &forbidden.message, Some(details))
}

/// The request makes no sense.
pub(crate) fn bad_request(message: &str) -> Response<Body> {
    failure(StatusCode::BAD_REQUEST, "BadRequest", message, None)
}

/// Something is wrong on our side.
pub(crate) fn internal(message: &str) -> Response<Body> {
    failure(StatusCode::INTERNAL_SERVER_ERROR, "InternalError", message, None)
}

/// A short text, as upstream answers where no API server is concerned.
pub(crate) fn text(status: StatusCode, text: impl Into<Body>) -> Response<Body> {
    respond(status, "text/plain; charset=utf-8", text.into())
}

pub(crate) fn respond(status: StatusCode, content_type: &'static str, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache, private"));
    response
}

fn failure(code: StatusCode, reason: &str, message: &str, details: Option<Details>) -> Response<Body> {
    let status = Status {
        status: "Failure".to_owned(),
        message: message.to_owned(),
        reason: reason.to_owned(),
        details,
        code: code.as_u16(),
        ..Status::default()
    };
    respond(code, "application/json", encode(&status.to_value()).into())
}

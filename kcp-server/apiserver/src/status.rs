//! Every cause has one answer here, and nowhere else is an HTTP code chosen.

use crate::{
    Error,
    request::{OptionsError, ParseError},
};
use kcp_apimachinery::{
    field,
    status::{Cause, Details, Status},
};
use kcp_registry::Error as Registry;

/// The `Status` that a client gets for an error.
#[must_use]
pub fn status(error: &Error) -> Status {
    let message = error.to_string();
    match error {
        Error::Url(ParseError::TooLong) => failure(414, "RequestURITooLong", message),
        Error::Url(ParseError::Cluster(_) | ParseError::Malformed)
        | Error::Options(OptionsError::Unreadable(_))
        | Error::BadRequest(_)
        | Error::Body(_) => failure(400, "BadRequest", message),
        Error::Options(OptionsError::Invalid { kind, errors }) => failure(422, "Invalid", message)
            .about("meta.k8s.io", kind, "")
            .causes(errors.iter().map(cause).collect()),
        Error::Unauthorized => failure(401, "Unauthorized", message),
        Error::Forbidden { group, resource, name, .. } => {
            failure(403, "Forbidden", message).about(group, resource, name)
        }
        Error::NamespaceTerminating { group, resource, name, namespace, .. } => {
            let causes = vec![terminating(namespace)];
            failure(403, "Forbidden", message).about(group, resource, name).causes(causes)
        }
        Error::NoSuchPath => failure(404, "NotFound", message),
        Error::NoSuchWorkspace(path) => {
            failure(404, "NotFound", message).about("tenancy.kcp.io", "workspaces", path)
        }
        Error::WorkspaceUnavailable => failure(503, "ServiceUnavailable", message),
        Error::OtherShard => failure(429, "TooManyRequests", message).retry_after(1),
        Error::MethodNotAllowed(_) => failure(405, "MethodNotAllowed", message),
        Error::NotAcceptable => failure(406, "NotAcceptable", message),
        Error::UnsupportedMediaType(_) => failure(415, "UnsupportedMediaType", message),
        Error::BodyTooLarge(_) => failure(413, "RequestEntityTooLarge", message),
        Error::Invalid { group, kind, name, errors } => {
            let causes = errors.iter().map(cause).collect();
            failure(422, "Invalid", message).about(group, kind, name).causes(causes)
        }
        Error::NotApplicable(_) => failure(422, "Invalid", message).about("", "", ""),
        // Kubernetes gives this one no reason.
        Error::NotTyped(_) => failure(500, "", message),
        Error::PatchTooLarge(_) => failure(413, "RequestEntityTooLarge", message),
        Error::ApplyConflict { causes, .. } => {
            let causes = causes
                .iter()
                .map(|(message, field)| Cause {
                    reason: "FieldManagerConflict".to_owned(),
                    message: message.clone(),
                    field: field.clone(),
                })
                .collect();
            failure(409, "Conflict", message).causes(causes)
        }
        Error::Precondition { resource, name, .. } => conflict(message, resource, name),
        Error::TookTooLong => failure(504, "Timeout", message),
        Error::TooManyRequests => failure(429, "TooManyRequests", message).retry_after(1),
        Error::ShuttingDown => failure(503, "ServiceUnavailable", message).retry_after(1),
        Error::NotImplemented(_) => failure(501, "NotImplemented", message),
        Error::Registry(error) => registry(error, message),
        Error::Internal(_) => failure(500, "InternalError", message),
    }
}

fn registry(error: &Registry, message: String) -> Status {
    match error {
        Registry::NotFound { resource, name } => qualified(failure(404, "NotFound", message), resource, name),
        Registry::AlreadyExists { resource, name } => {
            qualified(failure(409, "AlreadyExists", message), resource, name)
        }
        Registry::Conflict { resource, name, .. } => conflict(message, resource, name),
        Registry::ClusterClosed(_) => failure(403, "Forbidden", message),
        Registry::NamespaceClosed(name) => failure(403, "Forbidden", message).causes(vec![terminating(name)]),
        Registry::BadToken(_) => failure(400, "BadRequest", format!("invalid continue token: {message}")),
        Registry::Expired(_) => failure(410, "Expired", message),
        Registry::PageExpired { fresh } => {
            Status { continue_token: fresh.to_text(), ..failure(410, "Expired", message) }
        }
        Registry::TooLarge { .. } => {
            let cause = Cause {
                reason: "ResourceVersionTooLarge".to_owned(),
                message: "Too large resource version".to_owned(),
                field: String::new(),
            };
            failure(504, "Timeout", format!("Timeout: {message}")).causes(vec![cause]).retry_after(1)
        }
        Registry::Unavailable(_) => failure(503, "ServiceUnavailable", message),
        Registry::Storage(error) => storage(error, message),
        Registry::Record(_) => failure(500, "InternalError", message),
    }
}

fn terminating(namespace: &str) -> Cause {
    Cause {
        reason: "NamespaceTerminating".to_owned(),
        message: format!("namespace {namespace} is being terminated"),
        field: "metadata.namespace".to_owned(),
    }
}

fn storage(error: &kcp_storage::Error, message: String) -> Status {
    use kcp_storage::Error as Storage;
    match error {
        Storage::TooLarge { .. } => failure(413, "RequestEntityTooLarge", message),
        Storage::Busy => failure(429, "TooManyRequests", message).retry_after(1),
        Storage::Full(_) => failure(507, "InsufficientStorage", message),
        Storage::ReadOnly(_) | Storage::Closed => failure(503, "ServiceUnavailable", message),
        // A client must not take this for a refusal: the write may have been made.
        Storage::Unknown(_) => failure(504, "Timeout", message),
        Storage::Compacted { .. } => failure(410, "Expired", message),
        Storage::Future { .. } => failure(504, "Timeout", message).retry_after(1),
        Storage::BadTransaction(_) | Storage::Read(_) => failure(500, "InternalError", message),
    }
}

fn conflict(message: String, resource: &str, name: &str) -> Status {
    qualified(failure(409, "Conflict", message), resource, name)
}

/// Details of an object whose resource is spelt `<plural>.<group>`.
fn qualified(status: Status, resource: &str, name: &str) -> Status {
    let (plural, group) = resource.split_once('.').unwrap_or((resource, ""));
    status.about(group, plural, name)
}

fn cause(error: &field::Error) -> Cause {
    Cause { reason: error.kind.reason().to_owned(), message: error.body(), field: error.field.clone() }
}

fn failure(code: u16, reason: &str, message: String) -> Status {
    Status { code, reason: reason.to_owned(), message, status: "Failure".to_owned(), ..Status::default() }
}

/// Steps that fill in the details of a status.
trait Fill: Sized {
    fn details(&mut self) -> &mut Details;

    fn about(mut self, group: &str, kind: &str, name: &str) -> Self {
        let details = self.details();
        details.group = group.to_owned();
        details.kind = kind.to_owned();
        details.name = name.to_owned();
        self
    }

    fn causes(mut self, causes: Vec<Cause>) -> Self {
        self.details().causes = causes;
        self
    }

    fn retry_after(mut self, seconds: u32) -> Self {
        self.details().retry_after_seconds = seconds;
        self
    }
}

impl Fill for Status {
    fn details(&mut self) -> &mut Details {
        self.details.get_or_insert_with(Details::default)
    }
}

use crate::request::{OptionsError, ParseError};
use kcp_apimachinery::field;

/// Why a request was not answered as it asked. What each means to a client is in `status.rs`.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The URL means nothing.
    #[error(transparent)]
    Url(#[from] ParseError),
    /// A query parameter means nothing.
    #[error(transparent)]
    Options(#[from] OptionsError),
    /// The request contradicts itself or cannot be read.
    #[error("{0}")]
    BadRequest(String),
    /// Who asks is not known.
    #[error("Unauthorized")]
    Unauthorized,
    /// Whoever asks may not.
    #[error("{message}")]
    Forbidden {
        /// API group of the resource.
        group: String,
        /// Its plural name, empty for paths.
        resource: String,
        /// Name of the object.
        name: String,
        /// The whole message.
        message: String,
    },
    /// The namespace that an object was to be created in is going.
    #[error("{message}")]
    NamespaceTerminating {
        /// API group of the resource.
        group: String,
        /// Its plural name.
        resource: String,
        /// Name of the object.
        name: String,
        /// The namespace.
        namespace: String,
        /// The whole message.
        message: String,
    },
    /// There is nothing at this path.
    #[error("the server could not find the requested resource")]
    NoSuchPath,
    /// A workspace path that no workspace has.
    #[error("workspaces.tenancy.kcp.io {0:?} not found")]
    NoSuchWorkspace(String),
    /// The workspace is there and cannot be used now.
    #[error("Not available.")]
    WorkspaceUnavailable,
    /// The workspace lives on another shard.
    #[error("Not found on this shard")]
    OtherShard,
    /// The resource does not have this verb.
    #[error("{0}")]
    MethodNotAllowed(String),
    /// Nothing that the client accepts can be made.
    #[error(
        "only the following media types are accepted: application/json, application/yaml, application/json;stream=watch"
    )]
    NotAcceptable,
    /// The body is of a type that cannot be read.
    #[error("{0}")]
    UnsupportedMediaType(String),
    /// The body is longer than allowed.
    #[error("Request entity too large: limit is {0}")]
    BodyTooLarge(usize),
    /// The body ended early or the connection broke.
    #[error("cannot read the request's body: {0}")]
    Body(String),
    /// An object breaks the rules of its kind.
    #[error("{kind}{} {name:?} is invalid: {}", dotted(group), field::summary(errors))]
    Invalid {
        /// API group of the kind.
        group: String,
        /// Kind.
        kind: String,
        /// Name of the object.
        name: String,
        /// What is wrong.
        errors: Vec<field::Error>,
    },
    /// A patch that does not fit the object.
    #[error("the server rejected our request due to an error in our request: {0}")]
    NotApplicable(String),
    /// An applied configuration that does not fit the schema.
    #[error("{0}")]
    NotTyped(String),
    /// A patch that asks for too much.
    #[error("Request entity too large: {0}")]
    PatchTooLarge(String),
    /// Server-side apply met fields of others.
    #[error("{message}")]
    ApplyConflict {
        /// The whole message.
        message: String,
        /// One cause for each field: manager text, and the field.
        causes: Vec<(String, String)>,
    },
    /// A precondition on uid or resource version does not hold.
    #[error("Operation cannot be fulfilled on {resource} {name:?}: {why}")]
    Precondition {
        /// `<plural>.<group>`
        resource: String,
        /// Name.
        name: String,
        /// Why.
        why: String,
    },
    /// The request was given up. If it was a write, it may have been made.
    #[error("Timeout: request did not complete within the allotted timeout")]
    TookTooLong,
    /// Too much is going on.
    #[error("Too many requests, please try again later.")]
    TooManyRequests,
    /// The server is going down.
    #[error("apiserver is shutting down")]
    ShuttingDown,
    /// Something that this server does not do.
    #[error("{0}")]
    NotImplemented(String),
    /// The registry says no.
    #[error(transparent)]
    Registry(#[from] kcp_registry::Error),
    /// Nobody's fault but ours.
    #[error("Internal error occurred: {0}")]
    Internal(String),
}

impl From<kcp_authz::Forbidden> for Error {
    fn from(refused: kcp_authz::Forbidden) -> Self {
        let kcp_authz::Forbidden { message, group, kind, name } = refused;
        Self::Forbidden { group, resource: kind, name, message }
    }
}

fn dotted(group: &str) -> String {
    if group.is_empty() { String::new() } else { format!(".{group}") }
}

impl From<kcp_storage::Error> for Error {
    fn from(error: kcp_storage::Error) -> Self {
        Self::Registry(error.into())
    }
}

impl From<kcp_storage::RecordError> for Error {
    fn from(error: kcp_storage::RecordError) -> Self {
        Self::Registry(error.into())
    }
}

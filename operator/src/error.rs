//! What goes wrong in a reconcile.

use kcp_operator_resources::Refusal;

/// Why a reconcile did not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The API server did not do what it was asked to.
    #[error("cannot {action}: {source}")]
    Api {
        /// What was asked, as a verb and its object.
        action: String,
        /// What came back.
        source: Box<kube::Error>,
    },
    /// kcp itself could not be reached or refused.
    #[error("cannot {action} in kcp at {url}: {reason}")]
    Kcp {
        /// What was asked, as a verb and its object.
        action: String,
        /// Where.
        url: String,
        /// What came back.
        reason: String,
    },
    /// The spec cannot be acted upon.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// An object of that name belongs to somebody else.
    #[error("{object} belongs to {owner}; it is left alone")]
    Foreign {
        /// Kind and name.
        object: String,
        /// Kind and name.
        owner: String,
    },
    /// The stored object cannot be read.
    #[error("the object cannot be read: {0}")]
    Unreadable(String),
    /// A computation of our own ended early.
    #[error("internal: {0}")]
    Internal(String),
}

impl Error {
    /// An error of the API server, with what was asked.
    pub(crate) fn api(action: impl Into<String>) -> impl FnOnce(kube::Error) -> Self {
        let action = action.into();
        move |source| Self::Api { action, source: Box::new(source) }
    }

    /// One of a few words for metrics.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Api { .. } => "api",
            Self::Kcp { .. } => "kcp",
            Self::Refused(_) => "refused",
            Self::Foreign { .. } => "foreign",
            Self::Unreadable(_) => "unreadable",
            Self::Internal(_) => "internal",
        }
    }
}

/// The result of a step.
pub(crate) type Result<T> = std::result::Result<T, Error>;

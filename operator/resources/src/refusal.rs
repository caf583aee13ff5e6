//! Why a resource is not acted upon.

/// A spec that cannot be built, or not now. It becomes a condition; nothing is applied.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    /// One word for programs: the reason of a condition.
    pub reason: &'static str,
    /// One line for people.
    pub message: String,
}

impl Refusal {
    /// Two fields contradict each other.
    pub const CONFLICT: &'static str = "ConflictingFields";
    /// A field has a value without meaning.
    pub const INVALID: &'static str = "InvalidField";
    /// Another object's name leads to the same child objects.
    pub const COLLISION: &'static str = "NameCollision";
    /// The object asks for an export that earlier operators made.
    pub const BUNDLE: &'static str = "BundleNotSupported";
    /// What the object refers to does not exist.
    pub const NOT_FOUND: &'static str = "ReferenceNotFound";

    pub(crate) fn conflict(message: impl Into<String>) -> Self {
        Self { reason: Self::CONFLICT, message: message.into() }
    }

    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self { reason: Self::INVALID, message: message.into() }
    }

    pub(crate) fn collision(message: impl Into<String>) -> Self {
        Self { reason: Self::COLLISION, message: message.into() }
    }

    pub(crate) fn not_found(message: impl Into<String>) -> Self {
        Self { reason: Self::NOT_FOUND, message: message.into() }
    }

    /// Manifests with this annotation expect that the server does not run here.
    pub(crate) fn bundle() -> Self {
        Self {
            reason: Self::BUNDLE,
            message: format!(
                "bundles are not exported by this operator, and nothing runs here; \
                 remove the annotation {} to run it",
                crate::names::BUNDLE_ANNOTATION
            ),
        }
    }
}

//! Why a write is not admitted.

use kcp_apimachinery::field;

/// Why a write is not admitted, in the words that clients match on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// The write is forbidden. The text follows `<resource> "<name>" is forbidden: `.
    #[error("{0}")]
    Forbidden(String),
    /// The object cannot be judged, which upstream answers as an error of the server.
    #[error("{0}")]
    Unjudged(String),
}

impl Rejection {
    /// A forbidden write.
    #[must_use]
    pub fn forbidden(text: impl Into<String>) -> Self {
        Self::Forbidden(text.into())
    }

    /// The problems of an object's fields; `Ok` if there are none.
    ///
    /// # Errors
    /// Any problem.
    pub fn unless_empty(problems: &[field::Error]) -> Result<(), Self> {
        if problems.is_empty() { Ok(()) } else { Err(Self::Forbidden(field::summary(problems))) }
    }

    /// The problems of an object's fields where upstream prints the list itself: brackets even around
    /// one, and spaces between.
    ///
    /// # Errors
    /// Any problem.
    pub fn of_list(problems: &[field::Error]) -> Result<(), Self> {
        if problems.is_empty() {
            return Ok(());
        }
        let texts: Vec<_> = problems.iter().map(field::Error::to_string).collect();
        Err(Self::Forbidden(format!("[{}]", texts.join(" "))))
    }

    /// Several reasons as one; `Ok` if there are none.
    ///
    /// # Errors
    /// Any reason.
    pub fn of_texts(mut reasons: Vec<String>) -> Result<(), Self> {
        let mut seen = std::collections::BTreeSet::new();
        reasons.retain(|reason| seen.insert(reason.clone()));
        match reasons.as_slice() {
            [] => Ok(()),
            [only] => Err(Self::Forbidden(only.clone())),
            many => Err(Self::Forbidden(format!("[{}]", many.join(", ")))),
        }
    }
}

//! What is answered, and the trail for the audit log.

use std::fmt;

/// What an authorizer thinks of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Let it through; nobody else is asked.
    Allow,
    /// Refuse it; nobody else is asked.
    Deny,
    /// Ask the next. Nobody left means refused.
    NoOpinion,
}

impl fmt::Display for Decision {
    /// As audit annotations have it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Allow => "Allowed",
            Self::Deny => "Denied",
            Self::NoOpinion => "NoOpinion",
        })
    }
}

/// The answer to one question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Only [`Decision::Allow`] lets a request through.
    pub decision: Decision,
    /// What clients may know; it tells nothing about what exists.
    pub reason: String,
    /// What auditors may know.
    pub trail: Trail,
}

impl Verdict {
    /// Whether the request may go on.
    #[must_use]
    pub fn is_allowed(&self) -> bool {
        self.decision == Decision::Allow
    }
}

/// What each link of the RBAC chain said, in the order in which they answered (innermost first).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trail(pub Vec<Entry>);

/// What one link said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// `01-requiredgroups`, `02-content`, `03-systemcrd`, `04-maxpermissionpolicy`, `05-bootstrap`,
    /// `05-local` or `05-global`.
    pub link: &'static str,
    /// Its decision, or that of the links below it.
    pub decision: Decision,
    /// Why.
    pub reason: String,
}

impl Trail {
    pub(crate) fn note(&mut self, link: &'static str, answer: Answer) -> Decision {
        self.0.push(Entry { link, decision: answer.decision, reason: answer.reason });
        answer.decision
    }

    /// The annotations of an audit event. The domain is `request.auth.kcp.io` for the request
    /// itself and `sar.auth.kcp.io` for what a SubjectAccessReview asks.
    pub fn annotations<'a>(&'a self, domain: &'a str) -> impl Iterator<Item = (String, String)> + 'a {
        self.0.iter().flat_map(move |entry| {
            [
                (format!("{domain}/{}-decision", entry.link), entry.decision.to_string()),
                (format!("{domain}/{}-reason", entry.link), entry.reason.clone()),
            ]
        })
    }
}

/// The answer of one link.
pub(crate) struct Answer {
    pub(crate) decision: Decision,
    pub(crate) reason: String,
}

impl Answer {
    pub(crate) fn deny(reason: impl Into<String>) -> Self {
        Self { decision: Decision::Deny, reason: reason.into() }
    }

    pub(crate) fn no_opinion(reason: impl Into<String>) -> Self {
        Self { decision: Decision::NoOpinion, reason: reason.into() }
    }

    pub(crate) fn allow(reason: impl Into<String>) -> Self {
        Self { decision: Decision::Allow, reason: reason.into() }
    }

    /// The answer of the links below, with the reason why they were asked.
    pub(crate) fn delegated(why: &str, decision: Decision) -> Self {
        Self { decision, reason: format!("delegating due to {why}") }
    }
}

/// What a link does with a question.
pub(crate) enum Gate {
    /// Asks the links below it, and why.
    Open(String),
    /// Answers it.
    Shut(Answer),
}

impl Gate {
    pub(crate) fn open(why: impl Into<String>) -> Self {
        Self::Open(why.into())
    }
}

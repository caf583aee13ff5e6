//! What expressions can ask about permissions: `authorizer.group('apps').resource('deployments')
//! .namespace('a').check('create').allowed()`.

use crate::types::Opaque;
use kcp_apimachinery::selector;
use std::{fmt, sync::Arc};

/// Decides what expressions ask. It is given by who evaluates; this crate knows none.
pub trait Authorizer: Send + Sync {
    /// The answer to a question, about the user of the request or a service account.
    fn check(&self, question: &Question, verb: &str) -> Decision;
}

/// An answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Decision {
    /// Whether it may be done.
    pub allowed: bool,
    /// Why, if there is anything to say.
    pub reason: String,
    /// What went wrong when it was decided; empty if nothing did.
    pub error: String,
}

/// A question that is put together step by step.
#[derive(Clone)]
pub struct Question {
    authorizer: Arc<dyn Authorizer>,
    /// Namespace and name of the service account that is asked about, instead of the user.
    pub service_account: Option<(String, String)>,
    /// What is asked about.
    pub about: About,
}

/// What a [`Question`] is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum About {
    /// Nothing yet.
    Nothing,
    /// A path that is no resource.
    Path(String),
    /// An API group, and nothing of it yet.
    Group(String),
    /// A resource.
    Resource(Box<Resource>),
}

/// A resource that is asked about. What is empty is not asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Resource {
    /// Its API group.
    pub group: String,
    /// Its name, plural.
    pub resource: String,
    /// The part of it.
    pub subresource: String,
    /// Where.
    pub namespace: String,
    /// Which one.
    pub name: String,
    /// A selector of fields as it was written; the decision may use it or not.
    pub field_selector: Option<String>,
    /// A selector of labels.
    pub label_selector: Option<String>,
}

impl Question {
    /// The beginning of every question: `authorizer`.
    #[must_use]
    pub fn new(authorizer: Arc<dyn Authorizer>) -> Self {
        Self { authorizer, service_account: None, about: About::Nothing }
    }

    pub(crate) fn kind(&self) -> Opaque {
        match self.about {
            About::Nothing => Opaque::Authorizer,
            About::Path(_) => Opaque::PathCheck,
            About::Group(_) => Opaque::GroupCheck,
            About::Resource(_) => Opaque::ResourceCheck,
        }
    }

    pub(crate) fn check(&self, verb: &str) -> Decision {
        if let About::Resource(resource) = &self.about
            && let Some(labels) = &resource.label_selector
            && let Err(error) = selector::Labels::parse(labels)
        {
            // What cannot be read selects nothing less; the check goes on without it.
            let mut decided = self.authorizer.check(self, verb);
            if decided.error.is_empty() {
                decided.error = error.to_string();
            }
            return decided;
        }
        self.authorizer.check(self, verb)
    }

    pub(crate) fn about(&self, about: About) -> Self {
        Self { about, ..self.clone() }
    }
}

impl PartialEq for Question {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.authorizer, &other.authorizer)
            && self.service_account == other.service_account
            && self.about == other.about
    }
}

impl fmt::Debug for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Question")
            .field("service_account", &self.service_account)
            .field("about", &self.about)
            .finish_non_exhaustive()
    }
}

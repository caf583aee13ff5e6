//! Server-side apply: who owns which fields of an object, and what follows from it.
//!
//! A request names its field manager. An *apply* says all that its manager wants: fields it lists
//! are set and owned, fields it listed before and does not any more are removed unless somebody else
//! owns them, and a field that another manager owns with another value is a conflict. Any other
//! write is an *update*: its manager comes to own what it changed. Ownership is in
//! `metadata.managedFields`, per manager, operation, version and subresource.
//!
//! Lists and maps are compared and merged as their [`Shape`](crate::shape::Shape) says. Managers may
//! have written in other versions of the API; [`Versions`] converts between them.

mod applier;
mod codec;
mod compare;
mod conflict;
mod element;
mod fields;
mod last_applied;
mod managers;
mod merge;
mod prune;
mod reconcile;
mod remove;
mod set;
#[cfg(test)]
mod tests;
mod track;
mod typed;

pub use applier::{Applied, apply};
pub use compare::{Comparison, compare};
pub use conflict::{Conflict, Conflicts};
pub use fields::fields_of;
pub use managers::{Entry, ManagedFields, ManagerId, Operation};
pub use set::Set;
pub use track::track_update;

use crate::{Value, meta::Gvk, shape::Shape, time::Time};

/// One write as far as ownership is concerned.
#[derive(Clone, Copy, Debug)]
pub struct Write<'w> {
    /// The field manager; [`manager_name`] finds it.
    pub manager: &'w str,
    /// The subresource that is written, empty for the object itself.
    pub subresource: &'w str,
    /// Version and kind of the request, which the objects have too.
    pub gvk: &'w Gvk,
    /// Fields that this endpoint resets, and which it so never owns: `status` for most kinds, and
    /// `spec` for their status.
    pub resets: &'w Set,
    /// When the write happens.
    pub now: Time,
}

/// The versions of a kind.
pub trait Versions {
    /// The schema of an API version (`apps/v1`); `None` if it is not served any more.
    fn shape(&self, api_version: &str) -> Option<&dyn Shape>;

    /// The object in another version.
    ///
    /// # Errors
    /// Why it could not be converted.
    fn convert(&self, object: Value, api_version: &str) -> Result<Value, String>;
}

/// A kind with one version.
#[derive(Clone, Copy)]
pub struct OneVersion<'s> {
    /// The version, such as `apps/v1`.
    pub api_version: &'s str,
    /// Its schema.
    pub shape: &'s dyn Shape,
}

impl Versions for OneVersion<'_> {
    fn shape(&self, api_version: &str) -> Option<&dyn Shape> {
        (api_version == self.api_version).then_some(self.shape)
    }

    fn convert(&self, object: Value, _: &str) -> Result<Value, String> {
        Ok(object)
    }
}

/// Why a configuration was not applied.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The request is wrong whatever the object.
    #[error("{0}")]
    Malformed(String),
    /// The configuration does not fit the schema. Kubernetes calls this internal.
    #[error("failed to create typed patch object ({object}): {problems}")]
    NotTyped {
        /// Namespace, name and kind of the object.
        object: String,
        /// What does not fit.
        problems: String,
    },
    /// Others own some of the fields.
    #[error(transparent)]
    Conflicts(#[from] Conflicts),
    /// The object could not be converted, or its `managedFields` not be read.
    #[error("{0}")]
    Internal(String),
}

/// The field manager of a request: the one it names, else the first part of its user agent, else
/// `unknown`.
#[must_use]
pub fn manager_name(field_manager: &str, user_agent: &str) -> String {
    if !field_manager.is_empty() {
        return field_manager.to_owned();
    }
    let mut name = String::new();
    let product = user_agent.split('/').next().unwrap_or_default();
    for c in product.chars().filter(|c| crate::go::is_printable(*c)) {
        // The longest name a field manager may have.
        if name.len() + c.len_utf8() > 128 {
            break;
        }
        name.push(c);
    }
    if name.is_empty() { "unknown".to_owned() } else { name }
}

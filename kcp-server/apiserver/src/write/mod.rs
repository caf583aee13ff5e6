//! Writes: what a client asks for becomes an object that may be committed, or an error and nothing changed.
//!
//! ```text
//! create: body ─► prepare ─► mutate ─► validate ─► commit
//! update: current ─► body | patch | apply ─► prepare ─► mutate ─► validate ─► commit (only if current still holds)
//! delete: current ─► preconditions ─► finalizers left? ─► mark | remove
//! ```

mod body;
mod create;
mod delete;
mod fields;
mod kinds;
pub(crate) mod prepare;
mod update;

pub(crate) use self::prepare as prepare_for_read;
pub(crate) use body::{Body, PatchKind, is_apply};
pub(crate) use delete::{DeleteOptions, Deleted, success};
pub(crate) use kinds::Traits;
pub(crate) use update::{not_found, scale_object, scale_of};

use crate::{Error, request::Options};
use kcp_apimachinery::Value;
use kcp_authz::User;
use kcp_names::ClusterName;
use kcp_registry::{Catalog, Resource, Version};
use kcp_storage::{Key, ObjectName};
use parking_lot::Mutex;
use std::sync::Arc;

/// A write on its way: who, where, on what.
pub(crate) struct Write<'a> {
    /// Who asks.
    pub user: &'a User,
    /// The logical cluster.
    pub cluster: ClusterName,
    /// Its APIs.
    pub catalog: Arc<Catalog>,
    /// The resource.
    pub resource: Arc<Resource>,
    /// The version the client speaks.
    pub version: Arc<Version>,
    /// Namespace in the URL.
    pub namespace: Option<String>,
    /// Name in the URL.
    pub name: Option<String>,
    /// `status`, `scale`, …
    pub subresource: Option<String>,
    /// The query.
    pub options: Options,
    /// Field manager when the query names none: the user agent up to the first slash.
    pub agent: String,
    /// What the client is to be told beside the answer.
    pub warnings: Mutex<Vec<String>>,
    /// Server-side apply, which has settled who owns what by itself.
    pub applied: bool,
    /// One of our own controllers, which may do what nobody else may.
    pub internal: bool,
}

/// What became of a write.
pub(crate) struct Written {
    /// The object as clients see it, in the stored version.
    pub object: Value,
    /// It is new.
    pub created: bool,
}

impl Write<'_> {
    /// The key of the object with this name.
    pub(crate) fn key(&self, name: &str) -> Result<Key, Error> {
        let segment = |text: &str| ObjectName::parse(text).map_err(|e| Error::BadRequest(e.to_string()));
        Ok(Key {
            resource: self.resource.key.clone(),
            cluster: self.cluster.clone(),
            namespace: self
                .namespace
                .as_deref()
                .filter(|_| self.resource.namespaced)
                .map(segment)
                .transpose()?,
            name: segment(name)?,
        })
    }

    pub(crate) fn warn(&self, warning: impl Into<String>) {
        let mut warnings = self.warnings.lock();
        let warning = warning.into();
        // Kubernetes stops at 4 KiB of warnings; so many are enough to act upon. A second attempt says nothing twice.
        if warnings.len() < 20 && !warnings.contains(&warning) {
            warnings.push(warning);
        }
    }

    pub(crate) fn invalid(&self, name: &str, errors: Vec<kcp_apimachinery::field::Error>) -> Error {
        Error::Invalid {
            group: self.resource.group.to_string(),
            kind: self.resource.kind.to_string(),
            name: name.to_owned(),
            errors,
        }
    }

    /// A refusal of admission.
    pub(crate) fn forbidden(&self, name: &str, message: impl Into<String>) -> Error {
        kcp_authz::Forbidden::new(&self.resource.group, &self.resource.plural, name, &message.into()).into()
    }

    /// The refusal of a new object in a namespace that is going.
    pub(crate) fn namespace_terminating(&self, name: &str, namespace: &str) -> Error {
        let why =
            format!("unable to create new content in namespace {namespace} because it is being terminated");
        let (group, resource) = (&self.resource.group, &self.resource.plural);
        let message = kcp_authz::Forbidden::new(group, resource, name, &why).message;
        Error::NamespaceTerminating {
            group: group.to_string(),
            resource: resource.to_string(),
            name: name.to_owned(),
            namespace: namespace.to_owned(),
            message,
        }
    }
}

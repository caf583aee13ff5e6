//! What must hold for a CustomResourceDefinition, and what becomes of its names.
//!
//! The checks and their messages are those of Kubernetes. It checks its internal form, in which what all
//! versions have in common lies beside them, so an error about the schema of a definition with one version
//! is at `spec.validation.openAPIV3Schema`. `View` is that form.
//!
//! `validate_version` and `validate_names` are also what an APIResourceSchema is checked with.

mod conversion;
mod defaults;
mod established;
mod names;
mod open_api;
mod selectable;
mod source;
mod spec;
mod structural;
mod version;
mod view;
mod warnings;

pub use established::{Names, Naming, conditions, grant, names_in_use, stored_versions};
pub use names::validate_names;
pub(crate) use spec::{create_errors, update_errors};
pub use spec::{validate_approval, validate_create, validate_status_update, validate_update};
pub use version::{VersionParts, validate_version};
pub use warnings::warnings;

#[cfg(test)]
mod tests;

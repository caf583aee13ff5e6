//! Schemas: what an object of a kind may contain.
//!
//! A [`Schema`] is compiled once per distinct content ([`Schema::content_id`]) and shared by every
//! workspace that has it. It works on object trees, knows no server and keeps no state:
//!
//! | operation | what it does |
//! |---|---|
//! | [`Schema::malformed`] | tells of a value of a wrong type, for built-in kinds |
//! | [`Schema::prune`] | removes unknown fields and tells their paths |
//! | [`Schema::default`] | fills in defaults, drops `null` where none may be |
//! | [`Schema::validate`], [`Schema::validate_status`] | tells what is wrong, in Kubernetes' words, ratcheted on updates |
//! | [`Schema::shape`] | how patches and server-side apply merge it |
//! | [`rules::declared`] | what expressions see of a node |
//! | [`Schema::has_rules`] | whether it has `x-kubernetes-validations`, which are kept in the nodes |
//!
//! [`crd`] checks CustomResourceDefinitions (and the versions of APIResourceSchemas) before they are compiled,
//! and computes their status.
//!
//! The compiled form is open to be read ([`Schema::root`], [`node`]). [`builtin`] has the kinds of
//! Kubernetes itself: [`builtin::kinds`] lists them per [`builtin::Set`].

pub mod builtin;
mod compile;
pub mod crd;
mod default;
mod embedded;
mod format;
mod lists;
pub mod node;
pub mod openapi;
#[cfg(test)]
mod properties;
mod prune;
pub mod rules;
mod schema;
mod shape;
mod validate;

pub use compile::{CompileError, MAX_DEPTH};
pub use kcp_cel::go_regex;
pub use schema::Schema;

//! The kinds of Kubernetes itself: their types ([`definition`]), what can be done with them ([`kinds`]),
//! and what their types do not say: defaults and checks by hand.
//!
//! Kinds are decoded on first use; a process that serves none pays for an index of names only.

mod columns;
mod defaults;
mod definition;
mod kinds;
mod malformed;
pub mod protobuf;
mod validate;

pub use columns::Function;
pub(crate) use defaults::by_type as default_type;
pub use definition::{Definition, definition};
pub use kinds::{BuiltIn, CellSource, Column, Set, Subresource, find, kinds};
pub(crate) use malformed::malformed;
pub(crate) use validate::by_type as validate_type;
pub use validate::validate;

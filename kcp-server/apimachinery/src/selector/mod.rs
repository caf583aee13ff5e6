//! Selectors: which objects a request is about, by their labels or by some of their fields.
//!
//! [`Labels`] is the language of `-l` and of `LabelSelector` objects, [`Fields`] that of
//! `--field-selector`. Both parse with the messages of Kubernetes and match against a lookup, so
//! that nothing has to be collected from an object.

mod fields;
mod labels;
mod object;
mod parse;

pub use fields::{Fields, InvalidFields, Term, escape};
pub use labels::{Labels, Operator, Requirement};
pub use object::validate_label_selector;
pub use parse::InvalidLabels;

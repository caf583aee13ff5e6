//! The kinds as Rust types, for code that decides on what they say.
//!
//! A type holds the fields that kcp acts upon. Unknown fields are ignored when an object is read, so
//! an object that is written back from its type loses them: writers change the tree
//! ([`kcp_apimachinery::Value`]) and use these types to read it and to make new objects.

pub mod apis;
pub mod cache;
pub mod core;
mod meta;
pub mod migration;
mod selector;
pub mod tenancy;
pub mod topology;

pub use meta::{Kind, ObjectMeta, ShapeError};
pub use selector::{Expression, LabelSelector, PolicyRule, SecretReference, UserInfo};

/// Whether a value is what a missing field is read as, and so need not be written.
fn unset<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// Declares a kind: its type with metadata, spec and status, and how it is called.
macro_rules! kind {
    ($(#[$doc:meta])* $name:ident, $group:literal, $version:literal, $plural:literal
     $(, spec: $spec:ty)? $(, status: $status:ty)?) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
        #[serde(default)]
        pub struct $name {
            /// Name, labels, annotations and so on.
            pub metadata: $crate::types::ObjectMeta,
            $(/// What is wanted.
            pub spec: $spec,)?
            $(/// What is.
            #[serde(skip_serializing_if = "crate::types::unset")]
            pub status: $status,)?
        }

        impl $crate::types::Kind for $name {
            const GROUP: &'static str = $group;
            const VERSION: &'static str = $version;
            const KIND: &'static str = stringify!($name);
            const PLURAL: &'static str = $plural;

            fn metadata(&self) -> &$crate::types::ObjectMeta {
                &self.metadata
            }
        }
    };
}
use kind;

//! Kubernetes' object machinery without a server: the object tree, its encodings, metadata,
//! selectors, patches, server-side apply and tables.
//!
//! Everything here is a function of its arguments. Nothing knows HTTP, a store or a schema's source.

pub mod apply;
pub mod field;
pub mod go;
pub mod jsonpath;
pub mod list;
pub mod meta;
pub mod names;
pub mod partial;
pub mod patch;
pub mod quantity;
pub mod selector;
pub mod shape;
pub mod status;
pub mod table;
pub mod time;
pub mod value;
pub mod yaml;

pub use value::{Map, Name, Value};

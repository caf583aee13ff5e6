//! The kcp API groups: what their kinds look like, what an installation starts with, and the rules
//! that objects of these kinds obey.
//!
//! Everything here is a function of its arguments.

pub mod bootstrap;
pub mod bound_crd;
pub mod claims;
pub mod conditions;
pub mod convert;
pub mod identity;
pub mod kinds;
pub mod lock;
pub mod naming;
pub mod rejection;
pub mod rules;
pub mod types;
pub mod well_known;
pub mod workspace_type;

//! The kcp API groups: what their kinds look like, what an installation starts with, and the rules
//! that objects of these kinds obey.
//!
//! Everything here is a function of its arguments.

pub mod bootstrap;
pub mod conditions;
pub mod kinds;
pub mod types;
pub mod well_known;

//! The kcp API groups: what their kinds look like, what an installation starts with, and the rules
//! that objects of these kinds obey.

pub mod kinds;

//! Evaluating: a [`Plan`](plan) made once, walked over the values of a call.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "a value of any other type is an error of the expression, whatever types there are"
)]

mod attribute;
mod eval;
mod fold;
mod meter;
pub(crate) mod plan;

pub(crate) use eval::Run;
pub use meter::{Budget, EvalError};
pub(crate) use meter::{Fault, Meter};

//! What an expression may cost, before it is evaluated.
//!
//! kube-apiserver refuses rules whose worst case costs too much, so the numbers here are part of its
//! interface: they are computed as cel-go's checker does, including what looks odd. A number with a
//! declared place has size 0, for it has neither length nor elements; an element of a list that an
//! expression made is taken to be as large as the variable itself.

mod functions;
mod range;
mod walk;

pub use range::CostRange;
pub(crate) use range::Size;
pub(crate) use walk::estimate;

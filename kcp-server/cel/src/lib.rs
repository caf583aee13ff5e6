//! CEL, the expressions in which Kubernetes' rules are written, as Kubernetes 1.36 has them.
//!
//! An expression goes one way:
//!
//! | step | from → to | what is decided |
//! |---|---|---|
//! | `parser`, `macros` | text → tree | syntax; `all`, `map`, `has` and their like become loops |
//! | `check` | tree → types and overloads | names, types, which functions are meant |
//! | `cost` | types → [`CostRange`] | what it costs at most, from the bounds of the declared types |
//! | `run::plan` | tree → plan | variables become numbers, chains of names become one step |
//! | `run` | plan and values → [`Val`] | the value, within a [`Budget`] |
//!
//! A [`Compiler`] has an [`Environment`], which says what of the language there is, and [`Variable`]s with
//! their types. It makes [`Program`]s, which are immutable and shared. Types come from a [`Decl`], built by
//! whoever has schemas; values are read from the object tree where they lie, as their `Decl` says.
//!
//! Whoever writes expressions is not trusted. Text, nesting and the number of nodes are bounded when
//! they are parsed; evaluating counts kube-apiserver's cost and, beside it, the steps really done, also
//! inside a function. Nothing recurses deeper than the parser allows.

mod ast;
pub mod authorizer;
mod check;
mod cost;
mod decl;
mod environment;
mod escape;
pub mod go_regex;
mod lexer;
mod library;
mod macros;
mod parser;
mod program;
mod run;
mod source;
mod time;
mod types;
mod value;

pub use cost::CostRange;
pub use decl::{Decl, Format, ListKind, MAX_REQUEST, Member, Object};
pub use environment::Environment;
pub use escape::{escape, unescape};
pub use library::{NamedFormat, UrlParts};
pub use program::{CompileError, Compiler, Input, Outcome, Program, Variable};
pub use run::{Budget, EvalError};
pub use source::{Problem, Problems};
pub use time::Timestamp;
pub use types::{Opaque, Type};
pub use value::{Address, Network, OpaqueVal, Text, Val};

#[cfg(test)]
mod tests;

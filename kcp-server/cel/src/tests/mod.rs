//! Expressions over objects, and what comes of them.

mod bounds;
mod functions;
mod language;
mod objects;
mod observed;

use crate::{Budget, Compiler, Decl, Environment, Format, Input, ListKind, Member, Variable};
use kcp_apimachinery::Value;
use std::sync::Arc;

/// What an expression over `self` comes to: the value, or the message.
pub(crate) fn outcome(decl: Decl, object: &Value, expression: &str) -> String {
    let compiler = Compiler::new(Environment::extended(), vec![Variable::declared("self", Arc::new(decl))]);
    let program = match compiler.compile(expression) {
        Ok(program) => program,
        Err(error) => return format!("! {error}"),
    };
    let budget = Budget { cost: 1_000_000, cancelled: None };
    match program.eval(&[Input::Tree(object)], budget).value {
        Ok(value) => crate::library::debug(&value),
        Err(error) => format!("! {error}"),
    }
}

/// What an expression without variables comes to.
pub(crate) fn check(expression: &str, expected: &str) {
    assert_eq!(outcome(Decl::any(), &Value::Null, expression), expected, "{expression}");
}

pub(crate) fn member(name: &str, decl: Decl) -> Member {
    Member { name: name.into(), decl, required: false }
}

/// A string without bounds.
pub(crate) fn string() -> Decl {
    Decl::string(Format::Plain, None, None)
}

pub(crate) fn list(items: Decl) -> Decl {
    Decl::list(items, None, ListKind::Atomic)
}

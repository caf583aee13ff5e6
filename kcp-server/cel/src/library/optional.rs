use super::{NO_OVERLOAD, Op, Outcome, fail};
use crate::{run::Fault, value::Val};
use std::sync::Arc;

/// Functions that make optionals and look into them.
pub(super) fn call<'a>(op: Op, args: &[Val<'a>]) -> Outcome<'a> {
    match (op, args) {
        (Op::OptionalOf, [value]) => Some(Ok(Val::some(value.clone()))),
        (Op::OptionalOfNonZero, [value]) if is_zero(value) => Some(Ok(Val::Optional(None))),
        (Op::OptionalOfNonZero, [value]) => Some(Ok(Val::some(value.clone()))),
        (Op::OptionalNone, []) => Some(Ok(Val::Optional(None))),
        (Op::OptionalValue, [Val::Optional(Some(inner))]) => Some(Ok(Val::clone(inner))),
        (Op::OptionalValue, [Val::Optional(None)]) => fail("optional.none() dereference"),
        (Op::OptionalHasValue, [Val::Optional(inner)]) => Some(Ok(Val::Bool(inner.is_some()))),
        (Op::OptionalUnwrap, [list]) if list.is_list() => Some(unwrapped(list)),
        (Op::First, [list]) if list.is_list() => Some(end(list, 0)),
        (Op::Last, [list]) if list.is_list() => Some(end(list, list.size().unwrap_or(0).wrapping_sub(1))),
        _ => None,
    }
}

/// What stands for "nothing" of its type.
fn is_zero(value: &Val<'_>) -> bool {
    match value {
        Val::Null | Val::Bool(false) | Val::Int(0) | Val::Uint(0) | Val::Duration(0) => true,
        Val::Double(number) => *number == 0.0,
        Val::Optional(inner) => inner.is_none(),
        Val::String(text) => text.is_empty(),
        Val::Bytes(_) | Val::List(_) | Val::Map(_) | Val::Tree(..) => value.size() == Some(0),
        Val::Timestamp(at) => at.seconds == -62_135_596_800 && at.nanos == 0,
        Val::Bool(true) | Val::Int(_) | Val::Uint(_) | Val::Duration(_) | Val::Type(_) | Val::Opaque(_) => {
            false
        }
    }
}

fn unwrapped<'a>(list: &Val<'a>) -> Result<Val<'a>, Fault> {
    let mut items = Vec::new();
    for item in list.items() {
        match item.map_err(Fault::error)? {
            Val::Optional(Some(inner)) => items.push(Arc::unwrap_or_clone(inner)),
            Val::Optional(None) => {}
            _ => return Err(Fault::error(NO_OVERLOAD)),
        }
    }
    Ok(Val::list(items))
}

fn end<'a>(list: &Val<'a>, at: usize) -> Result<Val<'a>, Fault> {
    match list.item(at) {
        Some(item) => item.map(Val::some).map_err(Fault::error),
        None => Ok(Val::Optional(None)),
    }
}

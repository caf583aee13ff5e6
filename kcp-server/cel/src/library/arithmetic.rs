use super::{NO_OVERLOAD, Op, Outcome};
use crate::{
    decl::{Kind, ListKind},
    run::{Fault, Meter},
    time::is_duration,
    value::{self, Key, List, Val, equal},
};
use std::{cmp::Ordering, sync::Arc};

/// The operators of one and two arguments that are functions in the tree.
pub(super) fn call<'a>(op: Op, args: &[Val<'a>], meter: &mut Meter<'_>) -> Outcome<'a> {
    match (op, args) {
        (Op::Not, [Val::Bool(truth)]) => Some(Ok(Val::Bool(!truth))),
        (Op::Negate, [Val::Int(number)]) => Some(number.checked_neg().map(Val::Int).ok_or_else(overflow)),
        (Op::Negate, [Val::Double(number)]) => Some(Ok(Val::Double(-number))),
        (Op::NotStrictlyFalse, [value]) => Some(Ok(Val::Bool(!matches!(value, Val::Bool(false))))),
        (Op::Size, [value]) => {
            let size = value.size().filter(|_| !matches!(value, Val::Optional(_) | Val::Opaque(_)))?;
            Some(Ok(Val::Int(i64::try_from(size).unwrap_or(i64::MAX))))
        }
        (op, [_, _]) if op.is_operator() => Some(operator(op, args, meter)),
        _ => None,
    }
}

/// The operators between two values.
pub(crate) fn operator<'a>(op: Op, args: &[Val<'a>], meter: &mut Meter<'_>) -> Result<Val<'a>, Fault> {
    let [a, b] = args else { return Err(Fault::error("no such overload")) };
    let is = |holds: fn(Ordering) -> bool| match value::compare(a, b) {
        Some(Ok(order)) => Ok(Val::Bool(holds(order))),
        Some(Err(value::NotANumber)) => Err(Fault::error("NaN values cannot be ordered")),
        None => Err(Fault::error("no such overload")),
    };
    match op {
        Op::Less => is(Ordering::is_lt),
        Op::LessEquals => is(Ordering::is_le),
        Op::Greater => is(Ordering::is_gt),
        Op::GreaterEquals => is(Ordering::is_ge),
        Op::In => contains(a, b, meter).map(Val::Bool),
        Op::Add => add(a, b, meter),
        Op::Subtract => subtract(a, b),
        Op::Multiply => number(a, b, i64::checked_mul, u64::checked_mul, |a, b| a * b),
        Op::Divide => {
            zero(b, "division by zero")?;
            number(a, b, i64::checked_div, u64::checked_div, |a, b| a / b)
        }
        Op::Modulo => {
            zero(b, "modulus by zero")?;
            if let (Val::Double(_), _) = (a, b) {
                return Err(Fault::error("no such overload"));
            }
            number(a, b, i64::checked_rem, u64::checked_rem, |a, _| a)
        }
        _ => Err(Fault::error(NO_OVERLOAD)),
    }
}

fn overflow() -> Fault {
    Fault::error("integer overflow")
}

fn zero(divisor: &Val<'_>, message: &str) -> Result<(), Fault> {
    match divisor {
        Val::Int(0) | Val::Uint(0) => Err(Fault::error(message)),
        _ => Ok(()),
    }
}

fn number<'a>(
    a: &Val<'_>,
    b: &Val<'_>,
    int: fn(i64, i64) -> Option<i64>,
    uint: fn(u64, u64) -> Option<u64>,
    double: fn(f64, f64) -> f64,
) -> Result<Val<'a>, Fault> {
    match (a, b) {
        (Val::Int(a), Val::Int(b)) => int(*a, *b).map(Val::Int).ok_or_else(overflow),
        (Val::Uint(a), Val::Uint(b)) => {
            uint(*a, *b).map(Val::Uint).ok_or_else(|| Fault::error("unsigned integer overflow"))
        }
        (Val::Double(a), Val::Double(b)) => Ok(Val::Double(double(*a, *b))),
        _ => Err(Fault::error("no such overload")),
    }
}

pub(super) fn add<'a>(a: &Val<'a>, b: &Val<'a>, meter: &mut Meter<'_>) -> Result<Val<'a>, Fault> {
    let timestamp = || Fault::error("timestamp overflow");
    match (a, b) {
        (Val::String(a), Val::String(b)) => {
            meter.work((a.len() + b.len()) as u64 / 8)?;
            Ok(Val::text([&**a, &**b].concat()))
        }
        (Val::Bytes(a), Val::Bytes(b)) => {
            meter.work((a.len() + b.len()) as u64 / 8)?;
            Ok(Val::bytes([&**a, &**b].concat()))
        }
        (Val::Duration(a), Val::Duration(b)) => duration(a.checked_add(*b)),
        (Val::Timestamp(a), Val::Duration(b)) | (Val::Duration(b), Val::Timestamp(a)) => {
            a.checked_add(*b).map(Val::Timestamp).ok_or_else(timestamp)
        }
        _ if a.is_list() && b.is_list() => joined(a, b, meter),
        _ => number(a, b, i64::checked_add, u64::checked_add, |a, b| a + b),
    }
}

fn duration<'a>(nanos: Option<i64>) -> Result<Val<'a>, Fault> {
    nanos
        .filter(|nanos| is_duration(nanos / 1_000_000_000))
        .map(Val::Duration)
        .ok_or_else(|| Fault::error("duration overflow"))
}

fn subtract<'a>(a: &Val<'_>, b: &Val<'_>) -> Result<Val<'a>, Fault> {
    match (a, b) {
        (Val::Duration(a), Val::Duration(b)) => duration(a.checked_sub(*b)),
        (Val::Timestamp(a), Val::Duration(b)) => {
            a.checked_sub(*b).map(Val::Timestamp).ok_or_else(|| Fault::error("timestamp overflow"))
        }
        (Val::Timestamp(a), Val::Timestamp(b)) => duration(a.since(*b)),
        _ => number(a, b, i64::checked_sub, u64::checked_sub, |a, b| a - b),
    }
}

/// `a + b` of lists. A set keeps what it has and takes in what is new; a map of objects replaces those
/// of the same key; anything else is one after the other.
fn joined<'a>(a: &Val<'a>, b: &Val<'a>, meter: &mut Meter<'_>) -> Result<Val<'a>, Fault> {
    let (left, right) = (a.size().unwrap_or(0) as u64, b.size().unwrap_or(0) as u64);
    meter.work(left + right)?;
    let decl = match a {
        Val::Tree(_, decl) => Some(*decl),
        Val::List(list) => list.decl,
        _ => None,
    };
    let mut items = a.items().collect::<Result<Vec<_>, _>>().map_err(Fault::error)?;
    match decl.map(|decl| &decl.kind) {
        Some(Kind::List(_, ListKind::Set)) => {
            for item in b.items() {
                let item = item.map_err(Fault::error)?;
                if !any_equal(&items, &item, meter)? {
                    items.push(item);
                }
            }
        }
        Some(Kind::List(_, ListKind::Map(keys))) => {
            let mut known =
                items.iter().map(|item| value::key_of(item, keys)).collect::<Result<Vec<_>, _>>()?;
            for item in b.items() {
                let item = item.map_err(Fault::error)?;
                let key = value::key_of(&item, keys)?;
                meter.work(known.len() as u64)?;
                match known.iter().position(|known| value::key_order(known, &key).is_eq()) {
                    Some(at) => items[at] = item,
                    None => {
                        known.push(key);
                        items.push(item);
                    }
                }
            }
        }
        _ => {
            for item in b.items() {
                items.push(item.map_err(Fault::error)?);
            }
        }
    }
    Ok(Val::List(Arc::new(List { items, decl })))
}

fn any_equal(items: &[Val<'_>], wanted: &Val<'_>, meter: &mut Meter<'_>) -> Result<bool, Fault> {
    for item in items {
        if equal(item, wanted, meter)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// `wanted in all`: an element of a list, a key of a map.
pub(super) fn contains(wanted: &Val<'_>, all: &Val<'_>, meter: &mut Meter<'_>) -> Result<bool, Fault> {
    if let Val::Tree(kcp_apimachinery::Value::Object(_), _) = all
        && !matches!(wanted, Val::String(_))
    {
        return Err(Fault::error("no such overload"));
    }
    if all.is_map() {
        return match (wanted, all) {
            (wanted, Val::Map(map)) => Ok(Key::lookup(wanted).is_some_and(|key| map.get(&key).is_some())),
            (wanted, tree) => Ok(tree.get(wanted).map_err(Fault::error)?.is_some()),
        };
    }
    if !all.is_list() {
        return Err(Fault::error("no such overload"));
    }
    let mut failed = None;
    for item in all.items() {
        match equal(&item.map_err(Fault::error)?, wanted, meter) {
            Ok(true) => return Ok(true),
            Ok(false) => {}
            Err(fault @ Fault::Error(_)) => failed = failed.or(Some(fault)),
            Err(stop) => return Err(stop),
        }
    }
    failed.map_or(Ok(false), Err)
}

//! Functions of numbers that the language offers and Kubernetes leaves out.

use super::{Op, Outcome, fail};
use crate::value::{Val, compare};
use std::cmp::Ordering;

pub(super) fn call<'a>(op: Op, args: &[Val<'a>]) -> Outcome<'a> {
    match op {
        Op::Greatest => return extreme(args, Ordering::Less),
        Op::Least => return extreme(args, Ordering::Greater),
        _ => {}
    }
    match args {
        [Val::Double(number)] => of_double(op, *number).map(Ok),
        [Val::Int(number)] => of_int(op, *number),
        [Val::Uint(number)] => of_uint(op, *number).map(Ok),
        [Val::Int(a), Val::Int(b)] => bits(op, a.cast_unsigned(), *b).map(|outcome| {
            outcome.map(|bits| Val::Int(bits.cast_signed())).map_err(crate::run::Fault::error)
        }),
        [Val::Uint(a), Val::Uint(b)] => bits(op, *a, b.cast_signed())
            .map(|outcome| outcome.map(Val::Uint).map_err(crate::run::Fault::error)),
        [Val::Uint(a), Val::Int(b)] => {
            bits(op, *a, *b).map(|outcome| outcome.map(Val::Uint).map_err(crate::run::Fault::error))
        }
        _ => None,
    }
}

fn extreme<'a>(args: &[Val<'a>], replaces: Ordering) -> Outcome<'a> {
    let items: Vec<Val<'a>> = match args {
        [list] if list.is_list() => list.items().flatten().collect(),
        _ => args.to_vec(),
    };
    let mut best: Option<Val<'a>> = None;
    for item in items {
        if !matches!(item, Val::Int(_) | Val::Uint(_) | Val::Double(_)) {
            return None;
        }
        let better = best.as_ref().is_none_or(|best| compare(best, &item) == Some(Ok(replaces)));
        if better {
            best = Some(item);
        }
    }
    match best {
        Some(best) => Some(Ok(best)),
        None => fail("math.@max(list) argument must not be empty"),
    }
}

fn of_double<'a>(op: Op, number: f64) -> Option<Val<'a>> {
    Some(match op {
        Op::Ceil => Val::Double(number.ceil()),
        Op::Floor => Val::Double(number.floor()),
        Op::Round => Val::Double(number.round()),
        Op::Trunc => Val::Double(number.trunc()),
        Op::Abs => Val::Double(number.abs()),
        Op::Sqrt => Val::Double(number.sqrt()),
        Op::SignOf if number == 0.0 || number.is_nan() => Val::Double(number),
        Op::SignOf => Val::Double(number.signum()),
        Op::IsNan => Val::Bool(number.is_nan()),
        Op::IsInf => Val::Bool(number.is_infinite()),
        Op::IsFinite => Val::Bool(number.is_finite()),
        _ => return None,
    })
}

fn of_int<'a>(op: Op, number: i64) -> Outcome<'a> {
    Some(Ok(match op {
        Op::Abs => match number.checked_abs() {
            Some(number) => Val::Int(number),
            None => return fail("integer overflow"),
        },
        Op::SignOf => Val::Int(number.signum()),
        Op::BitNot => Val::Int(!number),
        #[expect(clippy::cast_precision_loss, reason = "what the language does with it")]
        Op::Sqrt => Val::Double((number as f64).sqrt()),
        _ => return None,
    }))
}

fn of_uint<'a>(op: Op, number: u64) -> Option<Val<'a>> {
    Some(match op {
        Op::Abs => Val::Uint(number),
        Op::SignOf => Val::Uint(number.min(1)),
        Op::BitNot => Val::Uint(!number),
        #[expect(clippy::cast_precision_loss, reason = "what the language does with it")]
        Op::Sqrt => Val::Double((number as f64).sqrt()),
        _ => return None,
    })
}

fn bits(op: Op, a: u64, b: i64) -> Option<Result<u64, String>> {
    let other = b.cast_unsigned();
    Some(match op {
        Op::BitAnd => Ok(a & other),
        Op::BitOr => Ok(a | other),
        Op::BitXor => Ok(a ^ other),
        Op::ShiftLeft | Op::ShiftRight => match u32::try_from(b) {
            Ok(by) if op == Op::ShiftLeft => Ok(a.checked_shl(by).unwrap_or(0)),
            Ok(by) => Ok(a.checked_shr(by).unwrap_or(0)),
            Err(_) if b > 0 => Ok(0),
            Err(_) => Err(format!("math.bitShift() negative offset: {b}")),
        },
        _ => return None,
    })
}

//! What functions cost when they are called, in kube-apiserver's units.
//!
//! These numbers decide which requests are refused for being too expensive. They are facts: those of
//! Kubernetes 1.36 and of the version of cel-go that it uses.

use super::Op;
use crate::value::{OpaqueVal, Val};

/// Cost of looking up a variable or a member.
pub(crate) const NAME: u64 = 1;
/// Cost of making a list.
pub(crate) const LIST: u64 = 10;
/// Cost of making a map.
pub(crate) const MAP: u64 = 30;
/// Cost of making an object.
pub(crate) const OBJECT: u64 = 40;
/// Cost of looking at one character of a string.
pub(crate) const CHARACTER: f64 = 0.1;
/// Cost per character of a regular expression.
pub(crate) const REGEX: f64 = 0.25;
/// Cost of asking an authorizer.
pub(crate) const CHECK: u64 = 350_000;

fn size(value: &Val<'_>) -> u64 {
    value.size().map_or(1, |size| size as u64)
}

fn first(args: &[Val<'_>]) -> u64 {
    args.first().map_or(1, size)
}

fn second(args: &[Val<'_>]) -> u64 {
    args.get(1).map_or(1, size)
}

/// So much per unit, rounded up.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "sizes are far below 2^52"
)]
fn times(size: u64, factor: f64) -> u64 {
    (size as f64 * factor).ceil() as u64
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "sizes are far below 2^52"
)]
fn times_down(size: u64, factor: f64) -> u64 {
    (size as f64 * factor) as u64
}

/// Comparing two values for equality.
pub(crate) fn equality(left: &Val<'_>, right: &Val<'_>) -> u64 {
    if let Val::Opaque(_) = left {
        return 1;
    }
    times(size(left).min(size(right)), CHARACTER)
}

/// A call that means one overload.
pub(crate) fn call(op: Op, args: &[Val<'_>]) -> u64 {
    match op {
        Op::AuthCheck => CHECK,
        Op::StartsWith | Op::EndsWith => times(first(args), CHARACTER),
        Op::ToBytes if matches!(args, [Val::String(_)]) => times(first(args), CHARACTER),
        Op::ToString if matches!(args, [Val::Bytes(_)]) => times(first(args), CHARACTER),
        Op::Quote | Op::Format => times(first(args), CHARACTER),
        Op::In if args.get(1).is_some_and(Val::is_list) => second(args),
        Op::Less | Op::LessEquals | Op::Greater | Op::GreaterEquals
            if matches!(args, [Val::String(_) | Val::Bytes(_), _]) =>
        {
            times(first(args).min(second(args)), CHARACTER)
        }
        Op::Add if matches!(args, [Val::String(_) | Val::Bytes(_), _]) => {
            times(first(args) + second(args), CHARACTER)
        }
        Op::Matches => times(first(args) + 1, CHARACTER) * times(second(args), REGEX),
        Op::Contains => times(first(args), CHARACTER) * times(second(args), CHARACTER),
        Op::SetsContains | Op::SetsIntersects => 1 + first(args) * second(args),
        Op::SetsEquivalent => 1 + 2 * first(args) * second(args),
        Op::Reverse => 1 + LIST + first(args),
        Op::Flatten => {
            let depth = args.get(1).and_then(Val::as_int).and_then(|depth| u64::try_from(depth).ok());
            1 + LIST + first(args).saturating_mul(depth.unwrap_or(1))
        }
        Op::Distinct | Op::Sort => self_compare(args.first()),
        Op::SortBy => self_compare(args.get(1)),
        _ => unsure(op, args),
    }
}

fn self_compare(list: Option<&Val<'_>>) -> u64 {
    let Some(list) = list else { return 1 };
    let text = matches!(list.item(0), Some(Ok(Val::String(_) | Val::Bytes(_))));
    let size = size(list);
    1 + LIST + times_down(size.saturating_mul(size), if text { 2.0 + CHARACTER } else { 2.0 })
}

/// A call that may mean several overloads: what is charged by the function's name only.
pub(crate) fn unsure(op: Op, args: &[Val<'_>]) -> u64 {
    match op {
        Op::AuthCheck => CHECK,
        Op::AuthFieldSelector | Op::AuthLabelSelector => {
            let length = second(args);
            LIST + times(length, CHARACTER) + times(times(length, 0.5), 50.0)
        }
        Op::IsSorted
        | Op::SumInt
        | Op::SumUint
        | Op::SumDouble
        | Op::SumDuration
        | Op::Max
        | Op::Min
        | Op::IndexOf
        | Op::LastIndexOf => args.first().map_or(0, traversal),
        Op::ToUrl
        | Op::LowerAscii
        | Op::UpperAscii
        | Op::Substring
        | Op::Trim
        | Op::EscapeKey
        | Op::ToCidr
        | Op::IsIp
        | Op::IsCidr
        | Op::ToIp
        | Op::ToQuantity
        | Op::IsQuantity
        | Op::ToSemver
        | Op::IsSemver => times(first(args), CHARACTER),
        Op::Replace | Op::Split | Op::IpIsCanonical => times(first(args), 2.0 * CHARACTER),
        // Charged when the result is known.
        Op::Join | Op::Slice | Op::Range => 0,
        Op::Find | Op::FindAll => times(first(args) + 1, CHARACTER) * times(second(args), REGEX),
        Op::ContainsIp => times(2 * first(args), CHARACTER) + text(args),
        Op::ContainsCidr => {
            times(2 * first(args), CHARACTER) + times(first(args), CHARACTER) + 1 + text(args)
        }
        Op::FormatValidate => match args.first() {
            Some(Val::Opaque(value)) => match &**value {
                OpaqueVal::Format(format) => {
                    times(second(args) + 1, CHARACTER) * times(format.regex_size, REGEX)
                }
                _ => 1,
            },
            _ => 1,
        },
        _ => 1,
    }
}

/// An address that is given as text is read first.
fn text(args: &[Val<'_>]) -> u64 {
    match args.get(1) {
        Some(Val::String(_)) => times(second(args), CHARACTER),
        _ => 0,
    }
}

/// What is charged for the size of a result.
pub(crate) fn after(op: Op, result: &Val<'_>) -> u64 {
    match op {
        Op::Join => times(size(result), 2.0 * CHARACTER),
        Op::Slice | Op::Range => 1 + LIST + size(result),
        _ => 0,
    }
}

/// Looking at all of a value.
fn traversal(value: &Val<'_>) -> u64 {
    match value {
        Val::String(text) => times_down(text.len() as u64, CHARACTER),
        Val::Bytes(bytes) => times_down(bytes.len() as u64, CHARACTER),
        _ if value.is_list() => value.items().flatten().map(|item| traversal(&item)).sum(),
        _ if value.is_map() => {
            let member = |key: &Val<'_>| value.get(key).ok().flatten().map_or(0, |value| traversal(&value));
            value.keys().iter().map(|key| traversal(key) + member(key)).sum()
        }
        _ => 1,
    }
}

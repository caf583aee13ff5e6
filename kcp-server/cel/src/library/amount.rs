//! Quantities and versions.

use super::{Op, Outcome, fail};
use crate::value::{OpaqueVal, Val};
use kcp_apimachinery::{
    go,
    quantity::{Format, Quantity},
};
use semver::Version;
use std::cmp::Ordering;

pub(super) fn call<'a>(op: Op, args: &[Val<'a>]) -> Outcome<'a> {
    match (op, args) {
        (Op::ToQuantity, [Val::String(text)]) => match Quantity::parse(text) {
            Ok(quantity) => made(quantity),
            Err(error) => fail(error.to_string()),
        },
        (Op::IsQuantity, [Val::String(text)]) => Some(Ok(Val::Bool(Quantity::parse(text).is_ok()))),
        (Op::ToSemver, [Val::String(text), rest @ ..]) => match version(text, rest)? {
            Ok(version) => Some(Ok(Val::opaque(OpaqueVal::Semver(Box::new(version))))),
            Err(message) => fail(message),
        },
        (Op::IsSemver, [Val::String(text), rest @ ..]) => Some(Ok(Val::Bool(version(text, rest)?.is_ok()))),
        (op, [Val::Opaque(value), rest @ ..]) => match (&**value, rest) {
            (OpaqueVal::Quantity(quantity), []) => about_quantity(op, quantity),
            (OpaqueVal::Quantity(quantity), [Val::Int(number)]) => {
                summed(op, quantity, &Quantity::from_int(*number, Format::DecimalSi))
            }
            (OpaqueVal::Quantity(quantity), [Val::Opaque(other)]) => match &**other {
                OpaqueVal::Quantity(other) => {
                    ordered(op, quantity.cmp(other)).or_else(|| summed(op, quantity, other))
                }
                _ => None,
            },
            (OpaqueVal::Semver(version), []) => about_version(op, version),
            (OpaqueVal::Semver(version), [Val::Opaque(other)]) => match &**other {
                OpaqueVal::Semver(other) => ordered(op, version.cmp_precedence(other)),
                _ => None,
            },
            _ => None,
        },
        _ => None,
    }
}

fn made<'a>(quantity: Quantity) -> Outcome<'a> {
    Some(Ok(Val::opaque(OpaqueVal::Quantity(quantity))))
}

fn ordered<'a>(op: Op, order: Ordering) -> Outcome<'a> {
    Some(Ok(match op {
        Op::IsGreaterThan => Val::Bool(order.is_gt()),
        Op::IsLessThan => Val::Bool(order.is_lt()),
        Op::CompareTo => Val::Int(order as i64),
        _ => return None,
    }))
}

fn summed<'a>(op: Op, quantity: &Quantity, other: &Quantity) -> Outcome<'a> {
    let sum = match op {
        Op::QuantityAdd => quantity.checked_add(other),
        Op::QuantitySub => quantity.checked_sub(other),
        _ => return None,
    };
    match sum {
        Some(sum) => made(sum),
        None => fail("quantity overflow"),
    }
}

fn about_quantity<'a>(op: Op, quantity: &Quantity) -> Outcome<'a> {
    Some(Ok(match op {
        Op::QuantitySign => Val::Int(i64::from(quantity.sign())),
        Op::QuantityFloat => Val::Double(quantity.as_f64()),
        Op::QuantityIsInteger => Val::Bool(quantity.as_i64().is_some()),
        Op::QuantityInteger => match quantity.as_i64() {
            Some(number) => Val::Int(number),
            None => return fail("cannot convert value to integer"),
        },
        _ => return None,
    }))
}

fn about_version<'a>(op: Op, version: &Version) -> Outcome<'a> {
    let part = match op {
        Op::SemverMajor => version.major,
        Op::SemverMinor => version.minor,
        Op::SemverPatch => version.patch,
        _ => return None,
    };
    Some(Ok(Val::Int(i64::try_from(part).unwrap_or(i64::MAX))))
}

/// Reads a version; with `true` after it, one that is not quite: `v01.0`.
fn version(text: &str, rest: &[Val<'_>]) -> Option<Result<Version, String>> {
    let normal = match rest {
        [] | [Val::Bool(false)] => return Some(strict(text)),
        [Val::Bool(true)] => text.strip_prefix('v').unwrap_or(text),
        _ => return None,
    };
    let mut parts: Vec<String> = normal.splitn(3, '.').map(without_zeros).collect();
    if parts.len() < 3 {
        if parts.last().is_some_and(|last| last.contains(['+', '-'])) {
            return Some(Err("short version cannot contain PreRelease/Build meta data".to_owned()));
        }
        parts.resize(3, "0".to_owned());
    }
    Some(strict(&parts.join(".")))
}

fn without_zeros(part: &str) -> String {
    let bare = part.trim_start_matches('0');
    if part.len() <= 1 {
        part.to_owned()
    } else if bare.starts_with(|c: char| c.is_ascii_digit()) {
        bare.to_owned()
    } else {
        format!("0{bare}")
    }
}

fn strict(text: &str) -> Result<Version, String> {
    if text.is_empty() {
        return Err("Version string empty".to_owned());
    }
    let parts: Vec<&str> = text.splitn(3, '.').collect();
    if parts.len() != 3 {
        return Err("No Major.Minor.Patch elements found".to_owned());
    }
    for (name, part) in ["major", "minor"].into_iter().zip(&parts) {
        if !part.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(format!("Invalid character(s) found in {name} number {}", go::quote(part)));
        }
        if part.len() > 1 && part.starts_with('0') {
            let name = if name == "major" { "Major" } else { "Minor" };
            return Err(format!("{name} number must not contain leading zeroes {}", go::quote(part)));
        }
    }
    Version::parse(text).map_err(|error| error.to_string())
}

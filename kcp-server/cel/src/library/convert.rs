use super::{Op, Outcome, fail};
use crate::{
    run::{Fault, Meter},
    time::{Timestamp, duration_text, is_duration, parse_duration},
    value::{OpaqueVal, Val, type_name},
};
use std::sync::Arc;

const TWO_TO_63: f64 = 9_223_372_036_854_775_808.0;
const TWO_TO_64: f64 = 18_446_744_073_709_551_616.0;

pub(super) fn call<'a>(op: Op, args: &[Val<'a>], meter: &mut Meter<'_>) -> Outcome<'a> {
    let [value] = args else { return None };
    match op {
        Op::ToDyn => Some(Ok(value.clone())),
        Op::TypeOf => Some(Ok(Val::Type(Arc::new(value.run_type())))),
        Op::ToBool => to_bool(value),
        Op::ToBytes => to_bytes(value, meter),
        Op::ToDouble => to_double(value),
        Op::ToDuration => to_duration(value),
        Op::ToInt => to_int(value),
        Op::ToString => to_string(value),
        Op::ToTimestamp => to_timestamp(value),
        Op::ToUint => to_uint(value),
        _ => None,
    }
}

fn conversion<'a>(value: &str, to: &str) -> Outcome<'a> {
    fail(format!("type conversion error from {value} to '{to}'"))
}

fn to_bool<'a>(value: &Val<'a>) -> Outcome<'a> {
    match value {
        Val::Bool(_) => Some(Ok(value.clone())),
        Val::String(text) => match &**text {
            "1" | "t" | "T" | "TRUE" | "true" | "True" => Some(Ok(Val::Bool(true))),
            "0" | "f" | "F" | "FALSE" | "false" | "False" => Some(Ok(Val::Bool(false))),
            _ => conversion("'string'", "bool"),
        },
        _ => None,
    }
}

fn to_bytes<'a>(value: &Val<'a>, meter: &mut Meter<'_>) -> Outcome<'a> {
    match value {
        Val::Bytes(_) => Some(Ok(value.clone())),
        Val::String(text) => Some(meter.work(text.len() as u64 / 8).map(|()| Val::bytes(text.as_bytes()))),
        _ => None,
    }
}

fn to_double<'a>(value: &Val<'a>) -> Outcome<'a> {
    #[expect(clippy::cast_precision_loss, reason = "what the language does with it")]
    match value {
        Val::Double(_) => Some(Ok(value.clone())),
        Val::Int(number) => Some(Ok(Val::Double(*number as f64))),
        Val::Uint(number) => Some(Ok(Val::Double(*number as f64))),
        Val::String(text) => match float(text) {
            Some(number) => Some(Ok(Val::Double(number))),
            None => conversion("'string'", "double"),
        },
        _ => None,
    }
}

/// A number as Go reads it. Beyond the largest there is none.
fn float(text: &str) -> Option<f64> {
    if text.is_empty() || text.starts_with(char::is_whitespace) {
        return None;
    }
    let number: f64 = text.parse().ok()?;
    (number.is_finite() || !text.bytes().any(|byte| byte.is_ascii_digit())).then_some(number)
}

fn to_duration<'a>(value: &Val<'a>) -> Outcome<'a> {
    match value {
        Val::Duration(_) => Some(Ok(value.clone())),
        Val::Int(nanos) => Some(Ok(Val::Duration(*nanos))),
        Val::String(text) => match parse_duration(text) {
            Ok(nanos) if is_duration(nanos / 1_000_000_000) => Some(Ok(Val::Duration(nanos))),
            _ => conversion("'string'", "google.protobuf.Duration"),
        },
        _ => None,
    }
}

fn to_int<'a>(value: &Val<'a>) -> Outcome<'a> {
    #[expect(clippy::cast_possible_truncation, reason = "checked to fit")]
    match value {
        Val::Int(_) => Some(Ok(value.clone())),
        Val::Uint(number) => {
            Some(i64::try_from(*number).map(Val::Int).map_err(|_| Fault::error("integer overflow")))
        }
        Val::Double(number) if *number > -TWO_TO_63 && *number < TWO_TO_63 => {
            Some(Ok(Val::Int(number.trunc() as i64)))
        }
        Val::Double(_) => fail("integer overflow"),
        Val::Duration(nanos) => Some(Ok(Val::Int(*nanos))),
        Val::Timestamp(at) => Some(Ok(Val::Int(at.seconds))),
        Val::String(text) => match text.parse() {
            Ok(number) => Some(Ok(Val::Int(number))),
            Err(_) => conversion("'string'", "int"),
        },
        _ => None,
    }
}

fn to_uint<'a>(value: &Val<'a>) -> Outcome<'a> {
    let overflow = "unsigned integer overflow";
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to fit")]
    match value {
        Val::Uint(_) => Some(Ok(value.clone())),
        Val::Int(number) => Some(u64::try_from(*number).map(Val::Uint).map_err(|_| Fault::error(overflow))),
        Val::Double(number) if *number >= 0.0 && *number < TWO_TO_64 => {
            Some(Ok(Val::Uint(number.trunc() as u64)))
        }
        Val::Double(_) => fail(overflow),
        Val::String(text) => match text.parse() {
            Ok(number) if !text.starts_with('+') => Some(Ok(Val::Uint(number))),
            _ => conversion("'string'", "uint"),
        },
        _ => None,
    }
}

fn to_timestamp<'a>(value: &Val<'a>) -> Outcome<'a> {
    match value {
        Val::Timestamp(_) => Some(Ok(value.clone())),
        Val::Int(seconds) => match Timestamp::new(*seconds, 0) {
            Some(at) => Some(Ok(Val::Timestamp(at))),
            None => fail("timestamp overflow"),
        },
        Val::String(text) => match Timestamp::parse(text) {
            Ok(at) => Some(Ok(Val::Timestamp(at))),
            Err(_) => conversion("'string'", "google.protobuf.Timestamp"),
        },
        _ => None,
    }
}

fn to_string<'a>(value: &Val<'a>) -> Outcome<'a> {
    if let Val::String(_) = value {
        return Some(Ok(value.clone()));
    }
    match as_string(value)? {
        Ok(text) => Some(Ok(Val::text(text))),
        Err(message) => fail(message),
    }
}

/// The text of a value that has one.
pub(super) fn as_string(value: &Val<'_>) -> Option<Result<String, String>> {
    Some(Ok(match value {
        Val::String(text) => text.to_string(),
        Val::Bool(truth) => truth.to_string(),
        Val::Int(number) => number.to_string(),
        Val::Uint(number) => number.to_string(),
        Val::Double(number) => double(*number),
        Val::Bytes(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) => text.to_owned(),
            Err(_) => return Some(Err("invalid UTF-8 in bytes, cannot convert to string".to_owned())),
        },
        Val::Duration(nanos) => duration_text(*nanos),
        Val::Timestamp(at) => at.to_string(),
        Val::Type(of) => type_name(of),
        Val::Opaque(value) => match &**value {
            OpaqueVal::Ip(address) => address.to_string(),
            OpaqueVal::Cidr(network) => network.to_string(),
            _ => return None,
        },
        _ => return None,
    }))
}

/// A number as Go's `%g` prints it: shortest digits, an exponent for very large and very small ones.
pub(super) fn double(number: f64) -> String {
    if number.is_nan() {
        return "NaN".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { "+Inf".to_owned() } else { "-Inf".to_owned() };
    }
    let size = number.abs();
    if size == 0.0 || (1e-4..1e21).contains(&size) {
        return number.to_string();
    }
    let text = format!("{number:e}");
    let Some((digits, exponent)) = text.split_once('e') else { return text };
    let (sign, exponent) = exponent.strip_prefix('-').map_or(('+', exponent), |exponent| ('-', exponent));
    format!("{digits}e{sign}{exponent:0>2}")
}

/// A value as messages show it.
pub(crate) fn shown(value: &Val<'_>) -> String {
    match as_string(value) {
        Some(Ok(text)) => text,
        _ => value.type_name(),
    }
}

/// A value as tests show it: as it would be written.
#[cfg(test)]
pub(crate) fn debug(value: &Val<'_>) -> String {
    match value {
        Val::Null => "null".to_owned(),
        Val::String(text) => format!("{:?}", &**text),
        Val::Uint(number) => format!("{number}u"),
        Val::Double(number) => format!("{number:?}"),
        Val::Bytes(bytes) => format!("b{:?}", String::from_utf8_lossy(bytes)),
        Val::Duration(_) => format!("duration({})", shown(value)),
        Val::Timestamp(_) => format!("timestamp({})", shown(value)),
        Val::Optional(None) => "none".to_owned(),
        Val::Optional(Some(inner)) => format!("some({})", debug(inner)),
        Val::Opaque(opaque) => format!("{opaque:?}"),
        _ if value.is_list() => {
            let items: Vec<String> =
                value.items().map(|item| item.map_or_else(|e| e, |item| debug(&item))).collect();
            format!("[{}]", items.join(", "))
        }
        _ if value.is_map() => {
            let members: Vec<String> = value
                .keys()
                .iter()
                .map(|key| {
                    let member = value.get(key).map(Option::unwrap_or_default);
                    format!("{}: {}", debug(key), member.map_or_else(|e| e, |member| debug(&member)))
                })
                .collect();
            format!("{{{}}}", members.join(", "))
        }
        _ => shown(value),
    }
}

//! `'%s has %d'.format([name, count])`

use super::convert;
use crate::{
    run::{Fault, Meter},
    types::Type,
    value::{Text, Val, type_name},
};
use kcp_apimachinery::go;
use std::fmt::Write as _;

/// Digits after the point when none are asked for.
const PRECISION: usize = 6;
/// Most digits after the point that can be asked for.
const MAX_PRECISION: usize = 1_000;

/// One place where a value goes: its letter and the digits asked for.
type Verb = (char, Option<usize>);

pub(super) fn format(pattern: &str, args: &Val<'_>, meter: &mut Meter<'_>) -> Result<String, Fault> {
    let mut out = String::with_capacity(pattern.len());
    let mut rest = pattern;
    let mut used = 0;
    while let Some(at) = rest.find('%') {
        out.push_str(&rest[..at]);
        let (verb, after) = verb(&rest[at + 1..]).map_err(Fault::error)?;
        rest = after;
        let Some((letter, precision)) = verb else {
            out.push('%');
            continue;
        };
        let Some(arg) = args.item(used) else {
            return Err(Fault::error(format!("index {used} out of range")));
        };
        used += 1;
        let written = clause(letter, precision, &arg.map_err(Fault::error)?, meter);
        out.push_str(&written.map_err(|fault| match fault {
            Fault::Error(inner) => Fault::error(format!("error during formatting: {}", inner.0)),
            stop => stop,
        })?);
    }
    out.push_str(rest);
    Ok(out)
}

/// All places where values go.
pub(crate) fn verbs(pattern: &str) -> Result<Vec<char>, String> {
    let mut found = Vec::new();
    let mut rest = pattern;
    while let Some(at) = rest.find('%') {
        let (verb, after) = verb(&rest[at + 1..])?;
        found.extend(verb.map(|(letter, _)| letter));
        rest = after;
    }
    Ok(found)
}

/// What follows a percent sign; nothing if it is another one.
fn verb(text: &str) -> Result<(Option<Verb>, &str), String> {
    if let Some(after) = text.strip_prefix('%') {
        return Ok((None, after));
    }
    let (precision, after) = precision(text)?;
    match after.chars().next() {
        None => Err("unexpected end of string".to_owned()),
        Some(letter) if "sdfebxXo".contains(letter) => {
            Ok((Some((letter, precision)), &after[letter.len_utf8()..]))
        }
        Some(letter) => {
            Err(format!("could not parse formatting clause: unrecognized formatting clause \"{letter}\""))
        }
    }
}

/// Whether a value of a type can be written by a verb.
pub(crate) fn takes(letter: char, of: &Type) -> Result<(), String> {
    let fits = match letter {
        'd' | 'o' => matches!(of, Type::Int | Type::Uint),
        'f' | 'e' => matches!(of, Type::Double | Type::String),
        'b' => matches!(of, Type::Int | Type::Uint | Type::Bool),
        'x' | 'X' => matches!(of, Type::Int | Type::Uint | Type::String | Type::Bytes),
        _ => !matches!(of, Type::Object(_) | Type::Optional(_) | Type::Opaque(_) | Type::Error),
    };
    if fits || of.is_dyn() { Ok(()) } else { Err(only_for(letter, &type_name(of))) }
}

fn only_for(letter: char, of: &str) -> String {
    let what = match letter {
        'd' => "decimal clause can only be used on integers",
        'f' => "fixed-point clause can only be used on doubles",
        'e' => "scientific clause can only be used on doubles",
        'b' => "only integers and bools can be formatted as binary",
        'o' => "octal clause can only be used on integers",
        'x' | 'X' => "only integers, byte buffers, and strings can be formatted as hex",
        _ => {
            "string clause can only be used on strings, bools, bytes, ints, doubles, maps, lists, types, \
             durations, and timestamps"
        }
    };
    format!("{what}, was given {of}")
}

/// `.3` before a verb.
fn precision(text: &str) -> Result<(Option<usize>, &str), String> {
    let Some(digits) = text.strip_prefix('.') else { return Ok((None, text)) };
    let length = digits.bytes().take_while(u8::is_ascii_digit).count();
    match digits[..length].parse() {
        Ok(precision) if precision <= MAX_PRECISION => Ok((Some(precision), &digits[length..])),
        _ => Err(format!("error while parsing precision: {}", &digits[..length])),
    }
}

fn clause(
    verb: char,
    precision: Option<usize>,
    arg: &Val<'_>,
    meter: &mut Meter<'_>,
) -> Result<String, Fault> {
    let refused = || Err(Fault::error(only_for(verb, &arg.type_name())));
    match verb {
        's' => string(arg, meter),
        'd' => match arg {
            Val::Int(number) => Ok(number.to_string()),
            Val::Uint(number) => Ok(number.to_string()),
            _ => refused(),
        },
        'f' => match floating(arg) {
            Some(number) => Ok(fixed(number, precision.unwrap_or(PRECISION))),
            None => refused(),
        },
        'e' => match floating(arg) {
            Some(number) => Ok(scientific(number, precision.unwrap_or(PRECISION))),
            None => refused(),
        },
        'b' => match arg {
            Val::Int(number) => Ok(signed(*number, |size| format!("{size:b}"))),
            Val::Uint(number) => Ok(format!("{number:b}")),
            Val::Bool(truth) => Ok(u8::from(*truth).to_string()),
            _ => refused(),
        },
        'o' => match arg {
            Val::Int(number) => Ok(signed(*number, |size| format!("{size:o}"))),
            Val::Uint(number) => Ok(format!("{number:o}")),
            _ => refused(),
        },
        'x' | 'X' => {
            let text = match arg {
                Val::Int(number) => signed(*number, |size| format!("{size:x}")),
                Val::Uint(number) => format!("{number:x}"),
                Val::String(text) => hex(text.as_bytes()),
                Val::Bytes(bytes) => hex(bytes),
                _ => return refused(),
            };
            Ok(if verb == 'X' { text.to_uppercase() } else { text })
        }
        _ => refused(),
    }
}

fn signed(number: i64, digits: impl Fn(u64) -> String) -> String {
    format!("{}{}", if number < 0 { "-" } else { "" }, digits(number.unsigned_abs()))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut out, byte| {
        // Writing to a string does not fail.
        let _ = write!(out, "{byte:02x}");
        out
    })
}

/// The number of a clause that is for doubles only.
fn floating(arg: &Val<'_>) -> Option<f64> {
    match arg {
        Val::Double(number) => Some(*number),
        Val::String(text) => match &**text {
            "NaN" => Some(f64::NAN),
            "Infinity" => Some(f64::INFINITY),
            "-Infinity" => Some(f64::NEG_INFINITY),
            _ => None,
        },
        _ => None,
    }
}

fn special(number: f64) -> Option<&'static str> {
    if number.is_nan() {
        Some("NaN")
    } else if number.is_infinite() {
        Some(if number > 0.0 { "∞" } else { "-∞" })
    } else {
        None
    }
}

/// With commas between thousands, as English writes it.
fn fixed(number: f64, precision: usize) -> String {
    if let Some(text) = special(number) {
        return text.to_owned();
    }
    let text = format!("{number:.precision$}");
    let (sign, digits) = text.strip_prefix('-').map_or(("", &*text), |digits| ("-", digits));
    let (whole, rest) = digits.find('.').map_or((digits, ""), |point| digits.split_at(point));
    let mut out = String::from(sign);
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index) % 3 == 0 {
            out.push(',');
        }
        out.push(digit);
    }
    out + rest
}

/// `1.5 × 10⁰³`, as Go's locale package writes it.
fn scientific(number: f64, precision: usize) -> String {
    if let Some(text) = special(number) {
        return text.to_owned();
    }
    let text = format!("{number:.precision$e}");
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let (sign, size) = exponent.strip_prefix('-').map_or(("", exponent), |size| ("⁻", size));
    let raised: String = format!("{size:0>2}").chars().map(superscript).collect();
    format!("{digits}\u{202f}×\u{202f}10{sign}{raised}")
}

fn superscript(digit: char) -> char {
    match digit {
        '1' => '¹',
        '2' => '²',
        '3' => '³',
        digit => digit.to_digit(10).and_then(|digit| char::from_u32(0x2070 + digit)).unwrap_or(digit),
    }
}

fn string(arg: &Val<'_>, meter: &mut Meter<'_>) -> Result<String, Fault> {
    meter.work(1)?;
    match arg {
        Val::Null => Ok("null".to_owned()),
        Val::Double(number) if number.is_infinite() => {
            Ok(if *number > 0.0 { "Infinity" } else { "-Infinity" }.to_owned())
        }
        _ if arg.is_list() => list(arg, meter),
        _ if arg.is_map() => map(arg, meter),
        Val::Opaque(_) | Val::Optional(_) => Err(refused(arg)),
        _ => match convert::as_string(arg) {
            Some(text) => {
                let text = text.map_err(Fault::error)?;
                meter.work(text.len() as u64 / 8)?;
                Ok(text)
            }
            None => Err(refused(arg)),
        },
    }
}

fn refused(arg: &Val<'_>) -> Fault {
    Fault::error(only_for('s', &arg.type_name()))
}

fn list(arg: &Val<'_>, meter: &mut Meter<'_>) -> Result<String, Fault> {
    let mut out = String::from("[");
    for (index, item) in arg.items().enumerate() {
        if index > 0 {
            out.push_str(", ");
        }
        out.push_str(&nested(&item.map_err(Fault::error)?, meter)?);
    }
    out.push(']');
    Ok(out)
}

fn map(arg: &Val<'_>, meter: &mut Meter<'_>) -> Result<String, Fault> {
    let mut members = Vec::new();
    for key in arg.keys() {
        let value = arg.get(&key).map_err(Fault::error)?.unwrap_or_default();
        members.push(format!("{}:{}", nested(&key, meter)?, nested(&value, meter)?));
    }
    members.sort();
    Ok(format!("{{{}}}", members.join(", ")))
}

/// A value within a list or a map.
fn nested(arg: &Val<'_>, meter: &mut Meter<'_>) -> Result<String, Fault> {
    Ok(match arg {
        Val::String(text) => quoted(text),
        Val::Bytes(bytes) => format!("b{}", go::quote(&String::from_utf8_lossy(bytes))),
        Val::Timestamp(at) => format!("timestamp({})", go::quote(&at.to_string())),
        Val::Duration(_) => format!("duration({})", go::quote(&string(arg, meter)?)),
        Val::Double(number) if number.is_nan() => "\"NaN\"".to_owned(),
        Val::Double(number) if number.is_infinite() => {
            if *number > 0.0 { "\"+Inf\"" } else { "\"-Inf\"" }.to_owned()
        }
        Val::Double(number) => format!("{number:.PRECISION$}"),
        _ => string(arg, meter)?,
    })
}

fn quoted(text: &Text<'_>) -> String {
    go::quote(text)
}

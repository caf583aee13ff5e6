//! Functions of strings. Positions count characters.

use super::{Op, Outcome, convert, fail, format};
use crate::{
    go_regex,
    run::{Fault, Meter},
    value::Val,
};
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, STANDARD_NO_PAD},
};

pub(super) fn call<'a>(op: Op, args: &[Val<'a>], meter: &mut Meter<'_>) -> Outcome<'a> {
    match (op, args) {
        (Op::Base64Encode, [Val::Bytes(bytes)]) => return Some(Ok(Val::text(STANDARD.encode(bytes)))),
        (Op::Base64Decode, [Val::String(text)]) => {
            let decoded = STANDARD.decode(&**text).or_else(|_| STANDARD_NO_PAD.decode(&**text));
            return Some(decoded.map(Val::bytes).map_err(|error| Fault::error(error.to_string())));
        }
        (Op::Join, [list]) => return Some(join(list, "", meter)),
        (Op::Join, [list, Val::String(separator)]) => return Some(join(list, separator, meter)),
        (Op::Format, [Val::String(pattern), args]) if args.is_list() => {
            return Some(format::format(pattern, args, meter).map(Val::text));
        }
        _ => {}
    }
    let [Val::String(text), rest @ ..] = args else { return None };
    // All of them look at the whole text at most a few times.
    if let Err(stop) = meter.work(1 + text.len() as u64 / 4) {
        return Some(Err(stop));
    }
    let truth = |truth| Some(Ok(Val::Bool(truth)));
    match (op, rest) {
        (Op::Contains, [Val::String(part)]) => truth(text.contains(&**part)),
        (Op::StartsWith, [Val::String(part)]) => truth(text.starts_with(&**part)),
        (Op::EndsWith, [Val::String(part)]) => truth(text.ends_with(&**part)),
        (Op::Matches, [Val::String(pattern)]) => Some(matches(text, pattern, meter)),
        (Op::Find, [Val::String(pattern)]) => Some(find(text, pattern, meter)),
        (Op::FindAll, [Val::String(pattern)]) => Some(find_all(text, pattern, -1, meter)),
        (Op::FindAll, [Val::String(pattern), Val::Int(most)]) => Some(find_all(text, pattern, *most, meter)),
        (Op::CharAt, [Val::Int(at)]) => Some(char_at(text, *at)),
        (Op::IndexOf, [Val::String(part)]) => Some(index_of(text, part, 0)),
        (Op::IndexOf, [Val::String(part), Val::Int(from)]) => Some(index_of(text, part, *from)),
        (Op::LastIndexOf, [Val::String(part)]) => Some(last_index_of(text, part, None)),
        (Op::LastIndexOf, [Val::String(part), Val::Int(from)]) => {
            Some(last_index_of(text, part, Some(*from)))
        }
        (Op::LowerAscii, []) => Some(Ok(Val::text(text.to_ascii_lowercase()))),
        (Op::UpperAscii, []) => Some(Ok(Val::text(text.to_ascii_uppercase()))),
        (Op::Trim, []) => Some(Ok(Val::text(text.trim_matches(is_space)))),
        (Op::Reverse, []) => Some(Ok(Val::text(text.chars().rev().collect::<String>()))),
        (Op::Quote, []) => Some(Ok(Val::text(quote(text)))),
        (Op::EscapeKey, []) => Some(Ok(Val::text(text.replace('~', "~0").replace('/', "~1")))),
        (Op::Replace, [Val::String(old), Val::String(new)]) => Some(replace(text, old, new, -1, meter)),
        (Op::Replace, [Val::String(old), Val::String(new), Val::Int(most)]) => {
            Some(replace(text, old, new, *most, meter))
        }
        (Op::Split, [Val::String(by)]) => Some(split(text, by, -1, meter)),
        (Op::Split, [Val::String(by), Val::Int(most)]) => Some(split(text, by, *most, meter)),
        (Op::Substring, [Val::Int(start)]) => {
            Some(position(text, *start).map(|start| Val::text(&text[start..])))
        }
        (Op::Substring, [Val::Int(start), Val::Int(end)]) => Some(substring(text, *start, *end)),
        _ => None,
    }
}

/// White space of Unicode, as Go has it.
fn is_space(c: char) -> bool {
    c.is_whitespace()
}

fn out_of_range(at: i64) -> Fault {
    Fault::error(format!("index out of range: {at}"))
}

/// The offset in bytes of a character, which may be the one after the last.
fn position(text: &str, at: i64) -> Result<usize, Fault> {
    let wanted = usize::try_from(at).map_err(|_| out_of_range(at))?;
    let mut positions = text.char_indices().map(|(offset, _)| offset).chain([text.len()]);
    positions.nth(wanted).ok_or_else(|| out_of_range(at))
}

fn char_at<'a>(text: &str, at: i64) -> Result<Val<'a>, Fault> {
    let start = position(text, at)?;
    Ok(Val::text(text[start..].chars().next().map_or_else(String::new, String::from)))
}

fn substring<'a>(text: &str, start: i64, end: i64) -> Result<Val<'a>, Fault> {
    if start > end {
        return Err(Fault::error(format!("invalid substring range. start: {start}, end: {end}")));
    }
    let (start, end) = (position(text, start)?, position(text, end)?);
    Ok(Val::text(&text[start..end]))
}

fn count(text: &str) -> i64 {
    i64::try_from(text.chars().count()).unwrap_or(i64::MAX)
}

fn index_of<'a>(text: &str, part: &str, from: i64) -> Result<Val<'a>, Fault> {
    if part.is_empty() {
        return Ok(Val::Int(from));
    }
    if from < 0 {
        return Err(out_of_range(from));
    }
    let Ok(start) = position(text, from) else { return Ok(Val::Int(-1)) };
    let found = text[start..].find(part).map(|at| from + count(&text[start..start + at]));
    Ok(Val::Int(found.unwrap_or(-1)))
}

/// The last place at or before a position.
fn last_index_of<'a>(text: &str, part: &str, from: Option<i64>) -> Result<Val<'a>, Fault> {
    if part.is_empty() {
        return Ok(Val::Int(from.unwrap_or_else(|| count(text))));
    }
    let end = match from {
        None => text.len(),
        Some(from) if from < 0 => return Err(out_of_range(from)),
        Some(from) => match position(text, from) {
            Ok(start) if start < text.len() => {
                // What ends within a character is no match.
                text.floor_char_boundary(start + part.len())
            }
            _ => return Ok(Val::Int(-1)),
        },
    };
    Ok(Val::Int(text[..end].rfind(part).map_or(-1, |at| count(&text[..at]))))
}

fn replace<'a>(text: &str, old: &str, new: &str, most: i64, meter: &mut Meter<'_>) -> Result<Val<'a>, Fault> {
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    let found = if old.is_empty() { text.chars().count() + 1 } else { text.matches(old).count() };
    // The result can be much longer than the text.
    meter.work(found.min(most) as u64 * (1 + new.len() as u64 / 8))?;
    Ok(Val::text(text.replacen(old, new, most)))
}

fn split<'a>(text: &str, by: &str, most: i64, meter: &mut Meter<'_>) -> Result<Val<'a>, Fault> {
    if most == 0 {
        return Ok(Val::list(Vec::new()));
    }
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    meter.work(text.len() as u64)?;
    let parts: Vec<&str> = if by.is_empty() {
        let mut parts: Vec<&str> = text.split("").skip(1).collect();
        parts.pop();
        if parts.len() > most {
            let kept: usize = parts[..most - 1].iter().map(|part| part.len()).sum();
            parts.truncate(most - 1);
            parts.push(&text[kept..]);
        }
        parts
    } else {
        text.splitn(most, by).collect()
    };
    Ok(Val::list(parts.into_iter().map(Val::text).collect()))
}

fn join<'a>(list: &Val<'a>, separator: &str, meter: &mut Meter<'_>) -> Result<Val<'a>, Fault> {
    if !list.is_list() {
        return Err(Fault::error(super::NO_OVERLOAD));
    }
    let mut out = String::new();
    for (index, item) in list.items().enumerate() {
        let item = item.map_err(Fault::error)?;
        let Val::String(text) = &item else {
            return Err(Fault::error(format!("join: invalid input: {}", convert::shown(&item))));
        };
        if index > 0 {
            out.push_str(separator);
        }
        meter.work(1 + (text.len() + separator.len()) as u64 / 8)?;
        out.push_str(text);
    }
    Ok(Val::text(out))
}

/// Looking for an expression in a text costs at most this much work.
fn search(text: &str, pattern: &str, meter: &mut Meter<'_>) -> Result<(), Fault> {
    meter.work((1 + text.len() as u64 / 16) * (1 + pattern.len() as u64 / 16))
}

fn matches<'a>(text: &str, pattern: &str, meter: &mut Meter<'_>) -> Result<Val<'a>, Fault> {
    search(text, pattern, meter)?;
    go_regex::is_match(pattern, text).map(Val::Bool).map_err(|error| Fault::error(error.to_string()))
}

fn illegal(error: &go_regex::InvalidRegex) -> Fault {
    Fault::error(format!("Illegal regex: {error}"))
}

fn find<'a>(text: &str, pattern: &str, meter: &mut Meter<'_>) -> Result<Val<'a>, Fault> {
    search(text, pattern, meter)?;
    let found = go_regex::find(pattern, text).map_err(|error| illegal(&error))?;
    Ok(Val::text(found.map_or("", |found| &text[found])))
}

fn find_all<'a>(text: &str, pattern: &str, most: i64, meter: &mut Meter<'_>) -> Result<Val<'a>, Fault> {
    search(text, pattern, meter)?;
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    meter.work(most.min(text.len()) as u64)?;
    let found = go_regex::find_all(pattern, text, most).map_err(|error| illegal(&error))?;
    Ok(Val::list(found.into_iter().map(|found| Val::text(&text[found])).collect()))
}

fn quote(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '\u{7}' => out.push_str("\\a"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{b}' => out.push_str("\\v"),
            '\\' => out.push_str("\\\\"),
            '"' => out.push_str("\\\""),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// Says that a function was called with nothing to choose from.
pub(super) fn empty<'a>(function: &str) -> Outcome<'a> {
    fail(format!("{function} called on empty list"))
}

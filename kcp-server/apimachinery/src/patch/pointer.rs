//! Where a JSON patch points, with the indices and messages of the library that Kubernetes uses.

use crate::Value;
use std::borrow::Cow;

/// The container a pointer's last part is in, and that part. `None` if a step before it is missing.
///
/// What stands before the first slash is ignored, as it is in Kubernetes.
pub(super) fn find<'t, 'p>(tree: &'t mut Value, pointer: &'p str) -> Option<(&'t mut Value, Cow<'p, str>)> {
    let mut parts = pointer.split('/').skip(1).map(unescape).peekable();
    let mut at = tree;
    loop {
        let part = parts.next()?;
        if parts.peek().is_none() {
            return matches!(at, Value::Object(_) | Value::Array(_)).then_some((at, part));
        }
        at = match at {
            Value::Object(map) => map.get_mut(&part)?,
            Value::Array(items) => {
                let index = existing(items.len(), &part).ok()?;
                &mut items[index]
            }
            Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::String(_) => return None,
        };
    }
}

/// How many steps a pointer takes.
pub(super) fn depth(pointer: &str) -> usize {
    pointer.matches('/').count()
}

/// `~1` is a slash and `~0` a tilde.
fn unescape(part: &str) -> Cow<'_, str> {
    if !part.contains('~') {
        return part.into();
    }
    let mut out = String::with_capacity(part.len());
    let mut rest = part;
    while let Some(at) = rest.find('~') {
        out.push_str(&rest[..at]);
        let tail = &rest[at + 1..];
        let (character, skip) = match tail.as_bytes().first() {
            Some(b'1') => ('/', 1),
            Some(b'0') => ('~', 1),
            _ => ('~', 0),
        };
        out.push(character);
        rest = &tail[skip..];
    }
    out.push_str(rest);
    out.into()
}

/// The position of an element that exists. A negative one counts from the end.
pub(super) fn existing(length: usize, part: &str) -> Result<usize, String> {
    within(number(part)?, length, length)
}

/// The position of a new element; `-` is behind the last one.
pub(super) fn fresh(length: usize, part: &str) -> Result<usize, String> {
    if part == "-" {
        return Ok(length);
    }
    let index =
        number(part).map_err(|error| format!("value was not a proper array index: '{part}': {error}"))?;
    within(index, length + 1, length + 1)
}

fn within(index: i64, length: usize, below: usize) -> Result<usize, String> {
    let positive = if index < 0 { index.saturating_add_unsigned(length as u64) } else { index };
    usize::try_from(positive)
        .ok()
        .filter(|index| *index < below)
        .ok_or_else(|| format!("Unable to access invalid index: {index}: invalid index referenced"))
}

fn number(part: &str) -> Result<i64, String> {
    use std::num::IntErrorKind::{NegOverflow, PosOverflow};
    part.parse::<i64>().map_err(|error| {
        let why = if matches!(error.kind(), PosOverflow | NegOverflow) {
            "value out of range"
        } else {
            "invalid syntax"
        };
        format!("strconv.Atoi: parsing {}: {why}", crate::go::quote(part))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_unescaped() {
        for (part, plain) in [("a", "a"), ("a~1b~0c", "a/b~c"), ("~01", "~1"), ("~", "~"), ("~2", "~2")] {
            assert_eq!(unescape(part), plain);
        }
    }

    #[test]
    fn indices() {
        assert_eq!((existing(3, "0"), existing(3, "-1"), existing(3, "-3")), (Ok(0), Ok(2), Ok(0)));
        assert_eq!((fresh(3, "-"), fresh(3, "3"), fresh(3, "-1")), (Ok(3), Ok(3), Ok(3)));
        for index in ["3", "-4", "-9223372036854775808"] {
            let message = format!("Unable to access invalid index: {index}: invalid index referenced");
            assert_eq!(existing(3, index), Err(message));
        }
        assert_eq!(existing(3, "x"), Err("strconv.Atoi: parsing \"x\": invalid syntax".into()));
        let message = "value was not a proper array index: 'x': strconv.Atoi: parsing \"x\": invalid syntax";
        assert_eq!(fresh(3, "x"), Err(message.into()));
    }
}

//! How Go prints values. Kubernetes' messages are made with it and clients match on them.

use crate::{Value, value};
use std::fmt::Write as _;

/// A string as `%q` and `strconv.Quote` print it.
pub fn quote(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{7}' => out.push_str("\\a"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{b}' => out.push_str("\\v"),
            c if is_printable(c) => out.push(c),
            c => escape(c, &mut out),
        }
    }
    out.push('"');
    out
}

/// Whether Go's `unicode.IsPrint` holds: letters, marks, numbers, punctuation, symbols and the
/// ASCII space. Decided with the standard library's own table, which differs on a few rare
/// characters only.
pub fn is_printable(c: char) -> bool {
    if c.is_ascii() {
        return !c.is_ascii_control();
    }
    if c.is_whitespace() {
        return false;
    }
    // A mark is only escaped when nothing precedes it, hence the letter before it.
    let mut pair = String::from("a");
    pair.push(c);
    pair.escape_debug().count() == 2
}

fn escape(c: char, out: &mut String) {
    let code = u32::from(c);
    // Writing to a string does not fail.
    let _ = match code {
        0..0x80 => write!(out, "\\x{code:02x}"),
        0x80..0x1_0000 => write!(out, "\\u{code:04x}"),
        _ => write!(out, "\\U{code:08x}"),
    };
}

/// A number as `%v` prints a `float64`: shortest digits, exponent form below 1e-4 and from 1e6 on.
pub fn float(number: f64) -> String {
    let size = number.abs();
    if size == 0.0 || (1e-4..1e6).contains(&size) {
        return format!("{number}");
    }
    let text = format!("{number:e}");
    let Some((digits, exponent)) = text.split_once('e') else { return text };
    let (sign, exponent) = exponent.strip_prefix('-').map_or(('+', exponent), |positive| ('-', positive));
    format!("{digits}e{sign}{exponent:0>2}")
}

/// What Go's JSON decoder calls this type.
pub(crate) fn json_kind(value: &Value) -> &'static str {
    match value {
        Value::Bool(_) => "bool",
        Value::Int(_) | Value::Float(_) => "number",
        Value::Null | Value::String(_) | Value::Array(_) | Value::Object(_) => value.type_name(),
    }
}

/// A tree as `%v` prints what Go decoded it to: `map[a:1 b:[x y]]`.
pub(crate) fn display(value: &Value) -> String {
    match value {
        Value::Null => "<nil>".to_owned(),
        Value::Bool(truth) => truth.to_string(),
        Value::Int(number) => number.to_string(),
        Value::Float(number) => float(*number),
        Value::String(text) => text.to_string(),
        Value::Array(items) => {
            format!("[{}]", items.iter().map(display).collect::<Vec<_>>().join(" "))
        }
        Value::Object(map) => {
            let members = map.iter().map(|(name, member)| format!("{name}:{}", display(member)));
            format!("map[{}]", members.collect::<Vec<_>>().join(" "))
        }
    }
}

/// A tree as JSON text.
pub fn json(tree: &Value) -> String {
    String::from_utf8_lossy(&value::encode(tree)).into_owned()
}

/// A list of strings as `%q` prints it: `["a" "b"]`.
pub(crate) fn quote_list<'t>(items: impl IntoIterator<Item = &'t str>) -> String {
    let quoted: Vec<_> = items.into_iter().map(quote).collect();
    format!("[{}]", quoted.join(" "))
}

/// A tree as `%#v` prints what Go decoded it to: `map[string]interface {}{"a":1}`.
pub(crate) fn syntax(value: &Value) -> String {
    match value {
        Value::String(text) => quote(text),
        Value::Array(items) => {
            format!("[]interface {{}}{{{}}}", items.iter().map(syntax).collect::<Vec<_>>().join(", "))
        }
        Value::Object(map) => {
            let members = map.iter().map(|(name, member)| format!("{}:{}", quote(name), syntax(member)));
            format!("map[string]interface {{}}{{{}}}", members.collect::<Vec<_>>().join(", "))
        }
        Value::Null => "interface {}(nil)".to_owned(),
        Value::Bool(_) | Value::Int(_) | Value::Float(_) => display(value),
    }
}

/// What Go calls the type of this value (`%T`).
pub(crate) fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "<nil>",
        Value::Bool(_) => "bool",
        Value::Int(_) => "int64",
        Value::Float(_) => "float64",
        Value::String(_) => "string",
        Value::Array(_) => "[]interface {}",
        Value::Object(_) => "map[string]interface {}",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_quoted() {
        for (text, quoted) in [
            ("a\"b", r#""a\"b""#),
            ("\u{0}\u{7f}", r#""\x00\x7f""#),
            ("é\u{301}日", "\"é\u{301}日\""),
            ("\u{feff}", r#""\ufeff""#),
            ("\u{a0}", r#""\u00a0""#),
        ] {
            assert_eq!(quote(text), quoted);
        }
    }

    #[test]
    fn floats() {
        for (number, text) in [
            (1.5, "1.5"),
            (0.0, "0"),
            (1e6, "1e+06"),
            (1.23e-7, "1.23e-07"),
            (123_456.0, "123456"),
            (2e21, "2e+21"),
        ] {
            assert_eq!(float(number), text);
        }
    }
}

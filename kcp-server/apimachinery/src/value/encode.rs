use super::Value;
use std::io::Write;

/// Canonical JSON of a tree: sorted members, no white space, numbers as Go prints them.
#[must_use]
pub fn encode(value: &Value) -> Vec<u8> {
    let mut out = Vec::with_capacity(256);
    encode_into(value, &mut out);
    out
}

/// [`encode`], appended to `out`.
pub fn encode_into(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Bool(true) => out.extend_from_slice(b"true"),
        Value::Bool(false) => out.extend_from_slice(b"false"),
        Value::Int(number) => {
            // Writing to a vector does not fail.
            let _ = write!(out, "{number}");
        }
        Value::Float(number) => float(*number, out),
        Value::String(text) => escape_into(text, out),
        Value::Array(items) => {
            out.push(b'[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    out.push(b',');
                }
                encode_into(item, out);
            }
            out.push(b']');
        }
        Value::Object(map) => {
            out.push(b'{');
            for (at, (name, item)) in map.iter().enumerate() {
                if at > 0 {
                    out.push(b',');
                }
                escape_into(name, out);
                out.push(b':');
                encode_into(item, out);
            }
            out.push(b'}');
        }
    }
}

/// A string as JSON, with its quotes, appended to `out`.
pub fn escape_into(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    let bytes = text.as_bytes();
    let mut plain = 0;
    for (at, &byte) in bytes.iter().enumerate() {
        let escape: &[u8] = match byte {
            b'"' => b"\\\"",
            b'\\' => b"\\\\",
            b'\n' => b"\\n",
            b'\r' => b"\\r",
            b'\t' => b"\\t",
            0x08 => b"\\b",
            0x0c => b"\\f",
            0..0x20 => b"",
            _ => continue,
        };
        out.extend_from_slice(&bytes[plain..at]);
        plain = at + 1;
        if escape.is_empty() {
            let _ = write!(out, "\\u{byte:04x}");
        } else {
            out.extend_from_slice(escape);
        }
    }
    out.extend_from_slice(&bytes[plain..]);
    out.push(b'"');
}

/// Shortest digits; exponent form below 1e-6 and from 1e21 on, as Go's encoder chooses.
fn float(number: f64, out: &mut Vec<u8>) {
    if !number.is_finite() {
        // JSON has no such number and no decoder produces one.
        out.extend_from_slice(b"null");
        return;
    }
    let size = number.abs();
    if size != 0.0 && !(1e-6..1e21).contains(&size) {
        let text = format!("{number:e}");
        match text.split_once('e') {
            Some((digits, exponent)) if !exponent.starts_with('-') => {
                let _ = write!(out, "{digits}e+{exponent}");
            }
            _ => out.extend_from_slice(text.as_bytes()),
        }
    } else {
        let _ = write!(out, "{number}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(value: &Value) -> String {
        String::from_utf8(encode(value)).expect("JSON is UTF-8")
    }

    #[test]
    fn numbers_as_go_prints_them() {
        for (number, expected) in
            [(1.5, "1.5"), (1e21, "1e+21"), (1e-7, "1e-7"), (0.0, "0"), (100.0, "100"), (-2.5e30, "-2.5e+30")]
        {
            assert_eq!(text(&Value::Float(number)), expected);
        }
    }

    #[test]
    fn strings_are_escaped() {
        assert_eq!(text(&"a\"b\\c\n\u{1}é".into()), "\"a\\\"b\\\\c\\n\\u0001é\"");
    }
}

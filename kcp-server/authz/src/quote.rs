//! Strings in messages, quoted as Go's `%q` does, because clients and tests compare messages.

/// `%q` of a string.
pub(crate) fn quote(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        escape_into(&mut out, c);
    }
    out.push('"');
    out
}

/// `%q` of a list of strings.
pub(crate) fn quote_all<S: AsRef<str>>(texts: &[S]) -> String {
    let quoted: Vec<_> = texts.iter().map(|text| quote(text.as_ref())).collect();
    format!("[{}]", quoted.join(" "))
}

fn escape_into(out: &mut String, c: char) {
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
        c if (c as u32) < 0x20 || c as u32 == 0x7f => out.push_str(&format!("\\x{:02x}", c as u32)),
        // Debug escapes what is not printable.
        c if c.is_ascii() || c.escape_debug().len() == 1 => out.push(c),
        c if (c as u32) < 0x1_0000 => out.push_str(&format!("\\u{:04x}", c as u32)),
        c => out.push_str(&format!("\\U{:08x}", c as u32)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_quoted_as_in_go() {
        for (text, wanted) in [
            ("bob", r#""bob""#),
            ("a\"b\\c", r#""a\"b\\c""#),
            ("it's", r#""it's""#),
            ("\u{0}\n\u{7f}", r#""\x00\n\x7f""#),
            ("zoë", r#""zoë""#),
            ("\u{200b}", r#""\u200b""#),
        ] {
            assert_eq!(quote(text), wanted);
        }
        assert_eq!(quote_all(&["a", "b c"]), r#"["a" "b c"]"#);
        assert_eq!(quote_all::<&str>(&[]), "[]");
    }
}

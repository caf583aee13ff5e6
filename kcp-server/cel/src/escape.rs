//! How names that CEL cannot have as field names are written in expressions: `a.b` is `a__dot__b`.

/// Words of the language, as names written between underscores.
const WORDS: [&str; 17] = [
    "true",
    "false",
    "null",
    "in",
    "as",
    "break",
    "const",
    "continue",
    "else",
    "for",
    "function",
    "if",
    "import",
    "let",
    "loop",
    "package",
    "namespace",
];
const MORE_WORDS: [&str; 4] = ["return", "var", "void", "while"];

/// Whether a name is a word of the language.
pub(crate) fn is_word(name: &str) -> bool {
    WORDS.contains(&name) || MORE_WORDS.contains(&name)
}

/// The name of a member in expressions; `None` if it cannot be written there.
#[must_use]
pub fn escape(name: &str) -> Option<String> {
    if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    if is_word(name) {
        return Some(format!("__{name}__"));
    }
    let mut out = String::with_capacity(name.len());
    let mut rest = name;
    while let Some(c) = rest.chars().next() {
        let (written, length) = match c {
            '_' if rest.starts_with("__") => ("__underscores__", 2),
            '.' => ("__dot__", 1),
            '-' => ("__dash__", 1),
            '/' => ("__slash__", 1),
            c if c.is_ascii_alphanumeric() || c == '_' => (&rest[..1], 1),
            _ => return None,
        };
        out.push_str(written);
        rest = &rest[length..];
    }
    Some(out)
}

/// The name of a member from how it is written in expressions; `None` if nothing is written so.
#[must_use]
pub fn unescape(written: &str) -> Option<String> {
    let mut out = String::with_capacity(written.len());
    let mut rest = written;
    while let Some(at) = rest.find("__") {
        let inner = &rest[at + 2..];
        let length = inner.find('_').unwrap_or(inner.len());
        if length == 0 || !inner[length..].starts_with("__") {
            // No name between underscores begins here.
            out.push_str(&rest[..at + 1]);
            rest = &rest[at + 1..];
            continue;
        }
        out.push_str(&rest[..at]);
        match &inner[..length] {
            "underscores" => out.push_str("__"),
            "dot" => out.push('.'),
            "dash" => out.push('-'),
            "slash" => out.push('/'),
            word if is_word(word) && word.len() + 4 == written.len() => out.push_str(word),
            _ => return None,
        }
        rest = &inner[length + 2..];
    }
    out.push_str(rest);
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_escaped_and_back() {
        for (name, written) in [
            ("a", "a"),
            ("a_b", "a_b"),
            ("a__b", "a__underscores__b"),
            ("a.b/c-d", "a__dot__b__slash__c__dash__d"),
            ("if", "__if__"),
            ("namespace", "__namespace__"),
            ("self", "self"),
            ("int", "int"),
        ] {
            assert_eq!(escape(name).as_deref(), Some(written));
            assert_eq!(unescape(written).as_deref(), Some(name));
        }
        for name in ["", "1a", "é", "a b", "$ref"] {
            assert_eq!(escape(name), None, "{name}");
        }
        for written in ["a__foo__b", "a__if__b"] {
            assert_eq!(unescape(written), None, "{written}");
        }
        assert_eq!(unescape("_a__").as_deref(), Some("_a__"));
    }
}

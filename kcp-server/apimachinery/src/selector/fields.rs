use std::fmt;

/// A selector of objects by some of their fields: `metadata.name=a,status.phase!=Running`.
///
/// All of its terms have to hold; the default selects everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fields(Vec<Term>);

/// One term of a field selector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Term {
    /// The path of the field, such as `metadata.name`.
    pub field: Box<str>,
    /// The value it is compared with.
    pub value: Box<str>,
    /// Whether it has to be equal; else it has to differ.
    pub equal: bool,
}

/// Why text is no field selector, in the words of Kubernetes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidFields {
    /// A term without operator.
    #[error("invalid selector: '{selector}'; can't understand '{term}'")]
    Term {
        /// The whole text.
        selector: String,
        /// The term.
        term: String,
    },
    /// A backslash before another character.
    #[error("invalid field selector: invalid escape sequence: {0}")]
    Escape(String),
    /// A comma or equals sign in a value.
    #[error("invalid field selector: unescaped character in value: {}", u32::from(*.0))]
    Unescaped(char),
}

impl Fields {
    /// Selects every object.
    #[must_use]
    pub const fn everything() -> Self {
        Self(Vec::new())
    }

    /// Selects objects of which a field has a value.
    #[must_use]
    pub fn equal(field: &str, value: &str) -> Self {
        Self(vec![Term { field: field.into(), value: value.into(), equal: true }])
    }

    /// Reads `a=b,c!=d`. Commas, equals signs and backslashes in values are escaped by a backslash.
    ///
    /// # Errors
    /// Text of another form.
    pub fn parse(text: &str) -> Result<Self, InvalidFields> {
        let mut parts = split(text);
        parts.sort_unstable();
        let parts = parts.into_iter().filter(|part| !part.is_empty());
        parts.map(|part| term(text, part)).collect::<Result<_, _>>().map(Self)
    }

    /// The terms, in the order of their text.
    #[must_use]
    pub fn terms(&self) -> &[Term] {
        &self.0
    }

    /// Whether it selects every object.
    #[must_use]
    pub fn is_everything(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether it selects an object whose fields are looked up like this. A missing field is empty.
    pub fn matches_with<'f>(&self, field: impl Fn(&str) -> Option<&'f str>) -> bool {
        self.0.iter().all(|term| (field(&term.field).unwrap_or_default() == &*term.value) == term.equal)
    }

    /// The one value this field must have.
    #[must_use]
    pub fn exact(&self, field: &str) -> Option<&str> {
        self.0.iter().find(|term| term.equal && &*term.field == field).map(|term| &*term.value)
    }

    /// The first field that is not known.
    pub fn unknown(&self, known: impl Fn(&str) -> bool) -> Option<&str> {
        self.0.iter().map(|term| &*term.field).find(|field| !known(field))
    }
}

/// A value as it stands in a field selector.
#[must_use]
pub fn escape(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    for c in value.chars() {
        if matches!(c, '\\' | ',' | '=') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

fn split(text: &str) -> Vec<&str> {
    let mut escaped = false;
    text.split(|c| {
        let separates = c == ',' && !escaped;
        escaped = c == '\\' && !escaped;
        separates
    })
    .collect()
}

fn term(selector: &str, text: &str) -> Result<Term, InvalidFields> {
    let not_understood = || InvalidFields::Term { selector: selector.to_owned(), term: text.to_owned() };
    // The first operator counts; of two at one place the longer one.
    let (at, operator) = text
        .char_indices()
        .find_map(|(at, _)| {
            ["!=", "==", "="]
                .iter()
                .find(|operator| text[at..].starts_with(**operator))
                .map(|found| (at, *found))
        })
        .ok_or_else(not_understood)?;
    let value = unescape(&text[at + operator.len()..])?;
    Ok(Term { field: text[..at].into(), value: value.into(), equal: operator != "!=" })
}

fn unescape(text: &str) -> Result<String, InvalidFields> {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some(c @ ('\\' | ',' | '=')) => out.push(c),
                other => return Err(InvalidFields::Escape(['\\'].into_iter().chain(other).collect())),
            },
            ',' | '=' => return Err(InvalidFields::Unescaped(c)),
            c => out.push(c),
        }
    }
    Ok(out)
}

impl fmt::Display for Fields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, term) in self.0.iter().enumerate() {
            let comma = if at > 0 { "," } else { "" };
            let operator = if term.equal { "=" } else { "!=" };
            write!(f, "{comma}{}{operator}{}", term.field, escape(&term.value))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn parsed_and_matched() {
        let selector = Fields::parse("metadata.name=a,,status.phase!=Running").expect("a selector");
        let phase = |phase| move |field: &str| if field == "metadata.name" { Some("a") } else { phase };
        assert!(selector.matches_with(phase(None)));
        assert!(!selector.matches_with(phase(Some("Running"))));
        assert_eq!(selector.exact("metadata.name"), Some("a"));
        assert_eq!(selector.exact("status.phase"), None);
        assert_eq!(selector.unknown(|field| field == "metadata.name"), Some("status.phase"));
    }

    #[test]
    fn messages() {
        for (text, message) in [
            ("a", "invalid selector: 'a'; can't understand 'a'"),
            ("a=b=c", "invalid field selector: unescaped character in value: 61"),
            ("a=\\x", "invalid field selector: invalid escape sequence: \\x"),
            ("a=\\", "invalid field selector: invalid escape sequence: \\"),
        ] {
            assert_eq!(Fields::parse(text).expect_err("no selector").to_string(), message);
        }
    }

    proptest! {
        #[test]
        fn every_value_can_be_written(value in ".*") {
            let selector = Fields::equal("a", &value);
            prop_assert_eq!(Fields::parse(&selector.to_string()), Ok(selector));
        }
    }
}

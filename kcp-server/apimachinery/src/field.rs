//! What is wrong with a field of an object, in the words of Kubernetes.
//!
//! A check walks a tree with a [`Path`], which costs nothing until it is printed, and gives
//! [`Error`]s. An error prints as `spec.replicas: Invalid value: -1: must be greater than or equal to 0`
//! and becomes one cause of a `Status`: [`Kind::reason`], [`Error::body`], [`Error::field`].

use crate::{Value, go};
use std::{collections::HashSet, fmt};

/// Where a field is: `spec.containers[0].env[name]`. It borrows its parent, so walking is free.
#[derive(Clone, Copy, Debug)]
pub struct Path<'p> {
    parent: Option<&'p Path<'p>>,
    part: Part<'p>,
}

#[derive(Clone, Copy, Debug)]
enum Part<'p> {
    Root,
    Member(&'p str),
    Key(&'p str),
    Index(usize),
}

impl<'p> Path<'p> {
    /// The object itself; alone it prints as `<nil>`.
    #[must_use]
    pub const fn root() -> Self {
        Self { parent: None, part: Part::Root }
    }

    /// A first member; several may be given at once, with dots between.
    #[must_use]
    pub const fn new(name: &'p str) -> Self {
        Self { parent: None, part: Part::Member(name) }
    }

    /// A member below this path; several may be given at once, with dots between.
    #[must_use]
    pub const fn child(&'p self, name: &'p str) -> Self {
        Self { parent: Some(self), part: Part::Member(name) }
    }

    /// An element of a list: `[0]`.
    #[must_use]
    pub const fn index(&'p self, at: usize) -> Self {
        Self { parent: Some(self), part: Part::Index(at) }
    }

    /// A member of a map: `[key]`.
    #[must_use]
    pub const fn key(&'p self, key: &'p str) -> Self {
        Self { parent: Some(self), part: Part::Key(key) }
    }

    fn is_root(&self) -> bool {
        matches!(self.part, Part::Root)
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The depth of a path is the depth of the tree, which decoding bounds.
        let parent = self.parent.filter(|parent| !parent.is_root());
        if let Some(parent) = parent {
            parent.fmt(f)?;
        }
        match self.part {
            Part::Root => f.write_str("<nil>"),
            Part::Member(name) if parent.is_some() => write!(f, ".{name}"),
            Part::Member(name) => f.write_str(name),
            Part::Key(key) => write!(f, "[{key}]"),
            Part::Index(at) => write!(f, "[{at}]"),
        }
    }
}

/// The kinds of errors a field can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A value that is referred to does not exist.
    NotFound,
    /// A value is missing.
    Required,
    /// A value that must be unique is there twice.
    Duplicate,
    /// A value is malformed.
    Invalid,
    /// A value is none of those that are known.
    NotSupported,
    /// A value is not allowed under the present conditions.
    Forbidden,
    /// A value is too long. It is not shown.
    TooLong,
    /// A value is too short. It is not shown.
    TooShort,
    /// A list has too many elements.
    TooMany,
    /// A list has too few elements.
    TooFew,
    /// Something else went wrong.
    Internal,
    /// A value has the wrong type.
    TypeInvalid,
}

impl Kind {
    /// The reason of the cause in a `Status`, such as `FieldValueInvalid`.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::NotFound => "FieldValueNotFound",
            Self::Required => "FieldValueRequired",
            Self::Duplicate => "FieldValueDuplicate",
            Self::Invalid => "FieldValueInvalid",
            Self::NotSupported => "FieldValueNotSupported",
            Self::Forbidden => "FieldValueForbidden",
            Self::TooLong => "FieldValueTooLong",
            Self::TooShort => "FieldValueTooShort",
            Self::TooMany => "FieldValueTooMany",
            Self::TooFew => "FieldValueTooFew",
            Self::Internal => "InternalError",
            Self::TypeInvalid => "FieldValueTypeInvalid",
        }
    }

    /// How the message begins, such as `Invalid value`.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::NotFound => "Not found",
            Self::Required => "Required value",
            Self::Duplicate => "Duplicate value",
            Self::Invalid | Self::TypeInvalid => "Invalid value",
            Self::NotSupported => "Unsupported value",
            Self::Forbidden => "Forbidden",
            Self::TooLong => "Too long",
            Self::TooShort => "Too short",
            Self::TooMany => "Too many",
            Self::TooFew => "Too few",
            Self::Internal => "Internal error",
        }
    }

    const fn shows_value(self) -> bool {
        match self {
            Self::NotFound
            | Self::Duplicate
            | Self::Invalid
            | Self::NotSupported
            | Self::TooMany
            | Self::TooFew
            | Self::TypeInvalid => true,
            Self::Required | Self::Forbidden | Self::TooLong | Self::TooShort | Self::Internal => false,
        }
    }
}

/// One thing that is wrong with one field.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{field}: {}", self.body())]
pub struct Error {
    /// What kind of error it is.
    pub kind: Kind,
    /// The path of the field.
    pub field: String,
    /// The value that is wrong; `None` where it is omitted from the message.
    pub value: Option<Value>,
    /// What is wrong with it; may be empty.
    pub detail: String,
}

impl Error {
    fn new(kind: Kind, at: &Path<'_>, value: Option<Value>, detail: String) -> Self {
        Self { kind, field: at.to_string(), value, detail }
    }

    /// A value that is referred to does not exist.
    #[must_use]
    pub fn not_found(at: &Path<'_>, value: impl Into<Value>) -> Self {
        Self::new(Kind::NotFound, at, Some(value.into()), String::new())
    }

    /// A value is missing.
    #[must_use]
    pub fn required(at: &Path<'_>, detail: impl Into<String>) -> Self {
        Self::new(Kind::Required, at, None, detail.into())
    }

    /// A value that must be unique is there twice.
    #[must_use]
    pub fn duplicate(at: &Path<'_>, value: impl Into<Value>) -> Self {
        Self::new(Kind::Duplicate, at, Some(value.into()), String::new())
    }

    /// A value is malformed.
    #[must_use]
    pub fn invalid(at: &Path<'_>, value: impl Into<Value>, detail: impl Into<String>) -> Self {
        Self::new(Kind::Invalid, at, Some(value.into()), detail.into())
    }

    /// A value has the wrong type.
    #[must_use]
    pub fn type_invalid(at: &Path<'_>, value: impl Into<Value>, detail: impl Into<String>) -> Self {
        Self::new(Kind::TypeInvalid, at, Some(value.into()), detail.into())
    }

    /// A value is none of `supported`.
    #[must_use]
    pub fn not_supported(at: &Path<'_>, value: impl Into<Value>, supported: &[&str]) -> Self {
        let quoted: Vec<_> = supported.iter().map(|one| go::quote(one)).collect();
        let detail = match supported {
            [] => String::new(),
            [..] => format!("supported values: {}", quoted.join(", ")),
        };
        Self::new(Kind::NotSupported, at, Some(value.into()), detail)
    }

    /// A value is not allowed under the present conditions.
    #[must_use]
    pub fn forbidden(at: &Path<'_>, detail: impl Into<String>) -> Self {
        Self::new(Kind::Forbidden, at, None, detail.into())
    }

    /// A value has more than `most` bytes.
    #[must_use]
    pub fn too_long(at: &Path<'_>, most: usize) -> Self {
        Self::new(Kind::TooLong, at, None, format!("may not be more than {most} {}", plural(most, "byte")))
    }

    /// A value has more than `most` characters.
    #[must_use]
    pub fn too_long_characters(at: &Path<'_>, most: usize) -> Self {
        let detail = format!("may not be more than {most} {}", plural(most, "character"));
        Self::new(Kind::TooLong, at, None, detail)
    }

    /// A value has fewer than `least` characters.
    #[must_use]
    pub fn too_short(at: &Path<'_>, least: usize) -> Self {
        let detail = format!("must be at least {least} {}", plural(least, "character"));
        Self::new(Kind::TooShort, at, None, detail)
    }

    /// A list has `actual` elements, more than `most`.
    #[must_use]
    pub fn too_many(at: &Path<'_>, actual: usize, most: usize) -> Self {
        let detail = format!("must have at most {most} {}", plural(most, "item"));
        Self::new(Kind::TooMany, at, Some(count(actual)), detail)
    }

    /// A list has `actual` elements, fewer than `least`.
    #[must_use]
    pub fn too_few(at: &Path<'_>, actual: usize, least: usize) -> Self {
        let detail = format!("must have at least {least} {}", plural(least, "item"));
        Self::new(Kind::TooFew, at, Some(count(actual)), detail)
    }

    /// Something else went wrong.
    #[must_use]
    pub fn internal(at: &Path<'_>, detail: impl Into<String>) -> Self {
        Self::new(Kind::Internal, at, None, detail.into())
    }

    /// The message without the field: `Invalid value: "a": must be …`.
    #[must_use]
    pub fn body(&self) -> String {
        let mut text = self.kind.title().to_owned();
        if let Some(value) = self.value.as_ref().filter(|_| self.kind.shows_value()) {
            text.push_str(": ");
            text.push_str(&show(value));
        }
        if !self.detail.is_empty() {
            text.push_str(": ");
            text.push_str(&self.detail);
        }
        text
    }
}

/// The errors as one text, each once: the error alone, or `[first, second]`; empty if there are none.
#[must_use]
pub fn summary(errors: &[Error]) -> String {
    let mut seen = HashSet::new();
    let mut texts: Vec<_> = errors.iter().map(Error::to_string).collect();
    texts.retain(|text| seen.insert(text.clone()));
    match texts.as_slice() {
        [only] => only.clone(),
        [] => String::new(),
        many => format!("[{}]", many.join(", ")),
    }
}

fn show(value: &Value) -> String {
    match value {
        Value::String(text) => go::quote(text),
        Value::Float(number) => go::float(*number),
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Array(_) | Value::Object(_) => go::json(value),
    }
}

fn plural(number: usize, word: &str) -> String {
    if number == 1 { word.to_owned() } else { format!("{word}s") }
}

fn count(number: usize) -> Value {
    Value::Int(i64::try_from(number).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value;

    fn check(error: &Error, message: &str) {
        assert_eq!(error.to_string(), message);
    }

    #[test]
    fn messages() {
        let spec = Path::new("spec");
        let x = spec.child("x");
        check(&Error::invalid(&x, "a", "no"), "spec.x: Invalid value: \"a\": no");
        check(&Error::invalid(&x, -1_i64, "no"), "spec.x: Invalid value: -1: no");
        check(&Error::invalid(&x, value!({"a": [1.5]}), ""), "spec.x: Invalid value: {\"a\":[1.5]}");
        check(&Error::required(&x.index(2).key("k"), ""), "spec.x[2][k]: Required value");
        check(&Error::required(&x, "say why"), "spec.x: Required value: say why");
        check(
            &Error::not_supported(&x, "c", &["a", "b"]),
            "spec.x: Unsupported value: \"c\": supported values: \"a\", \"b\"",
        );
        check(&Error::duplicate(&x, "a"), "spec.x: Duplicate value: \"a\"");
        check(&Error::forbidden(&x, "no"), "spec.x: Forbidden: no");
        check(&Error::too_long(&x, 1), "spec.x: Too long: may not be more than 1 byte");
        check(&Error::too_many(&x, 3, 2), "spec.x: Too many: 3: must have at most 2 items");
        check(&Error::internal(&x, "oh"), "spec.x: Internal error: oh");
        check(&Error::type_invalid(&Path::root(), Value::Null, "no"), "<nil>: Invalid value: null: no");
        check(&Error::required(&Path::root().child("a"), ""), "a: Required value");
    }

    #[test]
    fn a_summary_names_each_error_once() {
        let a = Error::required(&Path::new("a"), "");
        let b = Error::required(&Path::new("b"), "");
        assert_eq!(summary(&[]), "");
        assert_eq!(summary(&[a.clone(), a.clone()]), "a: Required value");
        assert_eq!(summary(&[a.clone(), b, a]), "[a: Required value, b: Required value]");
    }
}

//! JSONPath in the dialect of kubectl and of the columns of custom resources: `.spec.a`, `{.a.b}`,
//! `['key']`, `[0]`, `[-1]`, `[1:5:2]`, `[*]`, `[0,2]`, `..a`, `[?(@.type=="Ready")]`, `.a\.b`.
//!
//! A path is one expression. Templates with text around and `range` belong to clients; here they
//! are errors.

mod evaluate;
mod parse;

use crate::{Value, go};
use std::borrow::Cow;

/// Longest path that is read, in bytes.
const LENGTH_MAX: usize = 4096;
/// Deepest nesting of filters.
const DEPTH_MAX: usize = 16;
/// Most values a step may find.
const FOUND_MAX: usize = 100_000;

/// A parsed path.
#[derive(Clone, Debug, PartialEq)]
pub struct JsonPath(Vec<Step>);

/// Why a path could not be read or followed, mostly in the words of Kubernetes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct JsonPathError(pub String);

#[derive(Clone, Debug, PartialEq)]
enum Step {
    Field(Box<str>),
    Wildcard,
    Recursive,
    Slice(Slice),
    Union(Vec<Vec<Step>>),
    Filter {
        left: Vec<Step>,
        operator: Operator,
        right: Vec<Step>,
    },
    /// A literal takes the place of what was found so far.
    Literal(Value),
}

/// `[start:end:step]`; of a single index the end is derived.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Slice {
    start: Option<i64>,
    end: Option<i64>,
    end_is_derived: bool,
    step: Option<i64>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Operator {
    Exists,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    Equal,
    NotEqual,
}

impl JsonPath {
    /// Reads a path, with or without braces around it.
    ///
    /// # Errors
    /// Text that is none.
    pub fn parse(text: &str) -> Result<Self, JsonPathError> {
        let inner = text.strip_prefix('{').and_then(|text| text.strip_suffix('}')).unwrap_or(text);
        if inner.len() > LENGTH_MAX {
            return Err(JsonPathError(format!("longer than {LENGTH_MAX} bytes")));
        }
        parse::parse(inner, 0).map(Self)
    }

    /// All values the path leads to; a step that is missing leads nowhere.
    ///
    /// # Errors
    /// An index where there is no list, or beyond its end; values that cannot be compared.
    pub fn find<'v>(&self, value: &'v Value) -> Result<Vec<Cow<'v, Value>>, JsonPathError> {
        evaluate::run(&self.0, vec![Cow::Borrowed(value)])
    }
}

/// A value as kubectl prints it: lists and objects as JSON, all else as plain text.
#[must_use]
pub fn print(value: &Value) -> String {
    match value {
        Value::Null => "<no value>".to_owned(),
        Value::Array(_) | Value::Object(_) => {
            // Go escapes these so that JSON may stand in HTML. They occur in strings only.
            go::json(value).replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026")
        }
        Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::String(_) => go::display(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value;

    fn object() -> Value {
        value!({
            "a": {"b": 1_i64, "c.d": "x", "null": null},
            "l": [10_i64, 20_i64, 30_i64, 40_i64],
            "conditions": [{"type": "Ready", "status": "True", "n": 1_i64}, {"type": "Other", "status": "False", "n": 2_i64}]
        })
    }

    fn check(path: &str, found: &str) {
        let object = object();
        let values = JsonPath::parse(path).expect("a path").find(&object).expect("values");
        assert_eq!(values.iter().map(|value| print(value)).collect::<Vec<_>>().join(" "), found, "{path}");
    }

    fn refused(path: &str, message: &str) {
        let result = JsonPath::parse(path).and_then(|path| path.find(&object()).map(|found| found.len()));
        assert_eq!(result, Err(JsonPathError(message.to_owned())), "{path}");
    }

    #[test]
    fn paths() {
        check(".a.b", "1");
        check("{.a.b}", "1");
        check("$.a['b']", "1");
        check(".a.c\\.d", "x");
        check(".a['c\\.d']", "x");
        check(".a.null", "<no value>");
        check(".missing.b", "");
        check(".a.b.c", "");
        check(".l[0]", "10");
        check(".l[-1]", "40");
        check(".l[1:3]", "20 30");
        check(".l[::2]", "10 30");
        check(".l[*]", "10 20 30 40");
        check(".l[0,2]", "10 30");
        check(".l", "[10,20,30,40]");
        check(".a.*", "1 x <no value>");
        check("..type", "Ready Other");
        check(".conditions[?(@.type==\"Ready\")].status", "True");
        check(".conditions[?(@.type=='Ready')].status", "True");
        check(".conditions[?(@.type!=\"Ready\")].status", "False");
        check(".conditions[?(@.n>1)].type", "Other");
        check(".conditions[?(@.n<=1)].type", "Ready");
        check(".conditions[?(@.missing)].type", "");
        check(".conditions[?(@.missing==1)].type", "");
        check(".conditions[*].type", "Ready Other");
        check(".a['b','c\\.d']", "1 x");
    }

    #[test]
    fn errors() {
        refused(".a[0]", "map[string]interface {} is not array or slice");
        refused(".l[9]", "array index out of bounds: index 9, length 4");
        refused(".l[x]", "invalid array index x");
        refused(".l[0", "unterminated array");
        refused(".l[::0]", "step must be > 0");
        refused(".conditions[?(@.n>\"a\")]", "incompatible types for comparison");
        refused(".conditions[?(@.type==\"a\"]", "unterminated filter");
        refused("....a", "invalid multiple recursive descent");
        refused("{range .a}", "unrecognized identifier range");
        refused("(", "unrecognized character in action: U+0028 '('");
        refused(".a \"x", "unterminated quoted string");
        assert!(JsonPath::parse(&"[?(".repeat(100)).is_err());
        assert!(JsonPath::parse(&".a".repeat(LENGTH_MAX)).is_err());
    }
}

//! Checking a value against a schema, in the words and the order of kube-openapi.
//!
//! A path in a message is kube-openapi's (`spec.replicas in body must be …`), that of the error is the
//! same below the place that is checked. What is wrong with a combination of schemas (`oneOf` …) has no
//! path, hence `<nil>`. Members are checked in the order of their names.
//!
//! On an update, what was wrong before is not told again where the value did not change: it is ratcheted
//! at every member, and at the elements of lists that are maps, as those can be found again.

mod combined;
mod number;
mod object;
mod string;

use crate::node::{ListType, Node, Type};
use kcp_apimachinery::{Value, field, go};
use std::collections::HashSet;

/// What is wrong with a value that is found at `at` (empty for a whole object).
pub(crate) fn validate(node: &Node, new: &Value, old: Option<&Value>, at: &str) -> Vec<field::Error> {
    let mut walk = Walk { at, path: String::new() };
    let mut errors = walk.below(node, new, old).errors;
    // Several of the schemas that are combined may find the same.
    let mut told = HashSet::new();
    errors.retain(|error| told.insert(error.to_string()));
    errors
}

/// Where a check is. Paths are built as it goes and cut again.
struct Walk<'w> {
    at: &'w str,
    path: String,
}

/// What a check found, and how many checks went well, by which the nearest of several schemas is chosen.
#[derive(Default)]
struct Findings {
    errors: Vec<field::Error>,
    matches: usize,
}

impl Findings {
    fn one(error: field::Error) -> Self {
        Self { errors: vec![error], matches: 0 }
    }

    fn is_valid(&self) -> bool {
        self.errors.is_empty()
    }

    fn merge(&mut self, other: Self) {
        self.errors.extend(other.errors);
        self.matches += other.matches;
    }
}

impl Walk<'_> {
    fn value(&mut self, node: &Node, value: &Value, old: Option<&Value>) -> Findings {
        let mut found = Findings::default();
        let typed = node.kind != Type::Any || !string::effective_format(node).is_empty();
        if value.is_null() {
            found.merge(self.kind(node, value));
            found.merge(self.allowed(node, value));
            return found;
        }
        let mut run = |result: Findings| {
            found.merge(result);
            found.matches += 1;
        };
        if typed {
            run(self.kind(node, value));
        }
        run(self.combined(node, value));
        match value {
            Value::String(text) => {
                run(self.string(node, text));
                if string::is_known_format(string::effective_format(node)) {
                    run(self.format(node, text));
                }
            }
            Value::Int(_) | Value::Float(_) => run(self.number(node, value)),
            Value::Array(items) => run(self.items(node, items, old)),
            Value::Null | Value::Bool(_) | Value::Object(_) => {}
        }
        run(self.allowed(node, value));
        if let Value::Object(members) = value {
            run(self.members(node, members, old));
        }
        found.matches += 1;
        found
    }

    /// A value below: what is wrong with it does not count if it was there before.
    fn below(&mut self, node: &Node, value: &Value, old: Option<&Value>) -> Findings {
        let mut found = self.value(node, value, old);
        if !found.is_valid() && old.is_some_and(|old| unchanged(node, value, old)) {
            found.errors.clear();
        }
        found
    }

    fn kind(&self, node: &Node, value: &Value) -> Findings {
        let format = string::effective_format(node);
        let named =
            |wanted: Type| node.kind == wanted || node.kind == Type::IntOrString && wanted != Type::Number;
        let (actual, actual_format) = match value {
            Value::Null if node.kind == Type::Any || node.nullable => return Findings::default(),
            Value::Null => return self.wrong_type(node.kind.name(), "null"),
            Value::Bool(_) => (Type::Boolean, ""),
            Value::Int(_) => (Type::Integer, "int64"),
            Value::Float(_) => (Type::Number, "float64"),
            Value::String(_) => (Type::String, ""),
            Value::Array(_) => (Type::Array, ""),
            Value::Object(_) => (Type::Object, ""),
        };
        let same = match actual {
            Type::Integer | Type::String => named(actual),
            Type::Any | Type::Object | Type::Array | Type::Number | Type::Boolean | Type::IntOrString => {
                node.kind == actual
            }
        };
        let whole =
            matches!(value, Value::Float(number) if number::is_whole(*number)) && named(Type::Integer);
        let wider = actual == Type::Integer && node.kind == Type::Number;
        let fits = same || whole || wider;
        let textual = matches!(actual, Type::String | Type::Array);
        if !textual && !format.is_empty() && !fits && actual_format != format {
            return self.wrong_type(format, actual_format);
        }
        let numeric = matches!(node.kind, Type::Integer | Type::Number | Type::IntOrString);
        if !numeric && !format.is_empty() && textual {
            return Findings { errors: Vec::new(), matches: 1 };
        }
        if !fits {
            return self.wrong_type(node.kind.name(), actual.name());
        }
        Findings { errors: Vec::new(), matches: 1 }
    }

    fn wrong_type(&self, wanted: &str, actual: &str) -> Findings {
        let detail = format!("{} in body must be of type {wanted}: {}", self.path, go::quote(actual));
        self.error(field::Kind::TypeInvalid, Some(actual.into()), detail)
    }

    fn allowed(&self, node: &Node, value: &Value) -> Findings {
        let allowed = node.checks.as_ref().map_or(&[][..], |checks| &checks.allowed);
        if allowed.is_empty() || allowed.iter().any(|one| !one.is_null() && number::same(one, value)) {
            return Findings::default();
        }
        let names: Vec<_> = allowed.iter().map(|one| go::quote(&in_words(one))).collect();
        let detail = format!("supported values: {}", names.join(", "));
        self.error(field::Kind::NotSupported, Some(value.clone()), detail)
    }

    fn items(&mut self, node: &Node, items: &[Value], old: Option<&Value>) -> Findings {
        let mut found = Findings::default();
        if let Some(element) = node.element() {
            let here = self.path.len();
            for (index, item) in items.iter().enumerate() {
                self.path.push_str(&format!("[{index}]"));
                let before = old.and_then(|old| counterpart(node, item, old));
                found.merge(self.below(element, item, before));
                self.path.truncate(here);
            }
        }
        if let Some(checks) = &node.checks {
            let size = i64::try_from(items.len()).unwrap_or(i64::MAX);
            if let Some(min) = checks.items.min.filter(|min| size < *min) {
                found.merge(self.invalid(size, &format!("should have at least {min} items")));
            }
            if let Some(max) = checks.items.max.filter(|max| size > *max) {
                let at = self.error_path();
                found.errors.push(too_many(at, items.len(), max));
            }
            if checks.unique_items && (1..items.len()).any(|at| items[..at].contains(&items[at])) {
                found.merge(self.invalid("", "shouldn't contain duplicates"));
            }
        }
        found.matches += 1;
        found
    }

    /// An error about the value here: its path, `in body`, and what it should be.
    fn invalid(&self, value: impl Into<Value>, should: &str) -> Findings {
        let detail = format!("{} in body {should}", self.path);
        self.error(field::Kind::Invalid, Some(value.into()), detail)
    }

    /// An error that kube-openapi does not give a place.
    fn placeless(&self, detail: String) -> Findings {
        let field = if self.at.is_empty() { "<nil>" } else { self.at }.to_owned();
        let kind = field::Kind::Invalid;
        Findings::one(field::Error { kind, field, value: Some("".into()), detail })
    }

    fn error(&self, kind: field::Kind, value: Option<Value>, detail: String) -> Findings {
        Findings::one(field::Error { kind, field: self.error_path(), value, detail })
    }

    fn error_path(&self) -> String {
        let path = self.path.strip_prefix('.').unwrap_or(&self.path);
        match (self.at, path) {
            ("", "") => "<nil>".to_owned(),
            (at, "") => at.to_owned(),
            ("", path) => path.to_owned(),
            (at, path) => format!("{at}.{path}"),
        }
    }
}

fn too_many(at: String, actual: usize, most: i64) -> field::Error {
    let most = usize::try_from(most).unwrap_or_default();
    field::Error { field: at, ..field::Error::too_many(&field::Path::root(), actual, most) }
}

/// An allowed value as the list of them shows it.
fn in_words(value: &Value) -> String {
    match value {
        Value::String(text) => text.to_string(),
        Value::Null
        | Value::Bool(_)
        | Value::Int(_)
        | Value::Float(_)
        | Value::Array(_)
        | Value::Object(_) => go::json(value),
    }
}

/// Whether a value is what it was. Members that the schema does not know count as changed, and lists that are
/// maps may have another order, since Kubernetes compares what it can find again.
fn unchanged(node: &Node, new: &Value, old: &Value) -> bool {
    match (new, old) {
        (Value::Object(new), Value::Object(old)) => {
            let same = |(name, value): (&str, &Value)| {
                let (Some(node), Some(old)) = (node.member(name), old.get(name)) else { return false };
                unchanged(node, value, old)
            };
            new.len() == old.len() && new.iter().all(same)
        }
        (Value::Array(items), Value::Array(before)) => match node.element() {
            Some(element) if node.list == ListType::Map => {
                let same =
                    |item| counterpart(node, item, old).is_some_and(|old| unchanged(element, item, old));
                items.len() == before.len() && items.iter().all(same)
            }
            Some(_) | None => items == before,
        },
        (
            Value::Null
            | Value::Bool(_)
            | Value::Int(_)
            | Value::Float(_)
            | Value::String(_)
            | Value::Array(_)
            | Value::Object(_),
            _,
        ) => new == old,
    }
}

/// The element of the old list with the same keys. Only the elements of maps can be found again, and only
/// those that have all keys.
fn counterpart<'o>(node: &Node, item: &Value, old: &'o Value) -> Option<&'o Value> {
    if node.list != ListType::Map {
        return None;
    }
    let is_scalar =
        |key: &Value| matches!(key, Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::String(_));
    let same = |other: &&Value| {
        let key = |name: &str| item.get(name).filter(|key| is_scalar(key));
        node.list_keys().iter().all(|name| key(name).is_some_and(|key| other.get(name) == Some(key)))
    };
    old.as_array()?.iter().find(same)
}

#[cfg(test)]
mod tests;

//! Which form of a shape a value takes, and whether a configuration fits its schema.

use super::element;
use crate::{
    Map, Name, Value, go,
    shape::{ListKind, MapKind, Scalar, Shape, any},
};
use std::collections::HashSet;

/// The form in which a value is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form<'s> {
    Map(MapKind),
    Scalar(Scalar),
    List(ListKind<'s>),
    /// The shape allows nothing.
    Nothing,
}

/// The form the value has if the shape allows it, else the first that the shape allows: then the
/// value is null or of a wrong type.
pub(super) fn form<'s>(shape: &'s dyn Shape, value: &Value) -> Form<'s> {
    let (map, scalar, list) = (shape.map(), shape.scalar(), shape.list());
    let fits = match value {
        Value::Object(_) => map.map(Form::Map),
        Value::Array(_) => list.map(Form::List),
        Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::String(_) => scalar.map(Form::Scalar),
        Value::Null => None,
    };
    fits.or(map.map(Form::Map)).or(scalar.map(Form::Scalar)).or(list.map(Form::List)).unwrap_or(Form::Nothing)
}

/// The shape of a member. Where the schema does not know it, it is data without a schema: stored
/// objects may have such fields, applied ones were refused before.
pub(super) fn member<'s>(shape: &'s dyn Shape, name: &str) -> &'s dyn Shape {
    match shape.member(name) {
        Some(member) => member,
        None => any(),
    }
}

/// The shape of the elements of a list.
pub(super) fn element_of(shape: &dyn Shape) -> &dyn Shape {
    match shape.element() {
        Some(element) => element,
        None => any(),
    }
}

/// The members of a value, none if it is null or no object.
pub(super) fn members(value: Option<&Value>) -> Option<&Map> {
    value.and_then(Value::as_object)
}

/// The elements of a value with what identifies each, if all of them can be identified.
pub(super) fn keyed(shape: &dyn Shape, kind: ListKind<'_>, items: &[Value]) -> Option<Vec<Name>> {
    items.iter().map(|item| element::of_item(shape, kind, item).ok()).collect()
}

/// Everything in a configuration that does not fit the schema, in the words of Kubernetes:
/// `.spec.x: field not declared in schema`; with several, `errors:` and a line for each.
///
/// # Errors
/// That text.
pub(super) fn validate(value: &Value, shape: &dyn Shape) -> Result<(), String> {
    let mut check = Check { path: Vec::new(), errors: Vec::new() };
    check.value(value, shape);
    match check.errors.as_slice() {
        [] => Ok(()),
        [only] => Err(only.clone()),
        many => Err(format!("errors:\n  {}", many.join("\n  "))),
    }
}

struct Check {
    path: Vec<Name>,
    errors: Vec<String>,
}

impl Check {
    fn wrong(&mut self, message: &str) {
        let path = element::show(&self.path);
        self.errors.push(if path.is_empty() { message.to_owned() } else { format!("{path}: {message}") });
    }

    fn below(&mut self, element: Name, value: &Value, shape: &dyn Shape) {
        self.path.push(element);
        self.value(value, shape);
        self.path.pop();
    }

    fn value(&mut self, value: &Value, shape: &dyn Shape) {
        match (form(shape, value), value) {
            (Form::Nothing, _) => self.wrong("schema error: invalid atom: inlined"),
            (_, Value::Null) => {}
            (Form::Map(_), Value::Object(map)) => self.map(map, shape),
            (Form::Map(_), _) => self.wrong(&format!("expected map, got &{{{}}}", go::display(value))),
            (Form::List(kind), Value::Array(items)) => self.list(items, kind, shape),
            (Form::List(_), _) => self.wrong(&format!("expected list, got &{{{}}}", go::display(value))),
            (Form::Scalar(scalar), _) => self.scalar(value, scalar),
        }
    }

    fn scalar(&mut self, value: &Value, scalar: Scalar) {
        let is_number = matches!(value, Value::Int(_) | Value::Float(_));
        let (text, truth) = (value.as_str().is_some(), value.as_bool().is_some());
        match scalar {
            Scalar::Numeric if !is_number => {
                self.wrong(&format!("expected numeric (int or float), got {}", go::type_of(value)));
            }
            Scalar::String if !text => {
                let shown = go::syntax(value);
                self.wrong(&format!("expected string, got &value.valueUnstructured{{Value:{shown}}}"));
            }
            Scalar::Boolean if !truth => {
                self.wrong(&format!("expected boolean, got &{{{}}}", go::display(value)));
            }
            Scalar::Untyped if !(is_number || text || truth) => {
                self.wrong(&format!("expected any scalar, got &{{{}}}", go::display(value)));
            }
            Scalar::Numeric | Scalar::String | Scalar::Boolean | Scalar::Untyped => {}
        }
    }

    fn map(&mut self, map: &Map, shape: &dyn Shape) {
        for (name, value) in map.iter() {
            match shape.member(name) {
                Some(member) => self.below(element::field(name), value, member),
                None => {
                    self.path.push(element::field(name));
                    self.wrong("field not declared in schema");
                    self.path.pop();
                    // Like Kubernetes: the first unknown member ends the look at this object.
                    return;
                }
            }
        }
    }

    fn list(&mut self, items: &[Value], kind: ListKind<'_>, shape: &dyn Shape) {
        let mut seen = HashSet::new();
        for (at, item) in items.iter().enumerate() {
            let element = match kind {
                ListKind::Atomic => format!("i:{at}").into(),
                ListKind::Set | ListKind::Map(_) => match element::of_item(shape, kind, item) {
                    Ok(element) => element,
                    Err(error) => return self.wrong(&format!("element {at}: {error}")),
                },
            };
            if !seen.insert(element.clone()) {
                self.wrong(&format!("duplicate entries for key {}", element::show_one(&element)));
            }
            self.below(element, item, element_of(shape));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        shape::{Node, scalar},
        value,
    };

    fn check(value: &Value, expected: &str) {
        let string = || scalar(Scalar::String);
        let shape = Node::object()
            .with("s", string())
            .with("n", scalar(Scalar::Numeric))
            .with("b", scalar(Scalar::Boolean))
            .with("m", Node::map_of(string()))
            .with("set", Node::set_of(string()))
            .with("l", Node::list_map_of(Node::object().with("name", string()), &["name"]));
        assert_eq!(validate(value, &shape).err().unwrap_or_default(), expected);
    }

    #[test]
    fn messages() {
        check(
            &value!({"s": "x", "n": 1_i64, "b": true, "m": {"a": "b"}, "set": ["a"], "l": [{"name": "a"}]}),
            "",
        );
        check(&value!({"s": null, "m": null, "l": null}), "");
        check(&value!({"x": 1_i64}), ".x: field not declared in schema");
        check(&value!({"s": 1_i64}), ".s: expected string, got &value.valueUnstructured{Value:1}");
        check(&value!({"n": "1"}), ".n: expected numeric (int or float), got string");
        check(
            &value!({"b": "1", "m": "x"}),
            "errors:\n  .b: expected boolean, got &{1}\n  .m: expected map, got &{x}",
        );
        check(&value!({"l": [{"name": "a"}, {"name": "a"}]}), ".l: duplicate entries for key [name=\"a\"]");
        check(&value!({"l": [{"name": "a", "y": 1_i64}]}), ".l[name=\"a\"].y: field not declared in schema");
        check(
            &value!({"set": [{}]}),
            ".set: element 0: associative list without keys has an element that's a map type",
        );
    }
}

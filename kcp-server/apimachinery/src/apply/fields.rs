use super::{
    set::Set,
    typed::{self, Form, element_of, form},
};
use crate::{
    Map, Name, Value,
    shape::{ListKind, MapKind, Shape},
};
use std::collections::HashMap;

/// The fields a configuration sets: what an applier owns.
///
/// A scalar and an atomic list or map is a field. A list element is one, and so is what is in it. A
/// map is one where it is null or empty, or where its name is not fixed by the schema.
#[must_use]
pub fn fields_of(value: &Value, shape: &dyn Shape) -> Set {
    below(value, shape).1
}

/// Whether the value is a field itself, and the fields below it.
pub(super) fn below(value: &Value, shape: &dyn Shape) -> (bool, Set) {
    match (form(shape, value), value) {
        (Form::Scalar(_) | Form::Map(MapKind::Atomic) | Form::List(ListKind::Atomic), _) => {
            (true, Set::new())
        }
        (Form::Map(MapKind::Granular), Value::Object(map)) => (false, of_map(map, shape)),
        (Form::List(kind @ (ListKind::Set | ListKind::Map(_))), Value::Array(items)) => {
            of_list(items, kind, shape)
        }
        (Form::Map(MapKind::Granular) | Form::List(ListKind::Set | ListKind::Map(_)) | Form::Nothing, _) => {
            (false, Set::new())
        }
    }
}

fn of_map(map: &Map, shape: &dyn Shape) -> Set {
    let mut set = Set::new();
    for (name, value) in map.iter() {
        let (mut member, fields) = below(value, typed::member(shape, name));
        let empty = value.is_null() || value.as_object().is_some_and(Map::is_empty);
        member |= empty || shape.declared(name).is_none();
        set.put(super::element::field(name), member, fields);
    }
    set
}

fn of_list(items: &[Value], kind: ListKind<'_>, shape: &dyn Shape) -> (bool, Set) {
    // Elements that cannot be told apart make the list one value.
    let Some(elements) = typed::keyed(shape, kind, items) else { return (true, Set::new()) };
    let mut counts: HashMap<&Name, usize> = HashMap::new();
    for element in &elements {
        *counts.entry(element).or_default() += 1;
    }
    let mut set = Set::new();
    for (element, item) in in_order(&elements, items) {
        // Of elements that are there twice, nothing below is owned.
        let fields =
            if counts.get(element) == Some(&1) { below(item, element_of(shape)).1 } else { Set::new() };
        set.put(element.clone(), true, fields);
    }
    (false, set)
}

/// Elements with their items in the order of a set, so that each is put at its end.
pub(super) fn in_order<'i>(elements: &'i [Name], items: &'i [Value]) -> Vec<(&'i Name, &'i Value)> {
    let mut pairs: Vec<_> = elements.iter().zip(items).collect();
    pairs.sort_by_key(|(element, _)| *element);
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        shape::{Node, Scalar, any, scalar},
        value,
    };
    use expect_test::{Expect, expect};

    fn check(value: &Value, shape: &dyn Shape, expected: Expect) {
        expected.assert_eq(&crate::go::json(&fields_of(value, shape).to_fields_v1()));
    }

    #[test]
    fn fields() {
        let string = || scalar(Scalar::String);
        let item = Node::object().with_scalars(Scalar::String, &["name", "value"]);
        let shape = Node::object()
            .with("s", string())
            .with("m", Node::map_of(string()))
            .with("atomic", Node::map_of(string()).atomic())
            .with("o", Node::object().with("x", string()))
            .with("set", Node::set_of(string()))
            .with("l", Node::list_map_of(item, &["name"]));
        check(
            &value!({"s": "x", "m": {"a": "b"}, "atomic": {"a": "b"}, "o": {"x": null}, "set": ["a"],
                "l": [{"name": "a", "value": "b"}]}),
            &shape,
            expect![[
                r#"{"f:atomic":{},"f:l":{"k:{\"name\":\"a\"}":{".":{},"f:name":{},"f:value":{}}},"f:m":{"f:a":{}},"f:o":{"f:x":{}},"f:s":{},"f:set":{"v:\"a\"":{}}}"#
            ]],
        );
        check(&value!({"m": {}, "o": null, "l": []}), &shape, expect![[r#"{"f:m":{},"f:o":{}}"#]]);
        check(
            &value!({"l": [{"name": "a"}, {"name": "a"}]}),
            &shape,
            expect![[r#"{"f:l":{"k:{\"name\":\"a\"}":{}}}"#]],
        );
        check(
            &value!({"a": {"b": [1_i64, 2_i64], "c": {}}}),
            any(),
            expect![[r#"{"f:a":{".":{},"f:b":{},"f:c":{}}}"#]],
        );
    }
}

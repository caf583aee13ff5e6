use super::{
    element,
    set::{Entry, Set},
    typed::{self, Form, element_of, form},
};
use crate::{
    Value,
    shape::{ListKind, MapKind, Shape},
};

/// Takes these fields out of an object. What becomes empty by that goes too, unless it is in `keep`;
/// the object itself stays.
pub(super) fn remove(object: &mut Value, fields: &Set, keep: &Set, shape: &dyn Shape) {
    if !below(object, fields, keep, shape) {
        *object = Value::object();
    }
}

/// Takes out what is below; says whether something is left.
fn below(value: &mut Value, fields: &Set, keep: &Set, shape: &dyn Shape) -> bool {
    static NOTHING: Set = Set::new();
    let one = |value: &mut Value, entry: Option<&Entry>, kept: Option<&Entry>, shape: &dyn Shape| match entry
    {
        Some(entry) if entry.member => false,
        Some(entry) => {
            below(value, &entry.below, kept.map_or(&NOTHING, |kept| &kept.below), shape)
                || kept.is_some_and(|kept| kept.member)
        }
        None => true,
    };
    let as_form = form(shape, value);
    match (as_form, value) {
        (Form::Map(MapKind::Granular), Value::Object(map)) => {
            map.retain(|name, value| {
                one(value, fields.get_field(name), keep.get_field(name), typed::member(shape, name))
            });
            !map.is_empty()
        }
        (Form::List(kind @ (ListKind::Set | ListKind::Map(_))), Value::Array(items)) => {
            items.retain_mut(|item| {
                let Ok(element) = element::of_item(shape, kind, item) else { return true };
                one(item, fields.get(&element), keep.get(&element), element_of(shape))
            });
            !items.is_empty()
        }
        // Something below an atomic value is meant: the value goes.
        (Form::Map(MapKind::Atomic), Value::Object(_)) | (Form::List(ListKind::Atomic), Value::Array(_)) => {
            false
        }
        (Form::Map(_) | Form::List(_) | Form::Scalar(_) | Form::Nothing, _) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        shape::{Node, Scalar, scalar},
        value::decode,
    };

    fn check(object: &str, fields: &str, expected: &str) {
        let item = Node::object().with_scalars(Scalar::String, &["name", "x"]);
        let shape = Node::object()
            .with("m", Node::map_of(scalar(Scalar::String)))
            .with("s", scalar(Scalar::String))
            .with("kept", Node::map_of(scalar(Scalar::String)))
            .with("l", Node::list_map_of(item, &["name"]));
        let read = |text: &str| decode(text.as_bytes()).expect("JSON");
        let mut object = read(object);
        let keep = Set::of(&[&["kept"]]);
        remove(&mut object, &Set::from_fields_v1(&read(fields)).expect("fields"), &keep, &shape);
        assert_eq!(crate::go::json(&object), expected);
    }

    #[test]
    fn fields_are_removed() {
        check(r#"{"m":{"a":"1","b":"2"},"s":"x"}"#, r#"{"f:m":{"f:a":{}},"f:s":{}}"#, r#"{"m":{"b":"2"}}"#);
        check(r#"{"kept":{"a":"1"}}"#, r#"{"f:kept":{"f:a":{}}}"#, r#"{"kept":{}}"#);
        check(r#"{"m":{"a":"1"}}"#, r#"{"f:m":{"f:a":{}}}"#, "{}");
        check(
            r#"{"l":[{"name":"a","x":"1"},{"name":"b","x":"2"}]}"#,
            r#"{"f:l":{"k:{\"name\":\"a\"}":{},"k:{\"name\":\"b\"}":{"f:x":{}}}}"#,
            r#"{"l":[{"name":"b"}]}"#,
        );
    }
}

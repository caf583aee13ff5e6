//! The elements of the path of a field, as they are spelt in `fieldsV1`.

use crate::{
    Map, Name, Value, go,
    shape::{ListKind, Shape},
    value::{decode, encode_into},
};

/// A member of an object.
pub(super) fn field(name: &str) -> Name {
    format!("f:{name}").into()
}

/// What identifies an element of a list that is no atomic one.
pub(super) fn of_item(shape: &dyn Shape, kind: ListKind<'_>, item: &Value) -> Result<Name, String> {
    match kind {
        ListKind::Atomic => Err("invalid indexing of non-associative list".to_owned()),
        ListKind::Set => of_value(item),
        ListKind::Map(keys) => of_keys(shape, keys, item),
    }
}

fn of_value(item: &Value) -> Result<Name, String> {
    match item {
        Value::Object(_) => Err("associative list without keys has an element that's a map type".to_owned()),
        Value::Array(_) => Err("not supported: associative list with lists as elements".to_owned()),
        Value::Null => Err("associative list without keys has an element that's an explicit null".to_owned()),
        Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::String(_) => Ok(spell("v:", item)),
    }
}

fn of_keys(shape: &dyn Shape, keys: &[Box<str>], item: &Value) -> Result<Name, String> {
    let item = match item {
        Value::Object(item) => item,
        Value::Null => return Err("associative list with keys may not have a null element".to_owned()),
        Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::String(_) | Value::Array(_) => {
            return Err("associative list with keys may not have non-map elements".to_owned());
        }
    };
    let mut found: Vec<(&str, &Value)> = Vec::with_capacity(keys.len());
    for key in keys {
        let default = || shape.element()?.declared(key)?.default_value();
        // A key that is missing and has no default is left out: that is another identity.
        if let Some(value) = item.get(key).or_else(default) {
            found.push((key, value));
        }
    }
    if found.is_empty() && !keys.is_empty() {
        let keys = go::quote_list(keys.iter().map(|key| &**key));
        return Err(format!(
            "associative list with keys has an element that omits all key fields {keys} (and doesn't have default values for any key fields)"
        ));
    }
    found.sort_unstable_by_key(|(key, _)| *key);
    let mut text = b"k:{".to_vec();
    for (at, (key, value)) in found.iter().enumerate() {
        if at > 0 {
            text.push(b',');
        }
        crate::value::escape_into(key, &mut text);
        text.push(b':');
        encode_into(value, &mut text);
    }
    text.push(b'}');
    Ok(String::from_utf8_lossy(&text).as_ref().into())
}

fn spell(prefix: &str, value: &Value) -> Name {
    let mut text = prefix.as_bytes().to_vec();
    encode_into(value, &mut text);
    String::from_utf8_lossy(&text).as_ref().into()
}

/// Reads an element from `fieldsV1`. `None` if it is of a kind that is not known, which is skipped.
pub(super) fn parse(text: &Name) -> Result<Option<Name>, String> {
    if text.starts_with("f:") {
        return Ok(Some(text.clone()));
    }
    let Some((kind, rest)) = text.as_bytes().first().copied().zip(text.get(2..)) else {
        return Err("key must be 2 characters long:".to_owned());
    };
    if text.as_bytes()[1] != b':' {
        return Err(format!("missing colon: {text}"));
    }
    // Others may spell the same value otherwise, so it is read and spelt again.
    let read = || decode(rest.as_bytes()).map_err(|error| error.to_string());
    match kind {
        b'v' => Ok(Some(spell("v:", &read()?))),
        b'k' => match read()? {
            keys @ Value::Object(_) => Ok(Some(spell("k:", &keys))),
            Value::Null
            | Value::Bool(_)
            | Value::Int(_)
            | Value::Float(_)
            | Value::String(_)
            | Value::Array(_) => Err(format!("keys must be an object: {text}")),
        },
        b'i' => {
            let index: i64 = rest
                .parse()
                .map_err(|_| format!("strconv.Atoi: parsing {}: invalid syntax", go::quote(rest)))?;
            Ok(Some(format!("i:{index}").into()))
        }
        _ => Ok(None),
    }
}

/// The shape of what lies below an element.
pub(super) fn shape_below<'s>(shape: &'s dyn Shape, element: &str) -> Option<&'s dyn Shape> {
    match element.strip_prefix("f:") {
        Some(name) => shape.map().and_then(|_| shape.member(name)),
        None => shape.list().and_then(|_| shape.element()),
    }
}

/// A path as messages show it: `.spec.ports[port=80,protocol="TCP"].name`.
pub(super) fn show(path: &[Name]) -> String {
    path.iter().map(|element| show_one(element)).collect()
}

pub(super) fn show_one(element: &str) -> String {
    let value = |text: &str| decode(text.as_bytes()).unwrap_or_default();
    match element.split_at_checked(2) {
        Some(("f:", name)) => format!(".{name}"),
        Some(("k:", keys)) => {
            let keys = value(keys);
            let members = keys.as_object().into_iter().flat_map(Map::iter);
            let members: Vec<_> =
                members.map(|(key, value)| format!("{key}={}", show_value(value))).collect();
            format!("[{}]", members.join(","))
        }
        Some(("v:", text)) => format!("[={}]", show_value(&value(text))),
        Some((_, index)) => format!("[{index}]"),
        None => element.to_owned(),
    }
}

fn show_value(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::String(text) => go::quote(text),
        Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Array(_) | Value::Object(_) => {
            go::display(value)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        shape::{Node, Scalar, scalar},
        value,
    };

    #[test]
    fn list_elements() {
        let port = Node::object()
            .with("port", scalar(Scalar::Numeric))
            .with("protocol", scalar(Scalar::String).default_to("TCP"));
        let ports = Node::list_map_of(port, &["port", "protocol"]);
        let name =
            |item: &Value| ports.list().ok_or(String::new()).and_then(|kind| of_item(&ports, kind, item));
        let element = name(&value!({"port": 80_i64, "x": 1_i64})).expect("keys");
        assert_eq!(&*element, r#"k:{"port":80,"protocol":"TCP"}"#);
        assert_eq!(show(&[field("spec"), element]), r#".spec[port=80,protocol="TCP"]"#);
        assert!(name(&Value::Null).is_err() && name(&value!("x")).is_err());

        let names = Node::list_map_of(Node::object(), &["name"]);
        let error =
            names.list().map(|kind| of_item(&names, kind, &value!({}))).expect("a list").expect_err("no key");
        assert_eq!(
            error,
            r#"associative list with keys has an element that omits all key fields ["name"] (and doesn't have default values for any key fields)"#
        );
    }

    #[test]
    fn elements_are_spelt_in_one_way() {
        for (text, canonical) in [
            ("f:a b", Some("f:a b")),
            (r#"k:{ "b":1, "a":"\u003c" }"#, Some(r#"k:{"a":"<","b":1}"#)),
            ("v: \"x\"", Some("v:\"x\"")),
            ("i:07", Some("i:7")),
            ("x:y", None),
        ] {
            assert_eq!(parse(&text.into()).expect("an element").as_deref(), canonical);
        }
        for text in ["", "x", "ab", "k:[]", "v:", "i:x"] {
            assert!(parse(&text.into()).is_err(), "{text}");
        }
    }
}

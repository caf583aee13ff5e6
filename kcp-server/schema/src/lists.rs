//! Lists that are sets or maps have no element twice.

use crate::node::{ListType, Node};
use kcp_apimachinery::{
    Map, Value,
    field::{Error, Path},
    value,
};
use std::collections::HashMap;

/// Elements that are there more than once. On an update they are only told if the old object had none.
pub(crate) fn validate(new: &Value, old: Option<&Value>, root: &Node) -> Vec<Error> {
    let mut errors = Vec::new();
    walk(new, root, &Path::root(), &mut errors);
    if let (false, Some(old)) = (errors.is_empty(), old) {
        let mut before = Vec::new();
        walk(old, root, &Path::root(), &mut before);
        if !before.is_empty() {
            return Vec::new();
        }
    }
    errors
}

fn walk(value: &Value, node: &Node, at: &Path<'_>, errors: &mut Vec<Error>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members.iter() {
                if let Some(property) = node.property(name) {
                    walk(member, property.node.node(), &at.child(name), errors);
                } else if let Some(node) = node.additional.node() {
                    walk(member, node, &at.key(name), errors);
                }
            }
        }
        Value::Array(items) => {
            match node.list {
                ListType::Set => repeated(items.iter().cloned().enumerate(), at, errors),
                ListType::Map => list_map(items, node.list_keys(), at, errors),
                ListType::Atomic | ListType::Unset => {}
            }
            if let Some(node) = node.element() {
                for (index, item) in items.iter().enumerate() {
                    walk(item, node, &at.index(index), errors);
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::String(_) => {}
    }
}

fn list_map(items: &[Value], keys: &[Box<str>], at: &Path<'_>, errors: &mut Vec<Error>) {
    let other = |(_, item): &(usize, &Value)| !(item.is_null() || item.as_object().is_some());
    if let Some((index, item)) = items.iter().enumerate().find(other) {
        let detail = "must be an object for an array of list-type map";
        errors.push(Error::invalid(&at.index(index), item.clone(), detail));
        return;
    }
    let key_of = |item: &Value| {
        let present = keys.iter().filter_map(|key| Some((&**key, item.get(key)?.clone())));
        Value::Object(present.collect::<Map>())
    };
    repeated(items.iter().map(key_of).enumerate(), at, errors);
}

/// The second of equal ones is told, the third and later are not.
fn repeated(items: impl Iterator<Item = (usize, Value)>, at: &Path<'_>, errors: &mut Vec<Error>) {
    let mut seen: HashMap<Vec<u8>, usize> = HashMap::new();
    for (index, item) in items {
        let times = seen.entry(value::encode(&item)).or_default();
        *times += 1;
        if *times == 2 {
            errors.push(Error::duplicate(&at.index(index), item));
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::Schema;
    use kcp_apimachinery::{Value, value};

    fn check(list: Value, items: Value, old: Option<Value>, expected: &[&str]) {
        let schema =
            Schema::compile(&value!({"type": "object", "properties": {"list": list}})).expect("a schema");
        let old = old.map(|old| value!({"list": old}));
        let errors =
            schema.validate(&value!({"apiVersion": "a/v1", "kind": "A", "list": items}), old.as_ref());
        assert_eq!(errors.iter().map(ToString::to_string).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn sets_have_no_element_twice() {
        let set = || value!({"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "string"}});
        check(set(), value!(["a", "b"]), None, &[]);
        check(set(), value!(["a", "a", "a"]), None, &["list[1]: Duplicate value: \"a\""]);
        check(set(), value!(["a", "a", "b"]), Some(value!(["c", "c"])), &[]);
    }

    #[test]
    fn maps_have_no_key_twice() {
        let map = |keys| {
            value!({"type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": keys,
                "items": {"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "string"}}}})
        };
        let items = || value!([{"a": "x", "b": "1"}, {"a": "x", "b": "2"}]);
        check(map(value!(["a"])), items(), None, &["list[1]: Duplicate value: {\"a\":\"x\"}"]);
        check(map(value!(["a", "b"])), items(), None, &[]);
    }
}

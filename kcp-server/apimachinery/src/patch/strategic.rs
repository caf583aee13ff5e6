use super::{
    Error,
    elements::{element_kind, merge_list},
    merge::without_nulls,
    order::{self, Identity},
};
use crate::{Map, Name, Value, go, shape::Shape};
use std::collections::{BTreeMap, HashSet};

pub(super) const DIRECTIVE: &str = "$patch";
const RETAIN_KEYS: &str = "$retainKeys";
const DELETE_FROM: &str = "$deleteFromPrimitiveList/";
const SET_ORDER: &str = "$setElementOrder/";

/// Applies a strategic merge patch, as `kubectl apply` and `kubectl edit` send it for built-in kinds.
///
/// Maps are merged member by member and `null` removes; lists are merged as their shape says, by key
/// or by value, else replaced. Understood are `$patch: replace|delete` in maps and in elements,
/// `$deleteFromPrimitiveList/x`, `$setElementOrder/x` and `$retainKeys`. Fields the shape does not
/// know are merged like free maps.
///
/// # Errors
/// [`Error::Malformed`] for directives of a wrong form, [`Error::NotApplicable`] for lists in lists,
/// [`Error::Unmergeable`] for elements without their key and for contradictions.
pub fn strategic_merge(target: &mut Value, patch: Value, shape: &dyn Shape) -> Result<(), Error> {
    let (Value::Object(patch), Some(target)) = (patch, target.as_object_mut()) else {
        return Err(Error::Malformed("invalid JSON document".to_owned()));
    };
    merge_map(target, patch, Some(shape))
}

pub(super) fn merge_map(target: &mut Map, mut patch: Map, shape: Option<&dyn Shape>) -> Result<(), Error> {
    if let Some(directive) = patch.remove(DIRECTIVE) {
        *target = match directive.as_str() {
            Some("replace") => patch,
            Some("delete") => Map::new(),
            _ => return Err(unknown_directive(&directive, &patch)),
        };
        return Ok(());
    }
    if let Some(keys) = patch.remove(RETAIN_KEYS) {
        retain_keys(target, &patch, &keys)?;
    }
    let (mut orders, mut deletions, mut members) = (BTreeMap::new(), Vec::new(), Vec::new());
    for (name, value) in patch {
        if let Some(member) = name.strip_prefix(SET_ORDER) {
            orders.insert(Name::from(member), value);
        } else if let Some(member) = name.strip_prefix(DELETE_FROM) {
            deletions.push((Name::from(member), value));
        } else if name.starts_with(DELETE_FROM.trim_end_matches('/')) {
            return Err(Error::Malformed("invalid patch format of primitive list".to_owned()));
        } else {
            members.push((name, value));
        }
    }
    let shape_of = |name: &str| shape.and_then(|shape| shape.member(name));
    target.merge_with(Map::collect(members).0, |name, current, value| match orders.remove(name) {
        Some(order) => merge_ordered(current, Some(value), order, shape_of(name)),
        None => merge_member(current, value, shape_of(name)),
    })?;
    for (name, order) in orders {
        if let Some(current) = target.get_mut(&name) {
            let ordered = merge_ordered(Some(std::mem::take(current)), None, order, shape_of(&name))?;
            *current = ordered.unwrap_or_default();
        }
    }
    for (name, values) in deletions {
        delete_from(target, &name, &values);
    }
    Ok(())
}

pub(super) fn unknown_directive(directive: &Value, patch: &Map) -> Error {
    let patch = go::display(&Value::Object(patch.clone()));
    Error::Unmergeable(format!("unknown patch type: {} in map: {patch}", go::display(directive)))
}

/// Drops the members that are not listed. The patch may not set any other.
fn retain_keys(target: &mut Map, patch: &Map, keys: &Value) -> Result<(), Error> {
    let malformed = || Error::Malformed("invalid patch format of retainKeys".to_owned());
    let keys: HashSet<&str> =
        keys.as_array().ok_or_else(malformed)?.iter().filter_map(Value::as_str).collect();
    let sets = |(name, value): (&str, &Value)| {
        !value.is_null() && !name.starts_with(DELETE_FROM) && !name.starts_with(SET_ORDER)
    };
    if patch.iter().any(|member| sets(member) && !keys.contains(member.0)) {
        return Err(malformed());
    }
    target.retain(|name, _| keys.contains(name));
    Ok(())
}

/// Merges a list whose order the patch tells; the patch may tell nothing else.
fn merge_ordered(
    current: Option<Value>,
    patch: Option<Value>,
    order: Value,
    shape: Option<&dyn Shape>,
) -> Result<Option<Value>, Error> {
    let rule = shape.map(Shape::patch).unwrap_or_default();
    let identity = Identity(rule.merge_key);
    let order = list(order)?;
    let current = current.map(list).transpose()?;
    let patch = patch.map(list).transpose()?;
    if let Some(patch) = &patch {
        check_order(patch, &order, identity)?;
    }
    let (current, patch) = match (current, patch) {
        (None, None) => return Ok(None),
        (None, Some(patch)) => (Vec::new(), patch.into_iter().filter_map(without_directives).collect()),
        (Some(current), patch) => (current, patch.unwrap_or_default()),
    };
    let server_order = identity.positions(&current)?;
    let merged = if current.is_empty() || patch.is_empty() {
        current.into_iter().chain(patch).collect()
    } else {
        merge_list(current, patch, shape, rule)?
    };
    element_kind(&merged)?;
    let merged = order::normalize(merged, &identity.positions(&order)?, &server_order, identity)?;
    Ok(Some(merged.into()))
}

/// The elements that a patch sets have to come in the order that it tells.
fn check_order(patch: &[Value], order: &[Value], identity: Identity<'_>) -> Result<(), Error> {
    if order.is_empty() {
        return Ok(());
    }
    let mut rest = order.iter();
    for item in patch.iter().filter(|item| item.get(DIRECTIVE).is_none()) {
        let id = identity.of(item)?;
        loop {
            let Some(next) = rest.next() else {
                let show = |items: &[Value]| go::display(&Value::Array(items.to_vec()));
                return Err(Error::Unmergeable(format!(
                    "The order in patch list:\n{}\n doesn't match $setElementOrder list:\n{}\n",
                    show(patch),
                    show(order)
                )));
            };
            if identity.of(next)? == id {
                break;
            }
        }
    }
    Ok(())
}

fn delete_from(target: &mut Map, member: &str, values: &Value) {
    let (Some(current), Some(values)) =
        (target.get_mut(member).and_then(Value::as_array_mut), values.as_array())
    else {
        return;
    };
    let gone: HashSet<Vec<u8>> = values.iter().map(crate::value::encode).collect();
    current.retain(|item| !gone.contains(&crate::value::encode(item)));
}

/// What becomes of a member; `None` if it goes.
fn merge_member(
    current: Option<Value>,
    value: Value,
    shape: Option<&dyn Shape>,
) -> Result<Option<Value>, Error> {
    let rule = shape.map(Shape::patch).unwrap_or_default();
    Ok(match (current, value) {
        (_, Value::Null) => None,
        (Some(Value::Object(_)), Value::Object(patch)) if rule.replace => Some(patch.into()),
        (Some(Value::Object(mut current)), Value::Object(patch)) => {
            merge_map(&mut current, patch, shape)?;
            Some(current.into())
        }
        (Some(Value::Array(current)), Value::Array(patch)) => {
            Some(merge_list(current, patch, shape, rule)?.into())
        }
        (_, value) => without_directives(without_nulls(value)),
    })
}

/// What is left of a new value without `$patch` directives; `None` if it is marked itself.
pub(super) fn without_directives(mut value: Value) -> Option<Value> {
    strip(&mut value).then_some(value)
}

fn strip(value: &mut Value) -> bool {
    match value {
        Value::Object(map) if map.contains(DIRECTIVE) => return false,
        Value::Object(map) => map.retain(|_, member| strip(member)),
        Value::Array(items) => items.retain_mut(strip),
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::String(_) => {}
    }
    true
}

fn list(value: Value) -> Result<Vec<Value>, Error> {
    match value {
        Value::Array(items) => Ok(items),
        Value::Null => Ok(Vec::new()),
        Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::String(_) | Value::Object(_) => {
            let found = go::type_of(&value);
            Err(Error::Unmergeable(format!("expected a []interface {{}}, but received a {found}")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        shape::{Node, Scalar, scalar},
        value::decode,
    };

    fn pod() -> Node {
        let string = || scalar(Scalar::String);
        let env = Node::object().with_scalars(Scalar::String, &["name", "value"]);
        let container = Node::object()
            .with_scalars(Scalar::String, &["name", "image"])
            .with("args", Node::list_of(string()))
            .with("env", Node::list_map_of(env, &["name"]).patch_merge(Some("name")));
        Node::object()
            .with("containers", Node::list_map_of(container, &["name"]).patch_merge(Some("name")))
            .with("finalizers", Node::set_of(string()).patch_merge(None))
            .with(
                "strategy",
                Node::object().with_scalars(Scalar::String, &["type", "rolling"]).patch_retain_keys(),
            )
            .with("selector", Node::map_of(string()).patch_replace())
            .with("labels", Node::map_of(string()))
    }

    fn patched(target: &str, patch: &str) -> Result<String, String> {
        let read = |text: &str| decode(text.as_bytes()).expect("JSON");
        let mut target = read(target);
        strategic_merge(&mut target, read(patch), &pod()).map_err(|error| error.to_string())?;
        Ok(go::json(&target))
    }

    fn check(target: &str, patch: &str, expected: &str) {
        assert_eq!(patched(target, patch).as_deref(), Ok(expected), "{patch}");
    }

    #[test]
    fn maps() {
        check(
            r#"{"labels":{"a":"1","b":"2"}}"#,
            r#"{"labels":{"b":null,"c":"3"}}"#,
            r#"{"labels":{"a":"1","c":"3"}}"#,
        );
        check(r#"{"selector":{"a":"1"}}"#, r#"{"selector":{"b":"2"}}"#, r#"{"selector":{"b":"2"}}"#);
        check(
            r#"{"labels":{"a":"1"}}"#,
            r#"{"labels":{"$patch":"replace","b":"2"}}"#,
            r#"{"labels":{"b":"2"}}"#,
        );
        check(r#"{"labels":{"a":"1"}}"#, r#"{"labels":{"$patch":"delete"}}"#, r#"{"labels":{}}"#);
        check(
            r#"{}"#,
            r#"{"labels":{"a":"1","b":null},"strategy":{"$patch":"delete"}}"#,
            r#"{"labels":{"a":"1"}}"#,
        );
        check(
            r#"{"strategy":{"type":"Rolling","rolling":"x"}}"#,
            r#"{"strategy":{"$retainKeys":["type"],"type":"Recreate"}}"#,
            r#"{"strategy":{"type":"Recreate"}}"#,
        );
    }

    #[test]
    fn lists_by_key() {
        let two = r#"{"containers":[{"image":"1","name":"a"},{"image":"2","name":"b"}]}"#;
        check(
            two,
            r#"{"containers":[{"name":"b","image":"3"},{"name":"c","image":null}]}"#,
            r#"{"containers":[{"image":"1","name":"a"},{"image":"3","name":"b"},{"name":"c"}]}"#,
        );
        check(
            two,
            r#"{"containers":[{"name":"a","$patch":"delete"}]}"#,
            r#"{"containers":[{"image":"2","name":"b"}]}"#,
        );
        check(
            two,
            r#"{"containers":[{"$patch":"replace"},{"name":"c"}]}"#,
            r#"{"containers":[{"name":"c"}]}"#,
        );
        check(
            r#"{"containers":[{"name":"a","env":[{"name":"x","value":"1"}],"args":["1"]}]}"#,
            r#"{"containers":[{"name":"a","env":[{"name":"y","value":"2"}],"args":["2"]}]}"#,
            r#"{"containers":[{"args":["2"],"env":[{"name":"y","value":"2"},{"name":"x","value":"1"}],"name":"a"}]}"#,
        );
    }

    #[test]
    fn lists_by_value() {
        check(
            r#"{"finalizers":["a","b"]}"#,
            r#"{"finalizers":["c","a"]}"#,
            r#"{"finalizers":["c","a","b"]}"#,
        );
        check(
            r#"{"finalizers":["a","b"]}"#,
            r#"{"$deleteFromPrimitiveList/finalizers":["b"],"$setElementOrder/finalizers":["c","a"],"finalizers":["c"]}"#,
            r#"{"finalizers":["c","a"]}"#,
        );
    }

    #[test]
    fn the_order_of_elements_is_kept() {
        let target = r#"{"containers":[{"name":"a"},{"name":"server"},{"name":"b"}]}"#;
        check(
            target,
            r#"{"$setElementOrder/containers":[{"name":"b"},{"name":"a"}]}"#,
            r#"{"containers":[{"name":"server"},{"name":"b"},{"name":"a"}]}"#,
        );
        check(
            target,
            r#"{"$setElementOrder/containers":[{"name":"a"},{"name":"n"},{"name":"b"}],"containers":[{"name":"n"}]}"#,
            r#"{"containers":[{"name":"a"},{"name":"n"},{"name":"server"},{"name":"b"}]}"#,
        );
        check(
            r#"{}"#,
            r#"{"$setElementOrder/containers":[{"name":"a"}],"containers":[{"name":"a"},{"name":"x","$patch":"delete"}]}"#,
            r#"{"containers":[{"name":"a"}]}"#,
        );
    }

    #[test]
    fn what_contradicts_itself_is_refused() {
        for (patch, message) in [
            (
                r#"{"containers":[{"image":"x"}]}"#,
                "map: map[image:x] does not contain declared merge key: name",
            ),
            (r#"{"labels":{"$patch":"x"}}"#, "unknown patch type: x in map: map[]"),
            (r#"{"strategy":{"$retainKeys":"x"}}"#, "invalid patch format of retainKeys"),
            (r#"{"strategy":{"$retainKeys":[],"type":"x"}}"#, "invalid patch format of retainKeys"),
            (r#"{"finalizers":["x",1]}"#, "list element types are not identical"),
            (r#"{"finalizers":[["x"]]}"#, "lists of lists are not supported"),
            (
                r#"{"$setElementOrder/finalizers":["b","a"],"finalizers":["a","b"]}"#,
                "The order in patch list:\n[a b]\n doesn't match $setElementOrder list:\n[b a]\n",
            ),
            (r#"{"$setElementOrder/finalizers":"b"}"#, "expected a []interface {}, but received a string"),
        ] {
            let target = r#"{"containers":[{"name":"a"}],"labels":{},"strategy":{},"finalizers":["x"]}"#;
            assert_eq!(patched(target, patch), Err(message.to_owned()), "{patch}");
        }
    }
}

use super::Error;
use crate::{Map, Value};
use std::convert::Infallible;

/// Applies a JSON merge patch (RFC 7386): members are merged, `null` removes, all else replaces.
///
/// As in Kubernetes, nulls inside of objects that are new are dropped too, also within lists.
///
/// # Errors
/// [`Error::Malformed`] if the patch or what it changes is no object.
pub fn merge(target: &mut Value, patch: Value) -> Result<(), Error> {
    let (Value::Object(patch), Some(target)) = (patch, target.as_object_mut()) else {
        return Err(Error::Malformed("Invalid JSON Patch".to_owned()));
    };
    merge_maps(target, patch);
    Ok(())
}

fn merge_maps(target: &mut Map, patch: Map) {
    let merge = |_: &str, current, value| {
        Ok::<_, Infallible>(match (current, value) {
            (_, Value::Null) => None,
            (Some(Value::Object(mut current)), Value::Object(value)) => {
                merge_maps(&mut current, value);
                Some(Value::Object(current))
            }
            (Some(Value::Object(_)), value) => Some(value),
            (Some(_) | None, value) => Some(without_nulls(value)),
        })
    };
    let Ok(()) = target.merge_with(patch, merge);
}

/// Drops members that are null from all objects inside; elements of lists stay.
pub(super) fn without_nulls(mut value: Value) -> Value {
    drop_nulls(&mut value);
    value
}

fn drop_nulls(value: &mut Value) {
    match value {
        Value::Object(map) => map.retain(|_, member| {
            drop_nulls(member);
            !member.is_null()
        }),
        Value::Array(items) => items.iter_mut().for_each(drop_nulls),
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::String(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::decode;

    fn check(target: &str, patch: &str, expected: &str) {
        let read = |text: &str| decode(text.as_bytes()).expect("JSON");
        let mut target = read(target);
        merge(&mut target, read(patch)).expect("a merge patch");
        assert_eq!(target, read(expected));
    }

    #[test]
    fn cases_of_the_rfc() {
        check(r#"{"a":"b"}"#, r#"{"a":"c"}"#, r#"{"a":"c"}"#);
        check(r#"{"a":"b"}"#, r#"{"b":"c"}"#, r#"{"a":"b","b":"c"}"#);
        check(r#"{"a":"b","b":"c"}"#, r#"{"a":null}"#, r#"{"b":"c"}"#);
        check(r#"{"a":["b"]}"#, r#"{"a":"c"}"#, r#"{"a":"c"}"#);
        check(r#"{"a":"c"}"#, r#"{"a":["b"]}"#, r#"{"a":["b"]}"#);
        check(r#"{"a":{"b":"c"}}"#, r#"{"a":{"b":"d","c":null}}"#, r#"{"a":{"b":"d"}}"#);
        check(r#"{"e":null}"#, r#"{"a":1}"#, r#"{"e":null,"a":1}"#);
        check(r#"{}"#, r#"{"a":{"bb":{"ccc":null}}}"#, r#"{"a":{"bb":{}}}"#);
    }

    #[test]
    fn only_objects() {
        let mut target = Value::object();
        assert_eq!(
            merge(&mut target, Value::Array(Vec::new())),
            Err(Error::Malformed("Invalid JSON Patch".into()))
        );
    }
}

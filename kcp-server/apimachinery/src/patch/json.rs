use super::{
    Error,
    container::{depth, insert, look, take},
    pointer,
};
use crate::{
    Map, Value, go,
    value::{Limits, encode},
};

/// Most operations a JSON patch may have.
pub const OPERATIONS_MAX: usize = 10_000;
/// Most bytes that all `copy` operations of a patch may copy.
pub const COPY_MAX: usize = 3 * 1024 * 1024;
/// Most values that are looked at to find out how deep a changed tree is.
const MEASURED_MAX: usize = 10_000_000;

const MISSING: &str = "missing value";
const TEST_FAILED: &str = "test failed";

/// A JSON patch (RFC 6902): operations that are done one after the other, all or none.
///
/// What is allowed beyond the RFC is what Kubernetes allows: negative indices count from the end,
/// and `replace` adds a member that is missing.
#[derive(Clone, Debug, PartialEq)]
pub struct JsonPatch(Vec<Map>);

impl JsonPatch {
    /// Reads a patch from its decoded body. Operations are looked at when they are applied.
    ///
    /// # Errors
    /// [`Error::Malformed`] if it is no list of objects, [`Error::TooManyOperations`].
    pub fn read(body: Value) -> Result<Self, Error> {
        let Value::Array(items) = body else {
            return Err(wrong_type(&body, "jsonpatch.Patch"));
        };
        if items.len() > OPERATIONS_MAX {
            return Err(Error::TooManyOperations(items.len()));
        }
        let operations = items.into_iter().map(|item| match item {
            Value::Object(operation) => Ok(operation),
            other @ (Value::Null
            | Value::Bool(_)
            | Value::Int(_)
            | Value::Float(_)
            | Value::String(_)
            | Value::Array(_)) => Err(wrong_type(&other, "jsonpatch.Operation")),
        });
        operations.collect::<Result<_, _>>().map(Self)
    }

    /// Members of operations that mean nothing, as strict validation tells them:
    /// `json patch unknown field "[0].x"`.
    #[must_use]
    pub fn unknown_members(&self) -> Vec<String> {
        let known = ["op", "path", "from", "value"];
        let unknown = self.0.iter().enumerate().flat_map(|(at, operation)| {
            let names = operation.keys().filter(|name| !known.contains(name));
            names.map(move |name| format!("json patch unknown field \"[{at}].{name}\""))
        });
        unknown.collect()
    }

    /// Applies the operations.
    ///
    /// # Errors
    /// [`Error::NotApplicable`] from the first operation that cannot be done.
    pub fn apply(self, target: Value) -> Result<Value, Error> {
        let mut run = Run { depth: depth(&target, &mut 0), target, copied: 0, measured: 0 };
        for operation in self.0 {
            run.step(operation).map_err(Error::NotApplicable)?;
        }
        Ok(run.target)
    }
}

fn wrong_type(value: &Value, wanted: &str) -> Error {
    let found = go::json_kind(value);
    Error::Malformed(format!("json: cannot unmarshal {found} into Go value of type {wanted}"))
}

struct Run {
    target: Value,
    /// The target is at most this deep.
    depth: usize,
    copied: usize,
    measured: usize,
}

impl Run {
    fn step(&mut self, mut operation: Map) -> Result<(), String> {
        let value = operation.remove("value");
        let kind = operation.get("op").and_then(Value::as_str).unwrap_or("unknown");
        match kind {
            "add" => self.add(&operation, value),
            "remove" => self.remove(&operation),
            "replace" => self.replace(&operation, value),
            "move" => self.relocate(&operation),
            "copy" => self.copy(&operation),
            "test" => self.test(&operation, value.as_ref()),
            other => Err(format!("Unexpected kind: {other}")),
        }
    }

    fn add(&mut self, operation: &Map, value: Option<Value>) -> Result<(), String> {
        let path =
            text(operation, "path").map_err(|_| format!("add operation failed to decode path: {MISSING}"))?;
        let value = value.unwrap_or_default();
        self.grow(path, &value, None)?;
        let (container, key) = pointer::find(&mut self.target, path).ok_or_else(|| {
            format!("add operation does not apply: doc is missing path: \"{path}\": {MISSING}")
        })?;
        insert(container, &key, value).map_err(|error| format!("error in add for path: '{path}': {error}"))
    }

    fn remove(&mut self, operation: &Map) -> Result<(), String> {
        let path = text(operation, "path")
            .map_err(|_| format!("remove operation failed to decode path: {MISSING}"))?;
        let (container, key) = pointer::find(&mut self.target, path).ok_or_else(|| {
            format!("remove operation does not apply: doc is missing path: \"{path}\": {MISSING}")
        })?;
        take(container, &key).map_err(|error| format!("error in remove for path: '{path}': {error}"))?;
        Ok(())
    }

    fn replace(&mut self, operation: &Map, value: Option<Value>) -> Result<(), String> {
        let path = text(operation, "path")
            .map_err(|error| format!("replace operation failed to decode path: {error}"))?;
        let value = value.unwrap_or_default();
        self.grow(path, &value, None)?;
        if path.is_empty() {
            if !matches!(value, Value::Object(_) | Value::Array(_)) {
                return Err("replace operation value must be object or array: %!w(<nil>)".to_owned());
            }
            self.target = value;
            return Ok(());
        }
        let (container, key) = pointer::find(&mut self.target, path).ok_or_else(|| {
            format!("replace operation does not apply: doc is missing path: {path}: {MISSING}")
        })?;
        match container {
            Value::Array(items) => {
                let index = pointer::existing(items.len(), &key).map_err(|_| {
                    format!("replace operation does not apply: doc is missing key: {path}: {MISSING}")
                })?;
                items[index] = value;
                Ok(())
            }
            Value::Object(_)
            | Value::Null
            | Value::Bool(_)
            | Value::Int(_)
            | Value::Float(_)
            | Value::String(_) => insert(container, &key, value),
        }
    }

    fn relocate(&mut self, operation: &Map) -> Result<(), String> {
        let from = text(operation, "from")
            .map_err(|error| format!("move operation failed to decode from: {error}"))?;
        let (container, key) = pointer::find(&mut self.target, from).ok_or_else(|| {
            format!("move operation does not apply: doc is missing from path: {from}: {MISSING}")
        })?;
        let value =
            take(container, &key).map_err(|error| format!("error in move for path: '{key}': {error}"))?;
        let path = text(operation, "path")
            .map_err(|error| format!("move operation failed to decode path: {error}"))?;
        self.grow(path, &value, Some(from))?;
        let (container, key) = pointer::find(&mut self.target, path).ok_or_else(|| {
            format!("move operation does not apply: doc is missing destination path: {path}: {MISSING}")
        })?;
        insert(container, &key, value).map_err(|error| format!("error in move for path: '{path}': {error}"))
    }

    fn copy(&mut self, operation: &Map) -> Result<(), String> {
        let from = text(operation, "from")
            .map_err(|error| format!("copy operation failed to decode from: {error}"))?;
        let (container, key) = pointer::find(&mut self.target, from).ok_or_else(|| {
            format!("copy operation does not apply: doc is missing from path: {from}: {MISSING}")
        })?;
        let value =
            look(container, &key).map_err(|error| format!("error in copy for from: '{from}': {error}"))?;
        // A member that is missing is copied as null, and costs nothing.
        let value = value.cloned();
        self.copied += value.as_ref().map_or(0, |value| encode(value).len());
        let value = value.unwrap_or_default();
        let path = text(operation, "path")
            .map_err(|_| format!("copy operation failed to decode path: {MISSING}"))?;
        if self.copied > COPY_MAX {
            return Err(format!(
                "Unable to complete the copy, the accumulated size increase of copy is {}, exceeding the limit {COPY_MAX}",
                self.copied
            ));
        }
        self.grow(path, &value, Some(from))?;
        let (container, key) = pointer::find(&mut self.target, path).ok_or_else(|| {
            format!("copy operation does not apply: doc is missing destination path: {path}: {MISSING}")
        })?;
        insert(container, &key, value)
            .map_err(|error| format!("error while adding value during copy: {error}"))
    }

    fn test(&mut self, operation: &Map, value: Option<&Value>) -> Result<(), String> {
        let path = text(operation, "path")
            .map_err(|error| format!("test operation failed to decode path: {error}"))?;
        let wanted = value.unwrap_or(&Value::Null);
        let found = if path.is_empty() {
            Some(&self.target)
        } else {
            let (container, key) = pointer::find(&mut self.target, path).ok_or_else(|| {
                format!("test operation does not apply: is missing path: {path}: {MISSING}")
            })?;
            look(container, &key).map_err(|error| format!("error in test for path: '{path}': {error}"))?
        };
        if found.unwrap_or(&Value::Null) == wanted {
            Ok(())
        } else {
            Err(format!("testing value {path} failed: {TEST_FAILED}"))
        }
    }

    /// Refuses to put `value` at `path` if the tree became too deep to be walked safely.
    ///
    /// The depth of what is moved is bounded by that of the tree, and only measured when the bound
    /// does not suffice.
    fn grow(&mut self, path: &str, value: &Value, from: Option<&str>) -> Result<(), String> {
        let limit = Limits::default().depth;
        let steps = pointer::depth(path);
        let bound = from.map(|from| steps + self.depth.saturating_sub(pointer::depth(from)));
        let deep = match bound {
            Some(bound) if bound <= limit => bound,
            _ => steps + depth(value, &mut self.measured),
        };
        if deep > limit || self.measured > MEASURED_MAX {
            return Err(format!("exceeded max depth of {limit}"));
        }
        self.depth = self.depth.max(deep);
        Ok(())
    }
}

fn text<'o>(operation: &'o Map, name: &str) -> Result<&'o str, String> {
    match operation.get(name) {
        Some(Value::String(text)) => Ok(text),
        None | Some(Value::Null) => {
            let comma = if name == "from" { "," } else { "" };
            Err(format!("operation{comma} missing {name} field: {MISSING}"))
        }
        Some(other) => {
            let found = go::json_kind(other);
            Err(format!("json: cannot unmarshal {found} into Go value of type string"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::decode;

    fn apply(target: &str, patch: &str) -> Result<String, String> {
        let read = |text: &str| decode(text.as_bytes()).expect("JSON");
        let patched = JsonPatch::read(read(patch)).and_then(|patch| patch.apply(read(target)));
        patched.map(|value| crate::go::json(&value)).map_err(|error| error.to_string())
    }

    fn check(target: &str, patch: &str, expected: &str) {
        assert_eq!(apply(target, patch).as_deref(), Ok(expected), "{patch}");
    }

    fn refused(target: &str, patch: &str, message: &str) {
        assert_eq!(apply(target, patch), Err(message.to_owned()), "{patch}");
    }

    #[test]
    fn operations() {
        check(r#"{"a":1}"#, r#"[{"op":"add","path":"/b","value":2}]"#, r#"{"a":1,"b":2}"#);
        check(r#"{"a":[1,3]}"#, r#"[{"op":"add","path":"/a/1","value":2}]"#, r#"{"a":[1,2,3]}"#);
        check(r#"{"a":[1]}"#, r#"[{"op":"add","path":"/a/-","value":2}]"#, r#"{"a":[1,2]}"#);
        check(r#"{"a":[1,2]}"#, r#"[{"op":"remove","path":"/a/-1"}]"#, r#"{"a":[1]}"#);
        check(r#"{"a":1}"#, r#"[{"op":"replace","path":"/a","value":null}]"#, r#"{"a":null}"#);
        check(r#"{}"#, r#"[{"op":"replace","path":"/a","value":1}]"#, r#"{"a":1}"#);
        check(r#"{"a":{"b":1}}"#, r#"[{"op":"move","from":"/a/b","path":"/c"}]"#, r#"{"a":{},"c":1}"#);
        check(r#"{"a":1}"#, r#"[{"op":"copy","from":"/a","path":"/b"}]"#, r#"{"a":1,"b":1}"#);
        check(
            r#"{"a":1}"#,
            r#"[{"op":"test","path":"/a","value":1},{"op":"test","path":"/b"}]"#,
            r#"{"a":1}"#,
        );
        check(r#"{"a/b":{"m~n":1}}"#, r#"[{"op":"remove","path":"/a~1b/m~0n"}]"#, r#"{"a/b":{}}"#);
        check(r#"{"a":1}"#, r#"[{"op":"replace","path":"","value":{"b":2}}]"#, r#"{"b":2}"#);
    }

    #[test]
    fn messages() {
        refused(
            "{}",
            r#"[{"op":"remove","path":"/a"}]"#,
            "error in remove for path: '/a': Unable to remove nonexistent key: a: missing value",
        );
        refused(
            "{}",
            r#"[{"op":"add","path":"/a/b","value":1}]"#,
            "add operation does not apply: doc is missing path: \"/a/b\": missing value",
        );
        refused(
            "{}",
            r#"[{"op":"replace","path":"/a/b","value":1}]"#,
            "replace operation does not apply: doc is missing path: /a/b: missing value",
        );
        refused(
            r#"{"a":[]}"#,
            r#"[{"op":"replace","path":"/a/0","value":1}]"#,
            "replace operation does not apply: doc is missing key: /a/0: missing value",
        );
        refused(
            r#"{"a":[]}"#,
            r#"[{"op":"add","path":"/a/1","value":1}]"#,
            "error in add for path: '/a/1': Unable to access invalid index: 1: invalid index referenced",
        );
        refused(
            r#"{"a":1}"#,
            r#"[{"op":"test","path":"/a","value":2}]"#,
            "testing value /a failed: test failed",
        );
        refused("{}", r#"[{"op":"x","path":"/a"}]"#, "Unexpected kind: x");
        refused("{}", r#"[{"path":"/a"}]"#, "Unexpected kind: unknown");
        refused(
            "{}",
            r#"[{"op":"replace"}]"#,
            "replace operation failed to decode path: operation missing path field: missing value",
        );
        refused(
            "{}",
            r#"[{"op":"move","path":"/a"}]"#,
            "move operation failed to decode from: operation, missing from field: missing value",
        );
        refused(
            "{}",
            r#"[{"op":"move","from":"/x","path":"/a"}]"#,
            "error in move for path: 'x': Unable to remove nonexistent key: x: missing value",
        );
        refused("{}", "{}", "json: cannot unmarshal object into Go value of type jsonpatch.Patch");
        refused("{}", "[1]", "json: cannot unmarshal number into Go value of type jsonpatch.Operation");
    }

    #[test]
    fn unknown_members_are_told() {
        let body = decode(br#"[{"op":"add","path":"/a"},{"op":"add","foo":1}]"#).expect("JSON");
        let patch = JsonPatch::read(body).expect("a patch");
        assert_eq!(patch.unknown_members(), [r#"json patch unknown field "[1].foo""#]);
    }

    #[test]
    fn a_patch_cannot_grow_without_bound() {
        let many = format!("[{}]", vec![r#"{"op":"test","path":"/a"}"#; OPERATIONS_MAX + 1].join(","));
        refused("{}", &many, "The allowed maximum operations in a JSON patch is 10000, got 10001");
        let doubling = format!("[{}]", vec![r#"{"op":"copy","from":"/a","path":"/a/-"}"#; 40].join(","));
        let error = apply(r#"{"a":[1]}"#, &doubling).expect_err("too much");
        assert!(
            error.starts_with("Unable to complete the copy, the accumulated size increase of copy is"),
            "{error}"
        );
        let deeper = [
            r#"{"op":"add","path":"/b","value":{}}"#,
            r#"{"op":"move","from":"/a","path":"/b/x"}"#,
            r#"{"op":"move","from":"/b","path":"/a"}"#,
        ];
        let deeper = format!("[{}]", vec![deeper.join(","); 600].join(","));
        refused(r#"{"a":{}}"#, &deeper, "exceeded max depth of 500");
    }
}

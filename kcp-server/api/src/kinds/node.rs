//! One field of a table as a schema: a type, then constraints, each a word.
//!
//! Types: `string`, `boolean`, `integer`, `object`; with `[]` a list and with `{}` a map of them;
//! `quantity{}`; and the shared shapes of [`super::blocks`]. Constraints: `pattern=` (by name),
//! `minLength=`…, `format=`, `enum=a,b`, `except=a,b`, `one-of=a,b` (exactly one member),
//! `keys=a,b`, `set`, `atomic`, `open` (unknown fields are kept), `default=` (JSON). With `item:` or
//! `value:` in front a constraint is about the elements.

use super::blocks;
use kcp_apimachinery::{Map, Value, value};

/// The schema that `words` say. `None` if they say nothing known.
pub(super) fn build(words: &str, description: &str) -> Option<Value> {
    let (kind, constraints) = words.split_once(' ').unwrap_or((words, ""));
    let mut node = typed(kind)?;
    if !description.is_empty() {
        node.set_at(&["description"], description.into());
    }
    for word in constraints.split(' ').filter(|word| !word.is_empty()) {
        let (target, word) = if let Some(word) = word.strip_prefix("item:") {
            (node.get_mut("items")?, word)
        } else if let Some(word) = word.strip_prefix("value:") {
            (node.get_mut("additionalProperties")?, word)
        } else {
            (&mut node, word)
        };
        constrain(target.as_object_mut()?, word, kind)?;
    }
    Some(node)
}

fn typed(kind: &str) -> Option<Value> {
    if let Some(shape) = blocks::named(kind) {
        return Some(shape);
    }
    if let Some(values) = kind.strip_suffix("{}") {
        return Some(value!({"type": "object", "additionalProperties": (typed(values)?)}));
    }
    if let Some(items) = kind.strip_suffix("[]") {
        return Some(value!({"type": "array", "items": (typed(items)?)}));
    }
    matches!(kind, "string" | "boolean" | "integer" | "object").then(|| value!({"type": kind}))
}

fn constrain(node: &mut Map, word: &str, kind: &str) -> Option<()> {
    let (name, given) = word.split_once('=').unwrap_or((word, ""));
    let list = || given.split(',').map(Value::from).collect::<Value>();
    match name {
        "minLength" | "maxLength" | "minItems" | "maxItems" | "maxProperties" => {
            node.insert(name, given.parse::<i64>().ok()?);
        }
        "format" => _ = node.insert("format", given),
        "pattern" => _ = node.insert("pattern", pattern(given)?),
        "enum" => _ = node.insert("enum", list()),
        "except" => _ = node.insert("not", value!({"enum": (list())})),
        "default" => _ = node.insert("default", kcp_apimachinery::value::decode(given.as_bytes()).ok()?),
        "one-of" => {
            let choices: Value = given.split(',').map(|name| value!({"required": [name]})).collect();
            node.insert("oneOf", choices);
        }
        "keys" => {
            node.insert("x-kubernetes-list-map-keys", list());
            node.insert("x-kubernetes-list-type", "map");
        }
        "set" => _ = node.insert("x-kubernetes-list-type", "set"),
        "atomic" if kind.ends_with("[]") => _ = node.insert("x-kubernetes-list-type", "atomic"),
        "atomic" => _ = node.insert("x-kubernetes-map-type", "atomic"),
        "open" => _ = node.insert("x-kubernetes-preserve-unknown-fields", true),
        _ => return None,
    }
    Some(())
}

/// The regular expressions by their names in the tables. They are searched for, so one without `$`
/// looks at a beginning only; `initializer` holds an alternative that binds looser than its anchors.
fn pattern(name: &str) -> Option<&'static str> {
    Some(match name {
        "segment" => "^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$",
        "type-name" => "^[a-z]([a-z0-9-]{0,61}[a-z0-9])?",
        "path" => "^[a-z0-9]([-a-z0-9]*[a-z0-9])?(:[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$",
        "initializer" => {
            "^([a-z0-9]([-a-z0-9]*[a-z0-9])?(:[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\
             (:[a-z0-9][a-z0-9]([-a-z0-9]*[a-z0-9])?))|(system:.+)$"
        }
        "group" => r"^(|[a-z0-9]([-a-z0-9]*[a-z0-9](\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*)?)$",
        "resource" => "^[a-z][-a-z0-9]*[a-z0-9]$",
        "version" => "^v[1-9][0-9]*([a-z]+[1-9][0-9]*)?$",
        "object-name" => "^([a-z0-9][-a-z0-9_.]*)?[a-z0-9]$",
        "api-version" => "^([^/]+/)?[^/]+$",
        "label-value" => "^[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$",
        _ => return None,
    })
}

//! What holds for the keywords of a schema, one by one.

use super::{
    selectable,
    source::{additional, flag, items, list, present, properties, text, texts},
    version::Rules,
};
use crate::compile::compile_leniently;
use kcp_apimachinery::{
    Value,
    field::{Error, Path},
};

/// Sorted, as messages list them.
const TYPES: [&str; 6] = ["array", "boolean", "integer", "number", "object", "string"];
const REASONS: [&str; 4] =
    ["FieldValueDuplicate", "FieldValueForbidden", "FieldValueInvalid", "FieldValueRequired"];

/// What is wrong with the keywords of a schema and of those inside it.
pub(super) fn validate(schema: &Value, rules: Rules, at: &Path<'_>, errors: &mut Vec<Error>) {
    let place = Place { rules, root: true, in_meta: false, no_defaults: "" };
    node(schema, place, at, errors);
}

#[derive(Clone, Copy)]
struct Place<'p> {
    rules: Rules,
    root: bool,
    /// Inside `metadata`, `apiVersion` or `kind` of an object.
    in_meta: bool,
    /// Why there may be no defaults here; empty if there may.
    no_defaults: &'p str,
}

fn node(schema: &Value, place: Place<'_>, at: &Path<'_>, errors: &mut Vec<Error>) {
    unsupported(schema, place, at, errors);
    if flag(schema, "uniqueItems") {
        let detail = "uniqueItems cannot be set to true since the runtime complexity becomes quadratic";
        errors.push(Error::forbidden(&at.child("uniqueItems"), detail));
    }
    members(schema, place, at, errors);
    let inner = Place { root: false, ..place };
    if let Some(not) = present(schema, "not") {
        node(not, inner, &at.child("not"), errors);
    }
    for keyword in ["allOf", "oneOf", "anyOf"] {
        let at = at.child(keyword);
        for (index, schema) in list(schema, keyword).iter().enumerate() {
            node(schema, inner, &at.index(index), errors);
        }
    }
    if let Some(items) = items(schema) {
        node(items, inner, &at.child("items"), errors);
    }
    extensions(schema, at, errors);
    list_type(schema, place.rules, at, errors);
    if place.rules.map_keys {
        unsound_list(schema, at, errors);
    }
    rules(schema, at, errors);
}

/// Named members and others.
fn members(schema: &Value, place: Place<'_>, at: &Path<'_>, errors: &mut Vec<Error>) {
    let has_named = properties(schema).next().is_some();
    let others = at.child("additionalProperties");
    let allows = schema.get("additionalProperties");
    if has_named && allows.is_some_and(|allows| !matches!(allows, Value::Null | Value::Bool(true))) {
        let detail = "additionalProperties and properties are mutual exclusive";
        errors.push(Error::forbidden(&others, detail));
    }
    if let Some(additional) = additional(schema) {
        let why = "inside additionalProperties applying to object metadata";
        let no_defaults = if place.in_meta { why } else { place.no_defaults };
        node(additional, Place { root: false, no_defaults, ..place }, &others, errors);
    }
    let named = at.child("properties");
    let resource = place.root || flag(schema, "x-kubernetes-embedded-resource");
    for (name, property) in properties(schema) {
        let meta = resource && matches!(name, "metadata" | "kind" | "apiVersion");
        let why = format!("in top-level {name}");
        let no_defaults = if meta && place.root { why.as_str() } else { place.no_defaults };
        let inner = Place { root: false, in_meta: place.in_meta || meta, no_defaults, ..place };
        node(property, inner, &named.key(name), errors);
    }
}

fn unsupported(schema: &Value, place: Place<'_>, at: &Path<'_>, errors: &mut Vec<Error>) {
    let kind = text(schema, "type");
    if place.rules.valid_types && !kind.is_empty() && !TYPES.contains(&kind) {
        errors.push(Error::not_supported(&at.child("type"), kind, &TYPES));
    }
    if present(schema, "default").is_some() && !place.no_defaults.is_empty() {
        errors.push(Error::forbidden(&at.child("default"), format!("must not be set {}", place.no_defaults)));
    }
    let empty = |value: &Value| match value {
        Value::String(text) => text.is_empty(),
        Value::Object(members) => members.is_empty(),
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Array(_) => false,
    };
    for keyword in ["id", "additionalItems", "patternProperties", "definitions", "dependencies", "$ref"] {
        let always = matches!(keyword, "additionalItems" | "dependencies" | "$ref");
        if present(schema, keyword).is_some_and(|value| always || !empty(value)) {
            errors.push(Error::forbidden(&at.child(keyword), format!("{keyword} is not supported")));
        }
    }
    if kind == "null" {
        let detail = "type cannot be set to null, use nullable as an alternative";
        errors.push(Error::forbidden(&at.child("type"), detail));
    }
    if !list(schema, "items").is_empty() {
        let detail = "items must be a schema object and not an array";
        errors.push(Error::forbidden(&at.child("items"), detail));
    }
    if place.in_meta && flag(schema, "x-kubernetes-embedded-resource") {
        let at = at.child("x-kubernetes-embedded-resource");
        errors.push(Error::forbidden(&at, "must not be used inside of resource meta"));
    }
}

fn extensions(schema: &Value, at: &Path<'_>, errors: &mut Vec<Error>) {
    let preserve = "x-kubernetes-preserve-unknown-fields";
    if schema.get(preserve) == Some(&Value::Bool(false)) {
        errors.push(Error::invalid(&at.child(preserve), false, "must be true or undefined"));
    }
    let Some(map_type) = present(schema, "x-kubernetes-map-type").and_then(Value::as_str) else { return };
    wrong_type(schema, "object", "x-kubernetes-map-type", at, errors);
    if !matches!(map_type, "atomic" | "granular") {
        let at = at.child("x-kubernetes-map-type");
        errors.push(Error::not_supported(&at, map_type, &["atomic", "granular"]));
    }
}

fn wrong_type(schema: &Value, wanted: &str, keyword: &str, at: &Path<'_>, errors: &mut Vec<Error>) {
    let (kind, at) = (text(schema, "type"), at.child("type"));
    let detail = format!("must be {wanted} if {keyword} is specified");
    if kind.is_empty() {
        errors.push(Error::required(&at, detail));
    } else if kind != wanted {
        errors.push(Error::invalid(&at, kind, detail));
    }
}

fn list_type(schema: &Value, rules: Rules, at: &Path<'_>, errors: &mut Vec<Error>) {
    let kind = present(schema, "x-kubernetes-list-type").and_then(Value::as_str);
    let keys = texts(schema, "x-kubernetes-list-map-keys");
    let at_kind = at.child("x-kubernetes-list-type");
    let Some(kind) = kind else {
        if !keys.is_empty() {
            let detail = "must be map if x-kubernetes-list-map-keys is non-empty";
            errors.push(Error::required(&at_kind, detail));
        }
        return;
    };
    if text(schema, "type") != "array" {
        wrong_type(schema, "array", "x-kubernetes-list-type", at, errors);
    } else if rules.atomic_sets && has_non_atomic_set(schema) {
        let at = at.child("items");
        let items = items(schema).map(|items| text(items, "type"));
        let keyword = if items == Some("array") { "x-kubernetes-list-type" } else { "x-kubernetes-map-type" };
        let value = present(schema, "items").and_then(|items| present(items, "x-kubernetes-list-type"));
        let detail = "must be atomic as item of a list with x-kubernetes-list-type=set";
        errors.push(Error::invalid(&at.child(keyword), value.cloned().unwrap_or_default(), detail));
    }
    if !matches!(kind, "atomic" | "set" | "map") {
        errors.push(Error::not_supported(&at_kind, kind, &["atomic", "set", "map"]));
    }
    if !keys.is_empty() && kind != "map" {
        let detail = "must be map if x-kubernetes-list-map-keys is non-empty";
        errors.push(Error::invalid(&at_kind, kind, detail));
    }
    if kind == "map" {
        map_keys(schema, &keys, at, errors);
    }
}

fn map_keys(schema: &Value, keys: &[&str], at: &Path<'_>, errors: &mut Vec<Error>) {
    let at_keys = at.child("x-kubernetes-list-map-keys");
    if keys.is_empty() {
        let detail = "must not be empty if x-kubernetes-list-type is map";
        errors.push(Error::required(&at_keys, detail));
    }
    let at_items = at.child("items");
    let Some(items) = items(schema) else {
        if present(schema, "items").is_none() {
            errors.push(Error::required(&at_items, "must have a schema if x-kubernetes-list-type is map"));
        }
        return;
    };
    let kind = text(items, "type");
    if kind != "object" {
        let detail = "must be object if parent array's x-kubernetes-list-type is map";
        errors.push(Error::invalid(&at_items.child("type"), kind, detail));
        return;
    }
    let all = || keys.iter().map(|&key| Value::from(key)).collect::<Value>();
    for (index, key) in keys.iter().enumerate() {
        match items.at(&["properties", key]).map(|property| text(property, "type")) {
            Some("array" | "object") => {
                let named = at_items.child("properties");
                let detail = "must be a scalar type if parent array's x-kubernetes-list-type is map";
                errors.push(Error::invalid(&named.key(key).child("type"), kind, detail));
            }
            Some(_) => {}
            None => {
                let detail = "entries must all be names of item properties";
                errors.push(Error::invalid(&at_keys, all(), detail));
            }
        }
        if keys[..index].contains(key) {
            errors.push(Error::invalid(&at_keys, all(), "must not contain duplicate entries"));
        }
    }
}

/// Elements of lists that are sets or maps are not `null`, and have their keys.
fn unsound_list(schema: &Value, at: &Path<'_>, errors: &mut Vec<Error>) {
    let kind = text(schema, "x-kubernetes-list-type");
    let Some(items) = items(schema).filter(|_| matches!(kind, "set" | "map")) else { return };
    let at = at.child("items");
    if flag(items, "nullable") {
        let detail = format!("cannot be nullable when x-kubernetes-list-type is {kind}");
        errors.push(Error::forbidden(&at.child("nullable"), detail));
    }
    if kind != "map" {
        return;
    }
    let required = texts(items, "required");
    let named = at.child("properties");
    for key in texts(schema, "x-kubernetes-list-map-keys") {
        let Some(property) = items.at(&["properties", key]) else { continue };
        if !required.contains(&key) && present(property, "default").is_none() {
            let detail = "this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property";
            errors.push(Error::required(&named.key(key).child("default"), detail));
        }
        if flag(property, "nullable") {
            let detail = "this property is in x-kubernetes-list-map-keys, so it cannot be nullable";
            errors.push(Error::forbidden(&named.key(key).child("nullable"), detail));
        }
    }
}

/// The form of `x-kubernetes-validations`; their expressions are somebody else's.
fn rules(schema: &Value, at: &Path<'_>, errors: &mut Vec<Error>) {
    let at = at.child("x-kubernetes-validations");
    let broken = |text: &str| text.contains(['\n', '\r']);
    for (index, value) in list(schema, "x-kubernetes-validations").iter().enumerate() {
        let at = at.index(index);
        let (rule, message) = (text(value, "rule"), text(value, "message"));
        if rule.trim().is_empty() {
            errors.push(Error::required(&at.child("rule"), "rule is not specified"));
        } else if !message.is_empty() && message.trim().is_empty() {
            errors.push(Error::invalid(&at.child("message"), message, "must be non-empty if specified"));
        } else if broken(message.trim()) {
            errors.push(Error::invalid(&at.child("message"), message, "must not contain line breaks"));
        } else if broken(rule.trim()) && message.trim().is_empty() {
            let detail = "message must be specified if rule contains line breaks";
            errors.push(Error::required(&at.child("message"), detail));
        }
        let expression = text(value, "messageExpression");
        if !expression.is_empty() && expression.trim().is_empty() {
            let detail = "messageExpression must be non-empty if specified";
            errors.push(Error::required(&at.child("messageExpression"), detail));
        }
        if let Some(reason) = present(value, "reason").and_then(Value::as_str)
            && !REASONS.contains(&reason)
        {
            errors.push(Error::not_supported(&at.child("reason"), reason, &REASONS));
        }
        rule_path(schema, text(value, "fieldPath"), &at.child("fieldPath"), errors);
    }
}

fn rule_path(schema: &Value, path: &str, at: &Path<'_>, errors: &mut Vec<Error>) {
    if path.is_empty() {
        return;
    }
    if path.trim().is_empty() {
        errors.push(Error::invalid(at, path, "must be non-empty if specified"));
    }
    if path.contains(['\n', '\r']) {
        errors.push(Error::invalid(at, path, "must not contain line breaks"));
    }
    if let Ok(compiled) = compile_leniently(schema)
        && selectable::find(path, &compiled.root, true).is_err()
    {
        errors.push(Error::invalid(at, path, "must be a valid path"));
    }
}

/// Whether a type is not one of OpenAPI's.
pub(super) fn has_unknown_type(schema: &Value) -> bool {
    let kind = text(schema, "type");
    !kind.is_empty() && !TYPES.contains(&kind)
}

/// Whether the elements of a set are merged in parts.
pub(super) fn has_non_atomic_set(schema: &Value) -> bool {
    let Some(items) = items(schema).filter(|_| text(schema, "x-kubernetes-list-type") == "set") else {
        return false;
    };
    match text(items, "type") {
        "array" => {
            present(items, "x-kubernetes-list-type").is_some_and(|kind| kind.as_str() != Some("atomic"))
        }
        "object" => text(items, "x-kubernetes-map-type") != "atomic",
        _ => false,
    }
}

/// Whether a list that is a set or map has elements that may not be told apart.
pub(super) fn has_unsound_list(schema: &Value) -> bool {
    let mut errors = Vec::new();
    unsound_list(schema, &Path::root(), &mut errors);
    !errors.is_empty()
}

/// Whether there is a keyword that only structural schemas have.
pub(super) fn has_extension(schema: &Value) -> bool {
    flag(schema, "x-kubernetes-embedded-resource")
        || flag(schema, "x-kubernetes-int-or-string")
        || present(schema, "x-kubernetes-preserve-unknown-fields").is_some()
        || present(schema, "x-kubernetes-list-type").is_some()
        || !list(schema, "x-kubernetes-list-map-keys").is_empty()
        || !list(schema, "x-kubernetes-validations").is_empty()
}

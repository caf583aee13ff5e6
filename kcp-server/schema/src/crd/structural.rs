//! Whether a schema is structural: every part of an object has exactly one place that says its type, and
//! combinations (`allOf` …) only narrow values down.

use super::source::{additional, any, flag, items, list, present, properties, text};
use crate::{
    compile::{CompileError, refuse_unsupported},
    go_regex,
};
use kcp_apimachinery::{
    Value,
    field::{Error, Path},
};

/// What a schema breaks, sorted by message as Kubernetes does.
pub(super) fn violations(schema: &Value, at: &Path<'_>) -> Vec<Error> {
    let mut errors = Vec::new();
    invariants(schema, Level::Root, at, &mut errors);
    complete_value(schema, Some(schema), at, at, &mut errors);
    errors.sort_by_key(ToString::to_string);
    errors
}

/// Whether a stored schema breaks any.
pub(super) fn is_violated(schema: &Value) -> bool {
    unreadable(schema).is_some() || !violations(schema, &Path::root()).is_empty()
}

/// Why a schema cannot even be read as a structural one.
pub(super) fn unreadable(schema: &Value) -> Option<String> {
    let mut found = None;
    any(schema, &mut |schema| {
        found = unsupported(schema);
        found.is_some()
    });
    found
}

fn unsupported(schema: &Value) -> Option<String> {
    if let Err(error) = refuse_unsupported(schema.as_object()?) {
        return Some(error.to_string());
    }
    if !list(schema, "items").is_empty() {
        return Some(CompileError::ItemsArray.to_string());
    }
    let preserve = schema.get("x-kubernetes-preserve-unknown-fields");
    let why = "internal error: 'x-kubernetes-preserve-unknown-fields' must be true or undefined";
    (preserve == Some(&Value::Bool(false))).then(|| why.to_owned())
}

#[derive(Clone, Copy, PartialEq)]
enum Level {
    Root,
    Item,
    Field,
}

fn invariants(schema: &Value, level: Level, at: &Path<'_>, errors: &mut Vec<Error>) {
    let kind = text(schema, "type");
    match items(schema) {
        Some(items) => invariants(items, Level::Item, &at.child("items"), errors),
        None if kind == "array" => errors.push(Error::required(&at.child("items"), "must be specified")),
        None => {}
    }
    let named = at.child("properties");
    for (name, property) in properties(schema) {
        invariants(property, Level::Field, &named.key(name), errors);
    }
    let others = at.child("additionalProperties");
    if present(schema, "additionalProperties").is_some() && level == Level::Root {
        errors.push(Error::forbidden(&others, "must not be used at the root"));
    }
    if let Some(additional) = additional(schema) {
        invariants(additional, Level::Field, &others, errors);
    }
    extensions(schema, at, errors);
    value(schema, at, int_or_string_exception(schema), errors);
    typed(schema, level, at, errors);
    resource(schema, level, at, errors);
}

fn extensions(schema: &Value, at: &Path<'_>, errors: &mut Vec<Error>) {
    if !flag(schema, "x-kubernetes-int-or-string") {
        return;
    }
    for keyword in ["x-kubernetes-preserve-unknown-fields", "x-kubernetes-embedded-resource"] {
        if flag(schema, keyword) {
            let detail = "must be false if x-kubernetes-int-or-string is true";
            errors.push(Error::invalid(&at.child(keyword), true, detail));
        }
    }
}

fn typed(schema: &Value, level: Level, at: &Path<'_>, errors: &mut Vec<Error>) {
    let kind = text(schema, "type");
    let embedded = flag(schema, "x-kubernetes-embedded-resource");
    let at_type = at.child("type");
    if embedded && kind != "object" {
        let detail = "must be object if x-kubernetes-embedded-resource is true";
        errors.push(match kind {
            "" => Error::required(&at_type, detail),
            kind => Error::invalid(&at_type, kind, detail),
        });
    } else if kind.is_empty()
        && !flag(schema, "x-kubernetes-int-or-string")
        && !flag(schema, "x-kubernetes-preserve-unknown-fields")
    {
        let detail = match level {
            Level::Root => "must not be empty at the root",
            Level::Item => "must not be empty for specified array items",
            Level::Field => "must not be empty for specified object fields",
        };
        errors.push(Error::required(&at_type, detail));
    }
    if embedded && present(schema, "additionalProperties").is_some() {
        let detail = "must not be used if x-kubernetes-embedded-resource is set";
        errors.push(Error::forbidden(&at.child("additionalProperties"), detail));
    }
    if level == Level::Root && !kind.is_empty() && kind != "object" {
        errors.push(Error::invalid(&at_type, kind, "must be object at the root"));
    }
}

/// `apiVersion`, `kind` and `metadata` of objects are not the schema's to say.
fn resource(schema: &Value, level: Level, at: &Path<'_>, errors: &mut Vec<Error>) {
    let embedded = flag(schema, "x-kubernetes-embedded-resource");
    let is_resource = level == Level::Root || embedded;
    let named = at.child("properties");
    for (name, property) in properties(schema) {
        let (at, kind) = (named.key(name), text(property, "type"));
        match name {
            "kind" | "apiVersion" if is_resource && kind != "string" => {
                errors.push(Error::invalid(&at.child("type"), kind, "must be string"));
            }
            "metadata" => {
                if is_resource && kind != "object" {
                    errors.push(Error::invalid(&at.child("type"), kind, "must be object"));
                }
                if level == Level::Root && restricts_metadata(property) {
                    let detail = "must not specify anything other than name and generateName, but metadata is implicitly specified";
                    errors.push(Error::forbidden(&at, detail));
                }
            }
            _ => {}
        }
    }
    let open = flag(schema, "x-kubernetes-preserve-unknown-fields");
    if embedded && !open && properties(schema).next().is_none() {
        let detail = "must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields";
        errors.push(Error::required(&named, detail));
    }
}

/// Whether a schema for `metadata` says more than what `name` and `generateName` may be.
fn restricts_metadata(schema: &Value) -> bool {
    let only_names = properties(schema).all(|(name, _)| matches!(name, "name" | "generateName"));
    let keywords = schema.as_object().into_iter().flat_map(|map| map.iter());
    let mut others = keywords.filter(|(name, value)| {
        let empty = match value {
            Value::Null | Value::Bool(false) => true,
            Value::String(text) => text.is_empty(),
            Value::Array(items) => items.is_empty(),
            Value::Object(members) => members.is_empty(),
            Value::Bool(true) | Value::Int(_) | Value::Float(_) => false,
        };
        !matches!(*name, "type" | "default" | "properties") && !empty
    });
    !only_names || others.next().is_some()
}

/// Where "an integer or a string" may be spelt out, though combinations have no types.
#[derive(Clone, Copy, PartialEq)]
enum Exception {
    None,
    AnyOf,
    FirstOfAllOf,
}

fn int_or_string_exception(schema: &Value) -> Exception {
    let first = list(schema, "allOf").first();
    if is_int_or_string(list(schema, "anyOf")) {
        Exception::AnyOf
    } else if first.is_some_and(|first| is_int_or_string(list(first, "anyOf"))) {
        Exception::FirstOfAllOf
    } else {
        Exception::None
    }
}

fn is_int_or_string(any_of: &[Value]) -> bool {
    let only = |schema: &Value, kind: &str| {
        text(schema, "type") == kind && schema.as_object().is_some_and(|map| map.len() == 1)
    };
    matches!(any_of, [integer, string] if only(integer, "integer") && only(string, "string"))
}

/// The checks that a schema makes, with the schemas combined in them.
fn value(schema: &Value, at: &Path<'_>, exception: Exception, errors: &mut Vec<Error>) {
    let allowed = exception;
    for keyword in ["anyOf", "allOf", "oneOf"] {
        let at = at.child(keyword);
        if keyword == "anyOf" && allowed == Exception::AnyOf {
            continue;
        }
        for (index, schema) in list(schema, keyword).iter().enumerate() {
            let first = keyword == "allOf" && index == 0 && allowed == Exception::FirstOfAllOf;
            let exception = if first { Exception::AnyOf } else { Exception::None };
            nested(schema, &at.index(index), exception, errors);
        }
    }
    if let Some(not) = present(schema, "not") {
        nested(not, &at.child("not"), Exception::None, errors);
    }
    let pattern = text(schema, "pattern");
    if let Err(error) = go_regex::check(pattern) {
        let detail = format!("must be a valid regular expression, but isn't: {error}");
        errors.push(Error::invalid(&at.child("pattern"), pattern, detail));
    }
}

/// A schema within a combination. It may narrow values down and say nothing else.
fn nested(schema: &Value, at: &Path<'_>, exception: Exception, errors: &mut Vec<Error>) {
    value(schema, at, exception, errors);
    if let Some(items) = items(schema) {
        nested(items, &at.child("items"), Exception::None, errors);
    }
    let named = at.child("properties");
    for (name, property) in properties(schema) {
        nested(property, &named.key(name), Exception::None, errors);
    }
    let mut forbid = |keyword: &str, broken: bool, must: &str| {
        if broken {
            errors.push(Error::forbidden(&at.child(keyword), format!("must be {must} to be structural")));
        }
    };
    forbid("type", !text(schema, "type").is_empty(), "empty");
    forbid("additionalProperties", allows_additional(schema), "undefined");
    forbid("default", present(schema, "default").is_some(), "undefined");
    forbid("title", !text(schema, "title").is_empty(), "empty");
    forbid("description", !text(schema, "description").is_empty(), "empty");
    forbid("nullable", flag(schema, "nullable"), "false");
    for keyword in [
        "x-kubernetes-preserve-unknown-fields",
        "x-kubernetes-embedded-resource",
        "x-kubernetes-int-or-string",
    ] {
        forbid(keyword, flag(schema, keyword), "false");
    }
    let list_of = |keyword| !list(schema, keyword).is_empty();
    forbid("x-kubernetes-list-map-keys", list_of("x-kubernetes-list-map-keys"), "empty");
    forbid("x-kubernetes-list-type", present(schema, "x-kubernetes-list-type").is_some(), "undefined");
    forbid("x-kubernetes-map-type", present(schema, "x-kubernetes-map-type").is_some(), "undefined");
    forbid("x-kubernetes-validations", list_of("x-kubernetes-validations"), "empty");
    if properties(schema).any(|(name, _)| name == "metadata") {
        errors.push(Error::forbidden(&named.key("metadata"), "must not be specified in a nested context"));
    }
}

fn allows_additional(schema: &Value) -> bool {
    present(schema, "additionalProperties").is_some_and(|value| *value != Value::Bool(false))
}

/// What combinations speak of must be there outside of them.
fn complete_value(
    schema: &Value,
    structure: Option<&Value>,
    structure_at: &Path<'_>,
    at: &Path<'_>,
    errors: &mut Vec<Error>,
) {
    if let Some(not) = present(schema, "not") {
        complete(not, structure, structure_at, &at.child("not"), errors);
    }
    for keyword in ["allOf", "anyOf", "oneOf"] {
        let at = at.child(keyword);
        for (index, schema) in list(schema, keyword).iter().enumerate() {
            complete(schema, structure, structure_at, &at.index(index), errors);
        }
    }
}

fn complete(
    schema: &Value,
    structure: Option<&Value>,
    structure_at: &Path<'_>,
    at: &Path<'_>,
    errors: &mut Vec<Error>,
) {
    let Some(structure) = structure else {
        errors.push(Error::required(structure_at, format!("because it is defined in {at}")));
        return;
    };
    complete_value(schema, Some(structure), structure_at, at, errors);
    if let Some(element) = items(schema) {
        let (below, at) = (structure_at.child("items"), at.child("items"));
        complete(element, items(structure), &below, &at, errors);
    }
    let (below, at) = (structure_at.child("properties"), at.child("properties"));
    for (name, property) in properties(schema) {
        let known = structure.at(&["properties", name]);
        complete(property, known, &below.key(name), &at.key(name), errors);
    }
}

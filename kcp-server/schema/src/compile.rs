//! From an OpenAPI v3 schema, as a CustomResourceDefinition has it, to [`Node`]s.
//!
//! It goes bottom-up and keeps a digest per node, made of what the node says itself and of the digests
//! below it; a node whose digest was seen is the node made then. Both take one walk over the source.

use crate::node::{Additional, Checks, Link, ListType, MapType, Node, Notes, Property, Span, Type};
use kcp_apimachinery::{Map, Name, Value, value};
use sha2::{Digest as _, Sha256};
use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

/// How deep schemas may be nested; twice the depth of the objects they can describe in practice.
pub const MAX_DEPTH: usize = 128;

/// Why a schema cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CompileError {
    /// A keyword that structural schemas cannot have.
    #[error("OpenAPIV3Schema '{0}' is not supported")]
    Unsupported(&'static str),
    /// `items` with several schemas.
    #[error("OpenAPIV3Schema 'items' must be a schema, but is an array")]
    ItemsArray,
    /// Something that is no schema.
    #[error("{path}: must be {wanted}")]
    Malformed {
        /// Where it is, as a path of keywords.
        path: String,
        /// What should be there.
        wanted: &'static str,
    },
    /// More than [`MAX_DEPTH`] schemas inside one another.
    #[error("schemas are nested deeper than {MAX_DEPTH}")]
    TooDeep,
}

/// Compiles a schema; the root stands for a whole object, so its `metadata` is every object's.
///
/// # Errors
/// A source that is no schema, or has keywords that structural schemas exclude.
pub(crate) fn compile(source: &Value) -> Result<Compiled, CompileError> {
    compile_with(source, Compiler::default())
}

/// [`compile`] for a schema that is not valid yet: what has a type that does not exist may be anything.
pub(crate) fn compile_leniently(source: &Value) -> Result<Compiled, CompileError> {
    compile_with(source, Compiler { lenient: true, ..Compiler::default() })
}

fn compile_with(source: &Value, mut compiler: Compiler) -> Result<Compiled, CompileError> {
    let (root, _) = compiler.node(source, Place { root: true, member: false }, &[])?;
    Ok(Compiled { root, rules: compiler.rules, defaults: compiler.defaults })
}

pub(crate) struct Compiled {
    pub(crate) root: Arc<Node>,
    pub(crate) rules: bool,
    pub(crate) defaults: bool,
}

type Digest = [u8; 32];

#[derive(Default)]
struct Compiler {
    nodes: HashMap<Digest, Arc<Node>>,
    names: HashSet<Name>,
    rules: bool,
    defaults: bool,
    lenient: bool,
}

#[derive(Clone, Copy)]
struct Place {
    root: bool,
    /// The description is kept by the member that leads here.
    member: bool,
}

/// Keywords whose values are schemas: they enter the digest as digests.
const NESTED: [&str; 7] = ["properties", "additionalProperties", "items", "allOf", "anyOf", "oneOf", "not"];

impl Compiler {
    fn node(
        &mut self,
        source: &Value,
        place: Place,
        path: &[&str],
    ) -> Result<(Arc<Node>, Digest), CompileError> {
        if path.len() >= 2 * MAX_DEPTH {
            return Err(CompileError::TooDeep);
        }
        let Some(map) = source.as_object() else { return Err(malformed(path, "a schema")) };
        refuse_unsupported(map)?;
        let mut hash = own_hash(map, place);
        let mut node = plain(map, path, self.lenient)?;
        node.resource |= place.root;
        node.properties = self.properties(map, path, &mut hash)?;
        node.additional = self.additional(map, path, &mut hash)?;
        node.items = self.items(map, path, &mut hash)?;
        node.required = self.required(map);
        node.checks = self.checks(map, path, &mut hash)?;
        node.notes = notes(map, place);
        self.rules |= !node.rules().is_empty();
        self.defaults |= node.default.is_some();
        let digest: Digest = hash.finalize().into();
        let node = self.nodes.entry(digest).or_insert_with(|| Arc::new(node));
        Ok((Arc::clone(node), digest))
    }

    fn child(
        &mut self,
        source: &Value,
        path: &[&str],
        at: [&str; 2],
        hash: &mut Sha256,
    ) -> Result<Arc<Node>, CompileError> {
        let place = Place { root: false, member: at[0] == "properties" };
        let (node, digest) = self.node(source, place, &[path, &at].concat())?;
        hash.update(at[0]);
        hash.update([0]);
        hash.update(at[1]);
        hash.update(digest);
        Ok(node)
    }

    fn properties(
        &mut self,
        map: &Map,
        path: &[&str],
        hash: &mut Sha256,
    ) -> Result<Box<[Property]>, CompileError> {
        let Some(named) = map.get("properties").filter(|named| !named.is_null()) else {
            return Ok(Box::default());
        };
        let named = named.as_object().ok_or_else(|| malformed(path, "an object of properties"))?;
        let mut properties = Vec::with_capacity(named.len());
        for (name, source) in named.iter() {
            let description = text(source.get("description"));
            let node = self.child(source, path, ["properties", name], hash)?;
            hash.update(description.as_deref().unwrap_or_default());
            properties.push(Property { name: self.name(name), node: Link::Own(node), description });
        }
        Ok(properties.into())
    }

    fn additional(
        &mut self,
        map: &Map,
        path: &[&str],
        hash: &mut Sha256,
    ) -> Result<Additional, CompileError> {
        match map.get("additionalProperties") {
            None | Some(Value::Null) => Ok(Additional::Unset),
            Some(Value::Bool(allowed)) => {
                hash.update([u8::from(*allowed)]);
                Ok(Additional::Allowed(*allowed))
            }
            Some(source) => {
                let node = self.child(source, path, ["additionalProperties", ""], hash)?;
                Ok(Additional::Schema(Link::Own(node)))
            }
        }
    }

    fn items(&mut self, map: &Map, path: &[&str], hash: &mut Sha256) -> Result<Option<Link>, CompileError> {
        match map.get("items") {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Array(_)) => Err(CompileError::ItemsArray),
            Some(source) => Ok(Some(Link::Own(self.child(source, path, ["items", ""], hash)?))),
        }
    }

    fn required(&mut self, map: &Map) -> Box<[Name]> {
        let names = map.get("required").and_then(Value::as_array).unwrap_or_default();
        names.iter().filter_map(Value::as_str).map(|name| self.name(name)).collect()
    }

    fn checks(
        &mut self,
        map: &Map,
        path: &[&str],
        hash: &mut Sha256,
    ) -> Result<Option<Box<Checks>>, CompileError> {
        let checks = Checks {
            all_of: self.junctor(map, "allOf", path, hash)?,
            any_of: self.junctor(map, "anyOf", path, hash)?,
            one_of: self.junctor(map, "oneOf", path, hash)?,
            not: match map.get("not").filter(|not| !not.is_null()) {
                Some(source) => Some(self.child(source, path, ["not", ""], hash)?),
                None => None,
            },
            ..plain_checks(map)
        };
        Ok((checks != Checks::default()).then(|| Box::new(checks)))
    }

    fn junctor(
        &mut self,
        map: &Map,
        keyword: &'static str,
        path: &[&str],
        hash: &mut Sha256,
    ) -> Result<Box<[Arc<Node>]>, CompileError> {
        let Some(sources) = map.get(keyword).and_then(Value::as_array) else { return Ok(Box::default()) };
        sources.iter().map(|source| self.child(source, path, [keyword, ""], hash)).collect()
    }

    fn name(&mut self, name: &str) -> Name {
        if let Some(known) = self.names.get(name) {
            return known.clone();
        }
        let name = Name::from(name);
        self.names.insert(name.clone());
        name
    }
}

/// What a node says itself, without what is below it and without what its member says of it.
fn own_hash(map: &Map, place: Place) -> Sha256 {
    let mut hash = Sha256::new();
    hash.update([u8::from(place.root)]);
    for (keyword, said) in map.iter() {
        let told_beside = place.member && keyword == "description";
        if !NESTED.contains(&keyword) && !told_beside {
            hash.update(keyword);
            hash.update([0]);
            hash.update(value::encode(said));
        }
    }
    hash
}

/// As Kubernetes' conversion to a structural schema refuses them.
pub(crate) fn refuse_unsupported(map: &Map) -> Result<(), CompileError> {
    for keyword in
        ["id", "$schema", "$ref", "patternProperties", "dependencies", "additionalItems", "definitions"]
    {
        let set = match map.get(keyword) {
            None | Some(Value::Null) => false,
            Some(Value::String(text)) => !text.is_empty(),
            Some(Value::Object(members)) => keyword == "additionalItems" || !members.is_empty(),
            Some(Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Array(_)) => true,
        };
        if set {
            return Err(CompileError::Unsupported(if keyword == "$schema" { "schema" } else { keyword }));
        }
    }
    Ok(())
}

fn plain(map: &Map, path: &[&str], lenient: bool) -> Result<Node, CompileError> {
    Ok(Node {
        kind: if flag(map, "x-kubernetes-int-or-string") {
            Type::IntOrString
        } else {
            kind(map, path).or_else(|error| if lenient { Ok(Type::Any) } else { Err(error) })?
        },
        nullable: flag(map, "nullable"),
        preserve_unknown: flag(map, "x-kubernetes-preserve-unknown-fields"),
        embedded: flag(map, "x-kubernetes-embedded-resource"),
        resource: flag(map, "x-kubernetes-embedded-resource"),
        list: match map.get("x-kubernetes-list-type").and_then(Value::as_str) {
            Some("atomic") => ListType::Atomic,
            Some("set") => ListType::Set,
            Some("map") => ListType::Map,
            Some(_) | None => ListType::Unset,
        },
        map: match map.get("x-kubernetes-map-type").and_then(Value::as_str) {
            Some("atomic") => MapType::Atomic,
            Some("granular") => MapType::Granular,
            Some(_) | None => MapType::Unset,
        },
        default: map.get("default").filter(|default| !default.is_null()).cloned().map(Box::new),
        ..Node::default()
    })
}

fn kind(map: &Map, path: &[&str]) -> Result<Type, CompileError> {
    match map.get("type") {
        None | Some(Value::Null) => Ok(Type::Any),
        Some(Value::String(name)) => match &**name {
            "" => Ok(Type::Any),
            "object" => Ok(Type::Object),
            "array" => Ok(Type::Array),
            "string" => Ok(Type::String),
            "integer" => Ok(Type::Integer),
            "number" => Ok(Type::Number),
            "boolean" => Ok(Type::Boolean),
            _ => Err(malformed(path, "of type array, boolean, integer, number, object or string")),
        },
        Some(_) => Err(malformed(path, "of a type given as a string")),
    }
}

fn plain_checks(map: &Map) -> Checks {
    let count = |name: &str| map.get(name).and_then(Value::as_int);
    let span = |min: &str, max: &str| Span { min: count(min), max: count(max) };
    Checks {
        format: text(map.get("format")),
        pattern: text(map.get("pattern")),
        allowed: map.get("enum").and_then(Value::as_array).unwrap_or_default().into(),
        minimum: number(map.get("minimum")),
        maximum: number(map.get("maximum")),
        exclusive_minimum: flag(map, "exclusiveMinimum"),
        exclusive_maximum: flag(map, "exclusiveMaximum"),
        multiple_of: number(map.get("multipleOf")),
        length: span("minLength", "maxLength"),
        items: span("minItems", "maxItems"),
        members: span("minProperties", "maxProperties"),
        unique_items: flag(map, "uniqueItems"),
        ..Checks::default()
    }
}

fn notes(map: &Map, place: Place) -> Option<Box<Notes>> {
    let keys = map.get("x-kubernetes-list-map-keys").and_then(Value::as_array).unwrap_or_default();
    let notes = Notes {
        title: text(map.get("title")),
        description: if place.member { None } else { text(map.get("description")) },
        example: map.get("example").filter(|example| !example.is_null()).cloned(),
        external_docs: map.get("externalDocs").filter(|docs| !docs.is_null()).cloned(),
        list_keys: keys.iter().filter_map(Value::as_str).map(Box::from).collect(),
        merge_key: text(map.get("x-kubernetes-patch-merge-key")),
        patch_strategy: text(map.get("x-kubernetes-patch-strategy")),
        rules: map.get("x-kubernetes-validations").and_then(Value::as_array).unwrap_or_default().into(),
        variant_of: None,
    };
    (notes != Notes::default()).then(|| Box::new(notes))
}

fn text(value: Option<&Value>) -> Option<Box<str>> {
    value.and_then(Value::as_str).filter(|text| !text.is_empty()).map(Box::from)
}

fn flag(map: &Map, name: &str) -> bool {
    map.get(name).and_then(Value::as_bool).unwrap_or_default()
}

/// Limits are floating point numbers in Kubernetes too; large integers lose their last digits.
#[expect(clippy::cast_precision_loss, reason = "as documented")]
pub(crate) fn number(value: Option<&Value>) -> Option<f64> {
    match value? {
        Value::Int(number) => Some(*number as f64),
        Value::Float(number) => Some(*number),
        Value::Null | Value::Bool(_) | Value::String(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

fn malformed(path: &[&str], wanted: &'static str) -> CompileError {
    let steps: Vec<_> = path.iter().copied().filter(|step| !step.is_empty()).collect();
    CompileError::Malformed { path: steps.join("."), wanted }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kcp_apimachinery::value;

    fn check(source: &Value, expected: Result<Type, CompileError>) {
        assert_eq!(compile(source).map(|compiled| compiled.root.kind), expected);
    }

    #[test]
    fn what_is_no_structural_schema_is_refused() {
        check(&value!({"type": "object"}), Ok(Type::Object));
        check(&value!({"x-kubernetes-int-or-string": true}), Ok(Type::IntOrString));
        check(&value!({"$ref": "#/a"}), Err(CompileError::Unsupported("$ref")));
        check(&value!({"items": [{}]}), Err(CompileError::ItemsArray));
        check(
            &value!({"properties": {"a": {"type": "text"}}}),
            Err(CompileError::Malformed {
                path: "properties.a".into(),
                wanted: "of type array, boolean, integer, number, object or string",
            }),
        );
    }

    #[test]
    fn depth_is_limited() {
        let deep = (0..200).fold(value!({}), |inner, _| value!({ "items": inner }));
        check(&deep, Err(CompileError::TooDeep));
    }

    #[test]
    fn equal_leaves_are_one_node_whatever_is_said_of_them() {
        let compiled = compile(&value!({"properties": {
            "a": {"type": "string", "description": "one"},
            "b": {"type": "string", "description": "two"},
            "c": {"type": "string", "maxLength": 3_i64},
        }}))
        .map_err(|error| error.to_string())
        .expect("a schema");
        let at = |name| std::ptr::from_ref(compiled.root.member(name).expect("a member"));
        assert_eq!(at("a"), at("b"));
        assert_ne!(at("a"), at("c"));
        assert_eq!(compiled.root.property("b").and_then(|b| b.description.as_deref()), Some("two"));
    }
}

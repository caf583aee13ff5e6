//! From nodes back to the schemas of documents.
//!
//! Version 2 knows less than version 3: combinations are left out, and what kubectl of that time cannot
//! cope with (nullable fields, unknown ones that are preserved) loses its type, as Kubernetes does it.

use super::{Dialect, document::Types};
use crate::{
    builtin::Definition,
    node::{Additional, Checks, Link, ListType, MapType, Node, Notes, Property, Type},
};
use kcp_apimachinery::{Map, Name, Value, value};
use std::sync::Arc;

const API_VERSION: &str = "The versioned schema of this representation of an object.";
const KIND: &str = "The kind of this object, in CamelCase.";
const METADATA: &str = "Standard object's metadata.";

/// The schema of a custom kind: its own, with what every object has.
pub(super) fn custom(root: &Node, dialect: Dialect, types: &mut Types) -> Value {
    if dialect == Dialect::V2 && root.preserve_unknown {
        return value!({"type": "object"});
    }
    let mut writer = Writer { dialect, types };
    let mut schema = writer.node(root);
    writer.add_object(&mut schema);
    schema
}

/// The schema of a built-in type.
pub(super) fn built_in(definition: &'static Definition, dialect: Dialect, types: &mut Types) -> Value {
    let either = |format: Option<&str>, kinds: [&str; 2]| {
        let mut schema = Map::new();
        if let Some(format) = format {
            schema.insert("format", format);
        }
        match dialect {
            Dialect::V2 => schema.insert("type", "string"),
            Dialect::V3 => {
                schema.insert("oneOf", kinds.iter().map(|&kind| value!({"type": kind})).collect::<Value>())
            }
        };
        Value::Object(schema)
    };
    match definition.name() {
        "pkg.util.intstr.IntOrString" => either(Some("int-or-string"), ["integer", "string"]),
        "pkg.api.resource.Quantity" => either(None, ["string", "number"]),
        _ => {
            let node = definition.node();
            let mut schema = Writer { dialect, types }.node(node);
            if node.kind == Type::Any {
                // Its members are known for pruning only.
                schema.remove_at(&["properties"]);
            }
            // In the data it stands for data without a schema; clients know it by its type alone.
            schema.remove_at(&["x-kubernetes-preserve-unknown-fields"]);
            schema
        }
    }
}

/// Group, version and kind of a built-in type that is one.
pub(super) fn kinds_of(definition: &'static Definition) -> Vec<(&'static str, &'static str, &'static str)> {
    let mut parts = definition.name().split('.');
    let (Some(package), Some(version), Some(kind)) = (parts.next(), parts.next(), parts.next()) else {
        return Vec::new();
    };
    let group = match package {
        "core" | "meta" => "",
        "admissionregistration" => "admissionregistration.k8s.io",
        "apiextensions" => "apiextensions.k8s.io",
        "authentication" => "authentication.k8s.io",
        "authorization" => "authorization.k8s.io",
        "certificates" => "certificates.k8s.io",
        "coordination" => "coordination.k8s.io",
        "discovery" => "discovery.k8s.io",
        "events" => "events.k8s.io",
        "networking" => "networking.k8s.io",
        "rbac" => "rbac.authorization.k8s.io",
        "scheduling" => "scheduling.k8s.io",
        "storage" => "storage.k8s.io",
        package => package,
    };
    let node = definition.node();
    let has = |name| node.property(name).is_some();
    let is_object = has("apiVersion") && has("kind") && has("metadata");
    let is_meta = package == "meta"
        && matches!(
            kind,
            "APIGroup"
                | "APIGroupList"
                | "APIResourceList"
                | "APIVersions"
                | "DeleteOptions"
                | "Status"
                | "WatchEvent"
        );
    if is_object || is_meta { vec![(group, version, kind)] } else { Vec::new() }
}

/// `apiVersion` and `kind`, which are in every object and list.
pub(super) fn add_type_meta(schema: &mut Value) {
    schema.set_at(&["properties", "apiVersion"], value!({"description": API_VERSION, "type": "string"}));
    schema.set_at(&["properties", "kind"], value!({"description": KIND, "type": "string"}));
}

/// A reference may not have siblings in version 3, so it is wrapped if it is to have some.
pub(super) fn described(reference: Value, description: Option<&str>, dialect: Dialect) -> Value {
    let Some(description) = description else { return reference };
    let mut schema = match dialect {
        Dialect::V2 => reference,
        Dialect::V3 => value!({ "allOf": [reference] }),
    };
    schema.set_at(&["description"], description.into());
    schema
}

struct Writer<'t> {
    dialect: Dialect,
    types: &'t mut Types,
}

impl Writer<'_> {
    fn node(&mut self, node: &Node) -> Value {
        let mut schema = Map::new();
        let v2 = self.dialect == Dialect::V2;
        // What this kubectl cannot cope with is shown as anything.
        let untyped = v2 && (node.nullable || node.preserve_unknown);
        let without_items = node.kind == Type::Array && (node.items.is_none() || untyped);
        match node.kind {
            Type::Any => {}
            Type::IntOrString => {
                schema.insert("x-kubernetes-int-or-string", true);
            }
            Type::Object | Type::Array | Type::String | Type::Integer | Type::Number | Type::Boolean => {
                let opaque = v2 && (node.nullable || without_items || node.kind == Type::Object && untyped);
                if !opaque {
                    schema.insert("type", node.kind.name());
                }
            }
        }
        if !untyped {
            self.members(node, &mut schema);
            if let Some(items) = &node.items {
                let items = self.link(items, None);
                schema.insert("items", items);
            }
        }
        self.additional(node, &mut schema);
        if !node.required.is_empty() {
            self.required(node, &mut schema);
        }
        if let Some(default) = &node.default {
            schema.insert("default", (**default).clone());
        }
        if node.nullable && !v2 {
            schema.insert("nullable", true);
        }
        if let Some(checks) = &node.checks {
            self.checks(checks, &mut schema);
        }
        extensions(node, &mut schema);
        if let Some(notes) = &node.notes {
            note(notes, &mut schema);
        }
        self.spell_out_int_or_string(node, &mut schema);
        let mut schema = Value::Object(schema);
        if node.embedded && !untyped {
            self.add_object(&mut schema);
            require_type_meta(&mut schema);
        }
        schema
    }

    fn add_object(&mut self, schema: &mut Value) {
        add_type_meta(schema);
        let reference = self.types.named("meta.v1.ObjectMeta");
        schema.set_at(&["properties", "metadata"], described(reference, Some(METADATA), self.dialect));
    }

    fn members(&mut self, node: &Node, schema: &mut Map) {
        if node.properties.is_empty() {
            return;
        }
        let members: Map =
            node.properties.iter().map(|property| (property.name.clone(), self.property(property))).collect();
        schema.insert("properties", members);
    }

    fn property(&mut self, property: &Property) -> Value {
        let usual = match property.name.as_str() {
            "apiVersion" => Some(API_VERSION),
            "kind" => Some(KIND),
            "metadata" => Some(METADATA),
            _ => None,
        };
        let built_in = matches!(&property.node, Link::Definition(_)) || property.description.is_none();
        let description = property.description.as_deref().or(usual.filter(|_| built_in));
        self.link(&property.node, description)
    }

    fn link(&mut self, link: &Link, description: Option<&str>) -> Value {
        match link {
            Link::Definition(definition) => {
                let reference = self.types.reference(definition);
                described(reference, description, self.dialect)
            }
            Link::Own(node) => {
                let mut schema = match node.notes.as_ref().and_then(|notes| notes.variant_of) {
                    Some(definition) => self.variant(definition, node),
                    None => self.node(node),
                };
                if let Some(description) = description {
                    schema.set_at(&["description"], description.into());
                }
                schema
            }
        }
    }

    /// A built-in type with a patch strategy of its own.
    fn variant(&mut self, definition: &'static Definition, node: &Node) -> Value {
        let reference = self.types.reference(definition);
        let mut schema = match self.dialect {
            Dialect::V2 => reference,
            Dialect::V3 => value!({ "allOf": [reference] }),
        };
        if let Some(strategy) = node.notes.as_ref().and_then(|notes| notes.patch_strategy.as_deref()) {
            schema.set_at(&["x-kubernetes-patch-strategy"], strategy.into());
        }
        schema
    }

    fn additional(&mut self, node: &Node, schema: &mut Map) {
        let additional = match &node.additional {
            Additional::Unset => return,
            Additional::Allowed(allowed) => Value::Bool(*allowed),
            Additional::Schema(link) => self.link(link, None),
        };
        schema.insert("additionalProperties", additional);
    }

    /// Nullable members are not required in version 2, where `null` means that they are not there.
    fn required(&self, node: &Node, schema: &mut Map) {
        let nullable = |name: &Name| node.member(name).is_some_and(|node| node.nullable);
        let kept = node.required.iter().filter(|name| !(self.dialect == Dialect::V2 && nullable(name)));
        let kept: Vec<Value> = kept.map(|name| name.as_str().into()).collect();
        if !kept.is_empty() {
            schema.insert("required", kept);
        }
    }

    fn checks(&mut self, checks: &Checks, schema: &mut Map) {
        let texts = [("format", &checks.format), ("pattern", &checks.pattern)];
        for (name, text) in texts {
            if let Some(text) = text {
                schema.insert(name, &**text);
            }
        }
        let numbers =
            [("minimum", checks.minimum), ("maximum", checks.maximum), ("multipleOf", checks.multiple_of)];
        for (name, number) in numbers {
            if let Some(number) = number {
                schema.insert(name, written(number));
            }
        }
        let flags = [
            ("exclusiveMinimum", checks.exclusive_minimum),
            ("exclusiveMaximum", checks.exclusive_maximum),
            ("uniqueItems", checks.unique_items),
        ];
        for (name, _) in flags.iter().filter(|(_, set)| *set) {
            schema.insert(*name, true);
        }
        let counts = [
            ("minLength", checks.length.min),
            ("maxLength", checks.length.max),
            ("minItems", checks.items.min),
            ("maxItems", checks.items.max),
            ("minProperties", checks.members.min),
            ("maxProperties", checks.members.max),
        ];
        for (name, count) in counts {
            if let Some(count) = count {
                schema.insert(name, count);
            }
        }
        if !checks.allowed.is_empty() {
            schema.insert("enum", checks.allowed.to_vec());
        }
        if self.dialect == Dialect::V3 {
            self.combinations(checks, schema);
        }
    }

    fn combinations(&mut self, checks: &Checks, schema: &mut Map) {
        for (name, nodes) in [("allOf", &checks.all_of), ("anyOf", &checks.any_of), ("oneOf", &checks.one_of)]
        {
            if !nodes.is_empty() {
                schema.insert(name, self.all(nodes));
            }
        }
        if let Some(not) = &checks.not {
            let not = self.node(not);
            schema.insert("not", not);
        }
    }

    fn all(&mut self, nodes: &[Arc<Node>]) -> Vec<Value> {
        nodes.iter().map(|node| self.node(node)).collect()
    }

    /// An integer or a string is spelt out for those who do not know the extension.
    fn spell_out_int_or_string(&self, node: &Node, schema: &mut Map) {
        if node.kind != Type::IntOrString
            || self.dialect == Dialect::V2
            || node
                .checks
                .as_ref()
                .is_some_and(|checks| !checks.any_of.is_empty() || !checks.all_of.is_empty())
        {
            return;
        }
        schema.insert("anyOf", value!([{"type": "integer"}, {"type": "string"}]));
    }
}

fn require_type_meta(schema: &mut Value) {
    let mut required = schema.get("required").and_then(Value::as_array).unwrap_or_default().to_vec();
    for name in ["kind", "apiVersion"] {
        if !required.iter().any(|known| known.as_str() == Some(name)) {
            required.push(name.into());
        }
    }
    schema.set_at(&["required"], required.into());
}

fn extensions(node: &Node, schema: &mut Map) {
    if node.preserve_unknown {
        schema.insert("x-kubernetes-preserve-unknown-fields", true);
    }
    if node.embedded {
        schema.insert("x-kubernetes-embedded-resource", true);
    }
    let list = match node.list {
        ListType::Unset => None,
        ListType::Atomic => Some("atomic"),
        ListType::Set => Some("set"),
        ListType::Map => Some("map"),
    };
    if let Some(list) = list {
        schema.insert("x-kubernetes-list-type", list);
    }
    let map = match node.map {
        MapType::Unset => None,
        MapType::Granular => Some("granular"),
        MapType::Atomic => Some("atomic"),
    };
    if let Some(map) = map {
        schema.insert("x-kubernetes-map-type", map);
    }
}

fn note(notes: &Notes, schema: &mut Map) {
    let texts = [
        ("title", &notes.title),
        ("description", &notes.description),
        ("x-kubernetes-patch-merge-key", &notes.merge_key),
        ("x-kubernetes-patch-strategy", &notes.patch_strategy),
    ];
    for (name, text) in texts {
        if let Some(text) = text {
            schema.insert(name, &**text);
        }
    }
    for (name, value) in [("example", &notes.example), ("externalDocs", &notes.external_docs)] {
        if let Some(value) = value {
            schema.insert(name, value.clone());
        }
    }
    if !notes.list_keys.is_empty() {
        let keys: Value = notes.list_keys.iter().map(|key| Value::from(&**key)).collect();
        schema.insert("x-kubernetes-list-map-keys", keys);
    }
    if !notes.rules.is_empty() {
        schema.insert("x-kubernetes-validations", notes.rules.to_vec());
    }
}

/// A limit as it was most likely written.
#[expect(clippy::cast_possible_truncation, reason = "only whole numbers within the range")]
fn written(number: f64) -> Value {
    if number.fract() == 0.0 && number.abs() < 9e15 {
        Value::Int(number as i64)
    } else {
        Value::Float(number)
    }
}

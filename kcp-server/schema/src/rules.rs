//! Rules of schemas: `x-kubernetes-validations`, and the types that their expressions see.
//!
//! [`declared`] says what a node is to expressions, as Kubernetes derives it: int-or-string and what has
//! no type of its own is decided when it is evaluated or not seen at all, lists know whether they are
//! sets or maps, and limits of sizes bound what an expression may cost.

use crate::node::{ListType, Node, Type};
use kcp_apimachinery::{Name, Value};
use kcp_cel::{Decl, Format, ListKind, Member};

/// The type of a node's values as expressions see it; `None` for what they do not see: values without a
/// type, and lists and maps of these.
///
/// `resource` says that the values are whole objects. Of their metadata expressions see `name` and
/// `generateName`, whatever the schema says.
#[must_use]
pub fn declared(node: &Node, resource: bool) -> Option<Decl> {
    let decl = match node.kind {
        Type::IntOrString => Decl::int_or_string(max_length(node)),
        Type::Boolean => Decl::boolean(),
        Type::Integer => Decl::integer(),
        Type::Number => Decl::number(),
        Type::String => Decl::string(format(node), max_length(node), longest(node)),
        Type::Array => {
            let items = node.element()?;
            let most = node.checks.as_ref().and_then(|checks| checks.items.max);
            Decl::list(declared(items, items.embedded)?, most, list_kind(node))
        }
        Type::Object => match node.additional.node() {
            Some(values) if !resource => {
                let most = node.checks.as_ref().and_then(|checks| checks.members.max);
                Decl::map(declared(values, values.embedded)?, most)
            }
            _ => Decl::object(members(node, resource)),
        },
        Type::Any if resource => Decl::object(members(node, resource)),
        Type::Any => return None,
    };
    Some(if node.nullable { decl.or_null() } else { decl })
}

fn max_length(node: &Node) -> Option<i64> {
    node.checks.as_ref().and_then(|checks| checks.length.max)
}

/// The length of the longest value of `enum`.
fn longest(node: &Node) -> Option<u64> {
    let allowed = &node.checks.as_ref()?.allowed;
    let lengths = allowed.iter().filter_map(Value::as_str).map(|text| text.len() as u64);
    (!allowed.is_empty()).then(|| lengths.max().unwrap_or(0))
}

fn format(node: &Node) -> Format {
    match node.format() {
        "byte" => Format::Byte,
        "duration" => Format::Duration,
        "date" => Format::Date,
        "date-time" => Format::DateTime,
        _ => Format::Plain,
    }
}

fn list_kind(node: &Node) -> ListKind {
    match node.list {
        ListType::Unset | ListType::Atomic => ListKind::Atomic,
        ListType::Set => ListKind::Set,
        ListType::Map => ListKind::Map(node.list_keys().into()),
    }
}

fn members(node: &Node, resource: bool) -> Vec<Member> {
    let meta = if resource && !has_meta(node) { META.as_slice() } else { &[] };
    let own =
        node.properties.iter().filter(|property| !meta.contains(&&*property.name)).filter_map(|property| {
            let of = property.node.node();
            let required = node.required.contains(&property.name) && of.default.is_none();
            Some(Member { name: property.name.clone(), decl: declared(of, of.embedded)?, required })
        });
    let added = meta.iter().map(|name| Member {
        name: (*name).into(),
        decl: if *name == "metadata" { metadata() } else { text() },
        required: node.required.iter().any(|required| &**required == *name),
    });
    own.chain(added).collect()
}

/// What every whole object has.
const META: [&str; 3] = ["apiVersion", "kind", "metadata"];

fn text() -> Decl {
    Decl::string(Format::Plain, None, None)
}

fn metadata() -> Decl {
    let member = |name: &str| Member { name: Name::from(name), decl: text(), required: false };
    Decl::object(vec![member("name"), member("generateName")])
}

/// Whether the schema itself says what every whole object has.
fn has_meta(node: &Node) -> bool {
    let is = |node: &Node, name: &str, kind: Type| {
        node.property(name).is_some_and(|property| property.node.node().kind == kind)
    };
    let metadata = node.property("metadata").map(|property| property.node.node());
    is(node, "kind", Type::String)
        && is(node, "apiVersion", Type::String)
        && is(node, "metadata", Type::Object)
        && metadata.is_some_and(|metadata| {
            is(metadata, "name", Type::String) && is(metadata, "generateName", Type::String)
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Schema;
    use kcp_apimachinery::value;
    use kcp_cel::{Budget, Compiler, Environment, Input, Variable};
    use std::sync::Arc;

    /// What a rule at the root of a schema costs at most, and whether it holds for an object.
    fn check(schema: &Value, object: &Value, rule: &str, most: u64) {
        let schema = Schema::compile(schema).expect("a schema");
        let decl = declared(schema.root(), true).expect("an object");
        let compiler =
            Compiler::new(Environment::new_expressions(), vec![Variable::declared("self", Arc::new(decl))]);
        let program = compiler.compile(rule).unwrap_or_else(|error| panic!("{rule}: {error}"));
        let outcome = program.eval(&[Input::Tree(object)], Budget { cost: 1_000_000, cancelled: None });
        assert_eq!(outcome.value.ok().and_then(|value| value.as_bool()), Some(true), "{rule}");
        assert_eq!(program.cost().max, most, "{rule}");
    }

    #[test]
    fn expressions_see_what_the_schema_says() {
        let schema = value!({"type": "object", "properties": {
            "spec": {"type": "object", "required": ["name"], "properties": {
                "name": {"type": "string", "maxLength": 10_i64},
                "kind": {"type": "string", "enum": ["A", "Long"]},
                "at": {"x-kubernetes-int-or-string": true},
                "from": {"type": "string", "format": "date-time"},
                "set": {"type": "array", "maxItems": 3_i64, "x-kubernetes-list-type": "set",
                    "items": {"type": "string", "maxLength": 5_i64}},
                "labels": {"type": "object", "maxProperties": 2_i64,
                    "additionalProperties": {"type": "string", "maxLength": 5_i64}},
                "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": true},
                "any": {"x-kubernetes-preserve-unknown-fields": true},
            }},
        }});
        let object = value!({"kind": "Thing", "metadata": {"name": "a", "labels": {}}, "spec": {
            "name": "x", "kind": "Long", "at": 80_i64, "from": "2026-01-31T00:00:00Z", "set": ["a", "b"],
            "labels": {"k": "v"}, "free": {"a": 1_i64}, "any": [1_i64],
        }});
        check(&schema, &object, "self.metadata.name == 'a' && self.kind == 'Thing'", 7);
        check(&schema, &object, "self.spec.name == 'x'", 4);
        check(&schema, &object, "self.spec.kind == 'Long'", 4);
        check(&schema, &object, "self.spec.at == 80", 4);
        check(&schema, &object, "self.spec.from > timestamp('2026-01-01T00:00:00Z')", 5);
        check(&schema, &object, "self.spec.set == ['b', 'a']", 14);
        check(&schema, &object, "self.spec.set.all(x, x.size() < 5)", 22);
        check(&schema, &object, "self.spec.labels.all(k, self.spec.labels[k] != k)", 22);
        check(&schema, &object, "has(self.spec.free) && self.spec == self.spec", 6);
    }

    #[test]
    fn what_expressions_do_not_see() {
        let schema = value!({"type": "object", "properties": {
            "any": {"x-kubernetes-preserve-unknown-fields": true},
            "list": {"type": "array", "items": {"x-kubernetes-preserve-unknown-fields": true}},
            "metadata": {"type": "object"},
        }});
        let schema = Schema::compile(&schema).expect("a schema");
        let decl = declared(schema.root(), true).expect("an object");
        let compiler =
            Compiler::new(Environment::new_expressions(), vec![Variable::declared("self", Arc::new(decl))]);
        for rule in ["self.any == self.any", "self.list.size() == 0", "self.metadata.labels == {}"] {
            assert!(compiler.compile(rule).is_err(), "{rule}");
        }
    }
}

use crate::{
    builtin::Definition,
    node::{Link, Node},
};
use kcp_apimachinery::{
    Value,
    field::{Error, Path},
};

/// Texts that are none of those a field allows. What was there before is tolerated.
pub(super) fn walk(node: &Node, new: &Value, old: Option<&Value>, at: &Path<'_>, errors: &mut Vec<Error>) {
    if old == Some(new) {
        return;
    }
    match new {
        Value::Object(members) => {
            for (name, value) in members.iter() {
                if name == "status" || is_opaque(node, name) {
                    continue;
                }
                let Some(below) = node.member(name) else { continue };
                walk(below, value, old.and_then(|old| old.get(name)), &at.child(name), errors);
            }
        }
        Value::Array(items) => {
            let Some(element) = node.element() else { return };
            let before = old.and_then(Value::as_array).unwrap_or_default();
            for (index, item) in items.iter().enumerate() {
                walk(element, item, before.get(index), &at.index(index), errors);
            }
        }
        Value::String(text) if !text.is_empty() => {
            let allowed = node.checks.as_ref().map_or(&[][..], |checks| &checks.allowed);
            if !allowed.is_empty() && !allowed.contains(new) {
                let names: Vec<_> = allowed.iter().filter_map(Value::as_str).collect();
                errors.push(Error::not_supported(at, new.clone(), &names));
            }
        }
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::String(_) => {}
    }
}

/// Metadata is checked elsewhere, and schemas of definitions with them.
fn is_opaque(node: &Node, name: &str) -> bool {
    let leads_to = |definition: &Definition| {
        matches!(definition.name(), "meta.v1.ObjectMeta" | "apiextensions.v1.JSONSchemaProps")
    };
    node.property(name).is_some_and(|property| match &property.node {
        Link::Definition(definition) => leads_to(definition),
        Link::Own(_) => false,
    })
}

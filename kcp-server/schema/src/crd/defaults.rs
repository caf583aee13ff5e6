//! Defaults are values that the schema allows, without unknown fields.

use super::version::Rules;
use crate::{
    embedded,
    node::{Additional, Link, Node, Type},
    prune, validate,
};
use kcp_apimachinery::{
    Value,
    field::{Error, Path},
};

/// What is wrong with the defaults of a schema.
pub(super) fn validate(root: &Node, rules: Rules, at: &Path<'_>, errors: &mut Vec<Error>) {
    walk(root, rules, false, at, errors);
}

/// Whether a stored schema has defaults with unknown fields.
pub(super) fn has_unpruned(schema: &Value) -> bool {
    crate::Schema::compile(schema).is_ok_and(|schema| any_unpruned(schema.root()))
}

fn any_unpruned(node: &Node) -> bool {
    let unpruned = node.default.as_ref().is_some_and(|default| !is_pruned(default, node));
    let additional = match &node.additional {
        Additional::Schema(link) => Some(link),
        Additional::Unset | Additional::Allowed(_) => None,
    };
    let links = node.properties.iter().map(|property| &property.node).chain(additional).chain(&node.items);
    unpruned || links.map(Link::node).any(any_unpruned)
}

fn is_pruned(default: &Value, node: &Node) -> bool {
    prune::prune(&mut default.clone(), node).is_empty()
}

/// Defaults below `additionalProperties` are forbidden elsewhere.
fn walk(node: &Node, rules: Rules, in_meta: bool, at: &Path<'_>, errors: &mut Vec<Error>) {
    let in_meta = in_meta && !node.resource;
    if let Some(default) = &node.default {
        check(default, node, rules, in_meta, &at.child("default"), errors);
    }
    if let Some(items) = node.element() {
        walk(items, rules, in_meta, &at.child("items"), errors);
    }
    let named = at.child("properties");
    for property in &node.properties {
        let meta = node.resource && matches!(property.name.as_str(), "metadata" | "apiVersion" | "kind");
        walk(property.node.node(), rules, in_meta || meta, &named.key(&property.name), errors);
    }
}

fn check(default: &Value, node: &Node, rules: Rules, in_meta: bool, at: &Path<'_>, errors: &mut Vec<Error>) {
    if !in_meta && rules.pruned_defaults && !is_pruned(default, node) {
        errors.push(Error::invalid(at, default.clone(), "must not have unknown fields"));
    }
    let before = errors.len();
    if node.resource && default.as_object().is_some() {
        embedded::resource(default, at, errors);
    }
    // Kubernetes does not look at the type of a default that may be an integer or a string.
    if errors.len() == before && node.kind != Type::IntOrString {
        errors.extend(validate::validate(node, default, None, &at.to_string()));
    }
}

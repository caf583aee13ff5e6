//! Removing what a schema does not know.

use crate::node::{Additional, Node};
use kcp_apimachinery::Value;

/// Members that every object has, whatever its schema says.
const META: [&str; 3] = ["apiVersion", "kind", "metadata"];

/// Removes unknown members; gives their paths in the order they were met.
pub(crate) fn prune(object: &mut Value, root: &Node) -> Vec<String> {
    let mut pruner = Pruner { path: String::new(), removed: Vec::new() };
    pruner.value(object, Some(root), false);
    pruner.removed
}

struct Pruner {
    path: String,
    removed: Vec<String>,
}

impl Pruner {
    /// Without a node nothing is known: scalars stay, members go. An array that preserves what is unknown
    /// says so for its elements too (`preserve`), an object does not for its members.
    fn value(&mut self, value: &mut Value, node: Option<&Node>, preserve: bool) {
        let preserve = preserve || node.is_some_and(|node| node.preserve_unknown);
        match value {
            Value::Object(members) => {
                let at = self.path.len();
                members.retain(|name, member| {
                    let keep = self.member(name, member, node, preserve);
                    self.path.truncate(at);
                    keep
                });
            }
            Value::Array(items) => self.items(items, node, preserve),
            Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::String(_) => {}
        }
    }

    /// Whether a member stays.
    fn member(&mut self, name: &str, value: &mut Value, node: Option<&Node>, preserve: bool) -> bool {
        if node.is_some_and(|node| node.resource) && META.contains(&name) {
            return true;
        }
        if !self.path.is_empty() {
            self.path.push('.');
        }
        self.path.push_str(name);
        match node.map(|node| (node.property(name), &node.additional)) {
            Some((Some(property), _)) => self.value(value, Some(property.node.node()), false),
            Some((None, Additional::Schema(link))) => self.value(value, Some(link.node()), false),
            Some((None, Additional::Allowed(_))) => self.value(value, None, false),
            Some((None, Additional::Unset)) | None => {
                if !preserve {
                    self.removed.push(self.path.clone());
                }
                return preserve;
            }
        }
        true
    }

    fn items(&mut self, items: &mut [Value], node: Option<&Node>, preserve: bool) {
        let element = node.and_then(Node::element);
        if preserve && element.is_none() {
            return;
        }
        let at = self.path.len();
        for (index, item) in items.iter_mut().enumerate() {
            self.path.push_str(&format!("[{index}]"));
            self.value(item, element, preserve);
            self.path.truncate(at);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::Schema;
    use kcp_apimachinery::{Value, value};

    fn check(schema: &Value, mut object: Value, pruned: &Value, unknown: &[&str]) {
        let schema = Schema::compile(schema).expect("a schema");
        assert_eq!(schema.prune(&mut object), unknown);
        assert_eq!(object, *pruned);
        assert_eq!(schema.prune(&mut object), [""; 0], "a second time");
    }

    fn object_of(properties: Value) -> Value {
        value!({"type": "object", "properties": properties})
    }

    #[test]
    fn unknown_members_go_and_are_told() {
        check(
            &object_of(value!({"spec": {"type": "object", "properties": {
                "list": {"type": "array", "items": {"type": "object", "properties": {"a": {"type": "string"}}}},
            }}})),
            value!({"kind": "Widget", "metadata": {"name": "a"}, "foo": 1_i64,
                    "spec": {"bar": {}, "list": [{"a": "x"}, {"b": "y"}]}}),
            &value!({"kind": "Widget", "metadata": {"name": "a"}, "spec": {"list": [{"a": "x"}, {}]}}),
            &["foo", "spec.bar", "spec.list[1].b"],
        );
    }

    #[test]
    fn preserving_goes_on_in_arrays_and_ends_in_known_members() {
        check(
            &object_of(value!({"spec": {"x-kubernetes-preserve-unknown-fields": true, "properties": {
                "known": {"type": "object", "properties": {"a": {"type": "string"}}},
            }}, "list": {"type": "array", "x-kubernetes-preserve-unknown-fields": true,
                "items": {"type": "object", "properties": {"a": {"type": "object"}}}}})),
            value!({"spec": {"free": {"x": 1_i64}, "known": {"a": "", "b": ""}}, "list": [{"a": {"x": 1_i64}, "b": 2_i64}]}),
            &value!({"spec": {"free": {"x": 1_i64}, "known": {"a": ""}}, "list": [{"a": {}, "b": 2_i64}]}),
            &["list[0].a.x", "spec.known.b"],
        );
    }

    #[test]
    fn embedded_resources_keep_their_metadata() {
        check(
            &object_of(value!({"template": {"type": "object", "x-kubernetes-embedded-resource": true,
                "properties": {"spec": {"type": "object"}}}})),
            value!({"template": {"apiVersion": "v1", "kind": "A", "metadata": {"name": "a", "typo": 1_i64},
                    "spec": {}, "data": {}}}),
            &value!({"template": {"apiVersion": "v1", "kind": "A", "metadata": {"name": "a"}, "spec": {}}}),
            &["template.data", "template.metadata.typo"],
        );
    }

    #[test]
    fn maps_without_a_schema_lose_members_of_members() {
        check(
            &object_of(value!({"map": {"type": "object", "additionalProperties": true}})),
            value!({"map": {"a": 1_i64, "b": {"c": 1_i64}}}),
            &value!({"map": {"a": 1_i64, "b": {}}}),
            &["map.b.c"],
        );
    }
}

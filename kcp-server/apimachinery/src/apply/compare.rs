use super::{
    element,
    fields::{below, in_order},
    set::Set,
    typed::{self, Form, element_of, form, members},
};
use crate::{
    Name, Value,
    shape::{ListKind, MapKind, Shape},
};
use std::collections::HashMap;

/// How an object differs from what it was.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Comparison {
    /// Fields that are gone.
    pub removed: Set,
    /// Fields that have another value.
    pub modified: Set,
    /// Fields that are new.
    pub added: Set,
}

impl Comparison {
    /// Whether nothing differs.
    #[must_use]
    pub fn is_same(&self) -> bool {
        self.removed.is_empty() && self.modified.is_empty() && self.added.is_empty()
    }

    /// Drops these fields and all below them.
    #[must_use]
    pub(super) fn without(self, fields: &Set) -> Self {
        self.map(|set| set.recursive_difference(fields))
    }

    /// Drops these fields, but not what is below them.
    #[must_use]
    pub(super) fn strip(self, fields: &Set) -> Self {
        self.map(|set| set.difference(fields))
    }

    fn map(self, change: impl Fn(Set) -> Set) -> Self {
        Self { removed: change(self.removed), modified: change(self.modified), added: change(self.added) }
    }
}

/// Compares two objects of one schema, field by field.
#[must_use]
pub fn compare(old: &Value, new: &Value, shape: &dyn Shape) -> Comparison {
    let node = both(old, new, shape);
    Comparison { removed: node.removed.1, modified: node.modified.1, added: node.added.1 }
}

/// For one path: whether it is in each of the three sets, and what below it is.
#[derive(Default)]
struct Node {
    removed: (bool, Set),
    modified: (bool, Set),
    added: (bool, Set),
}

impl Node {
    fn modified() -> Self {
        Self { modified: (true, Set::new()), ..Self::default() }
    }

    fn added(value: &Value, shape: &dyn Shape) -> Self {
        Self { added: alone(value, shape), ..Self::default() }
    }

    fn removed(value: &Value, shape: &dyn Shape) -> Self {
        Self { removed: alone(value, shape), ..Self::default() }
    }

    fn put(&mut self, element: Name, child: Self) {
        let Self { removed, modified, added } = child;
        self.removed.1.put(element.clone(), removed.0, removed.1);
        self.modified.1.put(element.clone(), modified.0, modified.1);
        self.added.1.put(element, added.0, added.1);
    }

    fn is_empty(&self) -> bool {
        let empty = |(member, below): &(bool, Set)| !member && below.is_empty();
        empty(&self.removed) && empty(&self.modified) && empty(&self.added)
    }
}

/// A value that only one of the two has: it and all fields below, those of maps included.
fn alone(value: &Value, shape: &dyn Shape) -> (bool, Set) {
    match (form(shape, value), value) {
        (Form::Map(MapKind::Granular), Value::Object(map)) => {
            let mut set = Set::new();
            for (name, value) in map.iter() {
                let (_, fields) = alone(value, typed::member(shape, name));
                set.put(element::field(name), true, fields);
            }
            (true, set)
        }
        (Form::List(kind @ (ListKind::Set | ListKind::Map(_))), Value::Array(items)) => {
            let Some(elements) = typed::keyed(shape, kind, items) else { return (true, Set::new()) };
            let counts = count(&elements);
            let mut set = Set::new();
            for (element, item) in in_order(&elements, items) {
                let once = counts.get(element) == Some(&1);
                let fields = if once { alone(item, element_of(shape)).1 } else { Set::new() };
                set.put(element.clone(), true, fields);
            }
            (true, set)
        }
        (Form::Map(_) | Form::List(_) | Form::Scalar(_) | Form::Nothing, _) => (true, below(value, shape).1),
    }
}

fn both(old: &Value, new: &Value, shape: &dyn Shape) -> Node {
    let (old_form, new_form) = (form(shape, old), form(shape, new));
    let mut node = in_form(old, new, new_form, shape);
    // A value that changed its form is looked at in both.
    if old_form != new_form {
        let other = in_form(old, new, old_form, shape);
        let join = |a: (bool, Set), b: (bool, Set)| (a.0 || b.0, a.1.union(b.1));
        node = Node {
            removed: join(node.removed, other.removed),
            modified: join(node.modified, other.modified),
            added: join(node.added, other.added),
        };
    }
    node
}

fn in_form(old: &Value, new: &Value, as_form: Form<'_>, shape: &dyn Shape) -> Node {
    let leaf = || if old == new { Node::default() } else { Node::modified() };
    match as_form {
        Form::Scalar(_) | Form::Map(MapKind::Atomic) | Form::List(ListKind::Atomic) | Form::Nothing => leaf(),
        Form::Map(MapKind::Granular) => {
            let (old_map, new_map) = (members(Some(old)), members(Some(new)));
            // Two that are empty differ if one of them is null.
            if old_map.is_none_or(crate::Map::is_empty) && new_map.is_none_or(crate::Map::is_empty) {
                return leaf();
            }
            maps(old_map, new_map, shape)
        }
        Form::List(kind @ (ListKind::Set | ListKind::Map(_))) => {
            let (old_items, new_items) =
                (old.as_array().unwrap_or_default(), new.as_array().unwrap_or_default());
            if old_items.is_empty() && new_items.is_empty() {
                return leaf();
            }
            if old_items == new_items {
                return Node::default();
            }
            lists(old_items, new_items, kind, shape).unwrap_or_else(leaf)
        }
    }
}

fn maps(old: Option<&crate::Map>, new: Option<&crate::Map>, shape: &dyn Shape) -> Node {
    let mut node = Node::default();
    let mut old = old.into_iter().flat_map(crate::Map::iter).peekable();
    let mut new = new.into_iter().flat_map(crate::Map::iter).peekable();
    loop {
        // Both are sorted by name.
        let (name, child) = match (old.peek().copied(), new.peek().copied()) {
            (None, None) => return node,
            (Some((name, value)), other) if other.is_none_or(|(new_name, _)| name < new_name) => {
                old.next();
                (name, Node::removed(value, typed::member(shape, name)))
            }
            (Some((name, old_value)), Some((new_name, new_value))) if name == new_name => {
                old.next();
                new.next();
                (name, both(old_value, new_value, typed::member(shape, name)))
            }
            (_, Some((name, value))) => {
                new.next();
                (name, Node::added(value, typed::member(shape, name)))
            }
            (Some(_), None) => return node,
        };
        if !child.is_empty() {
            node.put(element::field(name), child);
        }
    }
}

/// `None` if elements cannot be told apart.
fn lists(old: &[Value], new: &[Value], kind: ListKind<'_>, shape: &dyn Shape) -> Option<Node> {
    let (old_elements, new_elements) = (typed::keyed(shape, kind, old)?, typed::keyed(shape, kind, new)?);
    let (old_at, new_at) = (index(&old_elements), index(&new_elements));
    let shape = element_of(shape);
    let mut node = Node::default();
    let mut all: Vec<_> = old_elements.iter().chain(&new_elements).collect();
    all.sort_unstable();
    all.dedup();
    for element in all {
        let (before, after) =
            (old_at.get(element).map_or(&[][..], |at| at), new_at.get(element).map_or(&[][..], |at| at));
        let child = match (before, after) {
            ([], [at]) => Node::added(&new[*at], shape),
            ([at], []) => Node::removed(&old[*at], shape),
            ([before], [after]) => both(&old[*before], &new[*after], shape),
            // Duplicates before and after are one value together.
            ([_, _, ..], [_, _, ..]) => {
                let same = before.len() == after.len()
                    && before.iter().zip(after).all(|(before, after)| old[*before] == new[*after]);
                if same { Node::default() } else { Node::modified() }
            }
            // Duplicates that are gone; what remains is new below.
            ([_, _, ..], rest) => {
                let mut child = rest.first().map_or_else(Node::default, |at| Node::added(&new[*at], shape));
                child.removed.0 = true;
                child
            }
            // Duplicates that are new; what was below is gone.
            (rest, [_, _, ..]) => {
                let mut child = rest.first().map_or_else(Node::default, |at| Node::removed(&old[*at], shape));
                child.added.0 = true;
                child
            }
            ([], []) => Node::default(),
        };
        if !child.is_empty() {
            node.put(element.clone(), child);
        }
    }
    Some(node)
}

fn index(elements: &[Name]) -> HashMap<&Name, Vec<usize>> {
    let mut positions: HashMap<&Name, Vec<usize>> = HashMap::with_capacity(elements.len());
    for (at, element) in elements.iter().enumerate() {
        positions.entry(element).or_default().push(at);
    }
    positions
}

fn count(elements: &[Name]) -> HashMap<&Name, usize> {
    let mut counts = HashMap::with_capacity(elements.len());
    for element in elements {
        *counts.entry(element).or_default() += 1;
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        shape::{Node as Schema, Scalar, any, scalar},
        value,
    };
    use expect_test::{Expect, expect};

    fn check(old: &Value, new: &Value, shape: &dyn Shape, expected: Expect) {
        let Comparison { removed, modified, added } = compare(old, new, shape);
        let show = |title: &str, set: &Set| {
            if set.is_empty() { String::new() } else { format!("{title}\n{set}\n") }
        };
        expected
            .assert_eq(&(show("removed", &removed) + &show("modified", &modified) + &show("added", &added)));
    }

    #[test]
    fn maps_and_scalars() {
        check(&value!({"a": 1_i64}), &value!({"a": 1_i64}), any(), expect![""]);
        check(
            &value!({"a": 1_i64, "b": {"c": 1_i64}, "e": []}),
            &value!({"a": 2_i64, "d": {"x": {}}, "e": null}),
            any(),
            expect![[r#"
                removed
                .b
                .b.c
                modified
                .a
                .e
                added
                .d
                .d.x
            "#]],
        );
        check(
            &value!({"a": 1_i64}),
            &value!({"a": {"b": 1_i64}}),
            any(),
            expect![[r#"
                modified
                .a
                added
                .a.b
            "#]],
        );
    }

    #[test]
    fn lists() {
        let item = Schema::object().with_scalars(Scalar::String, &["name", "value"]);
        let shape = Schema::object()
            .with("set", Schema::set_of(scalar(Scalar::String)))
            .with("l", Schema::list_map_of(item, &["name"]));
        check(
            &value!({"set": ["a", "b"], "l": [{"name": "a", "value": "1"}, {"name": "b"}]}),
            &value!({"set": ["b", "c"], "l": [{"name": "b"}, {"name": "a", "value": "2"}]}),
            &shape,
            expect![[r#"
                removed
                .set[="a"]
                modified
                .l[name="a"].value
                added
                .set[="c"]
            "#]],
        );
        check(
            &value!({"set": ["a", "a"], "l": [{"name": "a"}]}),
            &value!({"set": ["a"], "l": [{"name": "a"}, {"name": "a"}]}),
            &shape,
            expect![[r#"
                removed
                .l[name="a"]
                .l[name="a"].name
                .set[="a"]
                added
                .l[name="a"]
                .set[="a"]
            "#]],
        );
    }
}

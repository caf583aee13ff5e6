use super::{ListKind, MapKind, PatchRule, Scalar, Shape};
use crate::Value;
use std::sync::LazyLock;

/// A [`Shape`] as plain data: the shapes of built-in kinds and of tests.
///
/// It starts as a node that allows nothing; the methods add one form each.
#[derive(Debug, Default)]
pub struct Node {
    scalar: Option<Scalar>,
    map: Option<MapKind>,
    list: Option<List>,
    declared: Vec<(Box<str>, Child)>,
    additional: Option<Child>,
    element: Option<Child>,
    merge_key: Option<Box<str>>,
    merge: bool,
    replace: bool,
    retain_keys: bool,
    default: Option<Value>,
}

#[derive(Debug)]
enum List {
    Atomic,
    Set,
    Map(Box<[Box<str>]>),
}

/// A node below another one.
#[derive(Debug)]
pub enum Child {
    /// A node of its own.
    Own(Box<Node>),
    /// One that is shared, perhaps the parent itself: asked for only when a walk comes by.
    Shared(fn() -> &'static Node),
}

impl Child {
    fn shape(&self) -> &Node {
        match self {
            Self::Own(node) => node,
            Self::Shared(node) => node(),
        }
    }
}

impl From<Node> for Child {
    fn from(node: Node) -> Self {
        Self::Own(Box::new(node))
    }
}

impl From<fn() -> &'static Node> for Child {
    fn from(node: fn() -> &'static Node) -> Self {
        Self::Shared(node)
    }
}

/// A node that allows one type of scalar.
#[must_use]
pub fn scalar(scalar: Scalar) -> Node {
    Node { scalar: Some(scalar), ..Node::default() }
}

impl Node {
    /// An object that is merged member by member and has exactly the members that are added to it.
    #[must_use]
    pub fn object() -> Self {
        Self { map: Some(MapKind::Granular), ..Self::default() }
    }

    /// An object whose members all have one shape.
    #[must_use]
    pub fn map_of(additional: impl Into<Child>) -> Self {
        Self { additional: Some(additional.into()), ..Self::object() }
    }

    /// A list that is merged as one value.
    #[must_use]
    pub fn list_of(element: impl Into<Child>) -> Self {
        Self { list: Some(List::Atomic), element: Some(element.into()), ..Self::default() }
    }

    /// A list of scalars that is merged by their values.
    #[must_use]
    pub fn set_of(element: impl Into<Child>) -> Self {
        Self { list: Some(List::Set), ..Self::list_of(element) }
    }

    /// A list of objects that is merged by the values of some of their members.
    #[must_use]
    pub fn list_map_of(element: impl Into<Child>, keys: &[&str]) -> Self {
        let keys = keys.iter().map(|&key| key.into()).collect();
        Self { list: Some(List::Map(keys)), ..Self::list_of(element) }
    }

    /// Adds a member. Members may come in any order; of two with one name the last counts.
    #[must_use]
    pub fn with(mut self, name: &str, member: impl Into<Child>) -> Self {
        match self.declared.binary_search_by(|(declared, _)| (**declared).cmp(name)) {
            Ok(at) => self.declared[at].1 = member.into(),
            Err(at) => self.declared.insert(at, (name.into(), member.into())),
        }
        self
    }

    /// Adds members that have one type of scalar.
    #[must_use]
    pub fn with_scalars(self, of: Scalar, names: &[&str]) -> Self {
        names.iter().fold(self, |node, name| node.with(name, scalar(of)))
    }

    /// Members that are not named may have any shape.
    #[must_use]
    pub fn preserving_unknown(self) -> Self {
        Self { additional: Some(Child::Shared(any)), ..self }
    }

    /// The map is merged as one value.
    #[must_use]
    pub fn atomic(self) -> Self {
        Self { map: Some(MapKind::Atomic), ..self }
    }

    /// Strategic merge patch merges this list, by a member of its elements unless they are scalars.
    #[must_use]
    pub fn patch_merge(self, key: Option<&str>) -> Self {
        Self { merge: true, merge_key: key.map(Into::into), ..self }
    }

    /// Strategic merge patch replaces this map.
    #[must_use]
    pub fn patch_replace(self) -> Self {
        Self { replace: true, ..self }
    }

    /// Strategic merge patch understands `$retainKeys` here.
    #[must_use]
    pub fn patch_retain_keys(self) -> Self {
        Self { retain_keys: true, ..self }
    }

    /// The default of this node.
    #[must_use]
    pub fn default_to(self, value: impl Into<Value>) -> Self {
        Self { default: Some(value.into()), ..self }
    }
}

impl Shape for Node {
    fn scalar(&self) -> Option<Scalar> {
        self.scalar
    }

    fn map(&self) -> Option<MapKind> {
        self.map
    }

    fn list(&self) -> Option<ListKind<'_>> {
        self.list.as_ref().map(|list| match list {
            List::Atomic => ListKind::Atomic,
            List::Set => ListKind::Set,
            List::Map(keys) => ListKind::Map(keys),
        })
    }

    fn declared(&self, name: &str) -> Option<&dyn Shape> {
        let at = self.declared.binary_search_by(|(declared, _)| (**declared).cmp(name)).ok()?;
        Some(self.declared[at].1.shape())
    }

    fn additional(&self) -> Option<&dyn Shape> {
        Some(self.additional.as_ref()?.shape())
    }

    fn element(&self) -> Option<&dyn Shape> {
        Some(self.element.as_ref()?.shape())
    }

    fn patch(&self) -> PatchRule<'_> {
        PatchRule {
            merge_key: self.merge_key.as_deref(),
            merge: self.merge,
            replace: self.replace,
            retain_keys: self.retain_keys,
        }
    }

    fn default_value(&self) -> Option<&Value> {
        self.default.as_ref()
    }
}

/// Data without a schema of which unknown fields are preserved: maps are merged member by member,
/// lists are atomic.
#[must_use]
pub fn any() -> &'static Node {
    static ANY: LazyLock<Node> = LazyLock::new(|| Node {
        scalar: Some(Scalar::Untyped),
        map: Some(MapKind::Granular),
        list: Some(List::Atomic),
        additional: Some(Child::Shared(any)),
        element: Some(Child::Shared(opaque)),
        ..Node::default()
    });
    &ANY
}

/// Data without a schema that is one value: both maps and lists are atomic.
#[must_use]
pub fn opaque() -> &'static Node {
    static OPAQUE: LazyLock<Node> = LazyLock::new(|| Node {
        scalar: Some(Scalar::Untyped),
        map: Some(MapKind::Atomic),
        list: Some(List::Atomic),
        additional: Some(Child::Shared(opaque)),
        element: Some(Child::Shared(opaque)),
        ..Node::default()
    });
    &OPAQUE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_found_in_any_order() {
        let node = Node::object().with_scalars(Scalar::String, &["b", "a"]).with("c", Node::object());
        assert_eq!(node.member("a").and_then(Shape::scalar), Some(Scalar::String));
        assert!(node.member("c").is_some_and(|c| c.map().is_some()));
        assert!(node.member("d").is_none());
        assert!(node.preserving_unknown().member("d").is_some());
    }

    #[test]
    fn shapes_may_contain_themselves() {
        fn tree() -> &'static Node {
            static TREE: LazyLock<Node> =
                LazyLock::new(|| Node::object().with("children", Node::list_of(Child::Shared(tree))));
            &TREE
        }
        let child = tree().member("children").and_then(Shape::element).expect("a child");
        assert!(child.member("children").is_some());
        assert_eq!(any().member("x").and_then(|x| x.map()), Some(MapKind::Granular));
        assert_eq!(opaque().member("x").and_then(|x| x.map()), Some(MapKind::Atomic));
    }
}

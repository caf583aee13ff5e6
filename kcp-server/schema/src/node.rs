//! The compiled form of a schema: a graph of immutable nodes.
//!
//! A [`Node`] says what a value may be at one place. Nodes that say the same are one allocation
//! within a schema, which is why the description of a member lies beside the link to its node and
//! not in it: most leaves of an API are "a string" and differ only in what people are told of them.
//! The parts that few nodes have are boxed away, so that a plain leaf stays small.

use crate::builtin::Definition;
use kcp_apimachinery::{Name, Value};
use std::sync::Arc;

/// What a value may be at one place.
#[derive(Debug, Default, PartialEq)]
pub struct Node {
    /// The type of the value.
    pub kind: Type,
    /// `nullable`: `null` is a value too.
    pub nullable: bool,
    /// `x-kubernetes-preserve-unknown-fields`: members that are not named are kept.
    pub preserve_unknown: bool,
    /// `x-kubernetes-embedded-resource`.
    pub embedded: bool,
    /// An embedded resource, or the object itself: `apiVersion`, `kind` and `metadata` are those of every
    /// Kubernetes object.
    pub resource: bool,
    /// `x-kubernetes-list-type`.
    pub list: ListType,
    /// `x-kubernetes-map-type`.
    pub map: MapType,
    /// The named members, sorted by name.
    pub properties: Box<[Property]>,
    /// What other members may be.
    pub additional: Additional,
    /// Members that must be there, in the order of the source.
    pub required: Box<[Name]>,
    /// What elements of an array may be.
    pub items: Option<Link>,
    /// What is filled in where nothing is.
    pub default: Option<Box<Value>>,
    /// Limits that the value must keep to, if there are any beside the type.
    pub checks: Option<Box<Checks>>,
    /// What is rarely there.
    pub notes: Option<Box<Notes>>,
}

/// A member of an object by name.
#[derive(Debug, PartialEq)]
pub struct Property {
    /// Its name.
    pub name: Name,
    /// What it may be.
    pub node: Link,
    /// What people are told of it.
    pub description: Option<Box<str>>,
}

/// The types of a schema.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Type {
    /// No type is given.
    #[default]
    Any,
    /// `object`
    Object,
    /// `array`
    Array,
    /// `string`
    String,
    /// `integer`
    Integer,
    /// `number`
    Number,
    /// `boolean`
    Boolean,
    /// `x-kubernetes-int-or-string`
    IntOrString,
}

/// `x-kubernetes-list-type`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ListType {
    /// Not given, which means atomic.
    #[default]
    Unset,
    /// One value.
    Atomic,
    /// No element twice.
    Set,
    /// No two elements with the same [`Notes::list_keys`].
    Map,
}

/// `x-kubernetes-map-type`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum MapType {
    /// Not given, which means granular.
    #[default]
    Unset,
    /// Members are merged one by one.
    Granular,
    /// One value.
    Atomic,
}

/// `additionalProperties`
#[derive(Debug, Default, PartialEq)]
pub enum Additional {
    /// Not given.
    #[default]
    Unset,
    /// `true` or `false`.
    Allowed(bool),
    /// The schema of every member that is not named.
    Schema(Link),
}

/// A way to another node.
#[derive(Clone, Debug)]
pub enum Link {
    /// A node of the same schema.
    Own(Arc<Node>),
    /// A definition of a built-in type, decoded when somebody follows the link. Types may contain themselves.
    Definition(&'static Definition),
}

impl Link {
    /// The node at the other end.
    #[must_use]
    pub fn node(&self) -> &Node {
        match self {
            Self::Own(node) => node,
            Self::Definition(definition) => definition.node(),
        }
    }
}

impl PartialEq for Link {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Own(a), Self::Own(b)) => Arc::ptr_eq(a, b) || a == b,
            (Self::Definition(a), Self::Definition(b)) => std::ptr::eq(*a, *b),
            (Self::Own(_), Self::Definition(_)) | (Self::Definition(_), Self::Own(_)) => false,
        }
    }
}

/// Limits beside the type. Counts and lengths are signed as in the source.
#[derive(Debug, Default, PartialEq)]
pub struct Checks {
    /// `format`
    pub format: Option<Box<str>>,
    /// `pattern`, in Go's syntax.
    pub pattern: Option<Box<str>>,
    /// `enum`; empty if there is none.
    pub allowed: Box<[Value]>,
    /// `minimum`
    pub minimum: Option<f64>,
    /// `maximum`
    pub maximum: Option<f64>,
    /// `exclusiveMinimum`
    pub exclusive_minimum: bool,
    /// `exclusiveMaximum`
    pub exclusive_maximum: bool,
    /// `multipleOf`
    pub multiple_of: Option<f64>,
    /// `minLength` and `maxLength`, in characters.
    pub length: Span,
    /// `minItems` and `maxItems`
    pub items: Span,
    /// `minProperties` and `maxProperties`
    pub members: Span,
    /// `uniqueItems`
    pub unique_items: bool,
    /// `allOf`
    pub all_of: Box<[Arc<Node>]>,
    /// `anyOf`
    pub any_of: Box<[Arc<Node>]>,
    /// `oneOf`
    pub one_of: Box<[Arc<Node>]>,
    /// `not`
    pub not: Option<Arc<Node>>,
}

/// A lower and an upper bound, both inclusive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// At least so many.
    pub min: Option<i64>,
    /// At most so many.
    pub max: Option<i64>,
}

/// What few nodes have.
#[derive(Debug, Default, PartialEq)]
pub struct Notes {
    /// `title`
    pub title: Option<Box<str>>,
    /// `description`, of a node that is no named member.
    pub description: Option<Box<str>>,
    /// `example`
    pub example: Option<Value>,
    /// `externalDocs`
    pub external_docs: Option<Value>,
    /// `x-kubernetes-list-map-keys`
    pub list_keys: Box<[Box<str>]>,
    /// `x-kubernetes-patch-merge-key`
    pub merge_key: Option<Box<str>>,
    /// `x-kubernetes-patch-strategy`, parts separated by commas.
    pub patch_strategy: Option<Box<str>>,
    /// `x-kubernetes-validations`, as they are written. They are kept here and evaluated elsewhere.
    pub rules: Box<[Value]>,
    /// The built-in type of which this node is a variant, with a patch strategy of its own.
    pub variant_of: Option<&'static Definition>,
}

impl Node {
    /// A named member.
    #[must_use]
    pub fn property(&self, name: &str) -> Option<&Property> {
        let at = self.properties.binary_search_by(|property| property.name.as_str().cmp(name)).ok()?;
        Some(&self.properties[at])
    }

    /// The node of a member, named or not; `None` where the schema says nothing of it.
    #[must_use]
    pub fn member(&self, name: &str) -> Option<&Node> {
        self.property(name).map(|property| property.node.node()).or_else(|| self.additional.node())
    }

    /// The node of the elements.
    #[must_use]
    pub fn element(&self) -> Option<&Node> {
        self.items.as_ref().map(Link::node)
    }

    /// `x-kubernetes-validations` of this node.
    #[must_use]
    pub fn rules(&self) -> &[Value] {
        self.notes.as_ref().map_or(&[], |notes| &notes.rules)
    }

    /// `x-kubernetes-list-map-keys`
    #[must_use]
    pub fn list_keys(&self) -> &[Box<str>] {
        self.notes.as_ref().map_or(&[], |notes| &notes.list_keys)
    }

    /// `format`, empty if there is none.
    #[must_use]
    pub fn format(&self) -> &str {
        self.checks.as_ref().and_then(|checks| checks.format.as_deref()).unwrap_or_default()
    }
}

impl Additional {
    /// The node of the members that are not named, if they have a schema.
    #[must_use]
    pub fn node(&self) -> Option<&Node> {
        match self {
            Self::Schema(link) => Some(link.node()),
            Self::Unset | Self::Allowed(_) => None,
        }
    }
}

impl Type {
    /// The name in a schema; empty for none, and for int-or-string both as messages show them.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Any => "",
            Self::Object => "object",
            Self::Array => "array",
            Self::String => "string",
            Self::Integer => "integer",
            Self::Number => "number",
            Self::Boolean => "boolean",
            Self::IntOrString => "integer,string",
        }
    }
}

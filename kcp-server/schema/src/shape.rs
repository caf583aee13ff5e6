//! A compiled schema as patches and server-side apply see it.
//!
//! The facts are Kubernetes' conversion of OpenAPI to merge schemas: what has no type, and objects with
//! neither members nor a schema for them, are merged as their values suggest.

use crate::node::{Additional, Link, ListType, MapType, Node, Type};
use kcp_apimachinery::{
    Value,
    shape::{ListKind, MapKind, PatchRule, Scalar, Shape, any, object_meta, opaque, scalar},
};
use std::sync::LazyLock;

static STRING: LazyLock<kcp_apimachinery::shape::Node> = LazyLock::new(|| scalar(Scalar::String));

impl Node {
    /// What a value without a type is merged like.
    fn untyped(&self) -> &'static dyn Shape {
        if self.preserve_unknown { any() } else { opaque() }
    }

    fn is_untyped(&self) -> bool {
        self.kind == Type::Any
    }
}

impl Shape for Node {
    fn scalar(&self) -> Option<Scalar> {
        match self.kind {
            Type::String if self.format() == "byte" => Some(Scalar::Untyped),
            Type::String => Some(Scalar::String),
            Type::Boolean => Some(Scalar::Boolean),
            Type::Integer | Type::Number => Some(Scalar::Numeric),
            Type::IntOrString | Type::Any => Some(Scalar::Untyped),
            Type::Object | Type::Array => None,
        }
    }

    fn map(&self) -> Option<MapKind> {
        match self.kind {
            Type::Any => self.untyped().map(),
            Type::Object if self.map == MapType::Atomic => Some(MapKind::Atomic),
            Type::Object => Some(MapKind::Granular),
            Type::Array | Type::String | Type::Boolean | Type::Integer | Type::Number | Type::IntOrString => {
                None
            }
        }
    }

    fn list(&self) -> Option<ListKind<'_>> {
        match self.kind {
            Type::Any => self.untyped().list(),
            Type::Array => Some(match self.list {
                ListType::Set => ListKind::Set,
                ListType::Map => ListKind::Map(self.list_keys()),
                ListType::Atomic | ListType::Unset => ListKind::Atomic,
            }),
            Type::Object
            | Type::String
            | Type::Boolean
            | Type::Integer
            | Type::Number
            | Type::IntOrString => None,
        }
    }

    fn declared(&self, name: &str) -> Option<&dyn Shape> {
        if self.resource {
            match name {
                "metadata" => return Some(object_meta()),
                "apiVersion" | "kind" => return Some(&*STRING),
                _ => {}
            }
        }
        Some(self.property(name)?.node.node())
    }

    fn additional(&self) -> Option<&dyn Shape> {
        match &self.additional {
            Additional::Schema(link) => Some(link.node()),
            Additional::Allowed(true) => Some(any()),
            Additional::Allowed(false) => None,
            Additional::Unset if self.is_untyped() => self.untyped().additional(),
            Additional::Unset if self.preserve_unknown => Some(any()),
            Additional::Unset if self.kind == Type::Object && self.properties.is_empty() => Some(any()),
            Additional::Unset => None,
        }
    }

    fn element(&self) -> Option<&dyn Shape> {
        match (&self.items, self.kind) {
            (Some(link), _) => Some(link.node()),
            (None, Type::Any) => self.untyped().element(),
            (None, Type::Array) => Some(opaque()),
            (
                None,
                Type::Object
                | Type::String
                | Type::Boolean
                | Type::Integer
                | Type::Number
                | Type::IntOrString,
            ) => None,
        }
    }

    fn patch(&self) -> PatchRule<'_> {
        let Some(notes) = &self.notes else { return PatchRule::default() };
        let strategy = notes.patch_strategy.as_deref().unwrap_or_default();
        let has = |wanted| strategy.split(',').any(|part| part == wanted);
        PatchRule {
            merge_key: notes.merge_key.as_deref(),
            merge: has("merge"),
            replace: has("replace"),
            retain_keys: has("retainKeys"),
        }
    }

    fn default_value(&self) -> Option<&Value> {
        self.default.as_deref()
    }
}

impl Link {
    /// The node as patches and server-side apply see it.
    #[must_use]
    pub fn shape(&self) -> &dyn Shape {
        self.node()
    }
}

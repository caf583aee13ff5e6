//! What patches and server-side apply need to know of a schema, as one trait.
//!
//! A [`Shape`] is a node of a schema. It says which forms a value may take here (scalar, list, map)
//! and how lists and maps are merged. Where a node allows several forms, the value at hand chooses;
//! a node that allows any of them stands for data without a schema ([`any`], [`opaque`]).
//!
//! How an OpenAPI schema maps onto it (the facts are Kubernetes' conversion of OpenAPI to merge
//! schemas):
//!
//! * `type: string|boolean` → that [`Scalar`]; `integer`, `number` → [`Scalar::Numeric`]; int-or-string
//!   and the `byte` format → [`Scalar::Untyped`].
//! * `type: array` → [`Shape::list`]; without `x-kubernetes-list-type` it is [`ListKind::Atomic`].
//! * `type: object` → [`Shape::map`]; `properties` are [`Shape::declared`], `additionalProperties` is
//!   [`Shape::additional`], and `x-kubernetes-preserve-unknown-fields` makes [`any`] the additional shape.
//! * no type: [`any`] where unknown fields are preserved, else [`opaque`].
//! * `metadata` of the object itself and of embedded resources → [`object_meta`].

mod meta;
mod node;

pub use meta::object_meta;
pub use node::{Child, Node, any, opaque, scalar};

use crate::Value;

/// A node of a schema. Children live as long as the node, so a walk needs no clones.
pub trait Shape: Send + Sync {
    /// The scalar type that is allowed here, if one is.
    fn scalar(&self) -> Option<Scalar>;

    /// How a map is merged here, if one is allowed.
    fn map(&self) -> Option<MapKind>;

    /// How a list is merged here, if one is allowed.
    fn list(&self) -> Option<ListKind<'_>>;

    /// The shape of a member that the schema names.
    fn declared(&self, name: &str) -> Option<&dyn Shape>;

    /// The shape of every member that the schema does not name; `None` if there may be no others.
    fn additional(&self) -> Option<&dyn Shape>;

    /// The shape of the elements of a list.
    fn element(&self) -> Option<&dyn Shape>;

    /// What strategic merge patch does here.
    fn patch(&self) -> PatchRule<'_> {
        PatchRule::default()
    }

    /// The default of this node. It is read for the key fields of [`ListKind::Map`]s only.
    fn default_value(&self) -> Option<&Value> {
        None
    }

    /// The shape of a member, named or not.
    fn member(&self, name: &str) -> Option<&dyn Shape> {
        self.declared(name).or_else(|| self.additional())
    }
}

/// The types a scalar may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scalar {
    /// A string.
    String,
    /// `true` or `false`.
    Boolean,
    /// An integer or another number.
    Numeric,
    /// Any of these.
    Untyped,
}

/// How lists are merged (`x-kubernetes-list-type`, `x-kubernetes-list-map-keys`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListKind<'s> {
    /// As one value.
    Atomic,
    /// By the values of the elements, which are scalars.
    Set,
    /// By the values of these members of the elements, which are objects.
    Map(&'s [Box<str>]),
}

/// How maps are merged (`x-kubernetes-map-type`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MapKind {
    /// Member by member.
    Granular,
    /// As one value.
    Atomic,
}

/// What strategic merge patch does with a list or map (`x-kubernetes-patch-strategy`,
/// `x-kubernetes-patch-merge-key`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PatchRule<'s> {
    /// The member that identifies an element of a list that is merged; `None` for lists of scalars.
    pub merge_key: Option<&'s str>,
    /// Strategy `merge`: a list is merged element by element. Without it a list is replaced.
    pub merge: bool,
    /// Strategy `replace`: a map is replaced instead of merged.
    pub replace: bool,
    /// Strategy `retainKeys`: the patch may carry `$retainKeys`.
    pub retain_keys: bool,
}

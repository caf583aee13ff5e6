//! The types of objects: what a structural schema says of values, as far as expressions see it.
//!
//! Whoever has schemas builds a [`Decl`] per place with rules. It tells the type checker the types, the
//! cost estimate how large values can get, and the evaluator how the values of the tree are read: a
//! string with the format `date-time` is a timestamp, a whole number under `number` is a double.

use crate::{escape, types::Type};
use kcp_apimachinery::Name;
use std::sync::Arc;

/// Largest request, in bytes; bounds what has no bound of its own.
pub const MAX_REQUEST: u64 = 3 * 1024 * 1024;
/// Longest text of a duration or a point in time, with quotation marks.
const MAX_TIME: u64 = 32;
/// Length of a date, with quotation marks.
const DATE: u64 = 12;

/// The type of a value.
#[derive(Clone, Debug)]
pub struct Decl {
    pub(crate) kind: Kind,
    pub(crate) nullable: bool,
    /// Most characters, bytes, elements or members; 0 for what has none of these.
    pub(crate) max_size: u64,
    /// Fewest bytes of such a value in JSON.
    pub(crate) min_bytes: u64,
}

#[derive(Clone, Debug)]
pub(crate) enum Kind {
    Dyn,
    IntOrString,
    Bool,
    Int,
    Double,
    String(Format),
    List(Arc<Decl>, ListKind),
    Map(Arc<Decl>),
    Object(Arc<Object>),
}

/// What a string stands for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// Itself.
    #[default]
    Plain,
    /// `byte`: bytes in base64.
    Byte,
    /// `duration`
    Duration,
    /// `date`
    Date,
    /// `date-time`
    DateTime,
}

/// How the elements of a list relate; it decides what equality and `+` mean.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ListKind {
    /// A sequence.
    #[default]
    Atomic,
    /// No element twice, in no order.
    Set,
    /// Objects in no order, told apart by the members of these names.
    Map(Box<[Box<str>]>),
}

/// An object type: its members that expressions can name.
#[derive(Debug)]
pub struct Object {
    name: Box<str>,
    /// Sorted by `escaped`.
    fields: Box<[Field]>,
}

/// A member of an [`Object`].
#[derive(Debug)]
pub(crate) struct Field {
    pub(crate) name: Name,
    pub(crate) escaped: Box<str>,
    pub(crate) decl: Arc<Decl>,
}

/// A member for [`Decl::object`].
#[derive(Debug)]
pub struct Member {
    /// Its name in the object.
    pub name: Name,
    /// What it is.
    pub decl: Decl,
    /// Whether it has to be there and is not filled in when it is not.
    pub required: bool,
}

impl Decl {
    const fn of(kind: Kind, max_size: u64, min_bytes: u64) -> Self {
        Self { kind, nullable: false, max_size, min_bytes }
    }

    /// Anything, as it is in the tree. Numbers are `int` or `double` as they are written.
    #[must_use]
    pub const fn any() -> Self {
        Self { kind: Kind::Dyn, nullable: true, max_size: MAX_REQUEST - 2, min_bytes: 1 }
    }

    /// `boolean`
    #[must_use]
    pub const fn boolean() -> Self {
        Self::of(Kind::Bool, 0, 4)
    }

    /// `integer`
    #[must_use]
    pub const fn integer() -> Self {
        Self::of(Kind::Int, 0, 1)
    }

    /// `number`
    #[must_use]
    pub const fn number() -> Self {
        Self::of(Kind::Double, 0, 1)
    }

    /// `x-kubernetes-int-or-string`
    #[must_use]
    pub fn int_or_string(max_length: Option<i64>) -> Self {
        Self::of(Kind::IntOrString, max_length.map_or(MAX_REQUEST - 2, characters), 1)
    }

    /// `string`. `longest` is the length in bytes of the longest value of `enum`, if there is one.
    #[must_use]
    pub fn string(format: Format, max_length: Option<i64>, longest: Option<u64>) -> Self {
        let (max_size, min_bytes) = match format {
            Format::Plain => (max_length.map(characters).or(longest).unwrap_or(MAX_REQUEST - 2), 2),
            Format::Byte => (max_length.map_or(MAX_REQUEST - 2, not_negative), 2),
            Format::Duration => (MAX_TIME, 3),
            Format::Date => (DATE, DATE),
            Format::DateTime => (MAX_TIME, 21),
        };
        Self::of(Kind::String(format), max_size, min_bytes)
    }

    /// `array`
    #[must_use]
    pub fn list(items: Self, max_items: Option<i64>, kind: ListKind) -> Self {
        let most = max_items.map_or((MAX_REQUEST - 2) / (items.min_bytes + 1), not_negative);
        Self::of(Kind::List(Arc::new(items), kind), most, 2)
    }

    /// `object` with `additionalProperties`.
    #[must_use]
    pub fn map(values: Self, max_properties: Option<i64>) -> Self {
        let most = max_properties.map_or((MAX_REQUEST - 2) / (values.min_bytes + 6), not_negative);
        Self::of(Kind::Map(Arc::new(values)), most, 2)
    }

    /// `object` with `properties`. Members whose names cannot be written in an expression are left out.
    /// Two types made by two calls are two types, even if they have the same members.
    #[must_use]
    pub fn object(members: Vec<Member>) -> Self {
        let mut min_bytes = 2;
        let mut fields = Vec::with_capacity(members.len());
        for Member { name, decl, required } in members {
            if required {
                min_bytes += name.len() as u64 + decl.min_bytes + 4;
            }
            if let Some(escaped) = escape::escape(&name) {
                fields.push(Field { name, escaped: escaped.into(), decl: Arc::new(decl) });
            }
        }
        fields.sort_by(|a, b| a.escaped.cmp(&b.escaped));
        fields.dedup_by(|a, b| a.escaped == b.escaped);
        let object = Object { name: "object".into(), fields: fields.into() };
        Self::of(Kind::Object(Arc::new(object)), 0, min_bytes)
    }

    /// The same, and `null` is a value too.
    #[must_use]
    pub fn or_null(mut self) -> Self {
        self.nullable = true;
        self
    }

    /// Fewest bytes of such a value in JSON.
    #[must_use]
    pub const fn min_bytes(&self) -> u64 {
        self.min_bytes
    }

    /// Most values of this type that one request can hold.
    #[must_use]
    pub const fn most_per_request(&self) -> u64 {
        MAX_REQUEST / (self.min_bytes + 1)
    }

    /// The type that expressions see.
    #[must_use]
    pub fn to_type(&self) -> Type {
        match &self.kind {
            Kind::Dyn | Kind::IntOrString => Type::Dyn,
            Kind::Bool => Type::Bool,
            Kind::Int => Type::Int,
            Kind::Double => Type::Double,
            Kind::String(Format::Plain) => Type::String,
            Kind::String(Format::Byte) => Type::Bytes,
            Kind::String(Format::Duration) => Type::Duration,
            Kind::String(Format::Date | Format::DateTime) => Type::Timestamp,
            Kind::List(items, _) => Type::list(items.to_type()),
            Kind::Map(values) => Type::map(Type::String, values.to_type()),
            Kind::Object(object) => Type::Object(Arc::clone(object)),
        }
    }

    /// What elements or the values of members are. It is shared, so that rules further down in a schema
    /// need no types of their own.
    #[must_use]
    pub fn element(&self) -> Option<&Arc<Self>> {
        match &self.kind {
            Kind::List(items, _) | Kind::Map(items) => Some(items),
            Kind::Dyn
            | Kind::IntOrString
            | Kind::Bool
            | Kind::Int
            | Kind::Double
            | Kind::String(_)
            | Kind::Object(_) => None,
        }
    }

    /// What a member of an object is, by its name in the object; `None` if expressions do not see it.
    #[must_use]
    pub fn member(&self, name: &str) -> Option<&Arc<Self>> {
        self.as_object()?.by_name(name).map(|field| &field.decl)
    }

    pub(crate) fn as_object(&self) -> Option<&Arc<Object>> {
        if let Kind::Object(object) = &self.kind { Some(object) } else { None }
    }

    pub(crate) fn is_map(&self) -> bool {
        matches!(self.kind, Kind::Map(_))
    }
}

impl Object {
    /// The name in messages.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// A member by its name in expressions.
    pub(crate) fn field(&self, escaped: &str) -> Option<&Field> {
        self.find(escaped).map(|at| &self.fields[at])
    }

    pub(crate) fn find(&self, escaped: &str) -> Option<usize> {
        let find = |name: &str| self.fields.binary_search_by(|field| (*field.escaped).cmp(name)).ok();
        // Words of the language may be written as they are where a member is meant: `self.namespace`.
        find(escaped).or_else(|| find(&escape::escape(escaped).filter(|_| escape::is_word(escaped))?))
    }

    pub(crate) fn fields(&self) -> &[Field] {
        &self.fields
    }

    /// A member by its name in the object.
    pub(crate) fn by_name(&self, name: &str) -> Option<&Field> {
        // Nearly every name is written as it is.
        match self.field(name) {
            Some(field) if &*field.name == name => Some(field),
            _ => self.fields.iter().find(|field| &*field.name == name),
        }
    }
}

fn not_negative(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

/// `maxLength` counts characters, requests count bytes, and a character has at most four.
fn characters(max_length: i64) -> u64 {
    not_negative(max_length).saturating_mul(4)
}

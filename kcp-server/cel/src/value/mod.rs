//! What expressions evaluate to.
//!
//! Objects and arrays of the tree stay where they are: a [`Val`] borrows them together with their
//! declared type, and what is below is read when an expression asks for it. Nothing is converted first.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "a value of any other type is an error of the expression, whatever types there are"
)]

mod compare;
mod equal;
mod map;
mod opaque;
mod read;

pub(crate) use compare::{NotANumber, compare};
pub(crate) use equal::{equal, key_of, key_order};
pub(crate) use map::{Key, Map};
pub use opaque::{Address, Network, OpaqueVal};
pub(crate) use read::{ANY, member, read};

use crate::{
    decl::{Decl, Kind},
    time::Timestamp,
    types::Type,
};
use kcp_apimachinery::Value;
use std::{ops::Deref, sync::Arc};

/// A value of an expression. It borrows from the objects it was read from and from its program.
#[derive(Clone, Debug, Default)]
pub enum Val<'a> {
    /// `null`
    #[default]
    Null,
    /// `bool`
    Bool(bool),
    /// `int`
    Int(i64),
    /// `uint`
    Uint(u64),
    /// `double`
    Double(f64),
    /// `string`
    String(Text<'a>),
    /// `bytes`
    Bytes(Arc<[u8]>),
    /// `duration`, in nanoseconds.
    Duration(i64),
    /// `timestamp`
    Timestamp(Timestamp),
    /// An array or an object of a tree, with what it is declared to be.
    Tree(&'a Value, &'a Decl),
    /// A list that an expression made.
    List(Arc<List<'a>>),
    /// A map that an expression made.
    Map(Arc<Map<'a>>),
    /// `optional_type`
    Optional(Option<Arc<Val<'a>>>),
    /// A type.
    Type(Arc<Type>),
    /// One of Kubernetes' types.
    Opaque(Arc<OpaqueVal>),
}

/// A string, borrowed or shared.
#[derive(Clone, Debug)]
pub enum Text<'a> {
    /// Of a tree or a program.
    Borrowed(&'a str),
    /// Made by an expression.
    Shared(Arc<str>),
}

/// A list that an expression made, with the declared type of the list it came from, if it was merged
/// from one: that decides how it compares.
#[derive(Clone, Debug, Default)]
pub struct List<'a> {
    pub(crate) items: Vec<Val<'a>>,
    pub(crate) decl: Option<&'a Decl>,
}

impl Deref for Text<'_> {
    type Target = str;
    fn deref(&self) -> &str {
        match self {
            Self::Borrowed(text) => text,
            Self::Shared(text) => text,
        }
    }
}

impl<'a> Val<'a> {
    pub(crate) fn text(text: impl Into<Arc<str>>) -> Self {
        Self::String(Text::Shared(text.into()))
    }

    pub(crate) fn bytes(bytes: impl Into<Arc<[u8]>>) -> Self {
        Self::Bytes(bytes.into())
    }

    pub(crate) fn list(items: Vec<Val<'a>>) -> Self {
        Self::List(Arc::new(List { items, decl: None }))
    }

    pub(crate) fn some(value: Val<'a>) -> Self {
        Self::Optional(Some(Arc::new(value)))
    }

    pub(crate) fn opaque(value: OpaqueVal) -> Self {
        Self::Opaque(Arc::new(value))
    }

    /// The truth, if it is one.
    #[must_use]
    pub fn as_bool(&self) -> Option<bool> {
        if let Self::Bool(truth) = self { Some(*truth) } else { None }
    }

    /// The string, if it is one.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        if let Self::String(text) = self { Some(text) } else { None }
    }

    /// The integer, if it is one.
    #[must_use]
    pub fn as_int(&self) -> Option<i64> {
        if let Self::Int(number) = self { Some(*number) } else { None }
    }

    pub(crate) fn is_list(&self) -> bool {
        matches!(self, Self::List(_) | Self::Tree(Value::Array(_), _))
    }

    pub(crate) fn is_map(&self) -> bool {
        matches!(self, Self::Map(_) | Self::Tree(Value::Object(_), _))
    }

    /// Number of characters, bytes, elements or members, for what has any.
    pub(crate) fn size(&self) -> Option<usize> {
        match self {
            Self::String(text) => Some(text.chars().count()),
            Self::Bytes(bytes) => Some(bytes.len()),
            Self::List(list) => Some(list.items.len()),
            Self::Map(map) => Some(map.len()),
            Self::Tree(Value::Array(items), _) => Some(items.len()),
            Self::Tree(Value::Object(members), _) => Some(members.len()),
            Self::Opaque(value) => value.size(),
            Self::Optional(Some(inner)) => inner.size(),
            Self::Null
            | Self::Bool(_)
            | Self::Int(_)
            | Self::Uint(_)
            | Self::Double(_)
            | Self::Duration(_)
            | Self::Timestamp(_)
            | Self::Tree(..)
            | Self::Optional(None)
            | Self::Type(_) => None,
        }
    }

    /// The type as expressions see it at run time: objects are maps, elements are anything.
    pub(crate) fn run_type(&self) -> Type {
        match self {
            Self::Null => Type::Null,
            Self::Bool(_) => Type::Bool,
            Self::Int(_) => Type::Int,
            Self::Uint(_) => Type::Uint,
            Self::Double(_) => Type::Double,
            Self::String(_) => Type::String,
            Self::Bytes(_) => Type::Bytes,
            Self::Duration(_) => Type::Duration,
            Self::Timestamp(_) => Type::Timestamp,
            Self::Tree(Value::Array(_), _) | Self::List(_) => Type::list(Type::Dyn),
            Self::Tree(..) | Self::Map(_) => Type::map(Type::Dyn, Type::Dyn),
            Self::Optional(_) => Type::optional(Type::Dyn),
            Self::Type(_) => Type::Type(None),
            Self::Opaque(value) => Type::Opaque(value.kind()),
        }
    }

    /// The name of the type in messages.
    pub(crate) fn type_name(&self) -> String {
        type_name(&self.run_type())
    }

    /// An element; `None` beyond the end.
    ///
    /// # Errors
    /// A value of the tree that is not what its declaration says.
    pub(crate) fn item(&self, at: usize) -> Option<Result<Val<'a>, String>> {
        match self {
            Self::List(list) => list.items.get(at).cloned().map(Ok),
            Self::Tree(Value::Array(items), decl) => {
                Some(read(items.get(at)?, decl.element().map_or(&ANY, |element| element)))
            }
            Self::Null
            | Self::Bool(_)
            | Self::Int(_)
            | Self::Uint(_)
            | Self::Double(_)
            | Self::String(_)
            | Self::Bytes(_)
            | Self::Duration(_)
            | Self::Timestamp(_)
            | Self::Tree(..)
            | Self::Map(_)
            | Self::Optional(_)
            | Self::Type(_)
            | Self::Opaque(_) => None,
        }
    }

    /// The elements of a list, one after the other.
    pub(crate) fn items(&self) -> impl Iterator<Item = Result<Val<'a>, String>> {
        (0..).map_while(move |at| self.item(at))
    }

    /// The member of a map or object under a key.
    ///
    /// # Errors
    /// A key that no map has, or a value of the tree that is not what its declaration says.
    pub(crate) fn get(&self, key: &Val<'_>) -> Result<Option<Val<'a>>, String> {
        match self {
            Self::Map(map) => match Key::lookup(key) {
                Some(key) => Ok(map.get(&key).cloned()),
                None if matches!(key, Val::Double(_)) => Ok(None),
                None => Err(format!("unsupported key type: {}", key.type_name())),
            },
            Self::Tree(value @ Value::Object(_), decl) => match key {
                Val::String(name) => member(value, decl, name),
                _ => Err("no such overload".to_owned()),
            },
            _ => Ok(None),
        }
    }

    /// The keys of a map or object that expressions see.
    pub(crate) fn keys(&self) -> Vec<Val<'a>> {
        match self {
            Self::Map(map) => map.keys().map(Key::to_val).collect(),
            Self::Tree(Value::Object(members), decl) => match &decl.kind {
                Kind::Object(object) => members
                    .keys()
                    .filter_map(|name| object.by_name(name))
                    .map(|field| Val::String(Text::Borrowed(&field.escaped)))
                    .collect(),
                Kind::Dyn
                | Kind::IntOrString
                | Kind::Bool
                | Kind::Int
                | Kind::Double
                | Kind::String(_)
                | Kind::List(..)
                | Kind::Map(_) => members.keys().map(|name| Val::String(Text::Borrowed(name))).collect(),
            },
            _ => Vec::new(),
        }
    }
}

/// The name of a type in messages and conversions: without what its elements are.
pub(crate) fn type_name(of: &Type) -> String {
    match of {
        Type::List(_) => "list".to_owned(),
        Type::Map(_) | Type::Object(_) => "map".to_owned(),
        Type::Optional(_) => "optional_type".to_owned(),
        Type::Type(_) => "type".to_owned(),
        Type::Null => "null_type".to_owned(),
        Type::Duration => "google.protobuf.Duration".to_owned(),
        Type::Timestamp => "google.protobuf.Timestamp".to_owned(),
        Type::Dyn
        | Type::Error
        | Type::Bool
        | Type::Int
        | Type::Uint
        | Type::Double
        | Type::String
        | Type::Bytes
        | Type::Opaque(_)
        | Type::Param(_) => of.to_string(),
    }
}

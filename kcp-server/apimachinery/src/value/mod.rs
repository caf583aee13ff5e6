//! The object tree: what a decoded Kubernetes object is while something looks at it or changes it.
//!
//! Members are sorted by name, so encoding a tree gives canonical JSON: the same object is always
//! the same bytes. Integers and floating point numbers are told apart as Kubernetes does
//! (a number without fraction or exponent that fits 64 bits is an integer).

mod decode;
mod encode;
mod map;
mod path;
mod serde;

pub use self::serde::{from_value, into_type, to_value};
pub(crate) use decode::decode_from;
pub use decode::{DecodeError, Limits, decode, decode_strict, decode_with};
pub use encode::{encode, encode_into, escape_into};
pub use map::{Map, Name};
pub use path::Step;

/// One JSON value.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Value {
    /// `null`
    #[default]
    Null,
    /// `true`, `false`
    Bool(bool),
    /// A number that was written without fraction and exponent and fits.
    Int(i64),
    /// Any other number.
    Float(f64),
    /// A string.
    String(Box<str>),
    /// An array.
    Array(Vec<Value>),
    /// An object.
    Object(Map),
}

impl Value {
    /// An object without members.
    #[must_use]
    pub fn object() -> Self {
        Self::Object(Map::new())
    }

    /// Whether this is `null`.
    #[must_use]
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
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

    /// The boolean, if it is one.
    #[must_use]
    pub fn as_bool(&self) -> Option<bool> {
        if let Self::Bool(truth) = self { Some(*truth) } else { None }
    }

    /// The elements, if it is an array.
    #[must_use]
    pub fn as_array(&self) -> Option<&[Value]> {
        if let Self::Array(items) = self { Some(items) } else { None }
    }

    /// The elements for change, if it is an array.
    pub fn as_array_mut(&mut self) -> Option<&mut Vec<Value>> {
        if let Self::Array(items) = self { Some(items) } else { None }
    }

    /// The members, if it is an object.
    #[must_use]
    pub fn as_object(&self) -> Option<&Map> {
        if let Self::Object(map) = self { Some(map) } else { None }
    }

    /// The members for change, if it is an object.
    pub fn as_object_mut(&mut self) -> Option<&mut Map> {
        if let Self::Object(map) = self { Some(map) } else { None }
    }

    /// A member of an object; `None` for anything that is no object or lacks it.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.as_object()?.get(name)
    }

    /// A member for change.
    pub fn get_mut(&mut self, name: &str) -> Option<&mut Value> {
        self.as_object_mut()?.get_mut(name)
    }

    /// What lies at the end of a path of members, e.g. `["metadata", "name"]`.
    #[must_use]
    pub fn at(&self, path: &[&str]) -> Option<&Value> {
        path.iter().try_fold(self, |value, name| value.get(name))
    }

    /// The string at the end of a path of members.
    #[must_use]
    pub fn str_at(&self, path: &[&str]) -> Option<&str> {
        self.at(path)?.as_str()
    }

    /// Sets what lies at the end of a path, making objects on the way where there are none.
    pub fn set_at(&mut self, path: &[&str], value: Value) {
        let Some((last, parents)) = path.split_last() else {
            *self = value;
            return;
        };
        let mut at = self;
        for name in parents {
            at = at.force_object().entry(name);
        }
        at.force_object().insert(*last, value);
    }

    /// Removes what lies at the end of a path and gives it back.
    pub fn remove_at(&mut self, path: &[&str]) -> Option<Value> {
        let (last, parents) = path.split_last()?;
        let mut at = self;
        for name in parents {
            at = at.get_mut(name)?;
        }
        at.as_object_mut()?.remove(last)
    }

    /// This value as an object; what was there before is replaced unless it was one.
    pub fn force_object(&mut self) -> &mut Map {
        if !matches!(self, Self::Object(_)) {
            *self = Self::object();
        }
        let Self::Object(map) = self else { unreachable!("made an object just above") };
        map
    }

    /// The name Kubernetes gives this type in messages.
    #[must_use]
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "boolean",
            Self::Int(_) => "integer",
            Self::Float(_) => "number",
            Self::String(_) => "string",
            Self::Array(_) => "array",
            Self::Object(_) => "object",
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::String(text.into())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::String(text.into_boxed_str())
    }
}

impl From<bool> for Value {
    fn from(truth: bool) -> Self {
        Self::Bool(truth)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Int(number)
    }
}

impl From<f64> for Value {
    fn from(number: f64) -> Self {
        Self::Float(number)
    }
}

impl From<Vec<Value>> for Value {
    fn from(items: Vec<Value>) -> Self {
        Self::Array(items)
    }
}

impl From<Map> for Value {
    fn from(map: Map) -> Self {
        Self::Object(map)
    }
}

impl FromIterator<Value> for Value {
    fn from_iter<I: IntoIterator<Item = Value>>(items: I) -> Self {
        Self::Array(items.into_iter().collect())
    }
}

/// Builds a [`Value`] from JSON-like syntax: `value!({"kind": "Pod", "spec": {"replicas": n}})`.
///
/// Expressions stand wherever a value may; anything that converts into [`Value`] does.
#[macro_export]
macro_rules! value {
    (null) => { $crate::Value::Null };
    ([ $($item:tt),* $(,)? ]) => { $crate::Value::Array(vec![ $( $crate::value!($item) ),* ]) };
    ({ $($key:literal : $item:tt),* $(,)? }) => {{
        #[allow(unused_mut, reason = "an empty object is never changed")]
        let mut map = $crate::Map::new();
        $( map.insert($key, $crate::value!($item)); )*
        $crate::Value::Object(map)
    }};
    ($other:expr) => { $crate::Value::from($other) };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_made_where_there_is_none() {
        let mut object = Value::object();
        object.set_at(&["metadata", "labels", "a"], "b".into());
        assert_eq!(object.str_at(&["metadata", "labels", "a"]), Some("b"));
        assert_eq!(object.remove_at(&["metadata", "labels", "a"]), Some("b".into()));
        assert_eq!(object.str_at(&["metadata", "labels", "a"]), None);
    }

    #[test]
    fn the_macro_builds_trees() {
        let n = 3_i64;
        let built = value!({"b": [1_i64, (n + 1), null], "a": {"x": "y"}, "c": true});
        assert_eq!(encode(&built), br#"{"a":{"x":"y"},"b":[1,4,null],"c":true}"#);
    }
}

//! Trees and Rust types: a [`Value`] is anything serde can read from or write to.

use super::{Map, Value};
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{
        DeserializeOwned, IntoDeserializer, Visitor,
        value::{Error, MapDeserializer, SeqDeserializer},
    },
    forward_to_deserialize_any,
    ser::SerializeMap,
};

/// Reads a type out of a tree. Unknown members are the type's business; a member that is `null`
/// counts as missing, as in Go.
///
/// # Errors
/// A tree of another shape.
pub fn from_value<'v, T: Deserialize<'v>>(value: &'v Value) -> Result<T, Error> {
    T::deserialize(value)
}

/// Writes a type as a tree. `None` for what JSON cannot say, such as a map whose keys are no strings.
#[must_use]
pub fn to_value<T: Serialize>(from: &T) -> Option<Value> {
    super::decode(&serde_json::to_vec(from).ok()?).ok()
}

/// Reads a type out of a tree and forgets the tree.
///
/// # Errors
/// As [`from_value`].
pub fn into_type<T: DeserializeOwned>(value: &Value) -> Result<T, Error> {
    from_value(value)
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => to.serialize_unit(),
            Self::Bool(truth) => to.serialize_bool(*truth),
            Self::Int(number) => to.serialize_i64(*number),
            Self::Float(number) => to.serialize_f64(*number),
            Self::String(text) => to.serialize_str(text),
            Self::Array(items) => to.collect_seq(items),
            Self::Object(map) => map.serialize(to),
        }
    }
}

impl Serialize for Map {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut members = to.serialize_map(Some(self.len()))?;
        for (name, value) in self.iter() {
            members.serialize_entry(name, value)?;
        }
        members.end()
    }
}

impl<'de> Deserializer<'de> for &'de Value {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self {
            Value::Null => visitor.visit_unit(),
            Value::Bool(truth) => visitor.visit_bool(*truth),
            Value::Int(number) => visitor.visit_i64(*number),
            Value::Float(number) => visitor.visit_f64(*number),
            Value::String(text) => visitor.visit_borrowed_str(text),
            Value::Array(items) => visitor.visit_seq(SeqDeserializer::new(items.iter())),
            Value::Object(map) => {
                visitor.visit_map(MapDeserializer::new(map.iter().filter(|(_, value)| !value.is_null())))
            }
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        match self.as_str() {
            Some(text) => {
                IntoDeserializer::<Error>::into_deserializer(text).deserialize_enum(name, variants, visitor)
            }
            None => Err(serde::de::Error::custom(format!("{} where {name} is a string", self.type_name()))),
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct
        seq tuple tuple_struct map struct identifier ignored_any
    }
}

impl<'de> IntoDeserializer<'de, Error> for &'de Value {
    type Deserializer = Self;
    fn into_deserializer(self) -> Self {
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value;
    use std::collections::BTreeMap;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    enum Phase {
        Ready,
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Thing {
        name: String,
        #[serde(default)]
        labels: BTreeMap<String, String>,
        count: Option<u32>,
        phase: Phase,
        raw: Value,
    }

    #[test]
    fn types_come_out_of_trees_and_go_back() {
        let tree = value!({
            "name": "a", "labels": null, "phase": "Ready", "count": 3_i64, "raw": {"x": [1_i64, 1.5]}, "more": true
        });
        let thing: Thing = into_type(&tree).expect("its shape");
        let raw = value!({"x": [1_i64, 1.5]});
        let wanted =
            Thing { name: "a".into(), labels: BTreeMap::new(), count: Some(3), phase: Phase::Ready, raw };
        assert_eq!(thing, wanted);
        assert_eq!(from_value::<Thing>(&to_value(&thing).expect("JSON")).expect("its shape"), wanted);
    }

    #[test]
    fn another_shape_is_an_error() {
        for tree in [value!({"name": 1_i64}), value!([]), value!({"name": "a", "phase": {}, "raw": null})] {
            assert!(into_type::<Thing>(&tree).is_err(), "{tree:?}");
        }
    }
}

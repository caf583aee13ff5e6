use super::{element, set::Set};
use crate::{Map, Value};

impl Set {
    /// Reads `fieldsV1`.
    ///
    /// # Errors
    /// Elements that are malformed. Those of an unknown kind are skipped.
    pub fn from_fields_v1(fields: &Value) -> Result<Self, String> {
        let Some(map) = fields.as_object() else {
            return if fields.is_null() {
                Ok(Self::new())
            } else {
                Err("fieldsV1 must be an object".to_owned())
            };
        };
        let mut entries = Vec::with_capacity(map.len());
        for (name, (_, value)) in map.names().zip(map.iter()) {
            if name.as_str() == "." {
                continue;
            }
            let Some(element) = element::parse(name)? else { continue };
            let below = Self::from_fields_v1(value)?;
            // Nothing below means that the field itself is meant.
            let member = below.is_empty() || value.get(".").is_some();
            entries.push((element, member, below));
        }
        // Spelt anew, they may come in another order.
        entries.sort_by(|(left, ..), (right, ..)| left.cmp(right));
        let mut set = Self::new();
        for (element, member, below) in entries {
            set.put(element, member, below);
        }
        Ok(set)
    }

    /// The set as `fieldsV1`.
    #[must_use]
    pub fn to_fields_v1(&self) -> Value {
        let mut map = Map::new();
        for entry in self.entries() {
            let mut below = entry.below.to_fields_v1();
            if entry.member && !entry.below.is_empty() {
                below.force_object().insert(".", Value::object());
            }
            map.insert(entry.element.clone(), below);
        }
        Value::Object(map)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::decode;

    fn check(fields: &str, canonical: &str) {
        let set = Set::from_fields_v1(&decode(fields.as_bytes()).expect("JSON")).expect("fields");
        assert_eq!(crate::go::json(&set.to_fields_v1()), canonical);
        assert_eq!(Set::from_fields_v1(&set.to_fields_v1()), Ok(set));
    }

    #[test]
    fn fields_are_read_and_written() {
        check("{}", "{}");
        check(r#"{"f:a":{"f:b":{}}}"#, r#"{"f:a":{"f:b":{}}}"#);
        check(r#"{"f:a":{".":{},"f:b":{}}}"#, r#"{"f:a":{".":{},"f:b":{}}}"#);
        check(r#"{"f:a":{".":{}}}"#, r#"{"f:a":{}}"#);
        check(
            r#"{"f:l":{"k:{\"name\":\"x\"}":{".":{},"f:name":{}},"v:1":{}},"x:y":{}}"#,
            r#"{"f:l":{"k:{\"name\":\"x\"}":{".":{},"f:name":{}},"v:1":{}}}"#,
        );
    }

    #[test]
    fn what_is_malformed_is_refused() {
        for fields in [r#"{"a":{}}"#, r#"{"f:a":1}"#, "[]"] {
            assert!(Set::from_fields_v1(&decode(fields.as_bytes()).expect("JSON")).is_err(), "{fields}");
        }
    }
}

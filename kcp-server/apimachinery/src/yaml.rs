//! YAML bodies. The library parses and writes; what a document may be is bounded as for JSON.

use crate::{Value, value::DecodeError};

/// Reads one YAML document. A key that occurs twice is an error.
///
/// # Errors
/// Bytes that are not one YAML document, or one beyond the limits of [`crate::value::Limits`].
pub fn decode(bytes: &[u8]) -> Result<Value, DecodeError> {
    serde_saphyr::from_slice(bytes).map_err(|e| DecodeError(e.without_snippet().to_string()))
}

/// A tree as YAML, with a line break at its end.
#[must_use]
pub fn encode(value: &Value) -> String {
    // Every tree can be written; JSON, which is YAML too, stands in if the library should ever refuse one.
    serde_saphyr::to_string(value)
        .unwrap_or_else(|_| String::from_utf8_lossy(&crate::value::encode(value)).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value;

    #[test]
    fn yaml_and_back() {
        let object =
            decode(b"kind: A\nspec:\n  n: 3\n  on: true\n  f: 1.5\n  list: [a, \"1\"]\n  nothing: null\n")
                .expect("YAML");
        let expected = value!({"kind": "A", "spec": {"n": 3_i64, "on": true, "f": (Value::Float(1.5)), "list": ["a", "1"], "nothing": null}});
        assert_eq!(object, expected);
        assert_eq!(decode(encode(&object).as_bytes()), Ok(object));
    }

    #[test]
    fn broken_documents_are_refused() {
        for bad in ["a: 1\na: 2\n", "a: [", "a: 1\n---\nb: 2\n"] {
            assert!(decode(bad.as_bytes()).is_err(), "{bad}");
        }
    }
}

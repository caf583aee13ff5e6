//! YAML bodies and files. The library parses and writes; what a document may be is bounded as for JSON.
//!
//! Scalars are read as Kubernetes does, which is YAML 1.1: `yes` and `on` are true, `0644` is octal, and
//! a number without fraction is an integer however it is written. Keys are strings.

use crate::{
    Value,
    value::{DecodeError, Limits, decode_from},
};
use serde_saphyr::{Options, options::DuplicateKeyPolicy};

/// Most documents in a file.
const DOCUMENTS_MAX: usize = 10_000;

/// Reads one YAML document. Of a key that occurs twice the last one counts, as in JSON.
///
/// # Errors
/// Bytes that are not one YAML document, or one beyond the limits of [`Limits`].
pub fn decode(bytes: &[u8]) -> Result<Value, DecodeError> {
    decode_strict(bytes).map(|(value, _)| value)
}

/// Reads one YAML document and also gives the paths of keys that occur twice in one mapping, such as
/// `metadata.name`.
///
/// # Errors
/// As [`decode`].
pub fn decode_strict(bytes: &[u8]) -> Result<(Value, Vec<String>), DecodeError> {
    let read = |from: serde_saphyr::Deserializer<'_, '_>| decode_from(from, Limits::default());
    let options = options(DuplicateKeyPolicy::PassThrough);
    let (mut value, duplicates) =
        serde_saphyr::with_deserializer_from_slice_with_options(bytes, options, read)
            .map_err(|e| error(&e))?;
    whole_numbers(&mut value);
    Ok((value, duplicates))
}

/// Reads all documents of a file but the empty ones. A key that occurs twice is an error.
///
/// # Errors
/// As [`decode`], of any of them, or more than 10 000 documents.
pub fn decode_all(text: &str) -> Result<Vec<Value>, DecodeError> {
    let options = options(DuplicateKeyPolicy::Error);
    let values: Vec<Value> =
        serde_saphyr::from_multiple_with_options(text, options).map_err(|e| error(&e))?;
    let mut values: Vec<_> = values.into_iter().filter(|value| !value.is_null()).collect();
    values.iter_mut().for_each(whole_numbers);
    Ok(values)
}

/// A tree as YAML, with a line break at its end.
#[must_use]
pub fn encode(value: &Value) -> String {
    // Every tree can be written; JSON, which is YAML too, stands in if the library should ever refuse one.
    serde_saphyr::to_string(value)
        .unwrap_or_else(|_| String::from_utf8_lossy(&crate::value::encode(value)).into_owned())
}

fn options(duplicate_keys: DuplicateKeyPolicy) -> Options {
    serde_saphyr::options! {
        budget: serde_saphyr::budget! { max_documents: DOCUMENTS_MAX },
        duplicate_keys: duplicate_keys,
        legacy_octal_numbers: true,
        with_snippet: false,
        emit_comments: false,
    }
}

fn error(error: &serde_saphyr::Error) -> DecodeError {
    DecodeError(error.without_snippet().to_string())
}

/// Kubernetes turns YAML into JSON first, where `1.0` is written `1`.
fn whole_numbers(value: &mut Value) {
    match value {
        Value::Float(number) => {
            // Up to here JSON writes digits; what does not fit stays as it is.
            let whole = number.fract() == 0.0 && number.abs() < i64::MAX as f64;
            if whole {
                *value = Value::Int(*number as i64);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(whole_numbers),
        Value::Object(map) => map.iter_mut().for_each(|(_, member)| whole_numbers(member)),
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::String(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value;
    use proptest::prelude::*;

    fn check(text: &str, expected: &Value) {
        assert_eq!(decode(text.as_bytes()).as_ref(), Ok(expected), "{text}");
    }

    #[test]
    fn yaml_and_back() {
        let text = "kind: A\nspec:\n  n: 3\n  on: true\n  f: 1.5\n  list: [a, \"1\"]\n  nothing: null\n";
        let expected = value!({"kind": "A", "spec": {"n": 3_i64, "on": true, "f": 1.5, "list": ["a", "1"], "nothing": null}});
        check(text, &expected);
        assert_eq!(decode(encode(&expected).as_bytes()), Ok(expected));
    }

    #[test]
    fn scalars_are_those_of_yaml_1_1() {
        check("[yes, off, 'yes']", &value!([true, false, "yes"]));
        check("[1.0, 1e3, 0.5, -0]", &value!([1_i64, 1000_i64, 0.5, 0_i64]));
        check("[0644, 0x10]", &value!([420_i64, 16_i64]));
        check("[2026-01-02T03:04:05Z, ~, null]", &value!(["2026-01-02T03:04:05Z", null, null]));
        check("1: a\ntrue: b\n", &value!({"1": "a", "true": "b"}));
        check("a: &x {b: 1}\nc: *x\n", &value!({"a": {"b": 1_i64}, "c": {"b": 1_i64}}));
    }

    #[test]
    fn repeated_keys_are_told() {
        let (value, twice) = decode_strict(b"a:\n  x: 1\n  x: 2\n").expect("YAML");
        assert_eq!((value, twice), (value!({"a": {"x": 2_i64}}), vec!["a.x".to_owned()]));
        assert!(decode_all("a: 1\na: 2\n").is_err());
    }

    #[test]
    fn files_have_several_documents() {
        let values = decode_all("---\na: 1\n---\n---\n# nothing\n---\nb: 2.0\n").expect("YAML");
        assert_eq!(values, [value!({"a": 1_i64}), value!({"b": 2_i64})]);
    }

    #[test]
    fn broken_documents_are_refused() {
        for bad in ["a: [", "a: 1\n---\nb: 2\n", "a: .inf", "{a: b", "*x"] {
            assert!(decode(bad.as_bytes()).is_err(), "{bad}");
        }
        let bomb = "a: &a [x,x,x,x,x,x,x,x,x]\n".to_owned()
            + &('b'..='i').map(|c| {
                let previous = char::from(c as u8 - 1);
                format!("{c}: &{c} [*{previous},*{previous},*{previous},*{previous},*{previous},*{previous},*{previous},*{previous},*{previous}]\n")
            }).collect::<String>();
        assert!(decode(bomb.as_bytes()).is_err());
        assert!(decode(("[".repeat(600) + &"]".repeat(600)).as_bytes()).is_err());
    }

    #[test]
    fn strings_that_look_like_something_else_are_quoted() {
        for text in [
            "yes",
            "No",
            "on",
            "y",
            "null",
            "~",
            "",
            "1",
            "0644",
            "0x1",
            "1e3",
            ".5",
            "1_000",
            "+1",
            "true",
            "2026-01-02",
            "-",
            "a: b",
            "# a",
            " a",
            "a\nb\n",
            ".inf",
            "<<",
            "=",
            "[a",
        ] {
            let tree = value!({"a": (text)});
            assert_eq!(decode(encode(&tree).as_bytes()), Ok(tree), "{}", encode(&value!({"a": (text)})));
        }
    }

    fn tree() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            (-1e6..1e6_f64).prop_filter("fraction", |n| n.fract() != 0.0).prop_map(Value::from),
            "[ -~\u{e9}\n\t]{0,12}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::vec(("[a-z./ -]{1,6}", inner), 0..4)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(tree in tree()) {
            let text = encode(&tree);
            prop_assert_eq!(decode(text.as_bytes()), Ok(tree), "{}", text);
        }

        #[test]
        fn nothing_panics(text in ".*") {
            let _ = (decode(text.as_bytes()), decode_all(&text));
        }
    }
}

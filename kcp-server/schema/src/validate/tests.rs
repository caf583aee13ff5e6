use crate::Schema;
use kcp_apimachinery::{Value, value};

/// Checks `{"x": value}` against a schema for `x`.
fn check(x: Value, value: impl Into<Value>, expected: &[&str]) {
    check_update(x, value, None, expected);
}

fn check_update(x: Value, value: impl Into<Value>, old: Option<Value>, expected: &[&str]) {
    let schema = Schema::compile(&value!({"type": "object", "properties": {"x": x}})).expect("a schema");
    let old = old.map(|old| value!({"x": old}));
    let errors = schema.validate(&value!({"x": (value.into())}), old.as_ref());
    assert_eq!(errors.iter().map(ToString::to_string).collect::<Vec<_>>(), expected);
}

#[test]
fn types() {
    check(value!({"type": "integer"}), 1_i64, &[]);
    check(
        value!({"type": "integer"}),
        "a",
        &[r#"x: Invalid value: "string": x in body must be of type integer: "string""#],
    );
    check(value!({"type": "integer"}), Value::Float(1.0), &[]);
    check(value!({"type": "number"}), 1_i64, &[]);
    check(
        value!({"type": "string"}),
        value!([]),
        &[r#"x: Invalid value: "array": x in body must be of type string: "array""#],
    );
    check(
        value!({"type": "object"}),
        Value::Null,
        &[r#"x: Invalid value: "null": x in body must be of type object: "null""#],
    );
    check(value!({"type": "object", "nullable": true}), Value::Null, &[]);
    check(value!({"x-kubernetes-int-or-string": true}), "50%", &[]);
    check(
        value!({"x-kubernetes-int-or-string": true}),
        true,
        &[r#"x: Invalid value: "boolean": x in body must be of type integer,string: "boolean""#],
    );
    check(
        value!({"type": "integer", "format": "int32"}),
        3_000_000_000_i64,
        &[r#"<nil>: Invalid value: "": Checked value must be of type integer with format int32 in x"#],
    );
    check(
        value!({"type": "integer", "format": "int32"}),
        true,
        &[r#"x: Invalid value: "": x in body must be of type int32: """#],
    );
}

#[test]
fn strings() {
    check(
        value!({"type": "string", "maxLength": 2_i64}),
        "äöü",
        &["x: Too long: may not be more than 2 bytes"],
    );
    check(
        value!({"type": "string", "minLength": 1_i64}),
        "",
        &[r#"x: Invalid value: "": x in body should be at least 1 chars long"#],
    );
    check(
        value!({"type": "string", "pattern": "^a+$"}),
        "b",
        &[r#"x: Invalid value: "b": x in body should match '^a+$'"#],
    );
    check(
        value!({"type": "string", "format": "date-time"}),
        "now",
        &[r#"x: Invalid value: "now": x in body must be of type date-time: "now""#],
    );
    check(value!({"type": "string", "format": "unheard-of"}), "now", &[]);
    check(
        value!({"type": "string", "enum": ["a", "b"]}),
        "c",
        &[r#"x: Unsupported value: "c": supported values: "a", "b""#],
    );
}

#[test]
fn numbers() {
    check(
        value!({"type": "integer", "minimum": 1_i64}),
        0_i64,
        &["x: Invalid value: 0: x in body should be greater than or equal to 1"],
    );
    check(
        value!({"type": "integer", "maximum": 5_i64, "exclusiveMaximum": true}),
        5_i64,
        &["x: Invalid value: 5: x in body should be less than 5"],
    );
    check(
        value!({"type": "number", "maximum": 1.5}),
        Value::Float(1e6),
        &["x: Invalid value: 1e+06: x in body should be less than or equal to 1.5"],
    );
    check(
        value!({"type": "integer", "multipleOf": 3_i64}),
        4_i64,
        &["x: Invalid value: 4: x in body should be a multiple of 3"],
    );
    check(value!({"type": "number", "multipleOf": 0.1}), Value::Float(0.3), &[]);
}

#[test]
fn objects() {
    let object = || {
        value!({"type": "object", "required": ["b", "a"], "minProperties": 1_i64,
            "properties": {"a": {"type": "string"}, "b": {"type": "string"}}})
    };
    check(
        object(),
        value!({}),
        &[
            "x: Invalid value: 0: x in body should have at least 1 properties",
            "x.b: Required value",
            "x.a: Required value",
        ],
    );
    check(
        object(),
        value!({"a": 1_i64}),
        &[
            r#"x.a: Invalid value: "integer": x.a in body must be of type string: "integer""#,
            "x.b: Required value",
        ],
    );
    check(
        value!({"type": "object", "maxProperties": 1_i64, "additionalProperties": {"type": "string"}}),
        value!({"a": "", "b": 1_i64}),
        &[
            "x: Too many: 2: must have at most 1 item",
            r#"x.b: Invalid value: "integer": x.b in body must be of type string: "integer""#,
        ],
    );
}

#[test]
fn arrays() {
    check(
        value!({"type": "array", "minItems": 2_i64, "items": {"type": "string"}}),
        value!([1_i64]),
        &[
            r#"x[0]: Invalid value: "integer": x[0] in body must be of type string: "integer""#,
            "x: Invalid value: 1: x in body should have at least 2 items",
        ],
    );
    check(
        value!({"type": "array", "maxItems": 1_i64, "items": {"type": "string"}}),
        value!(["a", "b"]),
        &["x: Too many: 2: must have at most 1 item"],
    );
}

#[test]
fn combinations() {
    check(
        value!({"type": "string", "oneOf": [{"pattern": "^a"}, {"pattern": "b$"}]}),
        "ab",
        &[
            r#"<nil>: Invalid value: "": "x" must validate one and only one schema (oneOf). Found 2 valid alternatives"#,
        ],
    );
    check(
        value!({"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "string"}},
            "oneOf": [{"required": ["a"]}, {"required": ["b"]}]}),
        value!({}),
        &[
            r#"<nil>: Invalid value: "": "x" must validate one and only one schema (oneOf). Found none valid"#,
            "x.a: Required value",
        ],
    );
    check(
        value!({"type": "integer", "anyOf": [{"minimum": 5_i64}, {"maximum": 1_i64}]}),
        3_i64,
        &[
            r#"<nil>: Invalid value: "": "x" must validate at least one schema (anyOf)"#,
            "x: Invalid value: 3: x in body should be greater than or equal to 5",
        ],
    );
    check(
        value!({"type": "integer", "not": {"enum": [3_i64]}}),
        3_i64,
        &[r#"<nil>: Invalid value: "": "x" must not validate the schema (not)"#],
    );
    check(
        value!({"type": "integer", "allOf": [{"minimum": 5_i64}]}),
        3_i64,
        &[
            "x: Invalid value: 3: x in body should be greater than or equal to 5",
            r#"<nil>: Invalid value: "": "x" must validate all the schemas (allOf). None validated"#,
        ],
    );
}

#[test]
fn what_was_wrong_and_did_not_change_is_not_told_again() {
    let schema = || {
        value!({"type": "object", "properties": {"a": {"type": "string", "pattern": "^a"},
            "b": {"type": "string"}}, "required": ["c"]})
    };
    let old = || Some(value!({"a": "x", "b": "1"}));
    check_update(schema(), value!({"a": "x", "b": "1"}), old(), &[]);
    check_update(schema(), value!({"a": "x", "b": "2"}), old(), &["x.c: Required value"]);
    let list = |kind| {
        value!({"type": "array", "x-kubernetes-list-type": kind, "x-kubernetes-list-map-keys": ["k"],
            "items": {"type": "object", "properties": {"k": {"type": "string"}, "v": {"type": "integer", "maximum": 1_i64}}}})
    };
    let items = || value!([{"k": "new", "v": 0_i64}, {"k": "a", "v": 9_i64}]);
    let before = || Some(value!([{"k": "a", "v": 9_i64}]));
    check_update(list("map"), items(), before(), &[]);
    let wrong = "x[1].v: Invalid value: 9: x[1].v in body should be less than or equal to 1";
    check_update(list("atomic"), items(), before(), &[wrong]);
}

#[test]
fn a_status_is_checked_on_its_own() {
    let schema = Schema::compile(&value!({"type": "object", "required": ["spec"], "properties": {
        "status": {"type": "object", "properties": {"ready": {"type": "boolean"}}},
    }}))
    .expect("a schema");
    let errors = schema.validate_status(&value!({"status": {"ready": "no"}}), None);
    let expected =
        r#"status.ready: Invalid value: "string": ready in body must be of type boolean: "string""#;
    assert_eq!(errors.iter().map(ToString::to_string).collect::<Vec<_>>(), [expected]);
}

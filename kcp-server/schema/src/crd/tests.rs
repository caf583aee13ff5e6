use super::*;
use kcp_apimachinery::{Value, value};

fn widgets(version: Value) -> Value {
    value!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "widgets.example.com"},
        "spec": {
            "group": "example.com",
            "scope": "Namespaced",
            "names": {"plural": "widgets", "singular": "widget", "kind": "Widget", "listKind": "WidgetList"},
            "conversion": {"strategy": "None"},
            "versions": [version],
        },
        "status": {"storedVersions": ["v1"]},
    })
}

fn version(spec: Value) -> Value {
    value!({"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": {
        "type": "object", "properties": {"spec": spec},
    }}})
}

fn texts(errors: &[kcp_apimachinery::field::Error]) -> Vec<String> {
    errors.iter().map(ToString::to_string).collect()
}

fn check(crd: &Value, expected: &[&str]) {
    assert_eq!(texts(&validate_create(crd)), expected);
}

fn check_schema(spec: Value, expected: &[&str]) {
    let path = "spec.validation.openAPIV3Schema.properties[spec]";
    let expected: Vec<_> = expected.iter().map(|error| format!("{path}{error}")).collect();
    assert_eq!(texts(&validate_create(&widgets(version(spec)))), expected);
}

#[test]
fn a_good_definition() {
    check(
        &widgets(version(value!({"type": "object", "properties": {
            "size": {"type": "integer", "default": 1_i64},
            "port": {"x-kubernetes-int-or-string": true, "anyOf": [{"type": "integer"}, {"type": "string"}]},
        }}))),
        &[],
    );
}

#[test]
fn names_group_and_versions() {
    let mut crd = widgets(version(value!({"type": "object"})));
    crd.set_at(&["metadata", "name"], "gadgets.example.com".into());
    crd.set_at(&["spec", "scope"], "Global".into());
    crd.set_at(&["spec", "names", "kind"], "Widget_".into());
    crd.set_at(&["spec", "names", "listKind"], Value::Null);
    check(
        &crd,
        &[
            r#"metadata.name: Invalid value: "gadgets.example.com": must be spec.names.plural+"."+spec.group"#,
            r#"spec.scope: Unsupported value: "Global": supported values: "Cluster", "Namespaced""#,
            "spec.names.listKind: Required value",
            "spec.names.kind: Invalid value: \"Widget_\": may have mixed case, but should otherwise match: a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')",
        ],
    );
    let mut crd = widgets(value!({"name": "v1", "served": true, "storage": false}));
    crd.set_at(&["spec", "versions"], value!([{"name": "v1"}, {"name": "v1"}]));
    check(
        &crd,
        &[
            "spec.versions[0].schema.openAPIV3Schema: Required value",
            "spec.versions[1].schema.openAPIV3Schema: Required value",
            r#"spec.versions: Invalid value: [{"name":"v1"},{"name":"v1"}]: must contain unique version names"#,
            r#"spec.versions: Invalid value: [{"name":"v1"},{"name":"v1"}]: must have exactly one version marked as storage version"#,
        ],
    );
}

#[test]
fn schemas_are_structural() {
    check_schema(value!({}), &[".type: Required value: must not be empty for specified object fields"]);
    check_schema(value!({"type": "array"}), &[".items: Required value: must be specified"]);
    check_schema(
        value!({"type": "object", "allOf": [{"properties": {"a": {"type": "string"}}}]}),
        &[".allOf[0].properties[a].type: Forbidden: must be empty to be structural"],
    );
    check_schema(
        value!({"type": "string", "pattern": "["}),
        &[
            ".pattern: Invalid value: \"[\": must be a valid regular expression, but isn't: error parsing regexp: missing closing ]: `[`",
        ],
    );
    check_schema(
        value!({"type": "text"}),
        &[
            r#".type: Unsupported value: "text": supported values: "array", "boolean", "integer", "number", "object", "string""#,
        ],
    );
    check_schema(value!({"type": "object", "$ref": "#/x"}), &[".$ref: Forbidden: $ref is not supported"]);
}

#[test]
fn what_is_narrowed_down_is_there() {
    let mut one = version(value!({"type": "object"}));
    let narrowed = value!([{"properties": {"spec": {"properties": {"a": {"maxLength": 1_i64}}}}}]);
    one.set_at(&["schema", "openAPIV3Schema", "allOf"], narrowed);
    let schema = "spec.validation.openAPIV3Schema";
    let defined = format!("because it is defined in {schema}.allOf[0].properties[spec].properties[a]");
    check(&widgets(one), &[&format!("{schema}.properties[spec].properties[a]: Required value: {defined}")]);
}

#[test]
fn keywords_fit_together() {
    check_schema(
        value!({"type": "object", "properties": {"a": {"type": "string"}}, "additionalProperties": {"type": "string"}}),
        &[".additionalProperties: Forbidden: additionalProperties and properties are mutual exclusive"],
    );
    check_schema(
        value!({"type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["k"],
            "items": {"type": "object", "properties": {"k": {"type": "string"}}}}),
        &[
            ".items.properties[k].default: Required value: this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property",
        ],
    );
    check_schema(
        value!({"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "object"}}),
        &[
            ".items.x-kubernetes-map-type: Invalid value: null: must be atomic as item of a list with x-kubernetes-list-type=set",
        ],
    );
    check_schema(
        value!({"type": "object", "x-kubernetes-validations": [{"rule": " "}, {"rule": "true", "fieldPath": ".a"}]}),
        &[
            ".x-kubernetes-validations[0].rule: Required value: rule is not specified",
            r#".x-kubernetes-validations[1].fieldPath: Invalid value: ".a": must be a valid path"#,
        ],
    );
}

#[test]
fn defaults_are_values_of_their_schema() {
    check_schema(
        value!({"type": "object", "default": {"b": 1_i64}, "properties": {"a": {"type": "integer", "default": "x"}}}),
        &[
            r#".default: Invalid value: {"b":1}: must not have unknown fields"#,
            r#".properties[a].default: Invalid value: "string":  in body must be of type integer: "string""#,
        ],
    );
    let mut crd = widgets(version(value!({"type": "object"})));
    let versions =
        crd.get_mut("spec").and_then(|spec| spec.get_mut("versions")).and_then(Value::as_array_mut);
    versions.expect("versions")[0].set_at(
        &["schema", "openAPIV3Schema", "properties", "metadata"],
        value!({"type": "object", "properties": {"name": {"type": "string", "default": "a"}}}),
    );
    check(
        &crd,
        &[
            "spec.validation.openAPIV3Schema.properties[metadata].properties[name].default: Forbidden: must not be set in top-level metadata",
        ],
    );
}

#[test]
fn subresources_and_columns() {
    let mut one = version(value!({"type": "object", "properties": {"a": {"type": "object"}}}));
    one.set_at(&["subresources"], value!({"scale": {"specReplicasPath": ".status.a"}}));
    one.set_at(&["additionalPrinterColumns"], value!([{"name": "A", "type": "text", "jsonPath": "a"}]));
    one.set_at(&["selectableFields"], value!([{"jsonPath": ".spec.a"}, {"jsonPath": ".spec.b"}]));
    check(
        &widgets(one),
        &[
            r#"spec.subresources.scale.specReplicasPath: Invalid value: ".status.a": should be a json path under .spec"#,
            "spec.subresources.scale.statusReplicasPath: Required value",
            r#"spec.additionalPrinterColumns[0].type: Invalid value: "text": must be one of boolean,date,integer,number,string"#,
            r#"spec.additionalPrinterColumns[0].JSONPath: Invalid value: "a": must be a simple json path starting with ."#,
            r#"spec.selectableFields[0].jsonPath: Invalid value: ".spec.a": must point to a field of type string, boolean or integer. Enum string fields and strings with formats are allowed."#,
            r#"spec.selectableFields[1].jsonPath: Invalid value: ".spec.b": is an invalid path: does not refer to a valid field"#,
        ],
    );
}

#[test]
fn updates() {
    let old = {
        let mut old = widgets(version(value!({"type": "object"})));
        old.set_at(&["metadata", "resourceVersion"], "1".into());
        old.set_at(&["status", "conditions"], value!([{"type": "Established", "status": "True"}]));
        old
    };
    assert_eq!(texts(&validate_update(&old, &old)), [""; 0]);
    let mut new = old.clone();
    new.set_at(&["spec", "scope"], "Cluster".into());
    new.set_at(&["spec", "group"], "example.org".into());
    new.set_at(&["status", "storedVersions"], value!(["v1", "v0"]));
    assert_eq!(
        texts(&validate_update(&new, &old)),
        [
            r#"spec.scope: Invalid value: "Cluster": field is immutable"#,
            r#"spec.group: Invalid value: "example.org": field is immutable"#,
            r#"status.storedVersions[1]: Invalid value: "v0": missing from spec.versions; v0 was previously a storage version, and must remain in spec.versions until a storage migration ensures no data remains persisted in v0 and removes v0 from status.storedVersions"#,
        ],
    );
}

#[test]
fn protected_groups_need_approval() {
    let mut crd = widgets(version(value!({"type": "object"})));
    crd.set_at(&["spec", "group"], "x.k8s.io".into());
    crd.set_at(&["metadata", "name"], "widgets.x.k8s.io".into());
    let must = r#"protected groups must have approval annotation "api-approved.kubernetes.io""#;
    let see = "see https://github.com/kubernetes/enhancements/pull/1111";
    check(
        &crd,
        &[&format!("metadata.annotations[api-approved.kubernetes.io]: Required value: {must}, {see}")],
    );
    crd.set_at(&["metadata", "annotations", "api-approved.kubernetes.io"], "https://example.com/1".into());
    check(&crd, &[]);
}

#[test]
fn names_are_granted_once() {
    let crd = widgets(version(value!({"type": "object"})));
    let status = conditions(&crd, &Names::default(), "2026-01-01T00:00:00Z");
    assert_eq!(status.str_at(&["acceptedNames", "kind"]), Some("Widget"));
    let reasons = |status: &Value| -> Vec<_> {
        let conditions = status.get("conditions").and_then(Value::as_array).unwrap_or_default();
        let text = |one: &Value, name| one.str_at(&[name]).unwrap_or_default().to_owned();
        conditions
            .iter()
            .map(|one| (text(one, "status"), text(one, "reason"), text(one, "message")))
            .collect()
    };
    let said = |status: &str, reason: &str, message: &str| (status.into(), reason.into(), message.into());
    assert_eq!(
        reasons(&status),
        [
            said("True", "NoConflicts", "no conflicts found"),
            said("True", "InitialNamesAccepted", "the initial names have been accepted"),
        ]
    );
    let other =
        value!({"status": {"acceptedNames": {"plural": "gadgets", "kind": "Widget", "listKind": "L"}}});
    let status = conditions(&crd, &names_in_use([&other]), "2026-01-01T00:00:00Z");
    assert_eq!(
        reasons(&status),
        [
            said("False", "KindConflict", "\"Widget\" is already in use"),
            said("False", "NotAccepted", "not all names are accepted"),
        ]
    );
    assert_eq!(status.str_at(&["acceptedNames", "plural"]), Some("widgets"));
}

#[test]
fn warnings_are_about_what_is_new() {
    let crd = widgets(version(value!({"type": "string", "format": "phone"})));
    assert_eq!(warnings(&crd, None), ["unrecognized format \"phone\""]);
    assert_eq!(warnings(&crd, Some(&crd)), [""; 0]);
}

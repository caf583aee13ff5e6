use super::*;
use crate::{Schema, builtin};
use kcp_apimachinery::value::decode;

fn built_in(kind: &str) -> (&'static builtin::BuiltIn, std::sync::Arc<Schema>) {
    let kind = builtin::find("", "v1", kind).expect("a kind");
    (kind, kind.schema())
}

fn widget() -> std::sync::Arc<Schema> {
    Schema::compile(&value!({
        "type": "object",
        "description": "A widget.",
        "properties": {"spec": {"type": "object", "required": ["size"], "properties": {
            "size": {"type": "integer", "minimum": 1_i64, "description": "How big it is."},
            "port": {"x-kubernetes-int-or-string": true},
            "note": {"type": "string", "nullable": true},
            "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": true, "properties": {"a": {"type": "string"}}},
            "either": {"type": "string", "oneOf": [{"pattern": "^a"}, {"pattern": "^b"}]},
        }}},
    }))
    .expect("a schema")
}

fn served(schema: &Schema) -> Served<'_> {
    Served {
        group: "stable.example.com",
        version: "v1",
        kind: "Widget",
        list_kind: "WidgetList",
        plural: "widgets",
        namespaced: true,
        verbs: vec!["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"],
        subresources: vec![ServedSubresource {
            name: "status",
            verbs: vec!["get", "patch", "update"],
            kind: None,
        }],
        selectable: vec![".spec.size"],
        schema,
    }
}

/// Every reference in a document leads somewhere.
fn check_references(tree: &Value, schemas: &Value, root: &str) {
    if let Some(name) = tree.get("$ref").and_then(Value::as_str) {
        let name = name.strip_prefix(root).expect("the place of schemas");
        assert!(schemas.get(name).is_some_and(|schema| !schema.is_null()), "{name} is missing");
    }
    let members = tree.as_object().into_iter().flat_map(|map| map.iter()).map(|(_, value)| value);
    members
        .chain(tree.as_array().unwrap_or_default())
        .for_each(|value| check_references(value, schemas, root));
}

#[test]
fn a_document_of_built_in_kinds_is_complete() {
    let (kind, schema) = built_in("ConfigMap");
    let document = decode(&v3(&[Served::built_in(kind, &schema)])).expect("JSON");
    let schemas = document.at(&["components", "schemas"]).expect("schemas");
    check_references(&document, schemas, "#/components/schemas/");
    let config_map = schemas.get("io.k8s.api.core.v1.ConfigMap").expect("the type");
    assert_eq!(
        config_map.at(&["properties", "data", "additionalProperties", "type"]),
        Some(&"string".into())
    );
    assert_eq!(
        config_map.get("x-kubernetes-group-version-kind"),
        Some(&value!([{"group": "", "kind": "ConfigMap", "version": "v1"}]))
    );
    let path = document.at(&["paths", "/api/v1/namespaces/{namespace}/configmaps/{name}"]).expect("the path");
    let patch = path.get("patch").expect("patch");
    assert_eq!(patch.str_at(&["operationId"]), Some("patchCoreV1NamespacedConfigMap"));
    assert!(patch.at(&["requestBody", "content", "application/strategic-merge-patch+json"]).is_some());
    let query = patch.get("parameters").and_then(Value::as_array).expect("parameters");
    assert!(query.iter().any(|one| one.str_at(&["name"]) == Some("fieldValidation")));
}

#[test]
fn every_built_in_kind_can_be_published() {
    for set in [builtin::Set::ControlPlane, builtin::Set::Workloads] {
        let kinds = builtin::kinds(set);
        let schemas: Vec<_> = kinds.iter().map(builtin::BuiltIn::schema).collect();
        let served: Vec<_> =
            kinds.iter().zip(&schemas).map(|(kind, schema)| Served::built_in(kind, schema)).collect();
        let document = decode(&v3(&served)).expect("JSON");
        check_references(
            &document,
            document.at(&["components", "schemas"]).expect("schemas"),
            "#/components/schemas/",
        );
        let document = decode(&v2(&served)).expect("JSON");
        check_references(&document, document.get("definitions").expect("definitions"), "#/definitions/");
        assert!(!v2_protobuf(&served).is_empty());
    }
}

#[test]
fn a_custom_kind_has_what_every_object_has() {
    let schema = widget();
    let document = decode(&v3(&[served(&schema)])).expect("JSON");
    let schemas = document.at(&["components", "schemas"]).expect("schemas");
    check_references(&document, schemas, "#/components/schemas/");
    let widget = schemas.get("com.example.stable.v1.Widget").expect("the type");
    assert_eq!(widget.str_at(&["description"]), Some("A widget."));
    assert_eq!(
        widget.str_at(&["properties", "spec", "properties", "size", "description"]),
        Some("How big it is.")
    );
    assert_eq!(
        widget.at(&["properties", "metadata", "allOf"]),
        Some(&value!([{"$ref": "#/components/schemas/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"}]))
    );
    assert_eq!(widget.at(&["properties", "spec", "properties", "note", "nullable"]), Some(&true.into()));
    assert!(widget.at(&["properties", "spec", "properties", "either", "oneOf"]).is_some());
    assert_eq!(widget.get("x-kubernetes-selectable-fields"), Some(&value!([{"fieldPath": "spec.size"}])));
    assert!(schemas.get("com.example.stable.v1.WidgetList").is_some());
    let path = "/apis/stable.example.com/v1/namespaces/{namespace}/widgets/{name}/status";
    assert!(document.at(&["paths", path, "patch"]).is_some());
}

#[test]
fn version_2_leaves_out_what_its_clients_do_not_know() {
    let schema = widget();
    let document = decode(&v2(&[served(&schema)])).expect("JSON");
    let at = ["definitions", "com.example.stable.v1.Widget", "properties", "spec", "properties"];
    let spec = document.at(&at).expect("the members");
    assert_eq!(spec.get("note"), Some(&value!({})));
    assert_eq!(spec.get("free"), Some(&value!({"x-kubernetes-preserve-unknown-fields": true})));
    assert_eq!(spec.get("either"), Some(&value!({"type": "string"})));
    assert_eq!(spec.get("port"), Some(&value!({"x-kubernetes-int-or-string": true})));
}

#[test]
fn the_index_leads_to_documents() {
    let bytes = index("/clusters/root", [("", "v1", "A"), ("apps", "v1", "B")]);
    let expected = r#"{"paths":{"api/v1":{"serverRelativeURL":"/clusters/root/openapi/v3/api/v1?hash=A"},"apis/apps/v1":{"serverRelativeURL":"/clusters/root/openapi/v3/apis/apps/v1?hash=B"}}}"#;
    assert_eq!(String::from_utf8_lossy(&bytes), expected);
}

#[test]
fn a_key_depends_on_the_kinds_alone() {
    let schema = widget();
    let (one, mut other) = (served(&schema), served(&schema));
    other.kind = "Gadget";
    let both = key(&[one.clone(), other.clone()]);
    assert_eq!(both, key(&[other.clone(), one.clone()]));
    assert_ne!(both, key(&[one]));
    assert_ne!(both, key(&[other]));
}

#[test]
fn a_document_is_written_as_protobuf() {
    let tree = value!({"swagger": "2.0", "info": {"title": "T", "version": "v"}, "definitions": {
        "A": {"type": "object", "properties": {"b": {"$ref": "#/definitions/A"}}},
    }});
    // Version, info, no paths, one definition (its type and a property that leads to itself), no securities.
    let expected = b"\x0a\x032.0\x12\x06\x0a\x01T\x12\x01vB\x00J-\x0a+\x0a\x01A\x12&\xb2\x01\x08\x0a\x06object\xca\x01\x18\x0a\x16\x0a\x01b\x12\x11\x0a\x0f#/definitions/Aj\x00";
    assert_eq!(
        super::protobuf::document(&tree).escape_ascii().to_string(),
        expected.escape_ascii().to_string()
    );
}

//! Types and tables say the same: an object with every field of its table goes through its type
//! and comes back.

use kcp_api::{
    kinds,
    types::{Kind, apis, cache, core, migration, tenancy, topology},
};
use kcp_apimachinery::{Map, Value};

/// An object that has every field of a schema.
fn full(schema: &Value) -> Value {
    if let Some(properties) = schema.get("properties").and_then(Value::as_object) {
        return Value::Object(properties.iter().map(|(name, schema)| (name, full(schema))).collect());
    }
    if let Some(values) = schema.get("additionalProperties") {
        return Value::Object(Map::from_iter([("key", full(values))]));
    }
    if let Some(allowed) = schema.get("enum").and_then(Value::as_array) {
        return allowed.iter().find(|value| value.as_str() != Some("")).cloned().unwrap_or_default();
    }
    match (schema.str_at(&["type"]), schema.str_at(&["format"])) {
        (Some("array"), _) => Value::Array(vec![full(schema.get("items").expect("items"))]),
        (Some("boolean"), _) => true.into(),
        (Some("integer"), _) => 7_i64.into(),
        (Some("object"), _) => Value::Object(Map::from_iter([("any", "thing")])),
        (_, Some("date-time")) => "2026-01-02T03:04:05Z".into(),
        _ => "text".into(),
    }
}

fn check<K: Kind>() {
    let kind = kinds::find(K::PLURAL, K::GROUP).expect(K::KIND);
    assert_eq!(kind.kind, K::KIND);
    let version = kind.versions.iter().find(|version| version.name == K::VERSION).expect(K::KIND);
    let mut object = full(&version.schema);
    object.set_at(&["apiVersion"], format!("{}/{}", K::GROUP, K::VERSION).into());
    object.set_at(&["kind"], K::KIND.into());
    object.set_at(&["metadata"], kcp_apimachinery::value!({"name": "a"}));
    // Text in the place of a phase or status would be refused.
    if let Some(conditions) = object.at(&["status", "conditions"]).cloned() {
        let mut conditions = conditions.as_array().expect("conditions").to_vec();
        for condition in &mut conditions {
            condition.set_at(&["status"], "False".into());
            condition.set_at(&["severity"], "Info".into());
        }
        object.set_at(&["status", "conditions"], conditions.into());
    }
    empty_storage(&mut object);
    let typed = K::from_value(&object).expect(K::KIND);
    assert_eq!(typed.to_value(), object, "{}", K::KIND);
    assert_eq!(typed.metadata().name, "a");
    assert!(K::from_value(&kcp_apimachinery::value!({"spec": 1_i64})).is_err());
}

/// `storage.crd` has no fields, so nothing in it comes back.
fn empty_storage(object: &mut Value) {
    if let Some(resources) = object.get_mut("spec").and_then(|spec| spec.get_mut("resources")) {
        for resource in resources.as_array_mut().expect("resources") {
            resource.set_at(&["storage", "crd"], Value::object());
        }
    }
}

#[test]
fn every_type_has_the_fields_of_its_table() {
    check::<tenancy::Workspace>();
    check::<tenancy::WorkspaceType>();
    check::<tenancy::WorkspaceAuthenticationConfiguration>();
    check::<core::LogicalCluster>();
    check::<core::Shard>();
    check::<apis::APIExport>();
    check::<apis::APIBinding>();
    check::<apis::APIResourceSchema>();
    check::<apis::APIExportEndpointSlice>();
    check::<apis::APIConversion>();
    check::<cache::ClusterCachedResource>();
    check::<cache::ClusterCachedResourceEndpointSlice>();
    check::<topology::Partition>();
    check::<topology::PartitionSet>();
    check::<migration::LogicalClusterMigration>();
    check::<migration::LogicalClusterDump>();
}

#[test]
fn null_and_unknown_members_count_as_missing() {
    let object = kcp_apimachinery::value!({
        "metadata": {"name": "a", "annotations": null},
        "spec": {"type": null, "cluster": "c", "novelty": [1_i64]},
        "status": null
    });
    let workspace = tenancy::Workspace::from_value(&object).expect("a workspace");
    assert_eq!((workspace.spec.cluster.as_str(), workspace.spec.kind), ("c", None));
}

//! There and back again: what the versions of exports and bindings can say survives conversion.

use kcp_api::convert::{ConvertError, convert};
use kcp_apimachinery::{Value, value};
use proptest::prelude::*;

fn there_and_back(object: &Value, through: &str, own: &str) -> Value {
    let other = convert(object, through).expect("converts");
    assert_eq!(other.str_at(&["apiVersion"]), Some(format!("apis.kcp.io/{through}").as_str()));
    convert(&other, own).expect("converts back")
}

fn object(version: &str, kind: &str, spec: Value, status: Value) -> Value {
    value!({
        "apiVersion": (format!("apis.kcp.io/{version}")), "kind": kind,
        "metadata": {"name": "a", "uid": "1", "annotations": {"x": "y"}},
        "spec": spec, "status": status
    })
}

/// A claim without verbs: group, resource and identity, told apart by their number.
fn claim(number: usize) -> Value {
    let mut claim = value!({"resource": (format!("things{number}"))});
    if number % 2 == 1 {
        claim.set_at(&["group"], "wild.dev".into());
        claim.set_at(&["identityHash"], "abc".into());
    }
    claim
}

fn with(mut claim: Value, members: &[(&str, Value)]) -> Value {
    for (name, member) in members {
        claim.set_at(&[name], member.clone());
    }
    claim
}

fn all_or_some() -> impl Strategy<Value = (&'static str, Value)> {
    prop_oneof![
        Just(("all", Value::from(true))),
        Just(("resourceSelector", value!([{"name": "n", "namespace": "m"}]))),
    ]
}

fn state() -> impl Strategy<Value = (&'static str, Value)> {
    prop_oneof![Just(("state", Value::from("Accepted"))), Just(("state", Value::from("Rejected")))]
}

fn selector() -> impl Strategy<Value = Value> {
    let expression = value!({"key": "a", "operator": "In", "values": ["b"]});
    prop_oneof![
        Just(value!({"matchAll": true})),
        Just(value!({"matchLabels": {"a": "b"}})),
        Just(value!({"matchExpressions": [expression]})),
    ]
}

fn verbs() -> impl Strategy<Value = Value> {
    prop_oneof![Just(value!(["*"])), Just(value!(["get", "list"])), Just(value!(["*", "get"]))]
}

/// Claims told apart by their number, each with the members that a strategy gives.
fn claims<S: Strategy<Value = Vec<(&'static str, Value)>>>(members: S) -> impl Strategy<Value = Value> {
    proptest::collection::vec(members, 1..4).prop_map(|all| {
        all.into_iter().enumerate().map(|(number, members)| with(claim(number), &members)).collect()
    })
}

/// A default selector on an export survives only beside chosen verbs.
fn export_claim() -> impl Strategy<Value = Vec<(&'static str, Value)>> {
    (verbs(), selector(), any::<bool>()).prop_map(|(verbs, selector, selects)| {
        let mut members = vec![("verbs", verbs.clone())];
        if selects && verbs != value!(["*"]) {
            members.push(("defaultSelector", selector));
        }
        members
    })
}

proptest! {
    #[test]
    fn a_v1alpha2_export_survives(claims in claims(export_claim()), elsewhere in any::<bool>()) {
        let mut resources = vec![value!({
            "name": "cows", "group": "", "schema": "v1.cows.core", "storage": {"crd": {}}
        })];
        if elsewhere {
            resources.push(value!({
                "name": "cats", "group": "zoo.io", "schema": "v1.cats.zoo.io",
                "storage": {"virtual": {"reference": {"kind": "Slice", "name": "s"}, "identityHash": "i"}}
            }));
        }
        let spec = value!({
            "resources": resources, "permissionClaims": claims,
            "identity": {"secretRef": {"name": "s", "namespace": "n"}},
            "maximalPermissionPolicy": {"local": {}}
        });
        let export = object("v1alpha2", "APIExport", spec, value!({"identityHash": "h"}));
        let mut back = there_and_back(&export, "v1alpha1", "v1alpha2");
        back.remove_at(&["metadata", "annotations", "apis.v1alpha2.kcp.io/v1alpha1-permission-claims"]);
        prop_assert_eq!(back, export);
    }

    #[test]
    fn a_v1alpha1_export_survives(claims in claims(all_or_some().prop_map(|one| vec![one]))) {
        let spec = value!({"latestResourceSchemas": ["v1.cows.core", "v2.cats.zoo.io"], "permissionClaims": claims});
        let export = object("v1alpha1", "APIExport", spec, value!({}));
        prop_assert_eq!(there_and_back(&export, "v1alpha2", "v1alpha1"), export);
    }

    #[test]
    fn a_v1alpha2_binding_survives(
        own in claims((verbs(), selector(), state()).prop_map(|(verbs, selector, state)| {
            vec![("verbs", verbs), ("selector", selector), state]
        })),
        exported in claims(verbs().prop_map(|verbs| vec![("verbs", verbs)])),
        applied in claims((verbs(), selector()).prop_map(|(verbs, selector)| {
            vec![("verbs", verbs), ("selector", selector)]
        })),
    ) {
        let spec = value!({"reference": {"export": {"path": "root", "name": "e"}}, "permissionClaims": own});
        let status = value!({
            "phase": "Bound", "exportPermissionClaims": exported, "appliedPermissionClaims": applied
        });
        let binding = object("v1alpha2", "APIBinding", spec, status);
        let mut back = there_and_back(&binding, "v1alpha1", "v1alpha2");
        let kept = "apis.v1alpha2.kcp.io/v1alpha1-status-export-permission-claims";
        prop_assert!(back.remove_at(&["metadata", "annotations", kept]).is_some());
        prop_assert_eq!(back, binding);
    }

    #[test]
    fn a_v1alpha1_binding_survives(
        own in claims((all_or_some(), state()).prop_map(|(all, state)| vec![all, state])),
        exported in claims(all_or_some().prop_map(|all| vec![all])),
        applied in claims(all_or_some().prop_map(|all| vec![all])),
    ) {
        let spec = value!({"reference": {"export": {"name": "e"}}, "permissionClaims": own});
        let status = value!({"exportPermissionClaims": exported, "appliedPermissionClaims": applied});
        let binding = object("v1alpha1", "APIBinding", spec, status);
        prop_assert_eq!(there_and_back(&binding, "v1alpha2", "v1alpha1"), binding);
    }
}

#[test]
fn what_a_version_cannot_say_is_in_an_annotation() {
    let claims = value!([{"group": "a.io", "resource": "as", "verbs": ["get"], "identityHash": "h"}]);
    let export = object("v1alpha2", "APIExport", value!({"permissionClaims": claims}), value!({}));
    let old = convert(&export, "v1alpha1").expect("converts");
    assert_eq!(
        old.meta().annotation("apis.v1alpha2.kcp.io/permission-claims"),
        Some(r#"[{"group":"a.io","resource":"as","verbs":["get"],"identityHash":"h"}]"#)
    );
    let claims = value!([{"group": "a.io", "resource": "as", "identityHash": "h"}]);
    assert_eq!(old.at(&["spec", "permissionClaims"]), Some(&claims));
}

#[test]
fn what_cannot_be_converted_is_told() {
    let schemas = value!({"latestResourceSchemas": ["v1.cows"]});
    let export = object("v1alpha1", "APIExport", schemas, value!({}));
    let text = "invalid schema \"v1.cows\": must have at least 3 dot-separated segments";
    assert_eq!(convert(&export, "v1alpha2").expect_err("a name").to_string(), text);
    let mut export = object("v1alpha1", "APIExport", value!({}), value!({}));
    export.set_at(&["metadata", "annotations", "apis.v1alpha2.kcp.io/resource-schemas"], "{".into());
    assert!(matches!(convert(&export, "v1alpha2"), Err(ConvertError::Annotation { .. })));
    let export = object("v1alpha1", "APIExport", value!({"permissionClaims": 1_i64}), value!({}));
    assert!(matches!(convert(&export, "v1alpha2"), Err(ConvertError::Shape { .. })));
    let other = object("v1alpha1", "APIConversion", value!({}), value!({}));
    assert!(matches!(convert(&other, "v1alpha2"), Err(ConvertError::Unknown { .. })));
    assert_eq!(convert(&other, "v1alpha1"), Ok(other));
}

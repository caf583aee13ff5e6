use crate::builtin::{CellSource, find};
use kcp_apimachinery::{Value, time::Time, value};

/// The cells of a kind's columns that are functions.
fn check(group: &str, kind: &str, object: Value, expected: &[(&str, Value)]) {
    let now = Time::parse("2026-01-01T01:00:00Z").expect("a time");
    let kind = find(group, "v1", kind).expect("a kind");
    for (name, cell) in expected {
        let column = kind.columns.iter().find(|column| column.name == *name).expect("a column");
        let CellSource::Function(function) = column.source else { panic!("{name} is a path") };
        assert_eq!(function.cell(&object, now), *cell, "{name}");
    }
}

#[test]
fn the_list_of_functions_is_sorted() {
    assert!(super::FUNCTIONS.is_sorted_by_key(|(name, _)| *name));
}

#[test]
fn counts_and_ages() {
    check(
        "",
        "ConfigMap",
        value!({"metadata": {"creationTimestamp": "2026-01-01T00:58:00Z"}, "data": {"a": ""}, "binaryData": {"b": ""}}),
        &[("Data", Value::Int(2)), ("Age", "2m".into())],
    );
    check("", "Secret", value!({}), &[("Data", Value::Int(0)), ("Age", "<unknown>".into())]);
    check(
        "apps",
        "Deployment",
        value!({"spec": {"replicas": 2_i64}}),
        &[("Ready", "0/2".into()), ("Available", Value::Int(0))],
    );
}

#[test]
fn roles_and_definitions_tell_when_they_were_created() {
    let object = value!({"metadata": {"creationTimestamp": "2026-01-01T00:58:00Z"}});
    let told = [("Created At", "2026-01-01T00:58:00Z".into())];
    check("rbac.authorization.k8s.io", "Role", object.clone(), &told);
    check("apiextensions.k8s.io", "CustomResourceDefinition", object, &told);
}

#[test]
fn bindings() {
    check(
        "rbac.authorization.k8s.io",
        "RoleBinding",
        value!({"roleRef": {"kind": "Role", "name": "r"}, "subjects": [
            {"kind": "User", "name": "u"}, {"kind": "User", "name": "v"},
            {"kind": "ServiceAccount", "namespace": "n", "name": "s"},
        ]}),
        &[
            ("Role", "Role/r".into()),
            ("Users", "u, v".into()),
            ("ServiceAccounts", "n/s".into()),
            ("Groups", "".into()),
        ],
    );
}

#[test]
fn events_of_both_forms() {
    let expected = [
        ("Last Seen", "10m".into()),
        ("Object", "pod/p".into()),
        ("Message", "hi".into()),
        ("Count", Value::Int(1)),
    ];
    check(
        "",
        "Event",
        value!({"lastTimestamp": "2026-01-01T00:50:00Z", "involvedObject": {"kind": "Pod", "name": "p"}, "message": "hi "}),
        &expected,
    );
    check(
        "events.k8s.io",
        "Event",
        value!({"eventTime": "2026-01-01T00:50:00.000000Z", "regarding": {"kind": "Pod", "name": "p"}, "note": "hi"}),
        &expected,
    );
}

#[test]
fn pods() {
    let pod = |status: Value| value!({"spec": {"containers": [{"name": "a"}]}, "status": status});
    check(
        "",
        "Pod",
        pod(value!({"phase": "Running", "containerStatuses": [{"ready": true, "restartCount": 2_i64,
            "state": {"running": {}}, "lastState": {"terminated": {"finishedAt": "2026-01-01T00:55:00Z"}}}]})),
        &[("Ready", "1/1".into()), ("Status", "Running".into()), ("Restarts", "2 (5m ago)".into())],
    );
    check(
        "",
        "Pod",
        pod(
            value!({"phase": "Pending", "containerStatuses": [{"state": {"waiting": {"reason": "ErrImagePull"}}}]}),
        ),
        &[("Ready", "0/1".into()), ("Status", "ErrImagePull".into()), ("Restarts", "0".into())],
    );
}

#[test]
fn services() {
    check(
        "",
        "Service",
        value!({"spec": {"type": "LoadBalancer", "ports": [{"port": 80_i64, "nodePort": 30080_i64, "protocol": "TCP"}], "selector": {"a": "b"}}}),
        &[
            ("External-IP", "<pending>".into()),
            ("Port(s)", "80:30080/TCP".into()),
            ("Selector", "a=b".into()),
        ],
    );
}

use crate::builtin::find;
use kcp_apimachinery::{Value, value};

fn check(group: &str, kind: &str, mut object: Value, expected: &Value) {
    let schema = find(group, "v1", kind).expect("a built-in kind").schema();
    schema.default(&mut object);
    assert_eq!(object, *expected);
    schema.default(&mut object);
    assert_eq!(object, *expected, "a second time");
}

#[test]
fn secrets_are_opaque_and_texts_become_data() {
    check(
        "",
        "Secret",
        value!({"stringData": {"a": "b"}, "data": {"a": "eA==", "c": "eA=="}}),
        &value!({"type": "Opaque", "data": {"a": "Yg==", "c": "eA=="}}),
    );
}

#[test]
fn services_have_a_type_and_target_ports() {
    check(
        "",
        "Service",
        value!({"spec": {"ports": [{"port": 80_i64}, {"port": 443_i64, "targetPort": "https"}]}}),
        &value!({"spec": {
            "type": "ClusterIP", "sessionAffinity": "None", "internalTrafficPolicy": "Cluster",
            "ports": [
                {"port": 80_i64, "protocol": "TCP", "targetPort": 80_i64},
                {"port": 443_i64, "protocol": "TCP", "targetPort": "https"},
            ],
        }}),
    );
}

#[test]
fn a_deployment_is_completed_down_to_its_probes() {
    check(
        "apps",
        "Deployment",
        value!({"spec": {"template": {"spec": {"serviceAccountName": "a", "volumes": [{"name": "v"}], "containers": [
            {"name": "c", "image": "host:5000/c", "readinessProbe": {"httpGet": {"port": 80_i64}}},
        ]}}}}),
        &value!({"spec": {
            "replicas": 1_i64, "revisionHistoryLimit": 10_i64, "progressDeadlineSeconds": 600_i64,
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"}},
            "template": {"spec": {
                "dnsPolicy": "ClusterFirst", "restartPolicy": "Always", "securityContext": {},
                "terminationGracePeriodSeconds": 30_i64, "schedulerName": "default-scheduler",
                "serviceAccount": "a", "serviceAccountName": "a",
                "volumes": [{"name": "v", "emptyDir": {}}],
                "containers": [{
                    "name": "c", "image": "host:5000/c", "imagePullPolicy": "Always", "resources": {},
                    "terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File",
                    "readinessProbe": {
                        "httpGet": {"port": 80_i64, "path": "/", "scheme": "HTTP"},
                        "timeoutSeconds": 1_i64, "periodSeconds": 10_i64, "successThreshold": 1_i64,
                        "failureThreshold": 3_i64,
                    },
                }],
            }},
        }}),
    );
}

#[test]
fn bindings_name_their_group() {
    check(
        "rbac.authorization.k8s.io",
        "RoleBinding",
        value!({"roleRef": {"kind": "Role", "name": "r"}, "subjects": [{"kind": "User", "name": "u"}, {"kind": "ServiceAccount", "name": "s"}]}),
        &value!({
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "r"},
            "subjects": [
                {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "u"},
                {"kind": "ServiceAccount", "name": "s"},
            ],
        }),
    );
}

#[test]
fn definitions_have_all_names() {
    check(
        "apiextensions.k8s.io",
        "CustomResourceDefinition",
        value!({"spec": {"names": {"kind": "Widget"}, "versions": [{"name": "v1", "storage": true}]}}),
        &value!({
            "spec": {
                "names": {"kind": "Widget", "singular": "widget", "listKind": "WidgetList"},
                "conversion": {"strategy": "None"},
                "versions": [{"name": "v1", "storage": true}],
            },
            "status": {"storedVersions": ["v1"]},
        }),
    );
}

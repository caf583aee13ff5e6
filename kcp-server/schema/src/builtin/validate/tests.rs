use super::*;
use kcp_apimachinery::value;

fn check(group: &str, kind: &str, new: Value, old: Option<Value>, expected: &[&str]) {
    let errors = validate(&Gvk::new(group, "v1", kind), &new, old.as_ref());
    assert_eq!(errors.iter().map(ToString::to_string).collect::<Vec<_>>(), expected);
}

const RBAC: &str = "rbac.authorization.k8s.io";

#[test]
fn config_maps() {
    check("", "ConfigMap", value!({"data": {"a.b": "c"}}), None, &[]);
    check(
        "",
        "ConfigMap",
        value!({"data": {"a": "b", "..": ""}, "binaryData": {"a": "Yg=="}}),
        None,
        &[
            "data[..]: Invalid value: \"..\": must not be '..'",
            "data[a]: Invalid value: \"a\": duplicate of key present in binaryData",
        ],
    );
    check(
        "",
        "ConfigMap",
        value!({"data": {"a": "b"}}),
        Some(value!({"immutable": true, "data": {"a": "a"}})),
        &[
            "immutable: Forbidden: field is immutable when `immutable` is set",
            "data: Forbidden: field is immutable when `immutable` is set",
        ],
    );
    let big = "x".repeat((1 << 20) + 1);
    check(
        "",
        "ConfigMap",
        value!({"data": {"a": big}}),
        None,
        &["[]: Too long: may not be more than 1048576 bytes"],
    );
}

#[test]
fn secrets() {
    check(
        "",
        "Secret",
        value!({"type": "kubernetes.io/tls", "data": {"tls.crt": ""}}),
        None,
        &["data[tls.key]: Required value"],
    );
    check(
        "",
        "Secret",
        value!({"type": "kubernetes.io/dockerconfigjson", "data": {".dockerconfigjson": "e30="}}),
        Some(value!({"type": "Opaque"})),
        &["type: Invalid value: \"kubernetes.io/dockerconfigjson\": field is immutable"],
    );
}

#[test]
fn roles_and_bindings() {
    check(
        RBAC,
        "Role",
        value!({"rules": [{"verbs": ["get"], "nonResourceURLs": ["/a"]}, {"resources": ["pods"]}]}),
        None,
        &[
            "rules[0].nonResourceURLs: Invalid value: [\"/a\"]: namespaced rules cannot apply to non-resource URLs",
            "rules[1].verbs: Required value: verbs must contain at least one value",
            "rules[1].apiGroups: Required value: resource rules must supply at least one api group",
        ],
    );
    let binding = |name: &str| {
        value!({"roleRef": {"apiGroup": (RBAC), "kind": "ClusterRole", "name": name},
            "subjects": [{"kind": "ServiceAccount", "name": "a"}]})
    };
    check(RBAC, "RoleBinding", binding("a"), None, &[]);
    check(
        RBAC,
        "ClusterRoleBinding",
        binding("b"),
        Some(binding("a")),
        &[
            "subjects[0].namespace: Required value",
            r#"roleRef: Invalid value: {"apiGroup":"rbac.authorization.k8s.io","kind":"ClusterRole","name":"b"}: cannot change roleRef"#,
        ],
    );
}

#[test]
fn events_are_in_the_namespace_of_their_object() {
    check(
        "",
        "Event",
        value!({"metadata": {"name": "e", "namespace": "a"}, "involvedObject": {"namespace": "b"}}),
        None,
        &["involvedObject.namespace: Invalid value: \"b\": does not match event.namespace"],
    );
}

#[test]
fn leases() {
    check(
        "coordination.k8s.io",
        "Lease",
        value!({"spec": {"leaseDurationSeconds": 0_i64}}),
        None,
        &["spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0"],
    );
}

fn deployment() -> Value {
    value!({"spec": {
        "selector": {"matchLabels": {"app": "a"}},
        "template": {"metadata": {"labels": {"app": "a"}}, "spec": {
            "restartPolicy": "Always", "containers": [{"name": "c", "image": "c"}],
        }},
    }})
}

#[test]
fn deployments() {
    check("apps", "Deployment", deployment(), None, &[]);
    let mut other = deployment();
    other.set_at(&["spec", "selector", "matchLabels", "app"], "b".into());
    check(
        "apps",
        "Deployment",
        other,
        Some(deployment()),
        &[
            r#"spec.template.metadata.labels: Invalid value: {"app":"a"}: `selector` does not match template `labels`"#,
            r#"spec.selector: Invalid value: {"matchLabels":{"app":"b"}}: field is immutable"#,
        ],
    );
    let mut broken = deployment();
    broken.set_at(&["spec", "replicas"], Value::Int(-1));
    broken.set_at(&["spec", "strategy", "type"], "Slowly".into());
    broken.set_at(
        &["spec", "template", "spec", "containers"],
        value!([{"name": "C", "volumeMounts": [{"name": "v", "mountPath": "/v"}]}]),
    );
    check(
        "apps",
        "Deployment",
        broken,
        None,
        &[
            "spec.replicas: Invalid value: -1: must be greater than or equal to 0",
            "spec.template.spec.containers[0].name: Invalid value: \"C\": a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')",
            "spec.template.spec.containers[0].image: Required value",
            "spec.template.spec.containers[0].volumeMounts[0].name: Not found: \"v\"",
            r#"spec.strategy.type: Unsupported value: "Slowly": supported values: "Recreate", "RollingUpdate""#,
        ],
    );
}

#[test]
fn pods_keep_what_they_run() {
    let pod = |image: &str, command: &str| value!({"spec": {"containers": [{"name": "a", "image": image, "command": [command]}]}});
    check("", "Pod", pod("b", "x"), Some(pod("a", "x")), &[]);
    let errors = validate(&Gvk::new("", "v1", "Pod"), &pod("a", "y"), Some(&pod("a", "x")));
    assert!(
        errors[0].to_string().starts_with("spec: Forbidden: pod updates may not change fields other than")
    );
}

#[test]
fn pods_are_assigned_once() {
    let pod = |node: &str, account: &str| value!({"spec": {"containers": [{"name": "a", "image": "i"}], "nodeName": node, "serviceAccountName": account}});
    let refused = |new: Value, old: Value| !validate(&Gvk::new("", "v1", "Pod"), &new, Some(&old)).is_empty();
    assert!(!refused(pod("n", "s"), pod("", "")), "an unassigned pod gets its node and account");
    assert!(refused(pod("n", "s"), pod("", "t")), "an account stays");
    assert!(refused(pod("m", "s"), pod("n", "s")), "a node stays");
    assert!(refused(pod("n", "s"), pod("n", "")), "an assigned pod gets no account later");
}

#[test]
fn services_have_ports() {
    check("", "Service", value!({"spec": {"type": "ClusterIP"}}), None, &["spec.ports: Required value"]);
    check(
        "",
        "Service",
        value!({"spec": {"type": "Any", "ports": [{"port": 0_i64}]}}),
        None,
        &[
            "spec.ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive",
            r#"spec.type: Unsupported value: "Any": supported values: "ClusterIP", "ExternalName", "LoadBalancer", "NodePort""#,
        ],
    );
}

//! Definitions of kinds that Kubernetes has: its clients know them, and send what its server would take.

use kcp_test_harness::Kcp;

const DEPLOYMENTS: &str = r"
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: deployments.apps, annotations: {api-approved.kubernetes.io: https://example.org}}
spec:
  group: apps
  names: {plural: deployments, singular: deployment, kind: Deployment, listKind: DeploymentList}
  scope: Namespaced
  versions:
  - name: v1
    served: true
    storage: true
    schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
";

const DEPLOYMENT: &str = r"
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: default}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: first, image: one}, {name: second, image: two}]}
";

#[test]
fn a_definition_of_deployments_is_patched_and_shown_like_them() {
    let kcp = Kcp::start();
    let team = kcp.make_workspace("root", "team");
    team.input(&["create", "-f", "-"], DEPLOYMENTS).success();
    team.run(&["wait", "--for=condition=Established", "crd/deployments.apps", "--timeout=60s"]).success();
    team.input(&["create", "-f", "-"], DEPLOYMENT).success();
    let patch = r#"{"spec": {"template": {"spec": {"containers": [{"name": "second", "image": "new"}]}}}}"#;
    team.run(&["patch", "deployment", "web", "--type=strategic", "-p", patch]).success();
    let images = "jsonpath={.spec.template.spec.containers[*].image}";
    // Containers are merged by name.
    assert_eq!(team.run(&["get", "deployment", "web", "-o", images]).success(), "one new");
    let table = team.run(&["get", "deployments"]).success();
    assert!(table.starts_with("NAME"), "{table}");
    for heading in ["READY", "UP-TO-DATE", "AVAILABLE", "AGE"] {
        assert!(table.contains(heading), "{table}");
    }
}

#[test]
fn other_definitions_are_not_patched_by_merge_keys() {
    let kcp = Kcp::start();
    let crd = DEPLOYMENTS
        .replace("deployments.apps", "deployments.example.org")
        .replace("group: apps", "group: example.org");
    kcp.admin().input(&["create", "-f", "-"], &crd).success();
    let named = "crd/deployments.example.org";
    kcp.admin().run(&["wait", "--for=condition=Established", named, "--timeout=60s"]).success();
    kcp.admin().input(&["create", "-f", "-"], &DEPLOYMENT.replace("apps/v1", "example.org/v1")).success();
    let refused = kcp
        .admin()
        .run(&[
            "patch",
            "deployments.v1.example.org",
            "web",
            "--type=strategic",
            "-p",
            r#"{"spec": {"replicas": 3}}"#,
        ])
        .failure();
    assert!(refused.contains("strategic-merge-patch"), "{refused}");
}

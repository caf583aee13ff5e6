//! What a user does with an installation.

use kcp_test_harness::Kubectl;

use crate::fixture::{Installation, of, until, until_true};

pub fn samples_become_ready(it: &Installation) {
    until_true("the administrator's kubeconfig is written", || {
        it.sandbox.data().join("admin.kubeconfig").exists()
    });
    for (object, phase) in
        [("rootshard/kcp", "Running"), ("frontproxy/kcp", "Running"), ("kubeconfig/kcp-admin", "Ready")]
    {
        it.host.run(&["wait", "--for=condition=Available", object, "--timeout=60s"]).success();
        assert_eq!(it.field(object, ".status.phase"), phase, "{object}");
        let conditions = it.field(object, ".status.conditions[*].status");
        assert!(conditions.split_whitespace().all(|status| status == "True"), "{object}: {conditions}");
    }
}

pub fn workspaces_are_made_through_the_front_proxy(it: &Installation) {
    let workspace = "apiVersion: tenancy.kcp.io/v1alpha1\nkind: Workspace\nmetadata: {name: team-a}";
    it.kcp.input(&["create", "-f", "-"], workspace).success();
    it.kcp
        .run(&["wait", "--for=jsonpath={.status.phase}=Ready", "workspace/team-a", "--timeout=60s"])
        .success();
    let team = it.workspace("root:team-a");
    team.run(&["create", "configmap", "hello", "--from-literal=a=b"]).success();
    assert_eq!(team.run(&["get", "configmap", "hello", "-o", "jsonpath={.data.a}"]).success(), "b");
}

pub fn a_kubeconfig_opens_what_its_roles_allow(it: &Installation) {
    let alice = "
apiVersion: operator.kcp.io/v1alpha1
kind: Kubeconfig
metadata: {name: alice}
spec:
  username: alice
  validity: 24h
  targetWorkspace: root:team-a
  secretRef: {name: alice-kubeconfig}
  target: {frontProxyRef: {name: kcp}}
";
    it.host.input(&["apply", "-f", "-"], alice).success();
    it.until_condition("kubeconfig/alice", "Available", "True SecretsReady");
    let text = it.secret("alice-kubeconfig", "kubeconfig");
    assert!(text.contains("/clusters/root:team-a"), "{text}");
    let alice =
        Kubectl::new(&newest(), &it.scratch("alice.kubeconfig", &text)).server(&it.url("root:team-a"));
    let refused = alice.run(&["get", "configmaps"]).failure();
    assert!(refused.contains("Forbidden"), "{refused}");
    it.patch(
        "kubeconfig/alice",
        r#"{"spec": {"authorization": {"clusterRoleBindings": {"clusterRoles": ["cluster-admin"]}}}}"#,
    );
    it.until_condition("kubeconfig/alice", "RolesBound", "True");
    until("alice may read", || of(alice.run(&["get", "configmap", "hello"])));
}

pub fn logs_of_pods_are_read(it: &Installation) {
    let logs = it.host.run(&["logs", "deployment/kcp-kcp"]).success();
    assert!(logs.contains("store opened"), "{logs}");
    let last = it.host.run(&["logs", "deployment/kcp-front-proxy", "--tail=1"]).success();
    assert_eq!(last.lines().count(), 1, "{last}");
}

fn newest() -> std::path::PathBuf {
    kcp_test_harness::kubectls().pop().expect("a kubectl")
}

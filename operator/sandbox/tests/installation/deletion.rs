//! What goes with an object, and what does not.

use std::fs;

use kcp_test_harness::{Kubectl, kubectls};

use crate::fixture::{Installation, of, until, until_true};

pub fn data_and_authorities_outlive_the_objects(it: &Installation) {
    a_deleted_kubeconfig_takes_its_roles_along(it);
    let old = fs::read_to_string(it.sandbox.data().join("admin.kubeconfig")).unwrap();
    it.host.run(&["delete", "frontproxy/kcp", "rootshard/kcp"]).success();
    let gone = ["deployment/kcp-kcp", "deployment/kcp-front-proxy", "service/kcp-kcp", "secret/kcp-server"];
    until_true("what was made for them is gone", || {
        !gone.iter().any(|object| it.exists(object)) && it.field("pods", ".items[*].metadata.name").is_empty()
    });
    for kept in ["persistentvolumeclaim/kcp-kcp-store", "secret/kcp-ca", "secret/kcp-client-ca"] {
        assert!(it.exists(kept), "{kept}");
    }
    it.host.input(&["apply", "-f", "-"], &it.manifests).success();
    it.until_condition("rootshard/kcp", "Available", "True");
    it.until_condition("frontproxy/kcp", "Available", "True");
    let kubectl = kubectls().pop().expect("a kubectl");
    let as_before =
        Kubectl::new(&kubectl, &it.scratch("old.kubeconfig", &old)).server(&it.url("root:team-a"));
    until("a kubeconfig of before finds the data of before", || {
        of(as_before.run(&["get", "configmap", "hello"]))
    });
}

fn a_deleted_kubeconfig_takes_its_roles_along(it: &Installation) {
    let bindings = || {
        let team = it.workspace("root:team-a");
        team.run(&["get", "clusterrolebindings", "-l", "operator.kcp.io/kubeconfig", "-o", "name"]).success()
    };
    assert_eq!(bindings().lines().count(), 1);
    it.host.run(&["delete", "kubeconfig/alice"]).success();
    assert_eq!(bindings(), "");
    until_true("its Secrets are gone", || {
        !it.exists("secret/alice-kubeconfig") && !it.exists("secret/kubeconfig-cert-alice")
    });
}

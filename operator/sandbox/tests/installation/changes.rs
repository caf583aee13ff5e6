//! What follows from a changed spec, and what does not.

use crate::fixture::{Installation, of, until, until_true};

pub fn front_proxies_roll_without_a_refused_request(it: &Installation) {
    let deployment = "deployment/kcp-front-proxy";
    it.patch("frontproxy/kcp", r#"{"spec": {"replicas": 1, "logging": {"level": 3}}}"#);
    until_true("one new front-proxy is left", || {
        it.kcp.run(&["get", "workspace", "team-a"]).success();
        let counts = it.field(deployment, ".status['replicas','updatedReplicas','readyReplicas']");
        it.field(deployment, ".spec.template.spec.containers[0].args").contains("-v=3") && counts == "1 1 1"
    });
    it.until_condition("frontproxy/kcp", "Available", "True");
}

pub fn other_arguments_start_the_shard_anew_on_its_data(it: &Installation) {
    it.patch("rootshard/kcp", r#"{"spec": {"logging": {"level": 2}}}"#);
    until("the only pod has the argument", || {
        let path = "jsonpath={.items[*].spec.containers[0].args}";
        let pods =
            it.host.run(&["get", "pods", "--selector=app.kubernetes.io/component=rootshard", "-o", path]);
        let args = pods.success();
        if args.contains("-v=2") && args.matches("--root-directory=").count() == 1 {
            Ok(())
        } else {
            Err(args)
        }
    });
    it.until_condition("rootshard/kcp", "Available", "True");
    until("the data is there", || of(it.workspace("root:team-a").run(&["get", "configmap", "hello"])));
}

pub fn a_contradiction_is_told_and_changes_nothing(it: &Installation) {
    refused(it, r#"{"spec": {"replicas": 3}}"#, "False ConflictingFields replicas is 3");
    it.patch("rootshard/kcp", r#"{"spec": {"replicas": null}}"#);
    it.until_condition("rootshard/kcp", "Valid", "True");
}

pub fn another_store_is_refused(it: &Installation) {
    refused(
        it,
        r#"{"spec": {"etcd": {"endpoints": ["https://etcd:2379"], "storage": null}}}"#,
        "False StoreChanged",
    );
    it.patch("rootshard/kcp", r#"{"spec": {"etcd": {"endpoints": null, "storage": {"size": "8Gi"}}}}"#);
    it.until_condition("rootshard/kcp", "Valid", "True");
}

/// The patch has no other effect than one line in the status.
fn refused(it: &Installation, patch: &str, told: &str) {
    let running = || {
        let of = |path: &str| it.field("deployment/kcp-kcp", path);
        (of(".metadata.generation"), of(".status.readyReplicas"))
    };
    let before = running();
    it.patch("rootshard/kcp", patch);
    it.until_condition("rootshard/kcp", "Valid", told);
    let message = it.condition("rootshard/kcp", "Valid");
    assert_eq!(message.lines().count(), 1, "{message}");
    assert_eq!(it.field("rootshard/kcp", ".status.phase"), "Running");
    assert_eq!(running(), before);
}

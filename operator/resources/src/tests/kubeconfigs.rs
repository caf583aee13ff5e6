use super::*;

fn kubeconfig(more: Value) -> Kubeconfig {
    let mut spec = json!({
        "target": { "frontProxyRef": { "name": "front" } },
        "username": "admin", "groups": ["system:kcp:admin"],
        "validity": "8766h", "secretRef": { "name": "admin-kubeconfig" },
    });
    spec.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    object("Kubeconfig", "admin", spec)
}

fn valid_kubeconfig(more: Value) -> Result<ValidKubeconfig, Refusal> {
    let kubeconfig = kubeconfig(more);
    let target = match Target::of(&kubeconfig.spec)? {
        Target::RootShard(_) => TargetObject::RootShard,
        Target::Shard(name) => {
            TargetObject::Shard(object("Shard", &name, json!({ "rootShard": {}, "etcd": {} })))
        }
        Target::FrontProxy(name) => {
            TargetObject::FrontProxy(object("FrontProxy", &name, json!({ "rootShard": {} })))
        }
    };
    ValidKubeconfig::new(&kubeconfig, owner("Kubeconfig", "admin"), &root_shard(json!({})), &target)
}

/// Contexts with their URLs.
fn urls(more: Value) -> String {
    let valid = valid_kubeconfig(more).unwrap();
    let built = valid.build(&contents(&valid.sources()));
    let Some(Object::Secret(secret)) = built.objects.first() else { panic!("{:?}", built.waiting) };
    let file: Value = serde_saphyr::from_slice(&secret.data.as_ref().unwrap()["kubeconfig"].0).unwrap();
    let url = |cluster: &Value| {
        let found = file["clusters"].as_array().unwrap().iter().find(|entry| entry["name"] == *cluster);
        found.unwrap()["cluster"]["server"].as_str().unwrap().to_owned()
    };
    let contexts = file["contexts"].as_array().unwrap().iter();
    let mut lines: Vec<String> = contexts
        .map(|entry| format!("{}={}", entry["name"].as_str().unwrap(), url(&entry["context"]["cluster"])))
        .collect();
    lines.push(format!("current={}", file["current-context"].as_str().unwrap()));
    lines.join(" ")
}

#[test]
fn a_kubeconfig_points_at_a_workspace_behind_a_front_proxy() {
    assert_eq!(
        urls(json!({})),
        "default=https://kcp.example.com:443/clusters/root base=https://kcp.example.com:443 current=default"
    );
    assert!(urls(json!({ "targetWorkspace": "root:org" })).contains("/clusters/root:org "));
}

#[test]
fn a_kubeconfig_points_at_a_shard() {
    let root = "https://root-kcp.kcp.svc.cluster.local:6443";
    assert_eq!(
        urls(json!({ "target": { "rootShardRef": { "name": "root" } } })),
        format!("default={root}/clusters/root base={root} shard-base={root} current=default")
    );
    let shard = urls(json!({ "target": { "shardRef": { "name": "one" } } }));
    assert!(shard.contains("base=https://one-shard-kcp.kcp.svc.cluster.local:6443 "), "{shard}");
}

#[test]
fn the_certificate_has_the_group_that_roles_are_bound_to() {
    insta::assert_snapshot!("kubeconfig", table(&[valid_kubeconfig(json!({})).unwrap().certificate()]));
}

#[test]
fn a_deprecated_workspace_counts_for_roles_only() {
    let authorization =
        json!({ "clusterRoleBindings": { "cluster": "root:org", "clusterRoles": ["cluster-admin"] } });
    let spec = kubeconfig(json!({ "authorization": authorization })).spec;
    assert_eq!((spec.url_workspace(), spec.rbac_workspace()), ("root", Some("root:org")));
    assert_eq!(kubeconfig(json!({})).spec.rbac_workspace(), None);
}

#[test]
fn what_cannot_be_is_refused() {
    let reason = |more| valid_kubeconfig(more).unwrap_err().reason;
    assert_eq!(reason(json!({ "target": {} })), Refusal::NOT_FOUND);
    assert_eq!(reason(json!({ "username": "" })), Refusal::INVALID);
    assert_eq!(reason(json!({ "secretRef": {} })), Refusal::INVALID);
    assert_eq!(reason(json!({ "validity": "-1h" })), Refusal::INVALID);
}

#[test]
fn a_kubeconfig_waits_for_its_certificate() {
    let valid = valid_kubeconfig(json!({})).unwrap();
    let built = valid.build(&Contents::default());
    assert!(built.objects.is_empty());
    assert_eq!(built.waiting[0].reason, "Secret kubeconfig-cert-admin has no key tls.crt yet");
}

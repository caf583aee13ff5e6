use super::*;

fn check(root_shard: &RootShard, snapshot: &str) {
    let valid = valid(root_shard).unwrap();
    let contents = contents(&valid.sources());
    insta::assert_snapshot!(snapshot, text(&valid.build(&contents, &BTreeMap::new())));
}

fn everything() -> RootShard {
    root_shard(json!({
        "clusterDomain": "cluster.example",
        "shardBaseURL": "https://root.example.com:6443/",
        "external": { "hostname": "kcp.example.com", "port": 443, "privateHostname": "kcp.internal", "privatePort": 8443 },
        "etcd": { "endpoints": ["https://a:2379", "https://b:2379"], "prefix": "/root", "tlsConfig": { "secretRef": { "name": "etcd-tls" } } },
        "image": { "repository": "example.com/kcp", "tag": "v9", "imagePullSecrets": [{ "name": "pull" }] },
        "replicas": 3,
        "resources": { "limits": { "memory": "8Gi" } },
        "cache": { "ref": { "name": "cachy" } },
        "audit": {
            "policy": { "configMap": { "name": "policy", "key": "policy.yaml" } },
            "webhook": { "batchMaxSize": 10, "batchMaxWait": "90s", "batchThrottleEnable": true, "mode": "batch", "truncateMaxEventSize": 5, "configSecretName": "audit" },
        },
        "authorization": { "webhook": { "allowPaths": ["/healthz", "/livez"], "cacheAuthorizedTTL": "5m", "configSecretName": "authz", "version": "v1" } },
        "auth": {
            "oidc": { "issuerURL": "https://dex", "clientID": "kcp", "clientSecret": "x", "groupsPrefix": "oidc:", "caFileRef": { "name": "dex-ca" } },
            "webhook": { "configSecretName": "authn", "cacheAuthenticationTTL": "10s" },
            "tokenAuthFile": { "secretName": "tokens" },
            "serviceAccount": { "enabled": true },
        },
        "caBundleSecretRef": { "name": "public-ca" },
        "clientCABundleRef": { "name": "old-clients" },
        "extraArgs": ["--feature-gates=WorkspaceMounts=true"],
        "extraVolumes": [{ "name": "keys", "secret": { "secretName": "encryption" } }],
        "extraVolumeMounts": [{ "name": "keys", "mountPath": "/keys" }],
        "logging": { "level": 4 },
        "serviceTemplate": { "metadata": { "annotations": { "lb": "internal" }, "labels": { "app.kubernetes.io/name": "mine", "team": "a" } }, "spec": { "type": "LoadBalancer" } },
        "deploymentTemplate": { "spec": { "template": { "metadata": { "labels": { "team": "a" } }, "spec": { "nodeSelector": { "disk": "ssd" }, "imagePullSecrets": [{ "name": "other" }] } } } },
        "proxy": { "replicas": 1, "logging": { "level": 2 }, "extraArgs": ["--proxy"] },
    }))
}

#[test]
fn a_root_shard_with_its_own_store() {
    check(&root_shard(json!({})), "own_store");
}

#[test]
fn a_root_shard_with_everything() {
    check(&everything(), "everything");
}

#[test]
fn a_root_shard_that_cert_manager_serves() {
    let issuer =
        json!({ "issuerRef": { "name": "selfsigned", "kind": "ClusterIssuer", "group": "cert-manager.io" } });
    let root_shard = root_shard(json!({
        "certificates": issuer,
        "certificateTemplates": { "server": { "spec": { "dnsNames": ["more.example.com"], "privateKey": { "algorithm": "ECDSA" } } } },
    }));
    let valid = valid(&root_shard).unwrap();
    let mut built = valid.build(&contents(&valid.sources()), &BTreeMap::new());
    built.objects.retain(|object| matches!(object, Object::CertManager(_)));
    insta::assert_snapshot!("cert_manager", text(&built));
}

#[test]
fn the_certificates_of_an_installation() {
    insta::assert_snapshot!("certificates", table(&valid(&root_shard(json!({}))).unwrap().certificates()));
}

#[test]
fn below_a_given_authority_no_root_is_made() {
    let root_shard = root_shard(json!({ "certificates": { "caSecretRef": { "name": "company" } } }));
    let valid = valid(&root_shard).unwrap();
    let plans = valid.certificates();
    assert!(plans.iter().all(|plan| plan.name != "root-ca"));
    assert_eq!(plans[0].issuer, IssuedBy::Ca("company".to_owned()));
    let mut with_company = contents(&valid.sources());
    with_company.secrets.remove("root-ca");
    let company = with_company.secrets["root-server-ca"].clone();
    with_company.secrets.insert("company".to_owned(), company);
    let built = valid.build(&with_company, &BTreeMap::new());
    assert!(built.names_of("Secret").contains("root-ca"), "pods mount it");
}

#[test]
fn a_deployment_waits_for_what_it_mounts() {
    let valid = valid(&everything()).unwrap();
    let mut contents = contents(&valid.sources());
    contents.secrets.remove("dex-ca");
    let waiting = valid.build(&contents, &BTreeMap::new()).waiting;
    assert_eq!(waiting[0].deployment, "root-kcp");
    assert_eq!(waiting[0].reason, "Secret dex-ca does not exist");
}

#[test]
fn a_trust_file_needs_certificates() {
    let valid = valid(&everything()).unwrap();
    let mut contents = contents(&valid.sources());
    contents.secrets.get_mut("old-clients").unwrap().data = None;
    let waiting = valid.build(&contents, &BTreeMap::new()).waiting;
    assert_eq!(waiting[0].reason, "Secret old-clients has no key tls.crt");
}

#[test]
fn a_shard_stays_with_its_store_and_says_so() {
    let mut root_shard = everything();
    let record = Store::Embedded {}.record();
    root_shard.metadata.annotations = Some(BTreeMap::from([(names::STORE_ANNOTATION.to_owned(), record)]));
    let valid = valid(&root_shard).unwrap();
    let refused = valid.store.refused.clone().unwrap();
    assert!(refused.contains("https://a:2379") && refused.contains("its own store"), "{refused}");
    let built = valid.build(&contents(&valid.sources()), &BTreeMap::new());
    let deployment = built.deployments().next().unwrap();
    assert_eq!(deployment.spec.as_ref().unwrap().replicas, Some(1));
    assert!(built.names_of("PersistentVolumeClaim").contains("root-kcp-store"));
}

#[test]
fn what_cannot_be_is_refused_with_a_reason() {
    let check = |more: Value, reason: &str, words: &str| {
        let refusal = valid(&root_shard(more)).unwrap_err();
        assert_eq!(refusal.reason, reason, "{refusal}");
        assert!(refusal.message.contains(words), "{refusal}");
    };
    check(json!({ "replicas": 2 }), Refusal::CONFLICT, "runs once");
    check(json!({ "etcd": { "prefix": "/x" } }), Refusal::CONFLICT, "etcd.prefix");
    let both = json!({ "issuerRef": { "name": "a" }, "caSecretRef": { "name": "b" } });
    check(json!({ "certificates": both }), Refusal::CONFLICT, "caSecretRef");
    check(json!({ "external": { "hostname": "", "port": 1 } }), Refusal::INVALID, "external.hostname");
    check(json!({ "external": { "hostname": "a b", "port": 1 } }), Refusal::INVALID, "DNS name");
    check(json!({ "external": { "hostname": "a", "port": 70000 } }), Refusal::INVALID, "70000");
    check(json!({ "shardBaseURL": "kcp:6443" }), Refusal::INVALID, "shardBaseURL");
    let volume = json!([{ "name": "kcp-ca", "emptyDir": {} }]);
    check(json!({ "extraVolumes": volume }), Refusal::CONFLICT, "kcp-ca");
    let mount = json!([{ "name": "nowhere", "mountPath": "/x" }]);
    check(json!({ "extraVolumeMounts": mount }), Refusal::CONFLICT, "nowhere");
}

#[test]
fn a_bundle_is_not_run_here() {
    let mut root_shard = root_shard(json!({}));
    root_shard.metadata.annotations =
        Some(BTreeMap::from([(names::BUNDLE_ANNOTATION.to_owned(), "true".to_owned())]));
    assert_eq!(valid(&root_shard).unwrap_err().reason, Refusal::BUNDLE);
}

#[test]
fn one_resource_limit_does_not_leak_into_another_installation() {
    let before = text(&valid(&root_shard(json!({}))).unwrap().build(&Contents::default(), &BTreeMap::new()));
    drop(valid(&everything()).unwrap().build(&Contents::default(), &BTreeMap::new()));
    let after = text(&valid(&root_shard(json!({}))).unwrap().build(&Contents::default(), &BTreeMap::new()));
    assert_eq!(before, after);
}

#[test]
fn replicas_belong_to_whoever_scales() {
    let external = json!({ "etcd": { "endpoints": ["https://a:2379"] } });
    let valid = valid(&root_shard(external)).unwrap();
    let contents = contents(&valid.sources());
    let replicas = |existing: Value| {
        let existing = serde_json::from_value(existing).unwrap();
        let built = valid.build(&contents, &BTreeMap::from([("root-kcp".to_owned(), existing)]));
        built.deployments().next().unwrap().spec.as_ref().unwrap().replicas
    };
    let managed = |manager: &str| {
        json!({
            "metadata": { "managedFields": [{ "manager": manager, "fieldsV1": { "f:spec": { "f:replicas": {} } } }] },
            "spec": { "replicas": 5, "selector": {}, "template": {} },
        })
    };
    assert_eq!(replicas(managed("kcp-operator")), Some(5));
    assert_eq!(replicas(managed("autoscaler")), None);
}

use super::*;

fn valid_proxy(name: &str, spec: Value) -> Result<ValidFrontProxy, Refusal> {
    let mut all = json!({ "rootShard": { "ref": { "name": "root" } } });
    all.as_object_mut().unwrap().extend(spec.as_object().unwrap().clone());
    let proxy: FrontProxy = object("FrontProxy", name, all);
    ValidFrontProxy::new(&proxy, owner("FrontProxy", name), &root_shard(json!({})), &[], &images())
}

fn check(spec: Value, snapshot: &str) {
    let valid = valid_proxy("front", spec).unwrap();
    let contents = contents(&valid.sources());
    let built = text(&valid.build(&contents, &BTreeMap::new()));
    insta::assert_snapshot!(snapshot, format!("{}{built}", table(&valid.certificates())));
}

#[test]
fn a_front_proxy() {
    check(json!({}), "front_proxy");
}

#[test]
fn a_front_proxy_with_everything() {
    check(
        json!({
            "external": { "hostname": "front.example.com", "port": 8443 },
            "auth": {
                "oidc": { "issuerURL": "https://dex", "clientID": "kcp" },
                "serviceAccount": { "enabled": true },
                "dropGroups": ["internal"], "passOnGroups": ["a", "b"],
            },
            "additionalPathMappings": [{
                "path": "/services/mine", "backend": "https://mine:6443",
                "backend_server_ca": "/etc/kcp-front-proxy/tls/ca/tls.crt",
                "proxy_client_cert": "/etc/kcp-front-proxy/requestheader-client/tls.crt",
                "proxy_client_key": "/etc/kcp-front-proxy/requestheader-client/tls.key",
            }],
            "caBundleSecretRef": { "name": "public-ca" },
            "clientCABundleRef": { "name": "old-clients" },
            "replicas": 1,
        }),
        "front_proxy_everything",
    );
}

#[test]
fn a_front_proxy_is_where_its_spec_or_its_installation_says() {
    let check = |spec: Value| valid_proxy("front", spec).map(|valid| valid.external.url());
    assert_eq!(check(json!({})).unwrap(), "https://kcp.example.com:443");
    let go = json!({ "external": { "hostname": "", "port": 0 } });
    assert_eq!(check(go).unwrap(), "https://kcp.example.com:443");
    assert_eq!(check(json!({ "externalHostname": "old" })).unwrap(), "https://old:6443");
    assert_eq!(check(json!({ "externalHostname": "old:444" })).unwrap(), "https://old:444");
    let zero = json!({ "externalHostname": "old", "external": { "hostname": "", "port": 0 } });
    assert_eq!(check(zero).unwrap(), "https://old:6443");
    let both = json!({ "externalHostname": "old", "external": { "hostname": "new", "port": 1 } });
    assert_eq!(check(both).unwrap_err().reason, Refusal::CONFLICT);
}

#[test]
fn a_certificate_names_hosts_and_not_ports() {
    let valid = valid_proxy("front", json!({ "externalHostname": "old:444" })).unwrap();
    assert!(valid.certificates()[0].dns_names.contains(&"old".to_owned()));
}

#[test]
fn names_that_would_collide_are_refused() {
    assert_eq!(valid_proxy("proxy", json!({})).unwrap_err().reason, Refusal::COLLISION);
    assert_eq!(valid_proxy("front.one", json!({})).unwrap_err().reason, Refusal::INVALID);
}

#[test]
fn tokens_of_service_accounts_are_not_shut_out() {
    let oidc = json!({ "auth": { "oidc": { "issuerURL": "https://dex", "clientID": "kcp" } } });
    assert_eq!(valid_proxy("front", oidc).unwrap_err().reason, Refusal::CONFLICT);
    let groups = json!({ "auth": { "dropGroups": ["a,b"] } });
    assert_eq!(valid_proxy("front", groups).unwrap_err().reason, Refusal::INVALID);
}

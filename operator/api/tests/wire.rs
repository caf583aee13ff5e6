//! What Go clients and old manifests store, and how it is read.

use kcp_operator_api::{CacheServer, FrontProxy, Kubeconfig, RootShard, Shard, Text};
use serde_json::{Value, json};

fn read<K: serde::de::DeserializeOwned>(kind: &str, spec: Value) -> K {
    let object = json!({
        "apiVersion": "operator.kcp.io/v1alpha1", "kind": kind, "metadata": { "name": "kcp" }, "spec": spec,
    });
    serde_json::from_value(object).expect("the object is readable")
}

fn root_shard(etcd: Value) -> RootShard {
    let external = json!({ "hostname": "kcp.example.com", "port": 6443 });
    read("RootShard", json!({ "external": external, "cache": {}, "certificates": {}, "etcd": etcd }))
}

#[test]
fn an_empty_external_of_a_go_client_means_none() {
    let proxy: FrontProxy =
        read("FrontProxy", json!({ "rootShard": {}, "external": { "hostname": "", "port": 0 } }));
    assert_eq!(proxy.spec.own_external(), None);
    let port_only = json!({ "rootShard": {}, "external": { "hostname": "", "port": 443 } });
    assert!(read::<FrontProxy>("FrontProxy", port_only).spec.own_external().is_some());
}

#[test]
fn etcd_may_come_without_endpoints() {
    let spec = root_shard(json!({})).spec.common;
    assert!(spec.etcd.endpoints.is_empty());
    let storage = root_shard(json!({ "storage": { "size": "1Gi" } })).spec.common.etcd.storage.unwrap();
    assert_eq!(storage.size.unwrap().0, "1Gi");
}

#[test]
fn an_empty_reference_refers_to_nothing() {
    let spec = root_shard(json!({ "tlsConfig": { "secretRef": {} } })).spec.common;
    assert_eq!(Some(spec.etcd.tls_config.unwrap().secret_ref).text(), None);
}

#[test]
fn fields_of_other_versions_are_ignored() {
    let shard: Shard =
        read("Shard", json!({ "rootShard": {}, "etcd": {}, "logLevel": { "verbosityLevel": 4 } }));
    assert_eq!(shard.spec.common.logging, None);
}

#[test]
fn durations_are_read_as_go_writes_them_and_written_in_canonical_form() {
    let spec = json!({ "target": {}, "username": "admin", "validity": "8766h", "secretRef": {} });
    let kubeconfig: Kubeconfig = read("Kubeconfig", spec);
    assert_eq!(serde_json::to_value(&kubeconfig.spec).unwrap()["validity"], "8766h0m0s");
}

#[test]
fn an_object_without_a_spec_is_an_error_and_not_a_panic() {
    let empty = json!({ "apiVersion": "operator.kcp.io/v1alpha1", "kind": "CacheServer", "metadata": {}, "spec": null });
    assert!(serde_json::from_value::<CacheServer>(empty).is_err());
}

#[test]
fn a_spec_is_written_without_its_absent_fields() {
    let spec = root_shard(json!({ "endpoints": ["https://etcd:2379"] })).spec;
    let written = serde_json::to_value(&spec).unwrap();
    assert_eq!(
        written,
        json!({
            "external": { "hostname": "kcp.example.com", "port": 6443 },
            "cache": {}, "certificates": {}, "etcd": { "endpoints": ["https://etcd:2379"] },
        })
    );
}

//! The manifests say what the program understands, and kustomize makes of them what they say.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod manifest;

use kcp_operator_api::{FrontProxy, Kubeconfig, RootShard};
use kcp_operator_resources::{Images, Owner, RootShardInputs, Store, ValidFrontProxy, ValidRootShard};
use kcp_test_harness::{Kubectl, kubectls};
use manifest::{document, documents, options, read, root};
use serde::de::DeserializeOwned;
use serde_json::Value;

fn sample<K: DeserializeOwned>(path: &str, kind: &str) -> K {
    serde_json::from_value(document(path, kind)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

#[test]
fn the_manager_gets_arguments_that_it_understands() {
    let options = options(&document("config/manager/deployment.yaml", "Deployment"));
    assert_eq!(options.health.unwrap().port(), 8081);
    assert_eq!(options.metrics.unwrap().port(), 8443);
    assert!(options.lease_namespace.is_some());
}

#[test]
fn every_definition_is_listed() {
    let listed = documents(&read("crds/operator/kustomization.yaml"))[0]["resources"].clone();
    let mut files: Vec<Value> = std::fs::read_dir(root().join("crds/operator"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with("operator.kcp.io_"))
        .map(Value::String)
        .collect();
    files.sort_by_key(ToString::to_string);
    assert_eq!(listed, Value::Array(files));
}

#[test]
fn the_samples_are_an_installation() {
    let root_shard: RootShard = sample("config/samples/rootshard.yaml", "RootShard");
    let front_proxy: FrontProxy = sample("config/samples/frontproxy.yaml", "FrontProxy");
    let kubeconfig: Kubeconfig = sample("config/samples/kubeconfig.yaml", "Kubeconfig");
    let images = Images { bundled: "kcp:v1".to_owned(), honour_all: false };
    let owner = || Owner { namespace: "default".to_owned(), reference: Default::default() };
    let valid = ValidRootShard::new(&root_shard, owner(), &RootShardInputs::default(), &images).unwrap();
    assert_eq!(valid.store.store, Store::Embedded {});
    assert_eq!(valid.installation.external.url(), "https://kcp.localhost:6443");
    assert_eq!(valid.warnings, Vec::<String>::new());
    ValidFrontProxy::new(&front_proxy, owner(), &root_shard, &[], &images).unwrap();
    let target = kubeconfig.spec.target.front_proxy_ref.unwrap();
    assert_eq!(Some(target.name), front_proxy.metadata.name);
}

#[test]
fn kustomize_makes_of_the_manifests_what_they_say() {
    let directories = ["crds/operator", "config/manager", "config/rbac"];
    let mut expected: Vec<Value> = directories.iter().flat_map(|directory| files(directory)).collect();
    check_kustomize("config/default", &mut expected);
    check_kustomize("config/samples", &mut files("config/samples"));
}

fn check_kustomize(directory: &str, expected: &mut [Value]) {
    let kubectl = kubectls().pop().expect("a kubectl");
    let path = root().join(directory).canonicalize().unwrap();
    let text =
        Kubectl::new(&kubectl, &root().join("none")).run(&["kustomize", path.to_str().unwrap()]).success();
    let mut built = documents(&text);
    let key = |object: &Value| format!("{} {}", object["kind"], object["metadata"]["name"]);
    built.sort_by_key(key);
    expected.sort_by_key(key);
    assert_eq!(built.iter().map(key).collect::<Vec<_>>(), expected.iter().map(key).collect::<Vec<_>>());
    for (built, expected) in built.iter().zip(expected.iter()) {
        // Too large to be shown.
        assert!(plain(built) == plain(expected), "{} is another", key(expected));
    }
}

/// Whole numbers are the same with and without `.0`.
fn plain(value: &Value) -> Value {
    match value {
        Value::Number(number) => serde_json::json!(number.as_f64()),
        Value::Array(items) => items.iter().map(plain).collect(),
        Value::Object(fields) => fields.iter().map(|(key, field)| (key.clone(), plain(field))).collect(),
        Value::Null | Value::Bool(_) | Value::String(_) => value.clone(),
    }
}

/// The objects of a directory's files.
fn files(directory: &str) -> Vec<Value> {
    let entries = std::fs::read_dir(root().join(directory)).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let names = names.filter(|name| name.ends_with(".yaml") && name != "kustomization.yaml");
    names.flat_map(|name| documents(&read(&format!("{directory}/{name}")))).collect()
}

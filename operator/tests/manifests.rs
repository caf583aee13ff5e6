//! The manifests and the chart say what the program understands.

use std::path::{Path, PathBuf};
use std::process::Command;

use clap::Parser as _;
use kcp_operator::{Flags, Options};
use kcp_operator_api::{FrontProxy, Kubeconfig, RootShard};
use kcp_operator_resources::{Images, Owner, RootShardInputs, Store, ValidFrontProxy, ValidRootShard};
use serde::de::DeserializeOwned;
use serde_json::Value;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn documents(text: &str) -> Vec<Value> {
    let all: Vec<Value> = serde_saphyr::from_multiple(text).unwrap_or_else(|error| panic!("{error}"));
    all.into_iter().filter(|document| !document.is_null()).collect()
}

fn document(path: &str, kind: &str) -> Value {
    let found = documents(&read(path)).into_iter().find(|document| document["kind"] == kind);
    found.unwrap_or_else(|| panic!("{path} has no {kind}"))
}

fn sample<K: DeserializeOwned>(path: &str, kind: &str) -> K {
    serde_json::from_value(document(path, kind)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The arguments of a Deployment's first container, as the program reads them.
fn options(deployment: &Value) -> Options {
    let container = &deployment["spec"]["template"]["spec"]["containers"][0];
    assert_eq!(container["command"][0], "/manager");
    let args = container["args"].as_array().expect("a container with arguments");
    let args = args.iter().map(|arg| arg.as_str().expect("an argument is text"));
    let flags = Flags::try_parse_from(std::iter::once("manager").chain(args));
    Options::try_from(flags.unwrap_or_else(|error| panic!("{error}")))
        .unwrap_or_else(|error| panic!("{error}"))
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
fn the_chart_has_the_rights_of_the_manifests() {
    let manifest = document("config/rbac/manager.yaml", "ClusterRole");
    let chart = read("charts/kcp-operator/templates/rbac.yaml");
    let (_, rules) = chart.split_once("rules:\n").unwrap();
    let (rules, _) = rules.split_once("{{-").unwrap();
    let rules: Value = serde_saphyr::from_str(rules).unwrap();
    assert_eq!(rules, manifest["rules"]);
}

#[test]
fn the_chart_can_be_rendered() {
    let chart = root().join("charts/kcp-operator");
    let values: Value = serde_saphyr::from_str(&read("charts/kcp-operator/values.yaml")).unwrap();
    assert!(values["crds"]["create"].as_bool().unwrap());
    // Helm is a program of its own; where there is none, its absence is told and the rest is checked.
    let Some(text) = render(&chart, &[]) else {
        println!("helm is not installed (set HELM to its path): the chart was not rendered");
        return;
    };
    let all = documents(&text);
    let kinds = |kind: &str| all.iter().filter(|document| document["kind"] == kind).count();
    assert_eq!(kinds("CustomResourceDefinition"), 7);
    let deployment = all.iter().find(|document| document["kind"] == "Deployment").unwrap();
    serde_json::from_value::<k8s_openapi::api::apps::v1::Deployment>(deployment.clone()).unwrap();
    assert!(options(deployment).lease_namespace.is_some());
    let set =
        ["leaderElection.enabled=false", "watchNamespaces={a,b}", "kcp.image=x:y", "metrics.enabled=false"];
    let all = documents(&render(&chart, &set).unwrap());
    let deployment = all.iter().find(|document| document["kind"] == "Deployment").unwrap();
    let options = options(deployment);
    assert_eq!(options.lease_namespace, None);
    assert_eq!(options.namespaces, ["a", "b"]);
    assert_eq!(options.images.bundled, "x:y");
    assert_eq!(options.metrics, None);
}

/// The chart as Helm renders it; `None` without Helm.
fn render(chart: &Path, set: &[&str]) -> Option<String> {
    let helm = std::env::var_os("HELM").unwrap_or_else(|| "helm".into());
    let mut command = Command::new(helm);
    command.args(["template", "op", "--namespace", "ops", "--kube-version", "1.33.0"]).arg(chart);
    for value in set {
        command.args(["--set", value]);
    }
    let output = command.output().ok()?;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}

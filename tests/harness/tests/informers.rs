//! Clients that keep a copy of what there is, over a server that is killed again and again.

use kcp_test_harness::{Caller, Kcp, eventually, python};
use kube::{
    config::{KubeConfigOptions, Kubeconfig},
    runtime::{WatchStreamExt as _, reflector, watcher},
};
use std::{
    collections::BTreeMap,
    process::{Command, Stdio},
};

const MAPS: &str = "/clusters/root/api/v1/namespaces/default/configmaps";

fn create(http: &Caller, name: &str) {
    let _ = http.json("POST", MAPS, &format!(r#"{{"metadata":{{"name":"{name}"}}}}"#)).code(201);
}

/// Names and resource versions, as a list has them.
fn listed(http: &Caller) -> BTreeMap<String, String> {
    let list = http.get(MAPS).code(200).json();
    let items = list["items"].as_array().expect("a list").iter();
    let text =
        |item: &serde_json::Value, name: &str| item["metadata"][name].as_str().unwrap_or_default().to_owned();
    items.map(|item| (text(item, "name"), text(item, "resourceVersion"))).collect()
}

/// Creates, changes and deletes some objects, with a kill between.
fn stir(kcp: &mut Kcp, round: usize) {
    let http = kcp.caller("master");
    for at in 0..5 {
        create(&http, &format!("r{round}-{at}"));
    }
    kcp.kill();
    kcp.run();
    let http = kcp.caller("master");
    let kind = [("content-type", "application/merge-patch+json")];
    let _ = http.send("PATCH", &format!("{MAPS}/r{round}-1"), &kind, r#"{"data":{"x":"1"}}"#).code(200);
    let _ = http.send("DELETE", &format!("{MAPS}/r{round}-2"), &[], "").code(200);
}

/// A client of the runtime that this is called in.
async fn client(kcp: &Kcp) -> kube::Client {
    let mut kubeconfig = Kubeconfig::read_from(kcp.kubeconfig()).expect("a kubeconfig");
    for user in kubeconfig.auth_infos.iter_mut().filter_map(|user| user.auth_info.as_mut()) {
        user.token = Some("master".to_owned().into());
    }
    let options = KubeConfigOptions { context: Some("root".to_owned()), ..KubeConfigOptions::default() };
    let config =
        kube::Config::from_custom_kubeconfig(kubeconfig, &options).await.expect("a sound kubeconfig");
    kube::Client::try_from(config).expect("a client")
}

fn reflects(config: &watcher::Config) {
    let mut kcp = Kcp::with_master();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .expect("a runtime");
    let (reader, writer) = reflector::store::<k8s_openapi::api::core::v1::ConfigMap>();
    let api = kube::Api::namespaced(runtime.block_on(client(&kcp)), "default");
    let stream = watcher(api, config.clone()).default_backoff().reflect(writer);
    runtime.spawn(futures_util::StreamExt::for_each(stream, |_| std::future::ready(())));
    for round in 0..3 {
        stir(&mut kcp, round);
    }
    let http = kcp.caller("master");
    create(&http, "last");
    let wanted = listed(&http);
    let held = || -> BTreeMap<String, String> {
        let entry = |map: std::sync::Arc<k8s_openapi::api::core::v1::ConfigMap>| {
            (
                map.metadata.name.clone().unwrap_or_default(),
                map.metadata.resource_version.clone().unwrap_or_default(),
            )
        };
        reader.state().into_iter().map(entry).collect()
    };
    eventually("the reflector has what a list has", || held() == wanted);
}

#[test]
fn a_reflector_that_lists_and_watches() {
    reflects(&watcher::Config::default().page_size(3));
}

#[test]
fn a_reflector_that_streams_its_lists() {
    reflects(&watcher::Config::default().streaming_lists());
}

/// Lists, then watches, and begins anew as the documentation of the client advises. Ends with `last`.
const INFORMER: &str = r#"
import sys, time, urllib3, kubernetes
from kubernetes import client, watch
urllib3.disable_warnings()
configuration = client.Configuration()
configuration.host, configuration.verify_ssl = sys.argv[1], False
configuration.api_key = {"authorization": "Bearer master"}
configuration.retries = False
core = client.CoreV1Api(client.ApiClient(configuration))
held, version = {}, None
while "last" not in held:
    try:
        if version is None:
            listed = core.list_namespaced_config_map("default")
            held = {item.metadata.name: item.metadata.resource_version for item in listed.items}
            version = listed.metadata.resource_version
        for event in watch.Watch().stream(core.list_namespaced_config_map, "default", resource_version=version, timeout_seconds=30):
            metadata = event["object"].metadata
            version = metadata.resource_version
            if event["type"] == "DELETED":
                held.pop(metadata.name, None)
            else:
                held[metadata.name] = version
            if metadata.name == "last":
                break
    except client.ApiException as error:
        if error.status == 410:
            version = None
        time.sleep(0.1)
    except Exception:
        time.sleep(0.1)
for name in sorted(held):
    print(name, held[name])
"#;

#[test]
fn a_python_watch() {
    let mut kcp = Kcp::with_master();
    let child = Command::new(python())
        .args(["-c", INFORMER, &format!("{}/clusters/root", kcp.url())])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("python starts");
    for round in 0..3 {
        stir(&mut kcp, round);
    }
    let http = kcp.caller("master");
    create(&http, "last");
    let output = child.wait_with_output().expect("python ends");
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}");
    let held = String::from_utf8_lossy(&output.stdout).into_owned();
    let held: BTreeMap<String, String> = held
        .lines()
        .filter_map(|line| line.split_once(' '))
        .map(|(name, version)| (name.to_owned(), version.to_owned()))
        .collect();
    assert_eq!(held, listed(&http));
}

//! Whole reconciles against an API server in memory: what is written, what is not, and what is said.

use std::sync::Arc;

use kcp_operator_api::{FrontProxy, Kubeconfig, RootShard};
use kcp_operator_resources::Images;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::context::Context;
use crate::error::Result;
use crate::metrics::Metrics;
use crate::{front_proxy, kubeconfig, root_shard};

mod fake;

use fake::Api;

/// An operator and the cluster it works in.
struct Host {
    api: Arc<Api>,
    context: Arc<Context>,
}

impl Host {
    fn new() -> Self {
        let api = Arc::new(Api::default());
        let images = Images { bundled: "kcp:v1".to_owned(), honour_all: false };
        let context = Arc::new(Context::new(api.client(), images, Metrics::new()));
        Self { api, context }
    }

    /// A cluster with a RootShard, a FrontProxy and a Kubeconfig, all reconciled.
    async fn installed() -> Self {
        let host = Self::new();
        host.api.put("rootshards", "RootShard", "root", json!({
            "external": { "hostname": "kcp.example.com", "port": 443 }, "cache": {}, "certificates": {}, "etcd": {},
        }));
        host.api.put(
            "frontproxies",
            "FrontProxy",
            "front",
            json!({ "rootShard": { "ref": { "name": "root" } } }),
        );
        host.api.put(
            "kubeconfigs",
            "Kubeconfig",
            "admin",
            json!({
                "target": { "frontProxyRef": { "name": "front" } }, "username": "admin", "validity": "8766h",
                "secretRef": { "name": "admin-kubeconfig" },
            }),
        );
        host.reconcile().await;
        host
    }

    async fn reconcile(&self) {
        self.root_shard().await.unwrap();
        self.front_proxy().await.unwrap();
        kubeconfig::reconcile(self.read::<Kubeconfig>("kubeconfigs", "admin"), self.context.clone())
            .await
            .unwrap();
    }

    async fn root_shard(&self) -> Result<()> {
        root_shard::reconcile(self.read::<RootShard>("rootshards", "root"), self.context.clone())
            .await
            .map(drop)
    }

    async fn front_proxy(&self) -> Result<()> {
        front_proxy::reconcile(self.read::<FrontProxy>("frontproxies", "front"), self.context.clone())
            .await
            .map(drop)
    }

    fn read<K: DeserializeOwned>(&self, plural: &str, name: &str) -> Arc<K> {
        Arc::new(serde_json::from_value(self.api.object(plural, name).unwrap()).unwrap())
    }

    /// `status reason: message` of a condition.
    fn condition(&self, plural: &str, name: &str, kind: &str) -> String {
        let object = self.api.object(plural, name).unwrap();
        let found =
            object["status"]["conditions"].as_array().unwrap().iter().find(|found| found["type"] == kind);
        let found = found.unwrap_or_else(|| panic!("no condition {kind}: {object}"));
        let text = |key: &str| found[key].as_str().unwrap().to_owned();
        format!("{} {}: {}", text("status"), text("reason"), text("message"))
    }

    fn phase(&self, plural: &str, name: &str) -> Value {
        self.api.object(plural, name).unwrap()["status"]["phase"].clone()
    }
}

#[tokio::test]
async fn an_installation_comes_up() {
    let host = Host::installed().await;
    assert_eq!(host.api.names("deployments"), ["front-front-proxy", "root-kcp", "root-proxy"]);
    assert_eq!(host.api.names("services"), ["front-front-proxy", "root-kcp", "root-proxy"]);
    assert_eq!(host.phase("rootshards", "root"), "Provisioning");
    assert_eq!(
        host.condition("rootshards", "root", "Available"),
        "False ReplicasUnavailable: Deployment root-kcp: 0 of 1 pods are ready, 0 of them up to date"
    );
    assert_eq!(host.phase("kubeconfigs", "admin"), "Ready");
    host.api.all_pods_are_ready();
    host.reconcile().await;
    assert_eq!(host.phase("rootshards", "root"), "Running");
    assert_eq!(host.phase("frontproxies", "front"), "Running");
}

#[tokio::test]
async fn a_second_look_changes_nothing() {
    let host = Host::installed().await;
    host.reconcile().await;
    let before = host.api.changes();
    host.reconcile().await;
    assert_eq!(host.api.changes(), before);
}

#[tokio::test]
async fn an_authority_that_is_being_made_by_somebody_else_is_not_overwritten() {
    let host = Host::installed().await;
    let authority = host.api.object("secrets", "root-ca").unwrap();
    // The cache of this operator is behind: it believes that there is none.
    host.api.hide("secrets", "root-ca");
    assert!(host.root_shard().await.unwrap_err().to_string().contains("root-ca"));
    host.api.show("secrets", "root-ca");
    assert_eq!(host.api.object("secrets", "root-ca").unwrap()["data"], authority["data"]);
}

#[tokio::test]
async fn what_is_not_wanted_any_more_goes_and_what_others_made_stays() {
    let host = Host::installed().await;
    let bundle = host.api.object("secrets", "root-client-ca").unwrap()["data"].clone();
    host.api.put_raw("secrets", "old-clients", json!({ "data": bundle }));
    host.api.change(
        "rootshards",
        "root",
        json!({ "spec": { "clientCABundleRef": { "name": "old-clients" } } }),
    );
    host.root_shard().await.unwrap();
    assert!(host.api.object("secrets", "root-merged-client-ca").is_some());
    host.api.change("rootshards", "root", json!({ "spec": { "clientCABundleRef": null } }));
    host.root_shard().await.unwrap();
    assert!(host.api.object("secrets", "root-merged-client-ca").is_none());
    assert!(host.api.object("secrets", "old-clients").is_some());
    assert!(host.api.object("secrets", "root-front-server").is_some(), "that of the FrontProxy");
}

#[tokio::test]
async fn a_living_shard_keeps_its_store() {
    let host = Host::installed().await;
    host.api.change(
        "rootshards",
        "root",
        json!({ "spec": { "etcd": { "endpoints": ["https://etcd:2379"] } } }),
    );
    host.root_shard().await.unwrap();
    assert!(host.condition("rootshards", "root", "Valid").starts_with("False StoreChanged: "));
    let args = host.api.object("deployments", "root-kcp").unwrap()["spec"]["template"].to_string();
    assert!(args.contains("--embedded-etcd-directory=") && !args.contains("--etcd-servers"));
}

#[tokio::test]
async fn a_contradiction_is_told_and_what_runs_goes_on() {
    let host = Host::installed().await;
    host.api.all_pods_are_ready();
    host.reconcile().await;
    host.api.change("rootshards", "root", json!({ "spec": { "replicas": 3 } }));
    host.root_shard().await.unwrap();
    assert!(
        host.condition("rootshards", "root", "Valid").starts_with("False ConflictingFields: replicas is 3")
    );
    assert_eq!(host.phase("rootshards", "root"), "Running");
}

#[tokio::test]
async fn a_front_proxy_waits_for_its_installation() {
    let host = Host::new();
    host.api.put(
        "frontproxies",
        "FrontProxy",
        "front",
        json!({ "rootShard": { "ref": { "name": "root" } } }),
    );
    host.front_proxy().await.unwrap();
    assert_eq!(
        host.condition("frontproxies", "front", "RootShard"),
        "False InvalidReference: RootShard root does not exist"
    );
    host.api.put("rootshards", "RootShard", "root", json!({
        "external": { "hostname": "kcp.example.com", "port": 443 }, "cache": {}, "certificates": {}, "etcd": {},
    }));
    host.front_proxy().await.unwrap();
    assert_eq!(
        host.condition("frontproxies", "front", "CertificatesReady"),
        "False Pending: Secret root-server-ca with an authority does not exist"
    );
    host.root_shard().await.unwrap();
    host.front_proxy().await.unwrap();
    assert!(host.condition("frontproxies", "front", "CertificatesReady").starts_with("True Issued: "));
}

#[tokio::test]
async fn without_cert_manager_an_issuer_is_told_to_be_missing() {
    let host = Host::installed().await;
    host.api.change(
        "rootshards",
        "root",
        json!({ "spec": { "certificates": { "issuerRef": { "name": "le" } } } }),
    );
    assert!(host.root_shard().await.is_err());
    assert!(
        host.condition("rootshards", "root", "CertificatesReady").starts_with("False CertManagerMissing: ")
    );
}

#[tokio::test]
async fn another_place_for_a_kubeconfig_empties_the_first() {
    let host = Host::installed().await;
    host.api.change("kubeconfigs", "admin", json!({ "spec": { "secretRef": { "name": "elsewhere" } } }));
    host.reconcile().await;
    assert!(host.api.object("secrets", "elsewhere").is_some());
    assert!(host.api.object("secrets", "admin-kubeconfig").is_none());
}

#[tokio::test]
async fn a_kubeconfig_for_nobody_has_failed() {
    let host = Host::installed().await;
    host.api.remove("frontproxies", "front");
    let kubeconfig = host.read::<Kubeconfig>("kubeconfigs", "admin");
    kubeconfig::reconcile(kubeconfig, host.context.clone()).await.unwrap();
    assert_eq!(host.phase("kubeconfigs", "admin"), "Failed");
    assert_eq!(
        host.condition("kubeconfigs", "admin", "ReferenceValid"),
        "False ReferenceNotFound: FrontProxy/front does not exist"
    );
}

//! APIs that one workspace exports and another binds, as provider and consumer with kubectl meet them.

use kcp_test_harness::{Kcp, Kubectl, eventually};

const FARM: &str = "
apiVersion: apis.kcp.io/v1alpha1
kind: APIResourceSchema
metadata: {name: v1.cows.farm.io}
spec:
  group: farm.io
  names: {plural: cows, singular: cow, kind: Cow, listKind: CowList}
  scope: Namespaced
  versions:
  - {name: v1, served: true, storage: true, schema: {type: object, properties: {spec: {type: object}}}}
---
apiVersion: apis.kcp.io/v1alpha2
kind: APIExport
metadata: {name: farm}
spec:
  resources:
  - {group: farm.io, name: cows, schema: v1.cows.farm.io, storage: {crd: {}}}
";

const BINDING: &str = "
apiVersion: apis.kcp.io/v1alpha2
kind: APIBinding
metadata: {name: farm}
spec: {reference: {export: {path: root:provider, name: farm}}}
";

const PIGS: &str = "
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: pigs.farm.io}
spec:
  group: farm.io
  names: {plural: pigs, singular: pig, kind: Pig, listKind: PigList}
  scope: Namespaced
  versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object}}}]
";

fn provider_and_consumer(kcp: &Kcp) -> (Kubectl, Kubectl) {
    let provider = kcp.make_workspace("root", "provider");
    provider.input(&["create", "-f", "-"], FARM).success();
    (provider, kcp.make_workspace("root", "consumer"))
}

fn bind(consumer: &Kubectl) {
    consumer.input(&["create", "-f", "-"], BINDING).success();
    let bound = "--for=jsonpath={.status.phase}=Bound";
    consumer.run(&["wait", bound, "apibinding/farm", "--timeout=60s"]).success();
}

#[test]
fn an_export_says_where_its_consumers_are_while_it_has_any() {
    let kcp = Kcp::start();
    let (provider, consumer) = provider_and_consumer(&kcp);
    let cluster =
        kcp.admin().run(&["get", "workspace", "provider", "-o", "jsonpath={.spec.cluster}"]).success();
    let path = "jsonpath={.status.endpoints[*].url}";
    let urls = || provider.run(&["get", "apiexportendpointslice", "farm", "-o", path]).success();
    let valid = "--for=condition=APIExportValid";
    eventually("the slice is made", || {
        provider.run(&["wait", valid, "apiexportendpointslice/farm", "--timeout=60s"]).is_ok()
    });
    assert_eq!(urls(), "");
    bind(&consumer);
    let url = format!("{}/services/apiexport/{cluster}/farm", kcp.url());
    eventually("the shard of the consumer is named", || urls() == url);
    consumer.run(&["delete", "apibinding", "farm"]).success();
    eventually("and no longer when it has gone", || urls().is_empty());
}

/// The logical cluster says whose each resource name is.
#[test]
fn resource_names_have_one_owner() {
    let kcp = Kcp::start();
    let (_, consumer) = provider_and_consumer(&kcp);
    let path = r"jsonpath={.metadata.annotations.internal\.apis\.kcp\.io/resource-bindings}";
    let locks = || consumer.run(&["get", "logicalcluster", "cluster", "-o", path]).success();
    let (cows, pigs) = (r#""cows.farm.io":{"n":"farm"}"#, r#""pigs.farm.io":{"c":true}"#);
    bind(&consumer);
    assert!(locks().contains(cows), "{}", locks());
    consumer.input(&["create", "-f", "-"], PIGS).success();
    eventually("a definition that is served has its name", || locks().contains(pigs));
    let before = locks();
    let lost = ["annotate", "logicalcluster", "cluster", "--overwrite"];
    consumer.run(&[&lost[..], &["internal.apis.kcp.io/resource-bindings=x"]].concat()).success();
    eventually("what cannot be read is built anew", || locks() == before);
    consumer.run(&["delete", "crd", "pigs.farm.io"]).success();
    consumer.run(&["delete", "apibinding", "farm"]).success();
    eventually("who goes gives its names back", || !locks().contains("farm"));
}

#[test]
fn a_key_that_comes_after_its_export_is_found() {
    let kcp = Kcp::start();
    let provider = kcp.make_workspace("root", "provider");
    let export = FARM
        .split("---")
        .nth(1)
        .unwrap_or_default()
        .replace("spec:\n", "spec:\n  identity: {secretRef: {name: own-key, namespace: default}}\n");
    provider.input(&["create", "-f", "-"], &export).success();
    let valid = |status: &str| format!("--for=condition=IdentityValid={status}");
    let wait = |status: &str| {
        provider.run(&["wait", &valid(status), "apiexport/farm", "--timeout=60s"]).success();
    };
    wait("false");
    provider
        .run(&["create", "secret", "generic", "own-key", "--from-literal=key=0123456789abcdef"])
        .success();
    wait("true");
    let hash = provider.run(&["get", "apiexport", "farm", "-o", "jsonpath={.status.identityHash}"]).success();
    // What `printf 0123456789abcdef | sha256sum` prints.
    assert_eq!(hash, "9f9f5111f7b27a781f1f1ddde5ebc2dd2b796bfc7365c9c28b548e564176929f");
}

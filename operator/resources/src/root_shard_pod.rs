//! The root shard's own pod, and what it mounts.

use std::collections::BTreeMap;

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{
    PersistentVolumeClaim, PersistentVolumeClaimSpec, VolumeResourceRequirements,
};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use kcp_operator_api::Text;

use crate::flags::{self, ServiceAccountKeys};
use crate::installation::Issuing;
use crate::kubeconfig_file::{Ca as FileCa, Credential, File};
use crate::names::{Ca, FRONT_PROXY_USER, INTERNAL_PROXY_USER};
use crate::objects::{Object, Waiting};
use crate::pod::{Contents, Pod, Reads};
use crate::root_shard::ValidRootShard;
use crate::server::{self, Probes, Server};
use crate::store::Store;
use crate::trust;

/// Where the volume of a shard with its own store is.
const STORE_PATH: &str = "/var/lib/kcp";

/// Names of the volumes that the shard has or may have.
pub(crate) const VOLUMES: &[&str] = &[
    "kcp-ca",
    "logical-cluster-admin-kubeconfig",
    "external-logical-cluster-admin-kubeconfig",
    "server-ca",
    "service-account-ca",
    "requestheader-client-ca",
    "client-ca",
    "server-cert",
    "service-account-cert",
    "client-cert",
    "logical-cluster-admin-cert",
    "external-logical-cluster-admin-cert",
    "ca-bundle",
    "cache-server-kubeconfig",
    "cache-server-ca",
    "cache-server-client-cert",
    "etcd-client-cert",
    "store",
    "audit-policy",
    "audit-webhook-config",
    "authorization-webhook-config",
    "oidc-ca-file",
    "authentication-webhook-config",
    "token-auth-file",
    "service-account-keys",
];

/// Secrets, claim, Service and Deployment of the shard.
pub(crate) fn build(
    valid: &ValidRootShard,
    contents: &Contents,
    existing: &BTreeMap<String, Deployment>,
    objects: &mut Vec<Object>,
    waiting: &mut Vec<Waiting>,
) {
    let mut made = vec![kubeconfig(valid, Admin::Inside), kubeconfig(valid, Admin::Outside)];
    let mut problem = missing_virtual_workspace(valid);
    for file in trust_files(valid, contents) {
        match file {
            Ok(object) => made.push(object),
            Err(reason) => problem = Some(reason),
        }
    }
    let contents = contents.with(&made);
    objects.extend(made);
    if valid.store.store.is_embedded() {
        objects.push(claim(valid));
    }
    objects.push(service(valid));
    let name = valid.deployment_name();
    let deployment = match problem {
        Some(reason) => Err(Waiting { deployment: name, reason }),
        None => server(valid).deployment(pod(valid), &valid.owner, &contents, existing.get(&name)),
    };
    match deployment {
        Ok(object) => objects.push(object),
        Err(reason) => waiting.push(reason),
    }
}

fn missing_virtual_workspace(valid: &ValidRootShard) -> Option<String> {
    let wanted = valid.virtual_workspace.as_ref().filter(|found| found.address.is_none())?;
    Some(format!("VirtualWorkspace {} does not exist", wanted.name))
}

fn server(valid: &ValidRootShard) -> Server<'_> {
    let common = &valid.spec.common;
    let (requests, limits) = ([("cpu", "1"), ("memory", "1Gi")], [("cpu", "2"), ("memory", "2Gi")]);
    Server {
        name: valid.deployment_name(),
        labels: valid.labels(),
        container: "kcp",
        command: &["/kcp", "start"],
        image: &valid.image,
        resources: server::resources(&requests, &limits, common.resources.as_ref()),
        probes: Probes::Shard,
        replicas: common.replicas,
        exclusive: valid.store.store.is_embedded(),
        template: common.deployment_template.as_ref(),
    }
}

fn service(valid: &ValidRootShard) -> Object {
    // Nothing listens on 6444 any more; the port stays for those who have it written down.
    let ports = [("https", 6443, 6443), ("https-virtual-workspaces", 6444, 6444)];
    let ports = if valid.virtual_workspace.is_some() { &ports[..1] } else { &ports[..] };
    let template = valid.spec.common.service_template.as_ref();
    server::service(&valid.deployment_name(), &valid.labels(), ports, &valid.owner, template)
}

/// Arguments and mounts, in the order of the earlier operator.
pub(crate) fn pod(valid: &ValidRootShard) -> Pod {
    let (mut pod, common) = (Pod::default(), &valid.spec.common);
    mount(valid, &mut pod);
    identity_args(&mut pod);
    for (flag, value) in [
        ("shard-base-url", valid.installation.base_url.clone()),
        ("shard-external-url", valid.installation.external.url()),
        ("logical-cluster-admin-kubeconfig", format!("{}/kubeconfig", Admin::Inside.mount())),
        ("external-logical-cluster-admin-kubeconfig", format!("{}/kubeconfig", Admin::Outside.mount())),
    ] {
        pod.flag(flag, Some(value));
    }
    pod.arg("--batteries-included=workspace-types");
    pod.arg("--root-directory=");
    pod.arg("--enable-leader-election=true");
    pod.arg("--logging-format=json");
    flags::logging(&mut pod, common.logging.as_ref());
    pod.args.extend(common.extra_args.iter().cloned());
    if valid.spec.cache.reference.text().is_some() {
        pod.arg("--cache-kubeconfig=/etc/cache-server/kubeconfig/kubeconfig");
    }
    if let Some(address) = valid.virtual_workspace.as_ref().and_then(|found| found.address.as_ref()) {
        pod.arg("--run-virtual-workspaces=false");
        pod.flag("shard-virtual-workspace-url", Some(address.url()));
        pod.arg("--shard-virtual-workspace-ca-file=/etc/kcp/tls/ca/server/tls.crt");
    }
    store(valid, &mut pod);
    flags::audit(&mut pod, common.audit.as_ref());
    flags::authorization(&mut pod, common.authorization.as_ref());
    pod.extra(&common.extra_volumes, &common.extra_volume_mounts);
    let keys = ServiceAccountKeys {
        root_shard: &valid.installation.name,
        shards: &valid.shards,
        bundled: valid.image.bundled,
    };
    flags::authentication(&mut pod, common.auth.as_ref(), &keys);
    pod
}

/// Who the shard is and whom it trusts.
fn identity_args(pod: &mut Pod) {
    pod.arg("--root-ca-file=/etc/kcp/tls/ca/root/tls.crt");
    pod.arg("--client-ca-file=/etc/kcp/tls/ca/client/tls.crt");
    flags::request_header(
        pod,
        "/etc/kcp/tls/ca/requestheader-client",
        [FRONT_PROXY_USER, INTERNAL_PROXY_USER],
    );
    for arg in [
        "--tls-private-key-file=/etc/kcp/tls/server/tls.key",
        "--tls-cert-file=/etc/kcp/tls/server/tls.crt",
        "--service-account-key-file=/etc/kcp/tls/service-account/tls.crt",
        "--service-account-private-key-file=/etc/kcp/tls/service-account/tls.key",
        "--service-account-lookup=false",
        "--shard-client-key-file=/etc/kcp/tls/client/tls.key",
        "--shard-client-cert-file=/etc/kcp/tls/client/tls.crt",
    ] {
        pod.arg(arg);
    }
}

fn mount(valid: &ValidRootShard, pod: &mut Pod) {
    let name = &valid.installation.name;
    pod.authority("kcp-ca", &Ca::Root.of(name), "/etc/kcp/tls/ca/root");
    for admin in [Admin::Inside, Admin::Outside] {
        let volume = format!("{}-kubeconfig", admin.name());
        pod.secret(&volume, &admin.secret(name), &admin.mount(), Reads::Again);
    }
    for (ca, path) in [
        (Ca::Server, "server"),
        (Ca::ServiceAccount, "service-account"),
        (Ca::RequestHeader, "requestheader-client"),
    ] {
        pod.authority(ca.suffix(), &ca.of(name), &format!("/etc/kcp/tls/ca/{path}"));
    }
    let clients = match valid.installation.client_ca_bundle {
        Some(_) => format!("{name}-merged-client-ca"),
        None => Ca::Client.of(name),
    };
    pod.authority("client-ca", &clients, "/etc/kcp/tls/ca/client");
    for (cert, reads) in [
        ("server", Reads::Again),
        // It signs with the key of its start; only keys that verify are read again.
        ("service-account", Reads::Once),
        ("client", Reads::Again),
        ("logical-cluster-admin", Reads::Again),
        ("external-logical-cluster-admin", Reads::Again),
    ] {
        pod.secret(
            &format!("{cert}-cert"),
            &format!("{name}-{cert}"),
            &format!("/etc/kcp/tls/{cert}"),
            reads,
        );
    }
    if valid.installation.ca_bundle.is_some() {
        let secret = format!("{name}-merged-ca-bundle");
        pod.secret("ca-bundle", &secret, "/etc/kcp/tls/ca/ca-bundle", Reads::Again);
    }
    if let Some(cache) = valid.spec.cache.reference.text() {
        mount_cache(pod, cache);
    }
}

fn mount_cache(pod: &mut Pod, cache: &str) {
    for (volume, secret, path) in [
        ("cache-server-kubeconfig", format!("{cache}-kubeconfig"), "/etc/cache-server/kubeconfig"),
        ("cache-server-ca", format!("{cache}-ca"), "/etc/cache-server/tls/ca/root"),
        (
            "cache-server-client-cert",
            format!("{cache}-client-certificate"),
            "/etc/cache-server/tls/client-certificate",
        ),
    ] {
        pod.secret(volume, &secret, path, Reads::Once);
    }
}

fn store(valid: &ValidRootShard, pod: &mut Pod) {
    match &valid.store.store {
        Store::Embedded {} => {
            pod.claim("store", &claim_name(&valid.installation.name), STORE_PATH);
            pod.arg(format!("--embedded-etcd-directory={STORE_PATH}/store"));
        }
        Store::Etcd { endpoints, prefix } => {
            pod.flag("etcd-servers", Some(endpoints.join(",")));
            pod.flag("etcd-prefix", prefix.as_ref());
            if let Some(tls) = &valid.spec.common.etcd.tls_config {
                let path = "/etc/etcd/tls";
                pod.secret("etcd-client-cert", &tls.secret_ref.name, path, Reads::Once);
                pod.arg(format!("--etcd-certfile={path}/tls.crt"));
                pod.arg(format!("--etcd-keyfile={path}/tls.key"));
                pod.arg(format!("--etcd-cafile={path}/ca.crt"));
            }
        }
    }
}

fn claim_name(root_shard: &str) -> String {
    format!("{root_shard}-kcp-store")
}

/// The volume of the shard. It has no owner: what users stored outlives the object that ran it.
fn claim(valid: &ValidRootShard) -> Object {
    let storage = valid.spec.common.etcd.storage.clone().unwrap_or_default();
    let size = storage.size.unwrap_or_else(|| Quantity("8Gi".to_owned()));
    let spec = PersistentVolumeClaimSpec {
        access_modes: Some(vec!["ReadWriteOnce".to_owned()]),
        resources: Some(VolumeResourceRequirements {
            requests: Some(BTreeMap::from([("storage".to_owned(), size)])),
            limits: None,
        }),
        storage_class_name: storage.storage_class_name.text().map(str::to_owned),
        ..PersistentVolumeClaimSpec::default()
    };
    let metadata = valid.owner.lasting(&claim_name(&valid.installation.name), valid.labels());
    Object::Claim(PersistentVolumeClaim { metadata, spec: Some(spec), status: None })
}

fn trust_files(valid: &ValidRootShard, contents: &Contents) -> Vec<Result<Object, String>> {
    let name = &valid.installation.name;
    let merged = |suffix: &str, ca: Ca, bundle: &String| {
        let labels = valid.secret_labels();
        trust::merged(&format!("{name}-{suffix}"), &ca.of(name), &[bundle], labels, &valid.owner, contents)
    };
    let servers = valid.installation.ca_bundle.as_ref();
    let clients = valid.installation.client_ca_bundle.as_ref();
    let servers = servers.map(|bundle| merged("merged-ca-bundle", Ca::Server, bundle));
    let clients = clients.map(|bundle| merged("merged-client-ca", Ca::Client, bundle));
    let root = match &valid.installation.issuing {
        Issuing::Given(secret) if *secret != Ca::Root.of(name) => Some(given_root(valid, secret, contents)),
        Issuing::Given(_) | Issuing::Own | Issuing::CertManager(_) => None,
    };
    servers.into_iter().chain(clients).chain(root).collect()
}

/// Pods trust the Secret that a root of our own would be in; it gets the given certificate, not its key.
fn given_root(valid: &ValidRootShard, given: &str, contents: &Contents) -> Result<Object, String> {
    let name = Ca::Root.of(&valid.installation.name);
    trust::merged(&name, given, &[], valid.secret_labels(), &valid.owner, contents)
}

/// The two ways in which a shard calls others as an administrator of logical clusters.
#[derive(Clone, Copy)]
enum Admin {
    /// Itself.
    Inside,
    /// Other shards, through a front-proxy.
    Outside,
}

impl Admin {
    const fn name(self) -> &'static str {
        match self {
            Self::Inside => "logical-cluster-admin",
            Self::Outside => "external-logical-cluster-admin",
        }
    }

    fn mount(self) -> String {
        format!("/etc/kcp/{}-kubeconfig", self.name())
    }

    fn secret(self, root_shard: &str) -> String {
        format!("{root_shard}-{}-kubeconfig", self.name())
    }
}

fn kubeconfig(valid: &ValidRootShard, admin: Admin) -> Object {
    let installation = &valid.installation;
    let bundle = match admin {
        Admin::Outside if installation.ca_bundle.is_some() => "ca-bundle",
        Admin::Outside | Admin::Inside => "server",
    };
    let url = match admin {
        Admin::Inside => installation.base_url.clone(),
        Admin::Outside => installation.internal.url(),
    };
    let credential = Credential::in_directory(&format!("/etc/kcp/tls/{}", admin.name()));
    let file = File::new("shard", credential, "shard-base")
        .cluster("root-shard", &url, FileCa::File(format!("/etc/kcp/tls/ca/{bundle}/tls.crt")))
        .context("shard-base", "root-shard");
    let name = admin.secret(&installation.name);
    trust::kubeconfig_secret(&valid.owner, &name, valid.secret_labels(), file.to_yaml())
}

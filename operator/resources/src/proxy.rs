//! A front-proxy, as both the FrontProxy and the RootShard's internal proxy have one.

use std::collections::BTreeMap;

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{ConfigMap, ResourceRequirements, Volume, VolumeMount};
use kcp_operator_api::{
    AuthSpec, CertificateTemplate, DeploymentTemplate, LoggingSpec, PathMappingEntry, ServiceTemplate,
};
use serde::Serialize;

use crate::flags::{self, ServiceAccountKeys};
use crate::kubeconfig_file::{Ca as FileCa, Credential, File, yaml};
use crate::names::{Ca, MASTERS_GROUP, MOUNTS_PROXY_USER};
use crate::objects::{Object, Owner, Waiting};
use crate::pod::{Contents, Pod, Reads, Source};
use crate::server::{self, Probes, Server};
use crate::{CertificatePlan, Image, Installation, cert_manager, trust};

const BASE: &str = "/etc/kcp-front-proxy";
const ROOT_CA: &str = "/etc/kcp/tls/ca";

/// A proxy of an installation.
pub(crate) struct Proxy<'a> {
    pub(crate) installation: &'a Installation,
    /// Labels of its objects and selector of its pods.
    pub(crate) labels: BTreeMap<String, String>,
    /// Labels of its Secrets.
    pub(crate) secret_labels: BTreeMap<String, String>,
    /// Name of Deployment and Service.
    pub(crate) name: String,
    /// Before the names of its certificates and of its kubeconfig.
    pub(crate) prefix: String,
    /// Before the names of its trust files and of its ConfigMap.
    pub(crate) own_prefix: String,
    /// Common name of its client certificates.
    pub(crate) user: &'static str,
    pub(crate) dns_names: Vec<String>,
    pub(crate) image: &'a Image,
    /// Port of the Service.
    pub(crate) port: u16,
    pub(crate) ca_bundle: Option<&'a str>,
    pub(crate) client_ca_bundles: Vec<&'a str>,
    pub(crate) shards: &'a [String],
    pub(crate) spec: ProxySpec<'a>,
}

/// What both kinds of spec say about a proxy.
#[derive(Clone, Copy, Default)]
pub(crate) struct ProxySpec<'a> {
    pub(crate) replicas: Option<i32>,
    pub(crate) resources: Option<&'a ResourceRequirements>,
    pub(crate) service_template: Option<&'a ServiceTemplate>,
    pub(crate) deployment_template: Option<&'a DeploymentTemplate>,
    pub(crate) certificate_templates: Option<&'a BTreeMap<String, CertificateTemplate>>,
    pub(crate) extra_args: &'a [String],
    pub(crate) extra_volumes: &'a [Volume],
    pub(crate) extra_volume_mounts: &'a [VolumeMount],
    pub(crate) logging: Option<&'a LoggingSpec>,
    pub(crate) auth: Option<&'a AuthSpec>,
    pub(crate) path_mappings: &'a [PathMappingEntry],
}

impl Proxy<'_> {
    /// Its three certificates.
    pub(crate) fn certificates(&self, warnings: &mut Vec<String>) -> Vec<CertificatePlan> {
        let name = |suffix: &str| format!("{}-{suffix}", self.prefix);
        let by = |ca| self.installation.issued_by(ca);
        let masters = Some(MASTERS_GROUP);
        let plans = [
            ("server", CertificatePlan::server(name("server"), by(Ca::Server), self.dns_names.clone())),
            ("kubeconfig", CertificatePlan::client(name("kubeconfig"), by(Ca::Client), self.user, masters)),
            (
                "requestheader",
                CertificatePlan::client(name("requestheader"), by(Ca::RequestHeader), self.user, None),
            ),
        ];
        plans
            .into_iter()
            .map(|(key, plan)| {
                let template = self.spec.certificate_templates.and_then(|templates| templates.get(key));
                plan.labelled(self.secret_labels.clone(), self.labels.clone()).adjusted(template, warnings)
            })
            .collect()
    }

    /// What its pods mount, made or given.
    pub(crate) fn sources(&self) -> Vec<Source> {
        self.pod().sources
    }

    /// All its objects. A Deployment that has to wait is reported in `waiting`.
    pub(crate) fn build(
        &self,
        owner: &Owner,
        contents: &Contents,
        existing: Option<&Deployment>,
        objects: &mut Vec<Object>,
        waiting: &mut Vec<Waiting>,
    ) {
        objects.extend(
            self.certificates(&mut Vec::new())
                .iter()
                .filter_map(|plan| cert_manager::certificate(plan, owner)),
        );
        let mut made = vec![self.config_map(owner), self.kubeconfig(owner)];
        let mut problem = None;
        for file in self.trust_files(owner, contents) {
            match file {
                Ok(object) => made.push(object),
                Err(reason) => problem = Some(reason),
            }
        }
        let contents = contents.with(&made);
        objects.extend(made);
        let ports = [("https", self.port, 6443)];
        objects.push(server::service(&self.name, &self.labels, &ports, owner, self.spec.service_template));
        let deployment = match problem {
            Some(reason) => Err(Waiting { deployment: self.name.clone(), reason }),
            None => self.server().deployment(self.pod(), owner, &contents, existing),
        };
        match deployment {
            Ok(object) => objects.push(object),
            Err(reason) => waiting.push(reason),
        }
    }

    fn server(&self) -> Server<'_> {
        Server {
            name: self.name.clone(),
            labels: self.labels.clone(),
            container: "kcp-front-proxy",
            command: &["/kcp-front-proxy"],
            image: self.image,
            resources: server::resources(&[], &[], self.spec.resources),
            probes: Probes::Proxy,
            replicas: self.spec.replicas,
            exclusive: false,
            template: self.spec.deployment_template,
        }
    }

    fn pod(&self) -> Pod {
        let mut pod = Pod::default();
        pod.extra(self.spec.extra_volumes, self.spec.extra_volume_mounts);
        self.mount(&mut pod);
        for arg in [
            "--secure-port=6443",
            "--root-kubeconfig=/etc/kcp-front-proxy/kubeconfig/kubeconfig",
            "--shards-kubeconfig=/etc/kcp-front-proxy/kubeconfig/kubeconfig",
            "--tls-private-key-file=/etc/kcp-front-proxy/tls/tls.key",
            "--tls-cert-file=/etc/kcp-front-proxy/tls/tls.crt",
            "--mapping-file=/etc/kcp-front-proxy/config/path-mapping.yaml",
            "--client-ca-file=/etc/kcp-front-proxy/client-ca/tls.crt",
        ] {
            pod.arg(arg);
        }
        flags::request_header(
            &mut pod,
            &format!("{ROOT_CA}/requestheader-client"),
            [self.user, MOUNTS_PROXY_USER],
        );
        if let Some(auth) = self.spec.auth {
            pod.flag("authentication-drop-groups", dropped_groups(&auth.drop_groups));
            pod.flag("authentication-pass-on-groups", some_list(&auth.pass_on_groups));
        }
        flags::logging(&mut pod, self.spec.logging);
        pod.args.extend(self.spec.extra_args.iter().cloned());
        let keys = ServiceAccountKeys {
            root_shard: &self.installation.name,
            shards: self.shards,
            bundled: self.image.bundled,
        };
        flags::authentication(&mut pod, self.spec.auth, &keys);
        pod
    }

    /// Volumes are called like what they mount.
    fn mount(&self, pod: &mut Pod) {
        let root_shard = &self.installation.name;
        let kubeconfig = self.kubeconfig_name();
        pod.secret(&kubeconfig, &kubeconfig, &format!("{BASE}/kubeconfig"), Reads::Again);
        // As it has always been, although nothing can be written there.
        pod.mounts
            .iter_mut()
            .filter(|mount| mount.name == kubeconfig)
            .for_each(|mount| mount.read_only = None);
        let mut secret = |name: &str, path: &str, reads: Reads| pod.secret(name, name, path, reads);
        secret(
            &format!("{}-kubeconfig", self.prefix),
            &format!("{BASE}/kubeconfig-client-cert"),
            Reads::Again,
        );
        secret(&format!("{}-server", self.prefix), &format!("{BASE}/tls"), Reads::Again);
        secret(
            &format!("{}-requestheader", self.prefix),
            &format!("{BASE}/requestheader-client"),
            Reads::Again,
        );
        let root = Ca::Root.of(root_shard);
        pod.authority(&root, &root, ROOT_CA);
        // Manifests with path mappings of their own name the root CA here.
        pod.authority(&root, &root, &format!("{BASE}/tls/ca"));
        let proxies = Ca::RequestHeader.of(root_shard);
        pod.authority(&proxies, &proxies, &format!("{ROOT_CA}/requestheader-client"));
        let mut secret = |name: &str, path: &str, reads: Reads| pod.secret(name, name, path, reads);
        if self.ca_bundle.is_some() {
            secret(&self.ca_bundle_name(), &format!("{ROOT_CA}/ca-bundle"), Reads::Again);
        }
        secret(&self.client_ca_name(), &format!("{BASE}/client-ca"), Reads::Again);
        let config = self.config_name();
        pod.config_map(&config, &config, &format!("{BASE}/config"), Reads::Again);
    }

    fn config_name(&self) -> String {
        format!("{}-config", self.own_prefix)
    }

    fn kubeconfig_name(&self) -> String {
        format!("{}-dynamic-kubeconfig", self.prefix)
    }

    fn client_ca_name(&self) -> String {
        format!("{}-merged-client-ca", self.own_prefix)
    }

    fn ca_bundle_name(&self) -> String {
        format!("{}-merged-ca-bundle", self.own_prefix)
    }

    fn trust_files(&self, owner: &Owner, contents: &Contents) -> Vec<Result<Object, String>> {
        let root_shard = &self.installation.name;
        let labels = || self.secret_labels.clone();
        let clients = Ca::Client.of(root_shard);
        let (name, bundles) = (self.client_ca_name(), &self.client_ca_bundles);
        let mut files = vec![trust::merged(&name, &clients, bundles, labels(), owner, contents)];
        if let Some(bundle) = self.ca_bundle {
            let servers = Ca::Server.of(root_shard);
            files.push(trust::merged(&self.ca_bundle_name(), &servers, &[bundle], labels(), owner, contents));
        }
        files
    }

    fn config_map(&self, owner: &Owner) -> Object {
        let ca = if self.ca_bundle.is_some() { "ca-bundle/tls.crt" } else { "tls.crt" };
        let mapping = |path: &str| PathMapping {
            backend: self.installation.base_url.clone(),
            backend_server_ca: format!("{ROOT_CA}/{ca}"),
            path: path.to_owned(),
            proxy_client_cert: format!("{BASE}/requestheader-client/tls.crt"),
            proxy_client_key: format!("{BASE}/requestheader-client/tls.key"),
        };
        let mut mappings = vec![mapping("/clusters/"), mapping("/services/")];
        mappings.extend(self.spec.path_mappings.iter().map(|entry| PathMapping {
            backend: entry.backend.clone(),
            backend_server_ca: entry.backend_server_ca.clone(),
            path: entry.path.clone(),
            proxy_client_cert: entry.proxy_client_cert.clone(),
            proxy_client_key: entry.proxy_client_key.clone(),
        }));
        let data = BTreeMap::from([("path-mapping.yaml".to_owned(), yaml(&mappings))]);
        let metadata = owner.metadata(&self.config_name(), self.labels.clone());
        Object::ConfigMap(ConfigMap { metadata, data: Some(data), ..ConfigMap::default() })
    }

    fn kubeconfig(&self, owner: &Owner) -> Object {
        let credential = Credential::in_directory(&format!("{BASE}/kubeconfig-client-cert"));
        let file = File::new("admin", credential, "system:admin")
            .cluster("system:admin", &self.installation.base_url, FileCa::File(format!("{ROOT_CA}/tls.crt")))
            .context("system:admin", "system:admin")
            .untyped();
        trust::kubeconfig_secret(owner, &self.kubeconfig_name(), self.labels.clone(), file.to_yaml())
    }
}

/// An entry of the file that tells the proxy where to send what.
#[derive(Serialize)]
struct PathMapping {
    backend: String,
    backend_server_ca: String,
    path: String,
    proxy_client_cert: String,
    proxy_client_key: String,
}

/// Groups that give rights on shards, which nobody from outside may bring along.
const DROPPED: [&str; 4] = [
    "system:masters",
    "system:kcp:logical-cluster-admin",
    "system:kcp:initializer:*",
    "system:kcp:terminator:*",
];

/// The value of the flag; `None` leaves the proxy's own list. Groups are dropped beside that list, and
/// one empty group is the way to say "none at all".
fn dropped_groups(groups: &[String]) -> Option<String> {
    if groups.is_empty() {
        return None;
    }
    let named: Vec<&str> = groups.iter().map(String::as_str).filter(|group| !group.is_empty()).collect();
    if named.is_empty() {
        return Some(String::new());
    }
    let more = named.into_iter().filter(|group| !DROPPED.contains(group));
    Some(DROPPED.into_iter().chain(more).collect::<Vec<_>>().join(","))
}

fn some_list(groups: &[String]) -> Option<String> {
    (!groups.is_empty()).then(|| groups.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_dropped_beside_the_built_in_ones() {
        let check = |groups: &[&str]| {
            dropped_groups(&groups.iter().map(|&group| group.to_owned()).collect::<Vec<_>>())
        };
        assert_eq!(check(&[]), None);
        assert_eq!(check(&[""]), Some(String::new()));
        let all = check(&["internal", "system:masters"]).unwrap();
        assert!(all.starts_with("system:masters,") && all.ends_with(",internal"), "{all}");
    }
}

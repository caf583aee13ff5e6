//! The Deployment and the Service of one server.

use std::collections::BTreeMap;

use k8s_openapi::api::apps::v1::{Deployment, DeploymentSpec, DeploymentStrategy, RollingUpdateDeployment};
use k8s_openapi::api::core::v1::{
    Capabilities, Container, ContainerPort, HTTPGetAction, LocalObjectReference, PodSecurityContext, PodSpec,
    PodTemplateSpec, Probe, ResourceRequirements, SeccompProfile, SecurityContext, Service, ServicePort,
    ServiceSpec,
};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use kcp_operator_api::{DeploymentTemplate, ServiceTemplate, Text};

use crate::Image;
use crate::names::{CONTENT_ANNOTATION, under};
use crate::objects::{Object, Owner, Waiting};
use crate::pod::{Contents, Pod};

/// User and group of the images.
const NONROOT: i64 = 65532;

/// One server: all that its Deployment says beside the pod's arguments and mounts.
pub(crate) struct Server<'a> {
    pub(crate) name: String,
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) container: &'a str,
    pub(crate) command: &'a [&'a str],
    pub(crate) image: &'a Image,
    pub(crate) resources: Option<ResourceRequirements>,
    pub(crate) probes: Probes,
    pub(crate) replicas: Option<i32>,
    /// Whether pods share a volume that only one may write, so that the old one goes first.
    pub(crate) exclusive: bool,
    pub(crate) template: Option<&'a DeploymentTemplate>,
}

/// How a server is asked how it is, if its image is not ours.
#[derive(Clone, Copy)]
pub(crate) enum Probes {
    /// A shard: may take minutes to start.
    Shard,
    /// A proxy.
    Proxy,
}

impl Server<'_> {
    /// The Deployment, or what it waits for. `existing` is the one that is there.
    pub(crate) fn deployment(
        self,
        pod: Pod,
        owner: &Owner,
        contents: &Contents,
        existing: Option<&Deployment>,
    ) -> Result<Object, Waiting> {
        if let Some(reason) = pod.missing(contents) {
            return Err(Waiting { deployment: self.name, reason });
        }
        let mut metadata = owner.metadata(&self.name, self.labels.clone());
        if let Some(template) = self.template.and_then(|template| template.metadata.as_ref()) {
            metadata.labels = Some(under(Some(&template.labels), self.labels.clone()));
            metadata.annotations = some(template.annotations.clone());
        }
        let spec = DeploymentSpec {
            replicas: replicas(self.replicas, self.exclusive, existing),
            selector: LabelSelector { match_labels: Some(self.labels.clone()), match_expressions: None },
            strategy: Some(strategy(self.exclusive)),
            template: self.pod_template(pod, contents),
            ..DeploymentSpec::default()
        };
        Ok(Object::Deployment(Deployment { metadata, spec: Some(spec), status: None }))
    }

    fn pod_template(&self, pod: Pod, contents: &Contents) -> PodTemplateSpec {
        let template = self.template.and_then(|template| template.spec.as_ref()?.template.as_ref());
        let asked = template.and_then(|template| template.metadata.as_ref());
        let digest = pod.digest(contents, self.image.bundled);
        let own = digest.map(|digest| (CONTENT_ANNOTATION.to_owned(), digest)).into_iter().collect();
        let metadata = ObjectMeta {
            labels: Some(under(asked.map(|asked| &asked.labels), self.labels.clone())),
            annotations: some(under(asked.map(|asked| &asked.annotations), own)),
            ..ObjectMeta::default()
        };
        let container = self.container(&pod);
        let mut spec = PodSpec {
            containers: vec![container],
            volumes: some_list(pod.volumes),
            image_pull_secrets: some_list(pull_secrets(&self.image.pull_secrets)),
            security_context: Some(PodSecurityContext {
                seccomp_profile: Some(runtime_default()),
                fs_group: self.exclusive.then_some(NONROOT),
                ..PodSecurityContext::default()
            }),
            ..PodSpec::default()
        };
        if let Some(asked) = template.and_then(|template| template.spec.as_ref()) {
            spec.node_selector = some(asked.node_selector.clone());
            spec.affinity.clone_from(&asked.affinity);
            spec.tolerations = some_list(asked.tolerations.clone());
            spec.host_aliases = some_list(asked.host_aliases.clone());
            spec.topology_spread_constraints = some_list(asked.topology_spread_constraints.clone());
            let mut secrets = pull_secrets(&self.image.pull_secrets);
            secrets.extend(pull_secrets(&asked.image_pull_secrets));
            secrets.dedup();
            spec.image_pull_secrets = some_list(secrets);
        }
        PodTemplateSpec { metadata: Some(metadata), spec: Some(spec) }
    }

    fn container(&self, pod: &Pod) -> Container {
        let (startup, readiness, liveness) = self.probes.of(self.image.bundled);
        Container {
            name: self.container.to_owned(),
            image: Some(self.image.name.clone()),
            image_pull_policy: Some("IfNotPresent".to_owned()),
            command: Some(self.command.iter().map(|&word| word.to_owned()).collect()),
            args: some_list(pod.args.clone()),
            ports: Some(vec![ContainerPort {
                name: Some("https".to_owned()),
                container_port: 6443,
                protocol: Some("TCP".to_owned()),
                ..ContainerPort::default()
            }]),
            resources: self.resources.clone(),
            volume_mounts: some_list(pod.mounts.clone()),
            startup_probe: startup,
            readiness_probe: Some(readiness),
            liveness_probe: Some(liveness),
            security_context: Some(SecurityContext {
                seccomp_profile: Some(runtime_default()),
                read_only_root_filesystem: Some(true),
                allow_privilege_escalation: Some(false),
                capabilities: Some(Capabilities { add: None, drop: Some(vec!["ALL".to_owned()]) }),
                ..SecurityContext::default()
            }),
            ..Container::default()
        }
    }
}

impl Probes {
    /// Startup, readiness and liveness. Our own servers are up in a moment and cheap to ask, so they are
    /// asked every second until they are ready, and every other second from then on.
    fn of(self, bundled: bool) -> (Option<Probe>, Probe, Probe) {
        let probe = |path: &str, delay: Option<i32>, period: i32, timeout: i32, failures: i32| Probe {
            http_get: Some(HTTPGetAction {
                path: Some(path.to_owned()),
                port: IntOrString::String("https".to_owned()),
                scheme: Some("HTTPS".to_owned()),
                ..HTTPGetAction::default()
            }),
            initial_delay_seconds: delay,
            period_seconds: Some(period),
            timeout_seconds: Some(timeout),
            success_threshold: Some(1),
            failure_threshold: Some(failures),
            ..Probe::default()
        };
        match (self, bundled) {
            (Self::Shard | Self::Proxy, true) => (
                Some(probe("/readyz", None, 1, 5, 300)),
                probe("/readyz", None, 2, 5, 3),
                probe("/livez", None, 10, 10, 6),
            ),
            (Self::Shard, false) => (
                Some(probe("/readyz", Some(10), 5, 10, 60)),
                probe("/readyz", Some(10), 10, 10, 6),
                probe("/livez", Some(10), 10, 10, 6),
            ),
            (Self::Proxy, false) => {
                (None, probe("/readyz", Some(15), 10, 10, 3), probe("/livez", Some(15), 10, 10, 3))
            }
        }
    }
}

/// How many pods. Without a wish it is two at first, and then whatever somebody scaled it to: once
/// another manager owns the field, it is left alone.
fn replicas(wanted: Option<i32>, exclusive: bool, existing: Option<&Deployment>) -> Option<i32> {
    if exclusive {
        return Some(wanted.unwrap_or(1).min(1));
    }
    if wanted.is_some() {
        return wanted;
    }
    let Some(existing) = existing else { return Some(2) };
    let managers = existing.metadata.managed_fields.iter().flatten();
    let scaled =
        managers.filter(|entry| entry.manager.as_deref() != Some(crate::names::MANAGER)).any(|entry| {
            let fields = entry.fields_v1.as_ref().map(|fields| &fields.0);
            fields.is_some_and(|fields| fields.pointer("/f:spec/f:replicas").is_some())
        });
    if scaled { None } else { existing.spec.as_ref().and_then(|spec| spec.replicas).or(Some(2)) }
}

fn strategy(exclusive: bool) -> DeploymentStrategy {
    if exclusive {
        return DeploymentStrategy { type_: Some("Recreate".to_owned()), rolling_update: None };
    }
    DeploymentStrategy {
        type_: Some("RollingUpdate".to_owned()),
        rolling_update: Some(RollingUpdateDeployment {
            max_surge: Some(IntOrString::Int(1)),
            max_unavailable: Some(IntOrString::Int(0)),
        }),
    }
}

/// A Service in front of a server.
pub(crate) fn service(
    name: &str,
    labels: &BTreeMap<String, String>,
    ports: &[(&str, u16, u16)],
    owner: &Owner,
    template: Option<&ServiceTemplate>,
) -> Object {
    let mut metadata = owner.metadata(name, labels.clone());
    if let Some(template) = template.and_then(|template| template.metadata.as_ref()) {
        metadata.labels = Some(under(Some(&template.labels), labels.clone()));
        metadata.annotations = some(template.annotations.clone());
    }
    let asked = template.and_then(|template| template.spec.as_ref());
    let service_type = asked.and_then(|asked| asked.service_type.text()).unwrap_or("ClusterIP");
    let ports = ports.iter().map(|(name, port, target)| ServicePort {
        name: Some((*name).to_owned()),
        protocol: Some("TCP".to_owned()),
        port: i32::from(*port),
        target_port: Some(IntOrString::Int(i32::from(*target))),
        app_protocol: Some("https".to_owned()),
        ..ServicePort::default()
    });
    let spec = ServiceSpec {
        type_: Some(service_type.to_owned()),
        cluster_ip: asked.and_then(|asked| asked.cluster_ip.text()).map(str::to_owned),
        ports: Some(ports.collect()),
        selector: Some(labels.clone()),
        ..ServiceSpec::default()
    };
    Object::Service(Service { metadata, spec: Some(spec), status: None })
}

/// Requests and limits of a component, each replaced by what a user gives.
pub(crate) fn resources(
    requests: &[(&str, &str)],
    limits: &[(&str, &str)],
    given: Option<&ResourceRequirements>,
) -> Option<ResourceRequirements> {
    let merge = |defaults: &[(&str, &str)], given: Option<&BTreeMap<String, Quantity>>| {
        let mut all: BTreeMap<String, Quantity> =
            defaults.iter().map(|(name, size)| ((*name).to_owned(), Quantity((*size).to_owned()))).collect();
        all.extend(given.into_iter().flatten().map(|(name, size)| (name.clone(), size.clone())));
        some(all)
    };
    let requests = merge(requests, given.and_then(|given| given.requests.as_ref()));
    let limits = merge(limits, given.and_then(|given| given.limits.as_ref()));
    (requests.is_some() || limits.is_some()).then_some(ResourceRequirements {
        claims: None,
        limits,
        requests,
    })
}

fn runtime_default() -> SeccompProfile {
    SeccompProfile { type_: "RuntimeDefault".to_owned(), localhost_profile: None }
}

fn pull_secrets(references: &[kcp_operator_api::LocalObjectReference]) -> Vec<LocalObjectReference> {
    references.iter().map(|reference| LocalObjectReference { name: reference.name.clone() }).collect()
}

fn some<V>(map: BTreeMap<String, V>) -> Option<BTreeMap<String, V>> {
    (!map.is_empty()).then_some(map)
}

fn some_list<T>(list: Vec<T>) -> Option<Vec<T>> {
    (!list.is_empty()).then_some(list)
}

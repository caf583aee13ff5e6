//! FrontProxy: from what its spec says to the objects that run it.

use std::collections::BTreeMap;

use k8s_openapi::api::apps::v1::Deployment;
use kcp_operator_api::{FrontProxy, FrontProxySpec, RootShard, Shard, Text};
use kube::ResourceExt as _;

use crate::installation::{self, Address};
use crate::names::{
    BUNDLE_ANNOTATION, Ca, Component, FRONT_PROXY_LABEL, FRONT_PROXY_USER, ROOT_SHARD_LABEL, labels,
};
use crate::objects::{Built, Owner, Resources};
use crate::pod::{Contents, Source};
use crate::proxy::{Proxy, ProxySpec};
use crate::{CertificatePlan, Image, Images, Installation, Refusal, flags};

/// A FrontProxy that can be built: all later steps trust this value.
#[derive(Clone, Debug)]
pub struct ValidFrontProxy {
    /// The installation that it belongs to.
    pub installation: Installation,
    /// Where clients find it.
    pub external: Address,
    /// Owner of its objects.
    pub owner: Owner,
    /// What it runs.
    pub image: Image,
    /// What is done in another way than asked, one line each.
    pub warnings: Vec<String>,
    name: String,
    shards: Vec<String>,
    spec: FrontProxySpec,
}

impl ValidFrontProxy {
    /// Checks a FrontProxy. `root_shard` is the one that it names.
    ///
    /// # Errors
    /// A field without meaning, fields that contradict each other, or a name that cannot be used.
    pub fn new(
        front_proxy: &FrontProxy,
        owner: Owner,
        root_shard: &RootShard,
        shards: &[Shard],
        images: &Images,
    ) -> Result<Self, Refusal> {
        if front_proxy.annotations().get(BUNDLE_ANNOTATION).is_some_and(|value| !value.is_empty()) {
            return Err(Refusal::bundle());
        }
        let installation = Installation::of(root_shard)?;
        let name = installation::name(&front_proxy.name_any(), "FrontProxy", "-front-proxy")?;
        if name == "proxy" {
            return Err(Refusal::collision(
                "a FrontProxy called \"proxy\" would share the Secrets of the RootShard's own proxy; rename it",
            ));
        }
        let spec = front_proxy.spec.clone();
        check(&spec)?;
        let shards = shards
            .iter()
            .filter(|shard| shard.spec.root_shard.reference.text() == Some(installation.name.as_str()));
        let mut valid = Self {
            external: external(&spec, &installation)?,
            image: images.resolve(spec.image.as_ref()),
            shards: crate::certificate::sorted(shards.map(kube::ResourceExt::name_any)),
            warnings: Vec::new(),
            installation,
            owner,
            name,
            spec,
        };
        let mut warnings = Vec::new();
        valid.proxy().certificates(&mut warnings);
        valid.warnings = warnings;
        Ok(valid)
    }

    /// Its certificates.
    pub fn certificates(&self) -> Vec<CertificatePlan> {
        self.proxy().certificates(&mut Vec::new())
    }

    /// The Secrets and ConfigMaps that its pods mount and that go into trust files.
    pub fn sources(&self) -> Vec<Source> {
        let mut sources = self.proxy().sources();
        let ca_bundle = self.spec.ca_bundle_secret_ref.text();
        let clients = [self.installation.client_ca_bundle.as_deref(), self.spec.client_ca_bundle_ref.text()];
        sources.extend(clients.into_iter().chain([ca_bundle]).flatten().map(Source::secret));
        sources.extend(self.certificates().iter().map(|plan| Source::secret(&plan.name)));
        sources.push(Source::secret(&Ca::Client.of(&self.installation.name)));
        sources.push(Source::secret(&Ca::Server.of(&self.installation.name)));
        sources
    }

    /// All its objects. `existing` are its Deployments as they are now.
    pub fn build(&self, contents: &Contents, existing: &BTreeMap<String, Deployment>) -> Resources<Built> {
        let (mut objects, mut waiting) = (Vec::new(), Vec::new());
        let proxy = self.proxy();
        proxy.build(&self.owner, contents, existing.get(&proxy.name), &mut objects, &mut waiting);
        Resources::wanted(objects, waiting)
    }

    /// Names of the Deployments that must be up for the proxy to be.
    pub fn deployments(&self) -> Vec<String> {
        vec![self.proxy().name]
    }

    fn proxy(&self) -> Proxy<'_> {
        let (installation, spec) = (&self.installation, &self.spec);
        let service = format!("{}-front-proxy", self.name);
        let secret_labels = labels([(ROOT_SHARD_LABEL, &installation.name), (FRONT_PROXY_LABEL, &self.name)]);
        let clients = [installation.client_ca_bundle.as_deref(), spec.client_ca_bundle_ref.text()];
        let dns_names = vec![
            service.clone(),
            format!("{service}.{}", installation.namespace),
            installation.service_host(&service),
            installation.external.host.clone(),
            installation.internal.host.clone(),
            self.external.host.clone(),
        ];
        Proxy {
            installation,
            labels: Component::FrontProxy.labels(&self.name),
            secret_labels,
            name: service,
            prefix: format!("{}-{}", installation.name, self.name),
            own_prefix: self.name.clone(),
            user: FRONT_PROXY_USER,
            dns_names,
            image: &self.image,
            port: self.external.port,
            ca_bundle: spec.ca_bundle_secret_ref.text(),
            client_ca_bundles: clients.into_iter().flatten().collect(),
            shards: &self.shards,
            spec: ProxySpec {
                replicas: spec.replicas,
                resources: spec.resources.as_ref(),
                service_template: spec.service_template.as_ref(),
                deployment_template: spec.deployment_template.as_ref(),
                certificate_templates: Some(&spec.certificate_templates),
                extra_args: &spec.extra_args,
                extra_volumes: &spec.extra_volumes,
                extra_volume_mounts: &spec.extra_volume_mounts,
                logging: spec.logging.as_ref(),
                auth: spec.auth.as_ref(),
                path_mappings: &spec.additional_path_mappings,
            },
        }
    }
}

fn check(spec: &FrontProxySpec) -> Result<(), Refusal> {
    if let Some(replicas) = spec.replicas.filter(|replicas| *replicas < 0) {
        return Err(Refusal::invalid(format!("replicas is {replicas}")));
    }
    let Some(auth) = &spec.auth else { return Ok(()) };
    let service_accounts = auth.service_account.as_ref().is_some_and(|account| account.enabled);
    if auth.oidc.is_some() && !service_accounts {
        return Err(Refusal::conflict(
            "auth.oidc is set without auth.serviceAccount.enabled, so tokens of ServiceAccounts would be refused",
        ));
    }
    for (field, groups) in [("dropGroups", &auth.drop_groups), ("passOnGroups", &auth.pass_on_groups)] {
        if flags::list(groups).is_none() {
            return Err(Refusal::invalid(format!(
                "auth.{field}: a group has a comma or a quote in its name"
            )));
        }
    }
    Ok(())
}

/// Where clients find the proxy. Old manifests have a host with perhaps a port in one field.
pub(crate) fn external(spec: &FrontProxySpec, installation: &Installation) -> Result<Address, Refusal> {
    let old = spec.external_hostname.text();
    match (spec.own_external(), old) {
        (Some(external), Some(_)) if !external.hostname.is_empty() => Err(Refusal::conflict(
            "externalHostname and external.hostname are both set; keep external.hostname",
        )),
        (Some(external), None) => Ok(Address {
            host: match external.hostname.as_str() {
                "" => installation.external.host.clone(),
                hostname => installation::host(hostname, "external.hostname")?,
            },
            port: match external.port {
                0 => installation.external.port,
                port => installation::port(port, "external.port")?,
            },
        }),
        (_, Some(old)) => match old.rsplit_once(':').filter(|(host, _)| !host.contains(':')) {
            Some((host, port)) => Ok(Address {
                host: installation::host(host, "externalHostname")?,
                port: installation::port(port.parse().unwrap_or(0), "externalHostname: port")?,
            }),
            None => Ok(Address { host: installation::host(old, "externalHostname")?, port: 6443 }),
        },
        (None, None) => Ok(installation.external.clone()),
    }
}

//! RootShard: from what its spec says to the objects that run it.

use std::collections::BTreeMap;

use k8s_openapi::api::apps::v1::Deployment;
use kcp_operator_api::{RootShard, RootShardSpec, Shard, Text, VirtualWorkspace};
use kube::ResourceExt as _;

use crate::installation::{Address, Issuing};
use crate::names::{
    BUNDLE_ANNOTATION, Component, INTERNAL_PROXY_USER, ROOT_SHARD_LABEL, STORE_ANNOTATION, labels,
};
use crate::objects::{Built, Owner, Resources};
use crate::pod::{Contents, Source};
use crate::proxy::{Proxy, ProxySpec};
use crate::store::{Settled, Store};
use crate::{CertificatePlan, Image, Images, Installation, Refusal, cert_manager, root_shard_pod, trust};

mod certificates;

/// All objects beside the RootShard that say how it is built.
#[derive(Clone, Debug, Default)]
pub struct RootShardInputs {
    /// The Shards of its namespace.
    pub shards: Vec<Shard>,
    /// The VirtualWorkspace that `spec.kcpVirtualWorkspace` names, if it exists.
    pub virtual_workspace: Option<VirtualWorkspace>,
}

/// A RootShard that can be built: all later steps trust this value.
#[derive(Clone, Debug)]
pub struct ValidRootShard {
    /// What the whole installation shares.
    pub installation: Installation,
    /// Owner of its objects.
    pub owner: Owner,
    /// Where its objects are kept.
    pub store: Settled,
    /// What the shard runs.
    pub image: Image,
    /// What the internal proxy runs.
    pub proxy_image: Image,
    /// Names of the Shards of the installation, sorted.
    pub shards: Vec<String>,
    /// The server of its virtual workspaces, if that is not the shard itself.
    pub virtual_workspace: Option<ExternalVirtualWorkspace>,
    /// What is done in another way than asked, one line each.
    pub warnings: Vec<String>,
    pub(crate) spec: RootShardSpec,
}

/// A server of virtual workspaces beside the shard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExternalVirtualWorkspace {
    /// Name of the VirtualWorkspace.
    pub name: String,
    /// Where clients find it; `None` while the object does not exist.
    pub address: Option<Address>,
}

impl ValidRootShard {
    /// Checks a RootShard.
    ///
    /// # Errors
    /// A field without meaning, fields that contradict each other, or a name that cannot be used.
    pub fn new(
        root_shard: &RootShard,
        owner: Owner,
        inputs: &RootShardInputs,
        images: &Images,
    ) -> Result<Self, Refusal> {
        if root_shard.annotations().get(BUNDLE_ANNOTATION).is_some_and(|value| !value.is_empty()) {
            return Err(Refusal::bundle());
        }
        let installation = Installation::of(root_shard)?;
        let spec = root_shard.spec.clone();
        let recorded = root_shard.annotations().get(STORE_ANNOTATION).map(String::as_str);
        let store = Store::settle(Store::wanted(&spec.common.etcd)?, recorded);
        if store.refused.is_none() {
            check_replicas(&spec, &store.store)?;
        }
        check_volumes(&spec)?;
        let mut valid = Self {
            image: images.resolve(spec.common.image.as_ref()),
            proxy_image: images.resolve(spec.proxy.as_ref().and_then(|proxy| proxy.image.as_ref())),
            shards: shard_names(&installation.name, &inputs.shards)?,
            virtual_workspace: virtual_workspace(&spec, inputs)?,
            warnings: warnings(&spec, &store.store),
            installation,
            owner,
            store,
            spec,
        };
        let mut warnings = std::mem::take(&mut valid.warnings);
        valid.certificate_plans(&mut warnings);
        valid.warnings = warnings;
        Ok(valid)
    }

    /// The certificates of the installation, its authorities first.
    pub fn certificates(&self) -> Vec<CertificatePlan> {
        self.certificate_plans(&mut Vec::new())
    }

    fn certificate_plans(&self, warnings: &mut Vec<String>) -> Vec<CertificatePlan> {
        let mut plans = certificates::plans(self, warnings);
        plans.extend(self.proxy().certificates(warnings));
        plans
    }

    /// The Secrets and ConfigMaps that the pods mount and that go into trust files. Some do not exist
    /// yet, and some are made by [`Self::build`].
    pub fn sources(&self) -> Vec<Source> {
        let mut sources = root_shard_pod::pod(self).sources;
        sources.extend(self.proxy().sources());
        sources.extend(self.certificates().iter().map(|plan| Source::secret(&plan.name)));
        if let Issuing::Given(secret) = &self.installation.issuing {
            sources.push(Source::secret(secret));
        }
        let given = [&self.installation.ca_bundle, &self.installation.client_ca_bundle];
        sources.extend(given.into_iter().flatten().map(|name| Source::secret(name)));
        let keys = std::iter::once(&self.installation.name).chain(&self.shards);
        sources.extend(keys.map(|shard| Source::secret(&format!("{shard}-service-account"))));
        sources.push(Source::secret(&crate::flags::service_account_keys(&self.installation.name)));
        sources
    }

    /// All objects of the RootShard. `existing` are its Deployments as they are now.
    pub fn build(&self, contents: &Contents, existing: &BTreeMap<String, Deployment>) -> Resources<Built> {
        let (owner, name) = (&self.owner, &self.installation.name);
        let (mut objects, mut waiting) = (Vec::new(), Vec::new());
        for plan in certificates::plans(self, &mut Vec::new()) {
            objects.extend(cert_manager::certificate(&plan, owner));
            if plan.is_ca && certificates::needs_issuer(self) {
                objects.push(cert_manager::issuer(&plan, owner));
            }
        }
        let keys = trust::all_service_account_keys(name, &self.shards, self.secret_labels(), owner, contents);
        let contents = contents.with(std::slice::from_ref(&keys));
        objects.push(keys);
        root_shard_pod::build(self, &contents, existing, &mut objects, &mut waiting);
        let proxy = self.proxy();
        proxy.build(owner, &contents, existing.get(&proxy.name), &mut objects, &mut waiting);
        Resources::wanted(objects, waiting)
    }

    /// Names of the Deployments that must be up for the installation to be.
    pub fn deployments(&self) -> Vec<String> {
        vec![self.deployment_name(), self.proxy().name]
    }

    /// Name of Deployment and Service of the shard.
    pub(crate) fn deployment_name(&self) -> String {
        format!("{}-kcp", self.installation.name)
    }

    pub(crate) fn labels(&self) -> BTreeMap<String, String> {
        Component::RootShard.labels(&self.installation.name)
    }

    pub(crate) fn secret_labels(&self) -> BTreeMap<String, String> {
        labels([(ROOT_SHARD_LABEL, &self.installation.name)])
    }

    /// The proxy through which the operator reaches all shards.
    pub(crate) fn proxy(&self) -> Proxy<'_> {
        let installation = &self.installation;
        let name = format!("{}-proxy", installation.name);
        let mut dns_names = vec![name.clone(), format!("{name}.{}", installation.namespace)];
        dns_names.push(installation.service_host(&name));
        Proxy {
            installation,
            labels: Component::InternalProxy.labels(&installation.name),
            secret_labels: self.secret_labels(),
            prefix: name.clone(),
            own_prefix: name.clone(),
            user: INTERNAL_PROXY_USER,
            dns_names,
            name,
            image: &self.proxy_image,
            port: 6443,
            ca_bundle: installation.ca_bundle.as_deref(),
            client_ca_bundles: installation.client_ca_bundle.iter().map(String::as_str).collect(),
            shards: &self.shards,
            spec: self
                .spec
                .proxy
                .as_ref()
                .map(|proxy| ProxySpec {
                    replicas: proxy.replicas,
                    resources: proxy.resources.as_ref(),
                    service_template: proxy.service_template.as_ref(),
                    deployment_template: proxy.deployment_template.as_ref(),
                    certificate_templates: Some(&proxy.certificate_templates),
                    extra_args: &proxy.extra_args,
                    extra_volumes: &proxy.extra_volumes,
                    extra_volume_mounts: &proxy.extra_volume_mounts,
                    logging: proxy.logging.as_ref(),
                    auth: None,
                    path_mappings: &[],
                })
                .unwrap_or_default(),
        }
    }
}

/// A store of its own has one writer.
fn check_replicas(spec: &RootShardSpec, store: &Store) -> Result<(), Refusal> {
    match spec.common.replicas {
        Some(replicas) if replicas < 0 => Err(Refusal::invalid(format!("replicas is {replicas}"))),
        Some(replicas) if replicas > 1 && store.is_embedded() => Err(Refusal::conflict(format!(
            "replicas is {replicas}, but a shard with a store of its own runs once; \
             set it to 1, or give etcd.endpoints"
        ))),
        Some(_) | None => Ok(()),
    }
}

/// A user's volume may not be called like one of ours, and a mount must find its volume.
fn check_volumes(spec: &RootShardSpec) -> Result<(), Refusal> {
    let common = &spec.common;
    for volume in &common.extra_volumes {
        if root_shard_pod::VOLUMES.contains(&volume.name.as_str()) {
            return Err(Refusal::conflict(format!(
                "extraVolumes has a volume {:?}, which the shard has already; give it another name",
                volume.name
            )));
        }
    }
    for mount in &common.extra_volume_mounts {
        let known = common.extra_volumes.iter().any(|volume| volume.name == mount.name);
        if !known && !root_shard_pod::VOLUMES.contains(&mount.name.as_str()) {
            return Err(Refusal::conflict(format!(
                "extraVolumeMounts mounts a volume {:?}, which extraVolumes does not have",
                mount.name
            )));
        }
    }
    Ok(())
}

/// The Shards of this installation. One that is called like the RootShard would share its Secrets, and
/// one called `root` its name inside kcp.
fn shard_names(root_shard: &str, shards: &[Shard]) -> Result<Vec<String>, Refusal> {
    let ours = shards.iter().filter(|shard| shard.spec.root_shard.reference.text() == Some(root_shard));
    let mut names: Vec<String> = ours.map(kube::ResourceExt::name_any).collect();
    names.sort();
    if let Some(name) = names.iter().find(|name| *name == root_shard) {
        return Err(Refusal::collision(format!(
            "a Shard and its RootShard are both called {name:?} and would share their Secrets; rename the Shard"
        )));
    }
    Ok(names)
}

fn virtual_workspace(
    spec: &RootShardSpec,
    inputs: &RootShardInputs,
) -> Result<Option<ExternalVirtualWorkspace>, Refusal> {
    let Some(name) = spec.common.kcp_virtual_workspace.text() else { return Ok(None) };
    let address = match &inputs.virtual_workspace {
        Some(found) => {
            Some(Address::of(&found.spec.external, &format!("VirtualWorkspace {name}: external"))?)
        }
        None => None,
    };
    Ok(Some(ExternalVirtualWorkspace { name: name.to_owned(), address }))
}

fn warnings(spec: &RootShardSpec, store: &Store) -> Vec<String> {
    let mut warnings = Vec::new();
    if spec.common.etcd.storage.is_some() && !store.is_embedded() {
        warnings.push("etcd.storage has no effect beside etcd.endpoints".to_owned());
    }
    let external = &spec.external;
    if external.private_port.is_some_and(|port| port != 0) && external.private_hostname.text().is_none() {
        warnings.push("external.privatePort has no effect without external.privateHostname".to_owned());
    }
    if let Some(auth) = &spec.common.auth
        && !(auth.drop_groups.is_empty() && auth.pass_on_groups.is_empty())
    {
        warnings.push("auth.dropGroups and auth.passOnGroups have an effect on a FrontProxy only".to_owned());
    }
    warnings
}

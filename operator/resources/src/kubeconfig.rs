//! Kubeconfig: a client certificate, written into a Secret for its user.

use kcp_operator_api::{CertificateTemplate, FrontProxy, Kubeconfig, KubeconfigSpec, RootShard, Shard, Text};
use kcp_pki::PemBundle;
use kube::ResourceExt as _;

use crate::front_proxy::external;
use crate::kubeconfig_file::{Ca as FileCa, Credential, File};
use crate::names::{Ca, KUBECONFIG_LABEL, labels};
use crate::objects::{Built, Owner, Resources, Waiting};
use crate::pod::{Contents, Source};
use crate::{CertificatePlan, Installation, Refusal, cert_manager, trust};

/// The server that a Kubeconfig points at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// A RootShard of this name.
    RootShard(String),
    /// A Shard of this name.
    Shard(String),
    /// A FrontProxy of this name.
    FrontProxy(String),
}

impl Target {
    /// The first reference that is set.
    ///
    /// # Errors
    /// None is.
    pub fn of(spec: &KubeconfigSpec) -> Result<Self, Refusal> {
        let target = &spec.target;
        let name = |reference: &Option<_>| Text::text(reference).map(str::to_owned);
        name(&target.root_shard_ref)
            .map(Self::RootShard)
            .or_else(|| name(&target.shard_ref).map(Self::Shard))
            .or_else(|| name(&target.front_proxy_ref).map(Self::FrontProxy))
            .ok_or_else(|| Refusal::not_found("target names no RootShard, Shard or FrontProxy"))
    }

    /// Kind and name, as the status has it.
    pub fn status_name(&self) -> String {
        match self {
            Self::RootShard(name) => format!("RootShard/{name}"),
            Self::Shard(name) => format!("Shard/{name}"),
            Self::FrontProxy(name) => format!("FrontProxy/{name}"),
        }
    }
}

/// The target and the RootShard of its installation, as they are.
#[derive(Clone, Debug)]
pub enum TargetObject {
    /// A RootShard.
    RootShard,
    /// A Shard.
    Shard(Box<Shard>),
    /// A FrontProxy.
    FrontProxy(Box<FrontProxy>),
}

/// A Kubeconfig that can be built: all later steps trust this value.
#[derive(Clone, Debug)]
pub struct ValidKubeconfig {
    /// The installation that it is for.
    pub installation: Installation,
    /// Owner of its objects.
    pub owner: Owner,
    /// URL at which roles are bound, without the workspace.
    pub admin_url: String,
    /// What is done in another way than asked, one line each.
    pub warnings: Vec<String>,
    name: String,
    /// Of the server that the kubeconfig points at.
    url: String,
    /// Whether that is one shard.
    shard: bool,
    /// Name of the Secret with further CAs of the server.
    ca_bundle: Option<String>,
    spec: KubeconfigSpec,
    labels: std::collections::BTreeMap<String, String>,
}

impl ValidKubeconfig {
    /// Checks a Kubeconfig. `root_shard` is that of the target's installation.
    ///
    /// # Errors
    /// A field without meaning, or a target that has no address.
    pub fn new(
        kubeconfig: &Kubeconfig,
        owner: Owner,
        root_shard: &RootShard,
        target: &TargetObject,
    ) -> Result<Self, Refusal> {
        let installation = Installation::of(root_shard)?;
        let spec = kubeconfig.spec.clone();
        check(&spec)?;
        let proxy = installation.service_host(&format!("{}-proxy", installation.name));
        let (url, admin_url, shard, ca_bundle) = match target {
            TargetObject::RootShard => {
                (installation.base_url.clone(), installation.base_url.clone(), true, None)
            }
            TargetObject::Shard(shard) => {
                let url = shard_url(shard, &installation);
                (url.clone(), url, true, None)
            }
            TargetObject::FrontProxy(front_proxy) => (
                external(&front_proxy.spec, &installation)?.url(),
                format!("https://{proxy}:6443"),
                false,
                front_proxy.spec.ca_bundle_secret_ref.text().map(str::to_owned),
            ),
        };
        let mut valid = Self {
            name: kubeconfig.name_any(),
            labels: kubeconfig.labels().clone(),
            warnings: warnings(&spec),
            installation,
            owner,
            admin_url,
            url,
            shard,
            ca_bundle,
            spec,
        };
        let mut warnings = std::mem::take(&mut valid.warnings);
        valid.certificate_plan(&mut warnings);
        valid.warnings = warnings;
        Ok(valid)
    }

    /// Its certificate.
    pub fn certificate(&self) -> CertificatePlan {
        self.certificate_plan(&mut Vec::new())
    }

    fn certificate_plan(&self, warnings: &mut Vec<String>) -> CertificatePlan {
        let name = format!("kubeconfig-cert-{}", self.name);
        let issuer = self.installation.issued_by(Ca::Client);
        let mut plan = CertificatePlan::client(name, issuer, &self.spec.username, None);
        let groups = self.spec.groups.iter().cloned().chain([group(&self.name)]);
        plan.organizations = crate::certificate::sorted(groups);
        plan.duration = self.spec.validity;
        plan.renew_before = None;
        let template: Option<&CertificateTemplate> = self.spec.certificate_template.as_ref();
        plan.labelled(labels([(KUBECONFIG_LABEL, &self.name)]), self.labels.clone())
            .adjusted(template, warnings)
    }

    /// The Secrets that it is made of.
    pub fn sources(&self) -> Vec<Source> {
        let root_shard = &self.installation.name;
        let names = [self.certificate().name, Ca::Client.of(root_shard), Ca::Server.of(root_shard)];
        names.iter().chain(&self.ca_bundle).map(|name| Source::secret(name)).collect()
    }

    /// The Secret with the kubeconfig, and what it waits for.
    pub fn build(&self, contents: &Contents) -> Resources<Built> {
        let plan = self.certificate();
        let mut objects: Vec<_> = cert_manager::certificate(&plan, &self.owner).into_iter().collect();
        let mut waiting = Vec::new();
        match self.file(&plan, contents) {
            Ok(file) => objects.push(trust::kubeconfig_secret(
                &self.owner,
                &self.spec.secret_ref.name,
                labels([(KUBECONFIG_LABEL, &self.name)]),
                file.to_yaml(),
            )),
            Err(reason) => waiting.push(Waiting { deployment: String::new(), reason }),
        }
        Resources::wanted(objects, waiting)
    }

    fn file(&self, plan: &CertificatePlan, contents: &Contents) -> Result<File, String> {
        let part = |key: &str| {
            let found = contents.secret(&plan.name, key);
            found.ok_or_else(|| format!("Secret {} has no key {key} yet", plan.name))
        };
        let credential = Credential::embedded(part("tls.crt")?, part("tls.key")?);
        let ca = FileCa::embedded(self.authorities(contents)?.to_pem().as_bytes());
        let workspace = format!("{}/clusters/{}", self.url, self.spec.url_workspace());
        let file = File::new(&self.spec.username, credential, "default")
            .cluster("base", &self.url, ca.clone())
            .cluster("default", &workspace, ca)
            .context("default", "default")
            .context("base", "base");
        Ok(if self.shard { file.context("shard-base", "base") } else { file })
    }

    /// Who vouches for the server. Beside the authority that signed for it, the one above: clients that
    /// use OpenSSL want a chain up to its end.
    fn authorities(&self, contents: &Contents) -> Result<PemBundle, String> {
        let servers = Ca::Server.of(&self.installation.name);
        let mut all = trust::certificates(&servers, contents)?;
        if let Some(root) = contents.secret(&servers, "ca.crt") {
            all.add_pem(root).map_err(|error| format!("Secret {servers}: ca.crt: {error}"))?;
        }
        if let Some(bundle) = &self.ca_bundle {
            trust::certificates(bundle, contents)?
                .certificates()
                .iter()
                .cloned()
                .for_each(|der| all.add(der));
        }
        Ok(all)
    }
}

/// The group that every certificate of a Kubeconfig has, to which roles are bound.
pub fn group(kubeconfig: &str) -> String {
    format!("kubeconfig:{kubeconfig}")
}

fn shard_url(shard: &Shard, installation: &Installation) -> String {
    match shard.spec.common.shard_base_url.text() {
        Some(url) => url.trim_end_matches('/').to_owned(),
        None => {
            let domain = shard.spec.common.cluster_domain.text().unwrap_or("cluster.local");
            format!("https://{}-shard-kcp.{}.svc.{domain}:6443", shard.name_any(), installation.namespace)
        }
    }
}

fn check(spec: &KubeconfigSpec) -> Result<(), Refusal> {
    if spec.username.is_empty() {
        return Err(Refusal::invalid("username is empty"));
    }
    if spec.secret_ref.name.is_empty() {
        return Err(Refusal::invalid("secretRef.name is empty"));
    }
    if spec.validity.as_secs() < 60 {
        return Err(Refusal::invalid(format!("validity {} is shorter than a minute", spec.validity)));
    }
    let bindings = spec.authorization.as_ref().map(|authorization| &authorization.cluster_role_bindings);
    if spec.target_workspace.text().is_some()
        && bindings.is_some_and(|bindings| bindings.cluster.text().is_some())
    {
        return Err(Refusal::conflict(
            "targetWorkspace and authorization.clusterRoleBindings.cluster are both set; keep targetWorkspace",
        ));
    }
    Ok(())
}

fn warnings(spec: &KubeconfigSpec) -> Vec<String> {
    let target = &spec.target;
    let set = [&target.root_shard_ref, &target.shard_ref, &target.front_proxy_ref];
    match set.into_iter().filter(|reference| Text::text(*reference).is_some()).count() {
        0 | 1 => Vec::new(),
        _ => vec![
            "target names several servers; the first of RootShard, Shard and FrontProxy counts".to_owned(),
        ],
    }
}

//! Roles of a Kubeconfig inside kcp: ClusterRoleBindings in one workspace.
//!
//! The workspace is written into the status before anything is bound there, and the finalizer is set
//! before that, so that whatever was bound is found again and removed.

use std::collections::BTreeSet;
use std::time::Duration;

use http::Uri;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::api::rbac::v1::{ClusterRoleBinding, RoleRef, Subject};
use kcp_operator_api::Kubeconfig;
use kcp_operator_resources::names::{KUBECONFIG_LABEL, MANAGER, RBAC_FINALIZER, labels};
use kcp_operator_resources::{Installation, ValidKubeconfig, group};
use kcp_pki::PemBundle;
use kube::api::{DeleteParams, ListParams, Patch, PatchParams};
use kube::config::AuthInfo;
use kube::runtime::controller::Action;
use kube::runtime::events::EventType;
use kube::{Api, Client, Config, Resource as _, ResourceExt};
use serde_json::json;

use crate::context::Context;
use crate::error::{Error, Result};
use crate::fetch;

/// Binds the roles of a Kubeconfig. Returns the workspace, or `None` if it has no roles.
pub(crate) async fn bind(
    context: &Context,
    kubeconfig: &Kubeconfig,
    valid: &ValidKubeconfig,
) -> Result<Option<String>> {
    let wanted = kubeconfig.spec.rbac_workspace();
    let before = provisioned(kubeconfig);
    if let Some(before) = before.filter(|before| Some(*before) != wanted) {
        unbind(context, kubeconfig, valid, before).await?;
    }
    let Some(workspace) = wanted else {
        if has_finalizer(kubeconfig) {
            set_finalizer(context, kubeconfig, false).await?;
        }
        return Ok(None);
    };
    if !has_finalizer(kubeconfig) {
        set_finalizer(context, kubeconfig, true).await?;
    }
    if before != Some(workspace) {
        write_down(context, kubeconfig, workspace).await?;
    }
    let kcp = Workspace::connect(context, &valid.installation, &valid.admin_url, workspace).await?;
    let authorization = kubeconfig.spec.authorization.as_ref();
    let roles: BTreeSet<&String> = authorization
        .into_iter()
        .flat_map(|authorization| &authorization.cluster_role_bindings.cluster_roles)
        .collect();
    let bindings: Vec<_> = roles.into_iter().map(|role| binding(kubeconfig, role)).collect();
    let names: BTreeSet<String> = bindings.iter().map(ResourceExt::name_any).collect();
    kcp.remove(kubeconfig, |name| !names.contains(name)).await?;
    for binding in &bindings {
        kcp.apply(binding).await?;
    }
    Ok(Some(workspace.to_owned()))
}

/// Removes the roles of a Kubeconfig that is being deleted, and lets go of it.
pub(crate) async fn release(
    context: &Context,
    kubeconfig: &Kubeconfig,
    valid: Option<&ValidKubeconfig>,
) -> Result<Action> {
    if !has_finalizer(kubeconfig) {
        return Ok(Action::await_change());
    }
    match (provisioned(kubeconfig), valid) {
        (Some(workspace), Some(valid)) => unbind(context, kubeconfig, valid, workspace).await?,
        (Some(workspace), None) => {
            let note = format!("roles in {workspace} are not removed, because the installation is gone");
            context.event(&kubeconfig.object_ref(&()), EventType::Warning, "RolesAbandoned", &note).await;
        }
        (None, _) => {}
    }
    set_finalizer(context, kubeconfig, false).await?;
    Ok(Action::await_change())
}

async fn unbind(
    context: &Context,
    kubeconfig: &Kubeconfig,
    valid: &ValidKubeconfig,
    workspace: &str,
) -> Result<()> {
    let kcp = Workspace::connect(context, &valid.installation, &valid.admin_url, workspace).await?;
    kcp.remove(kubeconfig, |_| true).await
}

fn provisioned(kubeconfig: &Kubeconfig) -> Option<&str> {
    let authorization = kubeconfig.status.as_ref()?.authorization.as_ref()?;
    Some(authorization.provisioned_cluster.as_str()).filter(|workspace| !workspace.is_empty())
}

fn has_finalizer(kubeconfig: &Kubeconfig) -> bool {
    kubeconfig.finalizers().iter().any(|finalizer| finalizer == RBAC_FINALIZER)
}

async fn set_finalizer(context: &Context, kubeconfig: &Kubeconfig, present: bool) -> Result<()> {
    let mut finalizers: Vec<&str> =
        kubeconfig.finalizers().iter().map(String::as_str).filter(|name| *name != RBAC_FINALIZER).collect();
    if present {
        finalizers.push(RBAC_FINALIZER);
    }
    let patch = json!({ "metadata": {
        "resourceVersion": kubeconfig.resource_version(), "finalizers": finalizers,
    }});
    let api: Api<Kubeconfig> =
        Api::namespaced(context.client.clone(), &kubeconfig.namespace().unwrap_or_default());
    let name = kubeconfig.name_any();
    match api.patch_metadata(&name, &PatchParams::default(), &Patch::Merge(patch)).await {
        Err(kube::Error::Api(status)) if status.code == 404 && !present => Ok(()),
        answer => answer.map(drop).map_err(Error::api(format!("set the finalizer of Kubeconfig {name}"))),
    }
}

/// Says in the status where roles will be bound.
async fn write_down(context: &Context, kubeconfig: &Kubeconfig, workspace: &str) -> Result<()> {
    let api: Api<Kubeconfig> =
        Api::namespaced(context.client.clone(), &kubeconfig.namespace().unwrap_or_default());
    let patch = json!({ "status": { "authorization": { "provisionedCluster": workspace } } });
    let answer =
        api.patch_status(&kubeconfig.name_any(), &PatchParams::default(), &Patch::Merge(patch)).await;
    answer.map(drop).map_err(Error::api("write down the workspace of the roles"))
}

fn selector(kubeconfig: &Kubeconfig) -> String {
    format!("{KUBECONFIG_LABEL}={}", kubeconfig.uid().unwrap_or_default())
}

fn binding(kubeconfig: &Kubeconfig, role: &str) -> ClusterRoleBinding {
    let uid = kubeconfig.uid().unwrap_or_default();
    let mut binding = ClusterRoleBinding {
        role_ref: RoleRef {
            api_group: Some("rbac.authorization.k8s.io".to_owned()),
            kind: "ClusterRole".to_owned(),
            name: role.to_owned(),
        },
        subjects: Some(vec![Subject {
            api_group: Some("rbac.authorization.k8s.io".to_owned()),
            kind: "Group".to_owned(),
            name: group(&kubeconfig.name_any()),
            namespace: None,
        }]),
        ..ClusterRoleBinding::default()
    };
    binding.metadata.name = Some(format!("{uid}:{role}"));
    binding.metadata.labels = Some(labels([(KUBECONFIG_LABEL, &uid)]));
    binding
}

/// One workspace, with the rights of the operator.
struct Workspace {
    bindings: Api<ClusterRoleBinding>,
    url: String,
}

impl Workspace {
    async fn connect(context: &Context, installation: &Installation, base: &str, path: &str) -> Result<Self> {
        let url = format!("{base}/clusters/{path}");
        let name = format!("{}-kcp-operator", installation.name);
        let secret = fetch::get::<Secret>(&context.client, &installation.namespace, &name).await?;
        let failed = |reason: String| Error::Kcp { action: "connect".to_owned(), url: url.clone(), reason };
        let secret = secret.ok_or_else(|| failed(format!("Secret {name} does not exist yet")))?;
        let config = config(&url, &secret).map_err(failed)?;
        let client = Client::try_from(config).map_err(|error| failed(error.to_string()))?;
        Ok(Self { bindings: Api::all(client), url })
    }

    /// Removes the bindings of a Kubeconfig whose names are chosen.
    async fn remove(&self, kubeconfig: &Kubeconfig, chosen: impl Fn(&str) -> bool) -> Result<()> {
        let selector = selector(kubeconfig);
        let list = self.bindings.list_metadata(&ListParams::default().labels(&selector)).await;
        let list = match list {
            // A workspace that is gone has no roles either.
            Err(kube::Error::Api(status)) if status.code == 404 => return Ok(()),
            list => list.map_err(self.failed("list ClusterRoleBindings"))?,
        };
        for found in list.items.iter().map(ResourceExt::name_any).filter(|name| chosen(name)) {
            match self.bindings.delete(&found, &DeleteParams::default()).await {
                Err(kube::Error::Api(status)) if status.code == 404 => {}
                answer => drop(answer.map_err(self.failed("delete a ClusterRoleBinding"))?),
            }
        }
        Ok(())
    }

    async fn apply(&self, binding: &ClusterRoleBinding) -> Result<()> {
        let parameters = PatchParams::apply(MANAGER).force();
        let answer = self.bindings.patch(&binding.name_any(), &parameters, &Patch::Apply(binding)).await;
        answer.map(drop).map_err(self.failed("apply a ClusterRoleBinding"))
    }

    fn failed(&self, action: &str) -> impl FnOnce(kube::Error) -> Error {
        let (action, url) = (action.to_owned(), self.url.clone());
        move |error| Error::Kcp { action, url, reason: error.to_string() }
    }
}

/// How the operator calls kcp: with its certificate, and trusting who signed that.
fn config(url: &str, secret: &Secret) -> std::result::Result<Config, String> {
    let part = |key: &str| {
        let found = secret.data.as_ref().and_then(|data| data.get(key));
        found.map(|bytes| bytes.0.as_slice()).ok_or_else(|| format!("the operator's Secret has no key {key}"))
    };
    let mut config = Config::new(url.parse::<Uri>().map_err(|error| error.to_string())?);
    let roots = PemBundle::read(part("ca.crt")?).map_err(|error| error.to_string())?;
    config.root_cert = Some(roots.certificates().iter().map(|der| der.to_vec()).collect());
    let base64 = |bytes: &[u8]| base64::Engine::encode(&base64::prelude::BASE64_STANDARD, bytes);
    config.auth_info = AuthInfo {
        client_certificate_data: Some(base64(part("tls.crt")?)),
        client_key_data: Some(base64(part("tls.key")?).into()),
        ..AuthInfo::default()
    };
    config.connect_timeout = Some(Duration::from_secs(5));
    config.read_timeout = Some(Duration::from_secs(15));
    config.write_timeout = Some(Duration::from_secs(15));
    Ok(config)
}

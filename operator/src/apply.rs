//! Making it true: server-side apply of what is wanted, then deletion of what is not any more.
//!
//! Only fields that the operator has an opinion on are applied, so labels, annotations, node ports or
//! replica counts of others stay. An object that somebody else controls is left alone, except one of
//! the operator before this one, which is taken over.

use std::collections::BTreeSet;

use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{ConfigMap, Secret, Service};
use kcp_operator_resources::names::{MANAGED_BY_LABEL, MANAGER};
use kcp_operator_resources::{Applied, Built, Object, Owner, Resources, Waiting};
use kube::api::{
    ApiResource, DeleteParams, DynamicObject, GroupVersionKind, ListParams, Patch, PatchParams, PostParams,
    Preconditions,
};
use kube::{Api, Client, Resource, ResourceExt as _};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;

use crate::error::{Error, Result};
use crate::inherit::inherited;
use crate::pki::Signed;

/// Kinds of the operator before this one whose objects are taken over.
const EARLIER_OWNERS: &str = "deploy.operator.kcp.io/";

/// Stores a new certificate. One that replaces another does so only if that is still there, and one
/// that is new only if none is: an authority is never overwritten by accident.
pub(crate) async fn store(client: &Client, signed: Signed) -> Result<Secret> {
    let mut secret = signed.secret;
    let (name, namespace) = (secret.name_any(), secret.namespace().unwrap_or_default());
    let api: Api<Secret> = Api::namespaced(client.clone(), &namespace);
    let failed = Error::api(format!("store the certificate in Secret {name}"));
    if signed.replaces.is_none() {
        let parameters = PostParams { field_manager: Some(MANAGER.to_owned()), ..PostParams::default() };
        return api.create(&parameters, &secret).await.map_err(failed);
    }
    secret.metadata.resource_version = signed.replaces;
    api.patch(&name, &parameters(), &Patch::Apply(&secret)).await.map_err(failed)
}

/// Applies all objects, in their order. An object that fails does not keep the others back; what was
/// confirmed is returned beside the first error.
pub(crate) async fn apply(
    client: &Client,
    owner: &Owner,
    mut wanted: Resources<Built>,
) -> (Resources<Applied>, Option<Error>) {
    let (mut applied, mut first) = (Vec::new(), None);
    for object in std::mem::take(&mut wanted.objects) {
        match apply_one(client, owner, &object).await {
            Ok(object) => applied.push(object),
            Err(error) => {
                tracing::warn!(kind = object.kind(), name = object.name(), %error, "cannot apply");
                if object.kind() == "Deployment" {
                    wanted.waiting.push(Waiting { deployment: object.name(), reason: error.to_string() });
                }
                first.get_or_insert(error);
            }
        }
    }
    (wanted.applied(applied), first)
}

async fn apply_one(client: &Client, owner: &Owner, object: &Object) -> Result<Object> {
    Ok(match object {
        Object::Deployment(object) => Object::Deployment(typed(client, owner, object).await?),
        Object::Service(object) => Object::Service(typed(client, owner, object).await?),
        Object::ConfigMap(object) => Object::ConfigMap(typed(client, owner, object).await?),
        Object::Secret(object) => Object::Secret(typed(client, owner, object).await?),
        Object::Claim(object) => Object::Claim(typed(client, owner, object).await?),
        Object::CertManager(value) => {
            let api = cert_manager(client, &owner.namespace, object.kind());
            let applied = api.patch(&object.name(), &parameters(), &Patch::Apply(value)).await;
            let applied =
                applied.map_err(Error::api(format!("apply {} {}", object.kind(), object.name())))?;
            Object::CertManager(json!(applied))
        }
    })
}

fn parameters() -> PatchParams {
    PatchParams::apply(MANAGER).force()
}

/// Handle on a kind of cert-manager's.
fn cert_manager(client: &Client, namespace: &str, kind: &str) -> Api<DynamicObject> {
    let resource = ApiResource::from_gvk(&GroupVersionKind::gvk("cert-manager.io", "v1", kind));
    Api::namespaced_with(client.clone(), namespace, &resource)
}

/// Whether an error means that cert-manager's kinds are not installed.
pub(crate) fn is_missing_kind(error: &Error) -> bool {
    let Error::Api { source, action } = error else { return false };
    let is_ours = action.starts_with("apply Certificate ") || action.starts_with("apply Issuer ");
    is_ours && matches!(&**source, kube::Error::Api(status) if status.code == 404)
}

async fn typed<K>(client: &Client, owner: &Owner, object: &K) -> Result<K>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
        + Serialize
        + DeserializeOwned
        + Clone
        + std::fmt::Debug,
{
    let (name, kind) = (object.name_any(), K::kind(&()));
    let api: Api<K> = Api::namespaced(client.clone(), &owner.namespace);
    let apply = async || api.patch(&name, &parameters(), &Patch::Apply(object)).await;
    let failed = || Error::api(format!("apply {kind} {name}"));
    let applied = match apply().await {
        // Another controller, or leftovers of the operator before this one beside which ours is invalid.
        Err(kube::Error::Api(status)) if status.code == 422 => {
            take_over(&api, owner, &kind, &name).await?;
            inherit(&api, &name).await?;
            return apply().await.map_err(failed());
        }
        answer => answer.map_err(failed())?,
    };
    if inherited(applied.managed_fields()).is_none() {
        return Ok(applied);
    }
    inherit(&api, &name).await?;
    apply().await.map_err(failed())
}

/// Makes the fields of the operator before this one ours, so that those which are not wanted go.
async fn inherit<K>(api: &Api<K>, name: &str) -> Result<()>
where
    K: Resource<DynamicType = ()> + DeserializeOwned + Clone + std::fmt::Debug,
{
    let failed = || Error::api(format!("take over the fields of {} {name}", K::kind(&())));
    let current = api.get_metadata(name).await.map_err(failed())?;
    let Some(fields) = inherited(current.managed_fields()) else { return Ok(()) };
    let patch = json!({ "metadata": {
        "resourceVersion": current.resource_version(), "managedFields": fields,
    }});
    api.patch_metadata(name, &PatchParams::default(), &Patch::Merge(patch)).await.map(drop).map_err(failed())
}

/// Makes us the controller of an object that an earlier version of the operator controlled.
async fn take_over<K>(api: &Api<K>, owner: &Owner, kind: &str, name: &str) -> Result<()>
where
    K: Resource<DynamicType = ()> + DeserializeOwned + Clone + std::fmt::Debug,
{
    let current = api.get_metadata(name).await.map_err(Error::api(format!("get {kind} {name}")))?;
    let controller = current.owner_references().iter().find(|owner| owner.controller == Some(true));
    let Some(controller) = controller.filter(|controller| controller.uid != owner.reference.uid) else {
        return Ok(());
    };
    if !controller.api_version.starts_with(EARLIER_OWNERS) && !is_same_resource(controller, owner) {
        return Err(Error::Foreign {
            object: format!("{kind} {name}"),
            owner: format!("{} {}", controller.kind, controller.name),
        });
    }
    let patch = json!({ "metadata": {
        "resourceVersion": current.resource_version(), "ownerReferences": [owner.reference],
    }});
    let parameters = PatchParams { field_manager: Some(MANAGER.to_owned()), ..PatchParams::default() };
    api.patch_metadata(name, &parameters, &Patch::Merge(patch))
        .await
        .map(drop)
        .map_err(Error::api(format!("take over {kind} {name}")))
}

/// Whether a controller is our resource in an earlier life: deleted, and made anew since.
fn is_same_resource(
    controller: &k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference,
    owner: &Owner,
) -> bool {
    controller.kind == owner.reference.kind && controller.name == owner.reference.name
}

/// Deletes the objects of an owner that are not wanted any more. `kept` are names of Secrets that are
/// wanted without being among the resources: those of certificates.
pub(crate) async fn prune(
    client: &Client,
    owner: &Owner,
    resources: &Resources<Applied>,
    kept: &BTreeSet<String>,
    secrets: &str,
) -> Result<()> {
    let ours = format!("{MANAGED_BY_LABEL}={MANAGER}");
    prune_kind::<Deployment>(client, owner, &ours, &resources.names_of("Deployment")).await?;
    prune_kind::<Service>(client, owner, &ours, &resources.names_of("Service")).await?;
    prune_kind::<ConfigMap>(client, owner, &ours, &resources.names_of("ConfigMap")).await?;
    let wanted: BTreeSet<String> = resources.names_of("Secret").union(kept).cloned().collect();
    prune_kind::<Secret>(client, owner, secrets, &wanted).await
}

async fn prune_kind<K>(
    client: &Client,
    owner: &Owner,
    selector: &str,
    wanted: &BTreeSet<String>,
) -> Result<()>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
        + DeserializeOwned
        + Clone
        + std::fmt::Debug,
{
    let (api, kind) = (Api::<K>::namespaced(client.clone(), &owner.namespace), K::kind(&()));
    let list = api.list_metadata(&ListParams::default().labels(selector)).await;
    for object in list.map_err(Error::api(format!("list {kind}s with {selector}")))?.items {
        let is_ours = object.owner_references().iter().any(|found| found.uid == owner.reference.uid);
        if !is_ours || wanted.contains(&object.name_any()) {
            continue;
        }
        let name = object.name_any();
        let parameters = DeleteParams {
            preconditions: Some(Preconditions { uid: object.uid(), resource_version: None }),
            ..DeleteParams::background()
        };
        match api.delete(&name, &parameters).await {
            Err(kube::Error::Api(status)) if status.code == 404 => {}
            answer => drop(answer.map_err(Error::api(format!("delete {kind} {name}")))?),
        }
        tracing::info!(%kind, name, "deleted what is not wanted any more");
    }
    Ok(())
}

//! Reading what a reconcile is about: one list of the labelled Secrets, and the rest by name.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use kcp_operator_api::{RootShard, Shard};
use kcp_operator_resources::{Contents, Kind, Source};
use kube::api::ListParams;
use kube::core::DeserializeGuard;
use kube::{Api, Client, Resource, ResourceExt as _};
use serde::de::DeserializeOwned;

use crate::error::{Error, Result};

/// Secrets and ConfigMaps by name, as far as they exist.
pub(crate) async fn contents(
    client: &Client,
    namespace: &str,
    selector: &str,
    sources: &[Source],
) -> Result<Contents> {
    let api: Api<Secret> = Api::namespaced(client.clone(), namespace);
    let labelled = api.list(&ListParams::default().labels(selector)).await;
    let labelled = labelled.map_err(Error::api(format!("list Secrets with {selector}")))?;
    let secrets = labelled.items.into_iter().map(|secret| (secret.name_any(), secret)).collect();
    let mut contents = Contents { secrets, ..Contents::default() };
    let wanted: BTreeSet<(bool, &str)> =
        sources.iter().map(|source| (source.kind == Kind::Secret, source.name.as_str())).collect();
    for (is_secret, name) in wanted {
        if is_secret && !contents.secrets.contains_key(name) {
            if let Some(secret) = get::<Secret>(client, namespace, name).await? {
                contents.secrets.insert(name.to_owned(), secret);
            }
        } else if !is_secret && let Some(map) = get::<ConfigMap>(client, namespace, name).await? {
            contents.config_maps.insert(name.to_owned(), map);
        }
    }
    Ok(contents)
}

/// Deployments by name, as far as they exist.
pub(crate) async fn deployments(
    client: &Client,
    namespace: &str,
    names: &[String],
) -> Result<BTreeMap<String, Deployment>> {
    let mut found = BTreeMap::new();
    for name in names {
        if let Some(deployment) = get::<Deployment>(client, namespace, name).await? {
            found.insert(name.clone(), deployment);
        }
    }
    Ok(found)
}

/// The Shards of a namespace. One that cannot be read is passed over.
pub(crate) async fn shards(client: &Client, namespace: &str) -> Result<Vec<Shard>> {
    let api: Api<DeserializeGuard<Shard>> = Api::namespaced(client.clone(), namespace);
    let list = api.list(&ListParams::default()).await.map_err(Error::api("list Shards"))?;
    Ok(list.items.into_iter().filter_map(|guard| guard.0.ok()).collect())
}

/// The RootShard of this name.
pub(crate) async fn root_shard(client: &Client, namespace: &str, name: &str) -> Result<Option<RootShard>> {
    custom(client, namespace, name).await
}

/// A resource of ours; an unreadable one is an error that says so.
pub(crate) async fn custom<K>(client: &Client, namespace: &str, name: &str) -> Result<Option<K>>
where
    K: Resource<DynamicType = (), Scope = k8s_openapi::NamespaceResourceScope>
        + DeserializeOwned
        + Clone
        + std::fmt::Debug,
{
    let Some(found) = get::<DeserializeGuard<K>>(client, namespace, name).await? else { return Ok(None) };
    let kind = K::kind(&());
    found.0.map(Some).map_err(|invalid| Error::Unreadable(format!("{kind} {name}: {}", invalid.error)))
}

/// An object by name; `None` only if the API server says that it does not exist.
pub(crate) async fn get<K>(client: &Client, namespace: &str, name: &str) -> Result<Option<K>>
where
    K: Resource<DynamicType = (), Scope = k8s_openapi::NamespaceResourceScope>
        + DeserializeOwned
        + Clone
        + std::fmt::Debug,
{
    let api: Api<K> = Api::namespaced(client.clone(), namespace);
    api.get_opt(name).await.map_err(Error::api(format!("get {} {name}", K::kind(&()))))
}

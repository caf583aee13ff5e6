//! Server-side apply of any object.

use std::{collections::BTreeMap, time::Duration};

use anyhow::{Context, bail};
use kube::{
    Api, Client,
    api::{Patch, PatchParams},
    core::{DynamicObject, GroupVersionKind},
    discovery::{self, ApiCapabilities, ApiResource, Scope},
};
use tokio::time::Instant;

use crate::MANAGER;

/// A kind whose definition was just applied is served soon.
const PATIENCE: Duration = Duration::from_secs(20);
const PAUSE: Duration = Duration::from_millis(100);

/// Namespaces and definitions first, everything else as it came.
pub(super) fn in_order(mut objects: Vec<DynamicObject>) -> Vec<DynamicObject> {
    objects.sort_by_key(|object| match kind(object) {
        "Namespace" => 0,
        "CustomResourceDefinition" => 1,
        _ => 2,
    });
    objects
}

/// `Kind namespace/name`, as people read it.
pub(super) fn name(object: &DynamicObject) -> String {
    let name = object.metadata.name.as_deref().unwrap_or_default();
    match object.metadata.namespace.as_deref() {
        Some(namespace) => format!("{} {namespace}/{name}", kind(object)),
        None => format!("{} {name}", kind(object)),
    }
}

fn kind(object: &DynamicObject) -> &str {
    object.types.as_ref().map(|types| types.kind.as_str()).unwrap_or_default()
}

/// An object that is in the API.
pub(super) struct Applied {
    pub(super) name: String,
    pub(super) kind: String,
    api: Api<DynamicObject>,
    object_name: String,
}

impl Applied {
    /// The object as it is now.
    pub(super) async fn look(&self) -> Result<DynamicObject, kube::Error> {
        self.api.get(&self.object_name).await
    }
}

/// Applies objects, knowing kinds it has met.
pub(super) struct Applier {
    client: Client,
    kinds: BTreeMap<String, (ApiResource, ApiCapabilities)>,
}

impl Applier {
    pub(super) fn new(client: Client) -> Self {
        Self { client, kinds: BTreeMap::new() }
    }

    /// Applies one object, its namespace `default` unless it says otherwise.
    pub(super) async fn apply(&mut self, mut object: DynamicObject) -> anyhow::Result<Applied> {
        let types = object.types.clone().context("no apiVersion and kind")?;
        let (resource, capabilities) = self.kind(&GroupVersionKind::try_from(&types)?).await?;
        let name = object.metadata.name.clone().context("no name")?;
        let api: Api<DynamicObject> = if capabilities.scope == Scope::Namespaced {
            let namespace = object.metadata.namespace.get_or_insert_with(|| "default".to_owned());
            Api::namespaced_with(self.client.clone(), namespace, &resource)
        } else {
            object.metadata.namespace = None;
            Api::all_with(self.client.clone(), &resource)
        };
        let params = PatchParams::apply(MANAGER).force();
        let deadline = Instant::now() + PATIENCE;
        loop {
            match api.patch(&name, &params, &Patch::Apply(&object)).await {
                Ok(_) => break,
                // Its definition, or its namespace, may be about to be served.
                Err(kube::Error::Api(status)) if status.code == 404 && Instant::now() < deadline => {
                    tokio::time::sleep(PAUSE).await;
                }
                Err(kube::Error::Api(status)) => bail!("{}", status.message),
                Err(error) => return Err(error.into()),
            }
        }
        let shown = super::apply::name(&object);
        Ok(Applied { name: shown, kind: types.kind, api, object_name: name })
    }

    async fn kind(&mut self, kind: &GroupVersionKind) -> anyhow::Result<(ApiResource, ApiCapabilities)> {
        let key = format!("{}/{} {}", kind.group, kind.version, kind.kind);
        if let Some(known) = self.kinds.get(&key) {
            return Ok(known.clone());
        }
        let deadline = Instant::now() + PATIENCE;
        loop {
            match discovery::pinned_kind(&self.client, kind).await {
                Ok(found) => {
                    self.kinds.insert(key, found.clone());
                    return Ok(found);
                }
                Err(error) if Instant::now() >= deadline => {
                    return Err(error).with_context(|| format!("no kind {key} is served"));
                }
                Err(_) => tokio::time::sleep(PAUSE).await,
            }
        }
    }
}

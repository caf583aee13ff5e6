//! Streams of changes, and where they come from.

use std::collections::hash_map::DefaultHasher;
use std::fmt::Debug;
use std::hash::{Hash as _, Hasher as _};
use std::sync::Arc;

use futures_util::{Stream, TryStreamExt as _};
use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::core::{DeserializeGuard, PartialObjectMeta};
use kube::runtime::WatchStreamExt as _;
use kube::runtime::reflector::{ObjectRef, Store};
use kube::runtime::watcher::{self, Config, Event, watcher};
use kube::{Api, Resource, ResourceExt as _};
use serde::de::DeserializeOwned;

use crate::context::{Context, now};

/// Where the operator works: everywhere, or in one namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    Everywhere,
    Namespace(String),
}

impl Scope {
    pub(crate) fn api<K>(&self, context: &Context) -> Api<K>
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope>,
    {
        match self {
            Self::Everywhere => Api::all(context.client.clone()),
            Self::Namespace(name) => Api::namespaced(context.client.clone(), name),
        }
    }
}

/// A kind that a controller is for.
pub(crate) trait Ours:
    Resource<DynamicType = (), Scope = NamespaceResourceScope>
    + DeserializeOwned
    + Clone
    + Debug
    + Send
    + Sync
    + 'static
{
}

impl<K> Ours for K where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
        + DeserializeOwned
        + Clone
        + Debug
        + Send
        + Sync
        + 'static
{
}

/// An object that may turn out unreadable, without stopping the others.
pub(crate) type Guarded<K> = DeserializeGuard<K>;

/// Everything about an object but its status.
pub(crate) fn but_status<K: Resource>(object: &K) -> Option<u64> {
    let meta = object.meta();
    let mut hasher = DefaultHasher::new();
    (&meta.uid, &meta.generation, &meta.labels, &meta.annotations, &meta.finalizers).hash(&mut hasher);
    meta.deletion_timestamp.is_some().hash(&mut hasher);
    Some(hasher.finish())
}

/// Changes of a kind, as metadata, without a cache.
pub(crate) fn metadata<K: Ours>(
    context: &Context,
    scope: &Scope,
    config: Config,
) -> impl Stream<Item = std::result::Result<PartialObjectMeta<K>, watcher::Error>> + Send + 'static {
    watcher(scope.api::<PartialObjectMeta<K>>(context), config).default_backoff().touched_objects()
}

/// Whole objects of a kind of ours, without a cache; unreadable ones are passed over.
pub(crate) fn objects<K: Ours>(
    context: &Context,
    scope: &Scope,
) -> impl Stream<Item = std::result::Result<Arc<K>, watcher::Error>> + Send + 'static {
    let stream = watcher(scope.api::<Guarded<K>>(context), Config::default()).default_backoff();
    stream.touched_objects().try_filter_map(|guarded| std::future::ready(Ok(guarded.0.ok().map(Arc::new))))
}

/// Changes of anything but the status.
pub(crate) fn changed<K: Ours>(
    context: &Context,
    scope: &Scope,
) -> impl Stream<Item = std::result::Result<PartialObjectMeta<K>, watcher::Error>> + Send + 'static {
    let stream = watcher(scope.api::<PartialObjectMeta<K>>(context), Config::default()).default_backoff();
    let stream = stream.map_ok(marked_if_deleted).touched_objects();
    stream.predicate_filter(but_status, Default::default())
}

/// What is deleted at once looks as it did before; without a mark its end would be passed over.
fn marked_if_deleted<K>(event: Event<PartialObjectMeta<K>>) -> Event<PartialObjectMeta<K>> {
    match event {
        Event::Delete(mut object) => {
            object.metadata.deletion_timestamp.get_or_insert_with(|| Time(now()));
            Event::Delete(object)
        }
        Event::Apply(_) | Event::Init | Event::InitApply(_) | Event::InitDone => event,
    }
}

/// References to the objects in a store that match.
pub(crate) fn matching<K: Ours>(
    store: &Store<Guarded<K>>,
    namespace: &Option<String>,
    matches: impl Fn(&K) -> bool,
) -> Vec<ObjectRef<Guarded<K>>> {
    let found = store
        .state()
        .into_iter()
        .filter(|guarded| guarded.namespace() == *namespace && guarded.0.as_ref().is_ok_and(&matches));
    found.map(|guarded| ObjectRef::from_obj(&*guarded)).collect()
}

//! The snapshot all plans read, and the watches that feed it.

use futures_util::{Stream, StreamExt, future, stream};
use k8s_openapi::api::{
    apps::v1::{Deployment, ReplicaSet, StatefulSet},
    core::v1::{Endpoints, PersistentVolumeClaim, Pod, Service},
    discovery::v1::EndpointSlice,
};
use kube::{
    Api, Client, Resource,
    core::NamespaceResourceScope,
    runtime::{
        WatchStreamExt,
        watcher::{self, Event},
    },
};
use serde::{Serialize, de::DeserializeOwned};
use std::fmt::Debug;

use super::objects::Objects;

/// Everything the workload controllers look at.
#[derive(Debug, Default)]
pub(crate) struct World {
    pub(crate) deployments: Objects<Deployment>,
    pub(crate) replica_sets: Objects<ReplicaSet>,
    pub(crate) stateful_sets: Objects<StatefulSet>,
    pub(crate) pods: Objects<Pod>,
    pub(crate) services: Objects<Service>,
    pub(crate) slices: Objects<EndpointSlice>,
    pub(crate) endpoints: Objects<Endpoints>,
    pub(crate) claims: Objects<PersistentVolumeClaim>,
}

impl World {
    /// Takes over one event.
    pub(crate) fn observe(&mut self, seen: Seen) {
        match seen {
            Seen::Deployment(event) => self.deployments.observe(event),
            Seen::ReplicaSet(event) => self.replica_sets.observe(event),
            Seen::StatefulSet(event) => self.stateful_sets.observe(event),
            Seen::Pod(event) => self.pods.observe(event),
            Seen::Service(event) => self.services.observe(event),
            Seen::Slice(event) => self.slices.observe(event),
            Seen::Endpoints(event) => self.endpoints.observe(event),
            Seen::Claim(event) => self.claims.observe(event),
        }
    }

    /// Whether all listings are complete. Planning on less would create what exists already.
    pub(crate) fn settled(&self) -> bool {
        self.deployments.settled()
            && self.replica_sets.settled()
            && self.stateful_sets.settled()
            && self.pods.settled()
            && self.services.settled()
            && self.slices.settled()
            && self.endpoints.settled()
            && self.claims.settled()
    }
}

/// An event of one of the kinds.
pub(crate) enum Seen {
    Deployment(Event<Deployment>),
    ReplicaSet(Event<ReplicaSet>),
    StatefulSet(Event<StatefulSet>),
    Pod(Event<Pod>),
    Service(Event<Service>),
    Slice(Event<EndpointSlice>),
    Endpoints(Event<Endpoints>),
    Claim(Event<PersistentVolumeClaim>),
}

/// A kind that the world knows.
pub(crate) trait Known:
    Resource<DynamicType = (), Scope = NamespaceResourceScope>
    + Clone
    + Debug
    + Serialize
    + DeserializeOwned
    + Send
    + Sync
    + 'static
{
    /// Its objects in the snapshot.
    fn among(world: &mut World) -> &mut Objects<Self>;
    /// Its event, named.
    fn seen(event: Event<Self>) -> Seen;
}

macro_rules! known {
    ($($kind:ty, $field:ident, $seen:ident;)*) => {$(
        impl Known for $kind {
            fn among(world: &mut World) -> &mut Objects<Self> {
                &mut world.$field
            }
            fn seen(event: Event<Self>) -> Seen {
                Seen::$seen(event)
            }
        }
    )*};
}

known! {
    Deployment, deployments, Deployment;
    ReplicaSet, replica_sets, ReplicaSet;
    StatefulSet, stateful_sets, StatefulSet;
    Pod, pods, Pod;
    Service, services, Service;
    EndpointSlice, slices, Slice;
    Endpoints, endpoints, Endpoints;
    PersistentVolumeClaim, claims, Claim;
}

/// The events of all kinds. Broken watches are taken up again with a growing pause.
pub(crate) fn watch(client: &Client) -> impl Stream<Item = Seen> + use<> {
    stream::select_all([
        one::<Deployment>(client),
        one::<ReplicaSet>(client),
        one::<StatefulSet>(client),
        one::<Pod>(client),
        one::<Service>(client),
        one::<EndpointSlice>(client),
        one::<Endpoints>(client),
        one::<PersistentVolumeClaim>(client),
    ])
}

fn one<K: Known>(client: &Client) -> stream::BoxStream<'static, Seen> {
    watcher::watcher(Api::<K>::all(client.clone()), watcher::Config::default())
        .default_backoff()
        .filter_map(|event| {
            future::ready(match event {
                Ok(event) => Some(K::seen(event)),
                Err(error) => {
                    tracing::debug!(kind = %K::kind(&()), %error, "watch interrupted");
                    None
                }
            })
        })
        .boxed()
}

//! What the node knows of the cluster: one feed of watches, read by everyone here.

use std::sync::Arc;

use futures_util::{FutureExt, Stream, StreamExt, future, stream};
use k8s_openapi::api::{
    core::v1::{ConfigMap, PersistentVolumeClaim, Pod, Secret, Service, ServiceAccount},
    discovery::v1::EndpointSlice,
};
use kube::{
    Api, Client, Resource,
    runtime::{
        WatchStreamExt,
        watcher::{self, Event},
    },
};
use parking_lot::{RwLock, RwLockReadGuard};
use tokio::sync::watch;

use crate::workloads::{Key, Objects};

/// A snapshot of the kinds that pods depend on.
#[derive(Debug, Default)]
pub(crate) struct Known {
    pub(crate) pods: Objects<Pod>,
    pub(crate) secrets: Objects<Secret>,
    pub(crate) config_maps: Objects<ConfigMap>,
    pub(crate) services: Objects<Service>,
    pub(crate) slices: Objects<EndpointSlice>,
    pub(crate) claims: Objects<PersistentVolumeClaim>,
    pub(crate) accounts: Objects<ServiceAccount>,
}

impl Known {
    /// The Secret of that name beside the pod.
    pub(crate) fn secret(&self, pod: &Pod, name: &str) -> Option<&Secret> {
        self.secrets.find(&beside(pod, name))
    }

    /// The ConfigMap of that name beside the pod.
    pub(crate) fn config_map(&self, pod: &Pod, name: &str) -> Option<&ConfigMap> {
        self.config_maps.find(&beside(pod, name))
    }

    /// The claim of that name beside the pod.
    pub(crate) fn claim(&self, pod: &Pod, name: &str) -> Option<&PersistentVolumeClaim> {
        self.claims.find(&beside(pod, name))
    }

    /// The ServiceAccount of that name beside the pod.
    pub(crate) fn account(&self, pod: &Pod, name: &str) -> Option<&ServiceAccount> {
        self.accounts.find(&beside(pod, name))
    }

    /// Whether all listings are complete.
    pub(crate) fn settled(&self) -> bool {
        self.pods.settled()
            && self.secrets.settled()
            && self.config_maps.settled()
            && self.services.settled()
            && self.slices.settled()
            && self.claims.settled()
            && self.accounts.settled()
    }

    fn observe(&mut self, seen: Seen) {
        match seen {
            Seen::Pod(event) => self.pods.observe(event),
            Seen::Secret(event) => self.secrets.observe(event),
            Seen::ConfigMap(event) => self.config_maps.observe(event),
            Seen::Service(event) => self.services.observe(event),
            Seen::Slice(event) => self.slices.observe(event),
            Seen::Claim(event) => self.claims.observe(event),
            Seen::Account(event) => self.accounts.observe(event),
        }
    }
}

fn beside(pod: &Pod, name: &str) -> Key {
    Key::new(pod.metadata.namespace.as_deref().unwrap_or_default(), name)
}

#[allow(clippy::large_enum_variant, reason = "handed on at once, never kept")]
enum Seen {
    Pod(Event<Pod>),
    Secret(Event<Secret>),
    ConfigMap(Event<ConfigMap>),
    Service(Event<Service>),
    Slice(Event<EndpointSlice>),
    Claim(Event<PersistentVolumeClaim>),
    Account(Event<ServiceAccount>),
}

/// The shared snapshot, with a number that grows when it changes.
#[derive(Clone, Debug)]
pub(crate) struct Feed {
    known: Arc<RwLock<Known>>,
    version: watch::Sender<u64>,
}

impl Feed {
    pub(crate) fn new() -> Self {
        Self { known: Arc::default(), version: watch::Sender::new(0) }
    }

    /// Never held across an await.
    pub(crate) fn read(&self) -> RwLockReadGuard<'_, Known> {
        self.known.read()
    }

    /// Tells of changes from now on.
    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.version.subscribe()
    }

    /// Follows the cluster; does not return.
    pub(crate) async fn follow(&self, client: &Client) {
        let mut events = watch_all(client);
        while let Some(seen) = events.next().await {
            {
                let mut known = self.known.write();
                known.observe(seen);
                while let Some(Some(seen)) = events.next().now_or_never() {
                    known.observe(seen);
                }
            }
            self.version.send_modify(|version| *version += 1);
        }
    }
}

fn watch_all(client: &Client) -> impl Stream<Item = Seen> + Unpin + use<> {
    stream::select_all([
        one(client, Seen::Pod),
        one(client, Seen::Secret),
        one(client, Seen::ConfigMap),
        one(client, Seen::Service),
        one(client, Seen::Slice),
        one(client, Seen::Claim),
        one(client, Seen::Account),
    ])
}

fn one<K>(client: &Client, seen: fn(Event<K>) -> Seen) -> stream::BoxStream<'static, Seen>
where
    K: Resource<DynamicType = ()> + Clone + std::fmt::Debug + serde::de::DeserializeOwned + Send + 'static,
{
    watcher::watcher(Api::<K>::all(client.clone()), watcher::Config::default())
        .default_backoff()
        .filter_map(move |event| {
            future::ready(match event {
                Ok(event) => Some(seen(event)),
                Err(error) => {
                    tracing::debug!(kind = %K::kind(&()), %error, "watch interrupted");
                    None
                }
            })
        })
        .boxed()
}

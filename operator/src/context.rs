//! What all reconciles share.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::ObjectReference;
use kcp_operator_resources::{Images, Kind, Source};
use kcp_pki::UnixTime;
use kube::Client;
use kube::runtime::events::{Event, EventType, Recorder, Reporter};

use crate::metrics::Metrics;

/// What all reconciles share.
pub(crate) struct Context {
    pub(crate) client: Client,
    pub(crate) images: Images,
    pub(crate) metrics: Metrics,
    pub(crate) references: References,
    recorder: Recorder,
}

impl Context {
    pub(crate) fn new(client: Client, images: Images, metrics: Metrics) -> Self {
        let reporter =
            Reporter { controller: "kcp-operator".to_owned(), instance: std::env::var("POD_NAME").ok() };
        let recorder = Recorder::new(client.clone(), reporter);
        Self { client, images, metrics, references: References::default(), recorder }
    }

    /// Tells people what happened to an object. A lost event is no reason to stop.
    pub(crate) async fn event(&self, about: &ObjectReference, kind: EventType, reason: &str, note: &str) {
        let note: String = note.chars().take(1000).collect();
        let event = Event {
            type_: kind,
            reason: reason.to_owned(),
            note: Some(note),
            action: "Reconcile".to_owned(),
            secondary: None,
        };
        if let Err(error) = self.recorder.publish(&event, about).await {
            tracing::warn!(%error, reason, "an event was lost");
        }
    }
}

/// The time, read in one place.
pub(crate) fn now() -> Timestamp {
    Timestamp::now()
}

/// The same for certificates.
pub(crate) fn unix(time: Timestamp) -> UnixTime {
    let seconds = u64::try_from(time.as_second()).unwrap_or_default();
    UnixTime::since_unix_epoch(std::time::Duration::from_secs(seconds))
}

/// Which objects the resources of the operator were built from, so that a change of one is noticed
/// without keeping, or even reading, all the Secrets of a cluster.
#[derive(Default)]
pub(crate) struct References {
    entries: Mutex<BTreeMap<Referrer, BTreeSet<(bool, String)>>>,
}

/// A resource of the operator.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Referrer {
    pub(crate) namespace: String,
    pub(crate) kind: &'static str,
    pub(crate) name: String,
}

impl References {
    /// Remembers what a resource was built from.
    pub(crate) fn set(&self, referrer: Referrer, sources: &[Source]) {
        let sources =
            sources.iter().map(|source| (source.kind == Kind::Secret, source.name.clone())).collect();
        self.lock().insert(referrer, sources);
    }

    /// Names of the resources of a kind that were built from an object.
    pub(crate) fn to(&self, kind: &str, namespace: &str, object: Kind, name: &str) -> Vec<String> {
        let key = (object == Kind::Secret, name.to_owned());
        let entries = self.lock();
        let concerned = entries.iter().filter(|(referrer, sources)| {
            referrer.namespace == namespace && referrer.kind == kind && sources.contains(&key)
        });
        concerned.map(|(referrer, _)| referrer.name.clone()).collect()
    }

    /// Forgets the resources that do not exist any more.
    pub(crate) fn retain(&self, exists: impl Fn(&Referrer) -> bool) {
        self.lock().retain(|referrer, _| exists(referrer));
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<Referrer, BTreeSet<(bool, String)>>> {
        self.entries.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

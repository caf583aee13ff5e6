//! Events about pods, for `kubectl describe`.

use jiff::Timestamp;
use k8s_openapi::{
    api::core::v1::{Event, EventSource, ObjectReference, Pod},
    apimachinery::pkg::apis::meta::v1::Time,
};
use kube::{
    Api, Client,
    api::{ObjectMeta, Patch, PatchParams, PostParams},
};
use sha2::{Digest, Sha256};
use tokio::sync::mpsc;

/// Events wait for the API in a line of this length; what does not fit is dropped, they are only told.
const LINE: usize = 256;

/// How serious an event is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Normal,
    Warning,
}

/// The near end of the line.
#[derive(Clone, Debug)]
pub(crate) struct Events {
    line: mpsc::Sender<Event>,
}

/// The far end: posts what comes.
pub(crate) struct Poster {
    line: mpsc::Receiver<Event>,
    client: Client,
}

/// Both ends of a new line.
pub(crate) fn line(client: Client) -> (Events, Poster) {
    let (near, far) = mpsc::channel(LINE);
    (Events { line: near }, Poster { line: far, client })
}

impl Events {
    pub(crate) fn tell(&self, pod: &Pod, kind: Kind, reason: &str, message: &str) {
        if self.line.try_send(event(pod, kind, reason, message, Timestamp::now())).is_err() {
            tracing::debug!(reason, message, "event dropped");
        }
    }
}

impl Poster {
    /// Posts until the near end is gone.
    pub(crate) async fn run(mut self) {
        while let Some(event) = self.line.recv().await {
            if let Err(error) = self.post(event).await {
                tracing::debug!(%error, "event not posted");
            }
        }
    }

    /// The same event again only counts up.
    async fn post(&self, event: Event) -> Result<(), kube::Error> {
        let api: Api<Event> =
            Api::namespaced(self.client.clone(), event.metadata.namespace.as_deref().unwrap_or_default());
        let name = event.metadata.name.clone().unwrap_or_default();
        match api.create(&PostParams::default(), &event).await {
            Err(kube::Error::Api(status)) if status.reason == "AlreadyExists" => {
                let count = api.get(&name).await?.count.unwrap_or(1).saturating_add(1);
                let body = serde_json::json!({ "count": count, "lastTimestamp": event.last_timestamp });
                api.patch(&name, &PatchParams::default(), &Patch::Merge(body)).await.map(|_| ())
            }
            other => other.map(|_| ()),
        }
    }
}

fn event(pod: &Pod, kind: Kind, reason: &str, message: &str, now: Timestamp) -> Event {
    let uid = pod.metadata.uid.clone().unwrap_or_default();
    let digest = Sha256::digest(format!("{uid} {reason} {message}"));
    let suffix: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    let name = pod.metadata.name.as_deref().unwrap_or_default();
    let kind = match kind {
        Kind::Normal => "Normal",
        Kind::Warning => "Warning",
    };
    Event {
        metadata: ObjectMeta {
            namespace: pod.metadata.namespace.clone(),
            name: Some(format!("{name}.{suffix}")),
            ..ObjectMeta::default()
        },
        involved_object: ObjectReference {
            api_version: Some("v1".to_owned()),
            kind: Some("Pod".to_owned()),
            namespace: pod.metadata.namespace.clone(),
            name: pod.metadata.name.clone(),
            uid: Some(uid),
            ..ObjectReference::default()
        },
        reason: Some(reason.to_owned()),
        message: Some(message.to_owned()),
        type_: Some(kind.to_owned()),
        source: Some(EventSource { component: Some("kubelet".to_owned()), host: None }),
        first_timestamp: Some(Time(now)),
        last_timestamp: Some(Time(now)),
        count: Some(1),
        ..Event::default()
    }
}

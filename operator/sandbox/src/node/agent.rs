//! The node: one worker for each of its pods.

use std::{collections::HashMap, io, sync::Arc};

use bytes::Bytes;
use futures_util::stream::BoxStream;
use k8s_openapi::api::core::v1::Pod;
use kube::Client;
use tokio::{sync::watch, task::JoinSet};
use tokio_util::sync::CancellationToken;

use super::{
    addresses::Addresses,
    events::{self, Events, Poster},
    hosts::Published,
    known::Feed,
    layout::Layout,
    logs::{LogError, LogOptions, Logs},
    pod::{self, Wanted},
};
use crate::{
    spaces::network::PODS,
    workloads::{Key, is_finished},
};

/// What all of the node's pods share.
pub(crate) struct Node {
    pub(crate) client: Client,
    pub(crate) feed: Feed,
    pub(crate) layout: Layout,
    pub(crate) addresses: Addresses,
    pub(crate) logs: Logs,
    pub(crate) events: Events,
    pub(crate) published: watch::Receiver<Published>,
    name: String,
}

impl Node {
    /// The node of that name, and what posts its events.
    ///
    /// # Errors
    /// When the directory of logs cannot be used.
    pub(crate) fn new(
        client: Client,
        feed: Feed,
        name: String,
        layout: Layout,
        published: watch::Receiver<Published>,
    ) -> io::Result<(Arc<Self>, Poster)> {
        let (events, poster) = events::line(client.clone());
        let logs = Logs::open(layout.logs())?;
        let addresses = Addresses::new(PODS);
        Ok((Arc::new(Self { client, feed, layout, addresses, logs, events, published, name }), poster))
    }

    /// Runs pods until `stop`, then ends them all.
    pub(crate) async fn run(self: &Arc<Self>, stop: CancellationToken) {
        let mut changes = self.feed.changes();
        let mut workers = Workers::default();
        loop {
            self.assign(&mut workers);
            tokio::select! {
                () = stop.cancelled() => break,
                Ok(()) = changes.changed() => {}
                Some(ended) = workers.running.join_next() => workers.forget(ended),
            }
        }
        for worker in workers.by_uid.values() {
            worker.wanted.send_replace(Wanted::Suspended);
        }
        while workers.running.join_next().await.is_some() {}
    }

    /// Tells each worker of its pod, and gives new pods a worker.
    fn assign(self: &Arc<Self>, workers: &mut Workers) {
        let known = self.feed.read();
        if !known.settled() {
            return;
        }
        let mut seen = std::collections::HashSet::new();
        for pod in known.pods.shared().filter(|pod| self.is_ours(pod)) {
            let uid = pod.metadata.uid.clone().unwrap_or_default();
            seen.insert(uid.clone());
            match workers.by_uid.get(&uid) {
                Some(worker) => worker.tell(pod),
                None if is_finished(pod) && pod.metadata.deletion_timestamp.is_none() => {}
                None => workers.start(Arc::clone(self), uid, Arc::clone(pod)),
            }
        }
        for (_, worker) in workers.by_uid.iter().filter(|(uid, _)| !seen.contains(*uid)) {
            if !matches!(*worker.wanted.borrow(), Wanted::Gone) {
                worker.wanted.send_replace(Wanted::Gone);
            }
        }
    }

    fn is_ours(&self, pod: &Pod) -> bool {
        pod.spec.as_ref().and_then(|spec| spec.node_name.as_deref()) == Some(self.name.as_str())
    }

    /// What a container of a pod said, in pieces of whole lines.
    pub(crate) fn logs(
        &self,
        namespace: &str,
        pod: &str,
        container: Option<&str>,
        options: LogOptions,
    ) -> Result<BoxStream<'static, io::Result<Bytes>>, LogError> {
        let key = Key::new(namespace, pod);
        let found =
            self.feed.read().pods.find(&key).cloned().ok_or_else(|| LogError::NoPod(pod.to_owned()))?;
        let (feed, named) = (self.feed.clone(), container.map(str::to_owned));
        let running = move |run: i32| is_running(feed.read().pods.find(&key), named.as_deref(), run);
        self.logs.read(&found, container, options, running)
    }
}

/// Whether this run of the container is still going on, as far as its status tells.
fn is_running(pod: Option<&Pod>, container: Option<&str>, run: i32) -> bool {
    let statuses = pod.and_then(|pod| pod.status.as_ref()).map(|status| {
        let main = status.container_statuses.iter().flatten();
        main.chain(status.init_container_statuses.iter().flatten())
    });
    let mut statuses = statuses.into_iter().flatten();
    let found = statuses.find(|status| container.is_none_or(|name| status.name == name));
    found.is_some_and(|status| {
        let ended = status.state.as_ref().is_some_and(|state| state.terminated.is_some());
        status.restart_count == run && !ended
    })
}

#[derive(Default)]
struct Workers {
    by_uid: HashMap<String, Worker>,
    running: JoinSet<String>,
}

struct Worker {
    wanted: watch::Sender<Wanted>,
}

impl Worker {
    fn tell(&self, pod: &Arc<Pod>) {
        let same = |known: &Arc<Pod>| known.metadata.resource_version == pod.metadata.resource_version;
        let news = match &*self.wanted.borrow() {
            Wanted::Pod(known) => !same(known),
            Wanted::Gone | Wanted::Suspended => false,
        };
        if news {
            self.wanted.send_replace(Wanted::Pod(Arc::clone(pod)));
        }
    }
}

impl Workers {
    fn start(&mut self, node: Arc<Node>, uid: String, pod: Arc<Pod>) {
        let (wanted, heard) = watch::channel(Wanted::Pod(Arc::clone(&pod)));
        self.by_uid.insert(uid.clone(), Worker { wanted });
        self.running.spawn(async move {
            Box::pin(pod::run(node, pod, heard)).await;
            uid
        });
    }

    fn forget(&mut self, ended: Result<String, tokio::task::JoinError>) {
        match ended {
            Ok(uid) => {
                self.by_uid.remove(&uid);
            }
            // Its pod stays without a worker until the sandbox starts again.
            Err(error) => tracing::error!(%error, "the worker of a pod failed"),
        }
    }
}

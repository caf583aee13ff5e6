//! Listens on every front and copies bytes to one of its backends.

use std::{
    collections::BTreeMap,
    io,
    net::{IpAddr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Semaphore, watch},
    task::JoinSet,
};
use tokio_util::task::TaskTracker;

use super::fronts::{Front, Publication, fronts};
use crate::{
    node::known::Feed,
    spaces::{
        door::Door,
        network::{Netlink, PODS, SERVICES},
    },
    workloads::AddressRange,
};

/// So many connections per front; further ones wait to be accepted.
const CONNECTIONS: usize = 4096;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// A front that could not be opened is tried again after this.
const RETRY: Duration = Duration::from_secs(1);

/// Keeps fronts as Services and publications want them.
pub(crate) struct Forwarder {
    feed: Feed,
    door: Door,
    network: Netlink,
    published: watch::Receiver<Vec<Publication>>,
    open: BTreeMap<Front, Open>,
    running: JoinSet<()>,
    connections: TaskTracker,
    /// What was said of fronts that could not be opened.
    complaints: BTreeMap<Front, String>,
}

struct Open {
    backends: watch::Sender<Vec<SocketAddr>>,
    task: tokio::task::AbortHandle,
}

impl Forwarder {
    pub(crate) fn new(
        feed: Feed,
        door: Door,
        network: Netlink,
        published: watch::Receiver<Vec<Publication>>,
    ) -> Self {
        Self {
            feed,
            door,
            network,
            published,
            open: BTreeMap::new(),
            running: JoinSet::new(),
            connections: TaskTracker::new(),
            complaints: BTreeMap::new(),
        }
    }

    /// Forwards until it is dropped.
    pub(crate) async fn run(mut self) {
        let mut changes = self.feed.changes();
        loop {
            let complete = self.adjust().await;
            tokio::select! {
                Ok(()) = changes.changed() => {}
                Ok(()) = self.published.changed() => {}
                Some(_) = self.running.join_next() => {}
                () = tokio::time::sleep(RETRY), if !complete => {}
            }
        }
    }

    /// Opens, changes and closes fronts. False when one could not be opened.
    async fn adjust(&mut self) -> bool {
        let published = self.published.borrow_and_update().clone();
        let wanted = fronts(&self.feed.read(), &published);
        self.open.retain(|front, open| {
            let stays = wanted.contains_key(front);
            if !stays {
                open.task.abort();
            }
            stays
        });
        self.complaints.retain(|front, _| wanted.contains_key(front));
        let mut complete = true;
        for (front, backends) in wanted {
            if let Some(open) = self.open.get(&front) {
                open.backends.send_if_modified(|known| {
                    let changed = *known != backends;
                    *known = backends;
                    changed
                });
                continue;
            }
            match self.listen(front).await {
                Ok(listener) => self.start(front, listener, backends),
                Err(error) => {
                    let problem = error.to_string();
                    if self.complaints.get(&front) != Some(&problem) {
                        tracing::warn!(?front, %error, "cannot listen for a Service, will be tried again");
                        self.complaints.insert(front, problem);
                    }
                    complete = false;
                }
            }
        }
        complete
    }

    async fn listen(&self, front: Front) -> io::Result<TcpListener> {
        match front {
            Front::Host(address) => self.door.listen(address).await,
            Front::Cluster(address, port) => {
                if !SERVICES.contains(address) {
                    // Given by someone else. That it is ours already is no failure.
                    self.network.own(AddressRange::new(address, 32)).await.ok();
                }
                TcpListener::bind((address, port)).await
            }
        }
    }

    fn start(&mut self, front: Front, listener: TcpListener, backends: Vec<SocketAddr>) {
        let (sender, receiver) = watch::channel(backends);
        let task = self.running.spawn(serve(listener, receiver, self.door.clone(), self.connections.clone()));
        self.open.insert(front, Open { backends: sender, task });
    }
}

/// Accepts until aborted. Connections outlive their front: a pod that is not ready for a moment loses no one.
async fn serve(
    listener: TcpListener,
    backends: watch::Receiver<Vec<SocketAddr>>,
    door: Door,
    connections: TaskTracker,
) {
    let (places, turn) = (Arc::new(Semaphore::new(CONNECTIONS)), AtomicUsize::new(0));
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        let client = match listener.accept().await {
            Ok((client, _)) => client,
            Err(error) => {
                tracing::debug!(%error, "a connection was not accepted");
                tokio::time::sleep(Duration::from_millis(20)).await;
                continue;
            }
        };
        let mut backends = backends.borrow().clone();
        if !backends.is_empty() {
            let first = turn.fetch_add(1, Ordering::Relaxed) % backends.len();
            backends.rotate_left(first);
        }
        let door = door.clone();
        connections.spawn(async move {
            copy(client, &backends, &door).await;
            drop(place);
        });
    }
}

/// Connects to the first backend that answers.
async fn copy(mut client: TcpStream, backends: &[SocketAddr], door: &Door) {
    for backend in backends {
        match tokio::time::timeout(CONNECT_TIMEOUT, connect(*backend, door)).await {
            Ok(Ok(mut server)) => {
                client.set_nodelay(true).ok();
                server.set_nodelay(true).ok();
                if let Err(error) = tokio::io::copy_bidirectional(&mut client, &mut server).await {
                    tracing::trace!(%backend, %error, "a connection broke");
                }
                return;
            }
            Ok(Err(error)) => tracing::debug!(%backend, %error, "a backend does not answer"),
            Err(_) => tracing::debug!(%backend, "a backend does not answer in time"),
        }
    }
}

/// Pods are reached directly, everything else from the host.
async fn connect(backend: SocketAddr, door: &Door) -> io::Result<TcpStream> {
    match backend.ip() {
        IpAddr::V4(address) if PODS.contains(address) || SERVICES.contains(address) => {
            TcpStream::connect(backend).await
        }
        IpAddr::V4(_) | IpAddr::V6(_) => door.connect(backend).await,
    }
}

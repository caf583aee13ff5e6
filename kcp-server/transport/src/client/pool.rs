use super::{
    ClientError, ClientLimits,
    connect::{Stream, Target},
    lease::Lease,
};
use crate::{Body, tls::Configs};
use http::Request;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use parking_lot::Mutex;
use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Instant,
};

/// What kind of connection a request needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Checkout {
    /// A kept one, or a new one.
    Any,
    /// A new one.
    Fresh,
    /// A new one that speaks HTTP/1.1 and is given away.
    Upgrade,
}

/// What became of a request without a response. The flag says whether the connection was a kept one.
#[derive(Debug)]
pub(super) enum Sent {
    /// It certainly did not leave.
    Never(Box<Request<Body>>, bool),
    /// It may have been acted on.
    Perhaps(ClientError, bool),
}

impl Sent {
    pub(super) fn into_error(self, target: &Target) -> ClientError {
        match self {
            Self::Never(..) => {
                ClientError::Broken { server: target.to_string(), reason: "closed at once".into() }
            }
            Self::Perhaps(error, _) => error,
        }
    }
}

/// The connections made with one set of certificates.
#[derive(Debug)]
pub(super) struct Pool {
    configs: Configs,
    server_name: Option<String>,
    limits: Arc<ClientLimits>,
    servers: Mutex<HashMap<Target, Arc<Server>>>,
}

/// The connections to one server.
#[derive(Debug, Default)]
pub(super) struct Server {
    kept: Mutex<Kept>,
    /// Held while a connection is made, so that many requests to a cold server share the first.
    opening: tokio::sync::Mutex<()>,
    /// Open connections, kept or in use.
    open: Arc<AtomicUsize>,
}

#[derive(Debug, Default)]
struct Kept {
    http2: Vec<Http2>,
    http1: Vec<(http1::SendRequest<Body>, Instant)>,
    /// The server was seen to speak HTTP/1.1 only, where connections are not shared.
    http1_only: bool,
}

#[derive(Debug)]
struct Http2 {
    sender: http2::SendRequest<Body>,
    streams: Arc<AtomicUsize>,
    used: Instant,
}

impl Pool {
    pub(super) fn new(configs: Configs, server_name: Option<String>, limits: Arc<ClientLimits>) -> Self {
        Self { configs, server_name, limits, servers: Mutex::default() }
    }

    pub(super) async fn checkout(&self, target: &Target, checkout: Checkout) -> Result<Lease, ClientError> {
        let server = self.server(target);
        match checkout {
            Checkout::Fresh => return self.open(target, &server, false).await,
            Checkout::Upgrade => return self.open(target, &server, true).await,
            Checkout::Any => {}
        }
        if let Some(lease) = server.take(&self.limits) {
            return Ok(lease);
        }
        if server.kept.lock().http1_only {
            return self.open(target, &server, false).await;
        }
        let opening = server.opening.lock().await;
        if let Some(lease) = server.take(&self.limits) {
            return Ok(lease);
        }
        let lease = self.open(target, &server, false).await;
        drop(opening);
        lease
    }

    /// Closes what nobody has used for a while.
    pub(super) fn sweep(&self) {
        let servers: Vec<_> = self.servers.lock().values().cloned().collect();
        for server in servers {
            server.sweep(&self.limits);
        }
    }

    fn server(&self, target: &Target) -> Arc<Server> {
        let mut servers = self.servers.lock();
        if let Some(server) = servers.get(target) {
            return Arc::clone(server);
        }
        if servers.len() >= self.limits.servers {
            servers.retain(|_, server| server.open.load(Ordering::Relaxed) > 0);
        }
        let server = Arc::new(Server::default());
        // A table still full of servers in use takes no more; their connections are then not kept.
        if servers.len() < self.limits.servers {
            servers.insert(target.clone(), Arc::clone(&server));
        }
        server
    }

    async fn open(&self, target: &Target, server: &Arc<Server>, upgrade: bool) -> Result<Lease, ClientError> {
        let place = Place::take(server, &self.limits).ok_or_else(|| ClientError::Busy(target.to_string()))?;
        let name = self.server_name.as_deref();
        let stream = Stream::open(target, &self.configs, name, upgrade, &self.limits).await?;
        let broken = |error: hyper::Error| ClientError::Broken {
            server: target.to_string(),
            reason: error.to_string(),
        };
        if stream.is_http2() {
            let (sender, connection) = self.http2().handshake(TokioIo::new(stream)).await.map_err(broken)?;
            tokio::spawn(async move {
                let _place = place;
                if let Err(error) = connection.await {
                    tracing::debug!(%error, "connection broke");
                }
            });
            let streams = Arc::new(AtomicUsize::new(0));
            let kept = Http2 { sender, streams, used: Instant::now() };
            let lease = kept.lease(false);
            server.kept.lock().http2.push(kept);
            return Ok(lease);
        }
        let (sender, connection) = http1::Builder::new()
            .max_buf_size(512 * 1024)
            .max_headers(1_000)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(broken)?;
        let connection = connection.with_upgrades();
        tokio::spawn(async move {
            let _place = place;
            if let Err(error) = connection.await {
                tracing::debug!(%error, "connection broke");
            }
        });
        server.kept.lock().http1_only |= !upgrade;
        Ok(Lease::http1(sender, (!upgrade).then(|| Arc::clone(server)), false))
    }

    fn http2(&self) -> http2::Builder<TokioExecutor> {
        let limits = &self.limits;
        let all_streams =
            limits.stream_window.saturating_mul(u32::try_from(limits.streams).unwrap_or(u32::MAX));
        let mut builder = http2::Builder::new(TokioExecutor::new());
        builder
            .timer(TokioTimer::new())
            .initial_stream_window_size(limits.stream_window)
            .initial_connection_window_size(all_streams.min(i32::MAX as u32))
            .max_header_list_size(512 * 1024)
            .max_send_buf_size(limits.send_buffer)
            .keep_alive_interval(limits.ping_interval)
            .keep_alive_timeout(limits.ping_timeout)
            .keep_alive_while_idle(true);
        builder
    }
}

impl Server {
    /// A kept connection that has room.
    fn take(self: &Arc<Self>, limits: &ClientLimits) -> Option<Lease> {
        let mut kept = self.kept.lock();
        kept.http2.retain(|connection| !connection.sender.is_closed());
        if let Some(connection) = kept.http2.iter_mut().find(|connection| connection.has_room(limits)) {
            connection.used = Instant::now();
            return Some(connection.lease(true));
        }
        // The youngest first: the old ones may then go idle.
        while let Some((sender, _)) = kept.http1.pop() {
            if sender.is_ready() {
                return Some(Lease::http1(sender, Some(Arc::clone(self)), true));
            }
        }
        None
    }

    /// Takes an HTTP/1.1 connection back whose response has been read.
    pub(super) fn give_back(&self, sender: http1::SendRequest<Body>) {
        if sender.is_ready() {
            self.kept.lock().http1.push((sender, Instant::now()));
        }
    }

    fn sweep(&self, limits: &ClientLimits) {
        let mut kept = self.kept.lock();
        kept.http1.retain(|(sender, used)| !sender.is_closed() && used.elapsed() < limits.idle);
        kept.http2.retain(|connection| {
            let in_use = connection.streams.load(Ordering::Relaxed) > 0;
            !connection.sender.is_closed() && (in_use || connection.used.elapsed() < limits.idle)
        });
    }
}

impl Http2 {
    fn has_room(&self, limits: &ClientLimits) -> bool {
        self.streams.load(Ordering::Relaxed) < limits.streams
    }

    fn lease(&self, kept: bool) -> Lease {
        Lease::http2(self.sender.clone(), Arc::clone(&self.streams), kept)
    }
}

/// One of the connections that a server may have. Held by the connection, so it must not hold the
/// server: that would keep the connection, and so itself.
#[derive(Debug)]
struct Place(Arc<AtomicUsize>);

impl Place {
    fn take(server: &Server, limits: &ClientLimits) -> Option<Self> {
        let place = Self(Arc::clone(&server.open));
        // Counted before it is compared, so that two who ask at once cannot both get the last one.
        let before = server.open.fetch_add(1, Ordering::Relaxed);
        (before < limits.connections).then_some(place)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

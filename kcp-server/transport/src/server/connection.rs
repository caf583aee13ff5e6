use super::{Limits, Listener, Service};
use crate::{Body, Drain, Peer};
use http::{Request, Response};
use hyper::{
    body::Incoming,
    rt::Executor,
    server::conn::{http1, http2},
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use rustls::ServerConfig;
use std::{
    convert::Infallible,
    future::Future,
    net::SocketAddr,
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};
use tokio::{net::TcpStream, sync::Semaphore, time::Instant};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

/// How connections are accepted and served.
#[derive(Debug)]
pub(super) struct Connections {
    tls: Arc<ServerConfig>,
    pub(super) limits: Arc<Limits>,
    permits: Arc<Semaphore>,
}

impl Connections {
    pub(super) fn new(tls: Arc<ServerConfig>, limits: Limits) -> Self {
        let permits = Arc::new(Semaphore::new(limits.connections));
        Self { tls, limits: Arc::new(limits), permits }
    }

    /// Accepts until it is dropped.
    pub(super) async fn accept<S: Service>(&self, listener: &Listener, service: &Arc<S>, drain: &Drain) {
        loop {
            // First the permit: a connection that nobody serves waits in the backlog, not here.
            let Ok(permit) = Arc::clone(&self.permits).acquire_owned().await else { return };
            let (stream, address) = listener.accept().await;
            let acceptor = TlsAcceptor::from(Arc::clone(&self.tls));
            let (service, limits) = (Arc::clone(service), Arc::clone(&self.limits));
            let peer_drain = drain.clone();
            drain.spawn(async move {
                let _permit = permit;
                if let Some((stream, peer)) = greet(stream, address, &acceptor, &limits, peer_drain).await {
                    converse(stream, Arc::new(peer), service, &limits).await;
                }
            });
        }
    }
}

/// The TLS handshake.
async fn greet(
    stream: TcpStream,
    address: SocketAddr,
    acceptor: &TlsAcceptor,
    limits: &Limits,
    drain: Drain,
) -> Option<(TlsStream<TcpStream>, Peer)> {
    match tokio::time::timeout(limits.handshake, acceptor.accept(stream)).await {
        Ok(Ok(stream)) => {
            let presented = stream.get_ref().1.peer_certificates().unwrap_or_default();
            let certificates = presented.iter().map(|der| der.clone().into_owned()).collect();
            Some((stream, Peer { address, certificates, drain }))
        }
        Ok(Err(error)) => {
            tracing::debug!(%address, %error, "TLS handshake failed");
            None
        }
        Err(_) => {
            tracing::debug!(%address, "TLS handshake took too long");
            None
        }
    }
}

/// Serves the requests of one connection.
async fn converse<S: Service>(
    stream: TlsStream<TcpStream>,
    peer: Arc<Peer>,
    service: Arc<S>,
    limits: &Limits,
) {
    let activity = Arc::new(Activity::default());
    let serve = {
        let (peer, activity) = (Arc::clone(&peer), Arc::clone(&activity));
        service_fn(move |request: Request<Incoming>| {
            let guard = activity.begin();
            let (service, peer) = (Arc::clone(&service), Arc::clone(&peer));
            async move {
                let response = service.call(peer, request.map(Body::from)).await;
                Ok::<Response<Body>, Infallible>(response.map(|body| body.guarded(guard)))
            }
        })
    };
    // ALPN has decided; guessing from the first bytes would wait for them without a limit.
    let http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
    let stream = TokioIo::new(stream);
    if http2 {
        let connection = http2_builder(limits, &peer.drain).serve_connection(stream, serve);
        drive(connection, |it| it.graceful_shutdown(), &peer, &activity, limits).await;
    } else {
        let connection = http1_builder(limits).serve_connection(stream, serve).with_upgrades();
        drive(connection, |it| it.graceful_shutdown(), &peer, &activity, limits).await;
    }
}

/// Lets a connection go on until it closes, idles or drains. `end` lets it finish what is open, and no more.
async fn drive<C: Future<Output = hyper::Result<()>>>(
    connection: C,
    end: impl Fn(Pin<&mut C>),
    peer: &Peer,
    activity: &Activity,
    limits: &Limits,
) {
    let mut connection = pin!(connection);
    let mut ended = false;
    let mut idle_check = tokio::time::interval_at(Instant::now() + limits.idle, limits.idle);
    loop {
        tokio::select! {
            done = connection.as_mut() => {
                if let Err(error) = done {
                    tracing::debug!(peer = %peer.address, %error, "connection broke");
                }
                return;
            }
            () = peer.drain.begun(), if !ended => {}
            _ = idle_check.tick(), if !ended => {
                if !activity.idle_since_last_look() {
                    continue;
                }
            }
        }
        // No new requests; those that are open are finished first.
        ended = true;
        end(connection.as_mut());
    }
}

fn http1_builder(limits: &Limits) -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(limits.header_read)
        .max_buf_size(limits.header_bytes as usize)
        .max_header_size(limits.header_bytes as usize)
        .max_headers(limits.header_fields);
    builder
}

fn http2_builder(limits: &Limits, drain: &Drain) -> http2::Builder<Tracked> {
    let mut builder = http2::Builder::new(Tracked(drain.clone()));
    builder
        .timer(TokioTimer::new())
        .max_header_list_size(limits.header_bytes)
        .max_concurrent_streams(limits.streams)
        .max_send_buf_size(limits.send_buffer)
        .initial_stream_window_size(limits.stream_window)
        .initial_connection_window_size(
            limits.stream_window.saturating_mul(limits.streams).min(i32::MAX as u32),
        )
        .keep_alive_interval(limits.ping_interval)
        .keep_alive_timeout(limits.ping_timeout);
    builder
}

/// Runs the requests of an HTTP/2 connection as tasks that draining waits for and cuts.
#[derive(Clone, Debug)]
struct Tracked(Drain);

impl<F: Future<Output = ()> + Send + 'static> Executor<F> for Tracked {
    fn execute(&self, task: F) {
        self.0.spawn(task);
    }
}

/// What happens on a connection.
#[derive(Debug, Default)]
struct Activity {
    open: AtomicUsize,
    begun: AtomicUsize,
    looked: AtomicUsize,
}

impl Activity {
    fn begin(self: &Arc<Self>) -> Open {
        self.open.fetch_add(1, Ordering::Relaxed);
        self.begun.fetch_add(1, Ordering::Relaxed);
        Open(Arc::clone(self))
    }

    /// Whether no request is open and none was begun since this was asked last.
    fn idle_since_last_look(&self) -> bool {
        let begun = self.begun.load(Ordering::Relaxed);
        self.looked.swap(begun, Ordering::Relaxed) == begun && self.open.load(Ordering::Relaxed) == 0
    }
}

/// One open request.
#[derive(Debug)]
struct Open(Arc<Activity>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::Relaxed);
    }
}

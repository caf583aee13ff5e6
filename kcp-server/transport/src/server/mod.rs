mod connection;
mod limits;
mod listener;

pub use limits::Limits;
pub use listener::Listener;
pub(crate) use listener::tune;

use crate::{Body, Drain, Error, Peer, ServerTls};
use connection::Connections;
use http::{Request, Response};
use std::{future::Future, net::SocketAddr, sync::Arc};
use tokio_util::sync::CancellationToken;

/// What a server does with a request. Any `Fn(Arc<Peer>, Request<Body>) -> Future<Response<Body>>` is one.
///
/// It has no error: whatever goes wrong is a response. The future is dropped when the client goes away.
pub trait Service: Send + Sync + 'static {
    /// Answers one request.
    fn call(&self, peer: Arc<Peer>, request: Request<Body>) -> impl Future<Output = Response<Body>> + Send;
}

impl<F, R> Service for F
where
    F: Fn(Arc<Peer>, Request<Body>) -> R + Send + Sync + 'static,
    R: Future<Output = Response<Body>> + Send,
{
    fn call(&self, peer: Arc<Peer>, request: Request<Body>) -> impl Future<Output = Response<Body>> + Send {
        self(peer, request)
    }
}

/// An HTTPS server that is ready to accept.
#[derive(Debug)]
pub struct Server {
    listener: Listener,
    connections: Connections,
}

impl Server {
    /// Puts TLS and limits in front of an address that is listened on already.
    ///
    /// # Errors
    /// Settings that the TLS library refuses.
    pub fn new(listener: Listener, tls: &ServerTls, limits: Limits) -> Result<Self, Error> {
        Ok(Self { listener, connections: Connections::new(tls.config()?, limits) })
    }

    /// The address that is listened on, with the port that was found for port 0.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.listener.address()
    }

    /// Serves until `shutdown`, then drains for at most [`Limits::drain_deadline`] and returns.
    pub async fn serve(self, service: impl Service, shutdown: CancellationToken) {
        let drain = Drain::new();
        let service = Arc::new(service);
        tokio::select! {
            () = shutdown.cancelled() => {}
            () = self.connections.accept(&self.listener, &service, &drain) => {}
        }
        drop(self.listener);
        drain.run(self.connections.limits.drain_deadline).await;
    }
}

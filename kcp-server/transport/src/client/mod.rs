//! The client: requests to servers whose addresses are full URLs.
//!
//! Connections are kept per server. An HTTP/2 connection carries as many requests as the server allows
//! at once, then another is opened: a watch per request must not make the next one wait. An HTTP/1.1
//! connection carries one request and returns when its response has been read. Upgrades get a connection
//! of their own. A request that certainly never left is sent again on a fresh connection, and so is one
//! without a body that only reads, if a kept connection turned out to be dead.

mod connect;
mod error;
mod lease;
mod limits;
mod pool;

pub use error::ClientError;
pub use limits::ClientLimits;

use crate::{Body, ClientTls, Error, Upkeep, tls::Configs};
use arc_swap::ArcSwap;
use connect::Target;
use http::{Method, Request, Response};
use parking_lot::Mutex;
use pool::{Checkout, Pool, Sent};
use std::sync::Arc;

/// A client with one identity and one set of roots. Cheap to share, expensive to make.
#[derive(Debug)]
pub struct Client {
    limits: Arc<ClientLimits>,
    pool: ArcSwap<Pool>,
    current: Mutex<Current>,
}

/// What the pool was made with.
#[derive(Debug)]
struct Current {
    tls: ClientTls,
    /// What was last read from its files, usable or not.
    seen: [u8; 32],
}

impl Client {
    /// Makes a client.
    ///
    /// # Errors
    /// Certificates, keys or bundles that cannot be used.
    pub fn new(tls: ClientTls, limits: ClientLimits) -> Result<Arc<Self>, Error> {
        let seen = tls.digest()?;
        let limits = Arc::new(limits);
        let pool = Pool::new(tls.configs()?, tls.server_name.clone(), Arc::clone(&limits));
        let current = Mutex::new(Current { tls, seen });
        Ok(Arc::new(Self { limits, pool: ArcSwap::from_pointee(pool), current }))
    }

    /// Sends a request to the server that its URI names, `https://host[:port]/…` (or `http`, without TLS),
    /// and waits for the head of the response as long as it takes. Dropping the future or the body takes
    /// the request back.
    ///
    /// # Errors
    /// A URI without a server, a server that cannot be reached or breaks off, too many connections to it.
    pub async fn send(&self, request: Request<Body>) -> Result<Response<Body>, ClientError> {
        let target = Target::of(request.uri())?;
        let pool = self.pool.load_full();
        let again = replay(&request);
        let (unsent, kept) = match self.attempt(&pool, &target, request, Checkout::Any).await {
            Ok(response) => return Ok(response),
            Err(Sent::Never(request, kept)) => (Some(*request), kept),
            Err(Sent::Perhaps(error, kept)) if !kept || again.is_none() => return Err(error),
            Err(Sent::Perhaps(_, kept)) => (again, kept),
        };
        let Some(request) = unsent.filter(|_| kept) else {
            return Err(ClientError::Broken { server: target.to_string(), reason: "closed at once".into() });
        };
        self.attempt(&pool, &target, request, Checkout::Fresh).await.map_err(|sent| sent.into_error(&target))
    }

    /// Sends a request that asks for another protocol. A 101 response carries the connection for
    /// [`hyper::upgrade::on`]; any other is an ordinary response.
    ///
    /// # Errors
    /// As [`Self::send`].
    pub async fn send_upgrade(&self, request: Request<Body>) -> Result<Response<Body>, ClientError> {
        let target = Target::of(request.uri())?;
        let pool = self.pool.load_full();
        self.attempt(&pool, &target, request, Checkout::Upgrade)
            .await
            .map_err(|sent| sent.into_error(&target))
    }

    /// Reads certificates and bundles again if they changed. Whether new ones are in use: connections made
    /// with the old ones finish what they carry and take nothing new.
    ///
    /// # Errors
    /// New files that cannot be used; the old ones stay in use.
    pub fn reload(&self) -> Result<bool, Error> {
        let mut current = self.current.lock();
        let now = current.tls.digest()?;
        if now == current.seen {
            return Ok(false);
        }
        current.seen = now;
        self.use_configs(current.tls.configs()?, &current.tls);
        Ok(true)
    }

    /// Goes on with another identity, other roots or another server name, as after [`Self::reload`]. Whether
    /// they are others.
    ///
    /// # Errors
    /// Files that cannot be used; the old ones stay in use.
    pub fn replace(&self, tls: ClientTls) -> Result<bool, Error> {
        let mut current = self.current.lock();
        if tls == current.tls {
            return Ok(false);
        }
        let seen = tls.digest()?;
        self.use_configs(tls.configs()?, &tls);
        *current = Current { tls, seen };
        Ok(true)
    }

    fn use_configs(&self, configs: Configs, tls: &ClientTls) {
        let pool = Pool::new(configs, tls.server_name.clone(), Arc::clone(&self.limits));
        self.pool.store(Arc::new(pool));
    }

    async fn attempt(
        &self,
        pool: &Arc<Pool>,
        target: &Target,
        request: Request<Body>,
        checkout: Checkout,
    ) -> Result<Response<Body>, Sent> {
        let lease = match pool.checkout(target, checkout).await {
            Ok(lease) => lease,
            Err(error) => return Err(Sent::Perhaps(error, false)),
        };
        lease.send(target, request).await
    }
}

impl Upkeep for Client {
    fn upkeep(&self) {
        match self.reload() {
            Ok(false) => {}
            Ok(true) => tracing::info!("client certificates reloaded"),
            Err(error) => tracing::error!(%error, "new client certificates not usable; keeping the old ones"),
        }
        self.pool.load().sweep();
    }
}

/// The same request once more, if sending it twice does no harm.
fn replay(request: &Request<Body>) -> Option<Request<Body>> {
    let reads = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    if !reads || !http_body::Body::is_end_stream(request.body()) {
        return None;
    }
    let mut again = Request::new(Body::empty());
    *again.method_mut() = request.method().clone();
    *again.uri_mut() = request.uri().clone();
    *again.headers_mut() = request.headers().clone();
    Some(again)
}

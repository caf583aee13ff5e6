//! How the parts are joined.

use crate::{
    Config,
    api::Api,
    connection::Connection,
    directory::Directory,
    identity::{Identity, IdentityError},
    kubeconfig::KubeconfigError,
    metrics::Metrics,
    routes::{Routes, RoutesError},
    serve::Handler,
};
use http::Request;
use kcp_transport::{Body, Listener, Peer, Server, ServerTls, ServingCertificate, Upkeep, keep_up};
use std::{net::SocketAddr, sync::Arc};
use tokio_util::sync::CancellationToken;

/// Names that a generated certificate holds besides this host's.
const OWN_NAMES: [&str; 3] = ["kubernetes.default.svc", "kubernetes.default", "kubernetes"];

/// Why the proxy does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address, the serving certificate or a credential.
    #[error(transparent)]
    Transport(#[from] kcp_transport::Error),
    /// A kubeconfig.
    #[error(transparent)]
    Kubeconfig(#[from] KubeconfigError),
    /// The mapping file.
    #[error(transparent)]
    Routes(#[from] RoutesError),
    /// A file that authentication needs.
    #[error(transparent)]
    Identity(#[from] IdentityError),
}

/// A proxy that listens and has read all its files.
pub struct FrontProxy {
    server: Server,
    handler: Handler,
    upkeep: Vec<Arc<dyn Upkeep>>,
    stop: CancellationToken,
}

/// Starts a proxy and serves until `shutdown`; returns when everything has drained.
///
/// # Errors
/// What keeps it from starting.
pub async fn run(config: Config, shutdown: CancellationToken) -> Result<(), StartError> {
    FrontProxy::start(config).await?.serve(shutdown).await;
    Ok(())
}

impl FrontProxy {
    /// Reads all files and listens. Nothing is answered before [`Self::serve`].
    ///
    /// # Errors
    /// A file that cannot be used, or an address that cannot be listened on.
    pub async fn start(config: Config) -> Result<Self, StartError> {
        let stop = CancellationToken::new();
        let root = Connection::to_server(config.root_kubeconfig)?;
        let shards = Connection::to_any(config.shards_kubeconfig)?;
        let directory = Directory::new(Api::of(Arc::clone(&root)), Arc::clone(&shards), stop.clone());
        let routes = Routes::read(config.mapping_file)?;
        let identity = Identity::new(config.authentication, Arc::clone(&directory))?;
        let certificate = match config.certificate {
            Some(pair) => ServingCertificate::load(pair)?,
            None => {
                let names = OWN_NAMES.map(str::to_owned);
                ServingCertificate::load_or_generate(&config.directory, "apiserver", &names)?
            }
        };
        let tls = ServerTls {
            certificate: Arc::clone(&certificate),
            min_version: config.min_version,
            http2: config.http2,
        };
        let listener = Listener::bind(config.host, config.port).await?;
        let server = Server::new(listener, &tls, config.limits)?;
        let upkeep: Vec<Arc<dyn Upkeep>> = vec![certificate, root, shards, routes.clone(), identity.clone()];
        let handler = Handler { identity, directory, routes, metrics: Metrics::new(), cors: config.cors };
        Ok(Self { server, handler, upkeep, stop })
    }

    /// The address that is listened on, with the port that was found for port 0.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// What looks after the files that were read, every few seconds while it serves. Whoever has just changed one
    /// and cannot wait looks himself.
    #[must_use]
    pub fn upkeep(&self) -> Vec<Arc<dyn Upkeep>> {
        self.upkeep.clone()
    }

    /// Serves until `shutdown`, drains, and returns. The directory is followed to the end, for requests
    /// that are still open may need it.
    pub async fn serve(self, shutdown: CancellationToken) {
        tracing::info!(address = %self.server.address(), "serving");
        let (directory, stop) = (Arc::clone(&self.handler.directory), self.stop);
        let handler = Arc::new(self.handler);
        let serving = async {
            let service = move |peer: Arc<Peer>, request: Request<Body>| {
                let handler = Arc::clone(&handler);
                async move { handler.serve(&peer, request).await }
            };
            self.server.serve(service, shutdown).await;
            stop.cancel();
        };
        tokio::join!(serving, directory.run(), keep_up(self.upkeep, stop.clone()));
    }
}

//! How the parts are joined.

use crate::{
    Config,
    api::Api,
    directory::Directory,
    identity::{Identity, IdentityError},
    kubeconfig::{Kubeconfig, KubeconfigError},
    metrics::Metrics,
    routes::{Routes, RoutesError},
    serve::Handler,
};
use http::Request;
use kcp_transport::{
    Body, Client, ClientLimits, Listener, Peer, Server, ServerTls, ServingCertificate, Upkeep, keep_up,
};
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
    /// The root kubeconfig lacks what only it can say.
    #[error("the root kubeconfig names no server")]
    NoRoot,
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
        let root = Kubeconfig::read(&config.root_kubeconfig, None)?;
        if root.server.is_empty() {
            return Err(StartError::NoRoot);
        }
        let shards = Kubeconfig::read(&config.shards_kubeconfig, None)?;
        let root_client = Client::new(root.tls(), ClientLimits::default())?;
        let shards_client = Client::new(shards.tls(), ClientLimits::default())?;
        let directory = Directory::new(
            Api::new(Arc::clone(&root_client), &root.server, root.token),
            Arc::clone(&shards_client),
            shards.token,
            stop.clone(),
        );
        let routes = Routes::read(config.mapping_file)?;
        let identity = Identity::new(config.authentication, Arc::clone(&directory))?;
        let certificate = match config.certificate {
            Some(pair) => ServingCertificate::load(pair)?,
            None => {
                let names = OWN_NAMES.map(str::to_owned);
                ServingCertificate::load_or_generate(&config.directory, "apiserver", &names)?
            }
        };
        let tls = ServerTls { certificate: Arc::clone(&certificate), min_version: config.min_version };
        let listener = Listener::bind(config.host, config.port).await?;
        let server = Server::new(listener, &tls, config.limits)?;
        let upkeep: Vec<Arc<dyn Upkeep>> =
            vec![certificate, root_client, shards_client, routes.clone(), identity.clone()];
        let handler = Handler { identity, directory, routes, metrics: Metrics::new(), cors: config.cors };
        Ok(Self { server, handler, upkeep, stop })
    }

    /// The address that is listened on, with the port that was found for port 0.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.server.address()
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

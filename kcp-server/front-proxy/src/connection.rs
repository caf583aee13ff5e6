//! A server and a credential as a kubeconfig has them, read anew when the file changes.

use crate::{
    kubeconfig::{Kubeconfig, KubeconfigError},
    run::StartError,
};
use arc_swap::ArcSwap;
use kcp_transport::{Client, ClientLimits, Source, Upkeep};
use std::{path::PathBuf, sync::Arc};

/// What a kubeconfig says now. Requests that are under way finish with what it said before.
#[derive(Debug)]
pub(crate) struct Connection {
    file: PathBuf,
    client: Arc<Client>,
    current: ArcSwap<Kubeconfig>,
    /// Whether the server in the file matters.
    named: bool,
}

impl Connection {
    /// To the server that a file names.
    pub(crate) fn to_server(file: PathBuf) -> Result<Arc<Self>, StartError> {
        Self::open(file, true)
    }

    /// To servers that are named elsewhere, with the credential of a file.
    pub(crate) fn to_any(file: PathBuf) -> Result<Arc<Self>, StartError> {
        Self::open(file, false)
    }

    fn open(file: PathBuf, named: bool) -> Result<Arc<Self>, StartError> {
        let current = Self::read(&file, named)?;
        let client = Client::new(current.tls(), ClientLimits::default())?;
        Ok(Arc::new(Self { file, client, current: ArcSwap::from_pointee(current), named }))
    }

    fn read(file: &std::path::Path, named: bool) -> Result<Kubeconfig, KubeconfigError> {
        let found = Kubeconfig::read(file, None)?;
        if named && found.server.is_empty() {
            let reason = "the current context names no server".to_owned();
            return Err(KubeconfigError::Invalid { path: file.to_owned(), reason });
        }
        Ok(found)
    }

    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    /// The server's URL, without a slash at its end.
    pub(crate) fn server(&self) -> String {
        self.current.load().server.clone()
    }

    pub(crate) fn token(&self) -> Option<Source> {
        self.current.load().token.clone()
    }

    fn reload(&self) -> Result<bool, StartError> {
        let found = Self::read(&self.file, self.named)?;
        if found == **self.current.load() {
            return Ok(false);
        }
        self.client.replace(found.tls())?;
        self.current.store(Arc::new(found));
        Ok(true)
    }
}

impl Upkeep for Connection {
    fn upkeep(&self) {
        let file = self.file.display();
        match self.reload() {
            Ok(false) => {}
            Ok(true) => tracing::info!(%file, "kubeconfig reloaded"),
            Err(error) => tracing::error!(%file, %error, "new kubeconfig not usable; keeping the old one"),
        }
        // The files that it names change more often than it does.
        self.client.upkeep();
    }
}

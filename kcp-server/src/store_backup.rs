//! Backups of a store that is served: how a shard gives them, and how `kcp store backup` takes them.

use crate::kubeconfig::Kubeconfig;
use anyhow::{Context, bail};
use bytes::Bytes;
use http::{Request, header};
use kcp_apiserver::{Backup, Backups};
use kcp_storage_local::{
    LocalStore,
    admin::{self, AdminError, BackupReport, Progress},
};
use kcp_transport::{Body, Client, ClientLimits};
use std::{io, path::Path, sync::Arc, time::Duration};

/// Backups of the embedded store.
pub struct LocalBackups(pub Arc<LocalStore>);

struct LocalBackup(admin::Backup);

impl Backups for LocalBackups {
    fn begin(&self) -> Result<Box<dyn Backup>, kcp_storage::Error> {
        Ok(Box::new(LocalBackup(self.0.begin_backup()?)))
    }
}

impl Backup for LocalBackup {
    fn piece(&mut self) -> Result<Option<Bytes>, kcp_storage::Error> {
        self.0.piece()
    }
}

/// How long the server may take for the next piece.
const PATIENCE: Duration = Duration::from_secs(120);
/// What an answer that is no backup may have to say.
const ANSWER_LIMIT: usize = 64 << 10;

/// Takes a backup of the shard that a kubeconfig names. Its current context is used unless another is
/// named or there is one of a shard administrator (`shard-base`).
///
/// # Errors
/// The kubeconfig is of no use, the server refuses or breaks off, or the file exists or cannot be written.
/// No file is left then.
pub fn take(
    kubeconfig: &Path,
    context: Option<&str>,
    file: &Path,
    progress: &mut dyn FnMut(Progress),
) -> anyhow::Result<BackupReport> {
    if file.exists() {
        return Err(AdminError::Exists(file.to_owned()).into());
    }
    let config = Kubeconfig::read(kubeconfig)?;
    let context = context.map(str::to_owned).unwrap_or_else(|| config.shard_context());
    let access = config.access(&context).with_context(|| kubeconfig.display().to_string())?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let limits = ClientLimits { stream_window: 4 << 20, ..ClientLimits::default() };
    let client = runtime.block_on(async { Client::new(access.tls, limits) })?;
    let mut request = Request::get(format!("{}/store/backup", host(&access.server)));
    if let Some(token) = &access.token {
        request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
    }
    let mut body = runtime.block_on(ask(&client, request.body(Body::empty())?))?;
    let next = || match runtime.block_on(async { tokio::time::timeout(PATIENCE, body.chunk()).await }) {
        Ok(chunk) => chunk.transpose().map_err(io::Error::other),
        Err(_) => Err(io::Error::new(io::ErrorKind::TimedOut, "the server sends nothing more")),
    };
    Ok(admin::receive(next, file, progress)?)
}

async fn ask(client: &Client, request: Request<Body>) -> anyhow::Result<Body> {
    let response = client.send(request).await?;
    let code = response.status();
    if code.is_success() {
        return Ok(response.into_body());
    }
    let answer = response.into_body().collect(ANSWER_LIMIT).await.unwrap_or_default();
    let status: serde_json::Value = serde_json::from_slice(&answer).unwrap_or_default();
    match status["message"].as_str() {
        Some(message) => bail!("the server refuses a backup ({code}): {message}"),
        None => bail!("the server refuses a backup ({code})"),
    }
}

/// A server's URL without the logical cluster that a context may name.
fn host(server: &str) -> &str {
    server.split_once("/clusters/").map_or(server, |(host, _)| host).trim_end_matches('/')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backup_is_of_no_logical_cluster() {
        assert_eq!(host("https://x:1/clusters/system:admin"), "https://x:1");
        assert_eq!(host("https://x:1/"), "https://x:1");
    }
}

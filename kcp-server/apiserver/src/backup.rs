//! `GET /store/backup`: everything that the shard stores, as a file for `kcp store restore`.
//!
//! It holds the secrets of every tenant. So it exists outside of logical clusters only, where no
//! workspace's RBAC reaches; and whatever else lets a request in there, only members of
//! `system:masters` get it.

use crate::{
    ApiServer, Error,
    pipeline::{Authenticated, Place},
};
use bytes::Bytes;
use http::{HeaderValue, Method, Response, header};
use kcp_authz::group;
use kcp_transport::{Body, BodySender, Drain, Peer};
use std::{sync::Arc, time::Duration};
use tokio::sync::Semaphore;

/// Where it is.
pub(crate) const PATH: &str = "/store/backup";
/// Backups that are taken at a time.
const AT_ONCE: usize = 2;
/// How long a client may take for one piece.
const PATIENCE: Duration = Duration::from_secs(60);

/// Whoever can back up what is stored.
pub trait Backups: Send + Sync + 'static {
    /// Begins a backup of what is stored now.
    ///
    /// # Errors
    /// The store cannot be read.
    fn begin(&self) -> Result<Box<dyn Backup>, kcp_storage::Error>;
}

/// A backup that is being taken.
pub trait Backup: Send + 'static {
    /// The next piece of the file; `None` behind the last. It blocks.
    ///
    /// # Errors
    /// The store cannot be read (any more); what came so far is no backup.
    fn piece(&mut self) -> Result<Option<Bytes>, kcp_storage::Error>;
}

/// Backups with the places that there are for them.
pub(crate) struct BackupDesk {
    source: Arc<dyn Backups>,
    places: Arc<Semaphore>,
}

impl BackupDesk {
    pub(crate) fn new(source: Arc<dyn Backups>) -> Self {
        Self { source, places: Arc::new(Semaphore::new(AT_ONCE)) }
    }
}

impl ApiServer {
    /// Answers an authorized request for a backup.
    pub(crate) async fn backup(&self, peer: &Peer, request: &Authenticated) -> Result<Response<Body>, Error> {
        let desk = self.backups.as_ref().filter(|_| request.place == Place::Nowhere);
        let desk = desk.ok_or(Error::NoSuchPath)?;
        if !request.user.groups.iter().any(|name| name == group::MASTERS) {
            return Err(kcp_authz::forbidden(&crate::pipeline::attributes(request, None), "").into());
        }
        let mut response = Response::default();
        if request.parsed.method != Method::HEAD {
            let place = Arc::clone(&desk.places).try_acquire_owned().map_err(|_| Error::TooManyRequests)?;
            let source = Arc::clone(&desk.source);
            let begun = tokio::task::spawn_blocking(move || source.begin()).await;
            let backup = begun.map_err(|error| Error::Internal(error.to_string()))??;
            tracing::info!(user = request.user.name, from = %peer.address, "a backup of the store is taken");
            let (sender, body) = Body::channel(1);
            let drain = peer.drain.clone();
            peer.drain.spawn(async move {
                send(backup, sender, &drain).await;
                drop(place);
            });
            *response.body_mut() = body;
        }
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        Ok(response)
    }
}

/// Sends piece after piece, as fast as they are taken.
async fn send(mut backup: Box<dyn Backup>, sender: BodySender, drain: &Drain) {
    let reason = loop {
        let read = tokio::task::spawn_blocking(move || {
            let piece = backup.piece();
            (backup, piece)
        });
        let piece = match read.await {
            Ok((same, piece)) => {
                backup = same;
                piece
            }
            Err(error) => break error.to_string(),
        };
        let piece = match piece {
            Ok(Some(piece)) => piece,
            Ok(None) => return,
            Err(error) => break error.to_string(),
        };
        tokio::select! {
            taken = tokio::time::timeout(PATIENCE, sender.send(piece)) => match taken {
                Ok(true) => {}
                Ok(false) => break "the client has gone".to_owned(),
                Err(_) => break "the client does not read".to_owned(),
            },
            () = drain.begun() => break "the server is going down".to_owned(),
        }
    };
    tracing::warn!(reason, "a backup of the store was not completed");
    sender.abort(reason);
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Pieces(Vec<Result<Option<Bytes>, kcp_storage::Error>>);

    impl Backup for Pieces {
        fn piece(&mut self) -> Result<Option<Bytes>, kcp_storage::Error> {
            self.0.remove(0)
        }
    }

    async fn sent(pieces: Vec<Result<Option<Bytes>, kcp_storage::Error>>) -> Result<Bytes, String> {
        let (sender, body) = Body::channel(1);
        let drain = Drain::new();
        let (collected, ()) = tokio::join!(body.collect(100), send(Box::new(Pieces(pieces)), sender, &drain));
        collected.map_err(|error| error.to_string())
    }

    #[tokio::test]
    async fn a_backup_that_breaks_off_is_no_whole_body() {
        let piece = |text: &'static str| Ok(Some(Bytes::from_static(text.as_bytes())));
        assert_eq!(sent(vec![piece("ab"), piece("c"), Ok(None)]).await, Ok("abc".into()));
        let broken = sent(vec![piece("ab"), Err(kcp_storage::Error::Closed)]).await;
        assert_eq!(broken, Err("the store is closed".to_owned()));
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_does_not_read_is_given_up() {
        let (sender, mut body) = Body::channel(1);
        let drain = Drain::new();
        let pieces = (0..3).map(|_| Ok(Some(Bytes::from_static(b"x")))).collect();
        send(Box::new(Pieces(pieces)), sender, &drain).await;
        assert_eq!(body.chunk().await.expect("the first").expect("is whole"), "x");
        let end = body.chunk().await.expect("an end").expect_err("that is none");
        assert_eq!(end.to_string(), "the client does not read");
    }
}

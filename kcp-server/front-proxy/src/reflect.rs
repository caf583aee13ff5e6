//! Keeping up with a collection: list, then watch, and list again when a watch cannot go on.

use crate::api::{Api, ApiError, Event};
use kcp_apimachinery::Value;
use std::{future::Future, time::Duration};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// The shortest and the longest wait before a server is asked again that did not answer.
const SHORTEST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(5);
/// A watch that lived this long was not a failure, however it ended.
const LIVED: Duration = Duration::from_secs(10);

/// What follows a collection.
pub(crate) trait Follower: Send {
    /// The URL path of the collection. It may have to be found out.
    fn path(&mut self) -> impl Future<Output = Result<String, ApiError>> + Send;
    /// A list begins. What it does not contain does not exist, once it has ended.
    fn begin(&mut self);
    /// An object exists, and looks like this.
    fn upsert(&mut self, object: &Value);
    /// An object is gone.
    fn remove(&mut self, object: &Value);
    /// The list has ended; it is of this resource version.
    fn end(&mut self, version: &str);
    /// The server did not answer, or said no.
    fn failed(&mut self, error: &ApiError);
}

/// Follows a collection until `stop`.
pub(crate) async fn reflect(
    api: &Api,
    accept: Accept,
    mut follower: impl Follower,
    stop: &CancellationToken,
) {
    let _stopped = stop.run_until_cancelled(follow(api, accept, &mut follower)).await;
}

/// What an object should look like on its way.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Accept {
    /// Whole.
    Object,
    /// Its metadata, if the server can leave the rest away.
    Metadata,
}

impl Accept {
    fn list(self) -> &'static str {
        match self {
            Self::Object => "application/json",
            Self::Metadata => {
                "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json"
            }
        }
    }

    fn watch(self) -> &'static str {
        match self {
            Self::Object => "application/json",
            Self::Metadata => "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json",
        }
    }
}

async fn follow(api: &Api, accept: Accept, follower: &mut impl Follower) {
    let mut wait = SHORTEST;
    loop {
        let begun = Instant::now();
        if let Err(error) = list_and_watch(api, accept, follower).await {
            follower.failed(&error);
        }
        wait = if begun.elapsed() > LIVED { SHORTEST } else { (wait * 2).min(LONGEST) };
        pause(wait).await;
    }
}

/// Returns when there has to be another list.
async fn list_and_watch(api: &Api, accept: Accept, follower: &mut impl Follower) -> Result<(), ApiError> {
    let path = follower.path().await?;
    let server = api.base();
    let mut version = list(api, accept, &path, follower).await?;
    let mut wait = SHORTEST;
    loop {
        let begun = Instant::now();
        match watch(api, accept, &path, &mut version, follower).await {
            Ok(Ended::Expired(reason)) => {
                tracing::debug!(%path, reason, "watch expired");
                return Ok(());
            }
            Ok(Ended::Quietly) => {}
            // The connection broke: nothing is missed if the watch goes on where it was.
            Err(error @ (ApiError::Client(_) | ApiError::Body(_))) => follower.failed(&error),
            Err(error @ (ApiError::Refused { .. } | ApiError::Senseless { .. })) => return Err(error),
        }
        wait = if begun.elapsed() > LIVED { SHORTEST } else { (wait * 2).min(LONGEST) };
        pause(wait).await;
        // Another server may count its versions differently.
        if api.base() != server {
            return Ok(());
        }
    }
}

async fn list(
    api: &Api,
    accept: Accept,
    path: &str,
    follower: &mut impl Follower,
) -> Result<String, ApiError> {
    follower.begin();
    let mut after = String::new();
    loop {
        let page = api.list(path, accept.list(), &after).await?;
        page.items.iter().for_each(|object| follower.upsert(object));
        if page.next.is_empty() {
            follower.end(&page.resource_version);
            return Ok(page.resource_version);
        }
        after = page.next;
    }
}

/// How a watch ended.
enum Ended {
    /// It may go on from the version it has reached.
    Quietly,
    /// It cannot.
    Expired(String),
}

async fn watch(
    api: &Api,
    accept: Accept,
    path: &str,
    version: &mut String,
    follower: &mut impl Follower,
) -> Result<Ended, ApiError> {
    let mut watch = api.watch(path, accept.watch(), version).await?;
    while let Some(event) = watch.next().await? {
        let object = match event {
            Event::Expired(reason) => return Ok(Ended::Expired(reason)),
            Event::Upsert(object) => {
                follower.upsert(&object);
                object
            }
            Event::Removed(object) => {
                follower.remove(&object);
                object
            }
            Event::Bookmark(object) => object,
        };
        if let Some(reached) = object.str_at(&["metadata", "resourceVersion"]) {
            version.clear();
            version.push_str(reached);
        }
    }
    Ok(Ended::Quietly)
}

/// Waits about so long: many who lost the same server should not come back at the same moment.
async fn pause(about: Duration) {
    tokio::time::sleep(about.mul_f64(rand::random_range(0.5..1.0))).await;
}

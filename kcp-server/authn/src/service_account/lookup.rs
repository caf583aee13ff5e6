//! What has to be known about the objects behind a token, and how long it is believed.

use kcp_names::ClusterName;
use kcp_pki::UnixTime;
use quick_cache::sync::Cache;
use std::{future::Future, pin::Pin, time::Duration};

/// A boxed future, so that [`Lookup`] can be a trait object.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Finds service accounts and their secrets, in this shard or another.
pub trait Lookup: Send + Sync {
    /// A ServiceAccount.
    fn service_account<'a>(
        &'a self,
        cluster: &'a ClusterName,
        namespace: &'a str,
        name: &'a str,
    ) -> BoxFuture<'a, Result<Found<ServiceAccountFacts>, LookupError>>;

    /// A Secret.
    fn secret<'a>(
        &'a self,
        cluster: &'a ClusterName,
        namespace: &'a str,
        name: &'a str,
    ) -> BoxFuture<'a, Result<Found<SecretFacts>, LookupError>>;
}

/// An answer to a look-up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found<T> {
    /// This shard holds the logical cluster: the answer is fresh, and is asked for each time.
    Here(Option<T>),
    /// Another shard said so. Believed for a minute, an absence for ten seconds.
    Elsewhere(Option<T>),
}

/// Nobody could say. The token is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot look up the service account: {0}")]
pub struct LookupError(pub String);

/// What is read of a ServiceAccount.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceAccountFacts {
    /// `metadata.uid`
    pub uid: String,
    /// `metadata.deletionTimestamp`
    pub deleted_at: Option<UnixTime>,
}

/// What is read of a Secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretFacts {
    /// `metadata.uid`
    pub uid: String,
    /// `metadata.deletionTimestamp`
    pub deleted_at: Option<UnixTime>,
    /// `data.token`, decoded; empty if there is none
    pub token: Vec<u8>,
    /// The label `kubernetes.io/legacy-token-invalid-since`
    pub invalid_since: Option<String>,
}

const KNOWN: Duration = Duration::from_secs(60);
const UNKNOWN: Duration = Duration::from_secs(10);
/// How many answers of other shards are kept of each kind.
const KEPT: usize = 4096;

/// Answers of other shards.
pub(super) struct Cached<T>(Cache<Key, (Option<T>, UnixTime)>);

type Key = (ClusterName, Box<str>, Box<str>);

impl<T: Clone> Cached<T> {
    pub(super) fn new() -> Self {
        Self(Cache::new(KEPT))
    }

    /// What is known, or what `ask` finds out.
    pub(super) async fn get(
        &self,
        key: (&ClusterName, &str, &str),
        now: UnixTime,
        ask: impl Future<Output = Result<Found<T>, LookupError>>,
    ) -> Result<Option<T>, LookupError> {
        let (cluster, namespace, name) = key;
        let key = (cluster.clone(), namespace.into(), name.into());
        if let Some((answer, _)) = self.0.get(&key).filter(|(_, until)| now < *until) {
            return Ok(answer);
        }
        match ask.await? {
            Found::Here(answer) => Ok(answer),
            Found::Elsewhere(answer) => {
                let life = if answer.is_some() { KNOWN } else { UNKNOWN };
                let until =
                    UnixTime::since_unix_epoch(Duration::from_secs(now.as_secs()).saturating_add(life));
                self.0.insert(key, (answer.clone(), until));
                Ok(answer)
            }
        }
    }
}

//! Service accounts and their secrets, read where they are.

use crate::directory::Directory;
use base64::{Engine as _, prelude::BASE64_STANDARD};
use kcp_apimachinery::{Value, time::Time};
use kcp_authn::{BoxFuture, Found, Lookup, LookupError, SecretFacts, ServiceAccountFacts};
use kcp_names::ClusterName;
use kcp_pki::UnixTime;
use std::{sync::Arc, time::Duration};

/// Asks the shard that holds a service account, wherever that is.
pub(crate) struct AtItsShard(pub(crate) Arc<Directory>);

impl AtItsShard {
    async fn get(
        &self,
        cluster: &ClusterName,
        namespace: &str,
        resource: &str,
        name: &str,
    ) -> Result<Option<Value>, LookupError> {
        let shard = self.0.index().shard_of(cluster).and_then(|name| self.0.shard(&name));
        let Some(shard) = shard else { return Ok(None) };
        let plain = |text: &str| text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-.".contains(&b));
        if !(plain(namespace) && plain(name)) {
            return Ok(None);
        }
        let path = format!("/clusters/{cluster}/api/v1/namespaces/{namespace}/{resource}/{name}");
        match shard.api.get(&path).await {
            Ok(object) => Ok(Some(object)),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(LookupError(error.to_string())),
        }
    }
}

impl Lookup for AtItsShard {
    fn service_account<'a>(
        &'a self,
        cluster: &'a ClusterName,
        namespace: &'a str,
        name: &'a str,
    ) -> BoxFuture<'a, Result<Found<ServiceAccountFacts>, LookupError>> {
        Box::pin(async move {
            let object = self.get(cluster, namespace, "serviceaccounts", name).await?;
            Ok(Found::Elsewhere(object.as_ref().map(|object| ServiceAccountFacts {
                uid: text(object, &["metadata", "uid"]),
                deleted_at: deleted_at(object),
            })))
        })
    }

    fn secret<'a>(
        &'a self,
        cluster: &'a ClusterName,
        namespace: &'a str,
        name: &'a str,
    ) -> BoxFuture<'a, Result<Found<SecretFacts>, LookupError>> {
        Box::pin(async move {
            let object = self.get(cluster, namespace, "secrets", name).await?;
            Ok(Found::Elsewhere(object.as_ref().map(secret_facts)))
        })
    }
}

fn secret_facts(object: &Value) -> SecretFacts {
    let labels = ["metadata", "labels", "kubernetes.io/legacy-token-invalid-since"];
    SecretFacts {
        uid: text(object, &["metadata", "uid"]),
        deleted_at: deleted_at(object),
        token: BASE64_STANDARD.decode(text(object, &["data", "token"])).unwrap_or_default(),
        invalid_since: object.str_at(&labels).map(str::to_owned),
    }
}

fn text(object: &Value, path: &[&str]) -> String {
    object.str_at(path).unwrap_or_default().to_owned()
}

/// When the object goes. One that goes at an unreadable time is gone.
fn deleted_at(object: &Value) -> Option<UnixTime> {
    let text = object.str_at(&["metadata", "deletionTimestamp"])?;
    let seconds = Time::parse(text).map_or(0, Time::unix);
    Some(UnixTime::since_unix_epoch(Duration::from_secs(u64::try_from(seconds).unwrap_or(0))))
}

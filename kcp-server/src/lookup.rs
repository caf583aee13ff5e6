//! What the authenticator asks about service accounts, answered by this shard's own objects.

use kcp_apimachinery::Value;
use kcp_authn::{BoxFuture, Found, Lookup, LookupError, SecretFacts, ServiceAccountFacts};
use kcp_names::ClusterName;
use kcp_pki::UnixTime;
use kcp_registry::{Registry, codec};
use kcp_storage::{Key, ObjectName, ResourceKey};
use std::{sync::Arc, time::Duration};

/// Looks in the registry.
pub struct RegistryLookup(pub Arc<Registry>);

impl RegistryLookup {
    async fn object(
        &self,
        kind: &str,
        cluster: &ClusterName,
        namespace: &str,
        name: &str,
    ) -> Result<Option<Value>, LookupError> {
        let failed = |error: &dyn ToString| LookupError(error.to_string());
        let (Ok(namespace), Ok(name)) = (ObjectName::parse(namespace), ObjectName::parse(name)) else {
            return Ok(None);
        };
        let resource = ResourceKey::built_in("", kind);
        let key = Key { resource, cluster: cluster.clone(), namespace: Some(namespace), name };
        let record = self.0.record(&key).await.map_err(|e| failed(&e))?;
        record.map(|record| codec::open(&key, &record).map_err(|e| failed(&e))).transpose()
    }
}

fn deleted_at(object: &Value) -> Option<UnixTime> {
    let at = object.meta().deletion_timestamp()?;
    Some(UnixTime::since_unix_epoch(Duration::from_secs(at.unix().unsigned_abs())))
}

impl Lookup for RegistryLookup {
    fn service_account<'a>(
        &'a self,
        cluster: &'a ClusterName,
        namespace: &'a str,
        name: &'a str,
    ) -> BoxFuture<'a, Result<Found<ServiceAccountFacts>, LookupError>> {
        Box::pin(async move {
            let account = self.object("serviceaccounts", cluster, namespace, name).await?;
            Ok(Found::Here(account.map(|account| ServiceAccountFacts {
                uid: account.meta().uid().unwrap_or_default().to_owned(),
                deleted_at: deleted_at(&account),
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
            use base64::Engine;
            let secret = self.object("secrets", cluster, namespace, name).await?;
            Ok(Found::Here(secret.map(|secret| {
                SecretFacts {
                    uid: secret.meta().uid().unwrap_or_default().to_owned(),
                    deleted_at: deleted_at(&secret),
                    token: secret
                        .str_at(&["data", "token"])
                        .and_then(|text| base64::engine::general_purpose::STANDARD.decode(text).ok())
                        .unwrap_or_default(),
                    invalid_since: secret
                        .meta()
                        .label("kubernetes.io/legacy-token-invalid-since")
                        .map(str::to_owned),
                }
            })))
        })
    }
}

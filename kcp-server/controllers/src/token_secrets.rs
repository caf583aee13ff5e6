//! `kube-service-account-token-controller`: Secrets of type `kubernetes.io/service-account-token` get a
//! token that does not expire, and go with their ServiceAccount.

use crate::{key, kinds};
use base64::{Engine, prelude::BASE64_STANDARD};
use kcp_apimachinery::Value;
use kcp_names::ClusterName;
use kcp_reconcile::{Change, Controller, Fact, Facts, Missing, Object, Step, Wake, Wakes};
use kcp_storage::{Event, Key, Range};
use std::{sync::Arc, time::Duration};

const TYPE: &str = "kubernetes.io/service-account-token";
const ACCOUNT: &str = "kubernetes.io/service-account.name";
const UID: &str = "kubernetes.io/service-account.uid";

/// Whoever signs tokens.
pub trait TokenSource: Send + Sync + 'static {
    /// A token without an end for a ServiceAccount, as long as this Secret exists.
    ///
    /// # Errors
    /// It cannot be signed; the text says why.
    fn legacy(
        &self,
        cluster: &ClusterName,
        namespace: &str,
        account: &str,
        account_uid: &str,
        secret: &str,
    ) -> Result<String, String>;
}

/// The controller.
pub struct TokenSecrets {
    tokens: Arc<dyn TokenSource>,
    pem: String,
}

impl TokenSecrets {
    /// Fills Secrets with tokens from here, and with these certificates as PEM (none if empty).
    #[must_use]
    pub fn new(tokens: Arc<dyn TokenSource>, pem: &str) -> Self {
        Self { tokens, pem: pem.to_owned() }
    }
}

impl Controller for TokenSecrets {
    fn name(&self) -> &'static str {
        "kube-service-account-token-controller"
    }

    fn watches(&self) -> Vec<Range> {
        vec![Range::everywhere(kinds::core("secrets")), Range::everywhere(kinds::core("serviceaccounts"))]
    }

    fn glance(&self, event: &Event, wakes: &mut Vec<Wakes>) -> bool {
        if event.key.resource == kinds::core("secrets") {
            return event.record.as_ref().is_some_and(|record| crate::bytes::contain(record.json(), TYPE));
        }
        // A Secret may have come before its account, or the account has gone.
        if let Some(namespace) = &event.key.namespace
            && (event.record.is_none() || event.previous.is_none())
        {
            let (secrets, cluster) = (kinds::core("secrets"), event.key.cluster.clone());
            wakes.push(Wakes::All(Range::namespace(secrets, cluster, namespace.clone())));
        }
        false
    }

    fn wakes(&self, event: &Event, object: &Value, wakes: &mut Vec<Wakes>) {
        if object.str_at(&["type"]) == Some(TYPE) {
            wakes.push(Wakes::One(event.key.clone()));
        }
    }

    fn plan(&self, at: &Key, facts: &Facts) -> Result<Step, Missing> {
        let Fact::Is(secret) = facts.get(at)? else { return Ok(Step::Done) };
        let name = secret.value.meta().annotation(ACCOUNT).unwrap_or_default();
        if secret.value.str_at(&["type"]) != Some(TYPE) || name.is_empty() || secret.is_deleting() {
            return Ok(Step::Done);
        }
        let namespace = at.namespace.as_ref().map(kcp_storage::ObjectName::as_str);
        let account = match key(kinds::core("serviceaccounts"), &at.cluster, namespace, name) {
            Some(key) => facts.get(&key)?,
            None => Fact::Absent,
        };
        let uid = secret.value.meta().annotation(UID).unwrap_or_default();
        match account {
            Fact::Unknown => Ok(Step::Wait(Wake::After(Duration::from_secs(1)), "nobody knows".to_owned())),
            Fact::Is(account) if uid.is_empty() || uid == account.uid() => Ok(self.fill(&secret, &account)),
            Fact::Is(_) | Fact::Absent => Ok(Step::Write(vec![Change::Delete {
                key: at.clone(),
                uid: Some(secret.uid().to_owned()),
                resource_version: None,
                propagation: None,
            }])),
        }
    }
}

impl TokenSecrets {
    /// Puts in what the Secret lacks.
    fn fill(&self, secret: &Object, account: &Object) -> Step {
        let mut object = (*secret.value).clone();
        let namespace = secret.key.namespace.as_ref().map(ToString::to_string).unwrap_or_default();
        let empty = |name: &str| secret.value.str_at(&["data", name]).unwrap_or_default().is_empty();
        if empty("token") {
            let (cluster, name) = (&secret.key.cluster, account.key.name.as_str());
            match self.tokens.legacy(cluster, &namespace, name, account.uid(), secret.key.name.as_str()) {
                Ok(token) => object.set_at(&["data", "token"], BASE64_STANDARD.encode(token).into()),
                Err(why) => return Step::Wait(Wake::After(Duration::from_secs(30)), why),
            }
        }
        if empty("namespace") {
            object.set_at(&["data", "namespace"], BASE64_STANDARD.encode(&namespace).into());
        }
        if !self.pem.is_empty() {
            object.set_at(&["data", "ca.crt"], BASE64_STANDARD.encode(&self.pem).into());
        }
        object.set_at(&["metadata", "annotations", UID], account.uid().into());
        if object == *secret.value {
            return Step::Done;
        }
        Step::Write(vec![Change::Update { key: secret.key.clone(), object, subresource: None }])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::{World, at, wakes};
    use kcp_apimachinery::value;

    struct Signer;

    impl TokenSource for Signer {
        fn legacy(&self, c: &ClusterName, n: &str, a: &str, uid: &str, s: &str) -> Result<String, String> {
            Ok(format!("{c}/{n}/{a}/{uid}/{s}"))
        }
    }

    fn controller() -> TokenSecrets {
        TokenSecrets::new(Arc::new(Signer), "PEM")
    }

    fn account() -> Key {
        at(kinds::core("serviceaccounts"), "n/robot")
    }

    fn secret() -> Key {
        at(kinds::core("secrets"), "n/s")
    }

    fn world() -> World {
        let annotated = value!({"type": (TYPE), "metadata": {"annotations": {"kubernetes.io/service-account.name": "robot"}}});
        World::new().with(&account(), value!({})).with(&secret(), annotated)
    }

    fn data(world: &World, name: &str) -> String {
        let text = world.str_at(&secret(), &["data", name]).unwrap_or_default();
        String::from_utf8(BASE64_STANDARD.decode(text).expect("base64")).expect("text")
    }

    #[test]
    fn a_secret_gets_its_token() {
        let mut world = world();
        assert_eq!(world.run(&controller(), &secret()), None);
        assert_eq!(data(&world, "token"), "here/n/robot/uid-of-n/robot/s");
        assert_eq!((data(&world, "namespace"), data(&world, "ca.crt")), ("n".to_owned(), "PEM".to_owned()));
        assert_eq!(world.str_at(&secret(), &["metadata", "annotations", UID]), Some("uid-of-n/robot"));
        assert_eq!(world.log.len(), 1);
    }

    #[test]
    fn it_goes_with_its_account() {
        let mut world = world();
        world.run(&controller(), &secret());
        world.put(&account(), value!({"metadata": {"uid": "another"}}));
        world.run(&controller(), &secret());
        assert_eq!(world.get(&secret()), None, "an account of the same name is another one");
    }

    #[test]
    fn it_goes_without_its_account() {
        let mut world = world();
        world.delete(&account());
        world.run(&controller(), &secret());
        assert_eq!(world.get(&secret()), None);
    }

    #[test]
    fn other_secrets_are_none_of_its_business() {
        let mut world = World::new().with(&secret(), value!({"type": "Opaque"}));
        assert_eq!(world.run(&controller(), &secret()), None);
        assert!(world.log.is_empty());
        assert!(wakes(&controller(), &secret(), None, Some(value!({"type": "Opaque"}))).is_empty());
        assert_eq!(
            wakes(&controller(), &secret(), None, Some(value!({"type": (TYPE)}))),
            ["one secrets n/s"]
        );
    }
}

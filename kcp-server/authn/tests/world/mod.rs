//! Certificates, keys and accounts to make requests with.
#![allow(dead_code, reason = "each test file uses a part of it")]
#![allow(unreachable_pub, reason = "shared by the test files")]

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use futures_util::FutureExt as _;
use http::{HeaderMap, HeaderName, HeaderValue};
use kcp_authn::{
    Authenticated, Authenticator, BoxFuture, Config, Found, KeySet, Lifetime, Lookup, LookupError,
    SecretFacts, ServiceAccountFacts, ServiceAccountId, ServiceAccounts, Signer, Unauthorized,
};
use kcp_names::ClusterName;
use kcp_pki::{Algorithm, Authority, CertificateDer, PrivateKey, Spec, TrustBundle, UnixTime, Validity};
use std::{
    collections::BTreeMap,
    future::Future,
    sync::{Arc, Mutex},
    time::Duration,
};

pub const ISSUER: &str = "https://kcp.default.svc";
pub const DAY: u64 = 24 * 60 * 60;

/// Some seconds after the moment in which everything here is made.
pub fn at(seconds: u64) -> UnixTime {
    UnixTime::since_unix_epoch(Duration::from_secs(1_000 * DAY + seconds))
}

pub fn authority(name: &str) -> Authority {
    let validity = Validity::starting(at(0), Duration::from_secs(10 * DAY));
    Authority::self_signed(&Spec::authority(name, validity), key()).expect("a root")
}

pub fn trust(authority: &Authority) -> TrustBundle {
    TrustBundle::read(authority.to_issued().root.to_pem().as_bytes()).expect("a bundle")
}

/// A certificate that counts for a day.
pub fn certificate(authority: &Authority, name: &str, groups: &[&str]) -> Vec<CertificateDer<'static>> {
    let spec = Spec::client(name, groups, Validity::starting(at(0), Duration::from_secs(DAY)));
    authority.issue(&spec, &key().public()).expect("a certificate").chain.certificates().to_vec()
}

pub fn key() -> PrivateKey {
    PrivateKey::generate(Algorithm::EcdsaP256).expect("randomness")
}

pub fn headers(given: &[(&str, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in given {
        let name = HeaderName::from_bytes(name.as_bytes()).expect("a name");
        headers.append(name, HeaderValue::from_bytes(value.as_bytes()).expect("a value"));
    }
    headers
}

pub fn now<T>(answer: impl Future<Output = T>) -> T {
    answer.now_or_never().expect("nothing to wait for")
}

/// `name uid[group,group]key=value|value`, or the refusal.
pub fn show(found: &Result<Authenticated, Unauthorized>) -> String {
    match found {
        Err(refused) => format!("refused: {refused}"),
        Ok(Authenticated { user, .. }) => {
            let mut shown = format!("{} {}[{}]", user.name, user.uid, user.groups.join(","));
            for (key, values) in &user.extra {
                shown.push_str(&format!(" {key}={}", values.join("|")));
            }
            shown
        }
    }
}

pub fn authenticate(
    authenticator: &Authenticator,
    certificates: &[CertificateDer<'static>],
    given: &[(&str, &str)],
) -> String {
    show(&now(authenticator.authenticate(certificates, &mut headers(given), at(0))))
}

/// The accounts and secrets that exist, by `cluster/namespace/name`.
#[derive(Default)]
pub struct Objects {
    pub accounts: Mutex<BTreeMap<String, ServiceAccountFacts>>,
    pub secrets: Mutex<BTreeMap<String, SecretFacts>>,
    pub asked: Mutex<usize>,
    /// Objects of these logical clusters live on another shard.
    pub elsewhere: Option<&'static str>,
    pub broken: bool,
}

impl Objects {
    pub fn with_robot() -> Self {
        let objects = Self::default();
        let facts = ServiceAccountFacts { uid: "u1".to_owned(), deleted_at: None };
        objects.accounts.lock().expect("a lock").insert("home/ns/robot".to_owned(), facts);
        objects
    }

    fn answer<T: Clone>(
        &self,
        all: &Mutex<BTreeMap<String, T>>,
        cluster: &ClusterName,
        namespace: &str,
        name: &str,
    ) -> Result<Found<T>, LookupError> {
        *self.asked.lock().expect("a lock") += 1;
        if self.broken {
            return Err(LookupError("no shard answers".to_owned()));
        }
        let found = all.lock().expect("a lock").get(&format!("{cluster}/{namespace}/{name}")).cloned();
        let elsewhere = self.elsewhere == Some(cluster.as_str());
        Ok(if elsewhere { Found::Elsewhere(found) } else { Found::Here(found) })
    }
}

impl Lookup for Objects {
    fn service_account<'a>(
        &'a self,
        cluster: &'a ClusterName,
        namespace: &'a str,
        name: &'a str,
    ) -> BoxFuture<'a, Result<Found<ServiceAccountFacts>, LookupError>> {
        Box::pin(async move { self.answer(&self.accounts, cluster, namespace, name) })
    }

    fn secret<'a>(
        &'a self,
        cluster: &'a ClusterName,
        namespace: &'a str,
        name: &'a str,
    ) -> BoxFuture<'a, Result<Found<SecretFacts>, LookupError>> {
        Box::pin(async move { self.answer(&self.secrets, cluster, namespace, name) })
    }
}

pub fn robot(cluster: &str) -> ServiceAccountId {
    ServiceAccountId {
        cluster: ClusterName::parse(cluster).expect("a name"),
        namespace: "ns".to_owned(),
        name: "robot".to_owned(),
        uid: "u1".to_owned(),
    }
}

pub fn signer(key: &PrivateKey) -> Signer {
    Signer::new(ISSUER, key).expect("a usable key")
}

pub fn accounts(keys: &[&PrivateKey], lookup: Option<Arc<Objects>>) -> ServiceAccounts {
    let keys = KeySet::new(keys.iter().map(|key| key.public())).expect("usable keys");
    let lookup = lookup.map(|objects| -> Arc<dyn Lookup> { objects });
    ServiceAccounts::new(vec![ISSUER.to_owned()], keys, lookup)
}

pub const HOUR: Lifetime = Lifetime { seconds: 3600, warn_after: None };

pub fn audience() -> Vec<String> {
    vec![ISSUER.to_owned()]
}

pub fn of_accounts(keys: &[&PrivateKey], objects: Option<Arc<Objects>>) -> Authenticator {
    Authenticator::new(Config {
        service_accounts: Some(accounts(keys, objects)),
        anonymous: true,
        api_audiences: audience(),
        ..Config::default()
    })
}

pub fn bound(key: &PrivateKey, cluster: &str) -> String {
    signer(key).bound(&robot(cluster), None, &audience(), HOUR, at(0)).expect("a token").token
}

pub fn check(authenticator: &Authenticator, token: &str, seconds: u64, wanted: &str) {
    let mut headers = headers(&[("authorization", &format!("Bearer {token}"))]);
    let shown = show(&now(authenticator.authenticate(&[], &mut headers, at(seconds))));
    // The id of a token is random.
    let shown: Vec<&str> = shown.split(' ').filter(|word| !word.contains("credential-id")).collect();
    assert_eq!(shown.join(" "), wanted);
}

pub const ROBOT: &str = "system:serviceaccount:ns:robot u1[system:serviceaccounts,system:serviceaccounts:ns,system:authenticated] \
authentication.kcp.io/cluster-name=home authentication.kcp.io/scopes=cluster:home";

/// A token of these parts.
pub fn forged(header: &str, claims: &str, signature: &[u8]) -> String {
    format!("{}.{}.{}", BASE64.encode(header), BASE64.encode(claims), BASE64.encode(signature))
}

use super::*;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use kcp_operator_api::RootShard;
use kcp_operator_resources::{Images, RootShardInputs, ValidRootShard};
use kcp_pki::{Algorithm, TrustBundle};
use serde_json::{Value, json};

const DAY: u64 = 24 * 3600;

fn day(number: u64) -> UnixTime {
    UnixTime::since_unix_epoch(Duration::from_secs(1_800_000_000 + number * DAY))
}

fn owner() -> Owner {
    Owner { namespace: "kcp".to_owned(), reference: OwnerReference::default() }
}

fn plans(more: Value) -> Vec<CertificatePlan> {
    let mut spec = json!({
        "external": { "hostname": "kcp.example.com", "port": 443 }, "cache": {}, "certificates": {}, "etcd": {},
    });
    spec.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let root_shard: RootShard = serde_json::from_value(json!({
        "apiVersion": "operator.kcp.io/v1alpha1", "kind": "RootShard",
        "metadata": { "name": "root", "namespace": "kcp" }, "spec": spec,
    }))
    .unwrap();
    let images = Images { bundled: "kcp:v1".to_owned(), honour_all: false };
    ValidRootShard::new(&root_shard, owner(), &RootShardInputs::default(), &images).unwrap().certificates()
}

/// An installation with all its certificates, on day 0.
fn installation() -> (Vec<CertificatePlan>, BTreeMap<String, Secret>) {
    let (plans, mut secrets) = (plans(json!({})), BTreeMap::new());
    let outcome = sign(&plans, &owner(), &mut secrets, day(0));
    assert_eq!(outcome.problems, Vec::<String>::new());
    assert_eq!(outcome.signed.len(), plans.len());
    (plans, secrets)
}

/// Names of what is signed anew, with the reason.
fn check(
    plans: &[CertificatePlan],
    secrets: &mut BTreeMap<String, Secret>,
    now: UnixTime,
) -> Vec<(String, String)> {
    let outcome = sign(plans, &owner(), secrets, now);
    assert_eq!(outcome.problems, Vec::<String>::new());
    outcome.signed.into_iter().map(|signed| (signed.secret.metadata.name.unwrap(), signed.reason)).collect()
}

fn certificate(secrets: &BTreeMap<String, Secret>, name: &str) -> Certificate {
    Certificate::from_pem(entry(&secrets[name], "tls.crt").unwrap()).unwrap()
}

#[test]
fn a_signed_installation_is_left_alone_until_it_is_due() {
    let (plans, mut secrets) = installation();
    assert_eq!(check(&plans, &mut secrets, day(300)), []);
    let renewed = check(&plans, &mut secrets, day(359));
    assert_eq!(renewed.len(), 10, "all but the authorities: {renewed:?}");
    assert!(renewed.iter().all(|(_, reason)| reason == "it was due for renewal"));
}

#[test]
fn clients_and_servers_trust_each_other() {
    let (_, secrets) = installation();
    let trusted = TrustBundle::read(entry(&secrets["root-client-ca"], "tls.crt").unwrap()).unwrap();
    let chain = kcp_pki::PemBundle::read(entry(&secrets["root-kcp-operator"], "tls.crt").unwrap()).unwrap();
    let user = trusted.verify_client(chain.certificates(), day(1)).unwrap();
    assert_eq!(
        (user.common_name.as_str(), user.organizations.as_slice()),
        ("system:kcp-operator", &["system:kcp:admin".to_owned()][..])
    );
    let servers = TrustBundle::read(entry(&secrets["root-server-ca"], "tls.crt").unwrap()).unwrap();
    assert!(servers.verify_client(chain.certificates(), day(1)).is_err(), "authorities are apart");
}

#[test]
fn an_authority_has_no_owner_and_a_leaf_has() {
    let (_, secrets) = installation();
    assert_eq!(secrets["root-ca"].metadata.owner_references, None);
    assert!(secrets["root-server"].metadata.owner_references.is_some());
}

#[test]
fn a_deleted_secret_is_made_anew() {
    let (plans, mut secrets) = installation();
    secrets.remove("root-server");
    assert_eq!(
        check(&plans, &mut secrets, day(1)),
        [("root-server".to_owned(), "there was none".to_owned())]
    );
}

#[test]
fn a_broken_secret_is_made_anew() {
    let (plans, mut secrets) = installation();
    let other = secrets["root-client"].data.clone().unwrap()["tls.key"].clone();
    secrets.get_mut("root-server").unwrap().data.as_mut().unwrap().insert("tls.key".to_owned(), other);
    let signed = check(&plans, &mut secrets, day(1));
    assert_eq!(
        signed,
        [("root-server".to_owned(), "key and certificate did not belong together".to_owned())]
    );
}

#[test]
fn a_new_authority_signs_everything_below_it() {
    let (plans, mut secrets) = installation();
    secrets.remove("root-client-ca");
    let signed: Vec<_> = check(&plans, &mut secrets, day(1)).into_iter().map(|(name, _)| name).collect();
    assert_eq!(signed[0], "root-client-ca");
    assert_eq!(signed.len(), 6, "{signed:?}");
    assert!(!signed.contains(&"root-server".to_owned()));
}

#[test]
fn a_renewed_authority_keeps_its_key_and_what_it_signed_stays_valid() {
    let (plans, mut secrets) = installation();
    check(&plans, &mut secrets, day(3600));
    let before = (certificate(&secrets, "root-client-ca"), secrets["root-kcp-operator"].clone());
    check(&plans, &mut secrets, day(3625));
    let after = certificate(&secrets, "root-client-ca");
    assert_eq!(after.public_key, before.0.public_key);
    assert!(after.not_after > before.0.not_after);
    let trusted = TrustBundle::read(entry(&secrets["root-client-ca"], "tls.crt").unwrap()).unwrap();
    let old = kcp_pki::PemBundle::read(entry(&before.1, "tls.crt").unwrap()).unwrap();
    let verified = trusted.verify_client(&old.certificates()[..1], day(3625));
    assert!(verified.is_ok(), "a pod that has not read it yet: {verified:?}");
}

#[test]
fn tokens_survive_the_renewal_of_their_certificate() {
    let (plans, mut secrets) = installation();
    let (token, server) =
        (certificate(&secrets, "root-service-account"), certificate(&secrets, "root-server"));
    check(&plans, &mut secrets, day(360));
    assert_eq!(certificate(&secrets, "root-service-account").public_key, token.public_key);
    assert_ne!(certificate(&secrets, "root-server").public_key, server.public_key);
}

#[test]
fn other_names_ask_for_another_certificate() {
    let (_, mut secrets) = installation();
    let templates = json!({ "server": { "spec": { "dnsNames": ["more.example.com"] } } });
    let signed = check(&plans(json!({ "certificateTemplates": templates })), &mut secrets, day(1));
    assert_eq!(signed, [("root-server".to_owned(), "it is asked for differently".to_owned())]);
    assert!(certificate(&secrets, "root-server").dns_names.contains(&"more.example.com".to_owned()));
}

#[test]
fn secrets_of_the_earlier_operator_are_kept() {
    let (plans, mut secrets) = installation();
    for secret in secrets.values_mut() {
        secret.metadata.annotations = None;
    }
    assert_eq!(check(&plans, &mut secrets, day(1)), []);
}

#[test]
fn an_rsa_key_is_made_where_a_template_asks() {
    let templates = json!({ "client": { "spec": { "privateKey": { "algorithm": "RSA" } } } });
    let plans = plans(json!({ "certificateTemplates": templates }));
    let mut secrets = BTreeMap::new();
    check(&plans, &mut secrets, day(0));
    let key = |name: &str| PrivateKey::from_pem(entry(&secrets[name], "tls.key").unwrap()).unwrap().kind();
    assert_eq!(key("root-client"), kcp_pki::Kind::Rsa);
    assert_eq!(key("root-server"), kcp_pki::Kind::EcdsaP256);
    assert_eq!(plans[1].key.algorithm(), Algorithm::EcdsaP256);
}

#[test]
fn without_its_authority_nothing_is_signed() {
    let plans = plans(json!({ "certificates": { "caSecretRef": { "name": "company" } } }));
    let outcome = sign(&plans, &owner(), &mut BTreeMap::new(), day(0));
    assert!(outcome.signed.is_empty());
    assert_eq!(outcome.problems[0], "Secret company with an authority does not exist");
}

#[test]
fn what_cert_manager_makes_is_waited_for() {
    let plans = plans(json!({ "certificates": { "issuerRef": { "name": "public" } } }));
    let outcome = sign(&plans, &owner(), &mut BTreeMap::new(), day(0));
    assert!(outcome.signed.is_empty());
    assert!(
        outcome.problems[0].starts_with("cert-manager has not issued root-ca yet"),
        "{:?}",
        outcome.problems
    );
    let (_, mut secrets) = installation();
    assert_eq!(sign(&plans, &owner(), &mut secrets, day(0)).problems, Vec::<String>::new());
}

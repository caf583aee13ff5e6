//! Snapshots of what is built, for the common installations. They are the API that scripts and the
//! earlier operator's users know, so a change of one is a change to think about.

use std::collections::BTreeMap;

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use kcp_operator_api::{FrontProxy, Kubeconfig, RootShard};
use kcp_pki::{Authority, PrivateKey, Spec, UnixTime, Validity};
use serde_json::{Value, json};

use crate::*;

mod kubeconfigs;
mod proxies;
mod root_shards;

/// An object as a user writes it.
fn object<K: serde::de::DeserializeOwned>(kind: &str, name: &str, spec: Value) -> K {
    serde_json::from_value(json!({
        "apiVersion": "operator.kcp.io/v1alpha1", "kind": kind,
        "metadata": { "name": name, "namespace": "kcp", "uid": "1-2-3" }, "spec": spec,
    }))
    .unwrap()
}

/// A RootShard called `root`, with some fields replaced.
fn root_shard(more: Value) -> RootShard {
    let mut spec = json!({
        "external": { "hostname": "kcp.example.com", "port": 443 },
        "cache": {}, "certificates": {}, "etcd": {},
    });
    spec.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    object("RootShard", "root", spec)
}

fn owner(kind: &str, name: &str) -> Owner {
    Owner {
        namespace: "kcp".to_owned(),
        reference: OwnerReference {
            api_version: "operator.kcp.io/v1alpha1".to_owned(),
            kind: kind.to_owned(),
            name: name.to_owned(),
            uid: "1-2-3".to_owned(),
            controller: Some(true),
            block_owner_deletion: Some(true),
        },
    }
}

fn images() -> Images {
    Images { bundled: "kcp:v1".to_owned(), honour_all: false }
}

fn valid(root_shard: &RootShard) -> Result<ValidRootShard, Refusal> {
    ValidRootShard::new(root_shard, owner("RootShard", "root"), &RootShardInputs::default(), &images())
}

/// A Secret for everything that is mounted, each with the same certificate and key.
fn contents(sources: &[Source]) -> Contents {
    let key = || PrivateKey::from_pem(KEY.as_bytes()).unwrap();
    let start = UnixTime::since_unix_epoch(std::time::Duration::from_secs(1_800_000_000));
    let validity = Validity::starting(start, std::time::Duration::from_secs(3600));
    let authority = Authority::self_signed(&Spec::authority("ca", validity), key()).unwrap();
    let certificate = authority.to_issued().chain.to_pem();
    let data: BTreeMap<_, _> =
        [("tls.crt", certificate.as_str()), ("tls.key", KEY), ("ca.crt", &certificate)]
            .map(|(key, value)| (key.to_owned(), ByteString(value.into())))
            .into();
    let secret = Secret { data: Some(data), ..Secret::default() };
    let mut contents = Contents::default();
    for source in sources {
        match source.kind {
            Kind::Secret => drop(contents.secrets.insert(source.name.clone(), secret.clone())),
            Kind::ConfigMap => drop(contents.config_maps.insert(source.name.clone(), Default::default())),
        }
    }
    contents
}

const KEY: &str = "-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgevZzL1gdAFr88hb2
OF/2NxApJCzGCEDdfSp6VQO30hyhRANCAAQRWz+jn65BtOMvdyHKcvjBeBSDZH2r
1RTwjmYSi9R/zpBnuQ4EiMnCqfMPWiZqB4QdbAd0E7oH50VpuZ1P087G
-----END PRIVATE KEY-----
";

/// The built objects as YAML. Secrets are told as text; certificates in them differ each time and are
/// left out.
fn text(resources: &Resources<Built>) -> String {
    let mut text = String::new();
    for object in &resources.objects {
        let mut value = match object {
            Object::Deployment(object) => json!(object),
            Object::Service(object) => json!(object),
            Object::ConfigMap(object) => json!(object),
            Object::Secret(object) => readable(object),
            Object::Claim(object) => json!(object),
            Object::CertManager(value) => value.clone(),
        };
        value["metadata"].as_object_mut().unwrap().remove("namespace");
        if let Some(digest) =
            value.pointer_mut("/spec/template/metadata/annotations/operator.kcp.io~1content")
        {
            *digest = json!("(digest)");
        }
        if value["metadata"]["ownerReferences"].is_array() {
            value["metadata"]["ownerReferences"] = json!("(owner)");
        }
        text += &format!("---\n{}\n", serde_saphyr::to_string(&value).unwrap());
    }
    for waiting in &resources.waiting {
        text += &format!("--- waiting {}: {}\n", waiting.deployment, waiting.reason);
    }
    text
}

fn readable(secret: &Secret) -> Value {
    let mut value = json!(secret);
    for (key, ByteString(bytes)) in secret.data.iter().flatten() {
        let text = String::from_utf8(bytes.clone()).unwrap();
        let hidden = text.contains("-----BEGIN") || text.contains("-data: ");
        value["data"][key] = json!(if hidden { "(hidden)".to_owned() } else { text });
    }
    value
}

/// The certificates as a table.
fn table(plans: &[CertificatePlan]) -> String {
    plans
        .iter()
        .map(|plan| {
            let issuer = match &plan.issuer {
                IssuedBy::Itself => "itself".to_owned(),
                IssuedBy::Ca(name) => name.clone(),
                IssuedBy::CertManager(issuer) => format!("cert-manager {}", issuer.name),
            };
            format!(
                "{} | by {issuer} | CN={} O={:?} | {} | {:?} | {} renew {}{}\n",
                plan.name,
                plan.common_name,
                plan.organizations,
                plan.dns_names.join(" "),
                plan.usages,
                plan.duration,
                plan.renew_before.map_or("at 2/3".to_owned(), |before| before.to_string()),
                if plan.key.kept { " keeps its key" } else { "" },
            )
        })
        .collect()
}

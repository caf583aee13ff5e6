//! Certificates that cert-manager makes: its Issuer and Certificate objects.
//!
//! They are those of the earlier operator, RSA 4096 in PKCS#1 unless a template says otherwise, so that
//! an installation that is taken over keeps its certificates.

use serde_json::{Map, Value, json};

use crate::objects::{Object, Owner};
use crate::{CertificatePlan, IssuedBy};
use kcp_pki::{Algorithm, Encoding, Usage};

/// The Certificate object of a plan; `None` if the operator signs it itself.
pub(crate) fn certificate(plan: &CertificatePlan, owner: &Owner) -> Option<Object> {
    let IssuedBy::CertManager(issuer) = &plan.issuer else { return None };
    let mut spec = json!({
        "secretName": plan.name,
        "duration": plan.duration,
        "issuerRef": {
            "name": issuer.name,
            "kind": issuer.kind.as_deref().unwrap_or("Issuer"),
            "group": issuer.group.as_deref().unwrap_or("cert-manager.io"),
        },
        "privateKey": private_key(plan),
        "secretTemplate": compact(&[
            ("labels", json!(plan.secret.labels)), ("annotations", json!(plan.secret.annotations)),
        ]),
    });
    let optional = compact(&[
        ("commonName", json!(plan.common_name)),
        ("dnsNames", json!(plan.dns_names)),
        ("ipAddresses", json!(plan.ip_addresses)),
        ("usages", json!(plan.usages.iter().map(|usage| usage_name(*usage)).collect::<Vec<_>>())),
        ("subject", compact(&[("organizations", json!(plan.organizations))])),
    ]);
    if let (Some(spec), Value::Object(optional)) = (spec.as_object_mut(), optional) {
        spec.extend(optional);
        if plan.is_ca {
            spec.insert("isCA".to_owned(), Value::Bool(true));
        }
        if let Some(before) = plan.renew_before {
            spec.insert("renewBefore".to_owned(), json!(before));
        }
    }
    Some(object("Certificate", plan, owner, &spec))
}

/// The Issuer that signs with the CA of a plan.
pub(crate) fn issuer(plan: &CertificatePlan, owner: &Owner) -> Object {
    object("Issuer", plan, owner, &json!({ "ca": { "secretName": plan.name } }))
}

fn object(kind: &str, plan: &CertificatePlan, owner: &Owner, spec: &Value) -> Object {
    let mut metadata = json!({
        "name": plan.name,
        "namespace": owner.namespace,
        "labels": plan.object.labels,
        "ownerReferences": [owner.reference],
    });
    if !plan.object.annotations.is_empty() {
        metadata["annotations"] = json!(plan.object.annotations);
    }
    Object::CertManager(json!({
        "apiVersion": "cert-manager.io/v1", "kind": kind, "metadata": metadata, "spec": spec,
    }))
}

fn private_key(plan: &CertificatePlan) -> Value {
    let (algorithm, size) = match plan.key.asked {
        None | Some(Algorithm::Rsa4096) => ("RSA", 4096),
        Some(Algorithm::EcdsaP256) => ("ECDSA", 256),
        Some(Algorithm::EcdsaP384) => ("ECDSA", 384),
        Some(Algorithm::Rsa2048) => ("RSA", 2048),
        Some(Algorithm::Ed25519) => ("Ed25519", 0),
    };
    let mut key = json!({ "algorithm": algorithm, "size": size });
    if plan.key.encoding == Encoding::Pkcs8 {
        key["encoding"] = json!("PKCS8");
    }
    if plan.key.kept {
        key["rotationPolicy"] = json!("Never");
    }
    key
}

fn usage_name(usage: Usage) -> &'static str {
    match usage {
        Usage::ServerAuth => "server auth",
        Usage::ClientAuth => "client auth",
        Usage::DigitalSignature => "digital signature",
        Usage::KeyEncipherment => "key encipherment",
    }
}

/// An object of the entries that are not empty.
fn compact(entries: &[(&str, Value)]) -> Value {
    let is_empty = |value: &Value| match value {
        Value::String(text) => text.is_empty(),
        Value::Array(list) => list.is_empty(),
        Value::Object(map) => map.is_empty(),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    };
    let entries = entries.iter().filter(|(_, value)| !is_empty(value));
    Value::Object(entries.map(|(key, value)| ((*key).to_owned(), value.clone())).collect::<Map<_, _>>())
}

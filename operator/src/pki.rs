//! Signing certificates as planned: which of them are due, and new ones for those.
//!
//! The time is an argument and nothing is written here; the outcome says which Secrets to store. A
//! certificate is issued anew when it is missing or broken, due for renewal, asked for differently, or
//! was signed by an authority that has been replaced. Authorities come first in a plan, so one pass
//! settles a whole tree.

use std::collections::BTreeMap;
use std::time::Duration;

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kcp_operator_resources::{CertificatePlan, IssuedBy, Owner, names};
use kcp_pki::{Authority, Certificate, PrivateKey, Spec, UnixTime, Validity};

/// Says which authority signed the certificate in a Secret: a digest of the authority's certificate.
const ISSUER_ANNOTATION: &str = "operator.kcp.io/issuer";

/// What signing a plan came to.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// Secrets to store, and why each had to be made.
    pub(crate) signed: Vec<Signed>,
    /// What could not be signed, one line each.
    pub(crate) problems: Vec<String>,
    /// When the first certificate is due next.
    pub(crate) next_renewal: Option<UnixTime>,
}

/// A new certificate.
#[derive(Debug)]
pub(crate) struct Signed {
    /// The Secret to store.
    pub(crate) secret: Secret,
    /// Why, as the end of a sentence.
    pub(crate) reason: String,
    /// Version of the Secret that it replaces; `None` if there is none.
    pub(crate) replaces: Option<String>,
}

/// Signs whatever is due of a plan. `secrets` holds what exists; new ones are added.
pub(crate) fn sign(
    plans: &[CertificatePlan],
    owner: &Owner,
    secrets: &mut BTreeMap<String, Secret>,
    now: UnixTime,
) -> Outcome {
    let mut outcome = Outcome::default();
    let mut authorities = BTreeMap::new();
    for plan in plans {
        match sign_one(plan, owner, secrets, &mut authorities, now) {
            Ok(Step::Valid(renewal)) => outcome.next(renewal),
            Ok(Step::Signed(signed, renewal)) => {
                secrets.insert(plan.name.clone(), signed.secret.clone());
                authorities.remove(&plan.name);
                outcome.signed.push(*signed);
                outcome.next(renewal);
            }
            Err(problem) => outcome.problems.push(problem),
        }
    }
    outcome
}

impl Outcome {
    fn next(&mut self, renewal: UnixTime) {
        let earliest = self.next_renewal.map_or(renewal, |earliest| earliest.min(renewal));
        self.next_renewal = Some(earliest);
    }
}

enum Step {
    Valid(UnixTime),
    Signed(Box<Signed>, UnixTime),
}

fn sign_one(
    plan: &CertificatePlan,
    owner: &Owner,
    secrets: &BTreeMap<String, Secret>,
    authorities: &mut BTreeMap<String, Authority>,
    now: UnixTime,
) -> Result<Step, String> {
    let existing = secrets.get(&plan.name);
    let issuer = match &plan.issuer {
        IssuedBy::Itself => None,
        IssuedBy::Ca(name) => {
            if !authorities.contains_key(name) {
                authorities.insert(name.clone(), authority(name, secrets)?);
            }
            authorities.get(name)
        }
        IssuedBy::CertManager(issuer) => return by_cert_manager(plan, &issuer.name, existing),
    };
    let reason = match due(plan, existing, issuer, now) {
        Ok(renewal) => return Ok(Step::Valid(renewal)),
        Err(reason) => reason,
    };
    let key = key(plan, existing).map_err(|error| format!("{}: {error}", plan.name))?;
    let (secret, renewal) =
        issue(plan, owner, issuer, key, now).map_err(|error| format!("{}: {error}", plan.name))?;
    let replaces = existing.and_then(|secret| secret.metadata.resource_version.clone());
    Ok(Step::Signed(Box::new(Signed { secret, reason, replaces }), renewal))
}

/// Somebody else renews it; all there is to know is whether it exists.
fn by_cert_manager(plan: &CertificatePlan, issuer: &str, existing: Option<&Secret>) -> Result<Step, String> {
    let pem = existing.and_then(|secret| entry(secret, "tls.crt"));
    let found = pem.and_then(|pem| Certificate::from_pem(pem).ok());
    let found = found.ok_or_else(|| {
        format!(
            "cert-manager has not issued {} yet; see Certificate {} and issuer {issuer}",
            plan.name, plan.name
        )
    })?;
    Ok(Step::Valid(found.not_after))
}

/// The authority in a Secret.
fn authority(name: &str, secrets: &BTreeMap<String, Secret>) -> Result<Authority, String> {
    let secret =
        secrets.get(name).ok_or_else(|| format!("Secret {name} with an authority does not exist"))?;
    let part = |key| entry(secret, key).ok_or_else(|| format!("Secret {name} has no key {key}"));
    Authority::from_pem(part("tls.crt")?, part("tls.key")?, entry(secret, "ca.crt"))
        .map_err(|error| format!("Secret {name} holds no usable authority: {error}"))
}

/// When the certificate is due, or why it is now.
fn due(
    plan: &CertificatePlan,
    existing: Option<&Secret>,
    issuer: Option<&Authority>,
    now: UnixTime,
) -> Result<UnixTime, String> {
    let secret = existing.ok_or("there was none")?;
    let pem = entry(secret, "tls.crt").ok_or("its Secret had no certificate")?;
    let certificate = Certificate::from_pem(pem).map_err(|_| "its Secret held no readable certificate")?;
    let key = entry(secret, "tls.key").ok_or("its Secret had no key")?;
    let key = PrivateKey::from_pem(key).map_err(|_| "its Secret held no readable key")?;
    if !key.matches(&certificate) {
        return Err("key and certificate did not belong together".to_owned());
    }
    if entry(secret, "ca.crt").is_none() {
        return Err("its Secret did not say who vouches for it".to_owned());
    }
    if !says_what_was_asked(plan, secret, &certificate) {
        return Err("it is asked for differently".to_owned());
    }
    if !signed_by(issuer, secret, &certificate) {
        return Err("its authority was replaced".to_owned());
    }
    let renewal = plan.renew_at(certificate.not_before, certificate.not_after);
    if now >= renewal { Err("it was due for renewal".to_owned()) } else { Ok(renewal) }
}

/// Our own Secrets carry a digest of the plan; one that was taken over is compared with it.
fn says_what_was_asked(plan: &CertificatePlan, secret: &Secret, certificate: &Certificate) -> bool {
    if let Some(digest) = annotation(secret, names::CERTIFICATE_ANNOTATION) {
        return digest == plan.digest();
    }
    let sorted = |values: &[String]| {
        let mut values = values.to_vec();
        values.sort();
        values
    };
    let addresses: Vec<String> = certificate.ip_addresses.iter().map(ToString::to_string).collect();
    certificate.common_name == plan.common_name
        && certificate.is_ca == plan.is_ca
        && sorted(&certificate.organizations) == plan.organizations
        && sorted(&certificate.dns_names) == plan.dns_names
        && sorted(&addresses) == plan.ip_addresses
}

fn signed_by(issuer: Option<&Authority>, secret: &Secret, certificate: &Certificate) -> bool {
    let Some(issuer) = issuer else { return certificate.is_self_issued() };
    match annotation(secret, ISSUER_ANNOTATION) {
        Some(digest) => digest == issuer_digest(issuer),
        None => certificate.issuer_common_name == issuer.certificate().common_name,
    }
}

/// Changes with every renewal of the authority, so that chains never hold one that has expired.
fn issuer_digest(issuer: &Authority) -> String {
    names::digest(&issuer.certificate().der)
}

/// The old key where it shall be kept and can be, otherwise a new one.
fn key(plan: &CertificatePlan, existing: Option<&Secret>) -> Result<PrivateKey, kcp_pki::Error> {
    if plan.key.kept
        && let Some(old) = existing.and_then(|secret| entry(secret, "tls.key"))
        && let Ok(old) = PrivateKey::from_pem(old)
    {
        return Ok(old);
    }
    PrivateKey::generate(plan.key.algorithm())
}

fn issue(
    plan: &CertificatePlan,
    owner: &Owner,
    issuer: Option<&Authority>,
    key: PrivateKey,
    now: UnixTime,
) -> Result<(Secret, UnixTime), kcp_pki::Error> {
    let duration = Duration::from_secs(u64::try_from(plan.duration.as_secs()).unwrap_or_default());
    let mut validity = Validity::starting(now, duration);
    if let Some(issuer) = issuer {
        validity.not_after = validity.not_after.min(issuer.certificate().not_after);
    }
    let spec = Spec {
        common_name: plan.common_name.clone(),
        organizations: plan.organizations.clone(),
        dns_names: plan.dns_names.clone(),
        ip_addresses: plan.ip_addresses.iter().filter_map(|address| address.parse().ok()).collect(),
        usages: plan.usages.clone(),
        validity,
    };
    let key_pem = key.to_pem(plan.key.encoding);
    let issued = match (issuer, plan.is_ca) {
        (None, _) => Authority::self_signed(&spec, key)?.to_issued(),
        (Some(issuer), true) => issuer.issue_authority(&spec, key)?.to_issued(),
        (Some(issuer), false) => issuer.issue(&spec, &key.public())?,
    };
    let data = [("tls.crt", issued.chain.to_pem()), ("tls.key", key_pem), ("ca.crt", issued.root.to_pem())];
    let mut metadata = metadata(plan, owner);
    if let (Some(issuer), Some(annotations)) = (issuer, &mut metadata.annotations) {
        annotations.insert(ISSUER_ANNOTATION.to_owned(), issuer_digest(issuer));
    }
    let secret = Secret {
        metadata,
        type_: Some("kubernetes.io/tls".to_owned()),
        data: Some(
            data.into_iter().map(|(key, text)| (key.to_owned(), ByteString(text.into_bytes()))).collect(),
        ),
        ..Secret::default()
    };
    Ok((secret, plan.renew_at(validity.not_before, validity.not_after)))
}

/// Authorities have no owner: whoever trusts them does so beyond the life of the objects here.
fn metadata(plan: &CertificatePlan, owner: &Owner) -> ObjectMeta {
    let mut annotations = plan.secret.annotations.clone();
    annotations.insert(names::CERTIFICATE_ANNOTATION.to_owned(), plan.digest());
    ObjectMeta {
        name: Some(plan.name.clone()),
        namespace: Some(owner.namespace.clone()),
        labels: Some(plan.secret.labels.clone()),
        annotations: Some(annotations),
        owner_references: (!plan.is_ca).then(|| vec![owner.reference.clone()]),
        ..ObjectMeta::default()
    }
}

fn entry<'a>(secret: &'a Secret, key: &str) -> Option<&'a [u8]> {
    secret.data.as_ref()?.get(key).map(|ByteString(bytes)| bytes.as_slice())
}

fn annotation<'a>(secret: &'a Secret, key: &str) -> Option<&'a str> {
    secret.metadata.annotations.as_ref()?.get(key).map(String::as_str)
}

#[cfg(test)]
mod tests;

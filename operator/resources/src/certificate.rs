//! One certificate as data: what it shall say, who signs it and when it is renewed.
//!
//! Nothing is signed here. The operator signs plans whose issuer is a CA of its own, and hands the
//! others to cert-manager.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration as StdDuration;

use kcp_operator_api::{CertificateTemplate, Duration, ObjectReference, Text};
use kcp_pki::{Algorithm, Encoding, UnixTime, Usage, Validity};
use sha2::{Digest as _, Sha256};

use crate::names::under;

/// A certificate that shall exist in a Secret of the same name, under `tls.crt`, `tls.key`, `ca.crt`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificatePlan {
    /// Name of the Secret, and of the Certificate and Issuer if cert-manager makes it.
    pub name: String,
    /// Who signs it.
    pub issuer: IssuedBy,
    /// Whether it signs others. Such a Secret has no owner: it outlives the installation.
    pub is_ca: bool,
    /// `CN`; empty for servers.
    pub common_name: String,
    /// `O`, sorted.
    pub organizations: Vec<String>,
    /// Names of a server, sorted.
    pub dns_names: Vec<String>,
    /// Addresses of a server, sorted.
    pub ip_addresses: Vec<String>,
    /// What it may be used for, beside signing.
    pub usages: Vec<Usage>,
    /// How long it is valid.
    pub duration: Duration,
    /// How long before its end it is renewed; a third of its validity when `None`.
    pub renew_before: Option<Duration>,
    /// Its private key.
    pub key: KeyPlan,
    /// Labels and annotations of its Secret.
    pub secret: Metadata,
    /// Labels and annotations of the Certificate object, if cert-manager makes it.
    pub object: Metadata,
}

/// Labels and annotations.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metadata {
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// Annotations.
    pub annotations: BTreeMap<String, String>,
}

/// Who signs a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IssuedBy {
    /// Itself: a new root.
    Itself,
    /// The CA in the Secret of this name.
    Ca(String),
    /// cert-manager, with this issuer.
    CertManager(ObjectReference),
}

/// A private key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyPlan {
    /// Kind and size, if a template asks for one. Our own default is ECDSA P-256; cert-manager is asked
    /// for RSA 4096, as the earlier operator did.
    pub asked: Option<Algorithm>,
    /// How it is written.
    pub encoding: Encoding,
    /// Whether a renewed certificate keeps it. Authorities do, so that what they signed stays valid;
    /// and the key that signs ServiceAccount tokens does, so that tokens stay valid.
    pub kept: bool,
}

impl CertificatePlan {
    const CA_DURATION: Duration = Duration::hours(87_600);
    const CA_RENEWAL: Duration = Duration::hours(720);
    const LEAF_DURATION: Duration = Duration::hours(8_760);
    const LEAF_RENEWAL: Duration = Duration::hours(168);

    /// A certificate authority that is called like its Secret.
    pub(crate) fn authority(name: String, issuer: IssuedBy) -> Self {
        Self {
            common_name: name.clone(),
            is_ca: true,
            duration: Self::CA_DURATION,
            renew_before: Some(Self::CA_RENEWAL),
            key: KeyPlan { kept: true, ..KeyPlan::DEFAULT },
            ..Self::leaf(name, issuer, &[])
        }
    }

    /// A certificate that signs nothing, as yet without names.
    pub(crate) fn leaf(name: String, issuer: IssuedBy, usages: &[Usage]) -> Self {
        Self {
            name,
            issuer,
            is_ca: false,
            common_name: String::new(),
            organizations: Vec::new(),
            dns_names: Vec::new(),
            ip_addresses: Vec::new(),
            usages: usages.to_vec(),
            duration: Self::LEAF_DURATION,
            renew_before: Some(Self::LEAF_RENEWAL),
            key: KeyPlan::DEFAULT,
            secret: Metadata::default(),
            object: Metadata::default(),
        }
    }

    /// A server that goes by these names and addresses; empty ones are left out.
    pub(crate) fn server(name: String, issuer: IssuedBy, hosts: Vec<String>) -> Self {
        let usages = [Usage::ServerAuth, Usage::KeyEncipherment, Usage::DigitalSignature];
        let hosts = hosts.into_iter().filter(|host| !host.is_empty());
        let (addresses, names) = hosts.partition::<Vec<_>, _>(|host| host.parse::<IpAddr>().is_ok());
        Self {
            dns_names: sorted(names.into_iter()),
            ip_addresses: sorted(addresses.into_iter()),
            ..Self::leaf(name, issuer, &usages)
        }
    }

    /// A client: a user and its group.
    pub(crate) fn client(name: String, issuer: IssuedBy, user: &str, group: Option<&str>) -> Self {
        Self {
            common_name: user.to_owned(),
            organizations: group.map(str::to_owned).into_iter().collect(),
            ..Self::leaf(name, issuer, &[Usage::ClientAuth])
        }
    }

    /// Labels of its Secret and of its Certificate object.
    pub(crate) fn labelled(
        mut self,
        secret: BTreeMap<String, String>,
        object: BTreeMap<String, String>,
    ) -> Self {
        self.secret.labels = secret;
        self.object.labels = object;
        self
    }

    /// Adjusted as a template asks. What cannot be done is told in `warnings`.
    pub(crate) fn adjusted(
        mut self,
        template: Option<&CertificateTemplate>,
        warnings: &mut Vec<String>,
    ) -> Self {
        let Some(template) = template else { return self };
        if let Some(metadata) = &template.metadata {
            self.object.labels = under(Some(&metadata.labels), self.object.labels);
            self.object.annotations = under(Some(&metadata.annotations), self.object.annotations);
        }
        let Some(spec) = &template.spec else { return self };
        if let Some(secret) = &spec.secret_template {
            self.secret.labels = under(Some(&secret.labels), self.secret.labels);
            self.secret.annotations = under(Some(&secret.annotations), self.secret.annotations);
        }
        match &spec.issuer_ref {
            Some(issuer) => {
                self.issuer = IssuedBy::CertManager(issuer.clone());
                // A public issuer may refuse names of the cluster, so the given ones are all there are.
                if !spec.dns_names.is_empty() {
                    self.dns_names = sorted(spec.dns_names.iter().cloned());
                }
            }
            None => self.dns_names = sorted(self.dns_names.into_iter().chain(spec.dns_names.iter().cloned())),
        }
        self.ip_addresses = sorted(self.ip_addresses.into_iter().chain(spec.ip_addresses.iter().cloned()));
        if let Some(subject) = &spec.subject {
            let organizations = self.organizations.into_iter().chain(subject.organizations.iter().cloned());
            self.organizations = sorted(organizations);
            if (kcp_operator_api::X509Subject { organizations: Vec::new(), ..subject.clone() })
                != kcp_operator_api::X509Subject::default()
            {
                warnings.push(format!("{}: of the subject only organizations are written", self.name));
            }
        }
        self.duration = spec.duration.unwrap_or(self.duration);
        self.renew_before = spec.renew_before.or(self.renew_before);
        if let Some(key) = &spec.private_key {
            self.key = self.key.adjusted(key, &self.name, warnings);
        }
        self
    }

    /// When a certificate with this validity is due for renewal.
    pub fn renew_at(&self, not_before: UnixTime, not_after: UnixTime) -> UnixTime {
        // The minutes before it was issued are none of its life: of a short one they would be more than half.
        let issued = not_before.as_secs().saturating_add(Validity::BACKDATED.as_secs());
        let life = not_after.as_secs().saturating_sub(issued);
        let before = self.renew_before.and_then(|before| u64::try_from(before.as_secs()).ok());
        // A renewal before the certificate is half through its life would never end.
        let before = before.unwrap_or(life / 3).min(life / 2);
        UnixTime::since_unix_epoch(StdDuration::from_secs(not_after.as_secs().saturating_sub(before)))
    }

    /// A digest of what is asked for. A Secret carries that of its certificate, so that a change of the
    /// plan issues a new one.
    pub fn digest(&self) -> String {
        let asked = format!(
            "{:?}",
            (
                self.is_ca,
                &self.common_name,
                &self.organizations,
                &self.dns_names,
                &self.ip_addresses,
                &self.usages,
                self.duration,
                self.key.algorithm(),
            )
        );
        short_digest(asked.as_bytes())
    }
}

impl KeyPlan {
    const DEFAULT: Self = Self { asked: None, encoding: Encoding::Traditional, kept: false };

    /// Kind and size of a key that the operator makes.
    pub fn algorithm(self) -> Algorithm {
        self.asked.unwrap_or(Algorithm::EcdsaP256)
    }

    fn adjusted(
        mut self,
        template: &kcp_operator_api::CertificatePrivateKeyTemplate,
        name: &str,
        warnings: &mut Vec<String>,
    ) -> Self {
        match template.rotation_policy.text() {
            Some("Never") => self.kept = true,
            Some("Always") => self.kept = false,
            _ => {}
        }
        match template.encoding.text() {
            Some("PKCS8") => self.encoding = Encoding::Pkcs8,
            Some("PKCS1") => self.encoding = Encoding::Traditional,
            _ => {}
        }
        let size = template.size.filter(|size| *size > 0);
        let (algorithm, known) = match (template.algorithm.text(), size) {
            (None, None) => return self,
            (Some("Ed25519"), _) => (Algorithm::Ed25519, true),
            (Some("RSA"), None | Some(2048)) | (None, Some(2048)) => (Algorithm::Rsa2048, true),
            (Some("RSA") | None, Some(4096)) => (Algorithm::Rsa4096, true),
            (Some("RSA"), Some(_)) => (Algorithm::Rsa4096, false),
            (Some("ECDSA"), None) | (Some("ECDSA") | None, Some(256)) => (Algorithm::EcdsaP256, true),
            (Some("ECDSA") | None, Some(384)) => (Algorithm::EcdsaP384, true),
            (Some("ECDSA"), Some(_)) => (Algorithm::EcdsaP384, false),
            (Some(_), _) | (None, Some(_)) => (Algorithm::EcdsaP256, false),
        };
        self.asked = Some(algorithm);
        if !known {
            warnings
                .push(format!("{name}: a key of this kind and size cannot be made, {algorithm:?} is used"));
        }
        self
    }
}

/// Sorted, each once.
pub(crate) fn sorted(values: impl Iterator<Item = String>) -> Vec<String> {
    let mut values: Vec<String> = values.collect();
    values.sort();
    values.dedup();
    values
}

/// The first 16 hexadecimal digits of a SHA-256.
pub(crate) fn short_digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use kcp_operator_api::{CertificatePrivateKeyTemplate, CertificateSpecTemplate};

    fn adjusted(spec: CertificateSpecTemplate) -> (CertificatePlan, Vec<String>) {
        let plan = CertificatePlan::server(
            "x-server".into(),
            IssuedBy::Ca("x-ca".into()),
            vec!["b".into(), "a".into()],
        );
        let mut warnings = Vec::new();
        let template = CertificateTemplate { metadata: None, spec: Some(spec) };
        (plan.adjusted(Some(&template), &mut warnings), warnings)
    }

    #[test]
    fn names_of_a_template_are_added_unless_it_brings_its_issuer() {
        let names = vec!["c".to_owned(), "a".to_owned()];
        let spec = CertificateSpecTemplate { dns_names: names.clone(), ..Default::default() };
        assert_eq!(adjusted(spec).0.dns_names, ["a", "b", "c"]);
        let issuer = ObjectReference { name: "public".into(), kind: None, group: None };
        let spec = CertificateSpecTemplate {
            dns_names: names,
            issuer_ref: Some(issuer.clone()),
            ..Default::default()
        };
        let plan = adjusted(spec).0;
        assert_eq!(plan.dns_names, ["a", "c"]);
        assert_eq!(plan.issuer, IssuedBy::CertManager(issuer));
    }

    #[test]
    fn a_key_is_ecdsa_unless_a_template_asks_otherwise() {
        let check = |algorithm: Option<&str>, size: Option<i64>| {
            let key = CertificatePrivateKeyTemplate {
                algorithm: algorithm.map(str::to_owned),
                size,
                ..Default::default()
            };
            let spec = CertificateSpecTemplate { private_key: Some(key), ..Default::default() };
            let (plan, warnings) = adjusted(spec);
            (plan.key.algorithm(), warnings.len())
        };
        assert_eq!(check(None, None), (Algorithm::EcdsaP256, 0));
        assert_eq!(check(Some("RSA"), None), (Algorithm::Rsa2048, 0));
        assert_eq!(check(Some("RSA"), Some(4096)), (Algorithm::Rsa4096, 0));
        assert_eq!(check(Some("RSA"), Some(8192)), (Algorithm::Rsa4096, 1));
        assert_eq!(check(Some("ECDSA"), Some(384)), (Algorithm::EcdsaP384, 0));
        assert_eq!(check(Some("ECDSA"), Some(4096)), (Algorithm::EcdsaP384, 1));
        assert_eq!(check(Some("Ed25519"), Some(1)), (Algorithm::Ed25519, 0));
    }

    #[test]
    fn a_certificate_is_renewed_before_its_end_and_not_before_half_of_its_life() {
        let at = |secs| UnixTime::since_unix_epoch(StdDuration::from_secs(secs));
        let check = |before: Option<i64>, life: u64| {
            let mut plan = CertificatePlan::leaf("x".into(), IssuedBy::Itself, &[]);
            plan.renew_before = before.map(Duration::hours);
            let validity = Validity::starting(at(1000), StdDuration::from_secs(life));
            plan.renew_at(validity.not_before, validity.not_after).as_secs() - 1000
        };
        assert_eq!(check(Some(1), 36_000), 32_400);
        assert_eq!(check(None, 36_000), 24_000);
        assert_eq!(check(Some(100), 36_000), 18_000);
        assert_eq!(check(Some(100), 20), 10);
    }

    #[test]
    fn the_digest_follows_what_is_asked_for() {
        let plan = CertificatePlan::client("x".into(), IssuedBy::Itself, "user", Some("group"));
        let other = CertificatePlan { organizations: vec!["other".into()], ..plan.clone() };
        let renewed = CertificatePlan { renew_before: None, ..plan.clone() };
        assert_ne!(plan.digest(), other.digest());
        assert_eq!(plan.digest(), renewed.digest());
    }
}

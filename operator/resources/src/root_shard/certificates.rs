//! The certificates of an installation: five authorities, and what they sign for the root shard.

use std::collections::BTreeMap;

use kcp_operator_api::CertificateTemplate;
use kcp_pki::Usage;

use super::ValidRootShard;
use crate::installation::Issuing;
use crate::names::{ADMIN_GROUP, Ca, MASTERS_GROUP, OPERATOR_USER};
use crate::{CertificatePlan, IssuedBy};

/// Authorities first, the root before those below it.
pub(super) fn plans(valid: &ValidRootShard, warnings: &mut Vec<String>) -> Vec<CertificatePlan> {
    let templates = &valid.spec.common.certificate_templates;
    let authorities = authorities(valid).into_iter().map(|(ca, plan)| (ca.template(), plan));
    authorities
        .chain(leaves(valid))
        .map(|(key, plan)| finish(valid, templates, key, plan, warnings))
        .collect()
}

/// Whether cert-manager signs with the authorities, and so needs an Issuer for each.
pub(super) fn needs_issuer(valid: &ValidRootShard) -> bool {
    matches!(valid.installation.issuing, Issuing::CertManager(_))
}

fn finish(
    valid: &ValidRootShard,
    templates: &BTreeMap<String, CertificateTemplate>,
    key: &str,
    plan: CertificatePlan,
    warnings: &mut Vec<String>,
) -> CertificatePlan {
    plan.labelled(valid.secret_labels(), valid.labels()).adjusted(templates.get(key), warnings)
}

fn authorities(valid: &ValidRootShard) -> Vec<(Ca, CertificatePlan)> {
    let installation = &valid.installation;
    let root = match &installation.issuing {
        Issuing::Own => Some(IssuedBy::Itself),
        Issuing::Given(_) => None,
        Issuing::CertManager(issuer) => Some(IssuedBy::CertManager(issuer.clone())),
    };
    let root = root.map(|issuer| (Ca::Root, issuer));
    let signed = Ca::SIGNED.into_iter().map(|ca| (ca, installation.issued_by(Ca::Root)));
    root.into_iter()
        .chain(signed)
        .map(|(ca, issuer)| (ca, CertificatePlan::authority(ca.of(&installation.name), issuer)))
        .collect()
}

fn leaves(valid: &ValidRootShard) -> Vec<(&'static str, CertificatePlan)> {
    let installation = &valid.installation;
    let root_shard = &installation.name;
    let name = |key: &str| format!("{root_shard}-{key}");
    let by = |ca| installation.issued_by(ca);
    let client = |key: &'static str, user: &str, group: &str| {
        (key, CertificatePlan::client(name(key), by(Ca::Client), user, Some(group)))
    };
    let external = installation.external.host.clone();
    let hosts = vec![
        installation.service_host(&valid.deployment_name()),
        external.clone(),
        installation.base_host.clone(),
    ];
    let mut virtual_workspaces =
        CertificatePlan::server(name("virtual-workspaces"), by(Ca::Server), vec![external]);
    virtual_workspaces.usages = vec![Usage::ServerAuth];
    vec![
        ("server", CertificatePlan::server(name("server"), by(Ca::Server), hosts)),
        ("virtual-workspaces", virtual_workspaces),
        ("service-account", service_account(name("service-account"), by(Ca::ServiceAccount))),
        client("logical-cluster-admin", "logical-cluster-admin", "system:kcp:logical-cluster-admin"),
        client(
            "external-logical-cluster-admin",
            "external-logical-cluster-admin",
            "system:kcp:external-logical-cluster-admin",
        ),
        client("client", root_shard, MASTERS_GROUP),
        client("kcp-operator", OPERATOR_USER, ADMIN_GROUP),
    ]
}

/// Its key signs tokens, which shall outlive the certificate.
fn service_account(name: String, issuer: IssuedBy) -> CertificatePlan {
    let usages = [Usage::DigitalSignature, Usage::KeyEncipherment];
    let mut plan = CertificatePlan::leaf(name.clone(), issuer, &usages);
    plan.common_name = name;
    plan.key.kept = true;
    plan
}

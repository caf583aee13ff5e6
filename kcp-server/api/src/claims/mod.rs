//! The labels by which an export finds what it may see: one per export on claimed objects, one on
//! its bindings.
//!
//! The key says which export, the value which claim. The value is the same in every workspace, so
//! that the objects of a claim are one label selector across logical clusters.

mod labels;

pub use labels::{Grant, apply, labels_for, validate};

use crate::{types::apis::PermissionClaim, well_known::label};
use kcp_names::{ClusterName, hash};

/// The value on a binding that its own export may see although it claims no bindings.
pub const REFLEXIVE_VALUE: &str = "LstvmbbzVDDOn90ZbhzSQO5U3DMCf88h1pZ";

/// The key of the label on objects that the export `name` of `cluster` claims.
#[must_use]
pub fn label_key(cluster: &ClusterName, name: &str) -> String {
    format!("{}{}", label::CLAIMED_PREFIX, hash::export_hash(cluster, name))
}

/// The value of the label on objects of a claim: a hash of group, resource and identity. What may be
/// done with the objects and how they are selected does not count, so that both can change.
#[must_use]
pub fn label_value(claim: &PermissionClaim) -> String {
    let (group, resource) = normalized(&claim.group, &claim.resource);
    let mut text = String::from("{");
    let mut member = |name: &str, value: &str| {
        if !value.is_empty() {
            text.push_str(&format!("\"{name}\":{},", go_quoted(value)));
        }
    };
    member("group", group);
    member("resource", resource);
    text.push_str("\"verbs\":null");
    if !claim.identity_hash.is_empty() {
        text.push_str(&format!(",\"identityHash\":{}", go_quoted(&claim.identity_hash)));
    }
    text.push('}');
    hash::base62_sha224(text.as_bytes())
}

/// The group and resource that claims on a resource are kept under: events of both groups are one.
#[must_use]
pub fn normalized<'r>(group: &'r str, resource: &'r str) -> (&'r str, &'r str) {
    match (group, resource) {
        ("events.k8s.io", "events") => ("", "events"),
        other => other,
    }
}

/// Whether a claimed resource needs the identity of the export that serves it: it is neither built in
/// nor one of `apis.kcp.io`, which every logical cluster serves itself.
#[must_use]
pub fn needs_identity(group: &str, resource: &str) -> bool {
    group != crate::well_known::api_group::APIS && !is_built_in(group, resource)
}

/// Whether a resource is served without an export and may be claimed.
#[must_use]
pub fn is_built_in(group: &str, resource: &str) -> bool {
    BUILT_IN.contains(&(group, resource))
}

/// Whether objects of a claimable resource are only posted and answered, so that none is labelled.
#[must_use]
pub fn is_never_stored(group: &str, resource: &str) -> bool {
    matches!(group, "authorization.k8s.io" | "authentication.k8s.io") && is_built_in(group, resource)
}

/// Group and plural of the built-in resources that may be claimed.
const BUILT_IN: [(&str, &str); 24] = [
    ("", "configmaps"),
    ("", "events"),
    ("", "namespaces"),
    ("", "resourcequotas"),
    ("", "secrets"),
    ("", "serviceaccounts"),
    ("admissionregistration.k8s.io", "mutatingadmissionpolicies"),
    ("admissionregistration.k8s.io", "mutatingadmissionpolicybindings"),
    ("admissionregistration.k8s.io", "mutatingwebhookconfigurations"),
    ("admissionregistration.k8s.io", "validatingadmissionpolicies"),
    ("admissionregistration.k8s.io", "validatingadmissionpolicybindings"),
    ("admissionregistration.k8s.io", "validatingwebhookconfigurations"),
    ("apiextensions.k8s.io", "customresourcedefinitions"),
    ("authentication.k8s.io", "tokenreviews"),
    ("authorization.k8s.io", "localsubjectaccessreviews"),
    ("authorization.k8s.io", "subjectaccessreviews"),
    ("certificates.k8s.io", "certificatesigningrequests"),
    ("coordination.k8s.io", "leases"),
    ("core.kcp.io", "logicalclusters"),
    ("events.k8s.io", "events"),
    ("rbac.authorization.k8s.io", "clusterrolebindings"),
    ("rbac.authorization.k8s.io", "clusterroles"),
    ("rbac.authorization.k8s.io", "rolebindings"),
    ("rbac.authorization.k8s.io", "roles"),
];

/// JSON of a string as Go writes it. Groups, resources and hashes hold no character that the two
/// encoders treat differently.
fn go_quoted(text: &str) -> String {
    let mut out = Vec::new();
    kcp_apimachinery::value::encode_into(&text.into(), &mut out);
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::apis::ClaimSelector;

    fn check(group: &str, resource: &str, identity_hash: &str, expected: &str) {
        let claim = PermissionClaim {
            group: group.into(),
            resource: resource.into(),
            verbs: vec!["get".into()],
            identity_hash: identity_hash.into(),
            default_selector: Some(ClaimSelector::all()),
        };
        assert_eq!(label_value(&claim), expected, "{resource}.{group}");
    }

    #[test]
    fn hashes_of_the_specification() {
        let cluster = ClusterName::parse("abcd1234").expect("a name");
        let expected = "claimed.internal.apis.kcp.io/phGj1BkmdNY3LKTrtFc1KGLYTBs8Nt50p8PIU";
        assert_eq!(label_key(&cluster, "my-export"), expected);
        check("", "configmaps", "", "3QVjs6pfBjMpLEVYYhysJnroYGsQGlWm05E4qe");
        check("apps", "deployments", "deadbeef", "4CpOMiJ5JL9ZC4cG8ne7nGNQbSOEUiwZ89KHal");
    }

    #[test]
    fn events_of_both_groups_are_one_claim() {
        let claim = |group: &str| PermissionClaim {
            group: group.into(),
            resource: "events".into(),
            ..PermissionClaim::default()
        };
        assert_eq!(label_value(&claim("")), label_value(&claim("events.k8s.io")));
    }

    #[test]
    fn only_resources_of_exports_need_an_identity() {
        assert!(needs_identity("wildwest.dev", "cowboys"));
        assert!(needs_identity("", "pods"));
        assert!(!needs_identity("", "configmaps"));
        assert!(!needs_identity("apis.kcp.io", "apibindings"));
        assert!(is_never_stored("authorization.k8s.io", "subjectaccessreviews"));
        assert!(!is_never_stored("", "secrets"));
    }
}

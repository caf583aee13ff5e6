use super::{REFLEXIVE_VALUE, is_never_stored, label_key, label_value, normalized};
use crate::{
    rejection::Rejection,
    types::apis::{AcceptableClaim, ClaimState},
    well_known::{api_group, label},
};
use kcp_apimachinery::{
    Value,
    field::{Error, Path},
    meta::GroupResource,
};
use kcp_names::ClusterName;
use std::collections::BTreeMap;

/// What one binding of a workspace grants its export, which exists.
#[derive(Clone, Copy, Debug)]
pub struct Grant<'g> {
    /// Logical cluster of the export.
    pub cluster: &'g ClusterName,
    /// Name of the export.
    pub export: &'g str,
    /// Answers to the export's claims.
    pub claims: &'g [AcceptableClaim],
}

/// The claim labels that an object must have, by the grants of its workspace. `own` is the grant of
/// the object itself, if it is a binding: its export always sees it.
#[must_use]
pub fn labels_for<'g>(
    resource: &GroupResource,
    object: &Value,
    grants: impl IntoIterator<Item = Grant<'g>>,
    own: Option<Grant<'_>>,
) -> BTreeMap<String, String> {
    let mut labels = BTreeMap::new();
    if is_never_stored(&resource.group, &resource.resource) {
        return labels;
    }
    let wanted = normalized(&resource.group, &resource.resource);
    for grant in grants {
        for claim in grant.claims {
            if claim.state == ClaimState::Accepted
                && (claim.claim.group.as_str(), claim.claim.resource.as_str()) == wanted
                && selects(claim, object)
            {
                labels.insert(label_key(grant.cluster, grant.export), label_value(&claim.claim));
            }
        }
    }
    if let Some(own) = own.filter(|_| wanted == (api_group::APIS, "apibindings")) {
        labels.entry(label_key(own.cluster, own.export)).or_insert_with(|| REFLEXIVE_VALUE.to_owned());
    }
    labels
}

/// Whether a claim is about an object. A selector that cannot be read selects nothing.
fn selects(claim: &AcceptableClaim, object: &Value) -> bool {
    claim.selector.match_all
        || claim.selector.labels().to_labels().is_ok_and(|selector| selector.matches(object.meta()))
}

/// Gives an object exactly the claim labels that it must have.
pub fn apply(object: &mut Value, expected: &BTreeMap<String, String>) {
    if let Some(labels) = object.get_mut("metadata").and_then(|metadata| metadata.get_mut("labels"))
        && let Some(labels) = labels.as_object_mut()
    {
        labels.retain(|key, _| !key.starts_with(label::CLAIMED_PREFIX) || expected.contains_key(key));
    }
    for (key, value) in expected {
        object.set_at(&["metadata", "labels", key], value.as_str().into());
    }
}

/// Checks that an object has exactly the claim labels that it must have.
///
/// # Errors
/// A label that is missing, wrong or must not be there.
pub fn validate(object: &Value, expected: &BTreeMap<String, String>) -> Result<(), Rejection> {
    let labels = Path::new("metadata.labels");
    let mut problems = Vec::new();
    for (key, value) in expected {
        let found = object.meta().label(key).unwrap_or_default();
        if found != value {
            problems.push(Error::invalid(&labels.key(key), found, format!("must be {value:?}")));
        }
    }
    for (key, _) in object.meta().labels() {
        if key.starts_with(label::CLAIMED_PREFIX) && !expected.contains_key(key) {
            problems.push(Error::forbidden(&labels.key(key), "must not be set"));
        }
    }
    Rejection::unless_empty(&problems)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::apis::{ClaimSelector, PermissionClaim};
    use kcp_apimachinery::value;

    const KEY: &str = "claimed.internal.apis.kcp.io/bmCdly9xXiUpEHe3ypvDwvXMTfoVZUE92mqAQf";
    const VALUE: &str = "3QVjs6pfBjMpLEVYYhysJnroYGsQGlWm05E4qe";

    fn claim(state: ClaimState, selector: ClaimSelector) -> AcceptableClaim {
        let claim = PermissionClaim { resource: "configmaps".into(), ..PermissionClaim::default() };
        AcceptableClaim { claim, selector, state }
    }

    fn check(resource: &str, claims: &[AcceptableClaim], expected: &[(&str, &str)]) {
        let root = ClusterName::root();
        let grant = Grant { cluster: &root, export: "tenancy.kcp.io", claims };
        let object = value!({"metadata": {"labels": {"app": "a"}}});
        let labels = labels_for(&GroupResource::parse(resource), &object, [grant], Some(grant));
        let labels: Vec<_> = labels.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        assert_eq!(labels, expected, "{resource}");
    }

    #[test]
    fn accepted_claims_mark_what_they_select() {
        let some = |value: &str| ClaimSelector {
            match_labels: [("app".to_owned(), value.to_owned())].into(),
            ..ClaimSelector::default()
        };
        check("configmaps", &[claim(ClaimState::Accepted, ClaimSelector::all())], &[(KEY, VALUE)]);
        check("configmaps", &[claim(ClaimState::Accepted, some("a"))], &[(KEY, VALUE)]);
        check("configmaps", &[claim(ClaimState::Accepted, some("b"))], &[]);
        check("configmaps", &[claim(ClaimState::Rejected, ClaimSelector::all())], &[]);
        check("secrets", &[claim(ClaimState::Accepted, ClaimSelector::all())], &[]);
        check("apibindings.apis.kcp.io", &[], &[(KEY, REFLEXIVE_VALUE)]);
    }

    #[test]
    fn labels_cannot_be_forged_or_removed() {
        let expected = [(KEY.to_owned(), VALUE.to_owned())].into();
        let forged = "claimed.internal.apis.kcp.io/other";
        let mut object =
            value!({"metadata": {"labels": {"app": "a", "claimed.internal.apis.kcp.io/other": "x"}}});
        let text = format!(
            "[metadata.labels[{KEY}]: Invalid value: \"\": must be \"{VALUE}\", \
             metadata.labels[{forged}]: Forbidden: must not be set]"
        );
        assert_eq!(validate(&object, &expected), Err(Rejection::Forbidden(text)));
        apply(&mut object, &expected);
        assert_eq!(validate(&object, &expected), Ok(()));
        assert_eq!((object.meta().label("app"), object.meta().label(forged)), (Some("a"), None));
    }
}

//! What CustomResourceDefinitions of workspaces must leave to kcp.

use crate::rejection::Rejection;
use kcp_apimachinery::Value;
use kcp_names::ClusterName;

/// Checks the annotations and the group of a CRD.
///
/// # Errors
/// What is reserved outside `system:bound-crds` and `system:system-crds`.
pub fn validate(crd: &Value, cluster: &ClusterName) -> Result<(), Rejection> {
    if *cluster != ClusterName::bound_crds() {
        let reserved = |key: &&str| {
            let domain = key.split_once('/').map_or(*key, |(domain, _)| domain);
            domain == "apis.kcp.io" || domain.ends_with(".apis.kcp.io")
        };
        let keys = crd.meta().annotations().map(|(key, _)| key).filter(reserved);
        Rejection::of_texts(keys.map(|key| format!("{key} is a reserved annotation")).collect())?;
    }
    let group = crd.str_at(&["spec", "group"]).unwrap_or_default();
    if *cluster != ClusterName::system_crds() && group.ends_with("apis.kcp.io") {
        return Err(Rejection::Forbidden(format!("{group} is a reserved group")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use kcp_apimachinery::value;

    fn check(cluster: &ClusterName, annotation: &str, group: &str, expected: Option<&str>) {
        let mut crd = value!({"spec": {"group": group}});
        crd.set_at(&["metadata", "annotations", annotation], "x".into());
        let result = validate(&crd, cluster);
        assert_eq!(result.err().map(|error| error.to_string()).as_deref(), expected);
    }

    #[test]
    fn annotations_and_groups_of_kcp_are_reserved() {
        let text = "apis.kcp.io/bound-crd is a reserved annotation";
        check(&ClusterName::root(), "apis.kcp.io/bound-crd", "a.io", Some(text));
        let text = "internal.apis.kcp.io/x is a reserved annotation";
        check(&ClusterName::root(), "internal.apis.kcp.io/x", "a.io", Some(text));
        check(&ClusterName::bound_crds(), "apis.kcp.io/bound-crd", "a.io", None);
        check(&ClusterName::root(), "myapis.kcp.io/x", "a.io", None);
        check(&ClusterName::root(), "x", "my.apis.kcp.io", Some("my.apis.kcp.io is a reserved group"));
        check(&ClusterName::system_crds(), "x", "apis.kcp.io", None);
    }
}

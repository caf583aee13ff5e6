//! Which objects come first: those that others need.

use kcp_apimachinery::Value;

/// Group and kind, empty for any, from first to last.
const FIRST: [(&str, &str); 11] = [
    ("apiextensions.k8s.io", ""),
    ("core.kcp.io", ""),
    ("tenancy.kcp.io", "WorkspaceAuthenticationConfiguration"),
    ("tenancy.kcp.io", "WorkspaceType"),
    ("tenancy.kcp.io", ""),
    ("topology.kcp.io", ""),
    ("apis.kcp.io", "APIResourceSchema"),
    ("apis.kcp.io", "APIExport"),
    ("apis.kcp.io", "APIBinding"),
    ("apis.kcp.io", ""),
    ("", "Namespace"),
];

/// The place of an object's kind; objects with a smaller one are made before.
#[must_use]
pub fn weight(object: &Value) -> usize {
    let api_version = object.str_at(&["apiVersion"]).unwrap_or_default();
    let group = api_version.split_once('/').map_or("", |(group, _)| group);
    let kind = object.str_at(&["kind"]).unwrap_or_default();
    let fits = |want: &str, is: &str| want.is_empty() || want == is;
    FIRST
        .iter()
        .position(|(first_group, first_kind)| fits(first_group, group) && fits(first_kind, kind))
        .unwrap_or(FIRST.len())
}

/// Sorts objects by [`weight`]; the order within a kind stays.
pub fn sort(objects: &mut [Value]) {
    objects.sort_by_key(weight);
}

#[cfg(test)]
mod tests {
    use super::*;
    use kcp_apimachinery::value;

    #[test]
    fn what_is_needed_comes_first() {
        let object = |api_version: &str, kind: &str| value!({"apiVersion": api_version, "kind": kind});
        let mut objects = vec![
            object("rbac.authorization.k8s.io/v1", "ClusterRole"),
            object("v1", "Namespace"),
            object("apis.kcp.io/v1alpha1", "APIExportEndpointSlice"),
            object("apis.kcp.io/v1alpha2", "APIBinding"),
            object("apis.kcp.io/v1alpha2", "APIExport"),
            object("apis.kcp.io/v1alpha1", "APIResourceSchema"),
            object("tenancy.kcp.io/v1alpha1", "Workspace"),
            object("tenancy.kcp.io/v1alpha1", "WorkspaceType"),
            object("core.kcp.io/v1alpha1", "LogicalCluster"),
            object("apiextensions.k8s.io/v1", "CustomResourceDefinition"),
        ];
        let mut expected = objects.clone();
        expected.reverse();
        sort(&mut objects);
        assert_eq!(objects, expected);
    }
}

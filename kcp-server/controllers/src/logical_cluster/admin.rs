//! The first administrator of a logical cluster.

use crate::{key, kinds};
use kcp_api::well_known::annotation;
use kcp_apimachinery::value;
use kcp_reconcile::{Change, Fact, Facts, Missing, Object};

/// Name of the binding.
pub(crate) const ADMIN: &str = "workspace-admin";

/// The binding that makes whoever asked for the workspace its administrator.
pub(crate) fn admin(found: &Object, facts: &Facts) -> Result<Option<Change>, Missing> {
    let created_by = found.value.str_at(&["spec", "createdBy", "username"]).map(str::to_owned);
    let owner = || {
        let json = found.value.str_at(&["metadata", "annotations", annotation::OWNER])?;
        let user = kcp_apimachinery::value::decode(json.as_bytes()).ok()?;
        user.str_at(&["username"]).map(str::to_owned)
    };
    let Some(user) = created_by.or_else(owner).filter(|user| !user.is_empty()) else { return Ok(None) };
    let cluster = &found.key.cluster;
    let Some(at) = key(kinds::rbac("clusterrolebindings"), cluster, None, ADMIN) else { return Ok(None) };
    let subjects = value!([{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": (user)}]);
    let role =
        value!({"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"});
    let wanted = value!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding",
        "metadata": {"name": (ADMIN)}, "subjects": (subjects), "roleRef": (role),
    });
    match facts.get(&at)? {
        Fact::Unknown => Ok(None),
        Fact::Absent => Ok(Some(Change::Create { key: at, object: wanted })),
        Fact::Is(binding) => {
            let same = |name: &str| binding.value.get(name) == wanted.get(name);
            if same("subjects") && same("roleRef") {
                return Ok(None);
            }
            if !same("roleRef") {
                // What a role binding refers to never changes; a wrong one has to go first.
                let uid = Some(binding.uid().to_owned());
                return Ok(Some(Change::Delete { key: at, uid, resource_version: None, propagation: None }));
            }
            let mut patch = binding.precondition();
            patch.set_at(&["subjects"], wanted.get("subjects").cloned().unwrap_or_default());
            Ok(Some(Change::Patch { key: at, patch, subresource: None }))
        }
    }
}

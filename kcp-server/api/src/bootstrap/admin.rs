//! `system:admin`, whose RBAC counts in every logical cluster of the shard: the roles that
//! Kubernetes starts with and those of kcp.

use super::{manifest, sort};
use kcp_apimachinery::Value;

/// The objects of `system:admin`.
///
/// Roles that aggregate others already have the rules that the aggregating controller would give
/// them, so that they count before it runs.
#[must_use]
pub fn system_admin() -> Vec<Value> {
    let mut roles = manifest(include_str!("../../../../config/kcp/system-admin/kubernetes-roles.yaml"));
    aggregate(&mut roles);
    let mut objects = manifest(include_str!("../../../../config/kcp/system-admin/namespaces.yaml"));
    objects.extend(roles);
    objects.extend(manifest(include_str!("../../../../config/kcp/system-admin/kubernetes-bindings.yaml")));
    objects.extend(manifest(include_str!("../../../../config/kcp/system-admin/kcp.yaml")));
    sort(&mut objects);
    objects
}

/// Gives each aggregating role the rules of those it selects. An aggregate may select another, so it
/// is done as often as that can be nested: view, edit, admin.
fn aggregate(roles: &mut [Value]) {
    for _ in 0..3 {
        for at in 0..roles.len() {
            let Some(label) = aggregated_label(&roles[at]) else { continue };
            let mut rules: Vec<Value> = Vec::new();
            for role in roles.iter().filter(|role| role.meta().label(&label) == Some("true")) {
                for rule in role.get("rules").and_then(Value::as_array).unwrap_or_default() {
                    if !rules.contains(rule) {
                        rules.push(rule.clone());
                    }
                }
            }
            roles[at].set_at(&["rules"], rules.into());
        }
    }
}

/// The label that a role aggregates by; those of Kubernetes have one each.
fn aggregated_label(role: &Value) -> Option<String> {
    let selectors = role.at(&["aggregationRule", "clusterRoleSelectors"])?.as_array()?;
    let labels = selectors.first()?.get("matchLabels")?.as_object()?;
    labels.keys().next().map(str::to_owned)
}

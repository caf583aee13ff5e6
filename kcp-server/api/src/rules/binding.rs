//! APIBindings.

use crate::{
    rejection::Rejection,
    types::apis::{APIBinding, AcceptableClaim, BindingPhase, ExportReference},
    well_known::label,
};
use kcp_apimachinery::{
    Value,
    field::{Error, Path},
    value,
};
use kcp_names::{ClusterName, hash};

/// Checks a binding. `old` is nothing for a new one.
///
/// # Errors
/// A binding without an export, claims without one way to select objects, a phase that goes back.
pub fn validate(old: Option<&APIBinding>, new: &APIBinding) -> Result<(), Rejection> {
    let mut problems = Vec::new();
    match &new.spec.reference.export {
        None => problems.push(Error::required(&Path::new("spec.reference.export"), "")),
        Some(export) if export.name.is_empty() => {
            problems.push(Error::required(&Path::new("spec.reference.export.name"), ""));
        }
        Some(_) => {}
    }
    for (at, claim) in new.spec.permission_claims.iter().enumerate() {
        validate_selector(&Path::new("spec.permissionClaims").index(at), claim, &mut problems);
    }
    let before = old.map_or(BindingPhase::Unset, |old| old.status.phase);
    if before != BindingPhase::Unset && new.status.phase == BindingPhase::Unset {
        let detail = format!("cannot transition from \"{before:?}\" to \"\"");
        problems.push(Error::forbidden(&Path::new("status.phase"), detail));
    }
    Rejection::of_list(&problems)
}

fn validate_selector(at: &Path<'_>, claim: &AcceptableClaim, problems: &mut Vec<Error>) {
    let (path, selector) = (at.child("selector"), &claim.selector);
    let by_labels = !selector.match_labels.is_empty();
    let by_expressions = !selector.match_expressions.is_empty();
    if !selector.match_all && !by_labels && !by_expressions {
        let detail = "either one of matchAll, matchLabels, or matchExpressions must be set";
        problems.push(Error::required(&path, detail));
    }
    for (field, set) in [("matchLabels", by_labels), ("matchExpressions", by_expressions)] {
        if selector.match_all && set {
            let shown = value::to_value(selector).unwrap_or_default();
            let detail = format!("{field} cannot be used with matchAll");
            problems.push(Error::invalid(&path.child(field), shown, detail));
        }
    }
}

/// Whether a write needs permission to bind: a new binding, another export, a touched label.
#[must_use]
pub fn needs_permission(old: Option<&APIBinding>, new: &APIBinding) -> bool {
    let label = |binding: &APIBinding| binding.metadata.labels.get(label::EXPORT).cloned();
    old.is_none_or(|old| old.spec.reference != new.spec.reference || label(old) != label(new))
}

/// The refusal for someone who may not bind to an export, and for an unknown export.
#[must_use]
pub fn no_permission(old: Option<&APIBinding>, export: &ExportReference) -> Rejection {
    let action = if old.is_some() { "update" } else { "create" };
    let export = export_text(&export.path, &export.name);
    Rejection::Forbidden(format!("unable to {action} APIBinding: no permission to bind to export {export}"))
}

/// `<path>:<name>` of an export, the name alone without a path.
#[must_use]
pub fn export_text(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}:{name}") }
}

/// Marks a binding with its export, which is in `cluster`.
pub fn prepare(binding: &mut Value, cluster: &ClusterName, export: &str) {
    binding.meta_mut().set_label(label::EXPORT, Some(&hash::export_hash(cluster, export)));
}

/// Checks that a binding is marked with its export.
///
/// # Errors
/// Another mark.
pub fn validate_label(binding: &Value, cluster: &ClusterName, export: &str) -> Result<(), Rejection> {
    let expected = hash::export_hash(cluster, export);
    let found = binding.meta().label(label::EXPORT).unwrap_or_default();
    if found == expected {
        return Ok(());
    }
    let detail = format!("must be set to {expected:?}");
    let at = Path::new("metadata.labels");
    Rejection::unless_empty(&[Error::invalid(&at.key(label::EXPORT), found, detail)])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::Kind;

    fn binding(spec: Value, phase: &str) -> APIBinding {
        let object = value_of(spec, phase);
        APIBinding::from_value(&object).expect("a binding")
    }

    fn value_of(spec: Value, phase: &str) -> Value {
        kcp_apimachinery::value!({"metadata": {"name": "a"}, "spec": spec, "status": {"phase": phase}})
    }

    fn check(spec: Value, expected: Option<&str>) {
        let result = validate(None, &binding(spec, ""));
        assert_eq!(result.err().map(|error| error.to_string()).as_deref(), expected);
    }

    fn selecting(selector: Value) -> Value {
        let claim = kcp_apimachinery::value!({
            "resource": "configmaps", "verbs": ["*"], "state": "Accepted", "selector": selector
        });
        kcp_apimachinery::value!({"reference": {"export": {"name": "e"}}, "permissionClaims": [claim]})
    }

    #[test]
    fn a_binding_names_an_export_and_selects_in_one_way() {
        use kcp_apimachinery::value;
        check(value!({"reference": {}}), Some("[spec.reference.export: Required value]"));
        let nameless = value!({"reference": {"export": {"path": "root"}}});
        check(nameless, Some("[spec.reference.export.name: Required value]"));
        check(selecting(value!({"matchAll": true})), None);
        check(selecting(value!({"matchLabels": {"a": "b"}})), None);
        let text = "[spec.permissionClaims[0].selector: Required value: \
                    either one of matchAll, matchLabels, or matchExpressions must be set]";
        check(selecting(value!({})), Some(text));
        let text = "[spec.permissionClaims[0].selector.matchLabels: Invalid value: \
                    {\"matchAll\":true,\"matchLabels\":{\"a\":\"b\"}}: matchLabels cannot be used with matchAll]";
        check(selecting(value!({"matchAll": true, "matchLabels": {"a": "b"}})), Some(text));
    }

    #[test]
    fn a_bound_binding_stays_bound() {
        let spec = selecting(kcp_apimachinery::value!({"matchAll": true}));
        let (old, new) = (binding(spec.clone(), "Bound"), binding(spec, ""));
        let text = "[status.phase: Forbidden: cannot transition from \"Bound\" to \"\"]";
        assert_eq!(validate(Some(&old), &new), Err(Rejection::forbidden(text)));
        assert_eq!(validate(Some(&new), &old), Ok(()));
    }

    #[test]
    fn binding_needs_permission_once() {
        let spec = selecting(kcp_apimachinery::value!({"matchAll": true}));
        let (old, mut new) = (binding(spec.clone(), ""), binding(spec, "Bound"));
        assert!(needs_permission(None, &new) && !needs_permission(Some(&old), &new));
        new.metadata.labels.insert(label::EXPORT.into(), "forged".into());
        assert!(needs_permission(Some(&old), &new));
        let export = ExportReference { path: "root:org".into(), name: "e".into() };
        let text = "unable to create APIBinding: no permission to bind to export root:org:e";
        assert_eq!(no_permission(None, &export), Rejection::forbidden(text));
        let text = "unable to update APIBinding: no permission to bind to export root:org:e";
        assert_eq!(no_permission(Some(&old), &export), Rejection::forbidden(text));
    }

    #[test]
    fn the_mark_is_the_hash_of_the_export() {
        let mut object = value_of(kcp_apimachinery::value!({}), "");
        let root = ClusterName::root();
        let text = "metadata.labels[internal.apis.kcp.io/export]: Invalid value: \"\": \
                    must be set to \"bmCdly9xXiUpEHe3ypvDwvXMTfoVZUE92mqAQf\"";
        assert_eq!(validate_label(&object, &root, "tenancy.kcp.io"), Err(Rejection::forbidden(text)));
        prepare(&mut object, &root, "tenancy.kcp.io");
        assert_eq!(validate_label(&object, &root, "tenancy.kcp.io"), Ok(()));
    }
}

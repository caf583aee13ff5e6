//! Phase and conditions of a binding.

use super::Blocked;
use crate::conditions::{self, Condition};
use kcp_apimachinery::Value;

/// Writes phase and conditions.
pub(super) fn show(object: &mut Value, blocked: Option<&Blocked>, now: i64) {
    let completed = conditions::is_true(object, "InitialBindingCompleted");
    match blocked {
        None => {
            for kind in ["APIExportValid", "InitialBindingCompleted", "BindingUpToDate"] {
                conditions::set(object, &Condition::met(kind), now);
            }
            object.set_at(&["status", "phase"], "Bound".into());
        }
        Some(blocked) if blocked.condition == "APIExportValid" => {
            let severity = if blocked.reason == "MissingIdentityHash" { "Warning" } else { "Error" };
            let cause = Condition::unmet("APIExportValid", severity, blocked.reason, blocked.message.clone());
            conditions::set(object, &cause, now);
            if !completed {
                let waiting = "Waiting for API(s) to be established";
                let cause =
                    Condition::unmet("InitialBindingCompleted", "Info", "WaitingForEstablished", waiting);
                conditions::set(object, &cause, now);
            }
        }
        Some(blocked) => {
            conditions::set(object, &Condition::met("APIExportValid"), now);
            let cause = |kind| Condition::unmet(kind, "Error", blocked.reason, blocked.message.clone());
            if !completed {
                conditions::set(object, &cause("InitialBindingCompleted"), now);
            }
            conditions::set(object, &cause("BindingUpToDate"), now);
        }
    }
    claims(object, now);
    conditions::summarize(object, &["InitialBindingCompleted"], now);
}

/// What the binding accepts of what the export claims.
fn claims(object: &mut Value, now: i64) {
    let list = |object: &Value, path: &[&str]| {
        object.at(path).and_then(Value::as_array).unwrap_or_default().to_vec()
    };
    let asked = list(object, &["status", "exportPermissionClaims"]);
    let accepted: Vec<Value> = list(object, &["spec", "permissionClaims"])
        .into_iter()
        .filter(|claim| claim.str_at(&["state"]) == Some("Accepted"))
        .collect();
    let same =
        |a: &Value, b: &Value| ["group", "resource", "identityHash"].iter().all(|n| a.get(n) == b.get(n));
    let unknown: Vec<String> = accepted
        .iter()
        .filter(|claim| !asked.iter().any(|other| same(claim, other)))
        .map(|claim| claim.str_at(&["resource"]).unwrap_or_default().to_owned())
        .collect();
    let valid = if unknown.is_empty() {
        Condition::met("PermissionClaimsValid")
    } else {
        let message = format!("accepted claims are not asked for by the APIExport: {}", unknown.join(", "));
        Condition::unmet("PermissionClaimsValid", "Error", "InvalidPermissionClaims", message)
    };
    conditions::set(object, &valid, now);
    let applied: Vec<Value> =
        accepted.iter().filter(|claim| asked.iter().any(|other| same(claim, other))).cloned().collect();
    let stripped: Vec<Value> = applied
        .into_iter()
        .map(|mut claim| {
            claim.remove_at(&["state"]);
            claim
        })
        .collect();
    if stripped.is_empty() {
        object.remove_at(&["status", "appliedPermissionClaims"]);
    } else {
        object.set_at(&["status", "appliedPermissionClaims"], Value::Array(stripped));
    }
    conditions::set(object, &Condition::met("PermissionClaimsApplied"), now);
}

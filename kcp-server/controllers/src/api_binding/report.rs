//! Phase and conditions of a binding.

use super::Blocked;
use crate::{
    claim_labels,
    conditions::{self, Condition},
};
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
    // Whoever has no claims has nothing to wait for. The others are told of when their objects are labelled.
    if blocked.is_none() && !claim_labels::concerns(object) {
        for kind in ["PermissionClaimsValid", "PermissionClaimsApplied"] {
            conditions::set(object, &Condition::met(kind), now);
        }
    }
    conditions::summarize(object, &["InitialBindingCompleted"], now);
}

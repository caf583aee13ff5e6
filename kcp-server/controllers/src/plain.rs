//! Conditions as Kubernetes' own kinds have them: without severity, in the order they came.

use kcp_apimachinery::{Value, time::Time, value};

/// Sets a condition in `status.conditions`; its time moves with any change. `now` is in seconds since 1970.
pub(crate) fn set(object: &mut Value, kind: &str, status: &str, reason: &str, message: &str, now: i64) {
    let mut wanted = value!({"type": (kind), "status": (status), "reason": (reason), "message": (message)});
    let mut all: Vec<Value> =
        object.at(&["status", "conditions"]).and_then(Value::as_array).unwrap_or_default().to_vec();
    let at = all.iter().position(|condition| condition.str_at(&["type"]) == Some(kind));
    if let Some(at) = at {
        let mut before = all[at].clone();
        before.remove_at(&["lastTransitionTime"]);
        if before == wanted {
            return;
        }
    }
    let time = Time::from_unix(now).map(|time| time.to_string()).unwrap_or_default();
    wanted.set_at(&["lastTransitionTime"], time.into());
    match at {
        Some(at) => all[at] = wanted,
        None => all.push(wanted),
    }
    object.set_at(&["status", "conditions"], Value::Array(all));
}

//! Conditions of kcp's kinds (`kcp-apis.md` §1.3): sorted with `Ready` first, a severity when false, and a
//! transition time that moves whenever anything but itself changes.

use kcp_apimachinery::{Map, Value, time::Time};

/// What a condition says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition<'a> {
    /// Its type.
    pub kind: &'a str,
    /// `Ok` when true; otherwise why not.
    pub state: Result<(), Cause<'a>>,
}

/// Why a condition is false.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause<'a> {
    /// `Error`, `Warning` or `Info`
    pub severity: &'a str,
    /// CamelCase.
    pub reason: &'a str,
    /// For people.
    pub message: String,
}

impl<'a> Condition<'a> {
    /// True.
    #[must_use]
    pub fn met(kind: &'a str) -> Self {
        Self { kind, state: Ok(()) }
    }

    /// False, and why.
    #[must_use]
    pub fn unmet(kind: &'a str, severity: &'a str, reason: &'a str, message: impl Into<String>) -> Self {
        Self { kind, state: Err(Cause { severity, reason, message: message.into() }) }
    }
}

/// Sets a condition in `status.conditions`. `now` is in seconds since 1970.
pub fn set(object: &mut Value, condition: &Condition<'_>, now: i64) {
    let mut wanted = Map::new();
    wanted.insert("type", condition.kind);
    wanted.insert("status", if condition.state.is_ok() { "True" } else { "False" });
    if let Err(cause) = &condition.state {
        wanted.insert("severity", cause.severity);
        wanted.insert("reason", cause.reason);
        wanted.insert("message", cause.message.as_str());
    }
    let mut all: Vec<Value> =
        object.at(&["status", "conditions"]).and_then(Value::as_array).unwrap_or_default().to_vec();
    let at = all.iter().position(|c| c.str_at(&["type"]) == Some(condition.kind));
    let before = at.map(|at| {
        let mut before = all[at].clone();
        before.remove_at(&["lastTransitionTime"]);
        before
    });
    if before.as_ref().and_then(Value::as_object) == Some(&wanted) {
        return;
    }
    wanted.insert("lastTransitionTime", Time::from_unix(now).map(|t| t.to_string()).unwrap_or_default());
    match at {
        Some(at) => all[at] = Value::Object(wanted),
        None => all.push(Value::Object(wanted)),
    }
    let rank = |c: &Value| {
        let kind = c.str_at(&["type"]).unwrap_or_default().to_owned();
        (kind != "Ready", kind)
    };
    all.sort_by_key(rank);
    object.set_at(&["status", "conditions"], Value::Array(all));
}

/// Removes a condition.
pub fn remove(object: &mut Value, kind: &str) {
    if let Some(all) =
        object.get_mut("status").and_then(|s| s.get_mut("conditions")).and_then(Value::as_array_mut)
    {
        all.retain(|c| c.str_at(&["type"]) != Some(kind));
    }
}

/// Whether a condition is true.
#[must_use]
pub fn is_true(object: &Value, kind: &str) -> bool {
    find(object, kind).is_some_and(|c| c.str_at(&["status"]) == Some("True"))
}

/// A condition by type.
#[must_use]
pub fn find<'o>(object: &'o Value, kind: &str) -> Option<&'o Value> {
    object.at(&["status", "conditions"])?.as_array()?.iter().find(|c| c.str_at(&["type"]) == Some(kind))
}

/// `Ready`, from the conditions it is made of: true if all are; else it says what the first false one says.
pub fn summarize(object: &mut Value, of: &[&str], now: i64) {
    let rank = |severity: &str| ["Error", "Warning", "Info"].iter().position(|s| *s == severity).unwrap_or(3);
    let worst = of
        .iter()
        .filter_map(|kind| find(object, kind))
        .filter(|c| c.str_at(&["status"]) == Some("False"))
        .min_by_key(|c| rank(c.str_at(&["severity"]).unwrap_or_default()))
        .cloned();
    match worst {
        None => set(object, &Condition::met("Ready"), now),
        Some(cause) => {
            let text = |name: &str| cause.str_at(&[name]).unwrap_or_default().to_owned();
            let (severity, reason) = (text("severity"), text("reason"));
            set(object, &Condition::unmet("Ready", &severity, &reason, text("message")), now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_are_sorted_and_move_only_when_they_change() {
        let mut object = Value::object();
        set(&mut object, &Condition::unmet("B", "Error", "Why", "because"), 100);
        set(&mut object, &Condition::met("A"), 100);
        summarize(&mut object, &["A", "B"], 100);
        let kinds: Vec<_> = object
            .at(&["status", "conditions"])
            .and_then(Value::as_array)
            .expect("set")
            .iter()
            .filter_map(|c| c.str_at(&["type"]))
            .map(str::to_owned)
            .collect();
        assert_eq!(kinds, ["Ready", "A", "B"]);
        assert!(!is_true(&object, "Ready"));
        let before = object.clone();
        set(&mut object, &Condition::unmet("B", "Error", "Why", "because"), 999);
        assert_eq!(object, before);
        set(&mut object, &Condition::met("B"), 200);
        assert_eq!(
            find(&object, "B").and_then(|c| c.str_at(&["lastTransitionTime"])),
            Some("1970-01-01T00:03:20Z")
        );
        assert_eq!(find(&object, "B").and_then(|c| c.str_at(&["message"])), None);
    }
}

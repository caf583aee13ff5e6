//! Saying how it went: conditions, phases and events.
//!
//! A condition's message is the one line that says what is in the way, and always the current one. Its
//! time changes with its status only. An event is written when a condition turns.

use jiff::Timestamp;
use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kcp_operator_resources::Finding;
use kube::api::{Patch, PatchParams};
use kube::runtime::events::EventType;
use kube::{Api, Resource, ResourceExt as _};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::context::{Context, now};
use crate::error::{Error, Result};

/// What a reconcile found, to be written into a status.
#[derive(Debug)]
pub(crate) struct Report {
    /// One entry a condition.
    pub(crate) findings: Vec<Finding>,
    /// Conditions that are only there while they hold.
    pub(crate) absent: Vec<&'static str>,
    /// The other fields of the status, with `null` for those to remove.
    pub(crate) fields: Value,
}

/// Writes the status of an object if it changed, and an event for every condition that turned.
pub(crate) async fn report<K>(
    context: &Context,
    object: &K,
    before: &[Condition],
    status: Value,
    report: Report,
) -> Result<()>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
        + DeserializeOwned
        + Clone
        + std::fmt::Debug,
{
    let generation = object.meta().generation;
    let after = conditions(before, &report.findings, &report.absent, generation, now());
    for finding in turned(before, &report.findings) {
        let kind =
            if finding.holds == is_good(finding.condition) { EventType::Normal } else { EventType::Warning };
        context.event(&object.object_ref(&()), kind, finding.reason, &finding.message).await;
    }
    let mut wanted = report.fields;
    wanted["conditions"] = json!(after);
    if is_within(&wanted, &status) {
        return Ok(());
    }
    let (name, namespace) = (object.name_any(), object.namespace().unwrap_or_default());
    let api: Api<K> = Api::namespaced(context.client.clone(), &namespace);
    let patch = Patch::Merge(json!({ "status": wanted }));
    match api.patch_status(&name, &PatchParams::default(), &patch).await {
        // It is gone; nobody will miss its status.
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(()),
        answer => {
            answer.map(drop).map_err(Error::api(format!("write the status of {} {name}", K::kind(&()))))
        }
    }
}

/// The conditions with what was found; others stay.
fn conditions(
    before: &[Condition],
    findings: &[Finding],
    absent: &[&str],
    generation: Option<i64>,
    now: Timestamp,
) -> Vec<Condition> {
    let mut after: Vec<Condition> =
        before.iter().filter(|condition| !absent.contains(&condition.type_.as_str())).cloned().collect();
    for finding in findings {
        let status = if finding.holds { "True" } else { "False" };
        let old = after.iter_mut().find(|condition| condition.type_ == finding.condition);
        let since = match &old {
            Some(old) if old.status == status => old.last_transition_time.clone(),
            Some(_) | None => Time(Timestamp::from_second(now.as_second()).unwrap_or(now)),
        };
        let new = Condition {
            type_: finding.condition.to_owned(),
            status: status.to_owned(),
            reason: finding.reason.to_owned(),
            message: finding.message.chars().take(32_000).collect(),
            last_transition_time: since,
            observed_generation: generation,
        };
        match old {
            Some(old) => *old = new,
            None => after.push(new),
        }
    }
    after
}

/// What is different from what the status said, in status or reason.
fn turned<'a>(before: &'a [Condition], findings: &'a [Finding]) -> impl Iterator<Item = &'a Finding> {
    findings.iter().filter(|finding| {
        let old = before.iter().find(|condition| condition.type_ == finding.condition);
        let status = if finding.holds { "True" } else { "False" };
        old.is_none_or(|old| old.status != status || old.reason != finding.reason)
    })
}

/// Whether it is good that a condition holds.
fn is_good(condition: &str) -> bool {
    condition != "ImageOverridden"
}

/// Whether a merge of `patch` would leave `value` as it is.
fn is_within(patch: &Value, value: &Value) -> bool {
    match patch {
        Value::Object(fields) => fields.iter().all(|(key, field)| match (field, value.get(key)) {
            (Value::Null, there) => there.is_none_or(Value::is_null),
            (field, Some(there)) => is_within(field, there),
            (_, None) => false,
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            patch == value
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(holds: bool, message: &str) -> Finding {
        Finding { condition: "Available", holds, reason: "Reason", message: message.to_owned() }
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn a_condition_keeps_its_time_until_it_turns_but_never_its_message() {
        let first = conditions(&[], &[finding(false, "one")], &[], Some(1), at(10));
        let second = conditions(&first, &[finding(false, "two")], &[], Some(2), at(20));
        assert_eq!((second[0].message.as_str(), second[0].observed_generation), ("two", Some(2)));
        assert_eq!(second[0].last_transition_time.0, at(10));
        let third = conditions(&second, &[finding(true, "up")], &[], Some(2), at(30));
        assert_eq!(third[0].last_transition_time.0, at(30));
    }

    #[test]
    fn conditions_of_others_stay_and_passed_ones_go() {
        let other = Condition {
            type_: "Other".to_owned(),
            status: "True".to_owned(),
            reason: "X".to_owned(),
            message: String::new(),
            last_transition_time: Time(at(0)),
            observed_generation: None,
        };
        let passed = Condition { type_: "ImageOverridden".to_owned(), ..other.clone() };
        let after = conditions(&[other, passed], &[finding(true, "")], &["ImageOverridden"], None, at(1));
        assert_eq!(after.iter().map(|c| c.type_.as_str()).collect::<Vec<_>>(), ["Other", "Available"]);
    }

    #[test]
    fn a_status_that_says_it_already_is_not_written() {
        let check = |patch: Value, value: Value| is_within(&patch, &value);
        assert!(check(json!({ "phase": "Running" }), json!({ "phase": "Running", "more": 1 })));
        assert!(check(json!({ "gone": null }), json!({})));
        assert!(!check(json!({ "gone": null }), json!({ "gone": {} })));
        assert!(!check(json!({ "phase": "Running" }), json!({})));
    }
}

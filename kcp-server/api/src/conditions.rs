//! Conditions: what can be said of an object now, one entry per type.

use kcp_apimachinery::time::Time;
use serde::{Deserialize, Serialize};
use std::cmp::Ordering;

/// The type that sums up the others.
pub const READY: &str = "Ready";

/// Whether a condition holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Status {
    /// It does.
    True,
    /// It does not.
    False,
    /// Nobody knows.
    Unknown,
}

/// How bad it is that a condition does not hold. The first is the worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Severity {
    /// Somebody has to do something.
    Error,
    /// Somebody should look.
    Warning,
    /// It is on its way.
    Info,
}

/// One thing that can be said of an object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Condition {
    /// What it is about.
    #[serde(rename = "type")]
    pub kind: String,
    /// Whether it holds.
    pub status: Status,
    /// How bad it is if it does not.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "severity")]
    pub severity: Option<Severity>,
    /// When any of the other fields last changed.
    pub last_transition_time: Time,
    /// Why, in one word.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// Why, for people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub message: String,
}

impl Condition {
    /// It holds.
    #[must_use]
    pub fn holds(kind: &str, now: Time) -> Self {
        Self {
            kind: kind.to_owned(),
            status: Status::True,
            severity: None,
            last_transition_time: now,
            reason: String::new(),
            message: String::new(),
        }
    }

    /// It does not hold.
    #[must_use]
    pub fn fails(kind: &str, severity: Severity, reason: &str, message: &str, now: Time) -> Self {
        Self {
            status: Status::False,
            severity: Some(severity),
            reason: reason.to_owned(),
            message: message.to_owned(),
            ..Self::holds(kind, now)
        }
    }

    /// Nobody knows.
    #[must_use]
    pub fn unknown(kind: &str, reason: &str, message: &str, now: Time) -> Self {
        Self {
            status: Status::Unknown,
            reason: reason.to_owned(),
            message: message.to_owned(),
            ..Self::holds(kind, now)
        }
    }

    fn same_state(&self, other: &Self) -> bool {
        (self.status, self.severity, &self.reason, &self.message)
            == (other.status, other.severity, &other.reason, &other.message)
    }

    /// The place among conditions that are summed up: the first decides.
    fn rank(&self) -> u8 {
        match (self.status, self.severity) {
            (Status::False, Some(Severity::Error)) => 0,
            (Status::False, Some(Severity::Warning)) => 1,
            (Status::False, Some(Severity::Info)) => 2,
            (Status::True, _) => 3,
            (Status::Unknown, _) => 4,
            // No condition of ours is False without a severity.
            (Status::False, None) => 5,
        }
    }
}

/// The conditions of an object: `Ready` first, the others by type.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Conditions(Vec<Condition>);

impl Conditions {
    /// The condition of a type.
    #[must_use]
    pub fn find(&self, kind: &str) -> Option<&Condition> {
        self.0.iter().find(|condition| condition.kind == kind)
    }

    /// Whether a condition is there and holds.
    #[must_use]
    pub fn is_true(&self, kind: &str) -> bool {
        self.find(kind).is_some_and(|condition| condition.status == Status::True)
    }

    /// Whether a condition is there and does not hold.
    #[must_use]
    pub fn is_false(&self, kind: &str) -> bool {
        self.find(kind).is_some_and(|condition| condition.status == Status::False)
    }

    /// All of them, in order.
    #[must_use]
    pub fn as_slice(&self) -> &[Condition] {
        &self.0
    }

    /// Sets a condition. One that says the same as before keeps its time. True if anything changed.
    pub fn set(&mut self, condition: Condition) -> bool {
        let before = self.0.iter_mut().find(|before| before.kind == condition.kind);
        match before {
            Some(before) if before.same_state(&condition) => return false,
            Some(before) => *before = condition,
            None => self.0.push(condition),
        }
        self.0.sort_by(order);
        true
    }

    /// Removes a condition. True if it was there.
    pub fn remove(&mut self, kind: &str) -> bool {
        let before = self.0.len();
        self.0.retain(|condition| condition.kind != kind);
        self.0.len() != before
    }

    /// Sets `Ready` from the conditions of `kinds`, or from all others if there are none given.
    /// The worst decides; among equals the first of `kinds`, else the first in order. True if
    /// anything changed.
    pub fn summarize(&mut self, kinds: &[&str], now: Time) -> bool {
        let place = |condition: &Condition| kinds.iter().position(|kind| *kind == condition.kind);
        let decisive = self
            .0
            .iter()
            .filter(|condition| condition.kind != READY)
            .filter(|condition| kinds.is_empty() || place(condition).is_some())
            .min_by_key(|condition| (condition.rank(), place(condition)));
        let Some(decisive) = decisive else { return false };
        let summary = Condition { kind: READY.to_owned(), last_transition_time: now, ..decisive.clone() };
        self.set(match summary.status {
            Status::True => Condition::holds(READY, now),
            Status::False | Status::Unknown => summary,
        })
    }
}

fn order(left: &Condition, right: &Condition) -> Ordering {
    let key = |condition: &Condition| condition.kind != READY;
    key(left).cmp(&key(right)).then_with(|| left.kind.cmp(&right.kind))
}

/// An empty severity is none; one that nobody knows is an error, as the strictest reading.
fn severity<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<Severity>, D::Error> {
    Ok(match std::borrow::Cow::<'_, str>::deserialize(from)?.as_ref() {
        "" => None,
        "Warning" => Some(Severity::Warning),
        "Info" => Some(Severity::Info),
        _ => Some(Severity::Error),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Time {
        Time::from_unix(seconds).expect("a time")
    }

    fn kinds(conditions: &Conditions) -> Vec<&str> {
        conditions.0.iter().map(|condition| condition.kind.as_str()).collect()
    }

    #[test]
    fn ready_comes_first_and_the_rest_is_sorted() {
        let mut conditions = Conditions::default();
        for kind in ["b", READY, "a", "Z"] {
            assert!(conditions.set(Condition::holds(kind, at(1))));
        }
        assert_eq!(kinds(&conditions), [READY, "Z", "a", "b"]);
    }

    #[test]
    fn the_time_moves_with_any_change_and_only_then() {
        let mut conditions = Conditions::default();
        let time = |conditions: &Conditions| conditions.find("a").expect("set").last_transition_time;
        conditions.set(Condition::fails("a", Severity::Info, "Waiting", "one", at(1)));
        assert!(!conditions.set(Condition::fails("a", Severity::Info, "Waiting", "one", at(2))));
        assert_eq!(time(&conditions), at(1));
        assert!(conditions.set(Condition::fails("a", Severity::Info, "Waiting", "two", at(3))));
        assert_eq!(time(&conditions), at(3));
        assert!(conditions.remove("a") && !conditions.remove("a"));
    }

    fn check(conditions: &[Condition], kinds: &[&str], expected: Option<(Status, &str)>) {
        let mut all = Conditions::default();
        for condition in conditions {
            all.set(condition.clone());
        }
        all.summarize(kinds, at(9));
        assert_eq!(all.find(READY).map(|ready| (ready.status, ready.message.as_str())), expected);
    }

    #[test]
    fn the_worst_decides() {
        let info = Condition::fails("a", Severity::Info, "R", "info", at(1));
        let error = Condition::fails("b", Severity::Error, "R", "error", at(1));
        let worse = Condition::fails("c", Severity::Error, "R", "other", at(1));
        let (fine, unknown) =
            (Condition::holds("d", at(1)), Condition::unknown("e", "R", "who knows", at(1)));
        check(&[info.clone(), error.clone(), fine.clone()], &[], Some((Status::False, "error")));
        check(&[error.clone(), worse.clone()], &["c", "b"], Some((Status::False, "other")));
        check(&[error, info.clone(), fine.clone()], &["a", "d"], Some((Status::False, "info")));
        check(&[fine, unknown.clone()], &[], Some((Status::True, "")));
        check(&[unknown], &[], Some((Status::Unknown, "who knows")));
        check(&[info], &["z"], None);
    }
}

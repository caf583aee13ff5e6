//! `metav1.Status`: what clients get instead of an object. Which code an error has is decided elsewhere.

use crate::{Map, Value, value};

/// A status.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// `Success` or `Failure`
    pub status: String,
    /// For people.
    pub message: String,
    /// For machines: `NotFound`, `Conflict`, …
    pub reason: String,
    /// What it is about.
    pub details: Option<Details>,
    /// The HTTP code.
    pub code: u16,
    /// Where a list may go on, when its page token has expired.
    pub continue_token: String,
}

/// What a status is about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Details {
    /// Name of the object.
    pub name: String,
    /// API group.
    pub group: String,
    /// Kind or resource.
    pub kind: String,
    /// Uid of the object.
    pub uid: String,
    /// Each thing that is wrong.
    pub causes: Vec<Cause>,
    /// Seconds after which to try again; 0: not said.
    pub retry_after_seconds: u32,
}

/// One thing that is wrong.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cause {
    /// For machines: `FieldValueInvalid`, …
    pub reason: String,
    /// For people.
    pub message: String,
    /// Which field.
    pub field: String,
}

impl Status {
    /// The status as an object.
    #[must_use]
    pub fn to_value(&self) -> Value {
        let mut object =
            value!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": (self.status.as_str())});
        let members = object.force_object();
        text(members.entry("metadata").force_object(), "continue", &self.continue_token);
        text(members, "message", &self.message);
        text(members, "reason", &self.reason);
        if let Some(details) = &self.details {
            members.insert("details", details.to_value());
        }
        members.insert("code", i64::from(self.code));
        object
    }
}

impl Details {
    fn to_value(&self) -> Value {
        let mut members = Map::new();
        text(&mut members, "name", &self.name);
        text(&mut members, "group", &self.group);
        text(&mut members, "kind", &self.kind);
        text(&mut members, "uid", &self.uid);
        if !self.causes.is_empty() {
            members.insert("causes", self.causes.iter().map(Cause::to_value).collect::<Value>());
        }
        if self.retry_after_seconds > 0 {
            members.insert("retryAfterSeconds", i64::from(self.retry_after_seconds));
        }
        Value::Object(members)
    }
}

impl Cause {
    fn to_value(&self) -> Value {
        let mut members = Map::new();
        text(&mut members, "reason", &self.reason);
        text(&mut members, "message", &self.message);
        text(&mut members, "field", &self.field);
        Value::Object(members)
    }
}

fn text(members: &mut Map, name: &str, value: &str) {
    if !value.is_empty() {
        members.insert(name, value);
    }
}

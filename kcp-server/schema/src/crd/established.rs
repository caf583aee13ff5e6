//! From a definition and the names its group uses to the conditions of its status.

use super::{
    source::{flag, list, text, texts},
    structural,
};
use crate::Schema;
use kcp_apimachinery::{
    Map, Value,
    field::{self, Error, Path},
    go,
};
use std::collections::HashSet;

/// The names that the definitions of one group have been granted.
#[derive(Clone, Debug, Default)]
pub struct Names {
    /// Plurals, singulars and short names.
    pub resources: HashSet<String>,
    /// Kinds and kinds of lists.
    pub kinds: HashSet<String>,
}

/// What a definition gets of the names it asks for.
#[derive(Clone, Debug, PartialEq)]
pub struct Naming {
    /// `status.acceptedNames`
    pub accepted: Value,
    /// The reason of the condition `NamesAccepted`: `NoConflicts`, or which name is taken.
    pub reason: &'static str,
    /// Its message.
    pub message: String,
}

impl Naming {
    /// Whether all names are granted.
    #[must_use]
    pub fn is_accepted(&self) -> bool {
        self.reason == "NoConflicts"
    }
}

/// The names granted to definitions of one group, from their `status.acceptedNames`.
#[must_use]
pub fn names_in_use<'v>(group: impl IntoIterator<Item = &'v Value>) -> Names {
    let mut names = Names::default();
    for accepted in group.into_iter().filter_map(|crd| crd.at(&["status", "acceptedNames"])) {
        let resources = [text(accepted, "plural"), text(accepted, "singular")];
        let resources = resources.into_iter().chain(texts(accepted, "shortNames"));
        names.resources.extend(resources.map(str::to_owned));
        names.kinds.extend([text(accepted, "kind"), text(accepted, "listKind")].map(str::to_owned));
    }
    names
}

/// Grants a definition the names that are free or its own already.
#[must_use]
pub fn grant(crd: &Value, in_use: &Names) -> Naming {
    let empty = Value::object();
    let wanted = crd.at(&["spec", "names"]).unwrap_or(&empty);
    let had = crd.at(&["status", "acceptedNames"]).unwrap_or(&empty);
    let mut granted = had.clone();
    let mut conflict = None;
    let single = [
        ("plural", "PluralConflict", &in_use.resources),
        ("singular", "SingularConflict", &in_use.resources),
    ];
    for (name, reason, used) in single {
        one(wanted, had, name, used, reason, &mut granted, &mut conflict);
    }
    short_names(wanted, had, in_use, &mut granted, &mut conflict);
    for (name, reason) in [("kind", "KindConflict"), ("listKind", "ListKindConflict")] {
        one(wanted, had, name, &in_use.kinds, reason, &mut granted, &mut conflict);
    }
    copy(wanted, "categories", &mut granted);
    let (reason, message) = conflict.unwrap_or(("NoConflicts", "no conflicts found".to_owned()));
    Naming { accepted: granted, reason, message }
}

type Conflict = Option<(&'static str, String)>;

fn one(
    wanted: &Value,
    had: &Value,
    name: &str,
    used: &HashSet<String>,
    reason: &'static str,
    granted: &mut Value,
    conflict: &mut Conflict,
) {
    let asked = text(wanted, name);
    if asked != text(had, name) && used.contains(asked) {
        *conflict = Some((reason, taken(asked)));
    } else {
        copy(wanted, name, granted);
    }
}

fn short_names(wanted: &Value, had: &Value, in_use: &Names, granted: &mut Value, conflict: &mut Conflict) {
    let own = texts(had, "shortNames");
    let asked = texts(wanted, "shortNames");
    let lost: Vec<_> =
        asked.iter().filter(|name| !own.contains(name) && in_use.resources.contains(**name)).collect();
    match lost.as_slice() {
        [] => copy(wanted, "shortNames", granted),
        [only] => *conflict = Some(("ShortNamesConflict", taken(only))),
        many => {
            let texts: Vec<_> = many.iter().map(|name| taken(name)).collect();
            *conflict = Some(("ShortNamesConflict", format!("[{}]", texts.join(", "))));
        }
    }
}

fn taken(name: &str) -> String {
    format!("{} is already in use", go::quote(name))
}

fn copy(from: &Value, name: &str, to: &mut Value) {
    match from.get(name) {
        Some(value) => {
            to.force_object().insert(name, value.clone());
        }
        None => {
            to.force_object().remove(name);
        }
    }
}

/// A condition: its type, status, reason and message.
type Said = (&'static str, &'static str, String, String);

/// The status of a definition, as Kubernetes' controllers bring it about one after another: which names are
/// granted, whether it is served, and whether a schema is not structural. `now` is the time of conditions
/// that change. `storedVersions` is kept, see [`stored_versions`].
#[must_use]
pub fn conditions(crd: &Value, in_use: &Names, now: &str) -> Value {
    let naming = grant(crd, in_use);
    let accepted = if naming.is_accepted() { "True" } else { "False" };
    let mut said: Vec<Said> = vec![("NamesAccepted", accepted, naming.reason.into(), naming.message.clone())];
    if naming.is_accepted() {
        said.push(established("True", "InitialNamesAccepted", "the initial names have been accepted"));
    } else if !super::spec::is_established(crd) {
        said.push(established("False", "NotAccepted", "not all names are accepted"));
    }
    let violations = non_structural(crd);
    said.extend(violations.clone());
    let mut status = crd.get("status").cloned().unwrap_or_else(Value::object);
    let mut conditions = list(&status, "conditions").to_vec();
    if violations.is_none() {
        conditions.retain(|condition| text(condition, "type") != "NonStructuralSchema");
    }
    for said in said {
        say(&mut conditions, said, now);
    }
    status.force_object().insert("acceptedNames", naming.accepted);
    status.force_object().insert("conditions", conditions);
    status
}

fn established(status: &'static str, reason: &str, message: &str) -> Said {
    ("Established", status, reason.into(), message.into())
}

/// The versions whose objects may be in the store: those before and the storage version.
#[must_use]
pub fn stored_versions(crd: &Value, old: Option<&Value>) -> Vec<String> {
    let before = old.and_then(|old| old.get("status")).map(|status| texts(status, "storedVersions"));
    let mut stored: Vec<String> = before.unwrap_or_default().into_iter().map(str::to_owned).collect();
    let versions = crd.get("spec").map_or(&[][..], |spec| list(spec, "versions"));
    if let Some(storage) = versions.iter().find(|version| flag(version, "storage")) {
        let name = text(storage, "name");
        if !stored.iter().any(|stored| stored == name) {
            stored.push(name.to_owned());
        }
    }
    stored
}

fn non_structural(crd: &Value) -> Option<Said> {
    let spec = crd.get("spec")?;
    let mut errors = Vec::new();
    if flag(spec, "preserveUnknownFields") {
        let at = Path::new("spec.preserveUnknownFields");
        errors.push(Error::invalid(&at, true, "must be false"));
    }
    let versions = Path::new("spec.versions");
    for (index, version) in list(spec, "versions").iter().enumerate() {
        let Some(schema) = version.at(&["schema", "openAPIV3Schema"]) else { continue };
        if let Err(error @ crate::CompileError::Unsupported(_)) = Schema::compile(schema) {
            let name = text(version, "name");
            let message = format!("failed to check validation schema for version {name}: {error}");
            return Some(("NonStructuralSchema", "Unknown", "StructuralError".into(), message));
        }
        errors.extend(structural::violations(schema, &versions.index(index).child("schema.openAPIV3Schema")));
    }
    let message = field::summary(&errors);
    (!errors.is_empty()).then(|| ("NonStructuralSchema", "True", "Violations".into(), message))
}

/// Sets a condition; its time changes with its status only.
fn say(conditions: &mut Vec<Value>, said: Said, now: &str) {
    let (kind, status, reason, message) = said;
    let old = conditions.iter().position(|condition| text(condition, "type") == kind);
    let unchanged = old.map(|at| &conditions[at]).filter(|old| text(old, "status") == status);
    let since = unchanged.map_or(now, |old| text(old, "lastTransitionTime")).to_owned();
    let mut condition = Map::new();
    condition.insert("type", kind);
    condition.insert("status", status);
    condition.insert("reason", reason);
    condition.insert("message", message);
    condition.insert("lastTransitionTime", since);
    match old {
        Some(at) => conditions[at] = condition.into(),
        None => conditions.push(condition.into()),
    }
}

use super::set::Set;
use crate::{Map, Value, go, time::Time};
use std::{
    cmp::Ordering,
    collections::{BTreeMap, HashMap},
};

/// Most managers that have updated; the oldest beyond are one, [`ANCIENT`], for each version.
const UPDATE_MANAGERS_MAX: usize = 10;
/// The manager of what the oldest updates left.
const ANCIENT: &str = "ancient-changes";

/// What a write was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Operation {
    /// A server-side apply.
    Apply,
    /// Any other write.
    Update,
}

impl Operation {
    fn name(self) -> &'static str {
        match self {
            Self::Apply => "Apply",
            Self::Update => "Update",
        }
    }
}

/// Who owns fields. An applier is the same in every version, an updater is not.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ManagerId {
    /// The field manager.
    pub manager: Box<str>,
    /// What it did.
    pub operation: Operation,
    /// The version it used; empty for appliers.
    pub api_version: Box<str>,
    /// The subresource it wrote, or empty.
    pub subresource: Box<str>,
}

/// What a manager owns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The version in which the fields are named.
    pub api_version: Box<str>,
    /// The fields.
    pub fields: Set,
    /// When it last gained some.
    pub time: Option<Time>,
}

/// `metadata.managedFields`: all managers of an object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ManagedFields(pub(super) BTreeMap<ManagerId, Entry>);

impl ManagedFields {
    /// Reads the list of entries; a missing one has none.
    ///
    /// # Errors
    /// An entry that is malformed, in the words of Kubernetes.
    pub fn read(list: Option<&Value>) -> Result<Self, String> {
        let items = list.and_then(Value::as_array).unwrap_or_default();
        let mut managers = BTreeMap::new();
        for (at, item) in items.iter().enumerate() {
            let (id, entry) = read_entry(at, item)?;
            managers.insert(id, entry);
        }
        Ok(Self(managers))
    }

    /// The list of entries: appliers first, each group by time and name. `None` if nobody owns
    /// anything.
    #[must_use]
    pub fn to_value(&self) -> Option<Value> {
        let mut entries: Vec<_> = self.0.iter().collect();
        entries.sort_by(|a, b| order(*a, *b));
        let list: Value = entries.into_iter().map(|(id, entry)| write_entry(id, entry)).collect();
        (!self.0.is_empty()).then_some(list)
    }

    /// Whether nobody owns anything.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Every manager with what it owns.
    pub fn iter(&self) -> impl Iterator<Item = (&ManagerId, &Entry)> {
        self.0.iter()
    }

    /// Takes fields from a manager, and the manager out if it has none left.
    pub(super) fn take_from(&mut self, id: &ManagerId, fields: &Set) {
        if let Some(entry) = self.0.get_mut(id) {
            entry.fields = std::mem::take(&mut entry.fields).difference(fields);
            if entry.fields.is_empty() {
                self.0.remove(id);
            }
        }
    }

    /// Joins the oldest updaters of a version until no more than the maximum are left.
    pub(super) fn cap_updaters(&mut self) {
        let updaters = self.0.iter().filter(|(id, _)| id.operation == Operation::Update);
        let mut updaters: Vec<_> =
            updaters.map(|(id, entry)| (entry.time.map_or(0, Time::unix), id.clone())).collect();
        updaters.sort();
        let mut left = updaters.len();
        let mut first_of_version: HashMap<Box<str>, ManagerId> = HashMap::new();
        for (_, id) in updaters {
            if left <= UPDATE_MANAGERS_MAX {
                return;
            }
            let Some(version) = self.0.get(&id).map(|entry| entry.api_version.clone()) else { continue };
            // The first of a version only moves once there is a second one to join it.
            let Some(first) = first_of_version.get(&version) else {
                first_of_version.insert(version, id);
                continue;
            };
            let bucket = ManagerId {
                manager: ANCIENT.into(),
                operation: Operation::Update,
                api_version: version,
                subresource: "".into(),
            };
            if !self.0.contains_key(&bucket)
                && let Some(oldest) = self.0.remove(first)
            {
                self.0.insert(bucket.clone(), oldest);
            }
            if id == bucket {
                continue;
            }
            if let Some(joined) = self.0.remove(&id)
                && let Some(entry) = self.0.get_mut(&bucket)
            {
                entry.fields = joined.fields.union(std::mem::take(&mut entry.fields));
                entry.time = joined.time;
                left -= 1;
            }
        }
    }
}

/// Whether a request asks to forget who owns what: an empty list, or one empty entry.
pub(super) fn is_reset(list: Option<&Value>) -> bool {
    match list.and_then(Value::as_array) {
        Some([]) => true,
        Some([only]) => only.as_object().is_some_and(Map::is_empty),
        Some(_) | None => false,
    }
}

fn read_entry(at: usize, item: &Value) -> Result<(ManagerId, Entry), String> {
    let text = |name| item.get(name).and_then(Value::as_str).unwrap_or_default();
    let operation = match text("operation") {
        "Apply" => Operation::Apply,
        "Update" => Operation::Update,
        _ => return Err("operation must be `Apply` or `Update`".to_owned()),
    };
    let version = text("apiVersion");
    if version.is_empty() {
        return Err("apiVersion must not be empty".to_owned());
    }
    match text("fieldsType") {
        "FieldsV1" => {}
        "" => return Err(format!("missing fieldsType in managed fields entry {at}")),
        other => return Err(format!("invalid fieldsType {} in managed fields entry {at}", go::quote(other))),
    }
    let fields = Set::from_fields_v1(item.get("fieldsV1").unwrap_or(&Value::Null))
        .map_err(|error| format!("error decoding set: {error}"))?;
    let id = ManagerId {
        manager: text("manager").into(),
        operation,
        api_version: if operation == Operation::Apply { "".into() } else { version.into() },
        subresource: text("subresource").into(),
    };
    Ok((id, Entry { api_version: version.into(), fields, time: Time::parse(text("time")).ok() }))
}

fn write_entry(id: &ManagerId, entry: &Entry) -> Value {
    let mut map = Map::new();
    map.insert("apiVersion", &*entry.api_version);
    map.insert("fieldsType", "FieldsV1");
    map.insert("fieldsV1", entry.fields.to_fields_v1());
    if !id.manager.is_empty() {
        map.insert("manager", &*id.manager);
    }
    map.insert("operation", id.operation.name());
    if !id.subresource.is_empty() {
        map.insert("subresource", &*id.subresource);
    }
    if let Some(time) = entry.time {
        map.insert("time", time.to_string());
    }
    Value::Object(map)
}

fn order((left_id, left): (&ManagerId, &Entry), (right_id, right): (&ManagerId, &Entry)) -> Ordering {
    let seconds = |entry: &Entry| entry.time.map_or(0, Time::unix);
    left_id
        .operation
        .cmp(&right_id.operation)
        .then_with(|| seconds(left).cmp(&seconds(right)))
        .then_with(|| left_id.manager.cmp(&right_id.manager))
        .then_with(|| left.api_version.cmp(&right.api_version))
        .then_with(|| left_id.subresource.cmp(&right_id.subresource))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value;

    fn entry(manager: &str, operation: &str, field: &str) -> Value {
        let mut entry = value!({"apiVersion": "v1", "fieldsType": "FieldsV1", "manager": (manager),
            "operation": (operation), "time": "2026-01-02T03:04:05Z"});
        entry.set_at(&["fieldsV1", &format!("f:{field}")], Value::object());
        entry
    }

    #[test]
    fn entries_are_read_and_written_in_order() {
        let list = Value::Array(vec![
            entry("b", "Update", "x"),
            entry("a", "Update", "y"),
            entry("z", "Apply", "z"),
        ]);
        let managers = ManagedFields::read(Some(&list)).expect("entries");
        let sorted = Value::Array(vec![
            entry("z", "Apply", "z"),
            entry("a", "Update", "y"),
            entry("b", "Update", "x"),
        ]);
        assert_eq!(managers.to_value(), Some(sorted));
        assert_eq!(ManagedFields::default().to_value(), None);
    }

    #[test]
    fn malformed_entries() {
        for (entry, message) in [
            (value!({}), "operation must be `Apply` or `Update`"),
            (value!({"operation": "Apply"}), "apiVersion must not be empty"),
            (
                value!({"operation": "Apply", "apiVersion": "v1"}),
                "missing fieldsType in managed fields entry 0",
            ),
            (
                value!({"operation": "Apply", "apiVersion": "v1", "fieldsType": "X"}),
                "invalid fieldsType \"X\" in managed fields entry 0",
            ),
        ] {
            assert_eq!(ManagedFields::read(Some(&Value::Array(vec![entry]))), Err(message.to_owned()));
        }
    }

    #[test]
    fn the_oldest_updaters_are_joined() {
        let list: Value = (0..13).map(|n| entry(&format!("m{n:02}"), "Update", &format!("f{n}"))).collect();
        let mut managers = ManagedFields::read(Some(&list)).expect("entries");
        managers.cap_updaters();
        assert_eq!(managers.0.len(), UPDATE_MANAGERS_MAX);
        let (ancient, entry) = managers.0.iter().next().expect("an entry");
        assert_eq!((&*ancient.manager, entry.fields.len()), (ANCIENT, 4));
        let before = managers.clone();
        managers.cap_updaters();
        assert_eq!(managers, before);
    }

    #[test]
    fn resets() {
        assert!(is_reset(Some(&value!([]))) && is_reset(Some(&value!([{}]))));
        assert!(!is_reset(None) && !is_reset(Some(&Value::Array(vec![entry("a", "Apply", "x")]))));
    }
}

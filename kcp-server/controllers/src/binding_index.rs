//! Which bindings of this shard use which export: what an export's events wake, without listing bindings.
//!
//! Bindings that look alike (the same reference, the same export found, the same schemas) are one group, so
//! a binding costs two places in a table and an export with 100,000 bindings is a few groups.
//!
//! Every controller that asks has told the index of all that it has seen before ([`BindingIndex::see`]).
//! Controllers see the log at their own pace; what one of them tells late changes nothing.

use crate::kinds;
use kcp_apimachinery::Value;
use kcp_names::{ClusterName, Revision};
use kcp_storage::{Error, Event, Key, ObjectName, Range, Store};
use parking_lot::RwLock;
use std::collections::{BTreeSet, HashMap, VecDeque};

/// Deletions that are remembered, so that what is told late of an object before its end is known as such.
const ENDS: usize = 10_000;

type Place = (ClusterName, ObjectName);

/// The index.
#[derive(Default)]
pub struct BindingIndex(RwLock<State>);

#[derive(Default)]
struct State {
    groups: HashMap<Use, Group>,
    by_number: HashMap<u32, Use>,
    by_export: HashMap<Box<str>, BTreeSet<u32>>,
    known: HashMap<Place, (u32, Revision)>,
    ends: HashMap<Place, Revision>,
    order_of_ends: VecDeque<Place>,
    next: u32,
}

/// What a binding uses.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Use {
    /// The path that it refers to; its own logical cluster if it names none.
    path: Box<str>,
    /// Name of the export.
    export: Box<str>,
    /// Where the export was found.
    found: Box<str>,
    /// Uids of the schemas that are bound.
    schemas: Vec<Box<str>>,
}

struct Group {
    number: u32,
    members: BTreeSet<Place>,
}

impl Use {
    fn of(key: &Key, binding: &Value) -> Self {
        let text = |path: &[&str]| binding.str_at(path).unwrap_or_default();
        let path = Some(text(&["spec", "reference", "export", "path"])).filter(|path| !path.is_empty());
        let bound = binding.at(&["status", "boundResources"]).and_then(Value::as_array).unwrap_or_default();
        Self {
            path: path.unwrap_or(key.cluster.as_str()).into(),
            export: text(&["spec", "reference", "export", "name"]).into(),
            found: text(&["status", "apiExportClusterName"]).into(),
            schemas: schemas(bound).map(Into::into).collect(),
        }
    }

    fn is_of(&self, places: &[&str]) -> bool {
        places.iter().any(|place| *self.path == **place || *self.found == **place)
    }
}

/// Uids of the schemas of bound resources.
pub(crate) fn schemas(bound: &[Value]) -> impl Iterator<Item = &str> {
    bound.iter().filter_map(|entry| entry.str_at(&["schema", "UID"]))
}

impl BindingIndex {
    /// Takes in every binding that is stored.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn load(&self, store: &dyn Store) -> Result<(), Error> {
        let (bindings, mut after) = (Range::everywhere(kinds::api_bindings()), None);
        loop {
            let page = store.range(&bindings, after.as_ref(), 1000, None).await?;
            for (key, record) in &page.items {
                let binding = kcp_apimachinery::value::decode(record.json()).unwrap_or_default();
                self.0.write().put(key, record.modified, &binding);
            }
            after = page.items.into_iter().last().map(|(key, _)| key);
            if !page.more {
                return Ok(());
            }
        }
    }

    /// Takes in an event of a binding.
    pub(crate) fn see(&self, event: &Event, binding: &Value) {
        let mut state = self.0.write();
        if event.record.is_some() {
            state.put(&event.key, event.revision, binding);
        } else {
            state.end(&event.key, event.revision);
        }
    }

    /// The bindings that refer to an export of this name in one of these places (logical cluster, path).
    pub(crate) fn of_export(&self, places: &[&str], name: &str) -> Vec<Key> {
        let state = self.0.read();
        let numbers = state.by_export.get(name).into_iter().flatten();
        let uses =
            numbers.filter_map(|number| state.by_number.get(number)).filter(|using| using.is_of(places));
        uses.filter_map(|using| state.groups.get(using)).flat_map(|group| &group.members).map(key).collect()
    }

    /// The bindings that refer to any export in one of these places.
    pub(crate) fn of_place(&self, places: &[&str]) -> Vec<Key> {
        let state = self.0.read();
        let groups = state.groups.iter().filter(|(using, _)| using.is_of(places));
        groups.flat_map(|(_, group)| &group.members).map(key).collect()
    }

    /// Whether a binding has found this export.
    pub(crate) fn has_found(&self, cluster: &ClusterName, name: &str) -> bool {
        let state = self.0.read();
        let numbers = state.by_export.get(name).into_iter().flatten();
        numbers
            .filter_map(|number| state.by_number.get(number))
            .any(|using| *using.found == *cluster.as_str())
    }

    /// The bindings that serve a schema.
    pub(crate) fn of_schema(&self, uid: &str) -> Vec<Key> {
        let state = self.0.read();
        let groups =
            state.groups.iter().filter(|(using, _)| using.schemas.iter().any(|schema| **schema == *uid));
        groups.flat_map(|(_, group)| &group.members).map(key).collect()
    }
}

fn key((cluster, name): &Place) -> Key {
    Key { resource: kinds::api_bindings(), cluster: cluster.clone(), namespace: None, name: name.clone() }
}

impl State {
    fn put(&mut self, key: &Key, revision: Revision, binding: &Value) {
        let place = (key.cluster.clone(), key.name.clone());
        let late = self.known.get(&place).is_some_and(|(_, known)| *known >= revision)
            || self.ends.get(&place).is_some_and(|end| *end >= revision);
        if late {
            return;
        }
        self.ends.remove(&place);
        let using = Use::of(key, binding);
        if let Some((number, known)) = self.known.get_mut(&place)
            && self.by_number.get(number) == Some(&using)
        {
            *known = revision;
            return;
        }
        self.leave(&place);
        let number = self.join(using, &place);
        self.known.insert(place, (number, revision));
    }

    fn end(&mut self, key: &Key, revision: Revision) {
        let place = (key.cluster.clone(), key.name.clone());
        if self.known.get(&place).is_some_and(|(_, known)| *known > revision) {
            return;
        }
        self.leave(&place);
        if self.ends.insert(place.clone(), revision).is_none() {
            self.order_of_ends.push_back(place);
        }
        if self.order_of_ends.len() > ENDS
            && let Some(oldest) = self.order_of_ends.pop_front()
        {
            self.ends.remove(&oldest);
        }
    }

    fn join(&mut self, using: Use, place: &Place) -> u32 {
        if let Some(group) = self.groups.get_mut(&using) {
            group.members.insert(place.clone());
            return group.number;
        }
        let number = self.next;
        self.next = self.next.wrapping_add(1);
        self.by_number.insert(number, using.clone());
        self.by_export.entry(using.export.clone()).or_default().insert(number);
        self.groups.insert(using, Group { number, members: BTreeSet::from([place.clone()]) });
        number
    }

    fn leave(&mut self, place: &Place) {
        let Some((number, _)) = self.known.remove(place) else { return };
        let Some(using) = self.by_number.get(&number) else { return };
        let Some(group) = self.groups.get_mut(using) else { return };
        group.members.remove(place);
        if !group.members.is_empty() {
            return;
        }
        if let Some(using) = self.by_number.remove(&number) {
            self.groups.remove(&using);
            if let Some(numbers) = self.by_export.get_mut(&using.export) {
                numbers.remove(&number);
                if numbers.is_empty() {
                    self.by_export.remove(&using.export);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::at;
    use kcp_apimachinery::value;
    use kcp_storage::Record;

    fn binding(path: &str, found: &str, schemas: &[&str]) -> Value {
        let bound: Value = schemas.iter().map(|uid| value!({"schema": {"UID": (*uid)}})).collect();
        value!({
            "spec": {"reference": {"export": {"path": (path), "name": "farm"}}},
            "status": {"apiExportClusterName": (found), "boundResources": (bound)},
        })
    }

    fn see(index: &BindingIndex, name: &str, revision: u64, binding: Option<Value>) {
        let revision = Revision(revision);
        let record = |_: &Value| Record { value: bytes::Bytes::new(), created: revision, modified: revision };
        let key = at(kinds::api_bindings(), name);
        let event = Event { revision, key, record: binding.as_ref().map(record), previous: None };
        index.see(&event, &binding.unwrap_or_default());
    }

    fn names(keys: &[Key]) -> Vec<&str> {
        keys.iter().map(|key| key.name.as_str()).collect()
    }

    #[test]
    fn bindings_are_found_by_what_they_use() {
        let index = BindingIndex::default();
        let farm = ClusterName::parse("f4rm").expect("a name");
        see(&index, "a", 1, Some(binding("root:farm", "", &[])));
        see(&index, "b", 2, Some(binding("root:farm", "f4rm", &["u1"])));
        see(&index, "c", 3, Some(binding("", "here", &["u1", "u2"])));
        assert_eq!(names(&index.of_export(&["root:farm"], "farm")), ["a", "b"]);
        assert_eq!(names(&index.of_export(&["f4rm"], "farm")), ["b"]);
        assert_eq!(names(&index.of_export(&["here"], "farm")), ["c"]);
        assert_eq!(names(&index.of_export(&["f4rm"], "other")), [""; 0]);
        assert_eq!(names(&index.of_place(&["here"])), ["c"]);
        assert_eq!(names(&index.of_schema("u2")), ["c"]);
        assert!(index.has_found(&farm, "farm"));
        see(&index, "b", 4, None);
        assert!(!index.has_found(&farm, "farm"));
        assert_eq!(names(&index.of_schema("u1")), ["c"]);
    }

    #[test]
    fn what_is_told_late_changes_nothing() {
        let index = BindingIndex::default();
        see(&index, "a", 5, Some(binding("root:farm", "", &["new"])));
        see(&index, "a", 4, Some(binding("root:farm", "", &["old"])));
        assert_eq!((index.of_schema("new").len(), index.of_schema("old").len()), (1, 0));
        see(&index, "a", 6, None);
        see(&index, "a", 5, Some(binding("root:farm", "", &["new"])));
        assert!(index.of_schema("new").is_empty());
        see(&index, "a", 7, Some(binding("root:farm", "", &["again"])));
        see(&index, "a", 6, None);
        assert_eq!(index.of_schema("again").len(), 1);
    }

    #[test]
    fn nothing_is_left_of_what_is_gone() {
        let index = BindingIndex::default();
        for round in 0..3 {
            see(&index, "a", 10 + round * 2, Some(binding("root:farm", "", &["u"])));
            see(&index, "a", 11 + round * 2, None);
        }
        let state = index.0.read();
        assert!(state.groups.is_empty() && state.by_number.is_empty() && state.by_export.is_empty());
        assert!(state.known.is_empty());
    }
}

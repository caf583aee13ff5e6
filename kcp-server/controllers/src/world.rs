//! A small world for tests: objects by key, plans that are answered from it, and changes made to it the way
//! an API server makes them.

use crate::kinds;
use kcp_apimachinery::{Value, patch, time::Time};
use kcp_names::{ClusterName, Revision};
use kcp_reconcile::{
    Answer, Change, Controller, Fact, Facts, Object, Propagation, Query, Served, Step, Wake, Wakes,
};
use kcp_storage::{Event, Header, Key, ObjectName, Record, ResourceKey};
use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

/// Plans and writes that one object may take.
const ROUNDS: usize = 200;

pub(crate) struct World {
    objects: BTreeMap<Key, Value>,
    born: HashMap<Key, u64>,
    kinds: HashMap<(String, String), Served>,
    refused: BTreeMap<Key, String>,
    revision: u64,
    /// Seconds since 1970.
    pub now: i64,
    /// What was changed, in order: `create configmaps n/a`.
    pub log: Vec<String>,
}

/// The logical cluster that tests happen in.
pub(crate) fn here() -> ClusterName {
    ClusterName::parse("here").expect("a name")
}

/// A key in [`here`]: `name`, or `namespace/name`.
pub(crate) fn at(resource: ResourceKey, place: &str) -> Key {
    in_cluster(&here(), resource, place)
}

pub(crate) fn in_cluster(cluster: &ClusterName, resource: ResourceKey, place: &str) -> Key {
    let name = |text| ObjectName::parse(text).expect("a name");
    let (namespace, object) = match place.split_once('/') {
        Some((namespace, object)) => (Some(name(namespace)), object),
        None => (None, place),
    };
    Key { resource, cluster: cluster.clone(), namespace, name: name(object) }
}

/// `namespace/name`, or the name alone.
fn place(key: &Key) -> String {
    match &key.namespace {
        Some(namespace) => format!("{namespace}/{}", key.name),
        None => key.name.to_string(),
    }
}

impl World {
    pub(crate) fn new() -> Self {
        Self {
            objects: BTreeMap::new(),
            born: HashMap::new(),
            kinds: HashMap::new(),
            refused: BTreeMap::new(),
            revision: 1,
            now: 1_000,
            log: Vec::new(),
        }
    }

    /// Puts an object there, with metadata as if it had been created.
    pub(crate) fn put(&mut self, key: &Key, mut object: Value) {
        self.revision += 1;
        let time = Time::from_unix(self.now).expect("a time").to_string();
        let mut default = |name: &str, value: Value| {
            if object.at(&["metadata", name]).is_none() {
                object.set_at(&["metadata", name], value);
            }
        };
        default("name", key.name.as_str().into());
        default("uid", format!("uid-of-{}", place(key)).into());
        default("creationTimestamp", time.into());
        if let Some(namespace) = &key.namespace {
            default("namespace", namespace.as_str().into());
        }
        object.set_at(&["metadata", "resourceVersion"], self.revision.to_string().into());
        self.born.insert(key.clone(), self.revision);
        self.objects.insert(key.clone(), object);
    }

    pub(crate) fn with(mut self, key: &Key, object: Value) -> Self {
        self.put(key, object);
        self
    }

    /// Serves a kind in every logical cluster.
    pub(crate) fn serve(mut self, group: &str, kind: &str, resource: ResourceKey, namespaced: bool) -> Self {
        self.kinds.insert((group.to_owned(), kind.to_owned()), Served { resource, namespaced });
        self
    }

    /// Every change of this object is refused.
    pub(crate) fn refuse(mut self, key: &Key, why: &str) -> Self {
        self.refused.insert(key.clone(), why.to_owned());
        self
    }

    pub(crate) fn get(&self, key: &Key) -> Option<&Value> {
        self.objects.get(key)
    }

    pub(crate) fn str_at(&self, key: &Key, path: &[&str]) -> Option<&str> {
        self.get(key)?.str_at(path)
    }

    /// Changes an object as somebody else would.
    pub(crate) fn edit(&mut self, key: &Key, change: impl FnOnce(&mut Value)) {
        let mut object = self.objects.get(key).expect("an object").clone();
        change(&mut object);
        self.store(key, object);
    }

    /// Deletes an object as somebody else would.
    pub(crate) fn delete(&mut self, key: &Key) {
        self.remove(key, None);
    }

    pub(crate) fn delete_as(&mut self, key: &Key, propagation: Propagation) {
        self.remove(key, Some(propagation));
    }

    /// Lets a controller work on an object until it is done (`None`) or waits (why).
    pub(crate) fn run(&mut self, controller: &dyn Controller, key: &Key) -> Option<String> {
        let (mut refused, mut cursor) = (Vec::new(), None);
        for _ in 0..ROUNDS {
            let step = self.plan(controller, key, refused.clone(), cursor.clone());
            match step {
                Step::Done => return None,
                Step::Wait(Wake::Change | Wake::After(_), why) => return Some(why),
                Step::Write(changes) => {
                    for change in changes {
                        let text = describe(&change);
                        if let Err(why) = self.apply(change) {
                            self.log.push(format!("{text}: {why}"));
                            return Some(why);
                        }
                        self.log.push(text);
                    }
                    (refused, cursor) = (Vec::new(), None);
                }
                Step::Each(changes) => {
                    refused.clear();
                    for change in changes {
                        let (changed, text) = (change.key().clone(), describe(&change));
                        match self.apply(change) {
                            Ok(()) => self.log.push(text),
                            Err(why) => refused.push((changed, why)),
                        }
                    }
                }
                Step::Walk { changes, upto } => {
                    cursor = Some(upto);
                    for change in changes {
                        let (changed, text) = (change.key().clone(), describe(&change));
                        match self.apply(change) {
                            Ok(()) => self.log.push(text),
                            Err(why) => refused.push((changed, why)),
                        }
                    }
                }
            }
        }
        panic!("the plan of {key} does not come to an end: {:?}", self.log.iter().rev().take(5));
    }

    pub(crate) fn plan(
        &self,
        controller: &dyn Controller,
        key: &Key,
        refused: Vec<(Key, String)>,
        cursor: Option<Key>,
    ) -> Step {
        let mut facts = Facts::new(self.now, 7).after_refusals(refused).behind(cursor);
        for _ in 0..ROUNDS {
            if let Ok(step) = controller.plan(key, &facts) {
                return step;
            }
            for query in facts.take_missing() {
                let answer = self.answer(&query);
                facts.learn(query, answer);
            }
        }
        panic!("the plan of {key} asks without end");
    }

    fn object(&self, key: &Key) -> Fact<Object> {
        self.objects.get(key).map_or(Fact::Absent, |value| {
            let modified = value.str_at(&["metadata", "resourceVersion"]).and_then(|text| text.parse().ok());
            Fact::Is(Object {
                key: key.clone(),
                value: Arc::new(value.clone()),
                created: Revision(self.born.get(key).copied().unwrap_or(1)),
                modified: Revision(modified.unwrap_or(1)),
            })
        })
    }

    fn answer(&self, query: &Query) -> Answer {
        let keys = |wanted: &dyn Fn(&Key) -> bool, limit: usize| {
            Answer::Keys(self.objects.keys().filter(|key| wanted(key)).take(limit).cloned().collect())
        };
        match query {
            Query::Get(key) => Answer::Object(self.object(key)),
            Query::List(range, limit) => {
                let all: Vec<_> = self.objects.keys().filter(|key| range.contains(key)).collect();
                let some = all.iter().take(*limit).filter_map(|key| self.object(key).known()).collect();
                Answer::Objects(some, all.len() > *limit)
            }
            Query::Page(range, after, limit) => {
                let behind = |key: &&Key| after.as_ref().is_none_or(|after| *key > after);
                let all: Vec<_> =
                    self.objects.keys().filter(|key| range.contains(key)).filter(behind).collect();
                let some = all.iter().take(*limit).filter_map(|key| self.object(key).known()).collect();
                Answer::Objects(some, all.len() > *limit)
            }
            Query::Keys(range, limit) => keys(&|key| range.contains(key), *limit),
            Query::Dependents(cluster, uid) => {
                let refers = |key: &Key| {
                    key.cluster == *cluster
                        && self.objects[key].meta().owner_references().any(|owner| owner.uid == *uid)
                };
                keys(&refers, usize::MAX)
            }
            Query::Contents(cluster, after, limit) => {
                let behind = |key: &Key| after.as_ref().is_none_or(|after| key > after);
                keys(&|key| key.cluster == *cluster && behind(key), *limit)
            }
            Query::NamespaceContents(cluster, namespace, limit) => {
                keys(&|key| key.cluster == *cluster && key.namespace.as_ref() == Some(namespace), *limit)
            }
            Query::Path(path) => Answer::Cluster(match path.as_name() {
                Some(name) => Fact::Is(name),
                None => Fact::Absent,
            }),
            Query::Kind(_, group, kind) => Answer::Served(
                self.kinds
                    .get(&(group.clone(), kind.clone()))
                    .map_or(Fact::Absent, |kind| Fact::Is(kind.clone())),
            ),
        }
    }

    fn apply(&mut self, change: Change) -> Result<(), String> {
        if let Some(why) = self.refused.get(change.key()) {
            return Err(why.clone());
        }
        match change {
            Change::Create { key, object } => {
                if self.objects.contains_key(&key) {
                    return Err("already exists".to_owned());
                }
                self.put(&key, object);
            }
            Change::Update { key, object, .. } => {
                self.expect(&key, &object)?;
                self.store(&key, object);
            }
            Change::Patch { key, patch, .. } => {
                let mut object = self.expect(&key, &patch)?;
                patch::merge(&mut object, patch).map_err(|error| error.to_string())?;
                self.store(&key, object);
            }
            Change::Delete { key, uid, resource_version, propagation } => {
                let mut wanted = Value::object();
                uid.into_iter().for_each(|uid| wanted.set_at(&["metadata", "uid"], uid.into()));
                let version = resource_version.into_iter();
                version.for_each(|version| wanted.set_at(&["metadata", "resourceVersion"], version.into()));
                self.expect(&key, &wanted)?;
                self.remove(&key, propagation);
            }
            Change::Erase { key } => _ = self.objects.remove(&key),
        }
        Ok(())
    }

    /// The object, if it is the one that a change means.
    fn expect(&self, key: &Key, wanted: &Value) -> Result<Value, String> {
        let object = self.objects.get(key).ok_or("not found")?;
        for name in ["uid", "resourceVersion"] {
            let path = ["metadata", name];
            if wanted.at(&path).is_some_and(|value| Some(value) != object.at(&path)) {
                return Err(format!("conflict of {name}"));
            }
        }
        Ok(object.clone())
    }

    fn store(&mut self, key: &Key, mut object: Value) {
        self.revision += 1;
        object.set_at(&["metadata", "resourceVersion"], self.revision.to_string().into());
        if object.meta().is_deleting() && !is_held(key, &object) {
            self.objects.remove(key);
        } else {
            self.objects.insert(key.clone(), object);
        }
    }

    fn remove(&mut self, key: &Key, propagation: Option<Propagation>) {
        let mut object = self.objects.get(key).expect("an object").clone();
        if let Some(propagation) = propagation {
            object.meta_mut().remove_finalizer("orphan");
            object.meta_mut().remove_finalizer("foregroundDeletion");
            match propagation {
                Propagation::Background => {}
                Propagation::Foreground => object.meta_mut().add_finalizer("foregroundDeletion"),
                Propagation::Orphan => object.meta_mut().add_finalizer("orphan"),
            }
        }
        if !object.meta().is_deleting() {
            object.meta_mut().set_deletion_timestamp(Time::from_unix(self.now));
        }
        self.store(key, object);
    }
}

fn is_held(key: &Key, object: &Value) -> bool {
    let namespace = key.resource == kinds::core("namespaces");
    object.meta().finalizers().next().is_some()
        || namespace
            && object
                .at(&["spec", "finalizers"])
                .and_then(Value::as_array)
                .is_some_and(|list| !list.is_empty())
}

fn describe(change: &Change) -> String {
    let verb = match change {
        Change::Create { .. } => "create",
        Change::Patch { .. } => "patch",
        Change::Update { .. } => "update",
        Change::Delete { .. } => "delete",
        Change::Erase { .. } => "erase",
    };
    format!("{verb} {} {}", change.key().resource.resource, place(change.key()))
}

/// What an event wakes, in order, as text: `one configmaps n/a`, `dependents uid`, `all configmaps`.
pub(crate) fn wakes(
    controller: &dyn Controller,
    key: &Key,
    before: Option<Value>,
    after: Option<Value>,
) -> Vec<String> {
    let record = |object: Option<Value>| {
        object.map(|mut object| {
            if object.at(&["metadata", "uid"]).is_none() {
                object.set_at(&["metadata", "uid"], format!("uid-of-{}", place(key)).into());
            }
            let value = kcp_registry::codec::seal(&mut object, kcp_registry::codec::Seal::default());
            assert!(Header::read(&value).is_ok());
            Record { value, created: Revision(1), modified: Revision(2) }
        })
    };
    let event =
        Event { revision: Revision(2), key: key.clone(), record: record(after), previous: record(before) };
    let mut wakes = Vec::new();
    if controller.glance(&event, &mut wakes) {
        let shown = event.record.as_ref().or(event.previous.as_ref()).expect("an object");
        let object = kcp_apimachinery::value::decode(shown.json()).expect("JSON");
        controller.wakes(&event, &object, &mut wakes);
    }
    wakes
        .into_iter()
        .map(|wake| match wake {
            Wakes::One(key) => format!("one {} {}", key.resource.resource, place(&key)),
            Wakes::All(range) => format!("all {:?}", range.resources),
            Wakes::Dependents(_, uid) => format!("dependents {uid}"),
        })
        .collect()
}

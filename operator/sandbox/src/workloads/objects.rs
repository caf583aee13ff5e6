//! The objects of one kind, as a watch and our own writes show them.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::Arc,
};

use kube::{Resource, runtime::watcher::Event};

/// Names an object among those of its kind.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Key {
    pub(crate) namespace: String,
    pub(crate) name: String,
}

impl Key {
    pub(crate) fn new(namespace: &str, name: &str) -> Self {
        Self { namespace: namespace.to_owned(), name: name.to_owned() }
    }

    pub(crate) fn of<K: Resource>(object: &K) -> Self {
        let meta = object.meta();
        Self {
            namespace: meta.namespace.clone().unwrap_or_default(),
            name: meta.name.clone().unwrap_or_default(),
        }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

/// Fed by two sources that overtake each other: the watch and the answers to our writes. The newer version of an
/// object wins, by resource version.
#[derive(Debug)]
pub(crate) struct Objects<K> {
    by_key: BTreeMap<Key, Arc<K>>,
    /// What the running listing showed so far; none once it is complete.
    listing: Option<BTreeSet<Key>>,
}

impl<K> Default for Objects<K> {
    fn default() -> Self {
        Self { by_key: BTreeMap::new(), listing: Some(BTreeSet::new()) }
    }
}

impl<K: Resource> Objects<K> {
    /// Takes over what the watch tells.
    pub(crate) fn observe(&mut self, event: Event<K>) {
        match event {
            Event::Init => self.listing = Some(BTreeSet::new()),
            Event::InitApply(object) => {
                if let Some(listing) = &mut self.listing {
                    listing.insert(Key::of(&object));
                }
                self.learn(object);
            }
            Event::InitDone => {
                if let Some(listing) = self.listing.take() {
                    self.by_key.retain(|key, _| listing.contains(key));
                }
            }
            Event::Apply(object) => self.learn(object),
            Event::Delete(object) => self.forget(&object),
        }
    }

    /// Takes over an object unless a newer version is known.
    pub(crate) fn learn(&mut self, object: K) {
        let key = Key::of(&object);
        if self.by_key.get(&key).is_none_or(|known| version(known.as_ref()) <= version(&object)) {
            self.by_key.insert(key, Arc::new(object));
        }
    }

    fn forget(&mut self, object: &K) {
        self.remove(&Key::of(object), object.meta().uid.as_deref().unwrap_or_default());
    }

    /// Drops the object with this name, if it still is this incarnation.
    pub(crate) fn remove(&mut self, key: &Key, uid: &str) {
        if self.find(key).is_some_and(|known| known.meta().uid.as_deref() == Some(uid)) {
            self.by_key.remove(key);
        }
    }

    /// Whether the first (or a repeated) listing is complete.
    pub(crate) fn settled(&self) -> bool {
        self.listing.is_none()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &K> {
        self.by_key.values().map(AsRef::as_ref)
    }

    /// The same, to be kept.
    pub(crate) fn shared(&self) -> impl Iterator<Item = &Arc<K>> {
        self.by_key.values()
    }

    pub(crate) fn find(&self, key: &Key) -> Option<&K> {
        self.by_key.get(key).map(AsRef::as_ref)
    }

    /// Those whose controller has this uid.
    pub(crate) fn controlled_by<'a>(&'a self, owner: &'a str) -> impl Iterator<Item = &'a K> {
        self.iter().filter(move |object| controller(*object) == Some(owner))
    }
}

/// The uid of the object's controller.
pub(crate) fn controller<K: Resource>(object: &K) -> Option<&str> {
    let owners = object.meta().owner_references.as_deref().unwrap_or_default();
    owners.iter().find(|owner| owner.controller == Some(true)).map(|owner| owner.uid.as_str())
}

/// Resource versions are numbers that grow on every server this runs against; anything else counts as oldest.
fn version<K: Resource>(object: &K) -> u64 {
    object.meta().resource_version.as_deref().and_then(|text| text.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::core::v1::ConfigMap;
    use kube::api::ObjectMeta;

    use super::*;

    fn object(name: &str, uid: &str, version: &str) -> ConfigMap {
        ConfigMap {
            metadata: ObjectMeta {
                namespace: Some("ns".into()),
                name: Some(name.into()),
                uid: Some(uid.into()),
                resource_version: Some(version.into()),
                ..ObjectMeta::default()
            },
            ..ConfigMap::default()
        }
    }

    fn check(
        events: Vec<Event<ConfigMap>>,
        written: Option<ConfigMap>,
        late: Vec<Event<ConfigMap>>,
    ) -> String {
        let mut objects = Objects::default();
        events.into_iter().for_each(|event| objects.observe(event));
        if let Some(object) = written {
            objects.learn(object);
        }
        late.into_iter().for_each(|event| objects.observe(event));
        objects.iter().map(|o| format!("{}@{} ", Key::of(o), version(o))).collect()
    }

    #[test]
    fn an_older_event_does_not_undo_our_write() {
        let first = vec![Event::InitApply(object("a", "1", "5")), Event::InitDone];
        assert_eq!(
            check(first, Some(object("a", "1", "9")), vec![Event::Apply(object("a", "1", "7"))]),
            "ns/a@9 "
        );
    }

    #[test]
    fn the_end_of_an_earlier_object_leaves_its_successor() {
        let first = vec![Event::InitApply(object("a", "1", "5")), Event::InitDone];
        assert_eq!(
            check(first, Some(object("a", "2", "9")), vec![Event::Delete(object("a", "1", "8"))]),
            "ns/a@9 "
        );
    }

    #[test]
    fn what_a_new_listing_lacks_is_gone() {
        let first = vec![Event::InitApply(object("a", "1", "5")), Event::InitDone];
        let late = vec![Event::Init, Event::InitApply(object("b", "3", "10")), Event::InitDone];
        assert_eq!(check(first, None, late), "ns/b@10 ");
    }
}

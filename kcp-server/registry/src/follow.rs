//! Observers hear of every change in the order of the log, and before whoever made it is answered.
//!
//! There is one place in the log. A commit moves it on to its own revision before it answers, and the pump does
//! when nobody waits: for changes of other replicas, for objects that expired, and for commits whose client
//! went away before they were durable. So an observer never hears of two changes of a key the wrong way round,
//! and never misses one.

use crate::{Error, Registry};
use kcp_names::Revision;
use kcp_storage::{Events, Key, Missed, Range, Record, Store, Subscription};
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::Mutex;

/// Events and objects that are read at a time.
const PAGE: usize = 1_000;

/// The place in the log that observers have heard up to.
pub(crate) struct Follower {
    live: Mutex<Subscription>,
    told: AtomicU64,
}

impl Follower {
    pub(crate) fn of(store: &dyn Store) -> Self {
        let live = store.subscribe();
        Self { told: AtomicU64::new(live.since.0), live: Mutex::new(live) }
    }

    fn told(&self) -> Revision {
        Revision(self.told.load(Ordering::Acquire))
    }
}

impl Registry {
    /// Lets observers hear of everything up to a revision.
    pub(crate) async fn tell(&self, upto: Revision) {
        if self.follower.told() >= upto {
            return;
        }
        let mut live = self.follower.live.lock().await;
        while self.follower.told() < upto {
            match live.next().await {
                Some(Ok(events)) => self.tell_of(&events),
                Some(Err(Missed)) => self.tell_history().await,
                // The store has closed, and nobody will ask an observer any more.
                None => return,
            }
        }
    }

    /// Too many changes came at once for the queue. Whoever calls this has the place.
    async fn tell_history(&self) {
        let upto = self.store.revision();
        while self.follower.told() < upto {
            match self.store.events(&Range::everything(), self.follower.told(), PAGE).await {
                Ok(page) => {
                    self.tell_of(&page.events.into());
                    self.follower.told.fetch_max(page.upto.0, Ordering::AcqRel);
                }
                Err(error) => {
                    tracing::error!(%error, "changes were lost; what is kept of them is old until the next start");
                    self.follower.told.fetch_max(upto.0, Ordering::AcqRel);
                }
            }
        }
    }

    fn tell_of(&self, events: &Events) {
        let observers = self.observers.read().clone();
        let told = self.follower.told();
        for event in events.iter().filter(|event| event.revision > told) {
            // What is kept of objects is built anew, even if the commit's own guards did not live long enough.
            drop(self.own_changes(&event.key));
            for observer in &observers {
                drop(observer.changing(&event.key));
                observer.changed(&event.key, event.record.as_ref());
            }
            self.follower.told.fetch_max(event.revision.0, Ordering::AcqRel);
        }
    }

    /// Shows every object of a range to somebody who is also an observer, and what has changed meanwhile again,
    /// so that in the end it knows what observers know.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn load(
        &self,
        range: &Range,
        mut tell: impl FnMut(&Key, Option<&Record>) + Send,
    ) -> Result<(), Error> {
        let (mut since, mut after) = (self.store.revision(), None);
        loop {
            let page = self.store.range(range, after.as_ref(), PAGE, None).await?;
            page.items.iter().for_each(|(key, record)| tell(key, Some(record)));
            after = page.items.into_iter().last().map(|(key, _)| key);
            if !page.more {
                break;
            }
        }
        // Nobody hears anything while this catches up.
        let _place = self.follower.live.lock().await;
        let upto = self.follower.told();
        while since < upto {
            let page = self.store.events(range, since, PAGE).await?;
            let events = page.events.iter().filter(|event| event.revision <= upto);
            events.for_each(|event| tell(&event.key, event.record.as_ref()));
            since = page.upto;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Observer, built_in_resources};
    use kcp_names::ClusterName;
    use kcp_storage::{Change, Expect, Header, ObjectName, ResourceKey, Write, memory::MemoryStore};
    use std::sync::Arc;

    /// What was heard: name and revision, or the name alone of what is gone.
    #[derive(Default)]
    struct Heard(parking_lot::Mutex<Vec<String>>);

    impl Observer for Heard {
        fn changed(&self, key: &Key, record: Option<&Record>) {
            let revision = record.map_or(String::new(), |record| format!("@{}", record.modified));
            self.0.lock().push(format!("{}{revision}", key.name));
        }
    }

    fn key(name: &str) -> Key {
        Key {
            resource: ResourceKey::built_in("", "configmaps"),
            cluster: ClusterName::system_admin(),
            namespace: None,
            name: ObjectName::parse(name).expect("a name"),
        }
    }

    async fn write(store: &dyn Store, name: &str, change: Change) {
        let write = Write { key: key(name), expect: Expect::Anything, change, requires: Vec::new() };
        store.commit(vec![write]).await.expect("committed");
    }

    fn put() -> Change {
        Change::Put(Header::default().seal(b"{}"))
    }

    #[tokio::test]
    async fn everything_is_heard_once_in_order_whoever_wrote_it() {
        let store = Arc::new(MemoryStore::default());
        let registry = Registry::new(store.clone(), built_in_resources(false));
        let heard = Arc::new(Heard::default());
        registry.on_change(heard.clone());
        // Somebody else's writes: another replica, or a commit that nobody waits for any more.
        write(&*store, "a", put()).await;
        write(&*store, "b", put()).await;
        write(&*store, "a", Change::Delete).await;
        registry.tell(Revision(4)).await;
        registry.tell(Revision(4)).await;
        write(&*store, "a", put()).await;
        registry.tell(store.revision()).await;
        assert_eq!(*heard.0.lock(), ["a@2", "b@3", "a", "a@5"]);
    }

    #[tokio::test]
    async fn a_loaded_range_is_what_observers_know() {
        let store = Arc::new(MemoryStore::default());
        let registry = Registry::new(store.clone(), built_in_resources(false));
        write(&*store, "a", put()).await;
        write(&*store, "b", put()).await;
        let loaded = Heard::default();
        let everything = Range::everything();
        let load = registry.load(&everything, |key, record| loaded.changed(key, record));
        load.await.expect("loaded");
        assert_eq!(*loaded.0.lock(), ["a@2", "b@3"]);
    }
}

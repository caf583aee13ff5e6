//! Watches: the present as synthetic events if it is asked for, then history, then live events.

use crate::{Error, Registry, Selection, codec};
use kcp_names::Revision;
use kcp_storage::{Event, Events, Key, Range, Record, Store};
use kcp_watch::{Hub, Next, Watcher};
use std::{collections::VecDeque, future::poll_fn, sync::Arc};

/// Events read from history, and objects of the present, at a time.
const PAGE: usize = 500;

/// One thing a watch tells.
#[derive(Clone, Debug)]
pub enum Streamed {
    /// An object that the reader has not seen. The event is there when it was live or from history.
    Added(Key, Record, Option<Arc<Event>>),
    /// An object that changed.
    Modified(Key, Record, Arc<Event>),
    /// An object that is gone or is not selected any more: its last state, at the event's revision.
    Deleted(Key, Record, Arc<Event>),
    /// All objects that there were at the beginning have been told; the revision they show.
    InitialEnd(Revision),
}

/// A watch of one range.
pub struct WatchStream {
    store: Arc<dyn Store>,
    hub: Arc<Hub>,
    watcher: Watcher,
    selection: Box<dyn Selection>,
    initial: VecDeque<(Key, Record)>,
    /// Where the present goes on behind `initial`, if it does.
    rest: Option<Key>,
    initial_end: Option<Revision>,
    history: VecDeque<Arc<Event>>,
}

impl Registry {
    /// Changes of a range after `from`. With `initial`, begins with the objects that there are instead.
    ///
    /// # Errors
    /// `from` is too old or in the future.
    pub async fn watch(
        &self,
        range: Range,
        selection: Box<dyn Selection>,
        from: Option<Revision>,
        initial: bool,
    ) -> Result<WatchStream, Error> {
        let newest = self.store.revision();
        let (position, present) = if initial {
            // The first objects show the revision of them all; the rest is read when they were taken.
            let present = Present::read(&*self.store, &range, &*selection, None, None).await?;
            (present.revision, present)
        } else {
            let from = from.unwrap_or(newest);
            if from > newest {
                return Err(Error::TooLarge { asked: from, newest });
            }
            (from, Present::default())
        };
        let mut stream = WatchStream {
            store: self.store.clone(),
            hub: self.hub.clone(),
            watcher: Watcher::new(range, position),
            selection,
            initial: present.items,
            rest: present.rest,
            initial_end: initial.then_some(position),
            history: VecDeque::new(),
        };
        // A revision that is too old is told at once.
        stream.read_history().await?;
        Ok(stream)
    }

    /// Feeds watchers with the store's live events, when observers have heard of them, until the store closes.
    pub async fn pump(&self) {
        let mut live = self.store.subscribe();
        self.hub.skip(live.since);
        while let Some(next) = live.next().await {
            let newest = |events: &Events| events.last().map_or(Revision(0), |event| event.revision);
            self.tell(next.as_ref().map_or_else(|_missed| self.store.revision(), newest)).await;
            match next {
                Ok(events) => self.hub.dispatch(&events),
                Err(_missed) => self.hub.skip(self.store.revision()),
            }
        }
    }
}

impl WatchStream {
    /// The next thing to tell. Waits until there is one.
    ///
    /// # Errors
    /// History does not reach back to where this reader is.
    pub async fn next(&mut self) -> Result<Streamed, Error> {
        loop {
            if let Some((key, record)) = self.initial.pop_front() {
                return Ok(Streamed::Added(key, record, None));
            }
            if let Some(rest) = self.rest.clone() {
                // Nothing is lost if this is dropped half way: what it changes, it changes at its end.
                self.read_present(&rest).await?;
                continue;
            }
            if let Some(revision) = self.initial_end.take() {
                return Ok(Streamed::InitialEnd(revision));
            }
            let event = match self.history.pop_front() {
                Some(event) => event,
                None => match poll_fn(|context| self.watcher.poll(context.waker())).await {
                    Next::Event(event) => event,
                    Next::Detached => {
                        self.read_history().await?;
                        continue;
                    }
                },
            };
            if let Some(told) = self.tell(event)? {
                return Ok(told);
            }
        }
    }

    /// A revision from which a new watch would miss nothing that this one has not told.
    pub fn progress(&mut self) -> Option<Revision> {
        let idle = self.initial.is_empty()
            && self.rest.is_none()
            && self.initial_end.is_none()
            && self.history.is_empty();
        idle.then(|| self.watcher.progress(&self.hub))
    }

    /// Reads one more page of the present, as it was when the watch began.
    async fn read_present(&mut self, after: &Key) -> Result<(), Error> {
        let (range, at) = (self.watcher.range(), self.initial_end);
        let present = Present::read(&*self.store, range, &*self.selection, Some(after), at).await?;
        self.initial = present.items;
        self.rest = present.rest;
        Ok(())
    }

    /// Reads one page of history, and goes live when that was the last.
    async fn read_history(&mut self) -> Result<(), Error> {
        if self.hub.attach(&mut self.watcher) {
            return Ok(());
        }
        let page =
            self.store.events(self.watcher.range(), self.watcher.position(), PAGE).await.map_err(expired)?;
        self.watcher.advance(page.upto);
        self.history.extend(page.events);
        Ok(())
    }

    /// What an event means to this reader. An object that enters or leaves the selection appears or goes.
    fn tell(&self, event: Arc<Event>) -> Result<Option<Streamed>, Error> {
        let everything = self.selection.is_everything();
        let wanted = |record: &Option<Record>| -> Result<bool, Error> {
            match record {
                None => Ok(false),
                Some(_) if everything => Ok(true),
                Some(record) => Ok(self.selection.selects(&codec::open(&event.key, record)?)),
            }
        };
        let (before, after) = (wanted(&event.previous)?, wanted(&event.record)?);
        let key = event.key.clone();
        Ok(match (before, after, &event.record, &event.previous) {
            (false, true, Some(record), _) => Some(Streamed::Added(key, record.clone(), Some(event))),
            (true, true, Some(record), _) => Some(Streamed::Modified(key, record.clone(), event)),
            (true, false, record, Some(previous)) => {
                // The last state, as of the revision at which it went.
                let last = record.as_ref().unwrap_or(previous);
                let gone = Record { modified: event.revision, ..last.clone() };
                Some(Streamed::Deleted(key, gone, event))
            }
            _ => None,
        })
    }
}

/// A part of what there is.
#[derive(Default)]
struct Present {
    items: VecDeque<(Key, Record)>,
    /// Where it goes on, if it does.
    rest: Option<Key>,
    revision: Revision,
}

impl Present {
    async fn read(
        store: &dyn Store,
        range: &Range,
        selection: &dyn Selection,
        after: Option<&Key>,
        at: Option<Revision>,
    ) -> Result<Self, Error> {
        let page = store.range(range, after, PAGE, at).await.map_err(expired)?;
        let rest = page.items.last().filter(|_| page.more).map(|(key, _)| key.clone());
        let mut items = VecDeque::with_capacity(page.items.len());
        for (key, record) in page.items {
            if selection.is_everything() || selection.selects(&codec::open(&key, &record)?) {
                items.push_back((key, record));
            }
        }
        Ok(Self { items, rest, revision: page.revision })
    }
}

fn expired(error: kcp_storage::Error) -> Error {
    if let kcp_storage::Error::Compacted { oldest } = error {
        return Error::Expired(format!("too old resource version, the oldest is {oldest}"));
    }
    error.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::built_in_resources;
    use kcp_apimachinery::Value;
    use kcp_names::ClusterName;
    use kcp_storage::{
        Change, Expect, Header, ObjectName, ResourceKey, Write, clock::SystemClock, hub::Capacity,
        memory::MemoryStore,
    };

    struct Everything;

    impl Selection for Everything {
        fn is_everything(&self) -> bool {
            true
        }

        fn selects(&self, _: &Value) -> bool {
            true
        }
    }

    fn write(number: usize, change: Change) -> Write {
        let key = Key {
            resource: ResourceKey::custom("example.io", "widgets"),
            cluster: ClusterName::root(),
            namespace: None,
            name: ObjectName::parse(&format!("w{number:05}")).expect("a name"),
        };
        Write { key, expect: Expect::Anything, change, requires: Vec::new() }
    }

    fn put(number: usize) -> Write {
        write(number, Change::Put(Header::default().seal(b"{}")))
    }

    #[tokio::test]
    async fn a_long_present_is_read_in_pages_and_is_of_one_revision() {
        let count = 2 * PAGE + 7;
        let store = Arc::new(MemoryStore::new(Arc::new(SystemClock), Capacity::default()));
        store.commit((0..count).map(put).collect()).await.expect("commits");
        let registry = Registry::new(store.clone(), built_in_resources(false));
        let pump = Arc::clone(&registry);
        tokio::spawn(async move { pump.pump().await });
        let range = Range::everywhere(ResourceKey::custom("example.io", "widgets"));
        let then = store.revision();
        let mut watch = registry.watch(range, Box::new(Everything), None, true).await.expect("begins");
        assert!(watch.initial.len() <= PAGE, "no more is held than is read at a time");
        // While it is told, the last ones go and others come.
        let gone = (count - 3..count).map(|number| write(number, Change::Delete));
        store.commit(gone.chain([put(count)]).collect()).await.expect("commits");
        for number in 0..count {
            assert_eq!(watch.progress(), None);
            let told = watch.next().await.expect("tells");
            let Streamed::Added(key, record, None) = told else { panic!("{number}: {told:?}") };
            assert_eq!(key.name.as_str(), format!("w{number:05}"));
            assert!(record.modified <= then);
        }
        assert!(matches!(watch.next().await, Ok(Streamed::InitialEnd(revision)) if revision == then));
        for number in count - 3..count {
            let told = watch.next().await.expect("tells");
            assert!(
                matches!(&told, Streamed::Deleted(key, ..) if key.name.as_str() == format!("w{number:05}")),
                "{told:?}"
            );
        }
        assert!(matches!(watch.next().await, Ok(Streamed::Added(_, _, Some(_)))));
    }
}

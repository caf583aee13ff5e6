//! Fan-out of stored events to watchers, as a state machine without I/O.
//!
//! One pump feeds the [`Hub`] the store's live events in order. A [`Watcher`] has a queue of its own,
//! bounded in events and in bytes; nobody waits for it. It begins *detached*, reads history from the
//! store up to where the hub is, and then [`Hub::attach`]es. When its queue overflows it is detached
//! again and goes back to history: a slow reader costs itself, and loses nothing as long as history
//! reaches back. A watcher that is dropped leaves nothing behind.

use kcp_names::{ClusterName, Revision};
use kcp_storage::{Event, Events, Range, Resources, Scope};
use parking_lot::Mutex;
use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    sync::Arc,
    task::{Poll, Waker},
};

/// Events a watcher may be behind before it has to go back to history.
pub const QUEUE: usize = 256;
/// Bytes of the objects in them. One event is queued however large it is.
pub const QUEUE_BYTES: usize = 1 << 20;

/// Where live events go out from.
#[derive(Default)]
pub struct Hub(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    /// All events up to here have been handed to the watchers that were attached.
    dispatched: Revision,
    kinds: HashMap<Resources, Listeners>,
    next: u64,
}

/// The attached watchers of one kind.
#[derive(Default)]
struct Listeners {
    everywhere: Queues,
    clusters: HashMap<ClusterName, Queues>,
}

/// Queues by the number of their seat.
#[derive(Default)]
struct Queues(BTreeMap<u64, Arc<Queue>>);

/// One reader's place in the stream.
pub struct Watcher {
    range: Range,
    position: Revision,
    seat: Option<Seat>,
}

/// An attached watcher's hold on its queue. Dropping it takes the queue out of the hub.
struct Seat {
    hub: Arc<Mutex<State>>,
    number: u64,
    queue: Arc<Queue>,
}

struct Queue {
    range: Range,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    events: VecDeque<Arc<Event>>,
    bytes: usize,
    overflowed: bool,
    waker: Option<Waker>,
}

/// What a watcher has for its reader.
#[derive(Debug)]
pub enum Next {
    /// The next event of the range.
    Event(Arc<Event>),
    /// Not attached (any more): read history behind [`Watcher::position`].
    Detached,
}

impl Hub {
    /// A hub that begins behind `since`.
    #[must_use]
    pub fn new(since: Revision) -> Self {
        Self(Arc::new(Mutex::new(State { dispatched: since, ..State::default() })))
    }

    /// Hands events to every watcher whose range they are in.
    pub fn dispatch(&self, events: &Events) {
        let mut state = self.0.lock();
        for event in events.iter() {
            state.send(event);
        }
        if let Some(last) = events.last() {
            state.dispatched = last.revision;
        }
    }

    /// Events up to `upto` never came by here. Every watcher goes back to history.
    pub fn skip(&self, upto: Revision) {
        let mut state = self.0.lock();
        for (_, listeners) in state.kinds.drain() {
            let clusters = listeners.clusters.into_values();
            for queues in std::iter::once(listeners.everywhere).chain(clusters) {
                queues.0.values().for_each(|queue| queue.overflow());
            }
        }
        state.dispatched = state.dispatched.max(upto);
    }

    /// The revision up to which events have been handed out.
    #[must_use]
    pub fn dispatched(&self) -> Revision {
        self.0.lock().dispatched
    }

    /// Puts a detached watcher on live events, if it has read history far enough.
    pub fn attach(&self, watcher: &mut Watcher) -> bool {
        let mut state = self.0.lock();
        if watcher.position < state.dispatched {
            return false;
        }
        let number = state.next;
        state.next += 1;
        let queue = Arc::new(Queue { range: watcher.range.clone(), inner: Mutex::default() });
        let listeners = state.kinds.entry(watcher.range.resources.clone()).or_default();
        let queues = match cluster(&watcher.range) {
            None => &mut listeners.everywhere,
            Some(cluster) => listeners.clusters.entry(cluster.clone()).or_default(),
        };
        queues.0.insert(number, Arc::clone(&queue));
        drop(state);
        watcher.seat = Some(Seat { hub: Arc::clone(&self.0), number, queue });
        true
    }
}

/// The logical cluster that a range is in; `None`: all of them.
fn cluster(range: &Range) -> Option<&ClusterName> {
    match &range.scope {
        Scope::Everywhere => None,
        Scope::Cluster(cluster) | Scope::Namespace(cluster, _) | Scope::Object(cluster, _, _) => {
            Some(cluster)
        }
    }
}

impl State {
    fn send(&mut self, event: &Arc<Event>) {
        let one = Resources::One(event.key.resource.clone());
        let every = Resources::EveryIdentity {
            group: event.key.resource.group.clone(),
            resource: event.key.resource.resource.clone(),
        };
        for kind in [one, every] {
            let Some(listeners) = self.kinds.get_mut(&kind) else { continue };
            listeners.everywhere.deliver(event);
            if let Some(queues) = listeners.clusters.get_mut(&event.key.cluster) {
                queues.deliver(event);
            }
            self.tidy(&kind, Some(&event.key.cluster));
        }
    }

    /// Takes a queue out.
    fn remove(&mut self, number: u64, range: &Range) {
        let Some(listeners) = self.kinds.get_mut(&range.resources) else { return };
        let cluster = cluster(range);
        let queues = match cluster {
            None => Some(&mut listeners.everywhere),
            Some(cluster) => listeners.clusters.get_mut(cluster),
        };
        if let Some(queues) = queues {
            queues.0.remove(&number);
        }
        self.tidy(&range.resources, cluster);
    }

    /// Keeps no room for nobody.
    fn tidy(&mut self, kind: &Resources, cluster: Option<&ClusterName>) {
        let Some(listeners) = self.kinds.get_mut(kind) else { return };
        if let Some(cluster) = cluster
            && listeners.clusters.get(cluster).is_some_and(|queues| queues.0.is_empty())
        {
            listeners.clusters.remove(cluster);
        }
        if listeners.everywhere.0.is_empty() && listeners.clusters.is_empty() {
            self.kinds.remove(kind);
        }
    }
}

impl Queues {
    /// Queues an event with all who want it; those that overflow are out.
    fn deliver(&mut self, event: &Arc<Event>) {
        self.0.retain(|_, queue| !queue.range.contains(&event.key) || queue.push(event));
    }
}

impl Queue {
    /// `false` when the queue has overflowed and takes no more.
    fn push(&self, event: &Arc<Event>) -> bool {
        let mut inner = self.inner.lock();
        let bytes = event.bytes();
        let full = inner.events.len() >= QUEUE || inner.bytes + bytes > QUEUE_BYTES;
        if inner.overflowed || (full && !inner.events.is_empty()) {
            drop(inner);
            self.overflow();
            return false;
        }
        inner.events.push_back(event.clone());
        inner.bytes += bytes;
        let waker = inner.waker.take();
        drop(inner);
        if let Some(waker) = waker {
            waker.wake();
        }
        true
    }

    fn overflow(&self) {
        let mut inner = self.inner.lock();
        inner.overflowed = true;
        // What is queued goes too: history has it, and memory is what ran out.
        inner.events = VecDeque::new();
        inner.bytes = 0;
        if let Some(waker) = inner.waker.take() {
            waker.wake();
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.hub.lock().remove(self.number, &self.queue.range);
    }
}

impl Watcher {
    /// A detached watcher of `range` that has seen everything up to `position`.
    #[must_use]
    pub fn new(range: Range, position: Revision) -> Self {
        Self { range, position, seat: None }
    }

    /// The range it watches.
    #[must_use]
    pub fn range(&self) -> &Range {
        &self.range
    }

    /// Everything up to here has been seen.
    #[must_use]
    pub fn position(&self) -> Revision {
        self.position
    }

    /// Notes that everything up to `revision` has been seen, from history.
    pub fn advance(&mut self, revision: Revision) {
        self.position = self.position.max(revision);
    }

    /// The next event, or word that there is history to read.
    pub fn poll(&mut self, waker: &Waker) -> Poll<Next> {
        loop {
            let Some(seat) = &self.seat else { return Poll::Ready(Next::Detached) };
            let mut inner = seat.queue.inner.lock();
            if inner.overflowed {
                drop(inner);
                self.seat = None;
                return Poll::Ready(Next::Detached);
            }
            let Some(event) = inner.events.pop_front() else {
                inner.waker = Some(waker.clone());
                return Poll::Pending;
            };
            inner.bytes -= event.bytes();
            drop(inner);
            // History may have reached beyond what was queued meanwhile.
            if event.revision > self.position {
                self.position = event.revision;
                return Poll::Ready(Next::Event(event));
            }
        }
    }

    /// How far the stream has come when nothing is queued: a revision that is safe to resume from.
    pub fn progress(&mut self, hub: &Hub) -> Revision {
        let dispatched = hub.dispatched();
        if let Some(seat) = &self.seat {
            let inner = seat.queue.inner.lock();
            if inner.events.is_empty() && !inner.overflowed {
                self.position = self.position.max(dispatched);
            }
        }
        self.position
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kcp_storage::{Key, ObjectName, ResourceKey};

    fn event(revision: u64, cluster: &str, name: &str) -> Events {
        let key = Key {
            resource: ResourceKey::built_in("", "configmaps"),
            cluster: ClusterName::parse(cluster).expect("a name"),
            namespace: None,
            name: ObjectName::parse(name).expect("a name"),
        };
        Arc::new([Arc::new(Event { revision: Revision(revision), key, record: None, previous: None })])
    }

    fn sized(revision: u64, cluster: &str, bytes: usize) -> Events {
        let mut event = Event::clone(&event(revision, cluster, "a")[0]);
        let value = vec![0; bytes].into();
        event.record = Some(kcp_storage::Record { value, created: event.revision, modified: event.revision });
        Arc::new([Arc::new(event)])
    }

    fn watcher(cluster: Option<&str>) -> Watcher {
        let kind = ResourceKey::built_in("", "configmaps");
        let range = match cluster {
            Some(name) => Range::cluster(kind, ClusterName::parse(name).expect("a name")),
            None => Range::everywhere(kind),
        };
        Watcher::new(range, Revision(0))
    }

    fn seen(watcher: &mut Watcher) -> Vec<u64> {
        let mut revisions = Vec::new();
        while let Poll::Ready(Next::Event(event)) = watcher.poll(Waker::noop()) {
            revisions.push(event.revision.0);
        }
        revisions
    }

    #[test]
    fn a_watch_sees_its_own_cluster_only() {
        let hub = Hub::new(Revision(0));
        let (mut red, mut all) = (watcher(Some("red")), watcher(None));
        assert!(hub.attach(&mut red) && hub.attach(&mut all));
        hub.dispatch(&event(1, "red", "a"));
        hub.dispatch(&event(2, "blue", "a"));
        assert_eq!(seen(&mut red), [1]);
        assert_eq!(seen(&mut all), [1, 2]);
        assert_eq!(red.progress(&hub), Revision(2));
    }

    #[test]
    fn nobody_attaches_behind_the_stream() {
        let hub = Hub::new(Revision(5));
        let mut late = watcher(None);
        assert!(!hub.attach(&mut late));
        late.advance(Revision(7));
        assert!(hub.attach(&mut late));
        hub.dispatch(&event(6, "red", "a"));
        hub.dispatch(&event(8, "red", "a"));
        assert_eq!(seen(&mut late), [8], "history had shown it 6 and 7");
    }

    #[test]
    fn a_slow_reader_goes_back_to_history() {
        let hub = Hub::new(Revision(0));
        let mut slow = watcher(None);
        assert!(hub.attach(&mut slow));
        for revision in 1..=QUEUE as u64 + 1 {
            hub.dispatch(&event(revision, "red", "a"));
        }
        assert!(matches!(slow.poll(Waker::noop()), Poll::Ready(Next::Detached)));
        assert_eq!(slow.position(), Revision(0));
        assert!(hub.0.lock().kinds.is_empty(), "nothing of it is kept");
    }

    #[test]
    fn large_objects_fill_a_queue_sooner() {
        let hub = Hub::new(Revision(0));
        let (mut slow, mut small) = (watcher(None), watcher(Some("blue")));
        assert!(hub.attach(&mut slow) && hub.attach(&mut small));
        let large = |revision| sized(revision, "red", QUEUE_BYTES * 2 / 5);
        hub.dispatch(&large(1));
        hub.dispatch(&large(2));
        assert_eq!(seen(&mut slow), [1, 2]);
        hub.dispatch(&sized(3, "red", QUEUE_BYTES * 3));
        assert_eq!(seen(&mut slow), [3], "one is queued however large it is");
        (4..7).for_each(|revision| hub.dispatch(&large(revision)));
        assert!(matches!(slow.poll(Waker::noop()), Poll::Ready(Next::Detached)));
        hub.dispatch(&event(7, "blue", "a"));
        assert_eq!(seen(&mut small), [7], "nobody else has noticed");
    }

    #[test]
    fn a_watcher_that_goes_leaves_nothing() {
        let hub = Hub::new(Revision(0));
        for round in 0..10 {
            for cluster in [None, Some("red"), Some("blue")] {
                let mut watcher = watcher(cluster);
                assert!(hub.attach(&mut watcher));
                // Attached anew, as after history was read: the first seat is given back.
                assert!(hub.attach(&mut watcher));
                assert_eq!(hub.0.lock().kinds.len(), 1, "round {round}");
            }
        }
        assert!(hub.0.lock().kinds.is_empty());
        let (mut stays, mut goes) = (watcher(Some("red")), watcher(Some("red")));
        assert!(hub.attach(&mut stays) && hub.attach(&mut goes));
        drop(goes);
        hub.dispatch(&event(1, "red", "a"));
        assert_eq!(seen(&mut stays), [1]);
    }

    #[test]
    fn a_gap_sends_everybody_back() {
        let hub = Hub::new(Revision(0));
        let mut one = watcher(Some("red"));
        assert!(hub.attach(&mut one));
        hub.skip(Revision(9));
        assert!(matches!(one.poll(Waker::noop()), Poll::Ready(Next::Detached)));
        assert!(!hub.attach(&mut one));
    }
}

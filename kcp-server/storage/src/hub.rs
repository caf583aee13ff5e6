//! The bounded queue between a store and those who listen to it.
//!
//! There is one ring of committed batches, and each subscriber has a place in it. What all have taken
//! is forgotten at once, so an idle ring is empty. A ring that is full drops its oldest batch; whoever
//! had not taken it yet finds its place gone and is told [`Missed`]. Writers never wait.

use crate::{Event, Events, Missed, Subscription};
use kcp_names::Revision;
use parking_lot::Mutex;
use std::{
    collections::{BTreeMap, VecDeque},
    future::poll_fn,
    sync::Arc,
    task::{Context, Poll, Waker},
};

/// How much a ring holds for its slowest subscriber.
#[derive(Clone, Copy, Debug)]
pub struct Capacity {
    /// Batches.
    pub batches: usize,
    /// Bytes of the objects in them.
    pub bytes: usize,
}

impl Default for Capacity {
    fn default() -> Self {
        Self { batches: 1024, bytes: 32 << 20 }
    }
}

/// Hands committed batches to all subscribers.
#[derive(Clone)]
pub struct Hub(Arc<Mutex<Ring>>);

struct Ring {
    capacity: Capacity,
    /// Revision of the last event that was published.
    revision: Revision,
    batches: VecDeque<Events>,
    bytes: usize,
    /// Place of the first batch, counted from the hub's beginning.
    first: u64,
    seats: BTreeMap<u64, Seat>,
    next_seat: u64,
    closed: bool,
}

struct Seat {
    /// Place of the batch it takes next.
    place: u64,
    waker: Option<Waker>,
}

impl Hub {
    /// A hub of a store that is at `revision`.
    #[must_use]
    pub fn new(revision: Revision, capacity: Capacity) -> Self {
        Self(Arc::new(Mutex::new(Ring {
            capacity,
            revision,
            batches: VecDeque::new(),
            bytes: 0,
            first: 0,
            seats: BTreeMap::new(),
            next_seat: 0,
            closed: false,
        })))
    }

    /// Revision of the newest event.
    #[must_use]
    pub fn revision(&self) -> Revision {
        self.0.lock().revision
    }

    /// Gives a commit's events to all who listen. The store calls it in the order of revisions, after
    /// readers can see the change and before the writer is answered.
    pub fn publish(&self, events: Events) {
        let Some(last) = events.last() else { return };
        let mut ring = self.0.lock();
        ring.revision = last.revision;
        if ring.seats.is_empty() {
            return;
        }
        ring.bytes += size(&events);
        ring.batches.push_back(events);
        // The newest batch always stays, however large it is.
        while ring.batches.len() > 1
            && (ring.batches.len() > ring.capacity.batches || ring.bytes > ring.capacity.bytes)
        {
            ring.drop_first();
        }
        let wakers = ring.wakers();
        drop(ring);
        wakers.into_iter().for_each(Waker::wake);
    }

    /// Listens from now on.
    #[must_use]
    pub fn subscribe(&self) -> Subscription {
        let mut ring = self.0.lock();
        let number = ring.next_seat;
        ring.next_seat += 1;
        let place = ring.end();
        ring.seats.insert(number, Seat { place, waker: None });
        let since = ring.revision;
        drop(ring);
        let ticket = Arc::new(Ticket { hub: self.clone(), number });
        Subscription::new(since, move || {
            let ticket = Arc::clone(&ticket);
            Box::pin(poll_fn(move |cx| ticket.poll(cx)))
        })
    }

    /// Ends all subscriptions, once they have taken what is there.
    pub fn close(&self) {
        let mut ring = self.0.lock();
        ring.closed = true;
        let wakers = ring.wakers();
        drop(ring);
        wakers.into_iter().for_each(Waker::wake);
    }
}

/// One subscriber's hold on its seat.
struct Ticket {
    hub: Hub,
    number: u64,
}

impl Ticket {
    fn poll(&self, cx: &Context<'_>) -> Poll<Option<Result<Events, Missed>>> {
        let mut ring = self.hub.0.lock();
        let (first, end, closed) = (ring.first, ring.end(), ring.closed);
        let Some(seat) = ring.seats.get_mut(&self.number) else { return Poll::Ready(None) };
        if seat.place < first {
            // It reads history up to now anyway, and begins again with an empty queue.
            seat.place = end;
            ring.forget();
            return Poll::Ready(Some(Err(Missed)));
        }
        if seat.place == end {
            if closed {
                return Poll::Ready(None);
            }
            seat.waker = Some(cx.waker().clone());
            return Poll::Pending;
        }
        let place = seat.place;
        seat.place += 1;
        let events = usize::try_from(place - first).ok().and_then(|at| ring.batches.get(at).cloned());
        ring.forget();
        Poll::Ready(events.map(Ok))
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let mut ring = self.hub.0.lock();
        ring.seats.remove(&self.number);
        ring.forget();
    }
}

impl Ring {
    fn end(&self) -> u64 {
        self.first + self.batches.len() as u64
    }

    /// Drops what nobody waits for.
    fn forget(&mut self) {
        let wanted = self.seats.values().map(|seat| seat.place).min().unwrap_or_else(|| self.end());
        while self.first < wanted && !self.batches.is_empty() {
            self.drop_first();
        }
    }

    fn drop_first(&mut self) {
        if let Some(events) = self.batches.pop_front() {
            self.bytes -= size(&events);
            self.first += 1;
        }
    }

    fn wakers(&mut self) -> Vec<Waker> {
        self.seats.values_mut().filter_map(|seat| seat.waker.take()).collect()
    }
}

/// Bytes of the objects that a batch keeps alive.
fn size(events: &[Arc<Event>]) -> usize {
    events.iter().map(|event| event.bytes()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Key, ObjectName, ResourceKey};
    use kcp_names::ClusterName;

    fn batch(revision: u64) -> Events {
        let key = Key {
            resource: ResourceKey::built_in("", "configmaps"),
            cluster: ClusterName::root(),
            namespace: None,
            name: ObjectName::parse("a").expect("a name"),
        };
        [Arc::new(Event { revision: Revision(revision), key, record: None, previous: None })].into()
    }

    async fn take(subscription: &mut Subscription) -> Option<Result<u64, Missed>> {
        subscription.next().await.map(|events| events.map(|events| events[0].revision.0))
    }

    #[tokio::test]
    async fn all_subscribers_get_all_batches() {
        let hub = Hub::new(Revision(4), Capacity::default());
        hub.publish(batch(5));
        let (mut one, mut two) = (hub.subscribe(), hub.subscribe());
        assert_eq!(one.since, Revision(5));
        hub.publish(batch(6));
        assert_eq!(take(&mut one).await, Some(Ok(6)));
        assert_eq!(take(&mut two).await, Some(Ok(6)));
        assert!(hub.0.lock().batches.is_empty(), "what all have taken is forgotten");
        hub.close();
        assert_eq!(take(&mut one).await, None);
    }

    #[tokio::test]
    async fn a_slow_subscriber_is_told_that_it_missed_some() {
        let hub = Hub::new(Revision(1), Capacity { batches: 2, bytes: 1 << 20 });
        let (mut slow, mut fast) = (hub.subscribe(), hub.subscribe());
        for revision in 2..6 {
            hub.publish(batch(revision));
            assert_eq!(take(&mut fast).await, Some(Ok(revision)));
        }
        assert_eq!(take(&mut slow).await, Some(Err(Missed)));
        assert!(hub.0.lock().batches.is_empty(), "it reads those from history");
        hub.publish(batch(6));
        assert_eq!(take(&mut slow).await, Some(Ok(6)));
    }

    #[tokio::test]
    async fn a_subscriber_that_leaves_holds_nothing() {
        let hub = Hub::new(Revision(1), Capacity::default());
        let subscription = hub.subscribe();
        hub.publish(batch(2));
        drop(subscription);
        assert!(hub.0.lock().batches.is_empty());
    }

    #[tokio::test]
    async fn a_waiting_subscriber_is_woken() {
        let hub = Hub::new(Revision(1), Capacity::default());
        let mut subscription = hub.subscribe();
        let waiting = tokio::spawn(async move { take(&mut subscription).await });
        tokio::task::yield_now().await;
        hub.publish(batch(2));
        assert_eq!(waiting.await.expect("joins"), Some(Ok(2)));
    }
}

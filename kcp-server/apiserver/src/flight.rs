//! How many requests are worked on at a time, fairly between logical clusters.
//!
//! There are so many places. A request takes one, or waits in a bounded queue. The queue is not one
//! line: each logical cluster that waits has its own short one, and places go round the clusters, so a
//! tenant who floods the server waits behind itself. Watches and other long requests hold no place.

use kcp_names::ClusterName;
use parking_lot::Mutex;
use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};
use tokio::sync::oneshot;

/// Places, and what may wait for them.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Requests worked on at a time.
    pub places: usize,
    /// Requests of one logical cluster that wait.
    pub per_cluster: usize,
    /// Requests that wait in all.
    pub waiting: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { places: 600, per_cluster: 300, waiting: 5000 }
    }
}

/// Hands out places.
pub struct Flight {
    limits: Limits,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    taken: usize,
    waiting: usize,
    /// Clusters that wait, in the order in which they get their turn.
    turns: VecDeque<Option<ClusterName>>,
    lines: HashMap<Option<ClusterName>, VecDeque<oneshot::Sender<Place>>>,
}

/// One place. Given back when dropped.
pub struct Place(Option<Arc<Mutex<State>>>);

impl std::fmt::Debug for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Place")
    }
}

/// Too much waits already.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many requests, please try again later")]
pub struct Full;

impl Flight {
    /// A hand-out of places under limits.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self { limits, state: Arc::default() }
    }

    /// A place for a request in `cluster`. Waits for its turn.
    ///
    /// # Errors
    /// The lines are full.
    pub async fn enter(&self, cluster: Option<ClusterName>) -> Result<Place, Full> {
        let turn = {
            let mut state = self.state.lock();
            if state.taken < self.limits.places && state.waiting == 0 {
                state.taken += 1;
                return Ok(Place(Some(self.state.clone())));
            }
            if state.waiting >= self.limits.waiting {
                return Err(Full);
            }
            let line = state.lines.entry(cluster.clone()).or_default();
            if line.len() >= self.limits.per_cluster {
                return Err(Full);
            }
            let (sender, receiver) = oneshot::channel();
            let first = line.is_empty();
            line.push_back(sender);
            state.waiting += 1;
            if first {
                state.turns.push_back(cluster);
            }
            receiver
        };
        turn.await.map_err(|_| Full)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let Some(shared) = self.0.take() else { return };
        let mut state = shared.lock();
        // The place goes to the next who still waits; nobody's clients may have gone away.
        while let Some(cluster) = state.turns.pop_front() {
            let Some(line) = state.lines.get_mut(&cluster) else { continue };
            let next = line.pop_front();
            let empty = line.is_empty();
            if empty {
                state.lines.remove(&cluster);
            } else {
                state.turns.push_back(cluster);
            }
            let Some(next) = next else { continue };
            state.waiting -= 1;
            match next.send(Self(Some(shared.clone()))) {
                Ok(()) => return,
                // Whoever waited has gone; its place must not be given back a second time.
                Err(mut place) => place.0 = None,
            }
        }
        state.taken -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(name: &str) -> Option<ClusterName> {
        ClusterName::parse(name).ok()
    }

    #[tokio::test]
    async fn a_flooding_tenant_waits_behind_itself() {
        let flight = Arc::new(Flight::new(Limits { places: 1, per_cluster: 100, waiting: 1000 }));
        let first = flight.enter(named("red")).await.expect("a place");
        let order = Arc::new(Mutex::new(Vec::new()));
        let mut tasks = Vec::new();
        for name in ["red", "red", "red", "blue"] {
            let (flight, order) = (flight.clone(), order.clone());
            tasks.push(tokio::spawn(async move {
                let place = flight.enter(named(name)).await.expect("a place");
                order.lock().push(name);
                drop(place);
            }));
            tokio::task::yield_now().await;
        }
        drop(first);
        for task in tasks {
            task.await.expect("no panic");
        }
        assert_eq!(*order.lock(), ["red", "blue", "red", "red"]);
        assert_eq!(flight.state.lock().taken, 0);
    }

    #[tokio::test]
    async fn lines_are_bounded_and_those_who_leave_are_skipped() {
        let flight = Arc::new(Flight::new(Limits { places: 1, per_cluster: 1, waiting: 10 }));
        let first = flight.enter(None).await.expect("a place");
        let waiting = {
            let flight = flight.clone();
            tokio::spawn(async move { flight.enter(named("red")).await })
        };
        tokio::task::yield_now().await;
        assert_eq!(flight.enter(named("red")).await.err(), Some(Full));
        waiting.abort();
        let _ = waiting.await;
        drop(first);
        assert!(flight.enter(named("red")).await.is_ok());
    }
}

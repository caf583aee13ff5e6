//! Readers of one revision that take their time: history behind them is kept for them, for a while.
//!
//! A hold is no transaction. It names a revision that ageing does not pass; nothing of the engine is kept
//! open between two reads. Whoever does not come back in time loses it, and learns from its next read
//! (`Compacted`) that it does. A compaction that somebody asks for passes every hold.

use kcp_names::Revision;
use parking_lot::Mutex;
use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

/// How long a hold lasts without being renewed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// All holds.
#[derive(Default)]
pub(crate) struct Holds(Mutex<State>);

#[derive(Default)]
struct State {
    next: u64,
    held: BTreeMap<u64, (Revision, Instant)>,
}

/// One reader's hold. Dropping it gives history free.
pub(crate) struct Hold {
    holds: Arc<Holds>,
    number: u64,
}

impl Holds {
    /// Holds `revision` and what follows.
    pub(crate) fn hold(self: &Arc<Self>, revision: Revision, now: Instant) -> Hold {
        let mut state = self.0.lock();
        let number = state.next;
        state.next += 1;
        state.held.insert(number, (revision, now));
        Hold { holds: Arc::clone(self), number }
    }

    /// The oldest revision that is held by somebody who was here lately.
    pub(crate) fn oldest(&self, now: Instant) -> Option<Revision> {
        let state = self.0.lock();
        let lately = |then: Instant| now.saturating_duration_since(then) < PATIENCE;
        state.held.values().filter(|(_, then)| lately(*then)).map(|(revision, _)| *revision).min()
    }
}

impl Hold {
    /// Says that its reader is still there.
    pub(crate) fn renew(&self, now: Instant) {
        if let Some((_, then)) = self.holds.0.lock().held.get_mut(&self.number) {
            *then = now;
        }
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.holds.0.lock().held.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hold_lasts_as_long_as_it_is_renewed() {
        let (holds, begun) = (Arc::new(Holds::default()), Instant::now());
        let (early, late) = (holds.hold(Revision(5), begun), holds.hold(Revision(9), begun));
        assert_eq!(holds.oldest(begun), Some(Revision(5)));
        late.renew(begun + PATIENCE / 2);
        assert_eq!(holds.oldest(begun + PATIENCE), Some(Revision(9)), "the first one stalls");
        early.renew(begun + PATIENCE);
        assert_eq!(holds.oldest(begun + PATIENCE), Some(Revision(5)));
        drop((early, late));
        assert_eq!(holds.oldest(begun), None);
    }
}

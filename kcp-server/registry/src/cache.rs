//! Bounded caches of what stored objects compile to: a logical cluster's catalog, its RBAC policy.
//!
//! An entry is valid as long as no object that it was built from has changed. Writers of such objects
//! hold a [`Changing`] guard over the commit; while one is held nobody trusts or fills the cache, so an
//! answer is never older than an acknowledged write. Nothing here grows with the number of clusters.

use kcp_names::ClusterName;
use quick_cache::sync::Cache;
use std::{
    future::Future,
    hash::{BuildHasher, Hash, RandomState},
    sync::{
        Arc,
        atomic::{AtomicU32, AtomicU64, Ordering},
    },
};

const SLOTS: usize = 1024;

/// A cache of one value per recently used key, by default a logical cluster.
pub struct ClusterCache<T, K = ClusterName> {
    entries: Cache<K, Entry<T>>,
    slots: Box<[Slot]>,
    everything: Slot,
    hasher: RandomState,
}

/// Counts changes. Keys share slots: a false alarm costs a rebuild.
#[derive(Default)]
struct Slot {
    epoch: AtomicU64,
    changing: AtomicU32,
}

struct Entry<T> {
    epochs: (u64, u64),
    value: Arc<T>,
}

impl<T> Clone for Entry<T> {
    fn clone(&self) -> Self {
        Self { epochs: self.epochs, value: self.value.clone() }
    }
}

/// Held while objects change that entries are built from.
pub struct Changing<'a>(&'a Slot);

impl Drop for Changing<'_> {
    fn drop(&mut self) {
        self.0.epoch.fetch_add(1, Ordering::SeqCst);
        self.0.changing.fetch_sub(1, Ordering::SeqCst);
    }
}

impl<T, K: Hash + Eq + Clone> ClusterCache<T, K> {
    /// A cache of at most `capacity` keys.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self {
            entries: Cache::new(capacity),
            slots: (0..SLOTS).map(|_| Slot::default()).collect(),
            everything: Slot::default(),
            hasher: RandomState::new(),
        }
    }

    /// To be held while something of `key` changes.
    pub fn changing(&self, key: &K) -> Changing<'_> {
        let slot = self.slot(key);
        slot.changing.fetch_add(1, Ordering::SeqCst);
        Changing(slot)
    }

    /// To be held while something changes that every entry is built from.
    pub fn changing_everything(&self) -> Changing<'_> {
        self.everything.changing.fetch_add(1, Ordering::SeqCst);
        Changing(&self.everything)
    }

    /// The value of a key, built if the cache has none that is current.
    ///
    /// # Errors
    /// What building it failed with.
    pub async fn get<E, F: Future<Output = Result<Arc<T>, E>>>(
        &self,
        key: &K,
        build: impl FnOnce() -> F,
    ) -> Result<Arc<T>, E> {
        let before = self.epochs(key);
        if let (Some(epochs), Some(entry)) = (before, self.entries.get(key))
            && entry.epochs == epochs
        {
            return Ok(entry.value);
        }
        let value = build().await?;
        if let Some(epochs) = before
            && self.epochs(key) == before
        {
            self.entries.insert(key.clone(), Entry { epochs, value: value.clone() });
        }
        Ok(value)
    }

    fn slot(&self, key: &K) -> &Slot {
        let at = self.hasher.hash_one(key) as usize % SLOTS;
        &self.slots[at]
    }

    /// `None` while something is changing.
    ///
    /// Changes are asked for before the epochs are read: a change that ends in between is then seen by its
    /// epoch. The other way round its end would hide the epoch that was read before it.
    fn epochs(&self, key: &K) -> Option<(u64, u64)> {
        let slot = self.slot(key);
        let quiet = |slot: &Slot| slot.changing.load(Ordering::SeqCst) == 0;
        if !quiet(slot) || !quiet(&self.everything) {
            return None;
        }
        Some((slot.epoch.load(Ordering::SeqCst), self.everything.epoch.load(Ordering::SeqCst)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn look(cache: &ClusterCache<u32>, built: u32) -> u32 {
        let value = cache.get::<(), _>(&ClusterName::root(), || async { Ok(Arc::new(built)) }).await;
        *value.expect("building does not fail")
    }

    #[tokio::test]
    async fn an_entry_is_current_or_built_anew() {
        let cache = ClusterCache::new(10);
        assert_eq!(look(&cache, 1).await, 1);
        assert_eq!(look(&cache, 2).await, 1, "nothing changed");
        let changing = cache.changing(&ClusterName::root());
        assert_eq!(look(&cache, 3).await, 3, "nobody trusts it while it changes");
        drop(changing);
        assert_eq!(look(&cache, 4).await, 4);
        assert_eq!(look(&cache, 5).await, 4);
        drop(cache.changing_everything());
        assert_eq!(look(&cache, 6).await, 6);
    }

    /// Two threads without a word between them, as requests are.
    #[test]
    fn nobody_sees_what_was_before_an_acknowledged_change() {
        const CHANGES: u64 = 20_000;
        let (cache, key) = (ClusterCache::<u64>::new(10), ClusterName::root());
        let (truth, acknowledged) = (AtomicU64::new(0), AtomicU64::new(0));
        std::thread::scope(|threads| {
            threads.spawn(|| {
                for change in 1..=CHANGES {
                    let changing = cache.changing(&key);
                    truth.store(change, Ordering::SeqCst);
                    drop(changing);
                    acknowledged.store(change, Ordering::SeqCst);
                    if change % 3 == 0 {
                        std::thread::yield_now();
                    }
                }
            });
            threads.spawn(|| {
                let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
                while acknowledged.load(Ordering::SeqCst) < CHANGES {
                    let least = acknowledged.load(Ordering::SeqCst);
                    let look =
                        cache.get::<(), _>(&key, || async { Ok(Arc::new(truth.load(Ordering::SeqCst))) });
                    let seen = *runtime.block_on(look).expect("building does not fail");
                    assert!(seen >= least, "{seen} after {least}");
                }
            });
        });
    }
}

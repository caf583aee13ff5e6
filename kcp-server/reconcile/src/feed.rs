//! What feeds a controller: everything there is, then the log.

use crate::{Answer, Query, Runner, Wakes};
use kcp_names::{ClusterName, Revision};
use kcp_storage::{Event, Key, Range};
use std::{sync::Arc, time::Duration};
use tokio_util::sync::CancellationToken;

/// Objects listed at a time. All controllers do it at once when a server starts, so this is most of the
/// memory that a start takes.
const PAGE: usize = 200;

impl Runner {
    /// Follows the log. Starts with a rescan, and rescans when it was too slow.
    pub(crate) async fn feed(self: Arc<Self>, stop: CancellationToken) {
        let ranges = self.controller.watches();
        while !stop.is_cancelled() {
            let mut live = self.store.subscribe();
            let mut position = live.since;
            if let Err(error) = self.rescan(&ranges, &stop).await {
                tracing::warn!(controller = self.controller.name(), %error, "cannot list, trying again");
                tokio::time::sleep(Duration::from_secs(1)).await;
                continue;
            }
            loop {
                let next = tokio::select! {
                    () = stop.cancelled() => return,
                    next = live.next() => next,
                };
                match next {
                    None => return,
                    Some(Err(_missed)) => match self.catch_up(&ranges, position).await {
                        Ok(upto) => position = upto,
                        Err(_compacted) => break,
                    },
                    Some(Ok(events)) => {
                        for event in events.iter().filter(|e| e.revision > position) {
                            if ranges.iter().any(|range| range.contains(&event.key)) {
                                self.see(event).await;
                            }
                        }
                        position = events.last().map_or(position, |e| e.revision.max(position));
                    }
                }
                if self.queue.take_overflow() {
                    break;
                }
            }
        }
    }

    async fn catch_up(&self, ranges: &[Range], after: Revision) -> Result<Revision, kcp_storage::Error> {
        let upto = self.store.revision();
        for range in ranges {
            let mut position = after;
            while position < upto {
                let page = self.store.events(range, position, PAGE).await?;
                for event in &page.events {
                    self.see(event).await;
                }
                position = page.upto;
            }
        }
        Ok(upto)
    }

    async fn see(&self, event: &Event) {
        let Some(record) = event.record.as_ref().or(event.previous.as_ref()) else { return };
        let mut wakes = Vec::new();
        if self.controller.glance(event, &mut wakes) {
            let object = kcp_apimachinery::value::decode(record.json()).unwrap_or_default();
            self.controller.wakes(event, &object, &mut wakes);
        }
        for wake in wakes {
            match wake {
                Wakes::One(key) => self.queue.add(key),
                Wakes::All(range) => {
                    if let Err(error) = self.wake_all(&range).await {
                        tracing::warn!(controller = self.controller.name(), %error, "cannot list what an event wakes");
                        self.queue.overflow();
                    }
                }
                Wakes::Dependents(cluster, uid) => self.wake_dependents(cluster, uid).await,
            }
        }
    }

    async fn wake_dependents(&self, cluster: ClusterName, uid: String) {
        match self.reader.read(&Query::Dependents(cluster, uid)).await {
            Ok(Answer::Keys(keys)) => keys.into_iter().for_each(|key| self.queue.add(key)),
            Ok(Answer::Object(_) | Answer::Objects(..) | Answer::Cluster(_) | Answer::Served(_)) => {}
            Err(error) => {
                tracing::warn!(controller = self.controller.name(), %error, "cannot look up dependents");
                self.queue.overflow();
            }
        }
    }

    async fn wake_all(&self, range: &Range) -> Result<(), kcp_storage::Error> {
        let mut after: Option<Key> = None;
        loop {
            let page = self.store.range(range, after.as_ref(), PAGE, None).await?;
            after = page.items.last().map(|(key, _)| key.clone());
            page.items.into_iter().for_each(|(key, _)| self.queue.add(key));
            if !page.more {
                return Ok(());
            }
        }
    }

    /// Shows the controller every object there is, as if it had just been created.
    async fn rescan(&self, ranges: &[Range], stop: &CancellationToken) -> Result<(), kcp_storage::Error> {
        for range in ranges {
            let mut after: Option<Key> = None;
            loop {
                let page = self.store.range(range, after.as_ref(), PAGE, None).await?;
                after = page.items.last().map(|(key, _)| key.clone());
                for (key, record) in page.items {
                    let event =
                        Event { revision: record.modified, key, record: Some(record), previous: None };
                    self.see(&event).await;
                }
                // A full queue drains before more is listed.
                while self.queue.is_filling() && !stop.is_cancelled() {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                if !page.more || stop.is_cancelled() {
                    break;
                }
            }
        }
        Ok(())
    }
}

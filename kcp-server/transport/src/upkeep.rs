use std::{sync::Arc, time::Duration};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

/// How often files are looked at. As kube-apiserver does, by content and not by inotify: mounted secrets
/// are symbolic links that are swapped.
const PERIOD: Duration = Duration::from_secs(2);

/// Something that has to look after itself from time to time: files that may have changed, connections
/// that nobody uses.
pub trait Upkeep: Send + Sync + 'static {
    /// Looks once. It may read small files; it never panics, and it logs what it cannot use.
    fn upkeep(&self);
}

/// Looks after `things` until `stop`. One task for all of them.
pub async fn keep_up(things: Vec<Arc<dyn Upkeep>>, stop: CancellationToken) {
    let things: Arc<[Arc<dyn Upkeep>]> = things.into();
    let mut tick = tokio::time::interval(PERIOD);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    tick.tick().await;
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = tick.tick() => {}
        }
        let things = Arc::clone(&things);
        let done = tokio::task::spawn_blocking(move || things.iter().for_each(|thing| thing.upkeep()));
        if let Err(error) = done.await {
            tracing::error!(%error, "upkeep failed");
        }
    }
}

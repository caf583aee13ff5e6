//! What a cluster's controller manager and scheduler do, for one sandbox.
//!
//! One task follows seven kinds (`world`), computes from that snapshot alone what is to be written (`plan`), writes it
//! one by one (`write`), and puts every answer back into the snapshot at once. So the next plan sees its own writes
//! and never makes a second pod because the watch lags behind.
//!
//! A plan knows no clock, no network and no randomness: the time is an argument, names of pods are made by the server
//! (`generateName`). A sandbox holds tens of objects, so each plan looks at all of them; nothing is indexed.
//!
//! Left to the API host: garbage collection by owner, namespaces, default service accounts.
//! Not done here: disruption budgets, autoscaling, ControllerRevisions (a StatefulSet's older revision is a hash only).

mod claim;
mod deployment;
mod endpoints;
mod objects;
mod plan;
mod pods;
mod replica_set;
mod rollout;
mod service;
mod stateful_set;
mod world;
mod write;

use std::time::Duration;

use futures_util::{FutureExt, StreamExt};
use jiff::Timestamp;
use kube::Client;
use tokio_util::sync::CancellationToken;

pub(crate) use objects::{Key, Objects};
pub(crate) use pods::is_finished;
pub use service::AddressRange;
use world::World;
use write::Executor;

/// What the controllers must know of the place they work in.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The one node; every pod made here is bound to it at birth.
    pub node: String,
    /// Where cluster IPs come from.
    pub services: AddressRange,
}

/// Plans are repeated this often without any event, for what only time decides (`minReadySeconds`, deadlines).
const TICK: Duration = Duration::from_secs(1);
/// After a write that failed, the world is left to settle this long.
const RETRY: Duration = Duration::from_millis(300);
/// Plan, write and plan again at most this often before looking at events.
const ROUNDS: usize = 8;

/// Runs all workload controllers until `stop`. Errors of the API are logged and tried again; nothing ends this loop.
pub async fn run(client: Client, settings: Settings, stop: CancellationToken) {
    let mut events = world::watch(&client).fuse();
    let mut world = World::default();
    let executor = Executor::new(client);
    let mut tick = tokio::time::interval(TICK);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = tick.tick() => {}
            Some(seen) = events.next() => {
                world.observe(seen);
                // What arrived together is looked at together.
                while let Some(Some(seen)) = events.next().now_or_never() {
                    world.observe(seen);
                }
            }
        }
        if world.settled() && !settle(&mut world, &executor, &settings).await {
            tokio::time::sleep(RETRY).await;
        }
    }
}

/// Writes until nothing is left to write. False when a write failed.
async fn settle(world: &mut World, executor: &Executor, settings: &Settings) -> bool {
    for _ in 0..ROUNDS {
        let writes = plan::plan(world, settings, now());
        if writes.is_empty() {
            return true;
        }
        for write in writes {
            let what = write.to_string();
            match executor.execute(write, world).await {
                Ok(()) => tracing::debug!(%what, "written"),
                Err(error) => {
                    tracing::debug!(%what, %error, "not written, will be planned again");
                    return false;
                }
            }
        }
    }
    true
}

/// The only clock of this module.
fn now() -> Timestamp {
    Timestamp::now()
}

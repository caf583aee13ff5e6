//! Being the one operator that acts.
//!
//! The lease is that of the operator before this one, so that the two never act at once. Losing it
//! stops the process: whatever is under way may meet its successor's work.

use kube::Client;
use kube_lease_manager::{LeaseManagerBuilder, LeaseManagerError};
use tokio::sync::watch::Receiver;
use tokio_util::sync::CancellationToken;

/// Name of the lease.
const LEASE: &str = "239f9f9a.operator.kcp.io";
/// How long others wait for a leader that vanished, in seconds.
const DURATION: u64 = 15;
/// How long before that the leader renews, in seconds.
const GRACE: u64 = 5;

/// Runs `work` while leading. Returns when it is told to stop, or has lost the lease.
///
/// # Errors
/// The lease cannot be used at all, or was lost.
pub(crate) async fn lead<F>(
    client: Client,
    namespace: &str,
    stop: CancellationToken,
    work: impl FnOnce(CancellationToken) -> F,
) -> Result<(), Lost>
where
    F: Future<Output = ()>,
{
    let identity = std::env::var("POD_NAME").or_else(|_| std::env::var("HOSTNAME")).unwrap_or_default();
    let mut builder = LeaseManagerBuilder::new(client, LEASE)
        .with_namespace(namespace)
        .with_duration(DURATION)
        .with_grace(GRACE);
    if !identity.is_empty() {
        builder = builder.with_identity(format!("{identity}-{}", std::process::id()));
    }
    let (mut leading, keeping) = builder.build().await?.watch().await;
    tracing::info!(namespace, lease = LEASE, "waiting to lead");
    let elected = stop.run_until_cancelled(becomes(&mut leading, true)).await;
    let outcome = match elected {
        None => Ok(()),
        Some(false) => Err(Lost::Ended),
        Some(true) => {
            tracing::info!(namespace, lease = LEASE, "leading");
            let working = stop.child_token();
            let work = work(working.clone());
            tokio::pin!(work);
            tokio::select! {
                () = &mut work => Ok(()),
                _ = becomes(&mut leading, false) => {
                    working.cancel();
                    work.await;
                    Err(Lost::ToAnother)
                }
            }
        }
    };
    // Nobody listens any more: the keeper gives the lease back, and the next one need not wait.
    drop(leading);
    if let Ok(Err(error)) = keeping.await {
        tracing::warn!(%error, "the lease was not given back");
    }
    outcome
}

/// Waits for the lease to be held or lost. False if nobody keeps it any more.
async fn becomes(leading: &mut Receiver<bool>, held: bool) -> bool {
    leading.wait_for(|leading| *leading == held).await.is_ok()
}

/// Why there is no leading any more.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Lost {
    /// The lease cannot be read or written.
    #[error("the lease {LEASE} cannot be used: {0}")]
    Unusable(#[from] LeaseManagerError),
    /// Another operator took it.
    #[error("the lease {LEASE} was lost to another")]
    ToAnother,
    /// Keeping it ended early.
    #[error("the lease {LEASE} cannot be kept")]
    Ended,
}

use std::{future::Future, time::Duration};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// How a server tells its requests that it is going away.
///
/// Draining has two moments. When it has *begun*, nothing new is accepted and whatever would never end
/// by itself, such as a watch, should end in good order. When it is *over*, what is left is cut.
#[derive(Clone, Debug, Default)]
pub struct Drain {
    begun: CancellationToken,
    over: CancellationToken,
    tasks: TaskTracker,
}

impl Drain {
    /// A drain that has not begun.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns once draining has begun.
    pub async fn begun(&self) {
        self.begun.cancelled().await;
    }

    /// Whether draining has begun.
    #[must_use]
    pub fn has_begun(&self) -> bool {
        self.begun.is_cancelled()
    }

    /// A token that is cancelled when draining begins, for code that takes one.
    #[must_use]
    pub fn token(&self) -> CancellationToken {
        self.begun.clone()
    }

    /// Runs a task that the server waits for when it drains, and cuts when draining is over.
    /// Connections are such tasks, and tunnels that outlive the request which opened them.
    pub fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let over = self.over.clone();
        self.tasks.spawn(async move {
            tokio::select! {
                () = task => {}
                () = over.cancelled() => {}
            }
        });
    }

    /// How many tasks are running.
    #[must_use]
    pub fn running(&self) -> usize {
        self.tasks.len()
    }

    /// Begins to drain, waits for all tasks, and cuts those that are left after `deadline`.
    pub async fn run(&self, deadline: Duration) {
        self.begun.cancel();
        self.tasks.close();
        if tokio::time::timeout(deadline, self.tasks.wait()).await.is_err() {
            tracing::warn!(left = self.tasks.len(), "drain deadline passed; cutting what is left");
        }
        self.over.cancel();
        self.tasks.wait().await;
    }
}

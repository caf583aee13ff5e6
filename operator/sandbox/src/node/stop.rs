//! Asking a pod's containers to end, and by when.

use std::time::Duration;

use tokio::{sync::watch, time::Instant};

/// Known to all containers of a pod: none, or the time at which they are killed.
#[derive(Clone, Debug)]
pub(crate) struct Stop {
    deadline: watch::Receiver<Option<Instant>>,
}

/// The one who asks.
#[derive(Debug)]
pub(crate) struct Stopper {
    deadline: watch::Sender<Option<Instant>>,
}

impl Stopper {
    pub(crate) fn new() -> Self {
        Self { deadline: watch::Sender::new(None) }
    }

    pub(crate) fn stop(&self) -> Stop {
        Stop { deadline: self.deadline.subscribe() }
    }

    /// Asks all to end within `grace` from now; asked again, only an earlier time counts.
    pub(crate) fn ask(&self, grace: Duration) {
        let wanted = Instant::now() + grace;
        self.deadline.send_if_modified(|deadline| {
            let sooner = deadline.is_none_or(|known| wanted < known);
            if sooner {
                *deadline = Some(wanted);
            }
            sooner
        });
    }
}

impl Stop {
    pub(crate) fn is_asked(&self) -> bool {
        self.deadline.borrow().is_some()
    }

    /// Returns when the end is asked for.
    pub(crate) async fn asked(&self) {
        let mut deadline = self.deadline.clone();
        if deadline.wait_for(Option::is_some).await.is_err() && !self.is_asked() {
            // Nobody is left who could ask.
            std::future::pending().await
        }
    }

    /// Returns when the time to end is over.
    pub(crate) async fn overdue(&self) {
        self.asked().await;
        let mut deadline = self.deadline.clone();
        loop {
            let at = deadline.borrow_and_update().unwrap_or_else(Instant::now);
            tokio::select! {
                () = tokio::time::sleep_until(at) => return,
                Ok(()) = deadline.changed() => {}
            }
        }
    }

    /// Sleeps, but not longer than until the end is asked for.
    pub(crate) async fn sleep(&self, duration: Duration) {
        tokio::select! {
            () = tokio::time::sleep(duration) => {}
            () = self.asked() => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn an_earlier_deadline_wins() {
        let (stopper, began) = (Stopper::new(), Instant::now());
        let stop = stopper.stop();
        stopper.ask(Duration::from_secs(30));
        stopper.ask(Duration::from_secs(60));
        let waiting = stop.overdue();
        tokio::pin!(waiting);
        tokio::select! {
            () = &mut waiting => panic!("too early"),
            () = tokio::time::sleep(Duration::from_secs(5)) => stopper.ask(Duration::from_secs(1)),
        }
        waiting.await;
        assert_eq!(began.elapsed().as_secs(), 6);
    }
}

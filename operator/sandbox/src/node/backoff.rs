//! How long a container that ended waits before it starts again.

use std::time::Duration;

/// A first failure is often only a matter of order (its peer is not up yet), so the first pauses are short; then
/// Kubernetes' doubling from ten seconds up to five minutes.
const PAUSES: [u64; 9] = [0, 1, 3, 10, 20, 40, 80, 160, 300];
/// A container that ran this long starts anew without a history.
const FORGIVEN_AFTER: Duration = Duration::from_secs(600);

/// The history of one container.
#[derive(Debug, Default)]
pub(crate) struct Backoff {
    ended: usize,
}

impl Backoff {
    /// The pause after a run of that length.
    pub(crate) fn after(&mut self, ran: Duration) -> Duration {
        if ran >= FORGIVEN_AFTER {
            self.ended = 0;
        }
        let pause = PAUSES[self.ended.min(PAUSES.len() - 1)];
        self.ended = self.ended.saturating_add(1);
        Duration::from_secs(pause)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(runs: &[u64]) -> Vec<u64> {
        let mut backoff = Backoff::default();
        runs.iter().map(|ran| backoff.after(Duration::from_secs(*ran)).as_secs()).collect()
    }

    #[test]
    fn pauses_grow_and_a_long_run_forgives() {
        assert_eq!(check(&[1; 11]), [0, 1, 3, 10, 20, 40, 80, 160, 300, 300, 300]);
        assert_eq!(check(&[1, 1, 1, 700, 1]), [0, 1, 3, 0, 1]);
    }
}

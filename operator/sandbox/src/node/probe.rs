//! When a probe's results change what is thought of a container. No clock, no I/O: results come in, verdicts go out.

use std::time::Duration;

use k8s_openapi::api::core::v1::Probe;

/// Kubernetes' defaults.
const PERIOD: i32 = 10;
const TIMEOUT: i32 = 1;
const FAILURES: i32 = 3;

/// When to ask, and how often the same answer must come before it counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Schedule {
    pub(crate) initial_delay: Duration,
    pub(crate) period: Duration,
    pub(crate) timeout: Duration,
    successes: u32,
    failures: u32,
}

impl Schedule {
    pub(crate) fn of(probe: &Probe) -> Self {
        let seconds = |value: Option<i32>, default: i32| {
            let value = value.filter(|value| *value > 0).unwrap_or(default);
            Duration::from_secs(u64::try_from(value).unwrap_or(0))
        };
        let times = |value: Option<i32>, default: i32| {
            u32::try_from(value.filter(|value| *value > 0).unwrap_or(default)).unwrap_or(1)
        };
        Self {
            initial_delay: seconds(probe.initial_delay_seconds, 0),
            period: seconds(probe.period_seconds, PERIOD),
            timeout: seconds(probe.timeout_seconds, TIMEOUT),
            successes: times(probe.success_threshold, 1),
            failures: times(probe.failure_threshold, FAILURES),
        }
    }
}

/// Counts equal answers in a row.
#[derive(Debug)]
pub(crate) struct Gauge {
    schedule: Schedule,
    last: Option<bool>,
    in_a_row: u32,
}

impl Gauge {
    pub(crate) fn new(schedule: Schedule) -> Self {
        Self { schedule, last: None, in_a_row: 0 }
    }

    /// Takes one answer; says what it proves, if the threshold is reached.
    pub(crate) fn observe(&mut self, success: bool) -> Option<bool> {
        self.in_a_row = if self.last == Some(success) { self.in_a_row.saturating_add(1) } else { 1 };
        self.last = Some(success);
        let needed = if success { self.schedule.successes } else { self.schedule.failures };
        (self.in_a_row >= needed).then_some(success)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// `+` and `-` in: answers; `R`, `U` and `.` out: proven ready, proven unready, nothing yet.
    fn check(probe: serde_json::Value, answers: &str) -> String {
        let mut gauge = Gauge::new(Schedule::of(&serde_json::from_value(probe).unwrap()));
        let verdict = |answer: char| match gauge.observe(answer == '+') {
            Some(true) => 'R',
            Some(false) => 'U',
            None => '.',
        };
        answers.chars().map(verdict).collect()
    }

    #[test]
    fn a_verdict_needs_its_threshold_in_a_row() {
        assert_eq!(check(json!({}), "+--+---"), "R..R..U");
        assert_eq!(check(json!({ "successThreshold": 2, "failureThreshold": 1 }), "++-++"), ".RU.R");
    }

    #[test]
    fn what_is_not_given_is_kubernetes_default() {
        let schedule = Schedule::of(&Probe::default());
        assert_eq!(schedule.period, Duration::from_secs(10));
        assert_eq!(schedule.timeout, Duration::from_secs(1));
        assert_eq!(schedule.initial_delay, Duration::ZERO);
    }
}

//! How many replicas each ReplicaSet of a Deployment gets next: the arithmetic of a rollout, and nothing else.

use k8s_openapi::{api::apps::v1::Deployment, apimachinery::pkg::util::intstr::IntOrString};

/// How one generation of pods gives way to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Strategy {
    /// Old pods end before new ones start.
    Recreate,
    /// Never more than `surge` pods too many, never more than `unavailable` too few.
    Rolling { surge: i32, unavailable: i32 },
}

impl Strategy {
    /// The deployment's strategy, with percentages resolved for its replicas.
    pub(crate) fn of(deployment: &Deployment, replicas: i32) -> Self {
        let strategy = deployment.spec.as_ref().and_then(|spec| spec.strategy.as_ref());
        if strategy.and_then(|strategy| strategy.type_.as_deref()) == Some("Recreate") {
            return Self::Recreate;
        }
        let rolling = strategy.and_then(|strategy| strategy.rolling_update.as_ref());
        let surge = rolling.and_then(|rolling| rolling.max_surge.as_ref());
        let unavailable = rolling.and_then(|rolling| rolling.max_unavailable.as_ref());
        let surge = share(surge, replicas, Round::Up);
        let unavailable = share(unavailable, replicas, Round::Down);
        // With both at zero nothing could ever move.
        Self::Rolling { surge, unavailable: if surge == 0 && unavailable == 0 { 1 } else { unavailable } }
    }
}

#[derive(Clone, Copy)]
enum Round {
    Up,
    Down,
}

/// A number, or a share of the replicas in percent; 25 % when not given.
fn share(value: Option<&IntOrString>, replicas: i32, round: Round) -> i32 {
    let percent = match value {
        Some(IntOrString::Int(number)) => return (*number).max(0),
        Some(IntOrString::String(text)) => text.trim_end_matches('%').parse::<i64>().unwrap_or(25).max(0),
        None => 25,
    };
    let hundredths = percent.saturating_mul(i64::from(replicas.max(0)));
    let rounded = match round {
        Round::Up => hundredths.saturating_add(99) / 100,
        Round::Down => hundredths / 100,
    };
    i32::try_from(rounded).unwrap_or(i32::MAX)
}

/// One ReplicaSet, as far as a rollout is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Generation {
    /// What its spec asks for now.
    pub(crate) replicas: i32,
    /// How many of its pods are available.
    pub(crate) available: i32,
    /// Whether pods of it exist at all, terminating ones included.
    pub(crate) has_pods: bool,
}

/// The next replicas of the new generation and of the old ones, oldest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Step {
    pub(crate) new: i32,
    pub(crate) old: Vec<i32>,
}

/// One step towards `wanted` pods, all of the new generation. `new` is all zeros when its set does not exist yet.
pub(crate) fn step(wanted: i32, strategy: Strategy, new: Generation, old: &[Generation]) -> Step {
    match strategy {
        Strategy::Recreate => {
            let vacated = old.iter().all(|set| set.replicas == 0 && !set.has_pods);
            Step { new: if vacated { wanted } else { new.replicas.min(wanted) }, old: vec![0; old.len()] }
        }
        Strategy::Rolling { surge, unavailable } => roll(wanted, surge, unavailable, new, old),
    }
}

fn roll(wanted: i32, surge: i32, unavailable: i32, new: Generation, old: &[Generation]) -> Step {
    let unchanged: Vec<i32> = old.iter().map(|set| set.replicas).collect();
    let total: i32 = unchanged.iter().sum::<i32>() + new.replicas;
    if new.replicas > wanted {
        return Step { new: wanted, old: unchanged };
    }
    let room = (wanted + surge - total).max(0).min(wanted - new.replicas);
    if room > 0 {
        return Step { new: new.replicas + room, old: unchanged };
    }
    Step { new: new.replicas, old: shrink(wanted - unavailable, total, new, old) }
}

/// Takes from the old generations what can be spared: first pods that serve nobody, then serving ones, as long as
/// `least` pods stay available.
fn shrink(least: i32, total: i32, new: Generation, old: &[Generation]) -> Vec<i32> {
    let new_unavailable = (new.replicas - new.available).max(0);
    let mut spare = (total - least - new_unavailable).max(0);
    let mut left: Vec<i32> = old.iter().map(|set| set.replicas).collect();
    for (set, left) in old.iter().zip(&mut left) {
        let taken = (set.replicas - set.available).max(0).min(spare);
        (*left, spare) = (*left - taken, spare - taken);
    }
    let available = old.iter().map(|set| set.available.min(set.replicas)).sum::<i32>() + new.available;
    let mut spare = (available - least).max(0).min(spare);
    for left in &mut left {
        let taken = (*left).min(spare);
        (*left, spare) = (*left - taken, spare - taken);
    }
    left
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Plays a rollout to its end, every pod becoming available as soon as it exists, and tells each step as
    /// `old/new`.
    fn check(wanted: i32, strategy: Strategy, mut old: i32) -> String {
        let (mut new, mut told) = (0, format!("{old}/0"));
        for _ in 0..50 {
            let all = |replicas| Generation { replicas, available: replicas, has_pods: replicas > 0 };
            let next = step(wanted, strategy, all(new), &[all(old)]);
            if (next.new, next.old[0]) == (new, old) {
                return told;
            }
            (new, old) = (next.new, next.old[0]);
            told.push_str(&format!(" {old}/{new}"));
        }
        told
    }

    #[test]
    fn a_rollout_keeps_its_limits() {
        let rolling = |surge, unavailable| Strategy::Rolling { surge, unavailable };
        assert_eq!(check(1, rolling(1, 0), 1), "1/0 1/1 0/1");
        assert_eq!(check(3, rolling(1, 0), 3), "3/0 3/1 2/1 2/2 1/2 1/3 0/3");
        assert_eq!(check(3, rolling(0, 1), 3), "3/0 2/0 2/1 1/1 1/2 0/2 0/3");
        assert_eq!(check(2, Strategy::Recreate, 2), "2/0 0/0 0/2");
        assert_eq!(check(2, rolling(1, 0), 5), "5/0 2/0 2/1 1/1 1/2 0/2");
    }

    #[test]
    fn recreate_waits_for_the_last_pod_to_end() {
        let ending = Generation { replicas: 0, available: 0, has_pods: true };
        let none = Generation { replicas: 0, available: 0, has_pods: false };
        assert_eq!(step(1, Strategy::Recreate, none, &[ending]), Step { new: 0, old: vec![0] });
    }

    #[test]
    fn pods_that_never_became_available_go_first() {
        let new = Generation { replicas: 1, available: 0, has_pods: true };
        let broken = Generation { replicas: 2, available: 0, has_pods: true };
        let serving = Generation { replicas: 2, available: 2, has_pods: true };
        let next = step(2, Strategy::Rolling { surge: 1, unavailable: 0 }, new, &[serving, broken]);
        assert_eq!(next, Step { new: 1, old: vec![2, 0] });
    }

    #[test]
    fn shares_are_rounded_in_favour_of_progress_up_and_of_safety_down() {
        let percent = |text: &str| Some(IntOrString::String(text.into()));
        assert_eq!(share(percent("25%").as_ref(), 2, Round::Up), 1);
        assert_eq!(share(percent("25%").as_ref(), 2, Round::Down), 0);
        assert_eq!(share(percent("999999999%").as_ref(), i32::MAX, Round::Up), i32::MAX);
        assert_eq!(share(None, 8, Round::Down), 2);
    }
}

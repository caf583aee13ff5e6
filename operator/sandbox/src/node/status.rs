//! The status of a pod, as Kubernetes words it.

use jiff::Timestamp;
use k8s_openapi::{
    api::core::v1::{
        ContainerState, ContainerStateRunning, ContainerStateTerminated, ContainerStateWaiting,
        ContainerStatus, HostIP, Pod, PodCondition, PodIP, PodStatus,
    },
    apimachinery::pkg::apis::meta::v1::Time,
};

use super::board::{Ended, Notes, State, View};
use crate::spaces::network::GATEWAY;

/// The status that follows from the notes. Times of conditions that did not turn are kept from the old status.
pub(crate) fn of(pod: &Pod, notes: &Notes, now: Timestamp) -> PodStatus {
    let old = pod.status.clone().unwrap_or_default();
    let uid = pod.metadata.uid.as_deref().unwrap_or_default();
    let all = |views: &[View]| views.iter().map(|view| container(view, uid)).collect::<Vec<_>>();
    let phase = phase(notes);
    PodStatus {
        phase: Some(phase.to_owned()),
        conditions: Some(conditions(pod, notes, phase, now)),
        host_ip: Some(GATEWAY.to_string()),
        host_ips: Some(vec![HostIP { ip: GATEWAY.to_string() }]),
        pod_ip: notes.address.map(|address| address.to_string()),
        pod_ips: notes.address.map(|address| vec![PodIP { ip: address.to_string() }]),
        start_time: old.start_time.or(Some(Time(now))),
        init_container_statuses: (!notes.init.is_empty()).then(|| all(&notes.init)),
        container_statuses: Some(all(&notes.main)),
        qos_class: old.qos_class.or_else(|| Some(quality(pod).to_owned())),
        observed_generation: pod.metadata.generation,
        ..PodStatus::default()
    }
}

fn phase(notes: &Notes) -> &'static str {
    let failed_init = notes.over && !notes.initialized;
    let ended = |view: &View| match &view.state {
        State::Ended(ended) => Some(ended.code),
        State::Waiting { .. } | State::Running { .. } => None,
    };
    if failed_init {
        return "Failed";
    }
    if !notes.initialized {
        return "Pending";
    }
    let codes: Vec<Option<i32>> = notes.main.iter().map(ended).collect();
    if notes.over && codes.iter().all(Option::is_some) {
        return if codes.iter().all(|code| *code == Some(0)) { "Succeeded" } else { "Failed" };
    }
    let has_run = |view: &View| match view.state {
        State::Running { .. } | State::Ended(_) => true,
        State::Waiting { .. } => view.last.is_some(),
    };
    if notes.main.iter().all(has_run) { "Running" } else { "Pending" }
}

fn conditions(pod: &Pod, notes: &Notes, phase: &str, now: Timestamp) -> Vec<PodCondition> {
    let unready: Vec<&str> =
        notes.main.iter().filter(|view| !view.ready).map(|view| view.name.as_str()).collect();
    let (reason, message) = match phase {
        "Succeeded" => (Some("PodCompleted"), None),
        "Failed" => (Some("PodFailed"), None),
        _ if unready.is_empty() => (None, None),
        _ => {
            let message = format!("containers with unready status: [{}]", unready.join(" "));
            (Some("ContainersNotReady"), Some(message))
        }
    };
    let ready = unready.is_empty() && notes.initialized && reason.is_none();
    let uninitialized: Vec<&str> = notes
        .init
        .iter()
        .filter(|view| !matches!(&view.state, State::Ended(ended) if ended.code == 0) && !view.started)
        .map(|view| view.name.as_str())
        .collect();
    let incomplete = (!notes.initialized)
        .then(|| format!("containers with incomplete status: [{}]", uninitialized.join(" ")));
    let make = |type_: &str, holds: bool, reason: Option<&str>, message: Option<String>| {
        condition(pod, type_, holds, reason, message, now)
    };
    let not_initialized = incomplete.as_ref().map(|_| "ContainersNotInitialized");
    vec![
        make("PodReadyToStartContainers", notes.address.is_some(), None, None),
        make("Initialized", notes.initialized, not_initialized, incomplete),
        make("Ready", ready, reason, message.clone()),
        make("ContainersReady", ready, reason, message),
        make("PodScheduled", true, None, None),
    ]
}

fn condition(
    pod: &Pod,
    type_: &str,
    holds: bool,
    reason: Option<&str>,
    message: Option<String>,
    now: Timestamp,
) -> PodCondition {
    let known = pod.status.as_ref().and_then(|status| status.conditions.as_deref()).unwrap_or_default();
    let status = if holds { "True" } else { "False" };
    let before = known.iter().find(|condition| condition.type_ == type_ && condition.status == status);
    let kept = before.and_then(|before| before.last_transition_time.clone());
    PodCondition {
        type_: type_.to_owned(),
        status: status.to_owned(),
        reason: reason.map(str::to_owned),
        message,
        last_transition_time: Some(kept.unwrap_or(Time(now))),
        observed_generation: pod.metadata.generation,
        ..PodCondition::default()
    }
}

fn container(view: &View, uid: &str) -> ContainerStatus {
    let id = format!("sandbox://{uid}/{}/{}", view.name, view.restarts);
    let state = match &view.state {
        State::Waiting { reason, message } => ContainerState {
            waiting: Some(ContainerStateWaiting {
                reason: Some((*reason).to_owned()),
                message: message.clone(),
            }),
            ..ContainerState::default()
        },
        State::Running { since } => ContainerState {
            running: Some(ContainerStateRunning { started_at: Some(Time(*since)) }),
            ..ContainerState::default()
        },
        State::Ended(ended) => terminated(ended, &id),
    };
    let has_run = !matches!(view.state, State::Waiting { .. }) || view.last.is_some();
    ContainerStatus {
        name: view.name.clone(),
        image: view.image.clone(),
        image_id: String::new(),
        container_id: has_run.then_some(id.clone()),
        ready: view.ready,
        started: Some(view.started),
        restart_count: view.restarts,
        state: Some(state),
        last_state: view.last.as_ref().map(|ended| terminated(ended, &id)),
        ..ContainerStatus::default()
    }
}

fn terminated(ended: &Ended, id: &str) -> ContainerState {
    ContainerState {
        terminated: Some(ContainerStateTerminated {
            exit_code: ended.code,
            reason: Some(ended.reason.to_owned()),
            message: ended.message.clone(),
            started_at: Some(Time(ended.started)),
            finished_at: Some(Time(ended.finished)),
            container_id: Some(id.to_owned()),
            signal: None,
        }),
        ..ContainerState::default()
    }
}

/// Kubernetes' class: Guaranteed when every container's limits equal its requests, BestEffort when none has any.
fn quality(pod: &Pod) -> &'static str {
    let containers = pod.spec.iter().flat_map(|spec| &spec.containers);
    let mut resources = containers.map(|container| container.resources.clone().unwrap_or_default());
    let (mut any, mut all) = (false, true);
    for wanted in resources.by_ref() {
        let (limits, requests) = (wanted.limits.unwrap_or_default(), wanted.requests.unwrap_or_default());
        any |= !limits.is_empty() || !requests.is_empty();
        let fixed = |name: &str| limits.get(name).is_some_and(|l| requests.get(name).is_none_or(|r| r == l));
        all &= fixed("cpu") && fixed("memory");
    }
    match (any, all) {
        (false, _) => "BestEffort",
        (true, true) => "Guaranteed",
        (true, false) => "Burstable",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view(name: &str, state: State, ready: bool) -> View {
        View {
            name: name.into(),
            image: String::new(),
            state,
            last: None,
            restarts: 0,
            ready,
            started: ready,
        }
    }

    fn ended(code: i32) -> State {
        let at = Timestamp::UNIX_EPOCH;
        State::Ended(Ended { code, reason: "Error", message: None, started: at, finished: at })
    }

    /// The phase, and the conditions that hold.
    fn check(main: Vec<View>, init: Vec<View>, initialized: bool, over: bool) -> String {
        let notes = Notes { address: None, init, main, initialized, over };
        let status = of(&Pod::default(), &notes, Timestamp::UNIX_EPOCH);
        let holds = status.conditions.unwrap().into_iter().filter(|c| c.status == "True").map(|c| c.type_);
        let holds: Vec<String> = holds.filter(|type_| type_ != "PodScheduled").collect();
        format!("{} {}", status.phase.unwrap(), holds.join(","))
    }

    #[test]
    fn the_phase_follows_the_containers() {
        let running = || State::Running { since: Timestamp::UNIX_EPOCH };
        let waiting = || State::Waiting { reason: "ContainerCreating", message: None };
        assert_eq!(check(vec![view("a", waiting(), false)], vec![], false, false), "Pending ");
        assert_eq!(check(vec![view("a", waiting(), false)], vec![], true, false), "Pending Initialized");
        assert_eq!(check(vec![view("a", running(), false)], vec![], true, false), "Running Initialized");
        assert_eq!(
            check(vec![view("a", running(), true)], vec![], true, false),
            "Running Initialized,Ready,ContainersReady"
        );
        assert_eq!(check(vec![view("a", ended(0), false)], vec![], true, true), "Succeeded Initialized");
        assert_eq!(check(vec![view("a", ended(1), false)], vec![], true, true), "Failed Initialized");
        assert_eq!(check(vec![view("a", ended(1), false)], vec![], true, false), "Running Initialized");
        assert_eq!(
            check(vec![view("a", waiting(), false)], vec![view("i", ended(1), false)], false, true),
            "Failed "
        );
    }
}

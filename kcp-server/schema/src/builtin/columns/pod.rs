use super::{list, number, since, text};
use kcp_apimachinery::{Value, time::Time};

pub(super) fn ready(pod: &Value) -> Value {
    let statuses = list(pod, &["status", "containerStatuses"]);
    let ready = |status: &Value| {
        status.get("ready") == Some(&Value::Bool(true)) && status.at(&["state", "running"]).is_some()
    };
    let sidecars: Vec<_> = sidecars(pod).collect();
    let sidecar_ready = |status: &&Value| sidecars.contains(&text(status, &["name"])) && ready(status);
    let started = list(pod, &["status", "initContainerStatuses"]).iter().filter(sidecar_ready).count();
    let number = statuses.iter().filter(|status| ready(status)).count() + started;
    format!("{number}/{}", list(pod, &["spec", "containers"]).len() + sidecars.len()).into()
}

/// Init containers that run beside the others.
fn sidecars(pod: &Value) -> impl Iterator<Item = &str> {
    let init = list(pod, &["spec", "initContainers"]).iter();
    init.filter(|one| text(one, &["restartPolicy"]) == "Always").map(|one| text(one, &["name"]))
}

pub(super) fn gates(pod: &Value) -> Value {
    let gates = list(pod, &["spec", "readinessGates"]);
    if gates.is_empty() {
        return "<none>".into();
    }
    let conditions = list(pod, &["status", "conditions"]);
    let open = |gate: &&Value| {
        let kind = text(gate, &["conditionType"]);
        conditions.iter().any(|one| text(one, &["type"]) == kind && text(one, &["status"]) == "True")
    };
    format!("{}/{}", gates.iter().filter(open).count(), gates.len()).into()
}

/// How often containers were started anew, and when last.
pub(super) fn restarts(pod: &Value, now: Time) -> Value {
    let statuses = list(pod, &["status", "containerStatuses"]);
    let all: i64 = statuses.iter().map(|status| number(status, &["restartCount"])).sum();
    let ended = |status: &Value| status.at(&["lastState", "terminated", "finishedAt"]).cloned();
    let last = statuses.iter().filter_map(ended).max_by(|a, b| a.as_str().cmp(&b.as_str()));
    match last.filter(|_| all != 0) {
        Some(last) => format!("{all} ({} ago)", since(Some(&last), now)).into(),
        None => all.to_string().into(),
    }
}

/// The phase, or what keeps the pod from it.
pub(super) fn status(pod: &Value) -> String {
    let phase = text(pod, &["status", "phase"]);
    let mut reason = match text(pod, &["status", "reason"]) {
        "" => phase.to_owned(),
        reason => reason.to_owned(),
    };
    let gated =
        |one: &Value| text(one, &["type"]) == "PodScheduled" && text(one, &["reason"]) == "SchedulingGated";
    if list(pod, &["status", "conditions"]).iter().any(gated) {
        reason = "SchedulingGated".into();
    }
    match initializing(pod) {
        Some(initializing) => reason = initializing,
        None => {
            if let Some(of_containers) = of_containers(pod, &reason) {
                reason = of_containers;
            }
        }
    }
    if pod.meta().is_deleting() {
        let lost = text(pod, &["status", "reason"]) == "NodeLost";
        let ended = matches!(phase, "Failed" | "Succeeded");
        if lost {
            return "Unknown".into();
        } else if !ended {
            return "Terminating".into();
        }
    }
    reason
}

/// What an init container that has not ended well is at.
fn initializing(pod: &Value) -> Option<String> {
    let all = list(pod, &["spec", "initContainers"]).len();
    let sidecars: Vec<_> = sidecars(pod).collect();
    for (index, status) in list(pod, &["status", "initContainerStatuses"]).iter().enumerate() {
        if let Some(ended) = status.at(&["state", "terminated"]) {
            if number(ended, &["exitCode"]) != 0 {
                return Some(format!("Init:{}", ended_reason(ended)));
            }
            continue;
        }
        let started = status.get("started") == Some(&Value::Bool(true));
        if started && sidecars.contains(&text(status, &["name"])) {
            continue;
        }
        let waiting = text(status, &["state", "waiting", "reason"]);
        return Some(match waiting {
            "" | "PodInitializing" => format!("Init:{index}/{all}"),
            waiting => format!("Init:{waiting}"),
        });
    }
    None
}

fn of_containers(pod: &Value, reason: &str) -> Option<String> {
    let (mut found, mut running) = (None, false);
    for status in list(pod, &["status", "containerStatuses"]).iter().rev() {
        let waiting = text(status, &["state", "waiting", "reason"]);
        if !waiting.is_empty() {
            found = Some(waiting.to_owned());
        } else if let Some(ended) = status.at(&["state", "terminated"]) {
            found = Some(ended_reason(ended));
        } else if status.get("ready") == Some(&Value::Bool(true))
            && status.at(&["state", "running"]).is_some()
        {
            running = true;
        }
    }
    // A pod of which a part has ended well is still running.
    if running && found.as_deref().unwrap_or(reason) == "Completed" {
        let is_ready = |one: &Value| text(one, &["type"]) == "Ready" && text(one, &["status"]) == "True";
        let ready = list(pod, &["status", "conditions"]).iter().any(is_ready);
        return Some(if ready { "Running" } else { "NotReady" }.into());
    }
    found
}

fn ended_reason(ended: &Value) -> String {
    match (text(ended, &["reason"]), number(ended, &["signal"]), number(ended, &["exitCode"])) {
        ("", 0, code) => format!("ExitCode:{code}"),
        ("", signal, _) => format!("Signal:{signal}"),
        (reason, _, _) => reason.to_owned(),
    }
}

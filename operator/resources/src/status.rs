//! What the Deployments of an object say about it.

use k8s_openapi::api::apps::v1::Deployment;

use crate::{Applied, Resources, Waiting};

/// Whether a server is up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Availability {
    /// Whether all its Deployments are.
    pub available: bool,
    /// One word for programs.
    pub reason: &'static str,
    /// One line for people: the first thing that is in the way.
    pub message: String,
}

/// The state of one condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Type of the condition.
    pub condition: &'static str,
    /// Whether it holds.
    pub holds: bool,
    /// One word for programs.
    pub reason: &'static str,
    /// One line for people.
    pub message: String,
}

impl Availability {
    /// Judges the Deployments that must be up.
    pub fn of(names: &[String], applied: &Resources<Applied>) -> Self {
        for name in names {
            let found =
                applied.deployments().find(|deployment| deployment.metadata.name.as_ref() == Some(name));
            let waiting = applied.waiting.iter().find(|waiting| waiting.deployment == *name);
            if let Some(problem) = missing(name, found, waiting).or_else(|| found.and_then(behind)) {
                return problem;
            }
        }
        let message = match names {
            [name] => format!("Deployment {name} is up"),
            names => format!("Deployments {} are up", names.join(", ")),
        };
        Self { available: true, reason: "ReplicasUp", message }
    }

    /// As a condition.
    pub fn finding(&self) -> Finding {
        Finding {
            condition: "Available",
            holds: self.available,
            reason: self.reason,
            message: self.message.clone(),
        }
    }
}

fn missing(name: &str, found: Option<&Deployment>, waiting: Option<&Waiting>) -> Option<Availability> {
    let message = match (found, waiting) {
        (_, Some(waiting)) => format!("Deployment {name} waits: {}", waiting.reason),
        (None, None) => format!("Deployment {name} does not exist"),
        (Some(_), None) => return None,
    };
    Some(Availability { available: false, reason: "DeploymentUnavailable", message })
}

/// What a Deployment that exists still lacks.
fn behind(deployment: &Deployment) -> Option<Availability> {
    let name = deployment.metadata.name.as_deref().unwrap_or_default();
    let wanted = deployment.spec.as_ref().and_then(|spec| spec.replicas).unwrap_or(0);
    let status = deployment.status.clone().unwrap_or_default();
    let (updated, ready) = (status.updated_replicas.unwrap_or(0), status.ready_replicas.unwrap_or(0));
    let observed = status.observed_generation == deployment.metadata.generation;
    if updated == wanted && ready == wanted && observed {
        return None;
    }
    let detail = status.conditions.iter().flatten().find(|condition| {
        let failed = condition.type_ == "ReplicaFailure" && condition.status == "True";
        failed || (condition.type_ == "Progressing" && condition.status == "False")
    });
    let detail = detail.and_then(|condition| condition.message.clone());
    let detail = detail.map(|detail| format!(": {detail}")).unwrap_or_default();
    let message = format!(
        "Deployment {name}: {ready} of {wanted} pods are ready, {updated} of them up to date{detail}"
    );
    Some(Availability { available: false, reason: "ReplicasUnavailable", message })
}

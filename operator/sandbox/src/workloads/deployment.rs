//! Deployment → ReplicaSets, one per pod template.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::{
    api::{
        apps::v1::{
            Deployment, DeploymentCondition, DeploymentSpec, DeploymentStatus, ReplicaSet, ReplicaSetSpec,
        },
        core::v1::{Pod, PodTemplateSpec},
    },
    apimachinery::pkg::apis::meta::v1::{LabelSelector, Time},
};
use kube::api::ObjectMeta;
use serde_json::json;
use sha2::{Digest, Sha256};

use super::{
    objects::{Key, controller},
    pods,
    replica_set::wanted,
    rollout::{self, Generation, Strategy},
    write::{Kind, Object, Write},
};

const HASH_LABEL: &str = "pod-template-hash";
const REVISION: &str = "deployment.kubernetes.io/revision";
const DESIRED: &str = "deployment.kubernetes.io/desired-replicas";
const MAX: &str = "deployment.kubernetes.io/max-replicas";
/// Kubernetes' defaults.
const PROGRESS_DEADLINE: i32 = 600;
const HISTORY: i32 = 10;

/// One step of the deployment. `sets` are those it controls, `pods` all pods of its namespace.
pub(crate) fn plan(
    deployment: &Deployment,
    sets: &[&ReplicaSet],
    pods: &[&Pod],
    now: Timestamp,
) -> Vec<Write> {
    let Some(spec) = &deployment.spec else { return Vec::new() };
    if deployment.metadata.deletion_timestamp.is_some() {
        return Vec::new();
    }
    let mut sets = sets.to_vec();
    sets.sort_by_key(|set| (set.metadata.creation_timestamp.as_ref().map(|time| time.0), Key::of(*set)));
    let newest = sets.iter().copied().find(|set| same_template(set, &spec.template));
    let old: Vec<&ReplicaSet> =
        sets.iter().copied().filter(|set| newest.is_none_or(|new| !std::ptr::eq(*set, new))).collect();
    let view = View { deployment, spec, newest, old, pods };
    let mut writes = view.roll_out();
    writes.extend(view.forget_history());
    writes.extend(view.report(now));
    writes
}

struct View<'a> {
    deployment: &'a Deployment,
    spec: &'a DeploymentSpec,
    newest: Option<&'a ReplicaSet>,
    /// Oldest first.
    old: Vec<&'a ReplicaSet>,
    pods: &'a [&'a Pod],
}

impl View<'_> {
    fn replicas(&self) -> i32 {
        self.spec.replicas.unwrap_or(1).max(0)
    }

    fn roll_out(&self) -> Vec<Write> {
        let replicas = self.replicas();
        let strategy = Strategy::of(self.deployment, replicas);
        let new = self.newest.map(|set| self.generation(set));
        let old: Vec<Generation> = self.old.iter().map(|set| self.generation(set)).collect();
        if self.spec.paused == Some(true) {
            return self.scale_paused(replicas);
        }
        let absent = Generation { replicas: 0, available: 0, has_pods: false };
        let next = rollout::step(replicas, strategy, new.unwrap_or(absent), &old);
        let mut writes = Vec::new();
        match self.newest {
            None => writes.push(Write::Create(Box::new(Object::ReplicaSet(self.new_set(next.new))))),
            Some(set) => writes.extend(self.scale(set, next.new, true)),
        }
        writes.extend(self.old.iter().zip(next.old).filter_map(|(set, to)| self.scale(set, to, false)));
        writes.extend(self.note_revision());
        writes
    }

    /// A paused deployment still follows its own number while one generation has all pods.
    fn scale_paused(&self, replicas: i32) -> Vec<Write> {
        let mut active = self.old.iter().copied().chain(self.newest).filter(|set| wanted(set) > 0);
        match (active.next(), active.next()) {
            (Some(only), None) => self.scale(only, replicas, false).into_iter().collect(),
            _ => Vec::new(),
        }
    }

    fn generation(&self, set: &ReplicaSet) -> Generation {
        let uid = set.metadata.uid.as_deref();
        Generation {
            replicas: wanted(set),
            available: set.status.as_ref().and_then(|status| status.available_replicas).unwrap_or(0),
            has_pods: self.pods.iter().any(|pod| controller(*pod) == uid && !pods::is_finished(pod)),
        }
    }

    fn new_set(&self, replicas: i32) -> ReplicaSet {
        let hash = hash(&self.spec.template);
        let mut template = self.spec.template.clone();
        let meta = template.metadata.get_or_insert_default();
        let labels = meta.labels.get_or_insert_default();
        labels.insert(HASH_LABEL.to_owned(), hash.clone());
        let labels = labels.clone();
        let mut matched: BTreeMap<String, String> =
            self.spec.selector.match_labels.clone().unwrap_or_default();
        matched.insert(HASH_LABEL.to_owned(), hash.clone());
        let selector = LabelSelector {
            match_labels: Some(matched),
            match_expressions: self.spec.selector.match_expressions.clone(),
        };
        let name = self.deployment.metadata.name.as_deref().unwrap_or_default();
        ReplicaSet {
            metadata: ObjectMeta {
                namespace: self.deployment.metadata.namespace.clone(),
                name: Some(format!("{name}-{hash}")),
                labels: Some(labels),
                annotations: Some(self.annotations(self.next_revision())),
                owner_references: Some(vec![pods::owned_by(self.deployment)]),
                ..ObjectMeta::default()
            },
            spec: Some(ReplicaSetSpec {
                replicas: Some(replicas),
                selector,
                template: Some(template),
                min_ready_seconds: self.spec.min_ready_seconds,
            }),
            status: None,
        }
    }

    fn annotations(&self, revision: i64) -> BTreeMap<String, String> {
        let replicas = self.replicas();
        let surge = match Strategy::of(self.deployment, replicas) {
            Strategy::Recreate => 0,
            Strategy::Rolling { surge, .. } => surge,
        };
        BTreeMap::from([
            (REVISION.to_owned(), revision.to_string()),
            (DESIRED.to_owned(), replicas.to_string()),
            (MAX.to_owned(), replicas.saturating_add(surge).to_string()),
        ])
    }

    /// One more than any old generation; the newest keeps its own when that is higher already.
    fn next_revision(&self) -> i64 {
        let highest_old = self.old.iter().map(|set| revision(&set.metadata)).max().unwrap_or(0);
        self.newest.map_or(0, |set| revision(&set.metadata)).max(highest_old + 1)
    }

    fn scale(&self, set: &ReplicaSet, to: i32, newest: bool) -> Option<Write> {
        let mut annotations = self.annotations(self.next_revision());
        if !newest {
            annotations.remove(REVISION);
        }
        let known = set.metadata.annotations.clone().unwrap_or_default();
        let noted = annotations.iter().all(|(name, value)| known.get(name) == Some(value));
        let stale = wanted(set) != to || (newest && !noted);
        stale.then(|| Write::Patch {
            kind: Kind::ReplicaSet,
            key: Key::of(set),
            body: json!({ "metadata": { "annotations": annotations }, "spec": { "replicas": to } }),
        })
    }

    fn note_revision(&self) -> Option<Write> {
        let revision_now = self.next_revision();
        (revision(&self.deployment.metadata) != revision_now).then(|| Write::Patch {
            kind: Kind::Deployment,
            key: Key::of(self.deployment),
            body: json!({ "metadata": { "annotations": { REVISION: revision_now.to_string() } } }),
        })
    }

    fn forget_history(&self) -> Vec<Write> {
        let keep = usize::try_from(self.spec.revision_history_limit.unwrap_or(HISTORY)).unwrap_or(0);
        let mut unused: Vec<&ReplicaSet> = self
            .old
            .iter()
            .copied()
            .filter(|set| wanted(set) == 0 && !self.generation(set).has_pods)
            .filter(|set| set.metadata.deletion_timestamp.is_none())
            .collect();
        unused.sort_by_key(|set| revision(&set.metadata));
        let surplus = unused.len().saturating_sub(keep);
        let delete = |set: &ReplicaSet| Write::Delete {
            kind: Kind::ReplicaSet,
            key: Key::of(set),
            uid: set.metadata.uid.clone().unwrap_or_default(),
        };
        unused.into_iter().take(surplus).map(delete).collect()
    }

    fn report(&self, now: Timestamp) -> Option<Write> {
        let old = self.deployment.status.clone().unwrap_or_default();
        let mut status = self.counts();
        status.collision_count = old.collision_count;
        status.conditions = Some(self.conditions(&old, &status, now));
        let same = normal(&old) == normal(&status);
        (!same).then(|| Write::PatchStatus {
            kind: Kind::Deployment,
            key: Key::of(self.deployment),
            body: json!({ "status": status }),
        })
    }

    fn counts(&self) -> DeploymentStatus {
        let all = || self.old.iter().copied().chain(self.newest).filter_map(|set| set.status.as_ref());
        let available = all().filter_map(|status| status.available_replicas).sum();
        let updated = self.newest.and_then(|set| set.status.as_ref()).map_or(0, |status| status.replicas);
        DeploymentStatus {
            observed_generation: self.deployment.metadata.generation,
            replicas: Some(all().map(|status| status.replicas).sum()),
            updated_replicas: Some(updated),
            ready_replicas: Some(all().filter_map(|status| status.ready_replicas).sum()),
            available_replicas: Some(available),
            unavailable_replicas: Some((self.replicas() - available).max(0)),
            ..DeploymentStatus::default()
        }
    }

    fn conditions(
        &self,
        old: &DeploymentStatus,
        new: &DeploymentStatus,
        now: Timestamp,
    ) -> Vec<DeploymentCondition> {
        let known = old.conditions.as_deref().unwrap_or_default();
        let mut told = vec![set(known, self.available(new), now, false)];
        let progressed = new.updated_replicas.unwrap_or(0) > old.updated_replicas.unwrap_or(0)
            || new.ready_replicas.unwrap_or(0) > old.ready_replicas.unwrap_or(0)
            || new.available_replicas.unwrap_or(0) > old.available_replicas.unwrap_or(0)
            || new.replicas.unwrap_or(0) < old.replicas.unwrap_or(0)
            || new.observed_generation != old.observed_generation;
        told.push(set(known, self.progressing(known, new, progressed, now), now, progressed));
        told
    }

    fn available(&self, counts: &DeploymentStatus) -> [String; 4] {
        let least = match Strategy::of(self.deployment, self.replicas()) {
            Strategy::Recreate => self.replicas(),
            Strategy::Rolling { unavailable, .. } => self.replicas() - unavailable,
        };
        let enough = counts.available_replicas.unwrap_or(0) >= least;
        if enough {
            ["Available", "True", "MinimumReplicasAvailable", "Deployment has minimum availability."]
                .map(str::to_owned)
        } else {
            [
                "Available",
                "False",
                "MinimumReplicasUnavailable",
                "Deployment does not have minimum availability.",
            ]
            .map(str::to_owned)
        }
    }

    fn progressing(
        &self,
        known: &[DeploymentCondition],
        counts: &DeploymentStatus,
        progressed: bool,
        now: Timestamp,
    ) -> [String; 4] {
        let replicas = self.replicas();
        let told = |status: &str, reason: &str, message: String| {
            ["Progressing".to_owned(), status.to_owned(), reason.to_owned(), message]
        };
        let Some(newest) = self.newest else {
            return told("True", "NewReplicaSetCreated", "A new ReplicaSet is being created.".to_owned());
        };
        let set = newest.metadata.name.as_deref().unwrap_or_default();
        let complete = counts.updated_replicas == Some(replicas)
            && counts.replicas == Some(replicas)
            && counts.available_replicas == Some(replicas);
        if complete {
            return told(
                "True",
                "NewReplicaSetAvailable",
                format!("ReplicaSet \"{set}\" has successfully progressed."),
            );
        }
        let before = known.iter().find(|condition| condition.type_ == "Progressing");
        // A finished rollout that lost a pod is not a rollout; its last word stands.
        if let Some(before) = before.filter(|before| {
            before.reason.as_deref() == Some("NewReplicaSetAvailable")
                && !progressed
                && counts.updated_replicas >= Some(replicas)
        }) {
            let message = before.message.clone().unwrap_or_default();
            return told("True", "NewReplicaSetAvailable", message);
        }
        let deadline = self.spec.progress_deadline_seconds.unwrap_or(PROGRESS_DEADLINE);
        let last = before.and_then(|before| before.last_update_time.as_ref()).map_or(now, |time| time.0);
        if !progressed && last + SignedDuration::from_secs(deadline.into()) < now {
            return told(
                "False",
                "ProgressDeadlineExceeded",
                format!("ReplicaSet \"{set}\" has timed out progressing."),
            );
        }
        told("True", "ReplicaSetUpdated", format!("ReplicaSet \"{set}\" is progressing."))
    }
}

/// The condition, with the times that its predecessor earned.
fn set(
    known: &[DeploymentCondition],
    [type_, status, reason, message]: [String; 4],
    now: Timestamp,
    progressed: bool,
) -> DeploymentCondition {
    let before = known.iter().find(|condition| condition.type_ == type_);
    let turned = before.is_none_or(|before| before.status != status);
    let changed = turned || progressed || before.is_none_or(|b| b.reason.as_deref() != Some(reason.as_str()));
    let keep = |pick: fn(&DeploymentCondition) -> Option<Time>| before.and_then(pick);
    let kept_update = keep(|c| c.last_update_time.clone()).filter(|_| !changed);
    let kept_turn = keep(|c| c.last_transition_time.clone()).filter(|_| !turned);
    DeploymentCondition {
        type_,
        status,
        reason: Some(reason),
        message: Some(message),
        last_update_time: Some(kept_update.unwrap_or(Time(now))),
        last_transition_time: Some(kept_turn.unwrap_or(Time(now))),
    }
}

/// For comparison: zeros are as good as absent, times are cut to what the wire keeps.
fn normal(status: &DeploymentStatus) -> serde_json::Value {
    let mut value = json!(status);
    if let Some(fields) = value.as_object_mut() {
        fields.retain(|_, field| *field != json!(0));
    }
    if let Some(conditions) = value.get_mut("conditions").and_then(serde_json::Value::as_array_mut) {
        conditions.sort_by_key(|condition| condition["type"].to_string());
        for condition in conditions.iter_mut().filter_map(serde_json::Value::as_object_mut) {
            condition.remove("lastUpdateTime");
            condition.remove("lastTransitionTime");
        }
    }
    value
}

fn revision(meta: &ObjectMeta) -> i64 {
    meta.annotations.as_ref().and_then(|notes| notes.get(REVISION)?.parse().ok()).unwrap_or(0)
}

fn same_template(set: &ReplicaSet, template: &PodTemplateSpec) -> bool {
    let Some(mut own) = set.spec.as_ref().and_then(|spec| spec.template.clone()) else { return false };
    if let Some(labels) = own.metadata.as_mut().and_then(|meta| meta.labels.as_mut()) {
        labels.remove(HASH_LABEL);
    }
    own == *template
}

/// Ten letters for a template, from an alphabet that spells no words.
pub(crate) fn hash(template: &PodTemplateSpec) -> String {
    const ALPHABET: &[u8; 27] = b"bcdfghjklmnpqrstvwxz2456789";
    let digest = Sha256::digest(json!(template).to_string());
    digest.iter().take(10).map(|byte| char::from(ALPHABET[usize::from(*byte) % ALPHABET.len()])).collect()
}

#[cfg(test)]
#[path = "deployment_tests.rs"]
mod tests;

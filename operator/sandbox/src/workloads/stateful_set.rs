//! StatefulSet → Pods with names of their own, one after the other, and claims that outlive them.

use jiff::Timestamp;
use k8s_openapi::api::{
    apps::v1::{StatefulSet, StatefulSetSpec, StatefulSetStatus},
    core::v1::{PersistentVolumeClaim, PersistentVolumeClaimVolumeSource, Pod, Volume},
};
use serde_json::json;

use super::{
    deployment::hash,
    objects::{Key, Objects},
    pods,
    replica_set::count,
    write::{Kind, Object, Write},
};

const REVISION: &str = "controller-revision-hash";
const POD_NAME: &str = "statefulset.kubernetes.io/pod-name";
const POD_INDEX: &str = "apps.kubernetes.io/pod-index";

/// One step of the set. `pods` are those it controls.
pub(crate) fn plan(
    set: &StatefulSet,
    pods: &[&Pod],
    claims: &Objects<PersistentVolumeClaim>,
    node: &str,
    now: Timestamp,
) -> Vec<Write> {
    let Some(spec) = &set.spec else { return Vec::new() };
    let view = View { set, spec, pods, claims, node, revision: revision(set, spec), now };
    let mut writes = if set.metadata.deletion_timestamp.is_none() { view.step() } else { Vec::new() };
    writes.extend(view.report());
    writes
}

struct View<'a> {
    set: &'a StatefulSet,
    spec: &'a StatefulSetSpec,
    pods: &'a [&'a Pod],
    claims: &'a Objects<PersistentVolumeClaim>,
    node: &'a str,
    revision: String,
    now: Timestamp,
}

impl View<'_> {
    /// In order: the first ordinal that is missing or not yet available holds up all that follow it, unless pods are
    /// managed in parallel. Surplus pods end from the highest, one at a time; then outdated ones are replaced likewise.
    fn step(&self) -> Vec<Write> {
        let parallel = self.spec.pod_management_policy.as_deref() == Some("Parallel");
        let mut writes = Vec::new();
        for ordinal in self.ordinals() {
            writes.extend(self.missing_claims(ordinal));
            let pod = self.pod(ordinal);
            match pod {
                None => writes.push(Write::Create(Box::new(Object::Pod(self.newborn(ordinal))))),
                Some(pod) if pods::is_finished(pod) => writes.extend(end(pod)),
                Some(_) => {}
            }
            if !parallel && !pod.is_some_and(|pod| self.serves(pod)) {
                return writes;
            }
        }
        let surplus = self.surplus();
        if !surplus.is_empty() {
            let at_once = if parallel { surplus.len() } else { 1 };
            writes.extend(surplus.into_iter().take(at_once).filter_map(end));
        } else if writes.is_empty() {
            writes.extend(self.replace_outdated());
        }
        writes
    }

    fn ordinals(&self) -> std::ops::Range<i32> {
        let start = self.spec.ordinals.as_ref().and_then(|ordinals| ordinals.start).unwrap_or(0);
        start..start.saturating_add(self.spec.replicas.unwrap_or(1).max(0))
    }

    fn pod_name(&self, ordinal: i32) -> String {
        format!("{}-{ordinal}", self.set.metadata.name.as_deref().unwrap_or_default())
    }

    fn pod(&self, ordinal: i32) -> Option<&Pod> {
        let name = self.pod_name(ordinal);
        self.pods.iter().copied().find(|pod| pod.metadata.name.as_ref() == Some(&name))
    }

    fn serves(&self, pod: &Pod) -> bool {
        pods::is_active(pod) && pods::is_available(pod, self.spec.min_ready_seconds.unwrap_or(0), self.now)
    }

    /// Highest ordinal first.
    fn surplus(&self) -> Vec<&Pod> {
        let wanted: Vec<String> = self.ordinals().map(|ordinal| self.pod_name(ordinal)).collect();
        let kept = |pod: &Pod| pod.metadata.name.as_ref().is_some_and(|name| wanted.contains(name));
        let mut surplus: Vec<&Pod> = self.pods.iter().copied().filter(|pod| !kept(pod)).collect();
        surplus.sort_by_key(|pod| std::cmp::Reverse(ordinal_of(pod)));
        surplus
    }

    fn replace_outdated(&self) -> Option<Write> {
        let strategy = self.spec.update_strategy.as_ref();
        if strategy.and_then(|strategy| strategy.type_.as_deref()) == Some("OnDelete") {
            return None;
        }
        let rolling = strategy.and_then(|strategy| strategy.rolling_update.as_ref());
        let partition = rolling.and_then(|rolling| rolling.partition).unwrap_or(0);
        for ordinal in self.ordinals().rev().filter(|ordinal| *ordinal >= partition) {
            let pod = self.pod(ordinal)?;
            if !self.is_current(pod) {
                return end(pod);
            }
            if !self.serves(pod) {
                return None;
            }
        }
        None
    }

    fn is_current(&self, pod: &Pod) -> bool {
        pod.metadata.labels.as_ref().and_then(|labels| labels.get(REVISION)) == Some(&self.revision)
    }

    fn newborn(&self, ordinal: i32) -> Pod {
        let (name, namespace) = (self.pod_name(ordinal), self.namespace());
        let mut pod =
            pods::from_template(&self.spec.template, pods::owned_by(self.set), namespace, self.node);
        let labels = pod.metadata.labels.get_or_insert_default();
        labels.insert(REVISION.to_owned(), self.revision.clone());
        labels.insert(POD_NAME.to_owned(), name.clone());
        labels.insert(POD_INDEX.to_owned(), ordinal.to_string());
        if let Some(spec) = &mut pod.spec {
            spec.hostname = Some(name.clone());
            spec.subdomain = self.spec.service_name.clone();
            let volumes = spec.volumes.get_or_insert_default();
            for template in self.claim_templates() {
                let volume = template.metadata.name.clone().unwrap_or_default();
                volumes.retain(|known| known.name != volume);
                volumes.push(claim_volume(volume, self.claim_name(template, ordinal)));
            }
        }
        pod.metadata.name = Some(name);
        pod
    }

    fn missing_claims(&self, ordinal: i32) -> Vec<Write> {
        let claims = self.claim_templates().iter().filter_map(|template| {
            let name = self.claim_name(template, ordinal);
            let missing = self.claims.find(&Key::new(self.namespace(), &name)).is_none();
            missing.then(|| Write::Create(Box::new(Object::Claim(self.claim(template, name)))))
        });
        claims.collect()
    }

    fn claim(&self, template: &PersistentVolumeClaim, name: String) -> PersistentVolumeClaim {
        let mut claim = template.clone();
        claim.status = None;
        claim.metadata.name = Some(name);
        claim.metadata.namespace = self.set.metadata.namespace.clone();
        let matched = self.spec.selector.match_labels.clone().unwrap_or_default();
        claim.metadata.labels.get_or_insert_default().extend(matched);
        let retention = self.spec.persistent_volume_claim_retention_policy.as_ref();
        if retention.and_then(|policy| policy.when_deleted.as_deref()) == Some("Delete") {
            claim.metadata.owner_references = Some(vec![pods::owned_by(self.set)]);
        }
        claim
    }

    fn claim_templates(&self) -> &[PersistentVolumeClaim] {
        self.spec.volume_claim_templates.as_deref().unwrap_or_default()
    }

    fn claim_name(&self, template: &PersistentVolumeClaim, ordinal: i32) -> String {
        format!("{}-{}", template.metadata.name.as_deref().unwrap_or_default(), self.pod_name(ordinal))
    }

    fn namespace(&self) -> &str {
        self.set.metadata.namespace.as_deref().unwrap_or_default()
    }

    fn report(&self) -> Option<Write> {
        let ours = || self.pods.iter().copied().filter(|pod| pods::is_active(pod));
        let updated = count(ours().filter(|pod| self.is_current(pod)));
        let old = self.set.status.clone().unwrap_or_default();
        let replicas = count(ours());
        let rolled_out = updated == replicas || old.current_revision.is_none();
        let current = if rolled_out { Some(self.revision.clone()) } else { old.current_revision.clone() };
        let of_current = ours().filter(|pod| {
            pod.metadata.labels.as_ref().and_then(|labels| labels.get(REVISION)) == current.as_ref()
        });
        let status = StatefulSetStatus {
            replicas,
            ready_replicas: Some(count(ours().filter(|pod| pods::is_ready(pod)))),
            available_replicas: Some(count(ours().filter(|pod| self.serves(pod)))),
            current_replicas: Some(count(of_current)),
            updated_replicas: Some(updated),
            current_revision: current,
            update_revision: Some(self.revision.clone()),
            observed_generation: self.set.metadata.generation,
            collision_count: Some(0),
            conditions: None,
        };
        (normal(&old) != normal(&status)).then(|| Write::PatchStatus {
            kind: Kind::StatefulSet,
            key: Key::of(self.set),
            body: json!({ "status": status }),
        })
    }
}

fn normal(status: &StatefulSetStatus) -> serde_json::Value {
    let mut value = json!(status);
    if let Some(fields) = value.as_object_mut() {
        fields.retain(|_, field| *field != json!(0));
    }
    value
}

fn revision(set: &StatefulSet, spec: &StatefulSetSpec) -> String {
    format!("{}-{}", set.metadata.name.as_deref().unwrap_or_default(), hash(&spec.template))
}

fn ordinal_of(pod: &Pod) -> Option<u32> {
    pod.metadata.name.as_deref()?.rsplit_once('-')?.1.parse().ok()
}

fn claim_volume(name: String, claim_name: String) -> Volume {
    let source = PersistentVolumeClaimVolumeSource { claim_name, read_only: None };
    Volume { name, persistent_volume_claim: Some(source), ..Volume::default() }
}

/// Ends a pod that is not ending yet.
fn end(pod: &Pod) -> Option<Write> {
    pod.metadata.deletion_timestamp.is_none().then(|| Write::Delete {
        kind: Kind::Pod,
        key: Key::of(pod),
        uid: pod.metadata.uid.clone().unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    use kube::runtime::watcher::Event;

    use super::*;

    fn set(replicas: i32, image: &str) -> StatefulSet {
        serde_json::from_value(json!({
            "metadata": { "name": "db", "namespace": "ns", "uid": "s" },
            "spec": {
                "replicas": replicas, "selector": { "matchLabels": { "app": "db" } }, "serviceName": "db",
                "template": { "metadata": { "labels": { "app": "db" } },
                              "spec": { "containers": [{ "name": "c", "image": image }] } },
                "volumeClaimTemplates": [{ "metadata": { "name": "data" }, "spec": {} }],
            },
        }))
        .unwrap()
    }

    fn pod(of: &StatefulSet, ordinal: i32, ready: bool) -> Pod {
        let claims = Objects::default();
        let view = View {
            set: of,
            spec: of.spec.as_ref().unwrap(),
            pods: &[],
            claims: &claims,
            node: "node",
            revision: revision(of, of.spec.as_ref().unwrap()),
            now: Timestamp::UNIX_EPOCH,
        };
        let mut pod = view.newborn(ordinal);
        let ready = if ready { "True" } else { "False" };
        let status = json!({ "phase": "Running", "conditions": [{ "type": "Ready", "status": ready }] });
        pod.status = Some(serde_json::from_value(status).unwrap());
        pod
    }

    fn check(set: &StatefulSet, pods: &[Pod], claims: &[&str]) -> Vec<String> {
        let mut known = Objects::default();
        for name in claims {
            let claim = json!({ "metadata": { "namespace": "ns", "name": name } });
            known.observe(Event::Apply(serde_json::from_value(claim).unwrap()));
        }
        let pods: Vec<&Pod> = pods.iter().collect();
        let writes = plan(set, &pods, &known, "node", Timestamp::UNIX_EPOCH);
        let status = |write: &&Write| !matches!(write, Write::PatchStatus { .. });
        writes.iter().filter(status).map(ToString::to_string).collect()
    }

    #[test]
    fn pods_start_one_after_the_other_each_with_its_claim() {
        let two = set(2, "one");
        assert_eq!(check(&two, &[], &[]), ["create PersistentVolumeClaim data-db-0", "create Pod db-0"]);
        assert_eq!(check(&two, &[pod(&two, 0, false)], &["data-db-0"]), [""; 0]);
        assert_eq!(
            check(&two, &[pod(&two, 0, true)], &["data-db-0"]),
            ["create PersistentVolumeClaim data-db-1", "create Pod db-1"]
        );
    }

    #[test]
    fn surplus_pods_end_from_the_highest() {
        let (one, three) = (set(1, "one"), set(3, "one"));
        let pods = [pod(&three, 0, true), pod(&three, 1, true), pod(&three, 2, true)];
        assert_eq!(check(&one, &pods, &["data-db-0"]), ["delete Pod ns/db-2"]);
    }

    #[test]
    fn a_new_template_replaces_pods_from_the_highest() {
        let (old, new) = (set(2, "one"), set(2, "two"));
        let claims = ["data-db-0", "data-db-1"];
        assert_eq!(check(&new, &[pod(&old, 0, true), pod(&old, 1, true)], &claims), ["delete Pod ns/db-1"]);
        assert_eq!(check(&new, &[pod(&old, 0, true), pod(&new, 1, true)], &claims), ["delete Pod ns/db-0"]);
        assert_eq!(check(&new, &[pod(&old, 0, true), pod(&new, 1, false)], &claims), [""; 0]);
    }
}

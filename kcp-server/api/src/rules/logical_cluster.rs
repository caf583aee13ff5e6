//! LogicalClusters.

use crate::{
    rejection::Rejection,
    types::core::{LogicalCluster, Phase},
    well_known::{annotation, group},
};
use kcp_apimachinery::{
    Value,
    field::{Error, Path},
    value,
};
use std::collections::BTreeSet;

/// Whether members of these groups may do with LogicalClusters as they like: the system itself.
#[must_use]
pub fn exempt<'g>(groups: impl IntoIterator<Item = &'g str>) -> bool {
    groups.into_iter().any(|name| {
        [
            group::MASTERS,
            group::LOGICAL_CLUSTER_ADMIN,
            group::EXTERNAL_LOGICAL_CLUSTER_ADMIN,
            group::WORKSPACE_BOOTSTRAPPER,
        ]
        .contains(&name)
    })
}

/// When initialization begins, who has to initialize and to let go is copied from the spec.
pub fn prepare_update(old: &Value, new: &mut Value) {
    let phase = |object: &Value| object.str_at(&["status", "phase"]) == Some(Phase::Initializing.as_str());
    if phase(old) || !phase(new) {
        return;
    }
    for list in ["initializers", "terminators"] {
        match new.at(&["spec", list]).cloned() {
            Some(wanted) => new.set_at(&["status", list], wanted),
            None => _ = new.remove_at(&["status", list]),
        }
    }
}

/// The refusal for everyone who is not [`exempt`].
#[must_use]
pub fn no_create() -> Rejection {
    Rejection::forbidden("LogicalCluster cannot be created")
}

/// Checks that someone who is not [`exempt`] may delete it.
///
/// # Errors
/// A logical cluster that only goes with its owner.
pub fn validate_delete(cluster: &LogicalCluster) -> Result<(), Rejection> {
    check(cluster.spec.directly_deletable, || "LogicalCluster cannot be deleted".to_owned())
}

/// Checks a change by someone who is not [`exempt`].
///
/// # Errors
/// A change of what is fixed, initializers that come back, a step backwards.
pub fn validate_update(old: &LogicalCluster, new: &LogicalCluster) -> Result<(), Rejection> {
    if old.spec.created_by != new.spec.created_by {
        let user = new.spec.created_by.as_ref().and_then(value::to_value).unwrap_or_default();
        let problem = Error::invalid(&Path::new("spec.createdBy"), user, "field is immutable");
        return Rejection::unless_empty(&[problem]);
    }
    let says = |text: &'static str| move || text.to_owned();
    let wanted = set(&new.spec.initializers);
    let (before, left) = (set(&old.status.initializers), set(&new.status.initializers));
    check(set(&old.spec.initializers) == wanted, says("spec.initializers is immutable"))?;
    let (was, is) = (old.status.phase, new.status.phase);
    match (was == Phase::Initializing, is == Phase::Initializing) {
        (false, true) => check(wanted == left, says("status.initializers do not equal spec.initializers"))?,
        (true, true) => check(left.is_subset(&before), says("status.initializers must not grow"))?,
        (_, false) => {
            check(before == left, says("status.initializers is immutable after initialization"))?;
            let done = was != Phase::Initializing || left.is_empty();
            check(done, says("status.initializers is not empty"))?;
        }
    }
    check(order(was) <= order(is), || {
        format!("cannot transition from {:?} to {:?}", was.as_str(), is.as_str())
    })?;
    check(is == Phase::Ready || inactive(old) || !inactive(new), || {
        format!(
            "LogicalCluster can only be marked inactive in phase \"Ready\", but is in phase {:?}",
            is.as_str()
        )
    })
}

/// Whether an admin closed a logical cluster.
#[must_use]
pub fn inactive(cluster: &LogicalCluster) -> bool {
    [annotation::INACTIVE, annotation::INACTIVE_LEGACY]
        .iter()
        .any(|key| cluster.metadata.annotation(key) == Some("true"))
}

/// The place among the phases that follow each other; the others can be left and entered at any time.
fn order(phase: Phase) -> u8 {
    match phase {
        Phase::Unset => 1,
        Phase::Scheduling => 2,
        Phase::Initializing => 3,
        Phase::Ready => 4,
        Phase::Unavailable | Phase::Inactive | Phase::Terminating | Phase::Deleting => 0,
    }
}

fn set(names: &[String]) -> BTreeSet<&str> {
    names.iter().map(String::as_str).collect()
}

fn check(holds: bool, text: impl FnOnce() -> String) -> Result<(), Rejection> {
    if holds { Ok(()) } else { Err(Rejection::Forbidden(text())) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::Kind;

    fn cluster(phase: &str, spec: &[&str], status: &[&str]) -> LogicalCluster {
        let list = |names: &[&str]| names.iter().map(|name| Value::from(*name)).collect::<Value>();
        LogicalCluster::from_value(&value!({
            "spec": {"initializers": (list(spec))},
            "status": {"phase": phase, "initializers": (list(status))}
        }))
        .expect("a logical cluster")
    }

    fn check_text(old: &LogicalCluster, new: &LogicalCluster, expected: Option<&str>) {
        let result = validate_update(old, new);
        assert_eq!(result.err().map(|error| error.to_string()).as_deref(), expected);
    }

    #[test]
    fn initializers_are_given_once_and_taken_away() {
        let scheduling = cluster("Scheduling", &["a", "b"], &[]);
        let begun = cluster("Initializing", &["a", "b"], &["b", "a"]);
        check_text(&scheduling, &begun, None);
        let text = "status.initializers do not equal spec.initializers";
        check_text(&scheduling, &cluster("Initializing", &["a", "b"], &["a"]), Some(text));
        check_text(&begun, &cluster("Initializing", &["a"], &["a"]), Some("spec.initializers is immutable"));
        let half = cluster("Initializing", &["a", "b"], &["a"]);
        check_text(&begun, &half, None);
        check_text(&half, &begun, Some("status.initializers must not grow"));
        check_text(&half, &cluster("Ready", &["a", "b"], &["a"]), Some("status.initializers is not empty"));
        let done = cluster("Initializing", &["a", "b"], &[]);
        let ready = cluster("Ready", &["a", "b"], &[]);
        check_text(&done, &ready, None);
        let text = "status.initializers is immutable after initialization";
        check_text(&ready, &cluster("Ready", &["a", "b"], &["a"]), Some(text));
    }

    #[test]
    fn phases_go_forward() {
        let phase = |phase| cluster(phase, &[], &[]);
        check_text(
            &phase("Ready"),
            &phase("Scheduling"),
            Some("cannot transition from \"Ready\" to \"Scheduling\""),
        );
        check_text(&phase("Scheduling"), &phase(""), Some("cannot transition from \"Scheduling\" to \"\""));
        let text = "cannot transition from \"Ready\" to \"Deleting\"";
        check_text(&phase("Ready"), &phase("Deleting"), Some(text));
        check_text(&phase("Inactive"), &phase("Ready"), None);
    }

    #[test]
    fn only_a_ready_logical_cluster_is_closed() {
        let closed = |phase: &str| {
            let mut cluster = cluster(phase, &[], &[]);
            cluster.metadata.annotations.insert(annotation::INACTIVE.into(), "true".into());
            cluster
        };
        check_text(&cluster("Ready", &[], &[]), &closed("Ready"), None);
        let text =
            "LogicalCluster can only be marked inactive in phase \"Ready\", but is in phase \"Initializing\"";
        check_text(&cluster("Initializing", &[], &[]), &closed("Initializing"), Some(text));
        check_text(&closed("Inactive"), &closed("Inactive"), None);
    }

    #[test]
    fn the_creator_stays() {
        let mut other = cluster("Ready", &[], &[]);
        other.spec.created_by = Some(crate::types::UserInfo { username: "eve".into(), ..Default::default() });
        let text = "spec.createdBy: Invalid value: {\"username\":\"eve\"}: field is immutable";
        check_text(&cluster("Ready", &[], &[]), &other, Some(text));
    }

    #[test]
    fn the_beginning_copies_what_is_to_be_done() {
        let old = value!({"status": {"phase": "Scheduling", "terminators": ["x"]}});
        let begun = value!({"spec": {"initializers": ["a"]}, "status": {"phase": "Initializing", "terminators": ["x"]}});
        let mut new = begun.clone();
        prepare_update(&old, &mut new);
        let status = value!({"phase": "Initializing", "initializers": ["a"]});
        assert_eq!(new.get("status"), Some(&status));
        let mut again = begun.clone();
        prepare_update(&begun, &mut again);
        assert_eq!(again, begun);
    }

    #[test]
    fn the_system_is_exempt() {
        assert!(exempt(["x", "system:masters"]) && exempt(["system:kcp:logical-cluster-admin"]));
        assert!(!exempt(["system:kcp:admin"]));
        assert!(validate_delete(&cluster("Ready", &[], &[])).is_err());
    }
}

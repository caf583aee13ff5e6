//! `kcp-logicalcluster-deletion`: what a logical cluster holds goes before it does.
//!
//! Content first, then APIBindings, then RBAC, the LogicalCluster last. Once its phase is `Deleting` nothing
//! can be created in it any more (the store refuses), so what has been emptied stays empty.

use crate::{
    conditions::{self, Condition},
    contents::{self, LOOK, Sweep},
    kinds,
    workspace::finalizers,
};
use kcp_api::well_known::finalizer;
use kcp_apimachinery::Value;
use kcp_reconcile::{Change, Controller, Fact, Facts, Missing, Object, Step, Wake, Wakes};
use kcp_storage::{Event, Key, Range};

/// Pages of keys looked through for something to delete. Behind that many objects that are held by finalizers,
/// the others wait for those.
const PAGES: usize = 4;
const CONDITION: &str = "WorkspaceContentDeleted";

/// The controller.
#[derive(Default)]
pub struct LogicalClusterContent;

/// When an object goes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Content,
    Bindings,
    Rbac,
}

fn stage(key: &Key) -> Option<Stage> {
    match (&*key.resource.group, &*key.resource.resource) {
        ("core.kcp.io", "logicalclusters") => None,
        ("apis.kcp.io", "apibindings") => Some(Stage::Bindings),
        ("rbac.authorization.k8s.io", "clusterroles" | "clusterrolebindings") => Some(Stage::Rbac),
        _ => Some(Stage::Content),
    }
}

impl Controller for LogicalClusterContent {
    fn name(&self) -> &'static str {
        "kcp-logicalcluster-deletion"
    }

    fn watches(&self) -> Vec<Range> {
        vec![
            Range::everywhere(kinds::logical_clusters()),
            Range::everywhere(kinds::core("namespaces")),
            Range::everywhere(kinds::api_bindings()),
        ]
    }

    /// What goes by itself wakes the logical cluster that it was in, which may be waiting for just that.
    fn glance(&self, event: &Event, wakes: &mut Vec<Wakes>) -> bool {
        let cluster = event.key.resource == kinds::logical_clusters();
        if !cluster && event.record.is_none() {
            wakes.push(Wakes::One(kinds::logical_cluster(&event.key.cluster)));
        }
        cluster && event.record.is_some()
    }

    fn wakes(&self, event: &Event, object: &Value, wakes: &mut Vec<Wakes>) {
        if object.meta().is_deleting() {
            wakes.push(Wakes::One(event.key.clone()));
        }
    }

    fn plan(&self, at: &Key, facts: &Facts) -> Result<Step, Missing> {
        let Fact::Is(found) = facts.get(at)? else { return Ok(Step::Done) };
        if !found.is_deleting() || !found.value.meta().has_finalizer(finalizer::LOGICAL_CLUSTER) {
            return Ok(Step::Done);
        }
        for stage in [Stage::Content, Stage::Bindings, Stage::Rbac] {
            let sweep = sweep(at, stage, facts)?;
            if !sweep.deletes.is_empty() {
                return Ok(Step::Each(sweep.deletes));
            }
            if let Some(remaining) = sweep.remaining() {
                return Ok(report(&found, &sweep, &remaining, facts));
            }
        }
        // Empty; but only a closed logical cluster stays so.
        if found.value.str_at(&["status", "phase"]) == Some("Deleting") {
            return Ok(Step::Write(vec![release(&found)]));
        }
        Ok(Step::Wait(Wake::Change, "terminators are left".to_owned()))
    }
}

/// Looks at the objects of one stage, page by page, until there is something to delete.
fn sweep(at: &Key, wanted: Stage, facts: &Facts) -> Result<Sweep, Missing> {
    let (mut all, mut after) = (Sweep::default(), None);
    for _ in 0..PAGES {
        let keys = facts.contents(&at.cluster, after, LOOK)?;
        all.look(keys.iter().filter(|key| stage(key) == Some(wanted)), facts)?;
        after = keys.last();
        if !all.deletes.is_empty() || keys.len() < LOOK {
            break;
        }
    }
    Ok(all)
}

/// Everything is marked, and something has to go by itself: waits for it, and says so when that takes longer
/// than a moment.
fn report(found: &Object, sweep: &Sweep, remaining: &str, facts: &Facts) -> Step {
    let mut why = format!("Some resources are remaining: {remaining}");
    if let Some(held) = sweep.held() {
        why = format!("{why}; Some content in the logical cluster has finalizers remaining: {held}");
    }
    let (severity, reason) = match sweep.refused.values().next() {
        None => ("Info", "SomeResourcesRemain"),
        Some(refused) => {
            why.clone_from(refused);
            ("Error", "ContentDeletionFailed")
        }
    };
    let age = contents::age(found, facts.now());
    let mut object = (*found.value).clone();
    if age >= 1 {
        let cause = Condition::unmet(CONDITION, severity, reason, why.clone());
        conditions::set(&mut object, &cause, facts.now());
    }
    if object != *found.value {
        return Step::Write(vec![Change::Update { key: found.key.clone(), object, subresource: None }]);
    }
    Step::Wait(Wake::After(contents::pause(age)), why)
}

/// Takes this controller's finalizer off.
fn release(found: &Object) -> Change {
    let mut left = finalizers(&found.value);
    left.retain(|f| f.as_str() != Some(finalizer::LOGICAL_CLUSTER));
    let mut patch = found.precondition();
    patch.set_at(&["metadata", "finalizers"], Value::Array(left));
    Change::Patch { key: found.key.clone(), patch, subresource: None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::{World, at, here, in_cluster, wakes};
    use kcp_apimachinery::value;
    use kcp_names::ClusterName;

    fn cluster() -> Key {
        kinds::logical_cluster(&here())
    }

    fn map(place: &str) -> Key {
        at(kinds::core("configmaps"), place)
    }

    fn world(phase: &str) -> World {
        let finalizers = value!(["core.kcp.io/logicalcluster-deletion"]);
        let object = value!({"metadata": {"finalizers": (finalizers)}, "status": {"phase": (phase)}});
        let mut world = World::new().with(&cluster(), object);
        world.delete(&cluster());
        world
    }

    #[test]
    fn content_goes_before_bindings_and_bindings_before_rights() {
        let held = value!({"metadata": {"finalizers": ["apis.kcp.io/apibinding-finalizer"]}});
        let binding = at(kinds::api_bindings(), "farm");
        let mut world = world("Deleting")
            .with(&binding, held)
            .with(&at(kinds::rbac("clusterroles"), "r"), value!({}))
            .with(&map("n/a"), value!({}))
            .with(&in_cluster(&ClusterName::root(), kinds::core("configmaps"), "n/a"), value!({}));
        assert!(world.run(&LogicalClusterContent, &cluster()).is_some(), "the binding is left");
        assert_eq!(world.log, ["delete configmaps n/a", "delete apibindings farm"]);
        let before = world.get(&binding).cloned();
        world.edit(&binding, |object| {
            _ = object.meta_mut().remove_finalizer("apis.kcp.io/apibinding-finalizer")
        });
        let woken = wakes(&LogicalClusterContent, &binding, before, None);
        assert_eq!(woken, ["one logicalclusters cluster"]);
        assert_eq!(world.run(&LogicalClusterContent, &cluster()), None);
        assert_eq!(world.log[2..], ["delete clusterroles r", "patch logicalclusters cluster"]);
        assert_eq!(world.get(&cluster()), None);
        assert!(world.get(&in_cluster(&ClusterName::root(), kinds::core("configmaps"), "n/a")).is_some());
    }

    #[test]
    fn what_is_left_is_told_of() {
        let held = value!({"metadata": {"finalizers": ["example.io/held"]}});
        let mut world = world("Deleting").with(&map("n/a"), held);
        world.run(&LogicalClusterContent, &cluster());
        world.now += 3;
        world.run(&LogicalClusterContent, &cluster());
        let condition = conditions::find(world.get(&cluster()).expect("there"), CONDITION).cloned();
        let message = condition.and_then(|condition| condition.str_at(&["message"]).map(str::to_owned));
        assert_eq!(
            message.as_deref(),
            Some(
                "Some resources are remaining: configmaps. has 1 resource instances; Some content in the \
                 logical cluster has finalizers remaining: example.io/held in 1 resource instances"
            )
        );
    }

    #[test]
    fn an_open_logical_cluster_stays_until_it_is_closed() {
        let mut world = world("Terminating");
        assert!(world.run(&LogicalClusterContent, &cluster()).is_some());
        assert!(world.get(&cluster()).is_some());
    }

    /// More than one plan may look at, and more than one plan may delete; the last ones are behind a page of
    /// objects that are marked and held.
    #[test]
    fn any_size_goes() {
        let mut world = world("Deleting");
        let held = value!({"metadata": {
            "finalizers": ["example.io/held"], "deletionTimestamp": "1970-01-01T00:00:01Z",
        }});
        for number in 0..LOOK {
            world.put(&map(&format!("n/a{number:05}")), held.clone());
        }
        for number in 0..700 {
            world.put(&map(&format!("n/b{number:05}")), value!({}));
        }
        assert!(world.run(&LogicalClusterContent, &cluster()).is_some());
        assert_eq!(world.log.len(), 700);
        assert_eq!(world.get(&map("n/b00699")), None);
    }
}

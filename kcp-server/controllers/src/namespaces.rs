//! `kube-namespace-controller`: what a namespace holds goes before it does.
//!
//! A namespace that is marked is closed, so what has been emptied stays empty. When nothing is left, the
//! finalizer in its spec goes, by the subresource that alone may change it.

use crate::{
    contents::{self, LOOK, Sweep},
    kinds, plain,
};
use kcp_apimachinery::Value;
use kcp_reconcile::{Change, Controller, Fact, Facts, Missing, Object, Step, Wake, Wakes};
use kcp_storage::{Event, Key, ObjectName, Range};

/// The finalizer that stands for this controller.
const KUBERNETES: &str = "kubernetes";

/// The controller.
#[derive(Default)]
pub struct Namespaces;

impl Controller for Namespaces {
    fn name(&self) -> &'static str {
        "kube-namespace-controller"
    }

    fn watches(&self) -> Vec<Range> {
        vec![Range::everywhere(kinds::core("namespaces"))]
    }

    fn wakes(&self, event: &Event, object: &Value, wakes: &mut Vec<Wakes>) {
        if event.record.is_some() && object.meta().is_deleting() {
            wakes.push(Wakes::One(event.key.clone()));
        }
    }

    fn plan(&self, at: &Key, facts: &Facts) -> Result<Step, Missing> {
        let Fact::Is(namespace) = facts.get(at)? else { return Ok(Step::Done) };
        if !namespace.is_deleting() || !finalizers(&namespace).any(|name| name == KUBERNETES) {
            return Ok(Step::Done);
        }
        let keys = facts.namespace_contents(&at.cluster, &ObjectName::clone(&at.name), LOOK)?;
        let sweep = Sweep::of(keys, facts)?;
        if !sweep.deletes.is_empty() {
            return Ok(Step::Each(sweep.deletes));
        }
        let Some(remaining) = sweep.remaining() else { return Ok(release(&namespace)) };
        Ok(report(&namespace, &sweep, &remaining, facts))
    }
}

/// Whether objects may be made in a namespace.
pub(crate) fn is_active(namespace: &Object) -> bool {
    !namespace.is_deleting() && namespace.value.str_at(&["status", "phase"]) != Some("Terminating")
}

fn finalizers(namespace: &Object) -> impl Iterator<Item = &str> {
    let list = namespace.value.at(&["spec", "finalizers"]).and_then(Value::as_array).unwrap_or_default();
    list.iter().filter_map(Value::as_str)
}

/// Says what is left when that takes longer than a moment, and waits for it.
fn report(namespace: &Object, sweep: &Sweep, remaining: &str, facts: &Facts) -> Step {
    let age = contents::age(namespace, facts.now());
    let mut object = (*namespace.value).clone();
    if age >= 1 {
        let mut say = |kind: &str, broken: Option<(&str, String)>, reason: &str, message: &str| match broken {
            Some((reason, message)) => plain::set(&mut object, kind, "True", reason, &message, facts.now()),
            None => plain::set(&mut object, kind, "False", reason, message, facts.now()),
        };
        let refused = (!sweep.refused.is_empty()).then(|| {
            let whys: Vec<&str> = sweep.refused.values().map(String::as_str).collect();
            let whys = whys.join(", ");
            let count = sweep.refused.len();
            let message = format!("Failed to delete all resource types, {count} remaining: {whys}");
            ("ContentDeletionFailed", message)
        });
        let left = ("SomeResourcesRemain", format!("Some resources are remaining: {remaining}"));
        let held = sweep.held().map(|held| {
            (
                "SomeFinalizersRemain",
                format!("Some content in the namespace has finalizers remaining: {held}"),
            )
        });
        let discovered = "All resources successfully discovered";
        say("NamespaceDeletionDiscoveryFailure", None, "ResourcesDiscovered", discovered);
        let parsed = "All legacy kube types successfully parsed";
        say("NamespaceDeletionGroupVersionParsingFailure", None, "ParsedGroupVersions", parsed);
        let deleted = "All content successfully deleted, may be waiting on finalization";
        say("NamespaceDeletionContentFailure", refused, "ContentDeleted", deleted);
        say("NamespaceContentRemaining", Some(left), "ContentRemoved", "");
        let unheld = "All content-preserving finalizers finished";
        say("NamespaceFinalizersRemaining", held, "ContentHasNoFinalizers", unheld);
    }
    if object != *namespace.value {
        let subresource = Some("status");
        return Step::Write(vec![Change::Update { key: namespace.key.clone(), object, subresource }]);
    }
    Step::Wait(Wake::After(contents::pause(age)), format!("resources are remaining: {remaining}"))
}

/// Takes this controller's finalizer off.
fn release(namespace: &Object) -> Step {
    let mut object = (*namespace.value).clone();
    let left = finalizers(namespace).filter(|name| *name != KUBERNETES).map(Value::from).collect();
    object.set_at(&["spec", "finalizers"], left);
    let key = namespace.key.clone();
    Step::Write(vec![Change::Update { key, object, subresource: Some("finalize") }])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::{World, at};
    use kcp_apimachinery::value;
    use kcp_storage::ResourceKey;

    fn namespace() -> Key {
        at(kinds::core("namespaces"), "n")
    }

    fn config_map(place: &str) -> Key {
        at(kinds::core("configmaps"), place)
    }

    fn world() -> World {
        let held = value!({"metadata": {"finalizers": ["example.io/held"]}});
        World::new()
            .with(&namespace(), value!({"spec": {"finalizers": ["kubernetes"]}}))
            .with(&config_map("n/a"), value!({}))
            .with(&config_map("other/a"), value!({}))
            .with(&at(ResourceKey::bound("example.io", "widgets", "f00"), "n/w"), held)
    }

    fn message(world: &World, kind: &str) -> String {
        let object = world.get(&namespace()).expect("a namespace");
        let condition = crate::conditions::find(object, kind).expect("a condition");
        let text = |name: &str| condition.str_at(&[name]).expect("text").to_owned();
        format!("{} {}: {}", text("status"), text("reason"), text("message"))
    }

    #[test]
    fn a_namespace_that_is_not_deleted_is_left_alone() {
        let mut world = world();
        assert_eq!(world.run(&Namespaces, &namespace()), None);
        assert!(world.log.is_empty());
    }

    #[test]
    fn content_goes_first_and_finalizers_are_waited_for() {
        let (mut world, widget) = (world(), at(ResourceKey::bound("example.io", "widgets", "f00"), "n/w"));
        world.delete(&namespace());
        assert!(world.run(&Namespaces, &namespace()).is_some());
        assert_eq!(world.log, ["delete configmaps n/a", "delete widgets n/w"], "and nothing else yet");
        world.now += 5;
        assert!(world.run(&Namespaces, &namespace()).is_some());
        assert_eq!(
            message(&world, "NamespaceContentRemaining"),
            "True SomeResourcesRemain: Some resources are remaining: widgets.example.io has 1 resource instances"
        );
        assert_eq!(
            message(&world, "NamespaceFinalizersRemaining"),
            "True SomeFinalizersRemain: Some content in the namespace has finalizers remaining: example.io/held in 1 resource instances"
        );
        world.edit(&widget, |object| _ = object.meta_mut().remove_finalizer("example.io/held"));
        assert_eq!(world.run(&Namespaces, &namespace()), None);
        assert_eq!(world.get(&namespace()), None, "it is gone");
        assert!(world.get(&config_map("other/a")).is_some());
    }

    #[test]
    fn what_is_refused_is_told_and_stops_nothing_else() {
        let mut world = world().refuse(&config_map("n/a"), "it is forbidden");
        world.delete(&namespace());
        world.now += 5;
        assert!(world.run(&Namespaces, &namespace()).is_some());
        assert_eq!(
            message(&world, "NamespaceDeletionContentFailure"),
            "True ContentDeletionFailed: Failed to delete all resource types, 1 remaining: it is forbidden"
        );
        assert!(world.log.contains(&"delete widgets n/w".to_owned()));
    }

    #[test]
    fn the_finalizers_of_others_stay() {
        let mut world = world();
        world.edit(&namespace(), |object| {
            object.set_at(&["spec", "finalizers"], value!(["kubernetes", "example.io/other"]));
        });
        world.edit(&at(ResourceKey::bound("example.io", "widgets", "f00"), "n/w"), |object| {
            object.remove_at(&["metadata", "finalizers"]);
        });
        world.delete(&namespace());
        assert_eq!(world.run(&Namespaces, &namespace()), None);
        let object = world.get(&namespace()).expect("still there");
        assert_eq!(object.at(&["spec", "finalizers"]), Some(&value!(["example.io/other"])));
    }
}

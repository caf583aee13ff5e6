//! `kcp-crd`: the life of CustomResourceDefinitions.
//!
//! What Kubernetes has five controllers for is one plan here: which names a definition is granted, whether
//! it is served, whether its schemas are structural, whether a protected group was approved, and, when it
//! is deleted, that its instances go first.
//!
//! Names are granted within one group of one logical cluster. Of two definitions that nobody has decided
//! about yet, the older one goes first, so that two workers never grant a name twice.

use crate::{
    contents::{self, LOOK, Sweep},
    key, kinds, plain,
};
use kcp_apimachinery::{Value, go, time::Time, value};
use kcp_names::ClusterName;
use kcp_reconcile::{Change, Controller, Fact, Facts, Missing, Object, Step, Wake, Wakes};
use kcp_schema::crd::{conditions, names_in_use, stored_versions};
use kcp_storage::{Event, Key, Range, Record, ResourceKey};

/// Definitions of one logical cluster that are looked through for names.
const NEIGHBOURS: usize = 5_000;
const CLEANUP: &str = "customresourcecleanup.apiextensions.k8s.io";
const APPROVED: &str = "api-approved.kubernetes.io";
const CONFORMANT: &str = "KubernetesAPIApprovalPolicyConformant";

/// The controller.
#[derive(Default)]
pub struct Definitions;

impl Controller for Definitions {
    fn name(&self) -> &'static str {
        "kcp-crd"
    }

    fn watches(&self) -> Vec<Range> {
        vec![Range::everywhere(kinds::crds())]
    }

    fn wakes(&self, event: &Event, object: &Value, wakes: &mut Vec<Wakes>) {
        if event.record.is_some() {
            wakes.push(Wakes::One(event.key.clone()));
        }
        // Others wait for names only if one was given back, or asked for and not granted.
        let granted = |object: &Value| object.at(&["status", "acceptedNames"]).cloned();
        let released = match (&event.record, &event.previous) {
            (None, _) => true,
            (Some(_), Some(before)) => {
                let before = granted(&decode(before));
                before.is_some() && before != granted(object) || !gets_its_names(object)
            }
            (Some(_), None) => false,
        };
        if released && !is_shared(&event.key.cluster) {
            wakes.push(Wakes::All(Range::cluster(kinds::crds(), event.key.cluster.clone())));
        }
    }

    fn plan(&self, at: &Key, facts: &Facts) -> Result<Step, Missing> {
        let Fact::Is(definition) = facts.get(at)? else { return Ok(Step::Done) };
        if definition.is_deleting() {
            return clean_up(&definition, facts);
        }
        let older = if is_shared(&at.cluster) { Vec::new() } else { neighbours(&definition, facts)? };
        let now = Time::from_unix(facts.now()).map(|now| now.to_string()).unwrap_or_default();
        let mut object = (*definition.value).clone();
        let status = conditions(&object, &names_in_use(&older), &now);
        object.set_at(&["status"], status);
        let stored = stored_versions(&object, Some(&object)).into_iter().map(Value::from).collect();
        object.set_at(&["status", "storedVersions"], stored);
        approve(&mut object, facts.now());
        if object == *definition.value {
            return Ok(Step::Done);
        }
        let subresource = Some("status");
        Ok(Step::Write(vec![Change::Update { key: at.clone(), object, subresource }]))
    }
}

fn decode(record: &Record) -> Value {
    kcp_apimachinery::value::decode(record.json()).unwrap_or_default()
}

/// Whether definitions of a logical cluster serve all others. Each of them is served under an identity of its
/// own or was made by us, so they do not compete for names.
fn is_shared(cluster: &ClusterName) -> bool {
    *cluster == ClusterName::bound_crds() || *cluster == ClusterName::system_crds()
}

/// Whether a definition was granted what it asks for, as far as that was decided.
fn gets_its_names(definition: &Value) -> bool {
    crate::conditions::find(definition, "NamesAccepted")
        .is_none_or(|condition| condition.str_at(&["status"]) == Some("True"))
}

/// The other definitions of the same group that count: those with granted names, and those that are
/// older and undecided, which count with the names that they ask for.
fn neighbours(definition: &Object, facts: &Facts) -> Result<Vec<Value>, Missing> {
    let group = definition.value.str_at(&["spec", "group"]).unwrap_or_default();
    let suffix = format!(".{group}");
    let range = Range::cluster(kinds::crds(), definition.key.cluster.clone());
    // A definition is called `<plural>.<group>`.
    let same_group = |key: &&Key| key.name.as_str().ends_with(&suffix) && **key != definition.key;
    let keys: Vec<Key> = facts.keys_of(&range, NEIGHBOURS)?.iter().filter(same_group).cloned().collect();
    let others = facts.get_all(&keys)?.into_iter().filter_map(Fact::known);
    let others = others.filter(|other| other.value.str_at(&["spec", "group"]) == Some(group));
    Ok(others
        .filter_map(|other| {
            if crate::conditions::find(&other.value, "NamesAccepted").is_some() {
                return Some((*other.value).clone());
            }
            let wanted = other.value.at(&["spec", "names"]).cloned().unwrap_or_default();
            (other.created < definition.created).then(|| value!({"status": {"acceptedNames": (wanted)}}))
        })
        .collect())
}

/// Says whether a definition in a group of the Kubernetes community was approved by it.
fn approve(object: &mut Value, now: i64) {
    let group = object.str_at(&["spec", "group"]).unwrap_or_default();
    let protected = ["k8s.io", "kubernetes.io"]
        .iter()
        .any(|owner| group == *owner || group.strip_suffix(owner).is_some_and(|rest| rest.ends_with('.')));
    if !protected {
        return crate::conditions::remove(object, CONFORMANT);
    }
    let given = object.meta().annotation(APPROVED).unwrap_or_default().to_owned();
    let see = "see https://github.com/kubernetes/enhancements/pull/1111";
    let must = format!("protected groups must have approval annotation {}", go::quote(APPROVED));
    let is_url = given.split_once("://").is_some_and(|(scheme, rest)| {
        scheme.starts_with(|c: char| c.is_ascii_alphabetic()) && !rest.is_empty() && !rest.starts_with('/')
    });
    let (status, reason, message) = if given.is_empty() {
        ("False", "MissingAnnotation", format!("{must}, {see}"))
    } else if given.starts_with("unapproved") {
        ("False", "UnapprovedAnnotation", format!("not approved: {}", go::quote(&given)))
    } else if is_url {
        ("True", "ApprovedAnnotation", format!("approved in {given}"))
    } else {
        let either = "with either a URL or a reason starting with \"unapproved\"";
        ("False", "InvalidAnnotation", format!("{must} {either}, {see}"))
    };
    plain::set(object, CONFORMANT, status, reason, &message, now);
}

/// Deletes the instances of a definition, then lets it go.
fn clean_up(definition: &Object, facts: &Facts) -> Result<Step, Missing> {
    if !definition.value.meta().has_finalizer(CLEANUP) {
        return Ok(Step::Done);
    }
    let keys = instances(definition, facts)?;
    let sweep = Sweep::of(&keys, facts)?;
    if !sweep.deletes.is_empty() {
        return Ok(Step::Each(sweep.deletes));
    }
    let mut object = (*definition.value).clone();
    let Some(remaining) = sweep.remaining() else {
        // What nobody will see any more is not said first.
        object.meta_mut().remove_finalizer(CLEANUP);
        return Ok(Step::Write(vec![Change::Update {
            key: definition.key.clone(),
            object,
            subresource: None,
        }]));
    };
    let age = contents::age(definition, facts.now());
    if age >= 1 {
        let (reason, message) = match sweep.refused.values().next() {
            Some(why) => ("InstanceDeletionFailed", format!("could not issue all deletes: {why}")),
            None => ("InstanceDeletionInProgress", "CustomResource deletion is in progress".to_owned()),
        };
        plain::set(&mut object, "Terminating", "True", reason, &message, facts.now());
    }
    if object != *definition.value {
        let subresource = Some("status");
        return Ok(Step::Write(vec![Change::Update { key: definition.key.clone(), object, subresource }]));
    }
    Ok(Step::Wait(Wake::After(contents::pause(age)), format!("instances are remaining: {remaining}")))
}

/// The instances that a definition is answerable for. A definition that never was served has none, and
/// behind one that a system definition hides are objects of that one.
fn instances(definition: &Object, facts: &Facts) -> Result<Vec<Key>, Missing> {
    let cluster = &definition.key.cluster;
    if is_shared(cluster) || !crate::conditions::is_true(&definition.value, "Established") {
        return Ok(Vec::new());
    }
    let system = key(kinds::crds(), &ClusterName::system_crds(), None, definition.key.name.as_str());
    if let Some(system) = system
        && facts.get(&system)? != Fact::Absent
    {
        return Ok(Vec::new());
    }
    let text = |path: &[&str]| definition.value.str_at(path).unwrap_or_default();
    let group = Some(text(&["spec", "group"])).filter(|group| *group != "core").unwrap_or_default();
    let resource = ResourceKey::custom(group, text(&["spec", "names", "plural"]));
    Ok(facts.keys_of(&Range::cluster(resource, cluster.clone()), LOOK)?.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::{World, at, in_cluster, wakes};

    fn definition(plural: &str, kind: &str) -> Value {
        value!({
            "metadata": {"name": (format!("{plural}.example.io"))},
            "spec": {
                "group": "example.io", "scope": "Namespaced",
                "names": {"plural": (plural), "singular": (kind.to_lowercase()), "kind": (kind), "listKind": (format!("{kind}List"))},
                "versions": [{"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": {"type": "object"}}}],
            },
        })
    }

    fn place(plural: &str) -> Key {
        at(kinds::crds(), &format!("{plural}.example.io"))
    }

    fn condition(world: &World, key: &Key, kind: &str) -> String {
        let object = world.get(key).expect("a definition");
        crate::conditions::find(object, kind).map_or_else(String::new, |condition| {
            let text = |name: &str| condition.str_at(&[name]).expect("text");
            format!("{} {}: {}", text("status"), text("reason"), text("message"))
        })
    }

    #[test]
    fn a_definition_is_served_after_one_write() {
        let (mut world, widgets) = (World::new(), place("widgets"));
        world.put(&widgets, definition("widgets", "Widget"));
        assert_eq!(world.run(&Definitions, &widgets), None);
        assert_eq!(world.log, ["update customresourcedefinitions widgets.example.io"]);
        assert_eq!(condition(&world, &widgets, "NamesAccepted"), "True NoConflicts: no conflicts found");
        assert!(condition(&world, &widgets, "Established").starts_with("True InitialNamesAccepted"));
        let object = world.get(&widgets).expect("there");
        assert_eq!(object.at(&["status", "storedVersions"]), Some(&value!(["v1"])));
        assert_eq!(object.str_at(&["status", "acceptedNames", "kind"]), Some("Widget"));
    }

    #[test]
    fn a_name_is_granted_once_and_goes_on_when_it_is_released() {
        let (mut world, first, second) = (World::new(), place("widgets"), place("gadgets"));
        world.put(&first, definition("widgets", "Widget"));
        world.run(&Definitions, &first);
        world.put(&second, definition("gadgets", "Widget"));
        world.run(&Definitions, &second);
        assert_eq!(
            condition(&world, &second, "NamesAccepted"),
            "False ListKindConflict: \"WidgetList\" is already in use"
        );
        assert!(condition(&world, &second, "Established").starts_with("False NotAccepted"));
        let before = world.get(&first).cloned();
        world.delete(&first);
        assert_eq!(wakes(&Definitions, &first, before, None).len(), 1, "all others");
        world.run(&Definitions, &second);
        assert!(condition(&world, &second, "Established").starts_with("True"));
    }

    #[test]
    fn of_two_that_nobody_has_decided_about_the_older_goes_first() {
        let mut world = World::new()
            .with(&place("widgets"), definition("widgets", "Widget"))
            .with(&place("gadgets"), definition("gadgets", "Widget"));
        world.run(&Definitions, &place("gadgets"));
        assert!(condition(&world, &place("gadgets"), "Established").starts_with("False"));
        world.run(&Definitions, &place("widgets"));
        assert!(condition(&world, &place("widgets"), "Established").starts_with("True"));
    }

    #[test]
    fn accepted_definitions_wake_nobody_else() {
        let mut world = World::new().with(&place("widgets"), definition("widgets", "Widget"));
        let before = world.get(&place("widgets")).cloned();
        world.run(&Definitions, &place("widgets"));
        let after = world.get(&place("widgets")).cloned();
        let expected = ["one customresourcedefinitions widgets.example.io"];
        assert_eq!(wakes(&Definitions, &place("widgets"), before, after), expected);
    }

    #[test]
    fn bound_definitions_keep_their_names() {
        let bound = |uid| in_cluster(&ClusterName::bound_crds(), kinds::crds(), uid);
        let mut world = World::new()
            .with(&bound("a"), definition("widgets", "Widget"))
            .with(&bound("b"), definition("widgets", "Widget"));
        for uid in ["a", "b"] {
            world.run(&Definitions, &bound(uid));
            assert!(condition(&world, &bound(uid), "Established").starts_with("True"));
        }
    }

    #[test]
    fn a_schema_that_is_not_structural_is_told() {
        let (mut world, key) = (World::new(), place("widgets"));
        let mut object = definition("widgets", "Widget");
        object.set_at(&["spec", "preserveUnknownFields"], true.into());
        world.put(&key, object);
        world.run(&Definitions, &key);
        assert_eq!(
            condition(&world, &key, "NonStructuralSchema"),
            "True Violations: spec.preserveUnknownFields: Invalid value: true: must be false"
        );
    }

    fn check_approval(group: &str, annotation: Option<&str>, expected: &str) {
        let mut object = value!({"spec": {"group": (group)}});
        if let Some(text) = annotation {
            object.set_at(&["metadata", "annotations", APPROVED], text.into());
        }
        approve(&mut object, 0);
        let found = crate::conditions::find(&object, CONFORMANT);
        let text = |name: &str| found.and_then(|condition| condition.str_at(&[name])).unwrap_or_default();
        assert_eq!(
            format!("{} {}", text("status"), text("reason")).trim(),
            expected,
            "{group} {annotation:?}"
        );
    }

    #[test]
    fn protected_groups_need_approval() {
        check_approval("example.io", None, "");
        check_approval("notk8s.io", None, "");
        check_approval("x.k8s.io", None, "False MissingAnnotation");
        check_approval("x.kubernetes.io", Some("unapproved, a test"), "False UnapprovedAnnotation");
        check_approval("x.k8s.io", Some("https://github.com/pull/1"), "True ApprovedAnnotation");
        check_approval("k8s.io", Some("yes"), "False InvalidAnnotation");
    }

    fn deleted(world: &mut World) {
        world.run(&Definitions, &place("widgets"));
        world.edit(&place("widgets"), |object| object.meta_mut().add_finalizer(CLEANUP));
        world.delete(&place("widgets"));
    }

    #[test]
    fn instances_go_before_their_definition() {
        let widget = at(ResourceKey::custom("example.io", "widgets"), "n/w");
        let held = value!({"metadata": {"finalizers": ["example.io/held"]}});
        let other = in_cluster(&ClusterName::root(), ResourceKey::custom("example.io", "widgets"), "n/w");
        let mut world = World::new()
            .with(&place("widgets"), definition("widgets", "Widget"))
            .with(&widget, held)
            .with(&other, value!({}));
        deleted(&mut world);
        assert!(world.run(&Definitions, &place("widgets")).is_some());
        world.now += 3;
        world.run(&Definitions, &place("widgets"));
        assert_eq!(
            condition(&world, &place("widgets"), "Terminating"),
            "True InstanceDeletionInProgress: CustomResource deletion is in progress"
        );
        world.edit(&widget, |object| _ = object.meta_mut().remove_finalizer("example.io/held"));
        assert_eq!(world.run(&Definitions, &place("widgets")), None);
        assert_eq!((world.get(&widget), world.get(&place("widgets"))), (None, None));
        assert!(world.get(&other).is_some(), "those of other logical clusters stay");
    }

    #[test]
    fn what_a_system_definition_serves_is_left_alone() {
        let system = in_cluster(&ClusterName::system_crds(), kinds::crds(), "widgets.example.io");
        let widget = at(ResourceKey::custom("example.io", "widgets"), "n/w");
        let mut world = World::new()
            .with(&place("widgets"), definition("widgets", "Widget"))
            .with(&system, definition("widgets", "Widget"))
            .with(&widget, value!({}));
        deleted(&mut world);
        world.run(&Definitions, &place("widgets"));
        assert_eq!(world.get(&place("widgets")), None);
        assert!(world.get(&widget).is_some());
    }
}

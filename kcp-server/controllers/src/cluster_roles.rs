//! `kube-cluster-role-aggregation-controller`: a ClusterRole with an aggregation rule has the rules of those
//! that it selects.

use crate::kinds;
use kcp_apimachinery::{Value, selector::Labels};
use kcp_reconcile::{Change, Controller, Fact, Facts, Missing, Object, Step, Wakes};
use kcp_storage::{Event, Key, Range, Record};

/// ClusterRoles of one logical cluster that are looked at.
const MOST: usize = 20_000;

/// The controller.
#[derive(Default)]
pub struct ClusterRoles;

impl Controller for ClusterRoles {
    fn name(&self) -> &'static str {
        "kube-cluster-role-aggregation-controller"
    }

    fn watches(&self) -> Vec<Range> {
        vec![Range::everywhere(kinds::rbac("clusterroles"))]
    }

    fn wakes(&self, event: &Event, object: &Value, wakes: &mut Vec<Wakes>) {
        if event.record.is_some() && object.get("aggregationRule").is_some() {
            wakes.push(Wakes::One(event.key.clone()));
        }
        let before = event.previous.as_ref().map(decode);
        let after = event.record.is_some().then_some(object);
        let of = |role: Option<&Value>| {
            let role = role?;
            Some((role.get("rules").cloned(), role.at(&["metadata", "labels"]).cloned()))
        };
        // Only labels are selected by.
        let labelled = [before.as_ref(), after]
            .iter()
            .any(|role| role.is_some_and(|role| role.meta().labels().next().is_some()));
        if labelled && of(before.as_ref()) != of(after) {
            wakes.push(Wakes::All(Range::cluster(kinds::rbac("clusterroles"), event.key.cluster.clone())));
        }
    }

    fn plan(&self, at: &Key, facts: &Facts) -> Result<Step, Missing> {
        let Fact::Is(role) = facts.get(at)? else { return Ok(Step::Done) };
        let Some(selectors) = role.value.at(&["aggregationRule", "clusterRoleSelectors"]) else {
            return Ok(Step::Done);
        };
        let selectors: Vec<Labels> = selectors
            .as_array()
            .unwrap_or_default()
            .iter()
            .filter_map(|selector| Labels::from_object(Some(selector)).ok())
            .collect();
        let (all, _) = facts.list(&Range::cluster(kinds::rbac("clusterroles"), at.cluster.clone()), MOST)?;
        let rules = union(&role, all, &selectors);
        let has = role.value.get("rules").and_then(Value::as_array).unwrap_or_default();
        if role.is_deleting() || has == rules {
            return Ok(Step::Done);
        }
        let mut patch = role.precondition();
        patch.set_at(&["rules"], Value::Array(rules));
        Ok(Step::Write(vec![Change::Patch { key: at.clone(), patch, subresource: None }]))
    }
}

fn decode(record: &Record) -> Value {
    kcp_apimachinery::value::decode(record.json()).unwrap_or_default()
}

/// The rules of the other roles that a selector selects: selector by selector, in the order of names, each
/// rule once.
fn union(role: &Object, all: &[Object], selectors: &[Labels]) -> Vec<Value> {
    let mut rules: Vec<Value> = Vec::new();
    for selector in selectors {
        for other in all.iter().filter(|other| other.key != role.key && selector.matches(other.value.meta()))
        {
            for rule in other.value.get("rules").and_then(Value::as_array).unwrap_or_default() {
                if !rules.contains(rule) {
                    rules.push(rule.clone());
                }
            }
        }
    }
    rules
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::{World, at, wakes};
    use kcp_apimachinery::value;

    fn role(name: &str) -> Key {
        at(kinds::rbac("clusterroles"), name)
    }

    fn labelled(verb: &str) -> Value {
        value!({"metadata": {"labels": {"to": "admin"}}, "rules": [{"verbs": [(verb)]}]})
    }

    fn world() -> World {
        let selectors = value!([{"matchLabels": {"to": "admin"}}, {"matchLabels": {"nobody": "x"}}]);
        World::new()
            .with(&role("admin"), value!({"aggregationRule": {"clusterRoleSelectors": (selectors)}}))
            .with(&role("b"), labelled("list"))
            .with(&role("a"), labelled("get"))
            .with(&role("same"), labelled("get"))
            .with(&role("c"), value!({"rules": [{"verbs": ["delete"]}]}))
    }

    #[test]
    fn rules_are_gathered_in_the_order_of_names() {
        let mut world = world();
        assert_eq!(world.run(&ClusterRoles, &role("admin")), None);
        let rules = world.get(&role("admin")).and_then(|role| role.get("rules"));
        assert_eq!(rules, Some(&value!([{"verbs": ["get"]}, {"verbs": ["list"]}])));
        assert_eq!(world.log.len(), 1);
        world.delete(&role("b"));
        world.run(&ClusterRoles, &role("admin"));
        let rules = world.get(&role("admin")).and_then(|role| role.get("rules"));
        assert_eq!(rules, Some(&value!([{"verbs": ["get"]}])));
    }

    #[test]
    fn roles_that_cannot_be_selected_wake_nobody() {
        let plain = value!({"rules": [{"verbs": ["get"]}]});
        assert!(wakes(&ClusterRoles, &role("a"), None, Some(plain)).is_empty());
        assert!(wakes(&ClusterRoles, &role("a"), Some(labelled("get")), Some(labelled("get"))).is_empty());
        assert_eq!(wakes(&ClusterRoles, &role("a"), Some(labelled("get")), None).len(), 1);
    }
}

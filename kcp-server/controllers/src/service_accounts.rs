//! `kube-service-account-controller`: every namespace has a ServiceAccount `default`.

use crate::{key, kinds, namespaces::is_active};
use kcp_apimachinery::{Value, value};
use kcp_reconcile::{Change, Controller, Fact, Facts, Missing, Step, Wakes};
use kcp_storage::{Event, Key, Range};

/// The account that is always there.
const DEFAULT: &str = "default";

/// The controller. It plans namespaces.
#[derive(Default)]
pub struct ServiceAccounts;

impl Controller for ServiceAccounts {
    fn name(&self) -> &'static str {
        "kube-service-account-controller"
    }

    fn watches(&self) -> Vec<Range> {
        vec![Range::everywhere(kinds::core("namespaces")), Range::everywhere(kinds::core("serviceaccounts"))]
    }

    fn glance(&self, event: &Event, wakes: &mut Vec<Wakes>) -> bool {
        wakes.extend(concerned(event, "serviceaccounts", DEFAULT).map(Wakes::One));
        false
    }

    fn wakes(&self, _event: &Event, _object: &Value, _wakes: &mut Vec<Wakes>) {}

    fn plan(&self, at: &Key, facts: &Facts) -> Result<Step, Missing> {
        let Fact::Is(namespace) = facts.get(at)? else { return Ok(Step::Done) };
        let namespaced = Some(at.name.as_str());
        let account = key(kinds::core("serviceaccounts"), &at.cluster, namespaced, DEFAULT);
        let Some(key) = account.filter(|_| is_active(&namespace)) else { return Ok(Step::Done) };
        if facts.get(&key)? != Fact::Absent {
            return Ok(Step::Done);
        }
        let object = value!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": (DEFAULT)}});
        Ok(Step::Write(vec![Change::Create { key, object }]))
    }
}

/// The namespace that an event may leave without its object `name` of the core kind `plural`: one that is
/// new or changed, or one whose object changed or is gone.
pub(crate) fn concerned(event: &Event, plural: &str, name: &str) -> Option<Key> {
    if event.key.resource == kinds::core("namespaces") {
        // What becomes of a namespace that has what it needs is of no interest.
        let new = event.record.is_some() && event.previous.is_none();
        return new.then(|| event.key.clone());
    }
    let lost = event.key.resource == kinds::core(plural)
        && event.key.name.as_str() == name
        && event.previous.is_some();
    let namespace = event.key.namespace.as_ref().filter(|_| lost)?;
    key(kinds::core("namespaces"), &event.key.cluster, None, namespace.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::{World, at, wakes};

    fn namespace() -> Key {
        at(kinds::core("namespaces"), "n")
    }

    fn account() -> Key {
        at(kinds::core("serviceaccounts"), "n/default")
    }

    #[test]
    fn a_namespace_gets_its_account_and_gets_it_again() {
        let mut world = World::new().with(&namespace(), value!({"spec": {"finalizers": ["kubernetes"]}}));
        assert_eq!(world.run(&ServiceAccounts, &namespace()), None);
        assert!(world.get(&account()).is_some());
        let before = world.get(&account()).cloned();
        world.delete(&account());
        assert_eq!(wakes(&ServiceAccounts, &account(), before, None), ["one namespaces n"]);
        world.run(&ServiceAccounts, &namespace());
        assert!(world.get(&account()).is_some());
    }

    #[test]
    fn a_namespace_that_goes_gets_none() {
        let mut world = World::new().with(&namespace(), value!({"spec": {"finalizers": ["kubernetes"]}}));
        world.delete(&namespace());
        assert_eq!(world.run(&ServiceAccounts, &namespace()), None);
        assert_eq!(world.get(&account()), None);
    }

    #[test]
    fn other_accounts_wake_nothing() {
        let other = at(kinds::core("serviceaccounts"), "n/other");
        assert!(wakes(&ServiceAccounts, &other, Some(value!({})), None).is_empty());
        assert!(wakes(&ServiceAccounts, &account(), None, Some(value!({}))).is_empty());
    }
}

//! `kube-root-ca-configmap-controller`: every namespace has a ConfigMap with the certificates that the
//! server is verified by.

use crate::{key, kinds, namespaces::is_active, service_accounts::concerned};
use kcp_apimachinery::{Value, value};
use kcp_reconcile::{Change, Controller, Fact, Facts, Missing, Step, Wakes};
use kcp_storage::{Event, Key, Range};

const NAME: &str = "kube-root-ca.crt";
const DESCRIPTION: &str = "kubernetes.io/description";
/// What Kubernetes writes there.
const TEXT: &str = "Contains a CA bundle that can be used to verify the kube-apiserver when using internal \
    endpoints such as the internal service IP or kubernetes.default.svc. No other usage is guaranteed across \
    distributions of Kubernetes clusters.";

/// The controller. It plans namespaces.
pub struct RootCa {
    pem: String,
}

impl RootCa {
    /// Publishes these certificates, as PEM.
    #[must_use]
    pub fn new(pem: &str) -> Self {
        Self { pem: pem.to_owned() }
    }
}

impl Controller for RootCa {
    fn name(&self) -> &'static str {
        "kube-root-ca-configmap-controller"
    }

    fn watches(&self) -> Vec<Range> {
        vec![Range::everywhere(kinds::core("namespaces")), Range::everywhere(kinds::core("configmaps"))]
    }

    fn glance(&self, event: &Event, wakes: &mut Vec<Wakes>) -> bool {
        wakes.extend(concerned(event, "configmaps", NAME).map(Wakes::One));
        false
    }

    fn wakes(&self, _event: &Event, _object: &Value, _wakes: &mut Vec<Wakes>) {}

    fn plan(&self, at: &Key, facts: &Facts) -> Result<Step, Missing> {
        let Fact::Is(namespace) = facts.get(at)? else { return Ok(Step::Done) };
        let map = key(kinds::core("configmaps"), &at.cluster, Some(at.name.as_str()), NAME);
        let Some(key) = map.filter(|_| is_active(&namespace)) else { return Ok(Step::Done) };
        let data = value!({"ca.crt": (self.pem.as_str())});
        let change = match facts.get(&key)? {
            Fact::Unknown => return Ok(Step::Done),
            Fact::Absent => {
                let mut object = value!({
                    "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": (NAME)}, "data": (data),
                });
                object.set_at(&["metadata", "annotations", DESCRIPTION], TEXT.into());
                Change::Create { key, object }
            }
            Fact::Is(found) => {
                let described = found.value.meta().annotation(DESCRIPTION).is_some();
                if found.value.get("data") == Some(&data) && described {
                    return Ok(Step::Done);
                }
                let mut object = (*found.value).clone();
                object.set_at(&["data"], data);
                object.set_at(&["metadata", "annotations", DESCRIPTION], TEXT.into());
                Change::Update { key, object, subresource: None }
            }
        };
        Ok(Step::Write(vec![change]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::{World, at, wakes};

    fn namespace() -> Key {
        at(kinds::core("namespaces"), "n")
    }

    fn map() -> Key {
        at(kinds::core("configmaps"), "n/kube-root-ca.crt")
    }

    #[test]
    fn it_is_made_and_repaired() {
        let controller = RootCa::new("PEM");
        let mut world = World::new().with(&namespace(), value!({}));
        world.run(&controller, &namespace());
        assert_eq!(world.str_at(&map(), &["data", "ca.crt"]), Some("PEM"));
        assert_eq!(world.str_at(&map(), &["metadata", "annotations", DESCRIPTION]), Some(TEXT));
        let before = world.get(&map()).cloned();
        world.edit(&map(), |object| object.set_at(&["data"], value!({"ca.crt": "other", "more": "x"})));
        let after = world.get(&map()).cloned();
        assert_eq!(wakes(&controller, &map(), before, after), ["one namespaces n"]);
        world.run(&controller, &namespace());
        assert_eq!(world.get(&map()).and_then(|map| map.get("data")), Some(&value!({"ca.crt": "PEM"})));
        let writes = world.log.len();
        world.run(&controller, &namespace());
        assert_eq!(world.log.len(), writes, "and then it is left alone");
    }

    #[test]
    fn other_config_maps_cost_nothing() {
        let other = at(kinds::core("configmaps"), "n/other");
        assert!(wakes(&RootCa::new("PEM"), &other, Some(value!({})), Some(value!({"data": {}}))).is_empty());
    }
}

//! `kcp-workspacetype`: where the workspaces of a type are initialized and terminated, on each shard.

use crate::{
    conditions::{self, Condition},
    kinds::Kinds,
};
use kcp_apimachinery::{Value, value};
use kcp_names::ClusterName;
use kcp_reconcile::{Change, Controller, Fact, Facts, Missing, Object, Step, Wakes};
use kcp_storage::{Event, Key, Range};

/// Shards that are looked at.
const SHARDS: usize = 20_000;

/// The controller.
pub struct WorkspaceTypes {
    kinds: Kinds,
}

impl WorkspaceTypes {
    /// The controller.
    #[must_use]
    pub fn new(kinds: Kinds) -> Self {
        Self { kinds }
    }
}

impl Controller for WorkspaceTypes {
    fn name(&self) -> &'static str {
        "kcp-workspacetype"
    }

    fn watches(&self) -> Vec<Range> {
        vec![Range::everywhere(self.kinds.workspace_types()), Range::everywhere(self.kinds.shards())]
    }

    fn wakes(&self, event: &Event, object: &Value, wakes: &mut Vec<Wakes>) {
        if event.key.resource == self.kinds.workspace_types() {
            if event.record.is_some() {
                wakes.push(Wakes::One(event.key.clone()));
            }
            return;
        }
        let url = |shard: &Value| shard.str_at(&["spec", "virtualWorkspaceURL"]).map(str::to_owned);
        let before = event
            .previous
            .as_ref()
            .map(|before| kcp_apimachinery::value::decode(before.json()).unwrap_or_default());
        if event.record.is_none() || before.as_ref().and_then(url) != url(object) {
            wakes.push(Wakes::All(Range::everywhere(self.kinds.workspace_types())));
        }
    }

    fn plan(&self, at: &Key, facts: &Facts) -> Result<Step, Missing> {
        let Fact::Is(kind) = facts.get(at)? else { return Ok(Step::Done) };
        if kind.is_deleting() {
            return Ok(Step::Done);
        }
        let (shards, _) = facts.list(&Range::cluster(self.kinds.shards(), ClusterName::root()), SHARDS)?;
        let urls: Vec<Value> = shards.iter().flat_map(|shard| urls(shard, at)).collect();
        let mut object = (*kind.value).clone();
        if urls.is_empty() {
            object.remove_at(&["status", "virtualWorkspaces"]);
        } else {
            object.set_at(&["status", "virtualWorkspaces"], Value::Array(urls));
        }
        conditions::set(&mut object, &Condition::met("VirtualWorkspaceURLsReady"), facts.now());
        conditions::summarize(&mut object, &["VirtualWorkspaceURLsReady"], facts.now());
        if object == *kind.value {
            return Ok(Step::Done);
        }
        let subresource = Some("status");
        Ok(Step::Write(vec![Change::Update { key: at.clone(), object, subresource }]))
    }
}

/// The two URLs of a type on a shard.
fn urls(shard: &Object, kind: &Key) -> Vec<Value> {
    let base = shard.value.str_at(&["spec", "virtualWorkspaceURL"]).unwrap_or_default();
    let base = base.trim_end_matches('/');
    if base.is_empty() {
        return Vec::new();
    }
    ["initializing", "terminating"]
        .map(|stage| {
            let url = format!("{base}/services/{stage}workspaces/{}:{}", kind.cluster, kind.name);
            value!({"type": (stage), "url": (url)})
        })
        .into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::{World, at, in_cluster, wakes};

    fn kinds() -> Kinds {
        Kinds { tenancy: "t".into(), topology: "p".into(), shards: "s".into() }
    }

    fn shard(name: &str) -> Key {
        in_cluster(&ClusterName::root(), kinds().shards(), name)
    }

    #[test]
    fn a_type_has_two_urls_on_each_shard() {
        let (controller, kind) = (WorkspaceTypes::new(kinds()), at(kinds().workspace_types(), "team"));
        let mut world = World::new()
            .with(&kind, value!({}))
            .with(&shard("b"), value!({"spec": {"virtualWorkspaceURL": "https://b/"}}))
            .with(&shard("a"), value!({"spec": {"virtualWorkspaceURL": "https://a"}}))
            .with(&shard("c"), value!({}));
        assert_eq!(world.run(&controller, &kind), None);
        let found = world.get(&kind).expect("a type");
        let urls = found.at(&["status", "virtualWorkspaces"]).and_then(Value::as_array).expect("URLs");
        let urls: Vec<_> = urls.iter().filter_map(|entry| entry.str_at(&["url"])).collect();
        assert_eq!(
            urls,
            [
                "https://a/services/initializingworkspaces/here:team",
                "https://a/services/terminatingworkspaces/here:team",
                "https://b/services/initializingworkspaces/here:team",
                "https://b/services/terminatingworkspaces/here:team",
            ]
        );
        assert!(conditions::is_true(found, "Ready"));
        assert_eq!(world.log.len(), 1);
        let moved = value!({"spec": {"virtualWorkspaceURL": "https://c"}});
        assert_eq!(wakes(&controller, &shard("c"), Some(value!({})), Some(moved.clone())).len(), 1);
        assert!(wakes(&controller, &shard("c"), Some(moved.clone()), Some(moved)).is_empty());
    }
}

//! From a new Workspace to its logical cluster.

use super::{Workspaces, belongs, follow::show, parent_key, patch, path_of, set_phase};
use crate::{
    conditions::{self, Condition},
    initialize, key, kinds,
    logical_cluster::phase,
    types,
};
use kcp_api::{
    rules::schedule, types::tenancy::TypeReference, well_known::annotation, workspace_type::Closure,
};
use kcp_apimachinery::{Value, value};
use kcp_names::ClusterName;
use kcp_reconcile::{Change, Fact, Facts, Missing, Object, Step, Wake};
use kcp_storage::{Key, Range};
use std::time::Duration;

/// Shards looked at when one is chosen.
const SHARDS: usize = 20_000;

impl Workspaces {
    /// What is to be done about a Workspace that no logical cluster is known of.
    pub(super) fn schedule(&self, workspace: &Object, facts: &Facts) -> Result<Step, Missing> {
        let annotation = |name| workspace.value.str_at(&["metadata", "annotations", name]);
        let claim = annotation(annotation::CHOSEN_CLUSTER).and_then(|name| ClusterName::parse(name).ok());
        let (Some(cluster), Some(shard)) = (claim, annotation(annotation::HOSTING_SHARD)) else {
            return self.claim(workspace, facts);
        };
        let root = ClusterName::root();
        let Some(shard_key) = key(self.kinds.shards(), &root, None, shard) else {
            return self.claim(workspace, facts);
        };
        let Fact::Is(shard) = facts.get(&shard_key)? else {
            return Ok(Step::Wait(
                Wake::After(Duration::from_secs(1)),
                "its shard is not registered".to_owned(),
            ));
        };
        let at = kinds::logical_cluster(&cluster);
        match facts.get(&at)? {
            Fact::Unknown => {
                Ok(Step::Wait(Wake::After(Duration::from_secs(1)), "its shard does not answer".to_owned()))
            }
            Fact::Absent => self.create(workspace, &shard, at, facts),
            Fact::Is(found) if !belongs(&found, workspace) => {
                let mut released = workspace.precondition();
                released.set_at(&["metadata", "annotations", annotation::CHOSEN_CLUSTER], Value::Null);
                Ok(Step::Write(vec![patch(workspace, released)]))
            }
            Fact::Is(found) => self.publish(workspace, &found, &shard, facts),
        }
    }

    /// Phase A: chooses a shard and a name, and writes both down before anything is made.
    fn claim(&self, workspace: &Object, facts: &Facts) -> Result<Step, Missing> {
        let (shards, _) = facts.list(&Range::cluster(self.kinds.shards(), ClusterName::root()), SHARDS)?;
        // The seed cannot be guessed, and the uid keeps two workspaces of one seed apart.
        let seed = format!("{}/{:016x}", workspace.uid(), facts.seed());
        let shards = shards.iter().map(|shard| &*shard.value);
        let Some(claim) = schedule::choose(&workspace.value, shards, &seed) else {
            return Ok(unschedulable(workspace, facts));
        };
        let mut claimed = workspace.precondition();
        claim.write(&workspace.value, &mut claimed);
        Ok(Step::Write(vec![patch(workspace, claimed)]))
    }

    /// Phase B: the logical cluster.
    fn create(&self, workspace: &Object, shard: &Object, at: Key, facts: &Facts) -> Result<Step, Missing> {
        let text = |path: &[&str]| workspace.value.str_at(path).unwrap_or_default().to_owned();
        let kind =
            TypeReference { name: text(&["spec", "type", "name"]), path: text(&["spec", "type", "path"]) };
        let types = match types::closure(&self.kinds, &kind, workspace.key.cluster.as_str(), facts)? {
            Ok(types) => types,
            Err(why) => return Ok(Step::Wait(Wake::After(Duration::from_secs(5)), why)),
        };
        let Fact::Is(parent) = facts.get(&parent_key(&workspace.key))? else {
            return Ok(Step::Wait(Wake::Change, "the parent has no logical cluster".to_owned()));
        };
        let path = format!("{}:{}", path_of(&parent), workspace.key.name);
        let mut object = logical_cluster(workspace, shard, &at.cluster, &types);
        let mut annotate = |name: &str, text: &str| object.meta_mut().set_annotation(name, Some(text));
        annotate(annotation::TYPE, &format!("{}:{}", kind.path, kind.name));
        annotate(annotation::PATH, &path);
        annotate(annotation::HOSTING_SHARD, shard.key.name.as_str());
        annotate(annotation::RESOURCE_BINDINGS, &initialize::locks(&types, &at.cluster, facts)?.encode());
        Ok(Step::Write(vec![Change::Create { key: at, object }]))
    }

    /// The logical cluster is there: says so on the Workspace, unless there will be more to say in a moment.
    fn publish(
        &self,
        workspace: &Object,
        found: &Object,
        shard: &Object,
        facts: &Facts,
    ) -> Result<Step, Missing> {
        let Fact::Is(parent) = facts.get(&parent_key(&workspace.key))? else {
            return Ok(Step::Wait(Wake::Change, "the parent has no logical cluster".to_owned()));
        };
        if initialize::is_ours_alone(&found.value) && found.age(facts.now()) < initialize::PATIENCE {
            let why = "its logical cluster is being initialized".to_owned();
            return Ok(Step::Wait(Wake::After(Duration::from_secs(1)), why));
        }
        let external = shard.value.str_at(&["spec", "externalURL"]).unwrap_or_default();
        let mut object = (*workspace.value).clone();
        object.set_at(&["spec", "cluster"], found.key.cluster.as_str().into());
        let url = format!("{external}/clusters/{}:{}", path_of(&parent), workspace.key.name);
        object.set_at(&["spec", "URL"], url.into());
        set_phase(&mut object, "Initializing");
        conditions::set(&mut object, &Condition::met("WorkspaceScheduled"), facts.now());
        show(&mut object, found, "Initializing", facts.now());
        Ok(Step::Write(vec![Change::Update { key: workspace.key.clone(), object, subresource: None }]))
    }
}

/// A logical cluster as it is born, but for the annotations that say what and where it is.
fn logical_cluster(workspace: &Object, shard: &Object, name: &ClusterName, types: &Closure) -> Value {
    let strings = |list: &[String]| list.iter().map(|item| Value::from(item.as_str())).collect::<Value>();
    let (initializers, terminators) = (types.initializers(), types.terminators());
    let external = shard.value.str_at(&["spec", "externalURL"]).unwrap_or_default();
    let mut object = value!({
        "apiVersion": "core.kcp.io/v1alpha1", "kind": "LogicalCluster", "metadata": {"name": "cluster"},
        "spec": {
            "owner": {"apiVersion": "tenancy.kcp.io/v1alpha1", "resource": "workspaces",
                "name": (workspace.key.name.as_str()), "cluster": (workspace.key.cluster.as_str()), "uid": (workspace.uid())},
            "initializers": (strings(&initializers)), "terminators": (strings(&terminators)),
        },
        "status": {"phase": "Initializing", "URL": (format!("{external}/clusters/{name}")),
            "initializers": (strings(&initializers)), "terminators": (strings(&terminators))},
    });
    for name in [annotation::OWNER, annotation::REQUIRED_GROUPS] {
        let given = workspace.value.meta().annotation(name);
        given.into_iter().for_each(|text| object.meta_mut().set_annotation(name, Some(text)));
    }
    let owner = workspace.value.meta().annotation(annotation::OWNER);
    if let Some(owner) = owner.and_then(|json| kcp_apimachinery::value::decode(json.as_bytes()).ok()) {
        object.set_at(&["spec", "createdBy"], owner);
    }
    phase::mirror(&mut object);
    object
}

fn unschedulable(workspace: &Object, facts: &Facts) -> Step {
    let mut object = (*workspace.value).clone();
    let why = "No available shards to schedule the workspace";
    conditions::set(
        &mut object,
        &Condition::unmet("WorkspaceScheduled", "Error", "Unschedulable", why),
        facts.now(),
    );
    set_phase(&mut object, "Unavailable");
    if object == *workspace.value {
        return Step::Wait(Wake::Change, why.to_owned());
    }
    Step::Write(vec![Change::Update { key: workspace.key.clone(), object, subresource: None }])
}

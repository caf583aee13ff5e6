//! `kcp-workspace`: from a Workspace to a logical cluster on a shard, and back.
//!
//! Scheduling is a two-phase commit. Phase A claims: shard and cluster name are written on the
//! Workspace. Phase B creates the LogicalCluster of that name; if somebody else's is there, the claim is
//! released. So a crash between the two never leaves two clusters for one Workspace.

use crate::{
    conditions::{self, Condition},
    key,
    kinds::{self, Kinds},
    types,
};
use kcp_api::{
    types::tenancy::TypeReference,
    well_known::{annotation, finalizer, label},
};
use kcp_apimachinery::{Value, selector::Labels, value};
use kcp_names::{ClusterName, hash};
use kcp_reconcile::{Change, Controller, Fact, Facts, Missing, Object, Step, Wake, Wakes};
use kcp_storage::{Event, Key, Range};
use std::time::Duration;

/// Shards looked at when one is chosen.
const SHARDS: usize = 20_000;
/// Seconds for which initializers may work before the Workspace says which ones are left.
const PATIENCE: i64 = 1;

/// The controller of Workspaces.
pub struct Workspaces {
    kinds: Kinds,
}

impl Workspaces {
    /// The controller.
    #[must_use]
    pub fn new(kinds: Kinds) -> Self {
        Self { kinds }
    }
}

impl Controller for Workspaces {
    fn name(&self) -> &'static str {
        "kcp-workspace"
    }

    fn watches(&self) -> Vec<Range> {
        vec![
            Range::everywhere(self.kinds.workspaces()),
            Range::everywhere(kinds::logical_clusters()),
            Range::everywhere(self.kinds.shards()),
        ]
    }

    fn wakes(&self, event: &Event, object: &Value, wakes: &mut Vec<Wakes>) {
        let kind = &event.key.resource;
        if *kind == self.kinds.workspaces() {
            wakes.push(Wakes::One(event.key.clone()));
        } else if *kind == kinds::logical_clusters() {
            wakes.extend(self.owner(object).map(Wakes::One));
        } else if event.record.is_some() && event.previous.is_none() {
            wakes.push(Wakes::All(Range::everywhere(self.kinds.workspaces())));
        }
    }

    fn plan(&self, key: &Key, facts: &Facts) -> Result<Step, Missing> {
        let Fact::Is(workspace) = facts.get(key)? else { return Ok(Step::Done) };
        if workspace.is_deleting() {
            return self.delete(&workspace, facts);
        }
        if workspace.value.at(&["spec", "mount"]).is_some() {
            return Ok(Step::Done);
        }
        if workspace.value.str_at(&["spec", "cluster"]).unwrap_or_default().is_empty() {
            return self.schedule(&workspace, facts);
        }
        self.follow(&workspace, facts)
    }
}

impl Workspaces {
    /// The Workspace that a LogicalCluster belongs to.
    fn owner(&self, logical_cluster: &Value) -> Option<Key> {
        let owner = logical_cluster.at(&["spec", "owner"])?;
        if owner.str_at(&["resource"]) != Some("workspaces") {
            return None;
        }
        let cluster = ClusterName::parse(owner.str_at(&["cluster"])?).ok()?;
        key(self.kinds.workspaces(), &cluster, None, owner.str_at(&["name"])?)
    }

    fn schedule(&self, workspace: &Object, facts: &Facts) -> Result<Step, Missing> {
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
            Fact::Is(_) => self.publish(workspace, &shard, &cluster, facts),
        }
    }

    /// Phase A: chooses a shard and a name, and writes both down before anything is made.
    fn claim(&self, workspace: &Object, facts: &Facts) -> Result<Step, Missing> {
        let selector = workspace.value.at(&["spec", "location", "selector"]);
        let selector = Labels::from_object(selector).ok().filter(|_| selector.is_some());
        let (shards, _) = facts.list(&Range::cluster(self.kinds.shards(), ClusterName::root()), SHARDS)?;
        let fitting: Vec<&Object> = shards
            .iter()
            .filter(|shard| shard.value.at(&["metadata", "annotations", annotation::UNSCHEDULABLE]).is_none())
            .filter(|shard| selector.as_ref().is_none_or(|selector| selector.matches(shard.value.meta())))
            .collect();
        if fitting.is_empty() {
            return Ok(unschedulable(workspace, facts));
        }
        // The remainder is smaller than the number of shards, which is a usize.
        let chosen = fitting[usize::try_from(facts.seed() % fitting.len() as u64).unwrap_or(0)];
        let shard = chosen.key.name.as_str();
        let mut claim = workspace.precondition();
        let mut set = |path: &[&str], text: &str| claim.set_at(path, text.into());
        set(&["metadata", "annotations", annotation::HOSTING_SHARD], shard);
        set(&["metadata", "annotations", annotation::SHARD_HASH], &hash::shard_hash(shard));
        // The seed cannot be guessed, and the uid keeps two workspaces of one seed apart.
        let seed = format!("{}/{:016x}", workspace.uid(), facts.seed());
        let cluster: String = hash::base36_sha224(seed.as_bytes()).chars().take(16).collect();
        set(&["metadata", "annotations", annotation::CHOSEN_CLUSTER], &cluster);
        set(&["metadata", "labels", label::PHASE], "Scheduling");
        if let Some(region) = chosen.value.str_at(&["metadata", "labels", label::REGION]) {
            set(&["metadata", "labels", label::REGION], region);
        }
        let mut finalizers: Vec<Value> = finalizers(&workspace.value);
        if !finalizers.iter().any(|f| f.as_str() == Some(finalizer::WORKSPACE)) {
            finalizers.push(finalizer::WORKSPACE.into());
        }
        claim.set_at(&["metadata", "finalizers"], Value::Array(finalizers));
        Ok(Step::Write(vec![patch(workspace, claim)]))
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
        let (initializers, terminators) = (types.initializers(), types.terminators());
        let Fact::Is(parent) = facts.get(&parent_key(&workspace.key))? else {
            return Ok(Step::Wait(Wake::Change, "the parent has no logical cluster".to_owned()));
        };
        let path = format!("{}:{}", path_of(&parent), workspace.key.name);
        let mut annotations = value!({});
        annotations.set_at(&[annotation::TYPE], format!("{}:{}", kind.path, kind.name).into());
        annotations.set_at(&[annotation::PATH], path.into());
        annotations.set_at(&[annotation::HOSTING_SHARD], shard.key.name.as_str().into());
        annotations.set_at(&[annotation::RESOURCE_BINDINGS], "{}".into());
        for name in [annotation::OWNER, annotation::REQUIRED_GROUPS] {
            if let Some(value) = workspace.value.at(&["metadata", "annotations", name]) {
                annotations.set_at(&[name], value.clone());
            }
        }
        let strings = |list: &[String]| list.iter().map(|item| Value::from(item.as_str())).collect::<Value>();
        let mut labels = value!({});
        labels.set_at(&[label::PHASE], "Initializing".into());
        for initializer in &initializers {
            let (key, value) = hash::initializer_label(initializer);
            labels.set_at(&[key.as_str()], value.into());
        }
        let mut spec = value!({
            "owner": {"apiVersion": "tenancy.kcp.io/v1alpha1", "resource": "workspaces",
                "name": (workspace.key.name.as_str()), "cluster": (workspace.key.cluster.as_str()), "uid": (workspace.uid())},
            "initializers": (strings(&initializers)), "terminators": (strings(&terminators)),
        });
        let owner = workspace.value.str_at(&["metadata", "annotations", annotation::OWNER]);
        if let Some(owner) = owner.and_then(|json| kcp_apimachinery::value::decode(json.as_bytes()).ok()) {
            spec.set_at(&["createdBy"], owner);
        }
        let external = shard.value.str_at(&["spec", "externalURL"]).unwrap_or_default();
        let object = value!({
            "apiVersion": "core.kcp.io/v1alpha1", "kind": "LogicalCluster",
            "metadata": {"name": "cluster", "annotations": (annotations), "labels": (labels)},
            "spec": (spec),
            "status": {"phase": "Initializing", "URL": (format!("{external}/clusters/{}", at.cluster)),
                "initializers": (strings(&initializers)), "terminators": (strings(&terminators))},
        });
        Ok(Step::Write(vec![Change::Create { key: at, object }]))
    }

    /// The logical cluster is there: says so on the Workspace.
    fn publish(
        &self,
        workspace: &Object,
        shard: &Object,
        cluster: &ClusterName,
        facts: &Facts,
    ) -> Result<Step, Missing> {
        let Fact::Is(parent) = facts.get(&parent_key(&workspace.key))? else {
            return Ok(Step::Wait(Wake::Change, "the parent has no logical cluster".to_owned()));
        };
        let external = shard.value.str_at(&["spec", "externalURL"]).unwrap_or_default();
        let mut object = (*workspace.value).clone();
        object.set_at(&["spec", "cluster"], cluster.as_str().into());
        let url = format!("{external}/clusters/{}:{}", path_of(&parent), workspace.key.name);
        object.set_at(&["spec", "URL"], url.into());
        set_phase(&mut object, "Initializing");
        conditions::set(&mut object, &Condition::met("WorkspaceScheduled"), facts.now());
        Ok(Step::Write(vec![Change::Update { key: workspace.key.clone(), object, subresource: None }]))
    }

    /// The Workspace shows what its logical cluster is.
    fn follow(&self, workspace: &Object, facts: &Facts) -> Result<Step, Missing> {
        let name = workspace.value.str_at(&["spec", "cluster"]).unwrap_or_default();
        let Ok(cluster) = ClusterName::parse(name) else { return Ok(Step::Done) };
        let at = kinds::logical_cluster(&cluster);
        let mut object = (*workspace.value).clone();
        let phase = workspace.value.str_at(&["status", "phase"]).unwrap_or_default().to_owned();
        let pause = match facts.get(&at)? {
            Fact::Unknown => {
                return Ok(Step::Wait(
                    Wake::After(Duration::from_secs(1)),
                    "its shard does not answer".to_owned(),
                ));
            }
            Fact::Absent => {
                let gone = Condition::unmet(
                    "WorkspaceInitialized",
                    "Error",
                    "WorkspaceDisappeared",
                    "the logical cluster disappeared",
                );
                conditions::set(&mut object, &gone, facts.now());
                if phase == "Ready" {
                    set_phase(&mut object, "Unavailable");
                }
                None
            }
            Fact::Is(found) => show(&mut object, &found, &phase, facts.now()),
        };
        if object != *workspace.value {
            return Ok(Step::Write(vec![Change::Update {
                key: workspace.key.clone(),
                object,
                subresource: None,
            }]));
        }
        Ok(match pause {
            Some((pause, why)) => Step::Wait(Wake::After(pause), why),
            None => Step::Done,
        })
    }

    /// Deletes the logical cluster, and lets the Workspace go when it has gone.
    fn delete(&self, workspace: &Object, facts: &Facts) -> Result<Step, Missing> {
        if !finalizers(&workspace.value).iter().any(|f| f.as_str() == Some(finalizer::WORKSPACE)) {
            return Ok(Step::Done);
        }
        let spec = workspace.value.str_at(&["spec", "cluster"]);
        let claimed = workspace.value.str_at(&["metadata", "annotations", annotation::CHOSEN_CLUSTER]);
        let Some(cluster) = spec.or(claimed).and_then(|name| ClusterName::parse(name).ok()) else {
            return Ok(Step::Write(vec![release(workspace)]));
        };
        let at = kinds::logical_cluster(&cluster);
        match facts.get(&at)? {
            Fact::Unknown => {
                Ok(Step::Wait(Wake::After(Duration::from_secs(1)), "its shard does not answer".to_owned()))
            }
            Fact::Absent => Ok(Step::Write(vec![release(workspace)])),
            Fact::Is(found) if !belongs(&found, workspace) => Ok(Step::Write(vec![release(workspace)])),
            Fact::Is(found) if !found.is_deleting() => {
                let uid = Some(found.uid().to_owned());
                Ok(Step::Write(vec![Change::Delete {
                    key: at,
                    uid,
                    resource_version: None,
                    propagation: None,
                }]))
            }
            Fact::Is(found) => {
                let mut object = (*workspace.value).clone();
                let wanted = found.value.str_at(&["status", "phase"]).unwrap_or("Deleting").to_owned();
                if matches!(wanted.as_str(), "Terminating" | "Deleting") {
                    set_phase(&mut object, &wanted);
                }
                mirror(&mut object, &found, "terminators");
                if let Some(condition) = conditions::find(&found.value, "WorkspaceContentDeleted")
                    && condition.str_at(&["status"]) == Some("False")
                {
                    let text = |name: &str| condition.str_at(&[name]).unwrap_or_default().to_owned();
                    let (severity, reason) = (text("severity"), text("reason"));
                    let shown =
                        Condition::unmet("WorkspaceContentDeleted", &severity, &reason, text("message"));
                    conditions::set(&mut object, &shown, facts.now());
                }
                if object == *workspace.value {
                    return Ok(Step::Wait(Wake::Change, "its content is being deleted".to_owned()));
                }
                Ok(Step::Write(vec![Change::Update {
                    key: workspace.key.clone(),
                    object,
                    subresource: None,
                }]))
            }
        }
    }
}

/// Brings phase and conditions of a Workspace to what its logical cluster says; when to look again.
fn show(object: &mut Value, found: &Object, phase: &str, now: i64) -> Option<(Duration, String)> {
    let left = found.value.at(&["status", "initializers"]).and_then(Value::as_array).unwrap_or_default();
    let actual = found.value.str_at(&["status", "phase"]).unwrap_or_default();
    let names: Vec<&str> = left.iter().filter_map(Value::as_str).collect();
    match actual {
        "Ready" | "Inactive" => {
            set_phase(object, "Ready");
            object.remove_at(&["status", "initializers"]);
            conditions::set(object, &Condition::met("WorkspaceInitialized"), now);
            trim_owner(object);
            None
        }
        _ if phase == "Ready" => None,
        _ => {
            let created = object.str_at(&["metadata", "creationTimestamp"]).unwrap_or_default();
            let age = kcp_apimachinery::time::Time::parse(created).map_or(0, |at| now - at.unix());
            let why = format!("initializers still exist: {}", names.join(", "));
            // Nobody needs to read of initializers that are done in a moment.
            if age >= PATIENCE {
                mirror(object, found, "initializers");
                conditions::set(
                    object,
                    &Condition::unmet("WorkspaceInitialized", "Info", "InitializerExists", why.clone()),
                    now,
                );
            }
            Some((Duration::from_secs(1), why))
        }
    }
}

fn mirror(object: &mut Value, found: &Object, name: &str) {
    match found.value.at(&["status", name]) {
        Some(list) if list.as_array().is_some_and(|l| !l.is_empty()) => {
            object.set_at(&["status", name], list.clone())
        }
        _ => {
            object.remove_at(&["status", name]);
        }
    }
}

fn set_phase(object: &mut Value, phase: &str) {
    object.set_at(&["status", "phase"], phase.into());
    object.set_at(&["metadata", "labels", label::PHASE], phase.into());
}

/// A ready workspace remembers the owner's name only.
fn trim_owner(object: &mut Value) {
    let owner = object.str_at(&["metadata", "annotations", annotation::OWNER]).map(str::to_owned);
    let Some(user) = owner.and_then(|json| kcp_apimachinery::value::decode(json.as_bytes()).ok()) else {
        return;
    };
    let name = user.str_at(&["username"]).unwrap_or_default();
    let trimmed = kcp_apimachinery::value::encode(&value!({"username": (name)}));
    object.set_at(
        &["metadata", "annotations", annotation::OWNER],
        String::from_utf8_lossy(&trimmed).into_owned().into(),
    );
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

fn belongs(logical_cluster: &Object, workspace: &Object) -> bool {
    let owner = |name: &str| logical_cluster.value.str_at(&["spec", "owner", name]).unwrap_or_default();
    owner("cluster") == workspace.key.cluster.as_str()
        && owner("name") == workspace.key.name.as_str()
        && owner("uid") == workspace.uid()
}

/// The canonical path of a logical cluster; its name when it has none.
pub(crate) fn path_of(logical_cluster: &Object) -> String {
    let annotated = logical_cluster.value.str_at(&["metadata", "annotations", annotation::PATH]);
    annotated.map_or_else(|| logical_cluster.key.cluster.to_string(), str::to_owned)
}

fn parent_key(workspace: &Key) -> Key {
    kinds::logical_cluster(&workspace.cluster)
}

pub(crate) fn finalizers(object: &Value) -> Vec<Value> {
    object.at(&["metadata", "finalizers"]).and_then(Value::as_array).unwrap_or_default().to_vec()
}

fn patch(workspace: &Object, patch: Value) -> Change {
    Change::Patch { key: workspace.key.clone(), patch, subresource: None }
}

/// Takes the finalizer off.
fn release(workspace: &Object) -> Change {
    let mut left = finalizers(&workspace.value);
    left.retain(|f| f.as_str() != Some(finalizer::WORKSPACE));
    let mut change = workspace.precondition();
    change.set_at(&["metadata", "finalizers"], Value::Array(left));
    patch(workspace, change)
}

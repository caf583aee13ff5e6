//! `kcp-logicalcluster`: phases, labels and URL of logical clusters, and their first administrator.
//!
//! Scheduling → Initializing → Ready when no initializer is left → Inactive and back as the annotation
//! says; with a deletion timestamp Terminating while terminators are left, then Deleting.

use crate::{
    key,
    kinds::{self, Kinds},
    workspace::finalizers,
};
use kcp_api::well_known::{annotation, finalizer, label};
use kcp_apimachinery::{Value, value};
use kcp_names::{ClusterName, hash};
use kcp_reconcile::{Change, Controller, Fact, Facts, Missing, Object, Step, Wakes};
use kcp_storage::{Event, Key, Range};

const ADMIN: &str = "workspace-admin";

/// The controller of LogicalClusters.
pub struct LogicalClusters {
    kinds: Kinds,
    shard: String,
}

impl LogicalClusters {
    /// The controller on a shard of this name.
    #[must_use]
    pub fn new(kinds: Kinds, shard: &str) -> Self {
        Self { kinds, shard: shard.to_owned() }
    }
}

impl Controller for LogicalClusters {
    fn name(&self) -> &'static str {
        "kcp-logicalcluster"
    }

    fn watches(&self) -> Vec<Range> {
        vec![
            Range::everywhere(kinds::logical_clusters()),
            Range::everywhere(kinds::rbac("clusterrolebindings")),
        ]
    }

    fn wakes(&self, event: &Event, _object: &Value, wakes: &mut Vec<Wakes>) {
        if event.key.resource == kinds::logical_clusters() {
            wakes.push(Wakes::One(event.key.clone()));
        } else if event.key.name.as_str() == ADMIN && !event.key.cluster.is_system() {
            wakes.push(Wakes::One(kinds::logical_cluster(&event.key.cluster)));
        }
    }

    fn plan(&self, key: &Key, facts: &Facts) -> Result<Step, Missing> {
        let Fact::Is(found) = facts.get(key)? else { return Ok(Step::Done) };
        let mut changes = Vec::new();
        if !found.is_deleting() {
            changes.extend(admin(&found, facts)?);
        }
        let mut object = (*found.value).clone();
        set_phase(&mut object, &found);
        self.set_url(&mut object, &found, facts)?;
        set_labels(&mut object);
        set_finalizers(&mut object, &found);
        if object.str_at(&["metadata", "annotations", annotation::HOSTING_SHARD]).is_none() {
            object
                .set_at(&["metadata", "annotations", annotation::HOSTING_SHARD], self.shard.as_str().into());
        }
        if object != *found.value {
            changes.push(Change::Update { key: key.clone(), object, subresource: None });
        }
        Ok(if changes.is_empty() { Step::Done } else { Step::Write(changes) })
    }
}

impl LogicalClusters {
    fn set_url(&self, object: &mut Value, found: &Object, facts: &Facts) -> Result<(), Missing> {
        let Some(at) = key(self.kinds.shards(), &ClusterName::root(), None, &self.shard) else {
            return Ok(());
        };
        if let Fact::Is(shard) = facts.get(&at)? {
            let external = shard.value.str_at(&["spec", "externalURL"]).unwrap_or_default();
            object.set_at(&["status", "URL"], format!("{external}/clusters/{}", found.key.cluster).into());
        }
        Ok(())
    }
}

fn left(object: &Value, name: &str) -> bool {
    object.at(&["status", name]).and_then(Value::as_array).is_some_and(|list| !list.is_empty())
}

fn set_phase(object: &mut Value, found: &Object) {
    let phase = object.str_at(&["status", "phase"]).unwrap_or_default().to_owned();
    let inactive = [annotation::INACTIVE, annotation::INACTIVE_LEGACY]
        .iter()
        .any(|name| object.str_at(&["metadata", "annotations", name]) == Some("true"));
    let next = if found.is_deleting() {
        if left(object, "terminators") { "Terminating" } else { "Deleting" }
    } else {
        match phase.as_str() {
            "" | "Scheduling" => {
                for name in ["initializers", "terminators"] {
                    if let Some(list) = object.at(&["spec", name]).cloned() {
                        object.set_at(&["status", name], list);
                    }
                }
                "Initializing"
            }
            "Initializing" if !left(object, "initializers") => "Ready",
            "Ready" if inactive => "Inactive",
            "Inactive" if !inactive => "Ready",
            other => other,
        }
    };
    // One more step at once when the first one leads straight through it.
    let next = if next == "Initializing" && !left(object, "initializers") { "Ready" } else { next };
    object.set_at(&["status", "phase"], next.into());
    if next == "Ready" {
        trim_owner(object);
    }
}

/// A ready logical cluster remembers the owner's name only.
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

/// Labels mirror the phase and what is left of the lifecycle, so that others can select by them.
fn set_labels(object: &mut Value) {
    let phase = object.str_at(&["status", "phase"]).unwrap_or_default().to_owned();
    let ids = |name: &str| -> Vec<String> {
        let list = object.at(&["status", name]).and_then(Value::as_array).unwrap_or_default();
        list.iter().filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let mut wanted = vec![(label::PHASE.to_owned(), phase)];
    wanted.extend(ids("initializers").iter().map(|id| hash::initializer_label(id)));
    wanted.extend(ids("terminators").iter().map(|id| hash::terminator_label(id)));
    if let Some(labels) =
        object.get_mut("metadata").and_then(|m| m.get_mut("labels")).and_then(Value::as_object_mut)
    {
        labels.retain(|name, _| {
            let ours = name.starts_with("initializer.internal.kcp.io/")
                || name.starts_with("terminator.internal.kcp.io/");
            !ours || wanted.iter().any(|(key, _)| key == name)
        });
    }
    for (key, value) in wanted {
        object.set_at(&["metadata", "labels", &key], value.into());
    }
}

fn set_finalizers(object: &mut Value, found: &Object) {
    let mut names = finalizers(object);
    let held = names.iter().any(|f| f.as_str() == Some(finalizer::TERMINATORS));
    let wanted = left(object, "terminators");
    if wanted && !held && !found.is_deleting() {
        names.push(finalizer::TERMINATORS.into());
    } else if !wanted && held {
        names.retain(|f| f.as_str() != Some(finalizer::TERMINATORS));
    } else {
        return;
    }
    object.set_at(&["metadata", "finalizers"], Value::Array(names));
}

/// The binding that makes whoever asked for the workspace its administrator.
fn admin(found: &Object, facts: &Facts) -> Result<Option<Change>, Missing> {
    let created_by = found.value.str_at(&["spec", "createdBy", "username"]).map(str::to_owned);
    let owner = || {
        let json = found.value.str_at(&["metadata", "annotations", annotation::OWNER])?;
        let user = kcp_apimachinery::value::decode(json.as_bytes()).ok()?;
        user.str_at(&["username"]).map(str::to_owned)
    };
    let Some(user) = created_by.or_else(owner).filter(|user| !user.is_empty()) else { return Ok(None) };
    let cluster = &found.key.cluster;
    let Some(at) = key(kinds::rbac("clusterrolebindings"), cluster, None, ADMIN) else { return Ok(None) };
    let subjects = value!([{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": (user)}]);
    let role =
        value!({"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"});
    let wanted = value!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding",
        "metadata": {"name": (ADMIN)}, "subjects": (subjects), "roleRef": (role),
    });
    match facts.get(&at)? {
        Fact::Unknown => Ok(None),
        Fact::Absent => Ok(Some(Change::Create { key: at, object: wanted })),
        Fact::Is(binding) => {
            let same = |name: &str| binding.value.get(name) == wanted.get(name);
            if same("subjects") && same("roleRef") {
                return Ok(None);
            }
            if !same("roleRef") {
                // What a role binding refers to never changes; a wrong one has to go first.
                let uid = Some(binding.uid().to_owned());
                return Ok(Some(Change::Delete { key: at, uid, resource_version: None, propagation: None }));
            }
            let mut patch = binding.precondition();
            patch.set_at(&["subjects"], wanted.get("subjects").cloned().unwrap_or_default());
            Ok(Some(Change::Patch { key: at, patch, subresource: None }))
        }
    }
}

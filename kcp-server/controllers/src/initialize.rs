//! The two initializers that every universal workspace passes: its namespaces, and its default bindings.

use crate::{
    conditions::{self, Condition},
    key,
    kinds::{self, Kinds},
    types,
};
use kcp_api::{
    types::tenancy::DefaultBinding,
    well_known::{annotation, label, name},
    workspace_type::{Closure, parent_type},
};
use kcp_apimachinery::{Value, value};
use kcp_names::{ClusterName, WorkspacePath, hash};
use kcp_reconcile::{Change, Controller, Fact, Facts, Missing, Object, Step, Wake, Wakes};
use kcp_storage::{Event, Key, Range};
use std::time::Duration;

const UNIVERSAL: &str = "root:universal";
const BINDINGS: &str = name::API_BINDINGS_INITIALIZER;

fn has(object: &Object, initializer: &str) -> bool {
    let list = object.value.at(&["status", "initializers"]).and_then(Value::as_array).unwrap_or_default();
    list.iter().any(|item| item.as_str() == Some(initializer))
        && object.value.str_at(&["status", "phase"]) == Some("Initializing")
        && !object.is_deleting()
}

/// Takes an initializer off. When it was the last one, the logical cluster is ready in the same write.
fn done(object: &Object, initializer: &str) -> Change {
    let mut wanted = (*object.value).clone();
    let mut list: Vec<Value> =
        wanted.at(&["status", "initializers"]).and_then(Value::as_array).unwrap_or_default().to_vec();
    list.retain(|item| item.as_str() != Some(initializer));
    let (label, _) = hash::initializer_label(initializer);
    wanted.remove_at(&["metadata", "labels", &label]);
    if list.is_empty() {
        wanted.set_at(&["status", "phase"], "Ready".into());
        wanted.set_at(&["metadata", "labels", label::PHASE], "Ready".into());
        wanted.remove_at(&["status", "initializers"]);
    } else {
        wanted.set_at(&["status", "initializers"], Value::Array(list));
    }
    Change::Update { key: object.key.clone(), object: wanted, subresource: None }
}

/// `root:universal`: the namespaces that a new workspace holds.
pub struct UniversalContent {
    content: Vec<Value>,
}

impl UniversalContent {
    /// Creates these cluster-scoped objects.
    #[must_use]
    pub fn new(content: Vec<Value>) -> Self {
        Self { content }
    }
}

impl Controller for UniversalContent {
    fn name(&self) -> &'static str {
        "kcp-workspacetypes-bootstrap-universal"
    }

    fn watches(&self) -> Vec<Range> {
        vec![Range::everywhere(kinds::logical_clusters())]
    }

    fn wakes(&self, event: &Event, object: &Value, wakes: &mut Vec<Wakes>) {
        if object.str_at(&["status", "phase"]) == Some("Initializing") {
            wakes.push(Wakes::One(event.key.clone()));
        }
    }

    fn plan(&self, at: &Key, facts: &Facts) -> Result<Step, Missing> {
        let Fact::Is(found) = facts.get(at)? else { return Ok(Step::Done) };
        if !has(&found, UNIVERSAL) {
            return Ok(Step::Done);
        }
        let mut changes = Vec::new();
        for object in &self.content {
            let name = object.str_at(&["metadata", "name"]).unwrap_or_default();
            let Some(key) = key(kinds::core("namespaces"), &at.cluster, None, name) else { continue };
            if facts.get(&key)? == Fact::Absent {
                changes.push(Change::Create { key, object: object.clone() });
            }
        }
        changes.push(done(&found, UNIVERSAL));
        Ok(Step::Write(changes))
    }
}

/// `system:apibindings`: the bindings that the workspace's type and its bases ask for.
pub struct DefaultBindings {
    kinds: Kinds,
}

impl DefaultBindings {
    /// The controller.
    #[must_use]
    pub fn new(kinds: Kinds) -> Self {
        Self { kinds }
    }

    /// The exports to bind, each once.
    fn wanted(&self, found: &Object, facts: &Facts) -> Result<Result<Vec<DefaultBinding>, String>, Missing> {
        let kind = found.value.str_at(&["metadata", "annotations", annotation::TYPE]);
        let kind = match parent_type(kind) {
            Ok(kind) => kind,
            Err(error) => return Ok(Err(error.to_string())),
        };
        let closure = types::closure(&self.kinds, &kind, found.key.cluster.as_str(), facts)?;
        let bindings =
            |closure: Closure| closure.default_bindings().into_iter().map(|(wanted, _)| wanted).collect();
        Ok(closure.map(bindings))
    }

    fn cluster_of(&self, path: &str, facts: &Facts) -> Result<Result<ClusterName, String>, Missing> {
        let Ok(parsed) = WorkspacePath::parse(path) else {
            return Ok(Err(format!("{path:?} is no workspace path")));
        };
        Ok(match facts.path(&parsed)? {
            Fact::Is(cluster) => Ok(cluster),
            Fact::Absent | Fact::Unknown => Err(format!("workspace {path} cannot be found")),
        })
    }

    /// The binding of an export in a workspace: every claim of the export is accepted.
    fn binding(&self, wanted: &DefaultBinding, export: Option<&Object>) -> Value {
        let claims = export
            .and_then(|export| export.value.at(&["spec", "permissionClaims"]))
            .and_then(Value::as_array)
            .unwrap_or_default()
            .iter()
            .map(|claim| {
                let mut accepted = claim.clone();
                let all = value!({"matchAll": true});
                accepted.set_at(&["selector"], claim.get("defaultSelector").cloned().unwrap_or(all));
                accepted.set_at(&["state"], "Accepted".into());
                accepted
            })
            .collect::<Vec<_>>();
        let mut spec = value!({"reference": {"export": {"path": (wanted.path.as_str()), "name": (wanted.export.as_str())}}});
        if !claims.is_empty() {
            spec.set_at(&["permissionClaims"], Value::Array(claims));
        }
        value!({"apiVersion": "apis.kcp.io/v1alpha2", "kind": "APIBinding", "metadata": {}, "spec": (spec)})
    }
}

impl Controller for DefaultBindings {
    fn name(&self) -> &'static str {
        "kcp-apibinder-initializer"
    }

    fn watches(&self) -> Vec<Range> {
        vec![Range::everywhere(kinds::logical_clusters()), Range::everywhere(kinds::api_bindings())]
    }

    fn wakes(&self, event: &Event, object: &Value, wakes: &mut Vec<Wakes>) {
        if event.key.resource == kinds::api_bindings() {
            wakes.push(Wakes::One(kinds::logical_cluster(&event.key.cluster)));
        } else if object.str_at(&["status", "phase"]) == Some("Initializing") {
            wakes.push(Wakes::One(event.key.clone()));
        }
    }

    fn plan(&self, at: &Key, facts: &Facts) -> Result<Step, Missing> {
        let Fact::Is(found) = facts.get(at)? else { return Ok(Step::Done) };
        if !has(&found, BINDINGS) {
            return Ok(Step::Done);
        }
        let wanted = match self.wanted(&found, facts)? {
            Ok(wanted) => wanted,
            Err(why) => return Ok(self.blocked(&found, "WorkspaceTypesInvalid", &why, facts)),
        };
        let mut changes = Vec::new();
        let mut waiting = Vec::new();
        for entry in &wanted {
            let name = hash::default_binding_name(&at.cluster, &entry.path, &entry.export);
            let Some(binding_key) = key(kinds::api_bindings(), &at.cluster, None, &name) else { continue };
            match facts.get(&binding_key)? {
                Fact::Is(binding) if is_complete(&binding) => {}
                Fact::Is(_) | Fact::Unknown => waiting.push(name),
                Fact::Absent => {
                    let export = match self.cluster_of(&entry.path, facts)? {
                        Ok(cluster) => match key(kinds::api_exports(), &cluster, None, &entry.export) {
                            Some(key) => facts.get(&key)?.known(),
                            None => None,
                        },
                        Err(_) => None,
                    };
                    let mut object = self.binding(entry, export.as_ref());
                    object.set_at(&["metadata", "name"], name.into());
                    changes.push(Change::Create { key: binding_key, object });
                }
            }
        }
        if !changes.is_empty() {
            return Ok(Step::Write(changes));
        }
        if waiting.is_empty() {
            return Ok(Step::Write(vec![done(&found, BINDINGS)]));
        }
        let why = format!("not complete: {}", waiting.join(", "));
        Ok(self.blocked(&found, "WaitingOnAPIBindings", &why, facts))
    }
}

impl DefaultBindings {
    /// Waits; and says so on the object when it takes longer than a moment.
    fn blocked(&self, found: &Object, reason: &str, why: &str, facts: &Facts) -> Step {
        let created = found.value.str_at(&["metadata", "creationTimestamp"]).unwrap_or_default();
        let age = kcp_apimachinery::time::Time::parse(created).map_or(0, |at| facts.now() - at.unix());
        let mut object = (*found.value).clone();
        if age >= 2 {
            let cause = Condition::unmet("APIBindingsInitialized", "Error", reason, why);
            conditions::set(&mut object, &cause, facts.now());
        }
        if object != *found.value {
            return Step::Write(vec![Change::Update { key: found.key.clone(), object, subresource: None }]);
        }
        Step::Wait(Wake::After(Duration::from_secs(1)), why.to_owned())
    }
}

/// Whether a binding serves, and has applied the claims it accepted.
fn is_complete(binding: &Object) -> bool {
    let claims =
        binding.value.at(&["spec", "permissionClaims"]).and_then(Value::as_array).unwrap_or_default();
    let accepted = claims.iter().any(|claim| claim.str_at(&["state"]) == Some("Accepted"));
    conditions::is_true(&binding.value, "InitialBindingCompleted")
        && (!accepted || conditions::is_true(&binding.value, "PermissionClaimsApplied"))
}

//! The bindings that the type of a workspace asks for.

use crate::{api_binding, conditions, key, kinds::Kinds, types};
use kcp_api::{
    lock::{Lock, Locks},
    types::{Kind, apis::APIExport, tenancy::DefaultBinding},
    well_known::annotation,
    workspace_type::{Closure, default_binding, parent_type},
};
use kcp_apimachinery::{Value, meta::GroupResource, time::Time};
use kcp_names::{ClusterName, WorkspacePath, hash};
use kcp_reconcile::{Change, Fact, Facts, Missing, Object};
use kcp_storage::Range;
use std::collections::BTreeSet;

/// Bindings of one logical cluster that are looked at.
const MOST: usize = 5_000;

/// What stands between a logical cluster and its default bindings.
pub(super) enum Pending {
    /// These have to be written before there can be bindings.
    Needs(Vec<Change>),
    /// Bindings, if any are left; all that there are serve.
    Creates(Vec<Change>),
    /// Something is not as it has to be.
    Waits {
        /// Reason, in CamelCase.
        reason: &'static str,
        /// For people.
        message: String,
    },
}

/// Looks at the default bindings of a logical cluster.
pub(super) fn missing(kinds: &Kinds, found: &Object, facts: &Facts) -> Result<Pending, Missing> {
    let wanted = match desired(kinds, found, facts)? {
        Ok(wanted) => wanted,
        Err(message) => return Ok(Pending::Waits { reason: "WorkspaceTypesInvalid", message }),
    };
    let cluster = &found.key.cluster;
    let (bindings, _) = facts.list(&Range::cluster(crate::kinds::api_bindings(), cluster.clone()), MOST)?;
    let (mut creates, mut needs, mut waiting) = (Vec::new(), Vec::new(), BTreeSet::new());
    for (wanted, maintained) in &wanted {
        let name = hash::default_binding_name(cluster, &wanted.path, &wanted.export);
        let same = bindings.iter().find(|binding| refers_to(binding, wanted));
        match same.or_else(|| bindings.iter().find(|binding| binding.key.name.as_str() == name)) {
            Some(binding) if is_complete(binding) => {}
            Some(binding) => _ = waiting.insert(binding.key.name.to_string()),
            None => {
                let Some(at) = key(crate::kinds::api_bindings(), cluster, None, &name) else { continue };
                let object = binding(cluster, wanted, *maintained, facts)?;
                let (object, before) = api_binding::born(&at, object, facts)?;
                needs.extend(before);
                creates.push(Change::Create { key: at, object });
            }
        }
    }
    Ok(if !needs.is_empty() {
        // Two bindings may need a write of the same object, and the second one has not seen the first.
        needs.truncate(1);
        Pending::Needs(needs)
    } else if creates.is_empty() && !waiting.is_empty() {
        let names: Vec<&str> = waiting.iter().map(String::as_str).collect();
        let message = format!("APIBinding(s) not yet fully bound: {}", names.join(", "));
        Pending::Waits { reason: "WaitingOnAPIBindings", message }
    } else {
        Pending::Creates(creates)
    })
}

/// The exports that a logical cluster's type binds, each once, and whether the bindings are maintained.
pub(crate) fn desired(
    kinds: &Kinds,
    found: &Object,
    facts: &Facts,
) -> Result<Result<Vec<(DefaultBinding, bool)>, String>, Missing> {
    let kind = match parent_type(found.value.meta().annotation(annotation::TYPE)) {
        Ok(kind) => kind,
        Err(error) => return Ok(Err(error.to_string())),
    };
    let closure = types::closure(kinds, &kind, found.key.cluster.as_str(), facts)?;
    Ok(closure.map(|closure| closure.default_bindings()))
}

/// The locks that a logical cluster of a type is born with: those of its default bindings.
pub(crate) fn locks(types: &Closure, cluster: &ClusterName, facts: &Facts) -> Result<Locks, Missing> {
    let (mut locks, none) = (Locks::default(), BTreeSet::new());
    let Some(now) = Time::from_unix(facts.now()) else { return Ok(locks) };
    for (wanted, _) in types.default_bindings() {
        let Some(export) = export(&wanted, facts)? else { continue };
        let resources = export.value.at(&["spec", "resources"]).and_then(Value::as_array).unwrap_or_default();
        let wanted_resources: Option<Vec<GroupResource>> = resources
            .iter()
            .map(|resource| {
                let group = resource.str_at(&["group"]).unwrap_or_default();
                resource.str_at(&["name"]).map(|name| GroupResource::new(group, name))
            })
            .collect();
        let name = hash::default_binding_name(cluster, &wanted.path, &wanted.export);
        // The binding itself locks what is not said here.
        locks = locks.acquire(&wanted_resources.unwrap_or_default(), &Lock::binding(&name), &none, now).locks;
    }
    Ok(locks)
}

/// The binding of a default export, which accepts every claim of the export.
pub(crate) fn binding(
    cluster: &ClusterName,
    wanted: &DefaultBinding,
    maintained: bool,
    facts: &Facts,
) -> Result<Value, Missing> {
    let claims = export(wanted, facts)?
        .and_then(|export| APIExport::from_value(&export.value).ok())
        .map(|export| export.spec.permission_claims)
        .unwrap_or_default();
    Ok(default_binding(cluster, wanted, &claims, maintained).to_value())
}

pub(crate) fn export(wanted: &DefaultBinding, facts: &Facts) -> Result<Option<Object>, Missing> {
    let Ok(path) = WorkspacePath::parse(&wanted.path) else { return Ok(None) };
    let Fact::Is(cluster) = facts.path(&path)? else { return Ok(None) };
    match key(crate::kinds::api_exports(), &cluster, None, &wanted.export) {
        Some(at) => Ok(facts.get(&at)?.known()),
        None => Ok(None),
    }
}

fn refers_to(binding: &Object, wanted: &DefaultBinding) -> bool {
    let text = |name: &str| binding.value.str_at(&["spec", "reference", "export", name]).unwrap_or_default();
    (text("path"), text("name")) == (&*wanted.path, &*wanted.export)
}

/// Whether a binding serves, and has applied the claims it accepted.
pub(crate) fn is_complete(binding: &Object) -> bool {
    let claims =
        binding.value.at(&["spec", "permissionClaims"]).and_then(Value::as_array).unwrap_or_default();
    let accepted = claims.iter().any(|claim| claim.str_at(&["state"]) == Some("Accepted"));
    conditions::is_true(&binding.value, "InitialBindingCompleted")
        && (!accepted || conditions::is_true(&binding.value, "PermissionClaimsApplied"))
}

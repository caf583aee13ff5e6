//! `kcp-permissionclaimlabel`: objects that were there before a claim was accepted get its label, and those of
//! a claim that is accepted no more lose it.
//!
//! The label itself is admission's: an object whose label is wrong gets an empty patch. A binding says which
//! claims are applied when all objects have been looked at, page by page, so that none has to wait for it.

use crate::{
    conditions::{self, Condition},
    kinds,
};
use kcp_api::{
    claims::{Grant, label_key, labels_for, normalized},
    types::{
        Kind,
        apis::{APIBinding, AcceptableClaim, ClaimKey, ClaimState, PermissionClaim, ScopedClaim},
    },
    well_known::api_group,
};
use kcp_apimachinery::{Value, meta::GroupResource, value::to_value};
use kcp_names::ClusterName;
use kcp_reconcile::{Change, Controller, Fact, Facts, Missing, Object, Step, Wake, Wakes};
use kcp_storage::{Event, Key, Range, ResourceKey};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

/// Objects looked at in one plan.
const PAGE: usize = 500;
/// How long until objects that could not be labelled are tried again.
const PATIENCE: Duration = Duration::from_secs(30);
const VALID: &str = "PermissionClaimsValid";
const APPLIED: &str = "PermissionClaimsApplied";
/// Claims that messages name.
const SHOWN: [usize; 2] = [10, 5];

/// The controller. It plans APIBindings.
#[derive(Default)]
pub struct ClaimLabels;

impl Controller for ClaimLabels {
    fn name(&self) -> &'static str {
        "kcp-permissionclaimlabel"
    }

    fn watches(&self) -> Vec<Range> {
        vec![Range::everywhere(kinds::api_bindings())]
    }

    fn wakes(&self, event: &Event, object: &Value, wakes: &mut Vec<Wakes>) {
        if event.record.is_some() && concerns(object) {
            wakes.push(Wakes::One(event.key.clone()));
        }
    }

    fn plan(&self, at: &Key, facts: &Facts) -> Result<Step, Missing> {
        let Fact::Is(found) = facts.get(at)? else { return Ok(Step::Done) };
        // What claims are about is known when the export is.
        let Some(export) = export_cluster(&found.value) else { return Ok(Step::Done) };
        let Ok(binding) = APIBinding::from_value(&found.value) else { return Ok(Step::Done) };
        if found.is_deleting() || !concerns(&found.value) {
            return Ok(Step::Done);
        }
        let effective = effective(&binding);
        if effective != by_key(&binding.status.applied_permission_claims) || facts.cursor().is_some() {
            let name = binding.spec.reference.export.as_ref().map(|export| export.name.as_str());
            let claims = accepted(&binding);
            let grant = Grant { cluster: &export, export: name.unwrap_or_default(), claims: &claims };
            let claimed = effective.keys().cloned().chain(applied(&binding)).collect();
            if let Some(step) = walk(at, grant, &claimed, facts)? {
                return Ok(step);
            }
        }
        let mut object = (*found.value).clone();
        show(&mut object, &binding, &effective, facts);
        if object == *found.value {
            return Ok(match facts.refused().first() {
                None => Step::Done,
                Some((key, why)) => Step::Wait(Wake::After(PATIENCE), format!("{key}: {why}")),
            });
        }
        Ok(Step::Write(vec![Change::Update { key: at.clone(), object, subresource: None }]))
    }
}

/// Whether a binding has anything to do with claims. One that has not says so from the moment it is bound.
pub(crate) fn concerns(binding: &Value) -> bool {
    let some =
        |path: &[&str]| binding.at(path).and_then(Value::as_array).is_some_and(|list| !list.is_empty());
    some(&["spec", "permissionClaims"]) || some(&["status", "appliedPermissionClaims"])
}

fn export_cluster(binding: &Value) -> Option<ClusterName> {
    ClusterName::parse(binding.str_at(&["status", "apiExportClusterName"])?).ok()
}

fn accepted(binding: &APIBinding) -> Vec<AcceptableClaim> {
    let claims = binding.spec.permission_claims.iter();
    claims.filter(|claim| claim.state == ClaimState::Accepted).cloned().collect()
}

/// What is asked for and accepted, as it is accepted.
fn effective(binding: &APIBinding) -> BTreeMap<ClaimKey, ScopedClaim> {
    let asked: BTreeSet<ClaimKey> =
        binding.status.export_permission_claims.iter().map(PermissionClaim::key).collect();
    let claims = accepted(binding).into_iter().filter(|claim| asked.contains(&claim.claim.key()));
    claims
        .map(|AcceptableClaim { claim, selector, .. }| (claim.key(), ScopedClaim { claim, selector }))
        .collect()
}

fn by_key(claims: &[ScopedClaim]) -> BTreeMap<ClaimKey, ScopedClaim> {
    claims.iter().map(|claim| (claim.claim.key(), claim.clone())).collect()
}

fn applied(binding: &APIBinding) -> impl Iterator<Item = ClaimKey> {
    binding.status.applied_permission_claims.iter().map(|claim| claim.claim.key())
}

/// Where the objects of a claim are stored.
fn resource(claim: &ClaimKey) -> ResourceKey {
    let (group, resource) = normalized(&claim.group, &claim.resource);
    if !claim.identity_hash.is_empty() {
        ResourceKey::bound(group, resource, &claim.identity_hash)
    } else if group == api_group::APIS || group == api_group::CORE {
        ResourceKey::custom(group, resource)
    } else {
        ResourceKey::built_in(group, resource)
    }
}

/// The next objects whose label is wrong; nothing if all have been looked at.
fn walk(
    binding: &Key,
    grant: Grant<'_>,
    claimed: &BTreeSet<ClaimKey>,
    facts: &Facts,
) -> Result<Option<Step>, Missing> {
    let resources: BTreeSet<ResourceKey> = claimed.iter().map(resource).collect();
    for resource in resources {
        let after = match facts.cursor() {
            Some(cursor) if cursor.resource > resource => continue,
            cursor => cursor.filter(|cursor| cursor.resource == resource),
        };
        let range = Range::cluster(resource, binding.cluster.clone());
        let (objects, more) = facts.page(&range, after, PAGE)?;
        let changes: Vec<Change> = objects
            .iter()
            .filter(|object| !object.is_deleting() && is_wrong(object, grant))
            .map(|object| Change::Patch {
                key: object.key.clone(),
                patch: Value::object(),
                subresource: None,
            })
            .collect();
        if let Some(last) = objects.last()
            && (more || !changes.is_empty())
        {
            return Ok(Some(Step::Walk { changes, upto: last.key.clone() }));
        }
    }
    Ok(None)
}

/// Whether an object's label for the export is not what it must be.
fn is_wrong(object: &Object, grant: Grant<'_>) -> bool {
    let resource = GroupResource::new(&object.key.resource.group, &object.key.resource.resource);
    let export = |name: &str| object.value.str_at(&["spec", "reference", "export", name]);
    // A binding of the export itself may always be seen by it.
    let own = (export("name") == Some(grant.export)
        && object.value.str_at(&["status", "apiExportClusterName"]) == Some(grant.cluster.as_str()))
    .then_some(grant);
    let key = label_key(grant.cluster, grant.export);
    let wanted = labels_for(&resource, &object.value, [grant], own);
    object.value.meta().label(&key) != wanted.get(&key).map(String::as_str)
}

fn show(
    object: &mut Value,
    binding: &APIBinding,
    effective: &BTreeMap<ClaimKey, ScopedClaim>,
    facts: &Facts,
) {
    let claims: Vec<Value> = effective.values().filter_map(to_value).collect();
    // Where something was refused, all is tried again.
    match (facts.refused().is_empty(), claims.is_empty()) {
        (false, _) => {}
        (true, true) => _ = object.remove_at(&["status", "appliedPermissionClaims"]),
        (true, false) => object.set_at(&["status", "appliedPermissionClaims"], Value::Array(claims)),
    }
    conditions::set(object, &validity(binding), facts.now());
    let condition = match facts.refused().first() {
        None => Condition::met(APPLIED),
        Some((key, why)) => {
            let message = format!("Permission claims have not been fully applied: {key}: {why}");
            Condition::unmet(APPLIED, "Error", "InternalError", message)
        }
    };
    conditions::set(object, &condition, facts.now());
}

/// Whether what was accepted is what is asked for.
fn validity(binding: &APIBinding) -> Condition<'static> {
    let asked: BTreeMap<ClaimKey, &PermissionClaim> =
        binding.status.export_permission_claims.iter().map(|claim| (claim.key(), claim)).collect();
    let (mut unexpected, mut different) = (Vec::new(), Vec::new());
    for AcceptableClaim { claim, .. } in accepted(binding) {
        let name = GroupResource::new(&claim.group, &claim.resource);
        match asked.get(&claim.key()) {
            None => unexpected.push(format!(
                "unexpected/invalid claim for {}.{} (identity {})",
                claim.resource,
                claim.group,
                kcp_apimachinery::go::quote(&claim.identity_hash)
            )),
            Some(asked) if sorted(&asked.verbs) != sorted(&claim.verbs) => {
                different.push(format!("claim for {name}: verbs differ"));
            }
            Some(_) => {}
        }
    }
    let shown = |all: &[String], most: usize| all[..all.len().min(most)].join(", ");
    if !unexpected.is_empty() {
        let (count, most) = (unexpected.len(), SHOWN[0].min(unexpected.len()));
        let message = format!(
            "{count} unexpected and/or invalid permission claims (showing first {most}): {}",
            shown(&unexpected, most)
        );
        return Condition::unmet(VALID, "Error", "InvalidPermissionClaims", message);
    }
    if !different.is_empty() {
        let (count, most) = (different.len(), SHOWN[1].min(different.len()));
        let message = format!(
            "{count} permission claim(s) have mismatched verbs or selectors (showing first {most}): {}",
            shown(&different, most)
        );
        return Condition::unmet(VALID, "Warning", "PermissionClaimsMismatch", message);
    }
    Condition::met(VALID)
}

fn sorted(verbs: &[String]) -> BTreeSet<&str> {
    verbs.iter().map(String::as_str).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::{World, at};
    use kcp_api::claims::label_value;
    use kcp_apimachinery::value;

    fn binding() -> Key {
        at(kinds::api_bindings(), "farm")
    }

    fn map(name: &str) -> Key {
        at(kinds::core("configmaps"), &format!("n/{name}"))
    }

    fn key() -> String {
        label_key(&ClusterName::parse("farm").expect("a name"), "animals")
    }

    fn claim(resource: &str, state: &str, verbs: &[&str]) -> Value {
        let verbs: Vec<Value> = verbs.iter().map(|verb| Value::from(*verb)).collect();
        let (selector, verbs) = (value!({"matchAll": true}), Value::Array(verbs));
        value!({"resource": (resource), "verbs": (verbs), "state": (state), "selector": (selector)})
    }

    fn accepts(claims: Value) -> Value {
        value!({
            "apiVersion": "apis.kcp.io/v1alpha2", "kind": "APIBinding",
            "spec": {"reference": {"export": {"path": "farm", "name": "animals"}}, "permissionClaims": (claims)},
            "status": {
                "apiExportClusterName": "farm", "phase": "Bound",
                "exportPermissionClaims": [{"resource": "configmaps", "verbs": ["get", "list"]}],
            },
        })
    }

    fn condition(world: &World, kind: &str) -> String {
        let found = conditions::find(world.get(&binding()).expect("a binding"), kind);
        let text = |name: &str| found.and_then(|found| found.str_at(&[name])).unwrap_or_default().to_owned();
        format!("{} {}", text("status"), text("reason"))
    }

    #[test]
    fn objects_that_were_there_before_are_looked_at_in_pages() {
        let claims = value!([(claim("configmaps", "Accepted", &["list", "get"]))]);
        let mut world = World::new().with(&binding(), accepts(claims));
        for number in 0..PAGE + 100 {
            world.put(&map(&format!("c{number:04}")), value!({}));
        }
        world.put(&at(kinds::core("secrets"), "n/s"), value!({}));
        assert_eq!(world.run(&ClaimLabels, &binding()), None);
        // The world has no admission that would label what is patched.
        assert_eq!(world.log.len(), PAGE + 100 + 1);
        assert_eq!(world.log.last().map(String::as_str), Some("update apibindings farm"));
        assert!(!world.log.iter().any(|line| line.contains("secrets")));
        assert_eq!(condition(&world, APPLIED), "True ");
        assert_eq!(condition(&world, VALID), "True ");
        let writes = world.log.len();
        world.run(&ClaimLabels, &binding());
        assert_eq!(world.log.len(), writes, "and then they are left alone");
    }

    #[test]
    fn only_objects_whose_label_is_wrong_are_touched() {
        let claim_value =
            label_value(&PermissionClaim { resource: "configmaps".into(), ..Default::default() });
        let labelled = |value: &str| {
            let mut object = value!({});
            object.meta_mut().set_label(&key(), Some(value));
            object
        };
        let claims = value!([(claim("configmaps", "Accepted", &["get", "list"]))]);
        let mut world = World::new()
            .with(&binding(), accepts(claims))
            .with(&map("right"), labelled(&claim_value))
            .with(&map("wrong"), labelled("other"));
        world.run(&ClaimLabels, &binding());
        assert_eq!(world.log, ["patch configmaps n/wrong", "update apibindings farm"]);
        world.log.clear();
        world.edit(&binding(), |object| {
            object
                .set_at(&["spec", "permissionClaims"], value!([(claim("configmaps", "Rejected", &["get"]))]));
        });
        world.run(&ClaimLabels, &binding());
        let expected = ["patch configmaps n/right", "patch configmaps n/wrong", "update apibindings farm"];
        assert_eq!(world.log, expected, "both have a label that they must lose");
        let object = world.get(&binding()).expect("a binding");
        assert_eq!(object.at(&["status", "appliedPermissionClaims"]), None);
    }

    #[test]
    fn what_cannot_be_labelled_is_told_of() {
        let claims = value!([(claim("configmaps", "Accepted", &["get", "list"]))]);
        let mut world = World::new()
            .with(&binding(), accepts(claims))
            .with(&map("a"), value!({}))
            .refuse(&map("a"), "no");
        world.run(&ClaimLabels, &binding());
        assert_eq!(condition(&world, APPLIED), "False InternalError");
    }

    #[test]
    fn claims_that_nobody_asked_for_are_told_of() {
        let check = |claim: Value, expected: &str| {
            let mut world = World::new().with(&binding(), accepts(value!([(claim)])));
            world.run(&ClaimLabels, &binding());
            assert_eq!(condition(&world, VALID), expected);
        };
        check(claim("secrets", "Accepted", &["get"]), "False InvalidPermissionClaims");
        check(claim("configmaps", "Accepted", &["*"]), "False PermissionClaimsMismatch");
        check(claim("secrets", "Rejected", &["get"]), "True ");
    }
}

//! `kcp-apibinding`: an APIBinding gets the resources of its export.
//!
//! One plan looks at everything at once: export, schemas, the CRDs made of them, the locks on the
//! logical cluster that say whose a resource name is, and conflicts with names that are taken. What it
//! finds is one write of CRDs that are missing, one of the locks, one of the binding.

use crate::{
    conditions::{self, Condition},
    key, kinds,
};
use kcp_api::{
    bound_crd,
    lock::{Lock, Locks},
    naming::{self, Existing, Holder},
    types::apis::{ExportReference, Names},
    well_known::annotation,
};
use kcp_apimachinery::{Value, meta::GroupResource, time::Time, value};
use kcp_names::{ClusterName, WorkspacePath};
use kcp_reconcile::{Change, Controller, Fact, Facts, Missing, Object, Step, Wake, Wakes};
use kcp_storage::{Event, Key, Range};
use std::time::Duration;

/// Bindings and CRDs of one logical cluster that conflicts are looked for in.
const NEIGHBOURS: usize = 5_000;

/// The controller.
#[derive(Default)]
pub struct ApiBindings;

/// Why a binding cannot be completed (now).
struct Blocked {
    condition: &'static str,
    reason: &'static str,
    message: String,
}

/// A resource that can be bound: its schema, and the CRD made of it.
struct Bindable {
    schema: Object,
    crd: Key,
    group: String,
    resource: String,
}

/// What of an export this binding has the names of: positions of its bindables, and names others have.
struct Locked {
    free: Vec<usize>,
    taken: Vec<String>,
}

impl Controller for ApiBindings {
    fn name(&self) -> &'static str {
        "kcp-apibinding"
    }

    fn watches(&self) -> Vec<Range> {
        vec![
            Range::everywhere(kinds::api_bindings()),
            Range::everywhere(kinds::api_exports()),
            Range::everywhere(kinds::api_resource_schemas()),
            Range::cluster(kinds::crds(), ClusterName::bound_crds()),
        ]
    }

    fn wakes(&self, event: &Event, object: &Value, wakes: &mut Vec<Wakes>) {
        let kind = &event.key.resource;
        if *kind == kinds::api_bindings() {
            // A binding's own status changes nothing about it.
            let of = |record: &Option<kcp_storage::Record>| {
                let json = record.as_ref().map(kcp_storage::Record::json).unwrap_or_default();
                let mut object = kcp_apimachinery::value::decode(json).unwrap_or_default();
                object.remove_at(&["status"]);
                object.remove_at(&["metadata", "managedFields"]);
                object
            };
            let status_only = event.previous.is_some() && of(&event.previous) == of(&event.record);
            if !status_only || object.str_at(&["status", "phase"]) != Some("Bound") {
                wakes.push(Wakes::One(event.key.clone()));
            }
        } else if *kind == kinds::api_exports() || event.record.is_none() || event.previous.is_none() {
            wakes.push(Wakes::All(Range::everywhere(kinds::api_bindings())));
        }
    }

    fn plan(&self, at: &Key, facts: &Facts) -> Result<Step, Missing> {
        let Fact::Is(binding) = facts.get(at)? else { return Ok(Step::Done) };
        if binding.is_deleting() {
            return Ok(Step::Done);
        }
        let mut object = (*binding.value).clone();
        if object.str_at(&["status", "phase"]).unwrap_or_default().is_empty() {
            object.set_at(&["status", "phase"], "Binding".into());
        }
        let mut changes = Vec::new();
        let blocked = self.bind(&binding, &mut object, &mut changes, facts)?.err();
        show(&mut object, blocked.as_ref(), facts.now());
        if object != *binding.value {
            changes.push(Change::Update { key: at.clone(), object, subresource: None });
        }
        if !changes.is_empty() {
            return Ok(Step::Write(changes));
        }
        Ok(match blocked {
            Some(blocked) => Step::Wait(Wake::After(Duration::from_secs(5)), blocked.message),
            None => Step::Done,
        })
    }
}

impl ApiBindings {
    /// Finds what can be bound, adds what is missing to `changes`, and writes the result into `object`.
    fn bind(
        &self,
        binding: &Object,
        object: &mut Value,
        changes: &mut Vec<Change>,
        facts: &Facts,
    ) -> Result<Result<(), Blocked>, Missing> {
        let export = match export_of(binding, facts)? {
            Ok(export) => export,
            Err(blocked) => return Ok(Err(blocked)),
        };
        let claims = export.value.at(&["spec", "permissionClaims"]).cloned();
        match claims {
            Some(claims) => object.set_at(&["status", "exportPermissionClaims"], claims),
            None => {
                object.remove_at(&["status", "exportPermissionClaims"]);
            }
        }
        let Some(identity) = export.value.str_at(&["status", "identityHash"]).filter(|hash| !hash.is_empty())
        else {
            return Ok(Err(Blocked {
                condition: "APIExportValid",
                reason: "MissingIdentityHash",
                message: format!(
                    "APIExport {}|{} is missing status.identityHash",
                    export.key.cluster, export.key.name
                ),
            }));
        };
        object.set_at(&["status", "apiExportClusterName"], export.key.cluster.as_str().into());
        let bindables = match bindables(&export, facts)? {
            Ok(bindables) => bindables,
            Err(blocked) => return Ok(Err(blocked)),
        };
        let Locked { free, taken } = match lock(binding, &bindables, changes, facts)? {
            Ok(locked) => locked,
            Err(blocked) => return Ok(Err(blocked)),
        };
        let mut bound: Vec<Value> = kept(object, &bindables, &free);
        for at in free {
            let bindable = &bindables[at];
            if let Some(blocked) = conflict(binding, bindable, facts)? {
                return Ok(Err(blocked));
            }
            if facts.get(&bindable.crd)? == Fact::Absent {
                match bound_crd::build_from(&bindable.schema.value, &bindable.schema.key.cluster) {
                    Ok(crd) => {
                        changes.push(Change::Create { key: bindable.crd.clone(), object: established(crd) })
                    }
                    Err(why) => return Ok(Err(rejected(&bindable.schema, &why))),
                }
            }
            bound.push(entry(bindable, identity));
        }
        bound.sort_by_key(|entry| {
            let text = |name: &str| entry.str_at(&[name]).unwrap_or_default().to_owned();
            (text("group"), text("resource"))
        });
        if bound.is_empty() {
            object.remove_at(&["status", "boundResources"]);
        } else {
            object.set_at(&["status", "boundResources"], Value::Array(bound));
        }
        if taken.is_empty() {
            return Ok(Ok(()));
        }
        Ok(Err(Blocked {
            condition: "InitialBindingCompleted",
            reason: "NamingConflicts",
            message: format!(
                "Unable to bind APIs because they are bound by other APIBindings or CRDs: [{}]",
                taken.join(" ")
            ),
        }))
    }
}

/// The export that a binding refers to.
fn export_of(binding: &Object, facts: &Facts) -> Result<Result<Object, Blocked>, Missing> {
    let invalid = |reason, message| Blocked { condition: "APIExportValid", reason, message };
    let text = |name: &str| {
        binding.value.str_at(&["spec", "reference", "export", name]).unwrap_or_default().to_owned()
    };
    let (path, name) = (text("path"), text("name"));
    if name.is_empty() {
        return Ok(Err(invalid("APIExportInvalidReference", "Missing APIExport reference".to_owned())));
    }
    let cluster = if path.is_empty() {
        Fact::Is(binding.key.cluster.clone())
    } else {
        match WorkspacePath::parse(&path) {
            Ok(path) => facts.path(&path)?,
            Err(_) => Fact::Absent,
        }
    };
    let shown = if path.is_empty() { binding.key.cluster.to_string() } else { path };
    let missing = || invalid("APIExportNotFound", format!("APIExport {shown}|{name} not found"));
    let Fact::Is(cluster) = cluster else { return Ok(Err(missing())) };
    let Some(at) = key(kinds::api_exports(), &cluster, None, &name) else { return Ok(Err(missing())) };
    Ok(match facts.get(&at)? {
        Fact::Is(export) => Ok(export),
        Fact::Absent | Fact::Unknown => Err(missing()),
    })
}

/// The schemas of an export.
fn bindables(export: &Object, facts: &Facts) -> Result<Result<Vec<Bindable>, Blocked>, Missing> {
    let resources = export.value.at(&["spec", "resources"]).and_then(Value::as_array).unwrap_or_default();
    let mut found = Vec::new();
    for resource in resources {
        let name = resource.str_at(&["schema"]).unwrap_or_default();
        let missing = || Blocked {
            condition: "APIExportValid",
            reason: "InternalError",
            message: format!(
                "Invalid APIExport. Please contact the APIExport owner to resolve: APIResourceSchema {name:?} not found"
            ),
        };
        let Some(at) = key(kinds::api_resource_schemas(), &export.key.cluster, None, name) else {
            return Ok(Err(missing()));
        };
        let Fact::Is(schema) = facts.get(&at)? else { return Ok(Err(missing())) };
        let Some(crd) = key(kinds::crds(), &ClusterName::bound_crds(), None, schema.uid()) else {
            return Ok(Err(missing()));
        };
        let text = |path: &[&str]| schema.value.str_at(path).unwrap_or_default().to_owned();
        found.push(Bindable {
            group: text(&["spec", "group"]),
            resource: text(&["spec", "names", "plural"]),
            crd,
            schema,
        });
    }
    Ok(Ok(found))
}

/// Takes the names of resources for this binding. Gives the positions of those that it has, and the
/// names of those that somebody else has.
fn lock(
    binding: &Object,
    bindables: &[Bindable],
    changes: &mut Vec<Change>,
    facts: &Facts,
) -> Result<Result<Locked, Blocked>, Missing> {
    let blocked = |message: &str| Blocked {
        condition: "InitialBindingCompleted",
        reason: "LogicalClusterNotFound",
        message: message.to_owned(),
    };
    let at = kinds::logical_cluster(&binding.key.cluster);
    let Fact::Is(cluster) = facts.get(&at)? else {
        return Ok(Err(blocked("the logical cluster does not exist")));
    };
    let held = cluster.value.str_at(&["metadata", "annotations", annotation::RESOURCE_BINDINGS]);
    let locks = match Locks::parse(held) {
        Ok(locks) => locks,
        Err(why) => return Ok(Err(blocked(&why.to_string()))),
    };
    let wanted: Vec<GroupResource> =
        bindables.iter().map(|bindable| GroupResource::new(&bindable.group, &bindable.resource)).collect();
    let (own, _) = facts.list(&Range::cluster(kinds::crds(), binding.key.cluster.clone()), NEIGHBOURS)?;
    let crds = own
        .iter()
        .map(|crd| {
            let text = |path: &[&str]| crd.value.str_at(path).unwrap_or_default();
            GroupResource::new(text(&["spec", "group"]), text(&["spec", "names", "plural"]))
        })
        .collect();
    // A clock that shows no time at all lets no lock expire.
    let Some(now) = Time::from_unix(facts.now()) else { return Ok(Err(blocked("the clock is wrong"))) };
    let acquired = locks.acquire(&wanted, &Lock::binding(binding.key.name.as_str()), &crds, now);
    if acquired.locks != locks {
        let mut patch = cluster.precondition();
        patch.set_at(
            &["metadata", "annotations", annotation::RESOURCE_BINDINGS],
            acquired.locks.encode().into(),
        );
        changes.push(Change::Patch { key: at, patch, subresource: None });
    }
    let free = (0..wanted.len()).filter(|&at| acquired.locked.contains(&wanted[at])).collect();
    Ok(Ok(Locked { free, taken: acquired.skipped.keys().map(ToString::to_string).collect() }))
}

fn rejected(schema: &Object, why: &str) -> Blocked {
    Blocked {
        condition: "InitialBindingCompleted",
        reason: "APIResourceSchemaInvalid",
        message: format!("APIResourceSchema {}|{} is invalid: {why}", schema.key.cluster, schema.key.name),
    }
}

/// A bound CRD is served from the moment it is stored: nobody else can have its name.
fn established(mut crd: Value) -> Value {
    let names = crd.at(&["spec", "names"]).cloned().unwrap_or_default();
    let versions = crd.at(&["spec", "versions"]).and_then(Value::as_array).unwrap_or_default();
    let stored: Vec<Value> = versions
        .iter()
        .filter(|version| version.get("storage").and_then(Value::as_bool) == Some(true))
        .filter_map(|version| version.get("name").cloned())
        .collect();
    let condition = |kind: &str, reason: &str, message: &str| {
        value!({"type": (kind), "status": "True", "reason": (reason), "message": (message),
            "lastTransitionTime": "1970-01-01T00:00:00Z"})
    };
    crd.set_at(&["status", "acceptedNames"], names);
    crd.set_at(&["status", "storedVersions"], Value::Array(stored));
    crd.set_at(
        &["status", "conditions"],
        Value::Array(vec![
            condition("NamesAccepted", "NoConflicts", "no conflicts found"),
            condition("Established", "InitialNamesAccepted", "the initial names have been accepted"),
        ]),
    );
    crd
}

/// Bound resources that the export does not have any more stay as they are.
fn kept(object: &Value, bindables: &[Bindable], free: &[usize]) -> Vec<Value> {
    let entries = object.at(&["status", "boundResources"]).and_then(Value::as_array).unwrap_or_default();
    let replaced = |entry: &&Value| {
        free.iter().any(|&at| {
            entry.str_at(&["group"]).unwrap_or_default() == bindables[at].group
                && entry.str_at(&["resource"]) == Some(&*bindables[at].resource)
        })
    };
    entries.iter().filter(|entry| !replaced(entry)).cloned().collect()
}

fn entry(bindable: &Bindable, identity: &str) -> Value {
    let versions =
        bindable.schema.value.at(&["spec", "versions"]).and_then(Value::as_array).unwrap_or_default();
    let stored: Vec<Value> = versions
        .iter()
        .filter(|version| version.get("storage").and_then(Value::as_bool) == Some(true))
        .filter_map(|version| version.get("name").cloned())
        .collect();
    value!({
        "group": (bindable.group.as_str()), "resource": (bindable.resource.as_str()),
        "schema": {"name": (bindable.schema.key.name.as_str()), "UID": (bindable.schema.uid()), "identityHash": (identity)},
        "storageVersions": (Value::Array(stored)),
    })
}

/// Whether a name of the resource is taken by another binding or by a CRD of the logical cluster.
fn conflict(binding: &Object, bindable: &Bindable, facts: &Facts) -> Result<Option<Blocked>, Missing> {
    let cluster = &binding.key.cluster;
    let names = |object: &Value, path: &[&str]| -> Names {
        let value = object.at(path).map(kcp_apimachinery::value::encode).unwrap_or_default();
        serde_json::from_slice(&value).unwrap_or_default()
    };
    let wanted = names(&bindable.schema.value, &["spec", "names"]);
    let (own_crds, _) = facts.list(&Range::cluster(kinds::crds(), cluster.clone()), NEIGHBOURS)?;
    let mut others: Vec<(String, Names, String, Option<ExportReference>)> = own_crds
        .iter()
        .map(|crd| {
            let group = crd.value.str_at(&["spec", "group"]).unwrap_or_default().to_owned();
            (group, names(&crd.value, &["status", "acceptedNames"]), crd.key.name.to_string(), None)
        })
        .collect();
    let (bindings, _) = facts.list(&Range::cluster(kinds::api_bindings(), cluster.clone()), NEIGHBOURS)?;
    for other in bindings.iter().filter(|other| other.key != binding.key) {
        let entries =
            other.value.at(&["status", "boundResources"]).and_then(Value::as_array).unwrap_or_default();
        for entry in
            entries.iter().filter(|entry| entry.str_at(&["group"]).unwrap_or_default() == bindable.group)
        {
            let uid = entry.str_at(&["schema", "UID"]).unwrap_or_default();
            let Some(at) = key(kinds::crds(), &ClusterName::bound_crds(), None, uid) else { continue };
            let Fact::Is(crd) = facts.get(&at)? else { continue };
            let text = |name: &str| {
                other.value.str_at(&["spec", "reference", "export", name]).unwrap_or_default().to_owned()
            };
            let export = ExportReference { path: text("path"), name: text("name") };
            let accepted = names(&crd.value, &["status", "acceptedNames"]);
            others.push((bindable.group.clone(), accepted, other.key.name.to_string(), Some(export)));
        }
    }
    let existing = others.iter().map(|(group, accepted, name, export)| Existing {
        group,
        accepted,
        holder: match export {
            Some(export) => Holder::Binding { name, export },
            None => Holder::Crd(name),
        },
    });
    Ok(naming::check(binding.key.name.as_str(), &bindable.group, &wanted, existing).err().map(|taken| {
        Blocked {
            condition: "InitialBindingCompleted",
            reason: "NamingConflicts",
            message: format!("Unable to bind APIs: {taken}"),
        }
    }))
}

/// Writes phase and conditions.
fn show(object: &mut Value, blocked: Option<&Blocked>, now: i64) {
    let completed = conditions::is_true(object, "InitialBindingCompleted");
    match blocked {
        None => {
            for kind in ["APIExportValid", "InitialBindingCompleted", "BindingUpToDate"] {
                conditions::set(object, &Condition::met(kind), now);
            }
            object.set_at(&["status", "phase"], "Bound".into());
        }
        Some(blocked) if blocked.condition == "APIExportValid" => {
            let severity = if blocked.reason == "MissingIdentityHash" { "Warning" } else { "Error" };
            let cause = Condition::unmet("APIExportValid", severity, blocked.reason, blocked.message.clone());
            conditions::set(object, &cause, now);
            if !completed {
                let waiting = "Waiting for API(s) to be established";
                let cause =
                    Condition::unmet("InitialBindingCompleted", "Info", "WaitingForEstablished", waiting);
                conditions::set(object, &cause, now);
            }
        }
        Some(blocked) => {
            conditions::set(object, &Condition::met("APIExportValid"), now);
            let cause = |kind| Condition::unmet(kind, "Error", blocked.reason, blocked.message.clone());
            if !completed {
                conditions::set(object, &cause("InitialBindingCompleted"), now);
            }
            conditions::set(object, &cause("BindingUpToDate"), now);
        }
    }
    claims(object, now);
    conditions::summarize(object, &["InitialBindingCompleted"], now);
}

/// What the binding accepts of what the export claims.
fn claims(object: &mut Value, now: i64) {
    let list = |object: &Value, path: &[&str]| {
        object.at(path).and_then(Value::as_array).unwrap_or_default().to_vec()
    };
    let asked = list(object, &["status", "exportPermissionClaims"]);
    let accepted: Vec<Value> = list(object, &["spec", "permissionClaims"])
        .into_iter()
        .filter(|claim| claim.str_at(&["state"]) == Some("Accepted"))
        .collect();
    let same =
        |a: &Value, b: &Value| ["group", "resource", "identityHash"].iter().all(|n| a.get(n) == b.get(n));
    let unknown: Vec<String> = accepted
        .iter()
        .filter(|claim| !asked.iter().any(|other| same(claim, other)))
        .map(|claim| claim.str_at(&["resource"]).unwrap_or_default().to_owned())
        .collect();
    let valid = if unknown.is_empty() {
        Condition::met("PermissionClaimsValid")
    } else {
        let message = format!("accepted claims are not asked for by the APIExport: {}", unknown.join(", "));
        Condition::unmet("PermissionClaimsValid", "Error", "InvalidPermissionClaims", message)
    };
    conditions::set(object, &valid, now);
    let applied: Vec<Value> =
        accepted.iter().filter(|claim| asked.iter().any(|other| same(claim, other))).cloned().collect();
    let stripped: Vec<Value> = applied
        .into_iter()
        .map(|mut claim| {
            claim.remove_at(&["state"]);
            claim
        })
        .collect();
    if stripped.is_empty() {
        object.remove_at(&["status", "appliedPermissionClaims"]);
    } else {
        object.set_at(&["status", "appliedPermissionClaims"], Value::Array(stripped));
    }
    conditions::set(object, &Condition::met("PermissionClaimsApplied"), now);
}

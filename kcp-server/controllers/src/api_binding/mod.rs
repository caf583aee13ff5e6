//! `kcp-apibinding`: an APIBinding gets the resources of its export.
//!
//! One plan looks at everything at once: export, schemas, the CRDs made of them, the locks on the
//! logical cluster that say whose a resource name is, and conflicts with names that are taken. What it
//! finds is one write of CRDs that are missing, one of the locks, one of the binding.

mod bound;
mod export;
mod names;
mod report;
#[cfg(test)]
mod tests;

use crate::{binding_index::BindingIndex, kinds};
use bound::{entry, established, kept};
use export::{bindables, export_of};
use kcp_api::{bound_crd, well_known::annotation};
use kcp_apimachinery::Value;
use kcp_names::{ClusterName, Revision};
use kcp_reconcile::{Change, Controller, Fact, Facts, Missing, Object, Step, Wake, Wakes};
use kcp_storage::{Event, Key, Range};
use names::{Locked, conflict, lock};
use report::show;
use std::{collections::BTreeMap, sync::Arc, time::Duration};

/// The controller.
pub struct ApiBindings {
    bindings: Arc<BindingIndex>,
}

impl ApiBindings {
    /// The controller, which asks this index whom an export concerns.
    #[must_use]
    pub fn new(bindings: Arc<BindingIndex>) -> Self {
        Self { bindings }
    }
}

/// Why a binding cannot be completed (now).
struct Blocked {
    condition: &'static str,
    reason: &'static str,
    message: String,
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
        let (cluster, name) = (event.key.cluster.as_str(), event.key.name.as_str());
        // Whoever refers to it says where it is by the name of its logical cluster, or by its path.
        let places = [cluster, object.meta().annotation(annotation::PATH).unwrap_or(cluster)];
        let ends = event.record.is_none() || event.previous.is_none();
        let woken = if *kind == kinds::api_bindings() {
            self.bindings.see(event, object);
            if is_settled(event, object) { Vec::new() } else { vec![event.key.clone()] }
        } else if *kind == kinds::api_exports() {
            if offers_the_same(event, object) { Vec::new() } else { self.bindings.of_export(&places, name) }
        } else if *kind == kinds::api_resource_schemas() {
            if ends { self.bindings.of_place(&places) } else { Vec::new() }
        } else if event.record.is_none() {
            self.bindings.of_schema(name)
        } else {
            Vec::new()
        };
        wakes.extend(woken.into_iter().map(Wakes::One));
    }

    fn plan(&self, at: &Key, facts: &Facts) -> Result<Step, Missing> {
        let Fact::Is(binding) = facts.get(at)? else { return Ok(Step::Done) };
        if binding.is_deleting() {
            return Ok(Step::Done);
        }
        let Bound { object, mut changes, blocked } = look(&binding, facts)?;
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

/// A binding that is about to be made, as it will be when it is bound, and what has to be written before.
pub(crate) fn born(at: &Key, object: Value, facts: &Facts) -> Result<(Value, Vec<Change>), Missing> {
    let (created, modified) = (Revision(0), Revision(0));
    let unborn = Object { key: at.clone(), value: Arc::new(object), created, modified };
    look(&unborn, facts).map(|bound| (bound.object, bound.changes))
}

/// What came of looking at a binding.
struct Bound {
    /// The binding as it should be.
    object: Value,
    /// What has to be written before it.
    changes: Vec<Change>,
    /// Why it is not complete.
    blocked: Option<Blocked>,
}

fn look(binding: &Object, facts: &Facts) -> Result<Bound, Missing> {
    let mut object = (*binding.value).clone();
    if object.str_at(&["status", "phase"]).unwrap_or_default().is_empty() {
        object.set_at(&["status", "phase"], "Binding".into());
    }
    let mut changes = Vec::new();
    let blocked = bind(binding, &mut object, &mut changes, facts)?.err();
    show(&mut object, blocked.as_ref(), facts.now());
    Ok(Bound { object, changes, blocked })
}

/// Whether only the status of a binding that serves has changed, which changes nothing about it.
fn is_settled(event: &Event, binding: &Value) -> bool {
    let asked = |binding: &Value| {
        let mut binding = binding.clone();
        binding.remove_at(&["status"]);
        for name in ["managedFields", "resourceVersion"] {
            binding.remove_at(&["metadata", name]);
        }
        binding
    };
    binding.str_at(&["status", "phase"]) == Some("Bound")
        && before(event).is_some_and(|before| asked(&before) == asked(binding))
}

/// Whether a change of an export concerns none of its bindings.
fn offers_the_same(event: &Event, export: &Value) -> bool {
    let offer = |export: &Value| {
        let at = |path: &[&str]| export.at(path).cloned();
        let annotations = at(&["metadata", "annotations"]);
        let (resources, claims) = (at(&["spec", "resources"]), at(&["spec", "permissionClaims"]));
        [annotations, resources, claims, at(&["status", "identityHash"])]
    };
    event.record.is_some() && before(event).is_some_and(|before| offer(&before) == offer(export))
}

fn before(event: &Event) -> Option<Value> {
    let before = event.previous.as_ref()?;
    Some(kcp_apimachinery::value::decode(before.json()).unwrap_or_default())
}

/// Finds what can be bound, adds what is missing to `changes`, and writes the result into `object`.
fn bind(
    binding: &Object,
    object: &mut Value,
    changes: &mut Vec<Change>,
    facts: &Facts,
) -> Result<Result<(), Blocked>, Missing> {
    let export = match export_of(binding, facts)? {
        Ok(export) => export,
        Err(blocked) => {
            if blocked.reason == "APIExportNotFound" {
                repeat_extras(object, &Value::Null);
            }
            return Ok(Err(blocked));
        }
    };
    repeat_extras(object, &export.value);
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
        let crd = facts.get(&bindable.crd)?;
        if crd == Fact::Absent {
            match bound_crd::build_from(&bindable.schema.value, &bindable.schema.key.cluster) {
                Ok(crd) => {
                    changes.push(Change::Create { key: bindable.crd.clone(), object: established(crd) })
                }
                Err(why) => return Ok(Err(rejected(&bindable.schema, &why))),
            }
        }
        bound.push(entry(bindable, identity, crd.known().as_ref().map(|crd| &*crd.value), object));
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

/// Has a binding the extra annotations of its export, and no others.
fn repeat_extras(binding: &mut Value, export: &Value) {
    let extras = |object: &Value| -> BTreeMap<String, String> {
        let all = object.meta().annotations();
        let extra = all.filter(|(name, _)| name.starts_with(annotation::EXTRA_PREFIX));
        extra.map(|(name, text)| (name.to_owned(), text.to_owned())).collect()
    };
    let (has, wanted) = (extras(binding), extras(export));
    for name in has.keys().filter(|name| !wanted.contains_key(*name)) {
        binding.meta_mut().set_annotation(name, None);
    }
    for (name, text) in &wanted {
        binding.meta_mut().set_annotation(name, Some(text));
    }
}

fn rejected(schema: &Object, why: &str) -> Blocked {
    Blocked {
        condition: "InitialBindingCompleted",
        reason: "APIResourceSchemaInvalid",
        message: format!("APIResourceSchema {}|{} is invalid: {why}", schema.key.cluster, schema.key.name),
    }
}

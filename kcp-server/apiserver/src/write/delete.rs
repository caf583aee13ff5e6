use super::{Body, Write, prepare, update};
use crate::{
    ApiServer, Error, clock,
    request::{OptionsError, wrong_dry_runs},
};
use kcp_admission::Operation;
use kcp_apimachinery::{
    Value,
    field::{self, Path},
    meta::GroupResource,
    value,
};
use kcp_registry::{Deed, codec};
use kcp_storage::Record;

const FOREGROUND: &str = "foregroundDeletion";
const ORPHAN: &str = "orphan";
const ATTEMPTS: usize = 10;

/// What a client wants of a deletion.
#[derive(Clone, Debug, Default)]
pub(crate) struct DeleteOptions {
    /// Only the object with this uid.
    pub uid: Option<String>,
    /// Only this version.
    pub resource_version: Option<String>,
    /// `Background`, `Foreground`, `Orphan`; empty: as the object's finalizers say, else in the background.
    pub propagation: String,
    /// Seconds; only some kinds go gracefully.
    pub grace: Option<i64>,
    /// Nothing is stored.
    pub dry_run: bool,
}

/// What became of a deletion.
pub(crate) enum Deleted {
    /// The object is gone; this was its last state.
    Gone(Value),
    /// The object is marked and goes when its finalizers have gone.
    Marked(Value),
}

impl DeleteOptions {
    /// Options of the query, overruled by those of the body.
    pub(crate) fn read(write: &Write<'_>, body: Body) -> Result<Self, Error> {
        let query = &write.options;
        let mut options =
            Self { propagation: query.propagation.clone(), grace: query.grace_period, ..Self::default() };
        let (mut orphan, mut dry) = (query.orphan_dependents, query.dry_runs.clone());
        match body {
            Body::Empty => {}
            Body::Object(given, _) => {
                check_kind(&given)?;
                let text = |path: &[&str]| given.str_at(path).map(str::to_owned);
                options.uid = text(&["preconditions", "uid"]);
                options.resource_version = text(&["preconditions", "resourceVersion"]);
                if let Some(policy) = text(&["propagationPolicy"]) {
                    options.propagation = policy;
                }
                options.grace = given.at(&["gracePeriodSeconds"]).and_then(Value::as_int).or(options.grace);
                orphan = given.at(&["orphanDependents"]).and_then(Value::as_bool).or(orphan);
                let more = given.get("dryRun").and_then(Value::as_array).unwrap_or_default();
                dry.extend(more.iter().filter_map(Value::as_str).map(str::to_owned));
            }
            Body::Patch(..) => return Err(Error::BadRequest("the body must be DeleteOptions".to_owned())),
        }
        options.check(orphan, &dry)?;
        options.dry_run = dry.iter().any(|value| value == "All");
        if let Some(orphan) = orphan {
            options.propagation = if orphan { "Orphan" } else { "Background" }.to_owned();
        }
        Ok(options)
    }

    fn check(&self, orphan: Option<bool>, dry: &[String]) -> Result<(), OptionsError> {
        let (at, policy) = (Path::new("propagationPolicy"), self.propagation.as_str());
        let mut errors = Vec::new();
        if orphan.is_some() && !policy.is_empty() {
            let why = "orphanDependents and deletionPropagation cannot be both set";
            errors.push(field::Error::invalid(&at, policy, why));
        }
        if !matches!(policy, "" | "Background" | "Foreground" | "Orphan") {
            let all = ["Foreground", "Background", "Orphan", "nil"];
            errors.push(field::Error::not_supported(&at, policy, &all));
        }
        errors.extend(wrong_dry_runs(dry));
        if errors.is_empty() { Ok(()) } else { Err(OptionsError::Invalid { kind: "DeleteOptions", errors }) }
    }
}

/// Options of any group's version will do, but nothing else that was sent by mistake.
fn check_kind(body: &Value) -> Result<(), Error> {
    match body.str_at(&["kind"]) {
        None | Some("" | "DeleteOptions") => Ok(()),
        Some(kind) => {
            let version = body.str_at(&["apiVersion"]).unwrap_or_default();
            Err(Error::BadRequest(format!(
                "no kind {kind:?} is registered for version {version:?}: DeleteOptions are expected"
            )))
        }
    }
}

impl ApiServer {
    /// `DELETE` of one object.
    pub(crate) async fn delete(
        &self,
        write: &Write<'_>,
        name: &str,
        options: &DeleteOptions,
    ) -> Result<Deleted, Error> {
        let mut attempts = ATTEMPTS;
        loop {
            attempts -= 1;
            match self.try_delete(write, name, options).await {
                Err(Error::Registry(kcp_registry::Error::Conflict { .. }))
                    if attempts > 0 && options.resource_version.is_none() => {}
                other => return other,
            }
        }
    }

    async fn try_delete(
        &self,
        write: &Write<'_>,
        name: &str,
        options: &DeleteOptions,
    ) -> Result<Deleted, Error> {
        let key = write.key(name)?;
        let record = self.registry.record(&key).await?.ok_or_else(|| update::not_found(write, name))?;
        let object = codec::open(&key, &record)?;
        check_preconditions(write, name, &object, &record, options)?;
        let mut seen = object.clone();
        prepare::convert(&write.resource, &write.resource.storage, &write.version, &mut seen)?;
        self.validate(write, Operation::Delete, Some(&seen), name, None).await?;
        let mut marked = object.clone();
        set_propagation(&mut marked, &options.propagation);
        hold_definition(write, &mut marked);
        let grace = grace(write, &marked, options.grace);
        if grace == 0 && !has_finalizers(write, &marked) {
            if !options.dry_run {
                self.registry.commit(&write.resource, &key, Deed::Remove(record.modified), None).await?;
            }
            return Ok(Deleted::Gone(object));
        }
        mark(write, &mut marked, grace);
        if options.dry_run || marked == object {
            return Ok(Deleted::Marked(marked));
        }
        let value = self.seal(write, &mut marked);
        let deed = Deed::Replace(record.modified, value);
        let commit = self.registry.commit(&write.resource, &key, deed, None).await?;
        if let Some(record) = &commit.record {
            codec::project(&key, record, &mut marked);
        }
        Ok(Deleted::Marked(marked))
    }
}

/// `Status` that tells that an object is gone.
pub(crate) fn success(write: &Write<'_>, object: &Value) -> Value {
    let text = |path: &[&str]| object.str_at(path).unwrap_or_default().to_owned();
    let mut details = value!({
        "name": (text(&["metadata", "name"])), "kind": (&*write.resource.plural), "uid": (text(&["metadata", "uid"])),
    });
    if !write.resource.group.is_empty() {
        details.set_at(&["group"], (&*write.resource.group).into());
    }
    value!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": (details)})
}

/// Whether an object that is being deleted has nothing left to wait for.
pub(crate) fn is_finished(write: &Write<'_>, object: &Value) -> bool {
    let deleting = object.at(&["metadata", "deletionTimestamp"]).is_some_and(|time| !time.is_null());
    let grace = object.at(&["metadata", "deletionGracePeriodSeconds"]).and_then(Value::as_int).unwrap_or(0);
    deleting && grace == 0 && !has_finalizers(write, object)
}

fn has_finalizers(write: &Write<'_>, object: &Value) -> bool {
    let some = |path: &[&str]| object.at(path).and_then(Value::as_array).is_some_and(|list| !list.is_empty());
    some(&["metadata", "finalizers"]) || (is_namespace(write) && some(&["spec", "finalizers"]))
}

fn is_namespace(write: &Write<'_>) -> bool {
    write.resource.is_built_in() && write.resource.group.is_empty() && &*write.resource.plural == "namespaces"
}

fn check_preconditions(
    write: &Write<'_>,
    name: &str,
    object: &Value,
    record: &Record,
    options: &DeleteOptions,
) -> Result<(), Error> {
    let differs = |what: &str, wanted: &str, is: &str, so: &str| Error::Precondition {
        // The one refusal that names the kind instead of the resource.
        resource: GroupResource::new(&write.resource.group, &write.resource.kind).to_string(),
        name: name.to_owned(),
        why: format!(
            "the {what} in the precondition ({wanted}) does not match the {what} in record ({is}). \
             The object might have been {so}"
        ),
    };
    let uid = object.str_at(&["metadata", "uid"]).unwrap_or_default();
    if let Some(wanted) = &options.uid
        && wanted != uid
    {
        return Err(differs("UID", wanted, uid, "deleted and then recreated"));
    }
    let version = record.modified.to_string();
    if let Some(wanted) = &options.resource_version
        && *wanted != version
    {
        return Err(differs("ResourceVersion", wanted, &version, "modified"));
    }
    Ok(())
}

/// A definition goes after its instances, so it is held from the moment it is deleted. Those that are
/// shared by all logical clusters have no instances of their own.
fn hold_definition(write: &Write<'_>, object: &mut Value) {
    let definition = write.resource.is_built_in() && &*write.resource.plural == "customresourcedefinitions";
    if !definition || write.cluster.is_system() || object.meta().is_deleting() {
        return;
    }
    object.meta_mut().add_finalizer("customresourcecleanup.apiextensions.k8s.io");
    let mut conditions: Vec<Value> =
        object.at(&["status", "conditions"]).and_then(Value::as_array).unwrap_or_default().to_vec();
    conditions.retain(|condition| condition.str_at(&["type"]) != Some("Terminating"));
    conditions.push(value!({
        "type": "Terminating", "status": "True", "reason": "InstanceDeletionPending",
        "message": "CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon",
        "lastTransitionTime": (clock::now().to_string()),
    }));
    object.set_at(&["status", "conditions"], Value::Array(conditions));
}

/// The finalizers that stand for what becomes of dependents.
fn set_propagation(object: &mut Value, policy: &str) {
    if policy.is_empty() {
        return;
    }
    let mut finalizers: Vec<Value> =
        object.at(&["metadata", "finalizers"]).and_then(Value::as_array).unwrap_or_default().to_vec();
    finalizers.retain(|name| !matches!(name.as_str(), Some(FOREGROUND | ORPHAN)));
    match policy {
        "Foreground" => finalizers.push(FOREGROUND.into()),
        "Orphan" => finalizers.push(ORPHAN.into()),
        _ => {}
    }
    if finalizers.is_empty() {
        object.remove_at(&["metadata", "finalizers"]);
    } else {
        object.set_at(&["metadata", "finalizers"], Value::Array(finalizers));
    }
}

/// Seconds an object has to go. Only pods that run somewhere get any.
fn grace(write: &Write<'_>, object: &Value, asked: Option<i64>) -> i64 {
    let pod =
        write.resource.is_built_in() && write.resource.group.is_empty() && &*write.resource.plural == "pods";
    let ended = matches!(object.str_at(&["status", "phase"]), Some("Succeeded" | "Failed"));
    if !pod || ended || object.str_at(&["spec", "nodeName"]).unwrap_or_default().is_empty() {
        return 0;
    }
    let own = object.at(&["spec", "terminationGracePeriodSeconds"]).and_then(Value::as_int).unwrap_or(30);
    let wanted = asked.unwrap_or(own).max(0);
    // A second deletion may only shorten the time.
    match object.at(&["metadata", "deletionGracePeriodSeconds"]).and_then(Value::as_int) {
        Some(before) => wanted.min(before),
        None => wanted,
    }
}

fn mark(write: &Write<'_>, object: &mut Value, grace: i64) {
    let first = object.at(&["metadata", "deletionTimestamp"]).is_none();
    let shorter = object
        .at(&["metadata", "deletionGracePeriodSeconds"])
        .and_then(Value::as_int)
        .is_some_and(|s| grace < s);
    if first || shorter {
        object.set_at(&["metadata", "deletionTimestamp"], clock::after(grace).to_string().into());
        object.set_at(&["metadata", "deletionGracePeriodSeconds"], Value::Int(grace));
    }
    if first && let Some(generation) = object.at(&["metadata", "generation"]).and_then(Value::as_int) {
        object.set_at(&["metadata", "generation"], Value::Int(generation + 1));
    }
    if is_namespace(write) {
        object.set_at(&["status", "phase"], "Terminating".into());
    }
}

use super::{Body, PatchKind, Traits, Write, Written, fields, prepare};
use crate::{ApiServer, Error};
use kcp_admission::Operation;
use kcp_apimachinery::{Value, patch};
use kcp_registry::{Deed, Version, codec};
use kcp_schema::builtin::BuiltIn;
use kcp_storage::{Key, Record};

/// Attempts of a write that names no version of the object and meets others.
const ATTEMPTS: usize = 10;

/// The object that a write begins with.
struct Current {
    record: Record,
    /// In the version that the client speaks.
    object: Value,
}

impl ApiServer {
    /// `PUT`
    pub(crate) async fn update(&self, write: &Write<'_>, body: Body) -> Result<Written, Error> {
        let Body::Object(mut object, twice) = body else {
            return Err(Error::BadRequest("the body of the request must be an object".to_owned()));
        };
        let name = write.name.clone().unwrap_or_default();
        if write.subresource.as_deref() == Some("scale") {
            return self.retried(write, &name, |current| scale_into(write, current, &object)).await;
        }
        write.check_kind(&mut object)?;
        write.prune(&mut object, &twice)?;
        check_identity(write, &name, &object)?;
        let traits = Traits::of(&write.resource);
        let given = object.str_at(&["metadata", "resourceVersion"]).unwrap_or_default().to_owned();
        if given.is_empty() && !traits.unconditional && !write.internal {
            let exists = self.registry.record(&write.key(&name)?).await?.is_some();
            if exists || !traits.create_on_update {
                let at = kcp_apimachinery::field::Path::new("metadata");
                let why = "must be specified for an update";
                let error =
                    kcp_apimachinery::field::Error::invalid(&at.child("resourceVersion"), Value::Int(0), why);
                return if exists {
                    Err(write.invalid(&name, vec![error]))
                } else {
                    Err(not_found(write, &name))
                };
            }
        }
        if traits.create_on_update && write.subresource.is_none() {
            let missing = self.registry.record(&write.key(&name)?).await?.is_none();
            if missing && given.is_empty() {
                return self.create_object(write, object, &twice).await;
            }
        }
        self.retried(write, &name, |current| {
            let uid = |object: &Value| object.str_at(&["metadata", "uid"]).unwrap_or_default().to_owned();
            let (wanted, there) = (uid(&object), uid(current));
            if !wanted.is_empty() && wanted != there {
                let why = format!(
                    "Precondition failed: UID in precondition: {wanted}, UID in object meta: {there}"
                );
                return Err(conflict(write, &name, &why));
            }
            Ok(object.clone())
        })
        .await
    }

    /// `PATCH`, and server-side apply.
    pub(crate) async fn patch(&self, write: &Write<'_>, body: Body) -> Result<Written, Error> {
        let Body::Patch(kind, patch, twice) = body else {
            return Err(Error::BadRequest("the body of the request must be a patch".to_owned()));
        };
        let name = write.name.clone().unwrap_or_default();
        if kind == PatchKind::Apply {
            return self.apply(write, &name, patch, &twice).await;
        }
        let told: Vec<String> = twice.iter().map(|path| format!("duplicate field {path:?}")).collect();
        self.retried(write, &name, |current| {
            let scale = write.subresource.as_deref() == Some("scale");
            let mut wanted = if scale { scale_of(write, current)? } else { current.clone() };
            let mut told = told.clone();
            match kind {
                PatchKind::Json => patch::JsonPatch::read(patch.clone())
                    .and_then(|patch| {
                        told = patch.unknown_members();
                        patch.apply(std::mem::take(&mut wanted))
                    })
                    .map(|patched| wanted = patched),
                PatchKind::Merge => patch::merge(&mut wanted, patch.clone()),
                PatchKind::Strategic => {
                    let schema = write.version.known.map(BuiltIn::schema);
                    let schema = schema.as_ref().unwrap_or(&write.version.schema);
                    patch::strategic_merge(&mut wanted, patch.clone(), schema.shape())
                }
                PatchKind::Apply => Ok(()),
            }
            .map_err(|error| patch_error(&error))?;
            if scale {
                return scale_into(write, current, &wanted);
            }
            check_patched(
                write,
                &mut wanted,
                if kind == PatchKind::Strategic { Some(&patch) } else { None },
                told,
            )?;
            check_identity(write, &name, &wanted)?;
            Ok(wanted)
        })
        .await
    }

    async fn apply(
        &self,
        write: &Write<'_>,
        name: &str,
        mut applied: Value,
        twice: &[String],
    ) -> Result<Written, Error> {
        write.check_kind(&mut applied)?;
        if let (Some(path), "Strict") = (twice.first(), write.options.field_validation.as_str()) {
            return Err(Error::BadRequest(format!("error decoding YAML: key {path:?} already set in map")));
        }
        if applied.at(&["metadata", "managedFields"]).is_some_and(|fields| !fields.is_null()) {
            return Err(Error::BadRequest("metadata.managedFields must be nil".to_owned()));
        }
        for _ in 0..ATTEMPTS {
            if self.registry.record(&write.key(name)?).await?.is_none() {
                if write.subresource.is_some() {
                    return Err(not_found(write, name));
                }
                if applied.str_at(&["metadata", "uid"]).is_some_and(|uid| !uid.is_empty()) {
                    let uid = applied.str_at(&["metadata", "uid"]).unwrap_or_default();
                    let why = format!(
                        "uid mismatch: the provided object specified uid {uid}, and no existing object was found"
                    );
                    return Err(conflict(write, name, &why));
                }
                let object = fields::apply(write, None, applied.clone())?;
                match self.create_object(write, object, &[]).await {
                    Err(Error::Registry(kcp_registry::Error::AlreadyExists { .. })) => continue,
                    other => return other,
                }
            }
            match self
                .retried(write, name, |current| {
                    let wanted = fields::apply(write, Some(current.clone()), applied.clone())?;
                    check_identity(write, name, &wanted)?;
                    Ok(wanted)
                })
                .await
            {
                Err(Error::Registry(kcp_registry::Error::NotFound { .. })) => {}
                other => return other,
            }
        }
        Err(conflict(write, name, "the object keeps changing"))
    }

    /// Changes the object there is; anew when it changed meanwhile and the client named no version.
    async fn retried(
        &self,
        write: &Write<'_>,
        name: &str,
        change: impl Fn(&Value) -> Result<Value, Error> + Send + Sync,
    ) -> Result<Written, Error> {
        let key = write.key(name)?;
        let mut attempts = ATTEMPTS;
        loop {
            attempts -= 1;
            let current = self.current(write, &key).await?.ok_or_else(|| not_found(write, name))?;
            let wanted = change(&current.object)?;
            let version = wanted.str_at(&["metadata", "resourceVersion"]).unwrap_or_default().to_owned();
            let named = !version.is_empty()
                && Some(version.as_str()) != current.object.str_at(&["metadata", "resourceVersion"]);
            if named {
                return Err(conflict(write, name, MODIFIED));
            }
            match self.try_update(write, &key, name, current, wanted).await {
                Err(Error::Registry(kcp_registry::Error::Conflict { .. })) if attempts > 0 => {}
                other => return other,
            }
        }
    }

    async fn current(&self, write: &Write<'_>, key: &Key) -> Result<Option<Current>, Error> {
        let Some(record) = self.registry.record(key).await? else { return Ok(None) };
        let mut object = codec::open(key, &record)?;
        prepare::convert(&write.resource, &write.resource.storage, &write.version, &mut object)?;
        if record.header()?.schema != write.version.schema.content_id() {
            write.version.schema.prune(&mut object);
            write.default(&mut object);
        }
        Ok(Some(Current { record, object }))
    }

    async fn try_update(
        &self,
        write: &Write<'_>,
        key: &Key,
        name: &str,
        current: Current,
        mut wanted: Value,
    ) -> Result<Written, Error> {
        let old = &current.object;
        keep_what_is_not_written(write, old, &mut wanted);
        // Whoever names no version means whatever there is; another one was refused before.
        if let Some(version) = old.at(&["metadata", "resourceVersion"]).cloned() {
            wanted.set_at(&["metadata", "resourceVersion"], version);
        }
        write.default(&mut wanted);
        if !write.applied {
            fields::track(write, Some(old), &mut wanted);
        }
        self.mutate(write, Operation::Update, Some(old), name, &mut wanted).await?;
        write.version.schema.prune(&mut wanted);
        write.default(&mut wanted);
        count_generation(write, old, &mut wanted);
        Write::tidy(&mut wanted);
        let errors = write.check(Some(old), &wanted);
        if !errors.is_empty() {
            return Err(write.invalid(name, errors));
        }
        self.validate(write, Operation::Update, Some(old), name, Some(&wanted)).await?;
        self.warn_of(write, Some(old), &wanted);
        let unchanged = fields::same(old, &wanted);
        let gone = super::delete::is_finished(write, &wanted);
        prepare::convert(&write.resource, &write.version, &write.resource.storage, &mut wanted)?;
        if write.options.dry_run || (unchanged && !gone) {
            let object = if unchanged { codec::open(key, &current.record)? } else { wanted };
            return Ok(Written { object, created: false });
        }
        let deed = if gone {
            Deed::Remove(current.record.modified)
        } else {
            Deed::Replace(current.record.modified, self.seal(write, &mut wanted))
        };
        let commit = self.registry.commit(&write.resource, key, deed, None).await?;
        if let Some(record) = &commit.record {
            codec::project(key, record, &mut wanted);
        }
        Ok(Written { object: wanted, created: false })
    }
}

/// An object keeps the name and the namespace of its URL.
fn check_identity(write: &Write<'_>, name: &str, object: &Value) -> Result<(), Error> {
    let given = object.str_at(&["metadata", "name"]).unwrap_or_default();
    if given.is_empty() && !write.internal {
        return Err(Error::BadRequest(format!(
            "the name of the object ({name} based on URL) was undeterminable: name must be provided"
        )));
    }
    if !given.is_empty() && given != name {
        return Err(Error::BadRequest(format!(
            "the name of the object ({given}) does not match the name on the URL ({name})"
        )));
    }
    let namespace = object.str_at(&["metadata", "namespace"]).unwrap_or_default();
    if !namespace.is_empty() && Some(namespace) != write.namespace.as_deref() {
        return Err(Error::BadRequest(prepare::OTHER_NAMESPACE.to_owned()));
    }
    Ok(())
}

/// What a patch made must be an object of its kind. The error shows it, or the patch that was merged by keys.
fn check_patched(
    write: &Write<'_>,
    wanted: &mut Value,
    merged: Option<&Value>,
    told: Vec<String>,
) -> Result<(), Error> {
    if !matches!(wanted, Value::Object(_)) {
        return Err(invalid_patch(
            wanted,
            &format!("json: cannot unmarshal {} into an object", wanted.type_name()),
        ));
    }
    write.check_kind(wanted)?;
    let before = wanted.clone();
    match write.strip(wanted, told) {
        Some(wrong) => Err(invalid_patch(merged.unwrap_or(&before), &wrong)),
        None => Ok(()),
    }
}

fn invalid_patch(shown: &Value, wrong: &str) -> Error {
    let text = String::from_utf8_lossy(&kcp_apimachinery::value::encode(shown)).into_owned();
    let error =
        kcp_apimachinery::field::Error::invalid(&kcp_apimachinery::field::Path::new("patch"), text, wrong);
    Error::Invalid { group: String::new(), kind: String::new(), name: String::new(), errors: vec![error] }
}

/// What Kubernetes says when somebody was faster.
pub(crate) const MODIFIED: &str =
    "the object has been modified; please apply your changes to the latest version and try again";

pub(crate) fn not_found(write: &Write<'_>, name: &str) -> Error {
    kcp_registry::Error::NotFound { resource: write.resource.qualified(), name: name.to_owned() }.into()
}

pub(crate) fn conflict(write: &Write<'_>, name: &str, why: &str) -> Error {
    Error::Precondition { resource: write.resource.qualified(), name: name.to_owned(), why: why.to_owned() }
}

fn patch_error(error: &patch::Error) -> Error {
    match error {
        patch::Error::Malformed(_) => Error::BadRequest(error.to_string()),
        patch::Error::TooManyOperations(_) => Error::PatchTooLarge(error.to_string()),
        patch::Error::NotApplicable(why) => Error::NotApplicable(why.clone()),
        patch::Error::Unmergeable(_) => Error::Internal(error.to_string()),
    }
}

/// Server-owned metadata stays, and of object and subresource each keeps what the other writes.
fn keep_what_is_not_written(write: &Write<'_>, old: &Value, new: &mut Value) {
    let status = write.subresource.as_deref() == Some("status");
    if status {
        let written = new.get("status").cloned();
        let fields = new.at(&["metadata", "managedFields"]).cloned();
        let mut kept = old.clone();
        match written {
            Some(status) => kept.force_object().insert("status", status),
            None => kept.force_object().remove("status"),
        };
        if let Some(fields) = fields {
            kept.set_at(&["metadata", "managedFields"], fields);
        }
        // Built-in kinds let a status update change labels and annotations as well; custom ones do not.
        if write.resource.is_built_in() {
            for name in ["labels", "annotations", "finalizers", "ownerReferences"] {
                match new.at(&["metadata", name]).cloned() {
                    Some(value) => kept.set_at(&["metadata", name], value),
                    None => {
                        kept.remove_at(&["metadata", name]);
                    }
                }
            }
        }
        *new = kept;
    } else if write.version.status && !write.internal && write.subresource.as_deref() != Some("finalize") {
        match old.get("status") {
            Some(status) => new.force_object().insert("status", status.clone()),
            None => new.force_object().remove("status"),
        };
    }
    let metadata = new.force_object().entry("metadata").force_object();
    for name in [
        "name",
        "namespace",
        "uid",
        "creationTimestamp",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
        "generation",
        "selfLink",
        "generateName",
    ] {
        let kept = old.at(&["metadata", name]);
        match (name, metadata.get(name)) {
            // A given uid is compared, not overwritten: a client that means another object is told so.
            ("uid", Some(given)) if given.as_str().is_some_and(|uid| !uid.is_empty()) => continue,
            _ => {}
        }
        match kept {
            Some(value) => metadata.insert(name, value.clone()),
            None => metadata.remove(name),
        };
    }
    if write.subresource.as_deref() == Some("finalize") {
        let finalizers = new.at(&["spec", "finalizers"]).cloned().unwrap_or_else(|| Value::Array(Vec::new()));
        let resource_version = new.at(&["metadata", "resourceVersion"]).cloned();
        *new = old.clone();
        new.set_at(&["spec", "finalizers"], finalizers);
        if let Some(version) = resource_version {
            new.set_at(&["metadata", "resourceVersion"], version);
        }
    } else if &*write.resource.plural == "namespaces" && write.resource.is_built_in() {
        // Only `finalize` changes what a namespace waits for.
        if let Some(finalizers) = old.at(&["spec", "finalizers"]) {
            new.set_at(&["spec", "finalizers"], finalizers.clone());
        }
    }
}

/// What a client may not say about a new object.
pub(crate) fn reset_for_create(write: &Write<'_>, object: &mut Value) {
    if write.version.status && !write.internal {
        object.force_object().remove("status");
    }
    if write.resource.is_built_in()
        && write.resource.group.is_empty()
        && &*write.resource.plural == "namespaces"
    {
        let mut finalizers: Vec<Value> =
            object.at(&["spec", "finalizers"]).and_then(Value::as_array).unwrap_or_default().to_vec();
        if !finalizers.iter().any(|f| f.as_str() == Some("kubernetes")) {
            finalizers.push("kubernetes".into());
        }
        object.set_at(&["spec", "finalizers"], Value::Array(finalizers));
        object.set_at(&["status", "phase"], "Active".into());
        let name = object.str_at(&["metadata", "name"]).unwrap_or_default().to_owned();
        object.set_at(&["metadata", "labels", "kubernetes.io/metadata.name"], name.into());
    }
}

/// `generation` grows when anything but metadata and status changes.
fn count_generation(write: &Write<'_>, old: &Value, new: &mut Value) {
    if !Traits::of(&write.resource).generation || write.subresource.as_deref() == Some("status") {
        return;
    }
    let of = |object: &Value| {
        let mut object = object.clone();
        let members = object.force_object();
        members.remove("metadata");
        if write.version.status {
            members.remove("status");
        }
        object
    };
    if of(old) != of(new) {
        let generation = old.at(&["metadata", "generation"]).and_then(Value::as_int).unwrap_or(0);
        new.set_at(&["metadata", "generation"], Value::Int(generation + 1));
    }
}

/// The `autoscaling/v1` Scale of an object that is written.
pub(crate) fn scale_of(write: &Write<'_>, object: &Value) -> Result<Value, Error> {
    scale_object(&write.version, object)
}

/// The `autoscaling/v1` Scale of an object.
pub(crate) fn scale_object(version: &Version, object: &Value) -> Result<Value, Error> {
    let scale = version.scale.as_ref().ok_or(Error::NoSuchPath)?;
    let at = |path: &str| {
        let parts: Vec<&str> = path.trim_start_matches('.').split('.').collect();
        object.at(&parts).cloned()
    };
    let replicas = |path: &str| at(path).and_then(|v| v.as_int()).unwrap_or(0);
    let mut metadata = Value::object();
    for name in ["name", "namespace", "uid", "resourceVersion", "creationTimestamp"] {
        if let Some(value) = object.at(&["metadata", name]) {
            metadata.set_at(&[name], value.clone());
        }
    }
    let mut out = kcp_apimachinery::value!({
        "kind": "Scale", "apiVersion": "autoscaling/v1", "metadata": (metadata),
        "spec": {"replicas": (replicas(&scale.spec_replicas))},
        "status": {"replicas": (replicas(&scale.status_replicas))},
    });
    let selector = match scale.selector.as_deref().and_then(at) {
        Some(Value::String(text)) => Some(text.to_string()),
        Some(selector @ Value::Object(_)) => {
            kcp_apimachinery::selector::Labels::from_object(Some(&selector)).ok().map(|s| s.to_string())
        }
        _ => None,
    };
    if let Some(selector) = selector {
        out.set_at(&["status", "selector"], selector.into());
    }
    Ok(out)
}

/// The object with the replicas of a Scale.
fn scale_into(write: &Write<'_>, current: &Value, scale: &Value) -> Result<Value, Error> {
    let paths = write.version.scale.as_ref().ok_or(Error::NoSuchPath)?;
    let replicas = scale.at(&["spec", "replicas"]).and_then(Value::as_int).unwrap_or(0);
    if replicas < 0 {
        let spec = kcp_apimachinery::field::Path::new("spec");
        let why = "must be greater than or equal to 0";
        let error = kcp_apimachinery::field::Error::invalid(&spec.child("replicas"), replicas, why);
        return Err(write.invalid(write.name.as_deref().unwrap_or_default(), vec![error]));
    }
    let mut wanted = current.clone();
    let parts: Vec<&str> = paths.spec_replicas.trim_start_matches('.').split('.').collect();
    wanted.set_at(&parts, Value::Int(replicas));
    if let Some(version) = scale.at(&["metadata", "resourceVersion"]) {
        wanted.set_at(&["metadata", "resourceVersion"], version.clone());
    }
    Ok(wanted)
}

//! Who owns which field: managed fields of updates, and server-side apply.

use super::{Write, prepare};
use crate::{Error, clock};
use kcp_apimachinery::{
    Value,
    apply::{self, Set, Versions},
    meta::Gvk,
    shape::Shape,
};
use kcp_registry::Resource;
use std::sync::LazyLock;

static STATUS: LazyLock<Set> = LazyLock::new(|| Set::of(&[&["status"]]));
static SPEC: LazyLock<Set> = LazyLock::new(|| Set::of(&[&["spec"]]));
static NOTHING: LazyLock<Set> = LazyLock::new(|| Set::of(&[]));

/// Records what an update or create changed, for the field manager that made it.
pub(crate) fn track(write: &Write<'_>, old: Option<&Value>, new: &mut Value) {
    with(write, |call, versions| apply::track_update(old, new, call, versions));
}

/// The object after an apply of `applied` onto `current`, or onto nothing.
pub(crate) fn apply(write: &Write<'_>, current: Option<Value>, applied: Value) -> Result<Value, Error> {
    let force = write.options.force == Some(true);
    with(write, |call, versions| apply::apply(current, applied, call, force, versions))
        .map(|applied| applied.object)
        .map_err(|error| refused(&error))
}

/// Whether two states of an object differ in nothing but the time of their managed fields.
pub(crate) fn same(old: &Value, new: &Value) -> bool {
    let without_times = |object: &Value| {
        let mut object = object.clone();
        object.remove_at(&["metadata", "resourceVersion"]);
        let entries =
            object.get_mut("metadata").and_then(|m| m.get_mut("managedFields")).and_then(Value::as_array_mut);
        for entry in entries.into_iter().flatten() {
            entry.remove_at(&["time"]);
        }
        object
    };
    old == new || without_times(old) == without_times(new)
}

fn with<T>(write: &Write<'_>, act: impl FnOnce(&apply::Write<'_>, &dyn Versions) -> T) -> T {
    let manager = apply::manager_name(&write.options.field_manager, &write.agent);
    let gvk = Gvk::new(&write.resource.group, &write.version.name, &write.resource.kind);
    let status = write.subresource.as_deref() == Some("status");
    let resets = match (write.version.status, status) {
        (true, true) => &*SPEC,
        (true, false) if !write.internal => &*STATUS,
        _ => &*NOTHING,
    };
    let call = apply::Write {
        manager: &manager,
        subresource: write.subresource.as_deref().unwrap_or_default(),
        gvk: &gvk,
        resets,
        now: clock::now(),
    };
    act(&call, &Served(&write.resource))
}

/// The versions of a resource, for managers that wrote in another one.
struct Served<'a>(&'a Resource);

impl Versions for Served<'_> {
    fn shape(&self, api_version: &str) -> Option<&dyn Shape> {
        self.0
            .versions
            .iter()
            .find(|version| &*version.api_version == api_version)
            .map(|version| version.schema.shape())
    }

    fn convert(&self, mut object: Value, api_version: &str) -> Result<Value, String> {
        let find = |wanted: &str| self.0.versions.iter().find(|version| &*version.api_version == wanted);
        let from = find(object.str_at(&["apiVersion"]).unwrap_or_default()).ok_or("not a served version")?;
        let to = find(api_version).ok_or("not a served version")?;
        prepare::convert(self.0, from, to, &mut object).map_err(|e| e.to_string())?;
        Ok(object)
    }
}

fn refused(error: &apply::Error) -> Error {
    match error {
        apply::Error::Conflicts(conflicts) => Error::ApplyConflict {
            message: error.to_string(),
            causes: conflicts.0.iter().map(|conflict| (conflict.message(), conflict.field())).collect(),
        },
        apply::Error::Malformed(_) => Error::BadRequest(error.to_string()),
        apply::Error::NotTyped { .. } => Error::NotTyped(error.to_string()),
        apply::Error::Internal(_) => Error::Internal(error.to_string()),
    }
}

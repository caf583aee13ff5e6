use super::{
    Versions, Write,
    compare::{Comparison, compare},
    conflict::Conflicts,
    managers::{Entry, ManagedFields, ManagerId, Operation, is_reset},
    reconcile::reconcile,
    set::Set,
};
use crate::{Value, shape::Shape};
use std::{collections::HashMap, sync::LazyLock};

/// Fields that nobody owns, because the server sets them or the URL says them.
pub(super) static NEVER_OWNED: LazyLock<Set> = LazyLock::new(|| {
    Set::of(&[
        &["apiVersion"],
        &["kind"],
        &["metadata"],
        &["metadata", "name"],
        &["metadata", "namespace"],
        &["metadata", "creationTimestamp"],
        &["metadata", "selfLink"],
        &["metadata", "uid"],
        &["metadata", "clusterName"],
        &["metadata", "generation"],
        &["metadata", "managedFields"],
        &["metadata", "resourceVersion"],
    ])
});

/// Sets `managedFields` of an object that a create, update or patch is about to store: the writer
/// owns what differs from `live`, and nobody else does. Both are in the version of the request.
///
/// An object without managers stays so, unless it is new. The entries of the request replace those
/// of `live` where it gives any, and an empty list ends the tracking. A manager that changed nothing
/// keeps its time. This never fails: where ownership cannot be told, that of `live` stays.
pub fn track_update(live: Option<&Value>, new: &mut Value, write: &Write<'_>, versions: &dyn Versions) {
    let given = new.meta_mut().take_managed_fields();
    let stored = live.and_then(|live| live.meta().managed_fields());
    let managers = match &given {
        // A subresource cannot change who owns the rest.
        Some(given) if write.subresource.is_empty() && is_reset(Some(given)) => ManagedFields::default(),
        Some(given) if write.subresource.is_empty() => match ManagedFields::read(Some(given)) {
            Ok(managers) if !managers.is_empty() => managers,
            Ok(_) | Err(_) => ManagedFields::read(stored).unwrap_or_default(),
        },
        Some(_) | None => ManagedFields::read(stored).unwrap_or_default(),
    };
    let known = live.is_some_and(|live| live.meta().uid().is_some());
    if managers.is_empty() && known {
        return;
    }
    let list = match update(live, new, managers, write, versions) {
        Ok(managers) => managers.to_value(),
        Err(_) => stored.cloned(),
    };
    new.meta_mut().set_managed_fields(list);
}

/// Who owns what after `new` took the place of `live`.
pub(super) fn update(
    live: Option<&Value>,
    new: &Value,
    mut managers: ManagedFields,
    write: &Write<'_>,
    versions: &dyn Versions,
) -> Result<ManagedFields, String> {
    let version = write.gvk.api_version();
    let shape = versions.shape(&version).ok_or_else(|| format!("no schema for {version}"))?;
    let nothing = Value::object();
    let old = live.unwrap_or(&nothing);
    reconcile(&mut managers, versions);
    let changes = compare(old, new, shape);
    let mine = changes.clone().strip(&NEVER_OWNED).without(write.resets);
    if !changes.is_same() {
        let change = Change { old, new, version: &version, changes: &changes, resets: write.resets };
        change.disown(&mut managers, None, true, versions)?;
    }
    let gained = mine.added.union(mine.modified);
    if !gained.is_empty() {
        let id = ManagerId {
            manager: write.manager.into(),
            operation: Operation::Update,
            api_version: version.clone().into(),
            subresource: write.subresource.into(),
        };
        let previous = managers.0.remove(&id).map(|entry| entry.fields).unwrap_or_default();
        let fields = gained.union(previous);
        managers.0.insert(id, Entry { api_version: version.into(), fields, time: Some(write.now) });
    }
    managers.cap_updaters();
    Ok(managers)
}

/// A change of an object, and who loses by it.
pub(super) struct Change<'c> {
    pub(super) old: &'c Value,
    pub(super) new: &'c Value,
    pub(super) version: &'c str,
    /// What changed, in that version.
    pub(super) changes: &'c Comparison,
    pub(super) resets: &'c Set,
}

impl Change<'_> {
    /// Takes from all managers but one what was removed, and what was changed if that is forced.
    /// Managers whose version is gone are dropped.
    ///
    /// # Errors
    /// A conversion that fails, or conflicts as [`Disowned::Conflicts`].
    pub(super) fn disown(
        &self,
        managers: &mut ManagedFields,
        except: Option<&ManagerId>,
        force: bool,
        versions: &dyn Versions,
    ) -> Result<(), Disowned> {
        let mut in_version: HashMap<Box<str>, Option<Comparison>> = HashMap::new();
        let own = self.changes.clone().without(self.resets);
        in_version.insert(self.version.into(), Some(own));
        let others: Vec<_> = managers.0.keys().filter(|id| Some(*id) != except).cloned().collect();
        let (mut conflicts, mut dropped) = (Vec::new(), Vec::new());
        for id in &others {
            let Some(entry) = managers.0.get(id) else { continue };
            if !in_version.contains_key(&entry.api_version) {
                let changes = self.in_version(&entry.api_version, versions)?;
                in_version.insert(entry.api_version.clone(), changes);
            }
            match in_version.get(&entry.api_version) {
                Some(Some(changes)) => {
                    let changed = entry.fields.intersection(&changes.modified);
                    let added = entry.fields.intersection(&changes.added);
                    let fields = changed.union(added);
                    if !fields.is_empty() {
                        conflicts.push((id, fields));
                    }
                }
                Some(None) | None => dropped.push(id),
            }
        }
        if !force && !conflicts.is_empty() {
            let mut all = Conflicts::default();
            conflicts.iter().for_each(|(id, fields)| all.add(id, fields));
            return Err(Disowned::Conflicts(all));
        }
        for id in dropped {
            managers.0.remove(id);
        }
        for (id, fields) in &conflicts {
            managers.take_from(id, fields);
        }
        for id in &others {
            let version = managers.0.get(id).map(|entry| entry.api_version.clone());
            if let Some(Some(changes)) = version.and_then(|version| in_version.get(&version)) {
                managers.take_from(id, &changes.removed);
            }
        }
        Ok(())
    }

    /// The change in another version; `None` if that version is gone.
    fn in_version(&self, version: &str, versions: &dyn Versions) -> Result<Option<Comparison>, String> {
        let Some(shape) = versions.shape(version) else { return Ok(None) };
        let old = versions.convert(self.old.clone(), version)?;
        let new = versions.convert(self.new.clone(), version)?;
        Ok(Some(compare(&old, &new, shape)))
    }
}

/// Why nobody was disowned.
#[derive(Debug)]
pub(super) enum Disowned {
    Conflicts(Conflicts),
    Conversion(String),
}

impl From<String> for Disowned {
    fn from(error: String) -> Self {
        Self::Conversion(error)
    }
}

impl From<Disowned> for String {
    fn from(error: Disowned) -> Self {
        match error {
            Disowned::Conflicts(conflicts) => conflicts.to_string(),
            Disowned::Conversion(error) => error,
        }
    }
}

/// The shape of the version of a write.
pub(super) fn shape_of<'v>(versions: &'v dyn Versions, version: &str) -> Result<&'v dyn Shape, String> {
    versions.shape(version).ok_or_else(|| format!("no corresponding type for {version}"))
}

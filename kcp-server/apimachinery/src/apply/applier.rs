use super::{
    Error, Versions, Write,
    compare::compare,
    conflict::Conflicts,
    fields::fields_of,
    last_applied,
    managers::{Entry, ManagedFields, ManagerId, Operation},
    merge::merge,
    prune,
    reconcile::reconcile,
    track::{self, Change, Disowned, NEVER_OWNED, shape_of},
    typed,
};
use crate::{Value, shape::Shape};

/// Who owns what was there before anybody applied.
const BEFORE_FIRST_APPLY: &str = "before-first-apply";

/// What an apply made.
#[derive(Clone, Debug, PartialEq)]
pub struct Applied {
    /// The object with its new `managedFields`; the caller defaults and validates it.
    pub object: Value,
    /// Whether fields changed beside `managedFields`.
    pub changed: bool,
}

/// Applies a configuration to an object, or to nothing. Both are in the version of the request.
///
/// Without `force` a conflict refuses it; with it the applier takes over. kubectl has no conflict
/// about fields that its own annotation of client-side apply still describes.
///
/// # Errors
/// See [`Error`].
pub fn apply(
    live: Option<Value>,
    config: Value,
    write: &Write<'_>,
    force: bool,
    versions: &dyn Versions,
) -> Result<Applied, Error> {
    check(&config, write)?;
    let version = write.gvk.api_version();
    let shape = shape_of(versions, &version).map_err(Error::Internal)?;
    typed::validate(&config, shape)
        .map_err(|problems| Error::NotTyped { object: name_of(&config, write), problems })?;
    let mut live = live.unwrap_or_else(Value::object);
    let list = live.meta_mut().take_managed_fields();
    let mut managers = ManagedFields::read(list.as_ref())
        .map_err(|error| Error::Internal(format!("failed to decode managed fields: {error}")))?;
    if managers.is_empty() {
        let before = Write { manager: BEFORE_FIRST_APPLY, ..*write };
        managers = track::update(None, &live, managers, &before, versions).map_err(Error::Internal)?;
    }
    reconcile(&mut managers, versions);
    let annotation =
        (write.manager == last_applied::KUBECTL && last_applied::is_annotated(&live)).then(|| {
            (last_applied::still_applied(&live, &version, versions), last_applied::annotation_of(&config))
        });
    let run = Run { write, version: &version, shape, versions };
    let forced = |conflicts: Conflicts| match annotation.as_ref().and_then(|(still, _)| still.as_ref()) {
        Some(still) if !force => {
            let others = conflicts.without(still);
            if others.0.is_empty() { Ok(()) } else { Err(others) }
        }
        Some(_) | None if force => Ok(()),
        Some(_) | None => Err(conflicts),
    };
    let mut applied = run.apply(live, config, managers, forced)?;
    if let Some((_, text)) = &annotation
        && last_applied::is_annotated(&applied.object)
    {
        last_applied::annotate(&mut applied.object, text);
    }
    Ok(applied)
}

fn check(config: &Value, write: &Write<'_>) -> Result<(), Error> {
    let gvk = config.gvk();
    if gvk != *write.gvk {
        return Err(Error::Malformed(format!("invalid object type: {gvk}")));
    }
    if config.meta().managed_fields().is_some_and(|list| !list.is_null()) {
        return Err(Error::Malformed("metadata.managedFields must be nil".to_owned()));
    }
    Ok(())
}

fn name_of(config: &Value, write: &Write<'_>) -> String {
    let meta = config.meta();
    format!("{}/{}; {}", meta.namespace().unwrap_or_default(), meta.name().unwrap_or_default(), write.gvk)
}

struct Run<'r> {
    write: &'r Write<'r>,
    version: &'r str,
    shape: &'r dyn Shape,
    versions: &'r dyn Versions,
}

impl Run<'_> {
    /// `forced` says whether the apply goes on in spite of these conflicts.
    fn apply(
        &self,
        live: Value,
        config: Value,
        mut managers: ManagedFields,
        forced: impl FnOnce(Conflicts) -> Result<(), Conflicts>,
    ) -> Result<Applied, Error> {
        let id = ManagerId {
            manager: self.write.manager.into(),
            operation: Operation::Apply,
            api_version: "".into(),
            subresource: self.write.subresource.into(),
        };
        let fields = fields_of(&config, self.shape).recursive_difference(self.write.resets);
        let last = managers.0.remove(&id);
        let time = last.as_ref().and_then(|last| last.time);
        managers.0.insert(id.clone(), Entry { api_version: self.version.into(), fields, time });
        let last = last.filter(|last| prune::is_needed(last, &managers));
        let again = last.as_ref().map(|_| config.clone());
        let mut object = merge(live.clone(), config, self.shape);
        if let (Some(last), Some(config)) = (last, again) {
            object = prune::prune(object, self.version, &last, &managers, self.versions)
                .map_err(|error| Error::Internal(format!("failed to prune fields: {error}")))?;
            // Nobody owns an empty list, but it was asked for.
            object = merge(object, config, self.shape);
        }
        let changes = compare(&live, &object, self.shape);
        if !changes.is_same() {
            let change = Change {
                old: &live,
                new: &object,
                version: self.version,
                changes: &changes,
                resets: self.write.resets,
            };
            self.disown(&change, &mut managers, &id, forced)?;
        }
        // What only the order of a list tells apart is a change too.
        let changed = live != object;
        managers.take_from(&id, &NEVER_OWNED);
        if let Some(entry) = managers.0.get_mut(&id).filter(|_| changed) {
            entry.time = Some(self.write.now);
        }
        object.meta_mut().set_managed_fields(managers.to_value());
        Ok(Applied { object, changed })
    }

    fn disown(
        &self,
        change: &Change<'_>,
        managers: &mut ManagedFields,
        id: &ManagerId,
        forced: impl FnOnce(Conflicts) -> Result<(), Conflicts>,
    ) -> Result<(), Error> {
        let internal = |error| Error::Internal(error);
        match change.disown(managers, Some(id), false, self.versions) {
            Ok(()) => Ok(()),
            Err(Disowned::Conversion(error)) => Err(internal(error)),
            Err(Disowned::Conflicts(conflicts)) => {
                forced(conflicts)?;
                change.disown(managers, Some(id), true, self.versions).map_err(|error| internal(error.into()))
            }
        }
    }
}

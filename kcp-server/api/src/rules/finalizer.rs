//! Finalizers that an object always has: LogicalClusters and APIBindings.

use crate::{
    rejection::Rejection,
    well_known::{api_group, finalizer},
};
use kcp_apimachinery::Value;

/// The finalizer that objects of a resource always have.
#[must_use]
pub fn required(group: &str, resource: &str) -> Option<&'static str> {
    match (group, resource) {
        (api_group::CORE, "logicalclusters") => Some(finalizer::LOGICAL_CLUSTER),
        (api_group::APIS, "apibindings") => Some(finalizer::API_BINDING),
        _ => None,
    }
}

/// Adds a finalizer to an object that is not asked to go.
pub fn prepare(object: &mut Value, finalizer: &str) {
    if !object.meta().is_deleting() && !object.meta().has_finalizer(finalizer) {
        object.meta_mut().add_finalizer(finalizer);
    }
}

/// Checks that a write leaves the finalizer there. `old` is nothing for a new object.
///
/// # Errors
/// A write without it; while the object goes, its removal by someone who is not privileged.
pub fn validate(
    old: Option<&Value>,
    new: &Value,
    finalizer: &str,
    privileged: bool,
) -> Result<(), Rejection> {
    if new.meta().has_finalizer(finalizer) {
        return Ok(());
    }
    if old.is_none() || !new.meta().is_deleting() {
        return Err(Rejection::Forbidden(format!("finalizer {finalizer} is required")));
    }
    if !privileged && old.is_some_and(|old| old.meta().has_finalizer(finalizer)) {
        return Err(Rejection::Forbidden(format!("removing the finalizer {finalizer} is forbidden")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use kcp_apimachinery::value;

    #[test]
    fn it_is_added_and_stays() {
        let mut object = value!({"metadata": {"name": "a"}});
        let bare = object.clone();
        prepare(&mut object, "f");
        assert!(object.meta().has_finalizer("f"));
        let required = Err(Rejection::forbidden("finalizer f is required"));
        assert_eq!(validate(None, &bare, "f", true), required);
        assert_eq!(validate(Some(&object), &bare, "f", true), required);
        let mut going = value!({"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}});
        let removing = Err(Rejection::forbidden("removing the finalizer f is forbidden"));
        assert_eq!(validate(Some(&object), &going, "f", false), removing);
        assert_eq!(validate(Some(&object), &going, "f", true), Ok(()));
        assert_eq!(validate(Some(&going), &going, "f", false), Ok(()));
        prepare(&mut going, "f");
        assert!(!going.meta().has_finalizer("f"));
    }
}

//! The path of their workspace on objects that other workspaces refer to.

use crate::{
    rejection::Rejection,
    well_known::{annotation, api_group},
};
use kcp_apimachinery::Value;

/// Whether a write of an object is looked at: the kinds that always say their path, and any other
/// object that does.
#[must_use]
pub fn concerns(group: &str, resource: &str, object: &Value) -> bool {
    match (group, resource) {
        (api_group::CORE, "logicalclusters") => false,
        (api_group::APIS, "apiexports" | "apibindings")
        | (api_group::CACHE, "clustercachedresources")
        | (api_group::TENANCY, "workspacetypes") => true,
        _ => object.meta().annotation(annotation::PATH).is_some(),
    }
}

/// Sets the path of the object's workspace.
pub fn prepare(object: &mut Value, path: &str) {
    object.meta_mut().set_annotation(annotation::PATH, Some(path));
}

/// Checks that an object says the path of its workspace. Bindings may say another: the workspace of
/// some is made after them.
///
/// # Errors
/// Another path.
pub fn validate(group: &str, resource: &str, object: &Value, path: &str) -> Result<(), Rejection> {
    let found = object.meta().annotation(annotation::PATH).unwrap_or_default();
    if found == path || (group, resource) == (api_group::APIS, "apibindings") {
        return Ok(());
    }
    let name = object.meta().name().unwrap_or_default();
    Err(Rejection::Forbidden(format!(
        "annotation for {name}, {:?} must match canonical path {path:?}, but got {found:?}",
        annotation::PATH
    )))
}

#[cfg(test)]
mod tests {
    use super::*;
    use kcp_apimachinery::value;

    #[test]
    fn the_path_is_that_of_the_workspace() {
        let mut object = value!({"metadata": {"name": "a", "annotations": {"kcp.io/path": "root:forged"}}});
        assert!(concerns("", "configmaps", &object) && !concerns("core.kcp.io", "logicalclusters", &object));
        let text = "annotation for a, \"kcp.io/path\" must match canonical path \"root:org\", but got \"root:forged\"";
        let refused = Err(Rejection::forbidden(text));
        assert_eq!(validate("apis.kcp.io", "apiexports", &object, "root:org"), refused);
        assert_eq!(validate("apis.kcp.io", "apibindings", &object, "root:org"), Ok(()));
        prepare(&mut object, "root:org");
        assert_eq!(validate("apis.kcp.io", "apiexports", &object, "root:org"), Ok(()));
        assert!(concerns("tenancy.kcp.io", "workspacetypes", &value!({})));
        assert!(!concerns("tenancy.kcp.io", "workspaces", &value!({})));
    }
}

//! WorkspaceTypes.

use crate::{
    rejection::Rejection,
    types::tenancy::{DefaultBinding, TypeSelector, WorkspaceType},
};
use kcp_apimachinery::field::{Error, Path};
use kcp_names::ClusterName;

/// Names that no type may have.
pub const RESERVED_NAMES: [&str; 2] = ["system", "any"];

/// Checks the name of a new type, before anything else is looked at.
///
/// # Errors
/// A reserved name.
pub fn check_name(name: &str) -> Result<(), Rejection> {
    if !RESERVED_NAMES.contains(&name) {
        return Ok(());
    }
    Rejection::unless_empty(&[Error::invalid(&Path::new("metadata.name"), name, "name is reserved")])
}

/// Checks a type that is in `cluster`.
///
/// # Errors
/// A type `root` elsewhere, and references that do not say where their type is.
pub fn validate(kind: &WorkspaceType, cluster: &ClusterName) -> Result<(), Rejection> {
    if kind.metadata.name == "root" && *cluster != ClusterName::root() {
        return Err(Rejection::forbidden("root workspace type can only be created in root cluster"));
    }
    if kind.spec.default_child_workspace_type.as_ref().is_some_and(|child| child.path.is_empty()) {
        return Err(Rejection::forbidden(".spec.defaultChildWorkspaceType.path must be set"));
    }
    paths_are_set(kind.spec.limit_allowed_children.as_ref(), "limitAllowedChildren")?;
    paths_are_set(kind.spec.limit_allowed_parents.as_ref(), "limitAllowedParents")
}

fn paths_are_set(limit: Option<&TypeSelector>, field: &str) -> Result<(), Rejection> {
    let types = limit.map(|limit| limit.types.as_slice()).unwrap_or_default();
    match types.iter().position(|reference| reference.path.is_empty()) {
        None => Ok(()),
        Some(at) => Err(Rejection::Forbidden(format!(".spec.{field}.types[{at}].path must be set"))),
    }
}

/// The default bindings that a write adds: the caller needs `bind` on each of these exports.
pub fn added_bindings<'k>(
    old: Option<&'k WorkspaceType>,
    new: &'k WorkspaceType,
) -> impl Iterator<Item = &'k DefaultBinding> {
    let known = old.map(|old| old.spec.default_api_bindings.as_slice()).unwrap_or_default();
    new.spec.default_api_bindings.iter().filter(move |binding| !known.contains(binding))
}

/// The refusal for someone who may not bind to an export, and for an export in an unknown workspace.
#[must_use]
pub fn no_bind_permission(binding: &DefaultBinding) -> Rejection {
    let export = super::binding::export_text(&binding.path, &binding.export);
    Rejection::Forbidden(format!(
        "unable to create or update WorkspaceType: no permission to bind to export {export}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::Kind;
    use kcp_apimachinery::{Value, value};

    fn kind(name: &str, spec: Value) -> WorkspaceType {
        WorkspaceType::from_value(&value!({"metadata": {"name": name}, "spec": spec})).expect("a type")
    }

    fn check(name: &str, spec: Value, expected: Option<&str>) {
        let cluster = ClusterName::parse("other").expect("a name");
        let result = validate(&kind(name, spec), &cluster);
        assert_eq!(result.err().map(|error| error.to_string()).as_deref(), expected);
    }

    #[test]
    fn references_say_where_their_type_is() {
        check("root", value!({}), Some("root workspace type can only be created in root cluster"));
        assert_eq!(validate(&kind("root", value!({})), &ClusterName::root()), Ok(()));
        let text = ".spec.defaultChildWorkspaceType.path must be set";
        check("a", value!({"defaultChildWorkspaceType": {"name": "b"}}), Some(text));
        let types = value!({"types": [{"name": "a", "path": "root"}, {"name": "b"}]});
        let text = ".spec.limitAllowedChildren.types[1].path must be set";
        check("a", value!({"limitAllowedChildren": (types.clone())}), Some(text));
        let text = ".spec.limitAllowedParents.types[1].path must be set";
        check("a", value!({"limitAllowedParents": types}), Some(text));
    }

    #[test]
    fn some_names_are_reserved() {
        let text = "metadata.name: Invalid value: \"any\": name is reserved";
        assert_eq!(check_name("any"), Err(Rejection::forbidden(text)));
        assert_eq!(check_name("team"), Ok(()));
    }

    #[test]
    fn only_added_exports_need_permission() {
        let old = kind("a", value!({"defaultAPIBindings": [{"path": "root", "export": "x"}]}));
        let new =
            kind("a", value!({"defaultAPIBindings": [{"path": "root", "export": "x"}, {"export": "x"}]}));
        let added: Vec<_> = added_bindings(Some(&old), &new).collect();
        assert_eq!(added, [&DefaultBinding { path: String::new(), export: "x".into() }]);
        assert_eq!(added_bindings(None, &new).count(), 2);
        let text = "unable to create or update WorkspaceType: no permission to bind to export root:x";
        assert_eq!(no_bind_permission(&old.spec.default_api_bindings[0]).to_string(), text);
    }
}

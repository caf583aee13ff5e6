use super::{PlacedType, TypeError};
use crate::types::tenancy::TypeReference;

/// Finds the type that a reference means. `find` looks into one workspace, by path or by the name of
/// its logical cluster. A reference without a path is looked for in `from`, then in each workspace
/// above, last in `root`.
///
/// # Errors
/// No such type.
pub fn resolve(
    reference: &TypeReference,
    from: &str,
    find: impl Fn(&str, &str) -> Option<PlacedType>,
) -> Result<PlacedType, TypeError> {
    if !reference.path.is_empty() {
        return find(&reference.path, &reference.name)
            .ok_or_else(|| TypeError::NotFound(reference.qualified()));
    }
    let mut path = from;
    loop {
        if let Some(found) = find(path, &reference.name) {
            return Ok(found);
        }
        path = match parent(path) {
            Some(parent) => parent,
            None if path != "root" => "root",
            None => return Err(TypeError::Unresolved(reference.qualified())),
        };
    }
}

/// The path above; a name and everything of the system have none.
fn parent(path: &str) -> Option<&str> {
    if path.starts_with("system:") { None } else { path.rsplit_once(':').map(|(parent, _)| parent) }
}

/// The type of a workspace from the annotation of its LogicalCluster, as a reference.
///
/// # Errors
/// No annotation, or one that is not `<path>:<name>`.
pub fn parent_type(annotation: Option<&str>) -> Result<TypeReference, TypeError> {
    let annotation = annotation.ok_or(TypeError::NoParentType)?;
    let (path, name) = annotation.rsplit_once(':').ok_or(TypeError::BadParentType)?;
    if path.is_empty() || annotation.starts_with("system:") {
        return Err(TypeError::BadParentType);
    }
    Ok(TypeReference { path: path.to_owned(), name: name.to_owned() })
}

/// The type of children that name none.
///
/// # Errors
/// The parent's type names none either.
pub fn default_child(parent: &PlacedType) -> Result<TypeReference, TypeError> {
    parent.object.spec.default_child_workspace_type.clone().ok_or(TypeError::NoDefaultChild)
}

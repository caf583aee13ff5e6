//! What a binding refers to: the export, and the schemas that it offers.

use super::Blocked;
use crate::{key, kinds};
use kcp_apimachinery::Value;
use kcp_names::{ClusterName, WorkspacePath};
use kcp_reconcile::{Fact, Facts, Missing, Object};
use kcp_storage::Key;

/// A resource that can be bound: its schema, and the CRD made of it.
pub(super) struct Bindable {
    pub schema: Object,
    pub crd: Key,
    pub group: String,
    pub resource: String,
    /// Whether its objects are somewhere else.
    pub elsewhere: bool,
}

/// The export that a binding refers to.
pub(super) fn export_of(binding: &Object, facts: &Facts) -> Result<Result<Object, Blocked>, Missing> {
    let invalid = |reason, message| Blocked { condition: "APIExportValid", reason, message };
    let text = |name: &str| {
        binding.value.str_at(&["spec", "reference", "export", name]).unwrap_or_default().to_owned()
    };
    let (path, name) = (text("path"), text("name"));
    if name.is_empty() {
        return Ok(Err(invalid("APIExportInvalidReference", "Missing APIExport reference".to_owned())));
    }
    let cluster = if path.is_empty() {
        Fact::Is(binding.key.cluster.clone())
    } else {
        match WorkspacePath::parse(&path) {
            Ok(path) => facts.path(&path)?,
            Err(_) => Fact::Absent,
        }
    };
    let shown = if path.is_empty() { binding.key.cluster.to_string() } else { path };
    let missing = || invalid("APIExportNotFound", format!("APIExport {shown}|{name} not found"));
    let Fact::Is(cluster) = cluster else { return Ok(Err(missing())) };
    let Some(at) = key(kinds::api_exports(), &cluster, None, &name) else { return Ok(Err(missing())) };
    Ok(match facts.get(&at)? {
        Fact::Is(export) => Ok(export),
        Fact::Absent | Fact::Unknown => Err(missing()),
    })
}

/// The schemas of an export.
pub(super) fn bindables(export: &Object, facts: &Facts) -> Result<Result<Vec<Bindable>, Blocked>, Missing> {
    let resources = export.value.at(&["spec", "resources"]).and_then(Value::as_array).unwrap_or_default();
    let mut found = Vec::new();
    for resource in resources {
        let name = resource.str_at(&["schema"]).unwrap_or_default();
        let missing = || Blocked {
            condition: "APIExportValid",
            reason: "InternalError",
            message: format!(
                "Invalid APIExport. Please contact the APIExport owner to resolve: APIResourceSchema {name:?} not found"
            ),
        };
        let Some(at) = key(kinds::api_resource_schemas(), &export.key.cluster, None, name) else {
            return Ok(Err(missing()));
        };
        let Fact::Is(schema) = facts.get(&at)? else { return Ok(Err(missing())) };
        let Some(crd) = key(kinds::crds(), &ClusterName::bound_crds(), None, schema.uid()) else {
            return Ok(Err(missing()));
        };
        let text = |path: &[&str]| schema.value.str_at(path).unwrap_or_default().to_owned();
        found.push(Bindable {
            group: text(&["spec", "group"]),
            resource: text(&["spec", "names", "plural"]),
            elsewhere: resource.at(&["storage", "virtual"]).is_some(),
            crd,
            schema,
        });
    }
    Ok(Ok(found))
}

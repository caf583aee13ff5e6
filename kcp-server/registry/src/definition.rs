//! From a CustomResourceDefinition to the resource that it defines.

use crate::{Column, Resource, Scale, Source, Version, built_in};
use kcp_apimachinery::{Value, meta::compare_versions, value::encode};
use kcp_schema::{Schema, builtin};
use kcp_storage::{Identity, ResourceKey};
use std::{
    hash::{DefaultHasher, Hash, Hasher},
    sync::Arc,
};

/// What every kind of a CRD can.
const VERBS: [&str; 8] = ["delete", "deletecollection", "get", "list", "patch", "create", "update", "watch"];

/// Why a definition that is stored cannot be served.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("definition {name} cannot be used: {why}")]
pub(crate) struct BadDefinition {
    /// Name of the CRD.
    pub name: String,
    /// What is wrong.
    pub why: String,
}

/// Whether a CRD's names were accepted, and it may be served.
#[must_use]
pub(crate) fn is_established(crd: &Value) -> bool {
    let conditions = crd.at(&["status", "conditions"]).and_then(Value::as_array).unwrap_or_default();
    conditions
        .iter()
        .any(|c| c.str_at(&["type"]) == Some("Established") && c.str_at(&["status"]) == Some("True"))
}

/// The resource that a CRD defines, compiled with `schema` (which may share what it has compiled before).
pub(crate) fn resource(
    crd: &Value,
    identity: Identity,
    source: Source,
    schema: impl Fn(&Value) -> Result<Arc<Schema>, String>,
) -> Result<Resource, BadDefinition> {
    let bad = |why: &str| BadDefinition {
        name: crd.str_at(&["metadata", "name"]).unwrap_or_default().to_owned(),
        why: why.to_owned(),
    };
    let spec = crd.get("spec").ok_or_else(|| bad("no spec"))?;
    let names = accepted_names(crd).ok_or_else(|| bad("no names"))?;
    let text = |name: &str| names.str_at(&[name]).unwrap_or_default();
    let texts = |name: &str| {
        let items = names.get(name).and_then(Value::as_array).unwrap_or_default();
        items.iter().filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let group = spec.str_at(&["group"]).unwrap_or_default();
    let group = if group == "core" { "" } else { group };
    let mut storage = None;
    let mut versions = Vec::new();
    for given in spec.get("versions").and_then(Value::as_array).unwrap_or_default() {
        let compiled = Arc::new(version(group, text("kind"), given, &schema).map_err(|why| bad(&why))?);
        if given.get("storage").and_then(Value::as_bool) == Some(true) {
            storage = Some(compiled.clone());
        }
        if given.get("served").and_then(Value::as_bool) == Some(true) {
            versions.push(compiled);
        }
    }
    versions.sort_by(|a, b| compare_versions(&b.name, &a.name));
    let mut content = DefaultHasher::new();
    encode(spec).hash(&mut content);
    encode(&names).hash(&mut content);
    (&identity, &source).hash(&mut content);
    Ok(Resource {
        group: group.into(),
        plural: text("plural").into(),
        singular: text("singular").into(),
        kind: text("kind").into(),
        list_kind: text("listKind").into(),
        short_names: texts("shortNames"),
        categories: texts("categories"),
        namespaced: spec.str_at(&["scope"]) == Some("Namespaced"),
        key: ResourceKey { group: group.into(), resource: text("plural").into(), identity },
        versions,
        storage: storage.ok_or_else(|| bad("no storage version"))?,
        source,
        content: content.finish(),
    })
}

/// The accepted names; those of the spec while nothing has been accepted.
fn accepted_names(crd: &Value) -> Option<Value> {
    let accepted = crd
        .at(&["status", "acceptedNames"])
        .filter(|names| names.str_at(&["plural"]).is_some_and(|n| !n.is_empty()));
    accepted.or_else(|| crd.at(&["spec", "names"])).cloned()
}

fn version(
    group: &str,
    kind: &str,
    given: &Value,
    schema: &impl Fn(&Value) -> Result<Arc<Schema>, String>,
) -> Result<Version, String> {
    let name = given.str_at(&["name"]).ok_or("a version without name")?;
    let api_version = if group.is_empty() { name.to_owned() } else { format!("{group}/{name}") };
    let nothing = kcp_apimachinery::value!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
    let source = given.at(&["schema", "openAPIV3Schema"]).unwrap_or(&nothing);
    let deprecated = given.get("deprecated").and_then(Value::as_bool) == Some(true);
    let deprecation = deprecated.then(|| {
        let warning = given.str_at(&["deprecationWarning"]).map(str::to_owned);
        warning.unwrap_or_else(|| format!("{api_version} is deprecated"))
    });
    let known = builtin::find(group, name, kind);
    Ok(Version {
        name: name.into(),
        schema: schema(source)?,
        verbs: VERBS.to_vec(),
        status: given.at(&["subresources", "status"]).is_some_and(|status| !status.is_null()),
        scale: given.at(&["subresources", "scale"]).and_then(scale),
        subresources: Vec::new(),
        columns: known.map_or_else(|| columns(given), built_in::columns),
        selectable: selectable(given),
        deprecation,
        known,
        api_version: api_version.into(),
    })
}

fn scale(given: &Value) -> Option<Scale> {
    Some(Scale {
        spec_replicas: given.str_at(&["specReplicasPath"])?.to_owned(),
        status_replicas: given.str_at(&["statusReplicasPath"])?.to_owned(),
        selector: given.str_at(&["labelSelectorPath"]).filter(|path| !path.is_empty()).map(str::to_owned),
    })
}

fn selectable(version: &Value) -> Vec<String> {
    let fields = version.get("selectableFields").and_then(Value::as_array).unwrap_or_default();
    fields.iter().filter_map(|field| field.str_at(&["jsonPath"])).map(str::to_owned).collect()
}

/// The columns of a version: the name, and what it asks for; its age when it asks for nothing.
fn columns(version: &Value) -> Vec<Column> {
    let given = version.get("additionalPrinterColumns").and_then(Value::as_array).unwrap_or_default();
    let mut columns = vec![plain("Name", "string", ".metadata.name")];
    columns[0].format = "name".to_owned();
    columns[0].description = "Name must be unique within a namespace.".to_owned();
    if given.is_empty() {
        columns.push(plain("Age", "date", ".metadata.creationTimestamp"));
    }
    let text = |column: &Value, name: &str| column.str_at(&[name]).unwrap_or_default().to_owned();
    columns.extend(given.iter().map(|column| Column {
        format: text(column, "format"),
        priority:
            column.get("priority").and_then(Value::as_int).and_then(|p| i32::try_from(p).ok()).unwrap_or(0),
        description: text(column, "description"),
        ..plain(&text(column, "name"), &text(column, "type"), &text(column, "jsonPath"))
    }));
    columns
}

fn plain(name: &str, kind: &str, json_path: &str) -> Column {
    Column {
        name: name.to_owned(),
        kind: kind.to_owned(),
        format: String::new(),
        priority: 0,
        description: String::new(),
        json_path: json_path.to_owned(),
        function: None,
    }
}

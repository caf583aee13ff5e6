//! APIResourceSchemas: what would be checked of a CustomResourceDefinition, and that they never change.

use crate::{Plugin, Rejection, Request};
use kcp_api::{
    rejection,
    rules::schema,
    types::{
        Kind,
        apis::{APIResourceSchema, ApiVersion},
    },
    well_known::api_group,
};
use kcp_apimachinery::{
    Value,
    field::{Error, Path},
};
use kcp_schema::crd::{VersionParts, validate_approval, validate_names, validate_version};
use kcp_storage::BoxFuture;

/// `tenancy.kcp.io/APIResourceSchema`
pub(crate) struct Schemas;

impl Plugin for Schemas {
    fn name(&self) -> &'static str {
        "tenancy.kcp.io/APIResourceSchema"
    }

    fn handles(&self, request: &Request<'_>) -> bool {
        request.stores() && request.is_on(api_group::APIS, "apiresourceschemas")
    }

    fn validate<'a>(
        &'a self,
        request: &'a Request<'a>,
        object: Option<&'a Value>,
    ) -> BoxFuture<'a, Result<(), Rejection>> {
        Box::pin(async move {
            let Some(object) = object else { return Ok(()) };
            Ok(rejection::Rejection::of_list(&problems(request.old, object)?)?)
        })
    }
}

/// Everything that is wrong with a schema.
fn problems(old: Option<&Value>, object: &Value) -> Result<Vec<Error>, Rejection> {
    let new = APIResourceSchema::from_value(object)?;
    let mut problems = schema::problems(&new);
    problems.extend(validate_approval(object));
    let versions = Path::new("spec.versions");
    for (index, version) in new.spec.versions.iter().enumerate() {
        problems.extend(version_problems(version, object, index, &versions.index(index)));
    }
    if let Some(names) = object.at(&["spec", "names"]) {
        problems.extend(validate_names(names, &Path::new("spec.names")));
    }
    if let Some(old) = old {
        problems.extend(schema::immutable(&APIResourceSchema::from_value(old)?, &new));
    }
    Ok(problems)
}

fn version_problems(version: &ApiVersion, object: &Value, index: usize, at: &Path<'_>) -> Vec<Error> {
    let versions = object.at(&["spec", "versions"]).and_then(Value::as_array).unwrap_or_default();
    let Some(source) = versions.get(index) else { return Vec::new() };
    let mut problems = Vec::new();
    if version.schema.is_null() {
        problems.push(Error::required(&at.child("schema"), ""));
    }
    problems.extend(validate_version(
        VersionParts {
            version: source,
            schema: Some(&version.schema).filter(|schema| !schema.is_null()),
            subresources: Some(&version.subresources).filter(|subresources| !subresources.is_null()),
            columns: &version.additional_printer_columns,
            selectable: &version.selectable_fields,
        },
        at,
    ));
    problems
}

#[cfg(test)]
mod tests {
    use super::*;
    use kcp_apimachinery::value;

    fn sheriffs(schema: Value) -> Value {
        value!({
            "metadata": {"name": "today.sheriffs.wild.west"},
            "spec": {
                "group": "wild.west", "scope": "Cluster",
                "names": {"plural": "sheriffs", "singular": "sheriff", "kind": "Sheriff", "listKind": "SheriffList"},
                "versions": [{"name": "v1", "served": true, "storage": true, "schema": schema}],
            },
        })
    }

    fn check(old: Option<&Value>, object: &Value, expected: &[&str]) {
        let found = problems(old, object).expect("a schema");
        let found: Vec<String> = found.iter().map(ToString::to_string).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn a_schema_is_structural() {
        check(None, &sheriffs(value!({"type": "object"})), &[]);
        check(None, &sheriffs(Value::Null), &["spec.versions[0].schema: Required value"]);
        let untyped = value!({"type": "object", "properties": {"spec": {}}});
        let at = "spec.versions[0].schema.openAPIV3Schema.properties[spec].type";
        let text = format!("{at}: Required value: must not be empty for specified object fields");
        check(None, &sheriffs(untyped), &[&text]);
    }

    #[test]
    fn a_group_of_kubernetes_needs_approval() {
        let mut object = sheriffs(value!({"type": "object"}));
        object.set_at(&["spec", "group"], "west.k8s.io".into());
        object.set_at(&["metadata", "name"], "today.sheriffs.west.k8s.io".into());
        let found = problems(None, &object).expect("a schema");
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].field, "metadata.annotations[api-approved.kubernetes.io]");
        object.set_at(&["metadata", "annotations", "api-approved.kubernetes.io"], "unapproved".into());
        check(None, &object, &[]);
    }

    #[test]
    fn a_schema_never_changes() {
        let old = sheriffs(value!({"type": "object"}));
        let new = sheriffs(value!({"type": "object", "description": "x"}));
        check(Some(&old), &old, &[]);
        let found = problems(Some(&old), &new).expect("a schema");
        assert!(found[0].to_string().ends_with("is immutable"), "{}", found[0]);
    }
}

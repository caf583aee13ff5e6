//! APIExports and their endpoint slices.

use crate::{
    claims,
    convert::convert,
    rejection::Rejection,
    types::{
        Kind,
        apis::{APIExport, APIExportEndpointSlice, PermissionClaim, ResourceSchema},
    },
    well_known::annotation::conversion,
};
use kcp_apimachinery::{
    Value,
    field::{Error, Path},
};
use serde::de::DeserializeOwned;
use std::collections::BTreeSet;

/// Checks an export in the version that it was sent in.
///
/// # Errors
/// Claims without an identity that they need, schemas of other resources, and in v1alpha1 kept
/// fields that do not go with the others.
pub fn validate(export: &Value) -> Result<(), Rejection> {
    if export.gvk().version.as_ref() == "v1alpha1" {
        validate_kept_schemas(export)?;
        validate_kept_claims(export)?;
    }
    let export = convert(export, "v1alpha2").map_err(|error| {
        Rejection::Unjudged(format!("failed to convert v1alpha1 APIExport to v1alpha2: {error}"))
    })?;
    let export = APIExport::from_value(&export).map_err(|error| Rejection::Unjudged(error.to_string()))?;
    validate_stored(&export)
}

/// The first problem of an export in v1alpha2.
fn validate_stored(export: &APIExport) -> Result<(), Rejection> {
    let (claims, resources) = (Path::new("spec.permissionClaims"), Path::new("spec.resources"));
    for (at, claim) in export.spec.permission_claims.iter().enumerate() {
        if claim.identity_hash.is_empty() && claims::needs_identity(&claim.group, &claim.resource) {
            let detail = "identityHash is required for API types that are not built-in";
            return refuse(Error::invalid(&claims.index(at).child("identityHash"), "", detail));
        }
    }
    for (at, resource) in export.spec.resources.iter().enumerate() {
        let suffix = format!(".{}.{}", resource.name, super::schema::group_segment(&resource.group));
        if !resource.schema.ends_with(&suffix) {
            let detail = format!("must end in {suffix}");
            return refuse(Error::invalid(
                &resources.index(at).child("schema"),
                resource.schema.as_str(),
                detail,
            ));
        }
    }
    Ok(())
}

fn validate_kept_schemas(export: &Value) -> Result<(), Rejection> {
    let key = conversion::RESOURCE_SCHEMAS;
    let Some(kept) = kept::<ResourceSchema>(export, key, "failed to decode overhanging resource schemas")?
    else {
        return Ok(());
    };
    let latest = export.at(&["spec", "latestResourceSchemas"]).and_then(Value::as_array).unwrap_or_default();
    let mut seen = BTreeSet::new();
    let all = kept.iter().map(|resource| resource.schema.as_str());
    for schema in all.chain(latest.iter().filter_map(Value::as_str)) {
        if !seen.insert(schema) {
            return refuse(annotation_problem(export, key, "duplicate resource schema"));
        }
    }
    Ok(())
}

fn validate_kept_claims(export: &Value) -> Result<(), Rejection> {
    let key = conversion::PERMISSION_CLAIMS;
    let Some(kept) = kept::<PermissionClaim>(export, key, "failed to decode overhanging permission claims")?
    else {
        return Ok(());
    };
    let claims = export.at(&["spec", "permissionClaims"]).and_then(Value::as_array).unwrap_or_default();
    let text = |claim: &Value, field| claim.str_at(&[field]).unwrap_or_default().to_owned();
    let known: BTreeSet<_> = claims
        .iter()
        .map(|claim| (text(claim, "group"), text(claim, "resource"), text(claim, "identityHash")))
        .collect();
    if kept.into_iter().all(|claim| known.contains(&(claim.group, claim.resource, claim.identity_hash))) {
        return Ok(());
    }
    let detail = "permission claims defined in annotation do not match permission claims defined in spec";
    refuse(annotation_problem(export, key, detail))
}

fn kept<T: DeserializeOwned>(export: &Value, key: &str, detail: &str) -> Result<Option<Vec<T>>, Rejection> {
    let Some(text) = export.meta().annotation(key) else { return Ok(None) };
    match serde_json::from_str::<Option<Vec<T>>>(text) {
        Ok(list) => Ok(Some(list.unwrap_or_default())),
        Err(_) => refuse(annotation_problem(export, key, detail)),
    }
}

fn annotation_problem(export: &Value, key: &str, detail: &str) -> Error {
    let value = export.meta().annotation(key).unwrap_or_default();
    Error::invalid(&Path::new("metadata.annotations").key(key), value, detail)
}

fn refuse<T>(problem: Error) -> Result<T, Rejection> {
    Err(Rejection::Forbidden(problem.to_string()))
}

/// Checks a new endpoint slice.
///
/// # Errors
/// A slice that names no export.
pub fn validate_slice(slice: &APIExportEndpointSlice) -> Result<(), Rejection> {
    if slice.spec.export.name.is_empty() {
        return Rejection::of_list(&[Error::required(&Path::new("spec.export.name"), "")]);
    }
    Ok(())
}

/// The refusal for someone who may not bind to the export of a slice, and for an unknown export.
#[must_use]
pub fn no_slice_permission(slice: &APIExportEndpointSlice) -> Rejection {
    let export = super::binding::export_text(&slice.spec.export.path, &slice.spec.export.name);
    Rejection::Forbidden(format!(
        "unable to create APIExportEndpointSlice: no permission to bind to export {export}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use kcp_apimachinery::value;

    fn check(version: &str, spec: Value, annotations: Value, expected: Option<&str>) {
        let export = value!({
            "apiVersion": (format!("apis.kcp.io/{version}")), "kind": "APIExport",
            "metadata": {"name": "a", "annotations": annotations}, "spec": spec
        });
        let result = validate(&export);
        assert_eq!(result.err().map(|error| error.to_string()).as_deref(), expected);
    }

    #[test]
    fn claims_on_resources_of_exports_need_an_identity() {
        let claim = |group: &str, resource: &str, identity: &str| {
            let claim =
                value!({"group": group, "resource": resource, "verbs": ["*"], "identityHash": identity});
            value!({"permissionClaims": [claim]})
        };
        let text = "spec.permissionClaims[0].identityHash: Invalid value: \"\": \
                    identityHash is required for API types that are not built-in";
        check("v1alpha2", claim("wild.dev", "cows", ""), value!({}), Some(text));
        check("v1alpha2", claim("wild.dev", "cows", "h"), value!({}), None);
        check("v1alpha2", claim("", "configmaps", ""), value!({}), None);
        check("v1alpha2", claim("apis.kcp.io", "apibindings", ""), value!({}), None);
        check(
            "v1alpha1",
            value!({"permissionClaims": [{"resource": "pods", "all": true}]}),
            value!({}),
            Some(text),
        );
    }

    #[test]
    fn schemas_are_those_of_the_resources() {
        let resource = |group: &str, schema: &str| {
            let resource = value!({"name": "cows", "group": group, "schema": schema, "storage": {"crd": {}}});
            value!({"resources": [resource]})
        };
        check("v1alpha2", resource("a.io", "v1.cows.a.io"), value!({}), None);
        check("v1alpha2", resource("", "v1.cows.core"), value!({}), None);
        let text = "spec.resources[0].schema: Invalid value: \"v1.cats.a.io\": must end in .cows.a.io";
        check("v1alpha2", resource("a.io", "v1.cats.a.io"), value!({}), Some(text));
    }

    #[test]
    fn what_v1alpha1_keeps_must_go_with_the_rest() {
        let key = "apis.v1alpha2.kcp.io/resource-schemas";
        let text = format!(
            "metadata.annotations[{key}]: Invalid value: \"nope\": failed to decode overhanging resource schemas"
        );
        check("v1alpha1", value!({}), value!({"apis.v1alpha2.kcp.io/resource-schemas": "nope"}), Some(&text));
        let kept = r#"[{"name":"cows","group":"a.io","schema":"v1.cows.a.io","storage":{"virtual":{}}}]"#;
        let latest = value!({"latestResourceSchemas": ["v1.cows.a.io"]});
        let text = format!("metadata.annotations[{key}]: Invalid value: {kept:?}: duplicate resource schema");
        check("v1alpha1", latest, value!({"apis.v1alpha2.kcp.io/resource-schemas": kept}), Some(&text));
        let kept = r#"[{"resource":"configmaps","verbs":["get"]}]"#;
        let text = format!(
            "metadata.annotations[apis.v1alpha2.kcp.io/permission-claims]: Invalid value: {kept:?}: \
             permission claims defined in annotation do not match permission claims defined in spec"
        );
        check("v1alpha1", value!({}), value!({"apis.v1alpha2.kcp.io/permission-claims": kept}), Some(&text));
        let claims = value!({"permissionClaims": [{"resource": "configmaps", "all": true}]});
        check("v1alpha1", claims, value!({"apis.v1alpha2.kcp.io/permission-claims": kept}), None);
    }
}

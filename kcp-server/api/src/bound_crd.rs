//! The CRD that serves a bound APIResourceSchema. It is in `system:bound-crds`, is called after the
//! schema's UID, and is the same for every binding of the schema.

use crate::{
    types::{
        Kind,
        apis::{APIResourceSchema, ApiVersion, SchemaConversion},
    },
    well_known::annotation,
};
use kcp_apimachinery::{Value, value};
use kcp_names::ClusterName;

/// A schema that no CRD can be made from.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("multiple versions specified for {schema} but no conversion strategy")]
pub struct NoConversion {
    /// Name of the schema.
    pub schema: String,
}

/// The bound CRD of a schema that is in `cluster`.
///
/// # Errors
/// A schema with several versions and no way between them.
pub fn build(schema: &APIResourceSchema, cluster: &ClusterName) -> Result<Value, NoConversion> {
    let spec = &schema.spec;
    let names = value::to_value(&spec.names).unwrap_or_default();
    let mut crd = value!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": (schema.metadata.uid.as_str()), "annotations": (annotations(schema, cluster))},
        "spec": {
            "group": (spec.group.as_str()),
            "names": names,
            "scope": (spec.scope.as_str()),
            "versions": (spec.versions.iter().map(version).collect::<Value>())
        }
    });
    if spec.versions.len() > 1 {
        let conversion = spec.conversion.as_ref();
        let conversion = conversion.ok_or_else(|| NoConversion { schema: schema.metadata.name.clone() })?;
        crd.set_at(&["spec", "conversion"], conversion_of(conversion));
    }
    Ok(crd)
}

/// [`build`] from the object itself.
///
/// # Errors
/// As [`build`], or the text of a shape error.
pub fn build_from(schema: &Value, cluster: &ClusterName) -> Result<Value, String> {
    let schema = APIResourceSchema::from_value(schema).map_err(|error| error.to_string())?;
    build(&schema, cluster).map_err(|error| error.to_string())
}

fn annotations(schema: &APIResourceSchema, cluster: &ClusterName) -> Value {
    let mut annotations = value!({});
    let mut set = |key: &str, value: &str| annotations.set_at(&[key], value.into());
    set(annotation::CLUSTER, ClusterName::bound_crds().as_str());
    set(annotation::BOUND_CRD, "");
    set(annotation::SCHEMA_CLUSTER, cluster.as_str());
    set(annotation::SCHEMA_NAME, &schema.metadata.name);
    if let Some(approved) = schema.metadata.annotation(annotation::API_APPROVED) {
        set(annotation::API_APPROVED, approved);
    }
    if schema.spec.name_validation == "PathSegmentName" {
        set(annotation::VALIDATE_NAME, "path-segment");
    }
    annotations
}

fn version(version: &ApiVersion) -> Value {
    // The type writes what is set; the CRD's version differs in the wrapper around the schema.
    let mut written = value::to_value(version).unwrap_or_default();
    written.set_at(&["schema"], value!({"openAPIV3Schema": (version.schema.clone())}));
    written
}

fn conversion_of(conversion: &SchemaConversion) -> Value {
    let mut written = value!({"strategy": (conversion.strategy.as_str())});
    if let (true, Some(webhook)) = (conversion.strategy == "Webhook", &conversion.webhook) {
        let reviews = webhook.conversion_review_versions.iter().map(|name| name.as_str().into()).collect();
        written.set_at(&["webhook", "conversionReviewVersions"], reviews);
        let client = webhook.client_config.clone().unwrap_or_default();
        written.set_at(&["webhook", "clientConfig"], value::to_value(&client).unwrap_or_default());
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds;

    fn schema() -> Value {
        let kind = kinds::find("workspaces", "tenancy.kcp.io").expect("a kind");
        let mut schema = kind.resource_schema("v1");
        schema.set_at(&["metadata", "uid"], "1234".into());
        schema
    }

    #[test]
    fn it_is_the_crd_of_the_schema_under_its_uid() {
        let crd = build_from(&schema(), &ClusterName::root()).expect("a CRD");
        let original = kinds::find("workspaces", "tenancy.kcp.io").expect("a kind").crd();
        assert_eq!(crd.get("spec"), original.get("spec"));
        assert_eq!(crd.meta().name(), Some("1234"));
        assert_eq!(crd.meta().annotation("apis.kcp.io/schema-cluster"), Some("root"));
        assert_eq!(crd.meta().annotation("apis.kcp.io/schema-name"), Some("v1.workspaces.tenancy.kcp.io"));
        assert_eq!(crd.meta().annotation("apis.kcp.io/bound-crd"), Some(""));
    }

    #[test]
    fn names_and_approval_are_carried_over() {
        let mut schema = schema();
        schema.set_at(&["spec", "nameValidation"], "PathSegmentName".into());
        schema.set_at(&["metadata", "annotations", "api-approved.kubernetes.io"], "unapproved".into());
        let crd = build_from(&schema, &ClusterName::root()).expect("a CRD");
        assert_eq!(crd.meta().annotation("internal.kcp.io/validate-name"), Some("path-segment"));
        assert_eq!(crd.meta().annotation("api-approved.kubernetes.io"), Some("unapproved"));
    }

    #[test]
    fn several_versions_need_a_conversion() {
        let mut schema = schema();
        let mut versions = schema.at(&["spec", "versions"]).and_then(Value::as_array).expect("one").to_vec();
        versions.push(versions[0].clone());
        schema.set_at(&["spec", "versions"], versions.into());
        let error = build_from(&schema, &ClusterName::root()).expect_err("no way between them");
        let expected =
            "multiple versions specified for v1.workspaces.tenancy.kcp.io but no conversion strategy";
        assert_eq!(error, expected);
        let webhook = value!({
            "strategy": "Webhook",
            "webhook": {"conversionReviewVersions": ["v1"], "clientConfig": {"url": "https://a", "caBundle": "eA=="}}
        });
        schema.set_at(&["spec", "conversion"], webhook.clone());
        let crd = build_from(&schema, &ClusterName::root()).expect("a CRD");
        assert_eq!(crd.at(&["spec", "conversion"]), Some(&webhook));
    }
}

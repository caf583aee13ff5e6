use super::{
    ConvertError,
    claim::{self, OldClaim},
};
use crate::{
    types::apis::{CrdStorage, PermissionClaim, ResourceSchema, Storage},
    well_known::annotation::conversion as kept,
};
use kcp_apimachinery::Value;

/// v1alpha2 to v1alpha1.
pub(super) fn down(export: &Value) -> Result<Value, ConvertError> {
    let resources: Vec<ResourceSchema> = claim::list(export, &["spec", "resources"], "spec.resources")?;
    let claims: Vec<PermissionClaim> =
        claim::list(export, &["spec", "permissionClaims"], "spec.permissionClaims")?;
    let mut old = without_spec(export);

    let (stored, elsewhere): (Vec<_>, Vec<_>) =
        resources.into_iter().partition(|resource| resource.storage.crd.is_some());
    claim::keep(&mut old, kept::RESOURCE_SCHEMAS, &elsewhere);
    let schemas: Vec<String> = stored.into_iter().map(|resource| resource.schema).collect();
    claim::set_list(&mut old, &["spec", "latestResourceSchemas"], &schemas);

    let partial: Vec<_> = claims.iter().filter(|claim| !claim::every_verb(claim)).collect();
    claim::keep(&mut old, kept::PERMISSION_CLAIMS, &partial);
    let mut claims: Vec<OldClaim> = claims.iter().map(|claim| claim::down(claim, false)).collect();
    let original: Vec<OldClaim> = claim::take(&mut old, kept::OLD_PERMISSION_CLAIMS, "v1alpha1 claims")?;
    for claim in &mut claims {
        if let Some(kept) = original.iter().rev().find(|kept| kept.key() == claim.key()) {
            claim.restore(kept);
        }
    }
    claim::set_list(&mut old, &["spec", "permissionClaims"], &claims);
    Ok(old)
}

/// v1alpha1 to v1alpha2.
pub(super) fn up(export: &Value) -> Result<Value, ConvertError> {
    let schemas: Vec<String> =
        claim::list(export, &["spec", "latestResourceSchemas"], "spec.latestResourceSchemas")?;
    let claims: Vec<OldClaim> = claim::list(export, &["spec", "permissionClaims"], "spec.permissionClaims")?;
    let mut new = without_spec(export);

    let mut resources = schemas.iter().map(|name| resource(name)).collect::<Result<Vec<_>, _>>()?;
    resources.extend(claim::take::<ResourceSchema>(&mut new, kept::RESOURCE_SCHEMAS, "schemas")?);
    claim::set_list(&mut new, &["spec", "resources"], &resources);

    claim::keep(&mut new, kept::OLD_PERMISSION_CLAIMS, &claims);
    let mut claims: Vec<PermissionClaim> = claims.iter().map(OldClaim::up).collect();
    let partial: Vec<PermissionClaim> = claim::take(&mut new, kept::PERMISSION_CLAIMS, "claims")?;
    for claim in &mut claims {
        if let Some(kept) = partial.iter().rev().find(|kept| claim::key(kept) == claim::key(claim)) {
            claim.verbs.clone_from(&kept.verbs);
            claim.default_selector.clone_from(&kept.default_selector);
        }
        claim::default_verbs(claim);
    }
    claim::set_list(&mut new, &["spec", "permissionClaims"], &claims);
    Ok(new)
}

/// The export with what both versions have in common.
fn without_spec(export: &Value) -> Value {
    let mut other = export.clone();
    if let Some(spec) = other.get_mut("spec").and_then(Value::as_object_mut) {
        spec.retain(|name, _| matches!(name, "identity" | "maximalPermissionPolicy"));
    }
    other
}

/// `<prefix>.<resource>.<group>` as an exported resource.
fn resource(schema: &str) -> Result<ResourceSchema, ConvertError> {
    let mut segments = schema.splitn(3, '.');
    let (Some(_), Some(name), Some(group)) = (segments.next(), segments.next(), segments.next()) else {
        return Err(ConvertError::SchemaName(schema.to_owned()));
    };
    Ok(ResourceSchema {
        name: name.to_owned(),
        group: if group == "core" { String::new() } else { group.to_owned() },
        schema: schema.to_owned(),
        storage: Storage { crd: Some(CrdStorage {}), elsewhere: None },
    })
}

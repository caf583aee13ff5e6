//! PersistentVolumeClaims are bound at once: the node keeps a directory for each (`node::volumes`).

use k8s_openapi::api::core::v1::PersistentVolumeClaim;
use serde_json::json;

use super::{
    objects::{Key, Objects},
    write::{Kind, Write},
};

/// Binds every claim that is not bound. No PersistentVolume is made: the claim is all there is to see.
pub(crate) fn plan(claims: &Objects<PersistentVolumeClaim>) -> Vec<Write> {
    claims.iter().filter(|claim| claim.metadata.deletion_timestamp.is_none()).flat_map(bind).collect()
}

fn bind(claim: &PersistentVolumeClaim) -> Vec<Write> {
    let spec = claim.spec.clone().unwrap_or_default();
    let mut writes = Vec::new();
    if spec.volume_name.is_none() {
        let name = format!("pvc-{}", claim.metadata.uid.as_deref().unwrap_or_default());
        writes.push(Write::Patch {
            kind: Kind::Claim,
            key: Key::of(claim),
            body: json!({ "spec": { "volumeName": name } }),
        });
    }
    if claim.status.as_ref().and_then(|status| status.phase.as_deref()) != Some("Bound") {
        writes.push(Write::PatchStatus {
            kind: Kind::Claim,
            key: Key::of(claim),
            body: json!({ "status": {
                "phase": "Bound",
                "accessModes": spec.access_modes,
                "capacity": spec.resources.and_then(|resources| resources.requests),
            }}),
        });
    }
    writes
}

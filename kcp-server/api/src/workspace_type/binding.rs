use crate::types::{
    ObjectMeta,
    apis::{
        APIBinding, APIBindingSpec, AcceptableClaim, BindingReference, ClaimSelector, ClaimState,
        ExportReference, PermissionClaim,
    },
    tenancy::DefaultBinding,
};
use kcp_names::{ClusterName, hash};

/// The binding that a workspace gets for a default export of its type: all claims of the export
/// accepted, for the objects that the claim selects by default, or for all. A binding that is kept
/// as it is (`maintained`) does not repeat the claim's own default.
#[must_use]
pub fn default_binding(
    workspace: &ClusterName,
    binding: &DefaultBinding,
    claims: &[PermissionClaim],
    maintained: bool,
) -> APIBinding {
    let accept = |claim: &PermissionClaim| AcceptableClaim {
        selector: claim.default_selector.clone().unwrap_or_else(ClaimSelector::all),
        claim: PermissionClaim {
            default_selector: claim.default_selector.clone().filter(|_| !maintained),
            ..claim.clone()
        },
        state: ClaimState::Accepted,
    };
    let export = ExportReference { path: binding.path.clone(), name: binding.export.clone() };
    APIBinding {
        metadata: ObjectMeta::named(hash::default_binding_name(workspace, &binding.path, &binding.export)),
        spec: APIBindingSpec {
            reference: BindingReference { export: Some(export) },
            permission_claims: claims.iter().map(accept).collect(),
        },
        ..APIBinding::default()
    }
}

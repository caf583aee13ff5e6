use super::{
    ConvertError,
    claim::{self, OldAcceptable, OldClaim},
};
use crate::{
    types::apis::{AcceptableClaim, ClaimSelector, PermissionClaim, ScopedClaim},
    well_known::annotation::conversion as kept,
};
use kcp_apimachinery::Value;

const SPEC: [&str; 2] = ["spec", "permissionClaims"];
const EXPORTED: [&str; 2] = ["status", "exportPermissionClaims"];
const APPLIED: [&str; 2] = ["status", "appliedPermissionClaims"];

/// v1alpha2 to v1alpha1.
pub(super) fn down(binding: &Value) -> Result<Value, ConvertError> {
    let claims: Vec<AcceptableClaim> = claim::list(binding, &SPEC, "spec.permissionClaims")?;
    let exported: Vec<PermissionClaim> = claim::list(binding, &EXPORTED, "status.exportPermissionClaims")?;
    let applied: Vec<ScopedClaim> = claim::list(binding, &APPLIED, "status.appliedPermissionClaims")?;
    let mut old = without_claims(binding);

    let partial: Vec<_> = claims.iter().filter(|own| chosen(&own.claim, &own.selector)).collect();
    claim::keep(&mut old, kept::ACCEPTABLE_CLAIMS, &partial);
    let original: Vec<OldAcceptable> = claim::take(&mut old, kept::OLD_PERMISSION_CLAIMS, "claims")?;
    let original: Vec<OldClaim> = original.into_iter().map(|kept| kept.claim).collect();
    let claims: Vec<OldAcceptable> = claims
        .iter()
        .map(|own| OldAcceptable {
            claim: restored(claim::down(&own.claim, own.selector.match_all), &original),
            state: own.state,
        })
        .collect();
    claim::set_list(&mut old, &SPEC, &claims);

    let partial: Vec<_> = exported.iter().filter(|own| !claim::every_verb(own)).collect();
    claim::keep(&mut old, kept::EXPORT_CLAIMS, &partial);
    let original: Vec<OldClaim> = claim::take(&mut old, kept::OLD_EXPORT_CLAIMS, "claims")?;
    let exported: Vec<_> = exported.iter().map(|own| restored(claim::down(own, false), &original)).collect();
    claim::set_list(&mut old, &EXPORTED, &exported);

    let partial: Vec<_> = applied.iter().filter(|own| chosen(&own.claim, &own.selector)).collect();
    claim::keep(&mut old, kept::APPLIED_CLAIMS, &partial);
    let original: Vec<OldClaim> = claim::take(&mut old, kept::OLD_APPLIED_CLAIMS, "claims")?;
    let applied: Vec<_> = applied
        .iter()
        .map(|own| restored(claim::down(&own.claim, own.selector.match_all), &original))
        .collect();
    claim::set_list(&mut old, &APPLIED, &applied);
    Ok(old)
}

/// v1alpha1 to v1alpha2.
pub(super) fn up(binding: &Value) -> Result<Value, ConvertError> {
    let claims: Vec<OldAcceptable> = claim::list(binding, &SPEC, "spec.permissionClaims")?;
    let exported: Vec<OldClaim> = claim::list(binding, &EXPORTED, "status.exportPermissionClaims")?;
    let applied: Vec<OldClaim> = claim::list(binding, &APPLIED, "status.appliedPermissionClaims")?;
    let mut new = without_claims(binding);

    let selecting: Vec<_> = claims.iter().filter(|own| !own.claim.resource_selector.is_empty()).collect();
    claim::keep(&mut new, kept::OLD_PERMISSION_CLAIMS, &selecting);
    let partial: Vec<AcceptableClaim> = claim::take(&mut new, kept::ACCEPTABLE_CLAIMS, "claims")?;
    let partial: Vec<ScopedClaim> = partial.into_iter().map(scoped).collect();
    let claims: Vec<AcceptableClaim> = claims
        .iter()
        .map(|own| {
            let ScopedClaim { claim, selector } = widened(&own.claim, &partial);
            AcceptableClaim { claim, selector, state: own.state }
        })
        .collect();
    claim::set_list(&mut new, &SPEC, &claims);

    claim::keep(&mut new, kept::OLD_EXPORT_CLAIMS, &exported);
    let partial: Vec<PermissionClaim> = claim::take(&mut new, kept::EXPORT_CLAIMS, "claims")?;
    let mut exported: Vec<PermissionClaim> = exported.iter().map(OldClaim::up).collect();
    for own in &mut exported {
        if let Some(kept) = partial.iter().rev().find(|kept| claim::key(kept) == claim::key(own)) {
            own.verbs.clone_from(&kept.verbs);
        }
        claim::default_verbs(own);
    }
    claim::set_list(&mut new, &EXPORTED, &exported);

    let selecting: Vec<_> = applied.iter().filter(|own| !own.resource_selector.is_empty()).collect();
    claim::keep(&mut new, kept::OLD_APPLIED_CLAIMS, &selecting);
    let partial: Vec<ScopedClaim> = claim::take(&mut new, kept::APPLIED_CLAIMS, "claims")?;
    let applied: Vec<_> = applied.iter().map(|own| widened(own, &partial)).collect();
    claim::set_list(&mut new, &APPLIED, &applied);
    Ok(new)
}

/// The binding with what both versions have in common.
fn without_claims(binding: &Value) -> Value {
    let mut other = binding.clone();
    for path in [&SPEC, &EXPORTED, &APPLIED] {
        other.remove_at(path);
    }
    other
}

/// Whether a claim says more than v1alpha1 can.
fn chosen(claim: &PermissionClaim, selector: &ClaimSelector) -> bool {
    !claim::every_verb(claim) || !selector.match_all
}

/// A v1alpha1 claim with what was kept of the original.
fn restored(mut own: OldClaim, original: &[OldClaim]) -> OldClaim {
    if let Some(kept) = original.iter().rev().find(|kept| kept.key() == own.key()) {
        own.restore(kept);
    }
    own
}

/// A v1alpha2 claim from a v1alpha1 one and what was kept of verbs and selector.
fn widened(own: &OldClaim, kept: &[ScopedClaim]) -> ScopedClaim {
    let mut wide = ScopedClaim {
        claim: own.up(),
        selector: ClaimSelector { match_all: own.all, ..ClaimSelector::default() },
    };
    if let Some(kept) = kept.iter().rev().find(|kept| claim::key(&kept.claim) == own.key()) {
        wide.claim.verbs.clone_from(&kept.claim.verbs);
        wide.selector.clone_from(&kept.selector);
    }
    claim::default_verbs(&mut wide.claim);
    claim::default_selector(&mut wide.selector);
    wide
}

fn scoped(kept: AcceptableClaim) -> ScopedClaim {
    ScopedClaim { claim: kept.claim, selector: kept.selector }
}

//! What the claims of a token must be, wherever they come from.

use super::{
    TokenError,
    claims::{Bound, Claims},
};
use kcp_authz::User;
use kcp_names::ClusterName;
use kcp_pki::UnixTime;
use std::time::Duration;

/// Clocks may differ by so much.
const LEEWAY: Duration = Duration::from_secs(60);

pub(super) fn check_times(claims: &Claims, now: UnixTime) -> Result<(), TokenError> {
    let (now, leeway) = (now.as_secs(), LEEWAY.as_secs());
    if claims.exp.is_none_or(|exp| now.saturating_sub(leeway) > exp.0) {
        return Err(TokenError::Expired);
    }
    if claims.nbf.is_some_and(|nbf| now.saturating_add(leeway) < nbf.0) {
        return Err(TokenError::NotYetValid);
    }
    if claims.iat.is_some_and(|iat| now.saturating_add(leeway) < iat.0) {
        return Err(TokenError::FromTheFuture);
    }
    Ok(())
}

pub(super) fn cluster(claim: &str) -> Result<ClusterName, TokenError> {
    if claim.is_empty() {
        return Err(TokenError::Missing("clusterName"));
    }
    ClusterName::parse(claim).map_err(|_| TokenError::Contradiction("clusterName"))
}

pub(super) fn check_subject(claims: &Claims, namespace: &str, name: &str) -> Result<(), TokenError> {
    if namespace.is_empty() {
        return Err(TokenError::Missing("namespace"));
    }
    if name.is_empty() {
        return Err(TokenError::Missing("serviceAccountName"));
    }
    if claims.sub.is_empty() {
        return Err(TokenError::Missing("sub"));
    }
    let expected = User::service_account_name(namespace, name);
    if claims.sub == expected { Ok(()) } else { Err(TokenError::Contradiction("sub")) }
}

/// What is being deleted counts for as long as clocks may differ.
pub(super) fn check_alive(deleted_at: Option<UnixTime>, now: UnixTime) -> Result<(), TokenError> {
    let earliest = now.as_secs().saturating_sub(LEEWAY.as_secs());
    if deleted_at.is_some_and(|at| at.as_secs() < earliest) { Err(TokenError::Invalidated) } else { Ok(()) }
}

pub(super) fn check_no_workload(bound: &Bound) -> Result<(), TokenError> {
    for (kind, reference) in [("pods", &bound.pod), ("nodes", &bound.node)] {
        if let Some(reference) = reference {
            return Err(TokenError::NoWorkload(format!("{kind} {:?}", reference.name)));
        }
    }
    Ok(())
}

pub(super) fn extras(claims: &Claims, bound: &Bound) -> Vec<(&'static str, String)> {
    let mut extra = Vec::new();
    if let Some(id) = &claims.jti {
        extra.push(("authentication.kubernetes.io/credential-id", format!("JTI={id}")));
    }
    if let Some(pod) = &bound.pod {
        extra.push(("authentication.kubernetes.io/pod-name", pod.name.clone()));
        extra.push(("authentication.kubernetes.io/pod-uid", pod.uid.clone()));
    }
    if let Some(node) = &bound.node {
        extra.push(("authentication.kubernetes.io/node-name", node.name.clone()));
        extra.push(("authentication.kubernetes.io/node-uid", node.uid.clone()));
    }
    extra
}

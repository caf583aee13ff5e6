//! `05-bootstrap`, `05-local`, `05-global`: the RBAC objects that are stored, as in any Kubernetes.

use super::{Ask, Authorizer};
use crate::{Decision, Error, Policy, Trail, decision::Answer, view::View};
use kcp_apimachinery::go::quote;
use kcp_names::ClusterName;

impl Authorizer {
    /// The first of the three that allows.
    pub(super) async fn stored(&self, ask: &Ask<'_>, trail: &mut Trail) -> Result<Decision, Error> {
        let admin = self.policies.local(&ClusterName::system_admin()).await?;
        let bootstrap = View { bindings: &[&admin], roles: &[&admin] }.authorize(&ask.users, ask.attributes);
        let reason = format!("bootstrap policy: {}", bootstrap.reason);
        let decision = trail.note("05-bootstrap", Answer { reason, ..bootstrap });
        let (Decision::NoOpinion, Some(cluster)) = (decision, ask.cluster) else { return Ok(decision) };

        let local = self.policies.local(cluster).await?;
        let answer = of_cluster(ask, "local", cluster, &local, &admin);
        let decision = trail.note("05-local", answer);
        if decision != Decision::NoOpinion {
            return Ok(decision);
        }
        let global = self.policies.global(cluster).await?;
        Ok(trail.note("05-global", of_cluster(ask, "global", cluster, &global, &admin)))
    }
}

/// Bindings of a logical cluster; their roles may also be those of `system:admin`.
fn of_cluster(ask: &Ask<'_>, from: &str, cluster: &ClusterName, own: &Policy, admin: &Policy) -> Answer {
    let view = View { bindings: &[own], roles: &[own, admin] };
    let answer = view.authorize(&ask.users, ask.attributes);
    let reason = format!("{from} cluster {} policy: {}", quote(cluster.as_str()), answer.reason);
    Answer { reason, ..answer }
}

//! `02-content`: nobody sees anything of a workspace without the verb `access` on its path `/`.

use super::{Ask, Authorizer};
use crate::{
    Attributes, Decision, Error, Phase, Target, Trail,
    decision::{Answer, Gate},
    is_in_scope,
    user::group,
    view::View,
};
use kcp_names::ClusterName;

/// Paths that belong to the shard and not to a workspace; they are decided in `root`, by RBAC alone.
const SHARD_PATHS: [&str; 1] = ["/metrics"];

impl Authorizer {
    pub(super) async fn content(&self, ask: &Ask<'_>, trail: &mut Trail) -> Result<Decision, Error> {
        let answer = match self.content_gate(ask).await? {
            Gate::Open(why) => Answer::delegated(&why, self.system_crd(ask, trail).await?),
            Gate::Shut(answer) => answer,
        };
        Ok(trail.note("02-content", answer))
    }

    async fn content_gate(&self, ask: &Ask<'_>) -> Result<Gate, Error> {
        if ask.attributes.path().is_some_and(|path| SHARD_PATHS.contains(&path)) {
            return Ok(Gate::open("shard-level path"));
        }
        let Some(cluster) = ask.cluster.filter(|cluster| !cluster.is_system()) else {
            return Ok(Gate::Shut(Answer::no_opinion("empty or system workspace")));
        };
        if ask.deep {
            return Ok(Gate::open("deep SAR request"));
        }
        if ask.is_in(group::LOGICAL_CLUSTER_ADMIN) {
            return Ok(Gate::open("logical cluster admin access"));
        }
        let Some(found) = self.logical_cluster(cluster).await? else {
            return Ok(Gate::Shut(Answer::deny("LogicalCluster not found")));
        };
        if let Some(answer) = by_phase(&found.phase, ask) {
            return Ok(Gate::Shut(answer));
        }
        let user = &ask.attributes.user;
        if user.service_account().is_some() && is_in_scope(user, ask.cluster) {
            return Ok(Gate::open("local service account access"));
        }
        self.access(ask, cluster).await
    }

    async fn access(&self, ask: &Ask<'_>, cluster: &ClusterName) -> Result<Gate, Error> {
        let layers = self.policies_of(cluster).await?;
        let access = Attributes {
            verb: "access".to_owned(),
            target: Target::Path("/".to_owned()),
            ..ask.attributes.clone()
        };
        let view = View { bindings: &layers.all(), roles: &layers.all() };
        Ok(match view.authorize(&ask.users, &access).decision {
            Decision::Allow => Gate::open("user logical cluster access"),
            decision @ (Decision::Deny | Decision::NoOpinion) => {
                Gate::Shut(Answer { decision, reason: "no verb=access permission on /".to_owned() })
            }
        })
    }
}

/// The answer that follows from the phase alone.
fn by_phase(phase: &Phase, ask: &Ask<'_>) -> Option<Answer> {
    let in_life_cycle = match phase {
        Phase::Initializing | Phase::Terminating | Phase::Deleting => true,
        Phase::Ready | Phase::Inactive => false,
        Phase::Scheduling | Phase::Other(_) => {
            let reason = format!("not permitted due to phase \"{}\"", phase.as_str());
            return Some(Answer::no_opinion(reason));
        }
    };
    // Virtual workspaces give these groups after they have decided; front-proxies take them from
    // everybody else. Outside of that part of life they mean nothing.
    let let_through = ask.attributes.user.groups.iter().any(|held| {
        held.starts_with(group::INITIALIZER_PREFIX) || held.starts_with(group::TERMINATOR_PREFIX)
    });
    (in_life_cycle && let_through).then(|| Answer::allow("lifecycle VW pre-authorized access"))
}

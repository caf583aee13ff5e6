//! `01-requiredgroups`: an organisation may say which groups one must be in to enter at all.

use super::{Ask, Authorizer};
use crate::{
    Decision, Error, LogicalCluster, Trail,
    decision::{Answer, Gate},
    user::group,
};

impl Authorizer {
    /// The outermost link, and with it the whole RBAC chain.
    pub(super) async fn required_groups(&self, ask: &Ask<'_>, trail: &mut Trail) -> Result<Decision, Error> {
        let answer = match self.group_gate(ask).await? {
            Gate::Open(why) => Answer::delegated(&why, self.content(ask, trail).await?),
            Gate::Shut(answer) => answer,
        };
        Ok(trail.note("01-requiredgroups", answer))
    }

    /// Why the links below are asked, or the answer if they are not.
    async fn group_gate(&self, ask: &Ask<'_>) -> Result<Gate, Error> {
        if ask.deep {
            return Ok(Gate::open("deep SAR request"));
        }
        let Some(cluster) = ask.cluster else {
            return Ok(Gate::Shut(Answer::no_opinion("empty cluster name")));
        };
        if ask.is_in(group::LOGICAL_CLUSTER_ADMIN) {
            return Ok(Gate::open("logical cluster admin access"));
        }
        if ask.attributes.user.service_account().is_some() {
            return Ok(Gate::open("service account access to logical cluster"));
        }
        let Some(found) = self.logical_cluster(cluster).await? else {
            return Ok(Gate::Shut(Answer::no_opinion("logical cluster not found")));
        };
        if ask.is_in(group::EXTERNAL_LOGICAL_CLUSTER_ADMIN) {
            return Ok(Gate::open("external logical cluster admin access"));
        }
        let Some(required) = found.annotations.get(LogicalCluster::REQUIRED_GROUPS) else {
            return Ok(Gate::open("logical cluster does not require groups"));
        };
        let mut alternatives = required.split(';').chain([group::KCP_ADMIN, group::WORKSPACE_BOOTSTRAPPER]);
        Ok(if alternatives.any(|all| all.split(',').all(|group| ask.is_in(group))) {
            Gate::Open(format!("user is member of required groups: {required}"))
        } else {
            Gate::Shut(Answer::deny(format!("user is not a member of required groups: {required}")))
        })
    }
}

//! `04-maxpermissionpolicy`: whoever exports an API may limit what its consumers do with it.

use super::{Ask, Authorizer};
use crate::{
    BoundExport, Decision, Error, MaximalPermissionPolicy, Trail,
    decision::{Answer, Gate},
    effective_users, prefixed,
    view::View,
};
use kcp_apimachinery::go::quote;
use kcp_names::ClusterName;

/// In front of the names and groups of consumers, in the RBAC of an export's logical cluster.
const CONSUMER_PREFIX: &str = "apis.kcp.io:binding:";

impl Authorizer {
    pub(super) async fn maximal(&self, ask: &Ask<'_>, trail: &mut Trail) -> Result<Decision, Error> {
        let answer = match self.policy_gate(ask).await? {
            Gate::Open(why) => Answer::delegated(&why, self.stored(ask, trail).await?),
            Gate::Shut(answer) => answer,
        };
        Ok(trail.note("04-maxpermissionpolicy", answer))
    }

    /// Why the links below are asked, or the answer if they are not.
    async fn policy_gate(&self, ask: &Ask<'_>) -> Result<Gate, Error> {
        if ask.deep {
            return Ok(Gate::open("deep SAR request"));
        }
        let Some(cluster) = ask.cluster else {
            return Ok(Gate::Shut(Answer::no_opinion("empty cluster name")));
        };
        let bound = match ask.attributes.resource() {
            Some(target) => self.policies.bound_export(cluster, &target.group, &target.resource).await?,
            None => None,
        };
        let Some(BoundExport { path, name, export }) = bound else {
            return Ok(Gate::open("no relevant binding found"));
        };
        let Some(export) = export else {
            return Ok(Gate::Open(format!("APIExport {}:{} not found", quote(&path), quote(&name))));
        };
        let which = format!("{}|{}", quote(export.cluster.as_str()), quote(&name));
        match export.policy {
            MaximalPermissionPolicy::Absent => {
                Ok(Gate::Open(format!("no maximum permission policy in API Export {which}")))
            }
            MaximalPermissionPolicy::NotLocal => {
                Ok(Gate::Open(format!("no local maximum permission policy in API Export {which}")))
            }
            MaximalPermissionPolicy::Local => self.export_allows(ask, &export.cluster, &which).await,
        }
    }

    /// The RBAC of the export's logical cluster, for the consumer under its prefixed names. Scopes
    /// are still those of the logical cluster in which the request is made.
    async fn export_allows(&self, ask: &Ask<'_>, exporter: &ClusterName, which: &str) -> Result<Gate, Error> {
        let consumer = prefixed(&ask.attributes.user, CONSUMER_PREFIX);
        let users = effective_users(&consumer, ask.cluster);
        let layers = self.policies_of(exporter).await?;
        let view = View { bindings: &layers.all(), roles: &layers.all() };
        let answer = view.authorize(&users, ask.attributes);
        let reason = format!("API export {which} policy: {}", answer.reason);
        Ok(match answer.decision {
            Decision::Allow => Gate::Open(reason),
            Decision::Deny | Decision::NoOpinion => Gate::Shut(Answer::no_opinion(reason)),
        })
    }
}

//! `03-systemcrd`: what controllers say about bindings and exports is not for users to write.

use super::{Ask, Authorizer};
use crate::{Decision, Error, Trail, decision::Answer};

impl Authorizer {
    pub(super) async fn system_crd(&self, ask: &Ask<'_>, trail: &mut Trail) -> Result<Decision, Error> {
        let answer = match violation(ask) {
            Some(answer) => answer,
            None => Answer::delegated("no system CRD violation", self.maximal(ask, trail).await?),
        };
        Ok(trail.note("03-systemcrd", answer))
    }
}

fn violation(ask: &Ask<'_>) -> Option<Answer> {
    if ask.cluster.is_none() {
        return Some(Answer::no_opinion("empty cluster name"));
    }
    let target = ask.attributes.resource()?;
    match (target.group.as_str(), target.resource.as_str(), target.subresource.as_str()) {
        ("apis.kcp.io", "apibindings", "status") => {
            Some(Answer::deny("apibinding status updates not permitted"))
        }
        ("apis.kcp.io", "apiexports", "status") => {
            Some(Answer::deny("apiexport status updates not permitted"))
        }
        _ => None,
    }
}

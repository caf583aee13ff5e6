//! RBAC: nobody gives away what they do not have. In Kubernetes this is part of storing these kinds.

use crate::{Operation, Plugin, Rejection, Request, World, world::internal};
use kcp_apimachinery::Value;
use kcp_authz::{Forbidden, Grant, GrantError, Reach};
use kcp_storage::BoxFuture;
use std::sync::Arc;

const GROUP: &str = "rbac.authorization.k8s.io";

/// `rbac-escalation`
pub(crate) struct Escalation(pub(crate) Arc<World>);

impl Escalation {
    async fn check(&self, request: &Request<'_>, object: &Value) -> Result<(), Rejection> {
        let grant = Grant {
            resource: &request.resource.plural,
            namespace: request.namespace.unwrap_or_default(),
            name: request.name,
            object,
            current: request.old,
        };
        let reach = Reach::Cluster(request.cluster.clone());
        self.0.authz.check_grant(request.user, &reach, &grant).await.map_err(|error| match error {
            GrantError::Forbidden(refused) => Rejection::Forbidden(cause(request, refused)),
            GrantError::RoleNotFound(message) => missing_role(object, message),
            GrantError::Lookup(error) => internal(error),
        })
    }
}

/// The cause alone: whoever answers puts the object's name in front.
fn cause(request: &Request<'_>, refused: Forbidden) -> String {
    let front = Forbidden::new(GROUP, &request.resource.plural, request.name, "").message;
    refused.message.strip_prefix(&front).map(str::to_owned).unwrap_or(refused.message)
}

fn missing_role(binding: &Value, message: String) -> Rejection {
    let resource = match binding.str_at(&["roleRef", "kind"]) {
        Some("Role") => "roles",
        Some("ClusterRole") => "clusterroles",
        Some(_) | None => return Rejection::Internal(message),
    };
    let name = binding.str_at(&["roleRef", "name"]).unwrap_or_default().to_owned();
    Rejection::NotFound { resource: format!("{resource}.{GROUP}"), name }
}

impl Plugin for Escalation {
    fn name(&self) -> &'static str {
        "rbac-escalation"
    }

    fn handles(&self, request: &Request<'_>) -> bool {
        request.operation != Operation::Delete
            && request.resource.is_built_in()
            && &*request.resource.group == GROUP
    }

    fn validate<'a>(
        &'a self,
        request: &'a Request<'a>,
        object: Option<&'a Value>,
    ) -> BoxFuture<'a, Result<(), Rejection>> {
        Box::pin(async move {
            match object {
                Some(object) => self.check(request, object).await,
                None => Ok(()),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kcp_apimachinery::value;

    #[test]
    fn a_missing_role_is_named() {
        let binding = value!({"roleRef": {"kind": "ClusterRole", "name": "a"}});
        let expected = Rejection::NotFound {
            resource: "clusterroles.rbac.authorization.k8s.io".into(),
            name: "a".into(),
        };
        assert_eq!(missing_role(&binding, String::new()), expected);
        let binding = value!({"roleRef": {"kind": "Group", "name": "a"}});
        assert_eq!(missing_role(&binding, "why".into()), Rejection::Internal("why".into()));
    }
}

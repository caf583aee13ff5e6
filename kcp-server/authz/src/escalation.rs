//! Nobody gives away what they do not have: the check on writes of roles and bindings.

use crate::{
    Attributes, Authorizer, Depth, Error, Forbidden, Reach, ResourceTarget, Rule, Target, User, covers,
    effective_users, policy::Role, rule::quote_all, user::group, view::View,
};
use kcp_apimachinery::{Value, go::quote};

const GROUP: &str = "rbac.authorization.k8s.io";

/// A role or binding about to be written.
#[derive(Clone, Debug)]
pub struct Grant<'a> {
    /// `roles`, `clusterroles`, `rolebindings` or `clusterrolebindings`
    pub resource: &'a str,
    /// Empty for cluster roles and their bindings.
    pub namespace: &'a str,
    /// Name of the object.
    pub name: &'a str,
    /// The object as it will be stored.
    pub object: &'a Value,
    /// The object as it is; `None` on create.
    pub current: Option<&'a Value>,
}

/// What a binding refers to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleRef {
    /// `Role` or `ClusterRole`
    pub kind: String,
    /// Name of the role.
    pub name: String,
}

/// The grant must not be written.
#[derive(Debug, thiserror::Error)]
pub enum GrantError {
    /// 403.
    #[error("{}", .0.message)]
    Forbidden(Forbidden),
    /// 404: the role to be bound does not exist.
    #[error("{0}")]
    RoleNotFound(String),
    /// The facts could not be looked up.
    #[error(transparent)]
    Lookup(#[from] Error),
}

/// Whether a user who holds some rules may give others away.
///
/// # Errors
/// Kubernetes' message with what the user does not hold.
pub fn confirm_no_escalation(user: &User, held: &[Rule], given: &[Rule]) -> Result<(), String> {
    covers(held, given).map_err(|missing| {
        format!(
            "user {} (groups={}) is attempting to grant RBAC permissions not currently held:\n{}",
            quote(&user.name),
            quote_all(&user.groups),
            missing.join("\n")
        )
    })
}

impl Authorizer {
    /// Whether `user` may write this role or binding, on top of being allowed to write such objects
    /// at all: who holds everything in it may, who has the verb `escalate` on the role (`bind`, for
    /// a binding, on the role it names) may, and members of `system:masters` may.
    ///
    /// # Errors
    /// See [`GrantError`].
    pub async fn check_grant(&self, user: &User, reach: &Reach, grant: &Grant<'_>) -> Result<(), GrantError> {
        if user.is_in(group::MASTERS) || grant.is_for_removal_only() {
            return Ok(());
        }
        match grant.resource {
            "roles" | "clusterroles" => self.check_role(user, reach, grant).await,
            "rolebindings" | "clusterrolebindings" => self.check_binding(user, reach, grant).await,
            _ => Ok(()),
        }
    }

    async fn check_role(&self, user: &User, reach: &Reach, grant: &Grant<'_>) -> Result<(), GrantError> {
        if self.may(user, reach, "escalate", grant.resource, grant.namespace, grant.name).await? {
            return Ok(());
        }
        let held = self.held(user, reach, grant.namespace).await?;
        confirm_no_escalation(user, &held, &Rule::read_all(grant.object))
            .map_err(|cause| grant.forbidden(&cause))?;
        let aggregates = |role: &Value| role.get("aggregationRule").is_some_and(|rule| !rule.is_null());
        if (aggregates(grant.object) || grant.current.is_some_and(aggregates))
            && covers(&held, &everything()).is_err()
        {
            return Err(grant.forbidden("must have cluster-admin privileges to use the aggregationRule"));
        }
        Ok(())
    }

    async fn check_binding(&self, user: &User, reach: &Reach, grant: &Grant<'_>) -> Result<(), GrantError> {
        let role = grant.role_ref();
        let resource = if role.kind == "Role" { "roles" } else { "clusterroles" };
        if self.may(user, reach, "bind", resource, grant.namespace, &role.name).await? {
            return Ok(());
        }
        let given = self.role_rules(reach, &role, grant.namespace).await?;
        let held = self.held(user, reach, grant.namespace).await?;
        confirm_no_escalation(user, &held, &given).map_err(|cause| grant.forbidden(&cause))
    }

    async fn may(
        &self,
        user: &User,
        reach: &Reach,
        verb: &str,
        resource: &str,
        namespace: &str,
        name: &str,
    ) -> Result<bool, Error> {
        let target = Target::Resource(ResourceTarget {
            group: GROUP.to_owned(),
            version: "v1".to_owned(),
            resource: resource.to_owned(),
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            ..ResourceTarget::default()
        });
        let asked = Attributes { user: user.clone(), verb: verb.to_owned(), reach: reach.clone(), target };
        Ok(self.authorize(&asked, Depth::Whole).await?.is_allowed())
    }

    /// The rules a user holds in a namespace (empty: in the whole logical cluster).
    async fn held(&self, user: &User, reach: &Reach, namespace: &str) -> Result<Vec<Rule>, Error> {
        let users = effective_users(user, reach.cluster());
        let cluster = reach.cluster().cloned().unwrap_or_else(kcp_names::ClusterName::system_admin);
        let layers = self.policies_of(&cluster).await?;
        let [local, global, admin] = layers.all();
        let of_cluster = View { bindings: &[local, global], roles: &layers.all() };
        let bootstrap = View { bindings: &[admin], roles: &[admin] };
        let (mut rules, _) = of_cluster.rules_for(&users, namespace);
        rules.extend(bootstrap.rules_for(&users, namespace).0);
        Ok(rules)
    }

    async fn role_rules(
        &self,
        reach: &Reach,
        role: &RoleRef,
        namespace: &str,
    ) -> Result<Vec<Rule>, GrantError> {
        let cluster = reach.cluster().cloned().unwrap_or_else(kcp_names::ClusterName::system_admin);
        let layers = self.policies_of(&cluster).await?;
        let role = Role::new(&role.kind, &role.name);
        let view = View { bindings: &[], roles: &layers.all() };
        match view.role(&role, namespace) {
            Some(rules) => Ok(rules.into_iter().cloned().collect()),
            None => Err(GrantError::RoleNotFound(role.not_found())),
        }
    }
}

impl Grant<'_> {
    fn role_ref(&self) -> RoleRef {
        let field = |name| self.object.str_at(&["roleRef", name]).unwrap_or_default().to_owned();
        RoleRef { kind: field("kind"), name: field("name") }
    }

    /// Whether only those fields change that removing an object needs. A label is not one of them:
    /// it may add a role to an aggregated one.
    fn is_for_removal_only(&self) -> bool {
        const FIELDS: [&str; 4] = ["finalizers", "managedFields", "ownerReferences", "resourceVersion"];
        let bare = |object: &Value| {
            let mut bare = object.clone();
            for field in FIELDS {
                bare.remove_at(&["metadata", field]);
            }
            bare
        };
        self.current.is_some_and(|current| bare(current) == bare(self.object))
    }

    fn forbidden(&self, cause: &str) -> GrantError {
        GrantError::Forbidden(Forbidden::new(GROUP, self.resource, self.name, cause))
    }
}

/// What only a cluster admin holds.
fn everything() -> [Rule; 2] {
    let any = || -> Box<[Box<str>]> { Box::new([Box::from("*")]) };
    [
        Rule { api_groups: any(), resources: any(), verbs: any(), ..Rule::default() },
        Rule { non_resource_urls: any(), verbs: any(), ..Rule::default() },
    ]
}

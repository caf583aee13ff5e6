//! Acting as somebody else: who may be asked for, by whom, and what is left of them.
//!
//! ```text
//! headers ─► Impersonation::read ─► gatekeeper ─► questions (each must be allowed) ─► user ─► scoped
//! ```

use crate::{
    Attributes, Authorizer, Depth, Error, Forbidden, Reach, ResourceTarget, Target, User, forbidden,
    user::{extra, group, name},
};
use std::collections::BTreeMap;

/// Groups that only members may act in, unless they are in `system:masters`.
const SPECIAL_GROUPS: [&str; 6] = [
    group::MASTERS,
    group::LOGICAL_CLUSTER_ADMIN,
    group::EXTERNAL_LOGICAL_CLUSTER_ADMIN,
    group::WORKSPACE_BOOTSTRAPPER,
    group::KCP_ADMIN,
    group::AUTHENTICATED,
];

/// Who a request wants to be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Impersonation {
    /// `Impersonate-User`
    pub user: String,
    /// `Impersonate-Uid`, empty if not given
    pub uid: String,
    /// `Impersonate-Group`, one for each
    pub groups: Vec<String>,
    /// `Impersonate-Extra-<key>`
    pub extra: BTreeMap<String, Vec<String>>,
}

/// The headers contradict each other; Kubernetes answers 500.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("requested {} without impersonating a user", list(.0))]
pub struct ImpersonationError(Vec<(&'static str, String, String)>);

impl Impersonation {
    /// Reads the headers of a request: pairs of lower-case name and value. `None` if the request is
    /// made in its own name.
    ///
    /// # Errors
    /// Groups, uid or extra without a user.
    pub fn read<'a>(
        headers: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Option<Self>, ImpersonationError> {
        let (mut wanted, mut user, mut uid) = (Self::default(), None, None);
        for (name, value) in headers {
            match name {
                // Of a header that is there twice, the first counts.
                "impersonate-user" => drop(user.get_or_insert(value)),
                "impersonate-uid" => drop(uid.get_or_insert(value)),
                "impersonate-group" => wanted.groups.push(value.to_owned()),
                name => {
                    if let Some(key) = name.strip_prefix("impersonate-extra-") {
                        wanted.extra.entry(unescape(key)).or_default().push(value.to_owned());
                    }
                }
            }
        }
        user.unwrap_or_default().clone_into(&mut wanted.user);
        uid.unwrap_or_default().clone_into(&mut wanted.uid);
        if wanted == Self::default() {
            return Ok(None);
        }
        if wanted.user.is_empty() { Err(wanted.without_user()) } else { Ok(Some(wanted)) }
    }

    fn without_user(self) -> ImpersonationError {
        let mut asked: Vec<_> =
            self.groups.into_iter().map(|group| ("Group", group, String::new())).collect();
        for (key, values) in self.extra {
            asked.extend(values.into_iter().map(|value| ("UserExtra", value, key.clone())));
        }
        if !self.uid.is_empty() {
            asked.push(("UID", self.uid, String::new()));
        }
        ImpersonationError(asked)
    }

    /// What `requester` must be allowed, each of these, to act as this. A refused one is answered
    /// with [`crate::forbidden`].
    #[must_use]
    pub fn questions(&self, requester: &User, reach: &Reach) -> Vec<Attributes> {
        let target = |group: &str, resource: &str, name: &str| ResourceTarget {
            group: group.to_owned(),
            version: "v1".to_owned(),
            resource: resource.to_owned(),
            name: name.to_owned(),
            ..ResourceTarget::default()
        };
        const AUTHENTICATION: &str = "authentication.k8s.io";
        let mut targets = vec![match self.service_account() {
            Some((namespace, name)) => {
                ResourceTarget { namespace: namespace.to_owned(), ..target("", "serviceaccounts", name) }
            }
            None => target("", "users", &self.user),
        }];
        targets.extend(self.groups.iter().map(|group| target("", "groups", group)));
        for (key, values) in &self.extra {
            targets.extend(values.iter().map(|value| ResourceTarget {
                subresource: key.clone(),
                ..target(AUTHENTICATION, "userextras", value)
            }));
        }
        if !self.uid.is_empty() {
            targets.push(target(AUTHENTICATION, "uids", &self.uid));
        }
        let ask = |target| Attributes {
            user: requester.clone(),
            verb: "impersonate".to_owned(),
            reach: reach.clone(),
            target: Target::Resource(target),
        };
        targets.into_iter().map(ask).collect()
    }

    /// Who the request is made by from here on.
    #[must_use]
    pub fn user(&self) -> User {
        let mut groups = self.groups.clone();
        if let (true, Some((namespace, _))) = (groups.is_empty(), self.service_account()) {
            groups = User::service_account_groups(namespace);
        }
        let held = |groups: &[String], wanted| groups.iter().any(|group| group == wanted);
        let unauthenticated = held(&groups, group::UNAUTHENTICATED);
        if self.user == name::ANONYMOUS {
            if !unauthenticated {
                groups.push(group::UNAUTHENTICATED.to_owned());
            }
        } else if !unauthenticated && !held(&groups, group::AUTHENTICATED) {
            groups.push(group::AUTHENTICATED.to_owned());
        }
        User { name: self.user.clone(), uid: self.uid.clone(), groups, extra: self.extra.clone() }
    }

    fn service_account(&self) -> Option<(&str, &str)> {
        let (namespace, name) = self.user.strip_prefix(name::SERVICE_ACCOUNT_PREFIX)?.split_once(':')?;
        let is_name = |text: &str| !text.is_empty() && !text.contains([':', '/']);
        (is_name(namespace) && is_name(name)).then_some((namespace, name))
    }
}

/// Why a request is not made as somebody else.
#[derive(Debug, thiserror::Error)]
pub enum ImpersonationDenied {
    /// 403.
    #[error("{}", .0.message)]
    Forbidden(Forbidden),
    /// The facts could not be looked up.
    #[error(transparent)]
    Lookup(#[from] Error),
}

impl Authorizer {
    /// Who a request is made by when `requester` acts as `wanted`: all of the checks, in order.
    ///
    /// # Errors
    /// See [`ImpersonationDenied`].
    pub async fn impersonate(
        &self,
        requester: &User,
        wanted: &Impersonation,
        reach: &Reach,
    ) -> Result<User, ImpersonationDenied> {
        gatekeeper(requester, wanted).map_err(ImpersonationDenied::Forbidden)?;
        for question in wanted.questions(requester, reach) {
            let verdict = self.authorize(&question, Depth::Whole).await?;
            if !verdict.is_allowed() {
                return Err(ImpersonationDenied::Forbidden(forbidden(&question, &verdict.reason)));
            }
        }
        Ok(scoped(requester, wanted.user(), reach))
    }
}

/// Nobody acts in a group that has power over workspaces without being in it. Comes before the
/// question whether RBAC allows the impersonation.
///
/// # Errors
/// The 403 to answer.
pub fn gatekeeper(requester: &User, wanted: &Impersonation) -> Result<(), Forbidden> {
    let is_special = |group: &String| SPECIAL_GROUPS.contains(&group.as_str());
    let refused = !requester.is_in(group::MASTERS)
        && wanted.groups.iter().any(|group| is_special(group) && !requester.is_in(group));
    if refused {
        return Err(Forbidden::new("", "", "", "impersonation is not allowed for the requestor"));
    }
    Ok(())
}

/// Who `impersonated` is after `requester` became them: the same, but with an identity in the
/// logical cluster of the request only, unless the requester is in `system:masters`.
#[must_use]
pub fn scoped(requester: &User, mut impersonated: User, reach: &Reach) -> User {
    if !requester.is_in(group::MASTERS) {
        let cluster = reach.cluster().map_or("", |cluster| cluster.as_str());
        let scopes = impersonated.extra.entry(extra::SCOPES.to_owned()).or_default();
        scopes.push(format!("cluster:{cluster}"));
    }
    impersonated
}

/// Percent-decodes a key; one that is not encoded well is taken as it is.
fn unescape(key: &str) -> String {
    let mut bytes = key.bytes();
    let mut out = Vec::with_capacity(key.len());
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            out.push(byte);
            continue;
        }
        let digit = |byte: Option<u8>| byte.and_then(|byte| char::from(byte).to_digit(16));
        match (digit(bytes.next()), digit(bytes.next())) {
            (Some(high), Some(low)) => out.extend(u8::try_from(high * 16 + low)),
            _ => return key.to_owned(),
        }
    }
    String::from_utf8(out).unwrap_or_else(|_| key.to_owned())
}

/// As Go prints the list of object references: kind, namespace, name, uid, API version, resource
/// version and field path.
fn list(asked: &[(&str, String, String)]) -> String {
    let each: Vec<String> =
        asked.iter().map(|(kind, name, key)| format!("{{{kind}  {name}    {key}}}")).collect();
    format!("[{}]", each.join(" "))
}

#[cfg(test)]
#[path = "impersonation_tests.rs"]
mod tests;

//! An identity, and the names that have a meaning of their own.

use std::collections::BTreeMap;

/// User names with a meaning.
pub mod name {
    /// Whoever did not say who they are, and whoever is out of scope.
    pub const ANONYMOUS: &str = "system:anonymous";
    /// How the name of a service account begins; `<namespace>:<name>` follows.
    pub const SERVICE_ACCOUNT_PREFIX: &str = "system:serviceaccount:";
    /// A service account seen from anywhere; `<logical cluster>:<namespace>:<name>` follows.
    pub const GLOBAL_SERVICE_ACCOUNT_PREFIX: &str = "system:kcp:serviceaccount:";
}

/// Groups with a meaning.
pub mod group {
    /// May do everything, everywhere on the shard.
    pub const MASTERS: &str = "system:masters";
    /// Everybody who was authenticated.
    pub const AUTHENTICATED: &str = "system:authenticated";
    /// Everybody who was not.
    pub const UNAUTHENTICATED: &str = "system:unauthenticated";
    /// Every service account.
    pub const SERVICE_ACCOUNTS: &str = "system:serviceaccounts";
    /// `cluster-admin` in every workspace.
    pub const KCP_ADMIN: &str = "system:kcp:admin";
    /// Prepares workspaces before their owners may enter.
    pub const WORKSPACE_BOOTSTRAPPER: &str = "system:kcp:tenancy:workspace-bootstrapper";
    /// Creates logical clusters, and so enters before they exist.
    pub const LOGICAL_CLUSTER_ADMIN: &str = "system:kcp:logical-cluster-admin";
    /// What controllers of other shards are.
    pub const EXTERNAL_LOGICAL_CLUSTER_ADMIN: &str = "system:kcp:external-logical-cluster-admin";
    /// Given by the initializing virtual workspace to whoever it let through.
    pub const INITIALIZER_PREFIX: &str = "system:kcp:initializer:";
    /// Given by the terminating virtual workspace to whoever it let through.
    pub const TERMINATOR_PREFIX: &str = "system:kcp:terminator:";
    /// Everybody who comes from a logical cluster; its name follows.
    pub const CLUSTER_PREFIX: &str = "system:cluster:";
}

/// Keys of [`User::extra`] with a meaning.
pub mod extra {
    /// Where the user keeps its identity: a list of comma-separated lists of `cluster:<name>`. The
    /// list is ANDed, the commas are ORed.
    pub const SCOPES: &str = "authentication.kcp.io/scopes";
    /// The logical cluster that a service account or a workspace's own user belongs to.
    pub const CLUSTER_NAME: &str = "authentication.kcp.io/cluster-name";
    /// Further identities, each as JSON `{user, uid, groups, extra}`.
    pub const WARRANT: &str = "authorization.kcp.io/warrant";
}

/// Who makes a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct User {
    /// What RBAC subjects of kind `User` name.
    pub name: String,
    /// Distinguishes users of the same name over time; often empty.
    pub uid: String,
    /// What RBAC subjects of kind `Group` name.
    pub groups: Vec<String>,
    /// Anything else the authenticator knows; see [`extra`].
    pub extra: BTreeMap<String, Vec<String>>,
}

impl User {
    /// A user of this name in these groups.
    #[must_use]
    pub fn new(name: &str, groups: &[&str]) -> Self {
        Self {
            name: name.to_owned(),
            groups: groups.iter().map(|&group| group.to_owned()).collect(),
            ..Self::default()
        }
    }

    /// Whoever did not say who they are.
    #[must_use]
    pub fn anonymous() -> Self {
        Self::new(name::ANONYMOUS, &[group::UNAUTHENTICATED])
    }

    /// Whether the user is a member of `group`, as it stands: no scopes, no warrants.
    #[must_use]
    pub fn is_in(&self, group: &str) -> bool {
        self.groups.iter().any(|held| held == group)
    }

    /// The values of one extra key; none if it is missing.
    #[must_use]
    pub fn extra(&self, key: &str) -> &[String] {
        self.extra.get(key).map_or(&[], Vec::as_slice)
    }

    /// The `<namespace>:<name>` of a service account; `None` for everybody else.
    #[must_use]
    pub fn service_account(&self) -> Option<&str> {
        self.name.strip_prefix(name::SERVICE_ACCOUNT_PREFIX)
    }

    /// The user name of a service account.
    #[must_use]
    pub fn service_account_name(namespace: &str, name: &str) -> String {
        format!("{}{namespace}:{name}", name::SERVICE_ACCOUNT_PREFIX)
    }

    /// The groups of every service account of a namespace.
    #[must_use]
    pub fn service_account_groups(namespace: &str) -> Vec<String> {
        vec![group::SERVICE_ACCOUNTS.to_owned(), format!("{}:{namespace}", group::SERVICE_ACCOUNTS)]
    }
}

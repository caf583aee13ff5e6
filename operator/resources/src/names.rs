//! Names and labels of everything the operator makes.
//!
//! They are public API: scripts, network policies and GitOps repositories use them, and an installation
//! made by the earlier operator is taken over by finding its objects under them.

use std::collections::BTreeMap;

/// Marks a Secret as belonging to a RootShard of that name.
pub const ROOT_SHARD_LABEL: &str = "operator.kcp.io/rootshard";
/// Marks a Secret as belonging to a FrontProxy of that name.
pub const FRONT_PROXY_LABEL: &str = "operator.kcp.io/front-proxy";
/// Marks a Secret as belonging to a Kubeconfig of that name, and a ClusterRoleBinding inside kcp as
/// belonging to one of that UID.
pub const KUBECONFIG_LABEL: &str = "operator.kcp.io/kubeconfig";
/// Common to all objects of the operator, with the value [`MANAGER`].
pub const MANAGED_BY_LABEL: &str = "app.kubernetes.io/managed-by";
/// Who manages the objects; also the field manager of every apply.
pub const MANAGER: &str = "kcp-operator";
/// On a RootShard: where its shard keeps its objects, written once.
pub const STORE_ANNOTATION: &str = "operator.kcp.io/store";
/// On a RootShard or FrontProxy: an export of earlier operators was asked for.
pub const BUNDLE_ANNOTATION: &str = "operator.kcp.io/bundle";
/// On a pod template: a digest of what its process reads once, so that a change replaces the pod.
pub const CONTENT_ANNOTATION: &str = "operator.kcp.io/content";
/// On a Secret: a digest of the certificate that was asked for, so that a change issues a new one.
pub const CERTIFICATE_ANNOTATION: &str = "operator.kcp.io/certificate";
/// On a Kubeconfig while roles are bound inside kcp.
pub const RBAC_FINALIZER: &str = "operator.kcp.io/cleanup-rbac";

/// Common name of the front-proxies' client certificates.
pub const FRONT_PROXY_USER: &str = "kcp-front-proxy";
/// Common name of the internal proxy's client certificates.
pub const INTERNAL_PROXY_USER: &str = "kcp-root-shard-proxy";
/// Common name of the certificates with which shards come back to a front-proxy for mounts.
pub const MOUNTS_PROXY_USER: &str = "kcp-mounts-proxy";
/// Common name of the operator inside kcp.
pub const OPERATOR_USER: &str = "system:kcp-operator";
/// Group of the operator inside kcp.
pub const ADMIN_GROUP: &str = "system:kcp:admin";
/// Group with all rights on a shard.
pub const MASTERS_GROUP: &str = "system:masters";

/// The certificate authorities of an installation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ca {
    /// Signs all the others.
    Root,
    /// Signs what servers show.
    Server,
    /// Signs what clients show.
    Client,
    /// Signs what proxies show when they speak for a client.
    RequestHeader,
    /// Signs the certificates whose keys sign ServiceAccount tokens.
    ServiceAccount,
}

impl Ca {
    /// All but the root, which may come from elsewhere.
    pub const SIGNED: [Self; 4] = [Self::Server, Self::RequestHeader, Self::Client, Self::ServiceAccount];

    /// Key of `certificateTemplates`, and what follows the RootShard's name in the Secret's.
    pub const fn suffix(self) -> &'static str {
        match self {
            Self::Root => "ca",
            Self::Server => "server-ca",
            Self::Client => "client-ca",
            Self::RequestHeader => "requestheader-client-ca",
            Self::ServiceAccount => "service-account-ca",
        }
    }

    /// Key of `certificateTemplates`.
    pub const fn template(self) -> &'static str {
        match self {
            Self::Root => "root-ca",
            Self::Server | Self::Client | Self::RequestHeader | Self::ServiceAccount => self.suffix(),
        }
    }

    /// Name of its Secret, Certificate and Issuer.
    pub fn of(self, root_shard: &str) -> String {
        format!("{root_shard}-{}", self.suffix())
    }
}

/// The part of an installation that an object is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Component {
    /// The root shard itself.
    RootShard,
    /// The proxy through which the operator reaches all shards.
    InternalProxy,
    /// A FrontProxy.
    FrontProxy,
}

impl Component {
    const fn label(self) -> &'static str {
        match self {
            Self::RootShard => "rootshard",
            Self::InternalProxy => "rootshard-proxy",
            Self::FrontProxy => "front-proxy",
        }
    }

    /// Labels of its objects, and selector of its pods.
    pub fn labels(self, instance: &str) -> BTreeMap<String, String> {
        labels([
            (MANAGED_BY_LABEL, MANAGER),
            ("app.kubernetes.io/name", "kcp"),
            ("app.kubernetes.io/instance", instance),
            ("app.kubernetes.io/component", self.label()),
        ])
    }
}

/// A short digest of anything, for annotations.
pub fn digest(bytes: &[u8]) -> String {
    crate::certificate::short_digest(bytes)
}

/// A map of labels or annotations from literals.
pub fn labels<const N: usize>(pairs: [(&str, &str); N]) -> BTreeMap<String, String> {
    pairs.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
}

/// Entries of a template below those of the operator, which win.
pub(crate) fn under(
    template: Option<&BTreeMap<String, String>>,
    own: BTreeMap<String, String>,
) -> BTreeMap<String, String> {
    let mut all = template.cloned().unwrap_or_default();
    all.extend(own);
    all
}

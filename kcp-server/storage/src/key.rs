//! Where an object lives, and how that is spelt.
//!
//! The spelling is upstream's (`kcp-server.md` §7.3), so that a key in etcd means the same to both.
//! No key is without a logical cluster, and none holds a workspace path.

use kcp_names::ClusterName;
use std::{cmp::Ordering, fmt, sync::Arc};

/// A name or namespace as it stands in a key: at least one byte, none of them `/`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectName(Arc<str>);

/// The namespace of a namespaced object. Never a tenant.
pub type Namespace = ObjectName;

impl ObjectName {
    /// Takes any string that can be one segment of a key. Whether a *new* object may have the name
    /// is for validation to say.
    ///
    /// # Errors
    /// The empty string, `.`, `..`, and strings with `/`, `%` or a NUL byte.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let bad = text.is_empty()
            || text == "."
            || text == ".."
            || text.bytes().any(|b| matches!(b, b'/' | b'%' | 0));
        if bad { Err(KeyError(format!("{text:?} is no name"))) } else { Ok(Self(text.into())) }
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ObjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ObjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", &*self.0)
    }
}

/// Which of the APIs of one name an object belongs to: the reason two tenants' `widgets` never meet.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Identity {
    /// A kind that is built into the server.
    BuiltIn,
    /// A kind of a CRD in the object's own logical cluster, or of a system CRD.
    Custom,
    /// A kind that came by an APIBinding; the text is the identity hash of its APIExport.
    Bound(Arc<str>),
}

/// One kind of stored object, as the store tells them apart.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ResourceKey {
    /// API group; empty for the core group.
    pub group: Arc<str>,
    /// Plural resource name.
    pub resource: Arc<str>,
    /// Whose API it is.
    pub identity: Identity,
}

impl ResourceKey {
    /// A built-in kind.
    #[must_use]
    pub fn built_in(group: &str, resource: &str) -> Self {
        Self { group: group.into(), resource: resource.into(), identity: Identity::BuiltIn }
    }

    /// A kind of a CRD.
    #[must_use]
    pub fn custom(group: &str, resource: &str) -> Self {
        Self { group: group.into(), resource: resource.into(), identity: Identity::Custom }
    }

    /// A kind bound from an APIExport.
    #[must_use]
    pub fn bound(group: &str, resource: &str, identity: &str) -> Self {
        Self { group: group.into(), resource: resource.into(), identity: Identity::Bound(identity.into()) }
    }

    /// `/<group>/<resource>/[customresources/|<identity>/]`, the prefix all its keys share.
    #[must_use]
    pub fn prefix(&self) -> String {
        let (group, resource) = (&self.group, &self.resource);
        match (&self.identity, group.is_empty()) {
            (Identity::BuiltIn, true) => format!("/core/{resource}/"),
            (Identity::BuiltIn, false) => format!("/{group}/{resource}/"),
            (Identity::Custom, true) => format!("/{resource}/customresources/"),
            (Identity::Custom, false) => format!("/{group}/{resource}/customresources/"),
            (Identity::Bound(hash), true) => format!("/{resource}/{hash}/"),
            (Identity::Bound(hash), false) => format!("/{group}/{resource}/{hash}/"),
        }
    }
}

impl fmt::Display for ResourceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.resource)?;
        if !self.group.is_empty() {
            write!(f, ".{}", self.group)?;
        }
        if let Identity::Bound(hash) = &self.identity {
            write!(f, ":{hash}")?;
        }
        Ok(())
    }
}

/// Where one object lives. The cluster is a field, so no key can be without one.
///
/// Keys are ordered by resource, then by the bytes of `<cluster>/[<namespace>/]<name>`. Every store
/// lists in this order, and within one resource it is etcd's order of the spelt keys (so namespace
/// `a-b` comes before `a`, since `-` sorts before `/`).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    /// Kind of object.
    pub resource: ResourceKey,
    /// The logical cluster that owns it.
    pub cluster: ClusterName,
    /// Its namespace, for namespaced kinds.
    pub namespace: Option<Namespace>,
    /// Its name.
    pub name: ObjectName,
}

impl Key {
    /// The key as etcd has it, without the installation's prefix.
    #[must_use]
    pub fn spell(&self) -> String {
        let mut text = self.resource.prefix();
        text.push_str(self.cluster.as_str());
        text.push('/');
        if let Some(namespace) = &self.namespace {
            text.push_str(namespace.as_str());
            text.push('/');
        }
        text.push_str(self.name.as_str());
        text
    }

    /// The bytes of `<cluster>/[<namespace>/]<name>`, by which keys of one resource are ordered.
    fn place(&self) -> impl Iterator<Item = u8> {
        let namespace = self.namespace.as_ref().map(|n| n.as_str().bytes().chain([b'/']));
        let head = self.cluster.as_str().bytes().chain([b'/']);
        head.chain(namespace.into_iter().flatten()).chain(self.name.as_str().bytes())
    }
}

impl Ord for Key {
    fn cmp(&self, other: &Self) -> Ordering {
        self.resource.cmp(&other.resource).then_with(|| self.place().cmp(other.place()))
    }
}

impl PartialOrd for Key {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.spell())
    }
}

/// The kinds that a range covers.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Resources {
    /// One kind.
    One(ResourceKey),
    /// Every identity of one group and resource (the wildcard list of metadata).
    EveryIdentity {
        /// API group.
        group: Arc<str>,
        /// Plural resource name.
        resource: Arc<str>,
    },
    /// Every kind there is.
    Every,
}

/// The part of a kind that a range covers.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Scope {
    /// Every logical cluster.
    Everywhere,
    /// One logical cluster.
    Cluster(ClusterName),
    /// One namespace of one logical cluster.
    Namespace(ClusterName, Namespace),
    /// One object.
    Object(ClusterName, Option<Namespace>, ObjectName),
}

impl Scope {
    /// The logical cluster it is in; `None`: all of them.
    #[must_use]
    pub fn cluster(&self) -> Option<&ClusterName> {
        match self {
            Self::Everywhere => None,
            Self::Cluster(cluster) | Self::Namespace(cluster, _) | Self::Object(cluster, ..) => Some(cluster),
        }
    }
}

/// A set of keys that can be listed and watched.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Range {
    /// Kinds.
    pub resources: Resources,
    /// Where.
    pub scope: Scope,
}

impl Range {
    /// All objects of a kind in one logical cluster.
    #[must_use]
    pub fn cluster(resource: ResourceKey, cluster: ClusterName) -> Self {
        Self { resources: Resources::One(resource), scope: Scope::Cluster(cluster) }
    }

    /// All objects of a kind in one namespace of one logical cluster.
    #[must_use]
    pub fn namespace(resource: ResourceKey, cluster: ClusterName, namespace: Namespace) -> Self {
        Self { resources: Resources::One(resource), scope: Scope::Namespace(cluster, namespace) }
    }

    /// All objects of a kind in every logical cluster.
    #[must_use]
    pub fn everywhere(resource: ResourceKey) -> Self {
        Self { resources: Resources::One(resource), scope: Scope::Everywhere }
    }

    /// All there is.
    #[must_use]
    pub fn everything() -> Self {
        Self { resources: Resources::Every, scope: Scope::Everywhere }
    }

    /// The range of one object.
    #[must_use]
    pub fn object(key: &Key) -> Self {
        Self {
            resources: Resources::One(key.resource.clone()),
            scope: Scope::Object(key.cluster.clone(), key.namespace.clone(), key.name.clone()),
        }
    }

    /// Whether a key lies in the range.
    #[must_use]
    pub fn contains(&self, key: &Key) -> bool {
        let kind = match &self.resources {
            Resources::One(resource) => *resource == key.resource,
            Resources::EveryIdentity { group, resource } => {
                *group == key.resource.group && *resource == key.resource.resource
            }
            Resources::Every => true,
        };
        kind && match &self.scope {
            Scope::Everywhere => true,
            Scope::Cluster(cluster) => *cluster == key.cluster,
            Scope::Namespace(cluster, namespace) => {
                *cluster == key.cluster && Some(namespace) == key.namespace.as_ref()
            }
            Scope::Object(cluster, namespace, name) => {
                *cluster == key.cluster && *namespace == key.namespace && *name == key.name
            }
        }
    }
}

/// A string that can stand in no key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct KeyError(pub String);

#[cfg(test)]
mod tests {
    use super::*;

    fn key(resource: ResourceKey, namespace: Option<&str>) -> String {
        let name = |text| ObjectName::parse(text).expect("a name");
        Key { resource, cluster: ClusterName::root(), namespace: namespace.map(name), name: name("a") }
            .spell()
    }

    #[test]
    fn keys_are_spelt_as_in_etcd() {
        assert_eq!(key(ResourceKey::built_in("", "configmaps"), Some("ns")), "/core/configmaps/root/ns/a");
        assert_eq!(
            key(ResourceKey::built_in("rbac.authorization.k8s.io", "clusterroles"), None),
            "/rbac.authorization.k8s.io/clusterroles/root/a"
        );
        assert_eq!(key(ResourceKey::custom("e.io", "ws"), None), "/e.io/ws/customresources/root/a");
        assert_eq!(key(ResourceKey::custom("", "pods"), Some("n")), "/pods/customresources/root/n/a");
        assert_eq!(key(ResourceKey::bound("e.io", "ws", "f00"), None), "/e.io/ws/f00/root/a");
    }

    #[test]
    fn keys_of_one_resource_sort_as_they_are_spelt() {
        let name = |text| ObjectName::parse(text).expect("a name");
        let mut keys = Vec::new();
        for cluster in ["a", "a-b", "a0"] {
            for namespace in [None, Some("n"), Some("n-m"), Some("n0")] {
                for object in ["x", "x-y", "n", "x.y"] {
                    keys.push(Key {
                        resource: ResourceKey::custom("e.io", "ws"),
                        cluster: ClusterName::parse(cluster).expect("a cluster"),
                        namespace: namespace.map(name),
                        name: name(object),
                    });
                }
            }
        }
        keys.sort();
        assert!(keys.is_sorted_by_key(Key::spell));
    }

    #[test]
    fn names_with_slashes_are_no_names() {
        for bad in ["", ".", "..", "a/b", "a%b", "a\0"] {
            assert!(ObjectName::parse(bad).is_err(), "{bad:?}");
        }
        assert!(ObjectName::parse("system:admin").is_ok());
    }
}

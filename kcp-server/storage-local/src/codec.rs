//! How keys are spelt in the log and the engine.
//!
//! `group 0 resource 0 identity cluster / [namespace /] name`, where identity is one byte (1 built in,
//! 2 custom, 3 bound) and for a bound one its hash and a 0. Bytes sort as [`Key`]s do, and every
//! [`Range`] of one kind is the set of spellings with one prefix.

use kcp_names::ClusterName;
use kcp_storage::{Identity, Key, ObjectName, Range, ResourceKey, Resources, Scope};
use std::sync::Arc;

const END: u8 = 0;
const BUILT_IN: u8 = 1;
const CUSTOM: u8 = 2;
const BOUND: u8 = 3;

/// Bytes that are no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a stored key is damaged")]
pub(crate) struct BadKey;

/// Spells a key.
pub(crate) fn spell(key: &Key) -> Vec<u8> {
    let mut out = Vec::with_capacity(128);
    spell_resource(&key.resource, &mut out);
    out.extend_from_slice(key.cluster.as_str().as_bytes());
    out.push(b'/');
    if let Some(namespace) = &key.namespace {
        out.extend_from_slice(namespace.as_str().as_bytes());
        out.push(b'/');
    }
    out.extend_from_slice(key.name.as_str().as_bytes());
    out
}

fn spell_resource(resource: &ResourceKey, out: &mut Vec<u8>) {
    spell_text(&resource.group, out);
    spell_text(&resource.resource, out);
    match &resource.identity {
        Identity::BuiltIn => out.push(BUILT_IN),
        Identity::Custom => out.push(CUSTOM),
        Identity::Bound(hash) => {
            out.push(BOUND);
            spell_text(hash, out);
        }
    }
}

/// Text and its end. Bytes 0 and 1, which no group or resource has, are written as two, so that
/// whatever the text is, the order stays and the end is found.
fn spell_text(text: &str, out: &mut Vec<u8>) {
    for &byte in text.as_bytes() {
        match byte {
            0 => out.extend([1, 1]),
            1 => out.extend([1, 2]),
            _ => out.push(byte),
        }
    }
    out.push(END);
}

/// Reads keys back. Neighbours share their resource and cluster, so it remembers the last ones.
#[derive(Default)]
pub(crate) struct Reader {
    resource: Option<(Vec<u8>, ResourceKey)>,
    cluster: Option<ClusterName>,
}

impl Reader {
    /// Reads a key that [`spell`] spelt.
    pub(crate) fn read(&mut self, bytes: &[u8]) -> Result<Key, BadKey> {
        let (resource, place) = bytes.split_at(resource_length(bytes)?);
        let resource = self.resource(resource)?;
        let place = std::str::from_utf8(place).map_err(|_| BadKey)?;
        let (cluster, inside) = place.split_once('/').ok_or(BadKey)?;
        let cluster = self.cluster(cluster)?;
        let name = |text| ObjectName::parse(text).map_err(|_| BadKey);
        let (namespace, name) = match inside.split_once('/') {
            Some((namespace, object)) => (Some(name(namespace)?), name(object)?),
            None => (None, name(inside)?),
        };
        Ok(Key { resource, cluster, namespace, name })
    }

    fn resource(&mut self, bytes: &[u8]) -> Result<ResourceKey, BadKey> {
        if let Some((same, resource)) = &self.resource
            && same == bytes
        {
            return Ok(resource.clone());
        }
        let resource = read_resource(bytes)?;
        self.resource = Some((bytes.to_vec(), resource.clone()));
        Ok(resource)
    }

    fn cluster(&mut self, text: &str) -> Result<ClusterName, BadKey> {
        if let Some(same) = &self.cluster
            && same.as_str() == text
        {
            return Ok(same.clone());
        }
        let cluster = ClusterName::parse(text).map_err(|_| BadKey)?;
        self.cluster = Some(cluster.clone());
        Ok(cluster)
    }
}

/// Bytes of the part that names the resource.
pub(crate) fn resource_length(bytes: &[u8]) -> Result<usize, BadKey> {
    let end = |from: usize| {
        let rest = bytes.get(from..).ok_or(BadKey)?;
        Ok(from + rest.iter().position(|byte| *byte == END).ok_or(BadKey)? + 1)
    };
    let identity = end(end(0)?)?;
    match bytes.get(identity) {
        Some(&(BUILT_IN | CUSTOM)) => Ok(identity + 1),
        Some(&BOUND) => end(identity + 1),
        Some(_) | None => Err(BadKey),
    }
}

fn read_resource(bytes: &[u8]) -> Result<ResourceKey, BadKey> {
    let mut parts = bytes.split(|byte| *byte == END);
    let mut next = || parts.next().ok_or(BadKey);
    let (group, resource, identity) = (read_text(next()?)?, read_text(next()?)?, next()?);
    let identity = match identity.split_first() {
        Some((&BUILT_IN, [])) => Identity::BuiltIn,
        Some((&CUSTOM, [])) => Identity::Custom,
        Some((&BOUND, hash)) => Identity::Bound(read_text(hash)?),
        Some(_) | None => return Err(BadKey),
    };
    Ok(ResourceKey { group, resource, identity })
}

fn read_text(bytes: &[u8]) -> Result<Arc<str>, BadKey> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes.iter();
    while let Some(&byte) = rest.next() {
        match (byte, byte == 1) {
            (_, true) => out.push(rest.next().ok_or(BadKey)? - 1),
            (byte, false) => out.push(byte),
        }
    }
    String::from_utf8(out).map(Arc::from).map_err(|_| BadKey)
}

/// The spellings that a range covers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Span {
    /// Those that begin so.
    Prefix(Vec<u8>),
    /// One.
    One(Vec<u8>),
    /// Those whose resource begins with the first part, and whose place begins with the second.
    EveryIdentity(Vec<u8>, Tail),
}

/// What follows the identity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Tail {
    /// Something that begins so.
    Prefix(Vec<u8>),
    /// This.
    One(Vec<u8>),
}

impl Span {
    pub(crate) fn of(range: &Range) -> Self {
        let tail = Tail::of(&range.scope);
        match &range.resources {
            Resources::One(resource) => {
                let mut head = Vec::with_capacity(128);
                spell_resource(resource, &mut head);
                tail.behind(&head)
            }
            Resources::EveryIdentity { group, resource } => {
                let mut head = Vec::with_capacity(64);
                spell_text(group, &mut head);
                spell_text(resource, &mut head);
                tail.behind_any(head)
            }
            Resources::Every => tail.behind_any(Vec::new()),
        }
    }

    pub(crate) fn contains(&self, key: &[u8]) -> bool {
        match self {
            Self::Prefix(prefix) => key.starts_with(prefix),
            Self::One(one) => key == one,
            Self::EveryIdentity(head, tail) => {
                key.starts_with(head) && resource_length(key).is_ok_and(|length| tail.fits(&key[length..]))
            }
        }
    }
}

impl Tail {
    fn of(scope: &Scope) -> Self {
        let mut text = String::new();
        let (cluster, namespace, name) = match scope {
            Scope::Everywhere => return Self::Prefix(Vec::new()),
            Scope::Cluster(cluster) => (cluster, None, None),
            Scope::Namespace(cluster, namespace) => (cluster, Some(namespace), None),
            Scope::Object(cluster, namespace, name) => (cluster, namespace.as_ref(), Some(name)),
        };
        text.push_str(cluster.as_str());
        text.push('/');
        if let Some(namespace) = namespace {
            text.push_str(namespace.as_str());
            text.push('/');
        }
        match name {
            None => Self::Prefix(text.into_bytes()),
            Some(name) => Self::One((text + name.as_str()).into_bytes()),
        }
    }

    /// The span of what is so behind `head`.
    pub(crate) fn behind(&self, head: &[u8]) -> Span {
        match self {
            Self::Prefix(tail) => Span::Prefix([head, tail].concat()),
            Self::One(tail) => Span::One([head, tail].concat()),
        }
    }

    /// The span of what is so behind any resource that begins with `head`.
    fn behind_any(self, head: Vec<u8>) -> Span {
        match self {
            Self::Prefix(tail) if tail.is_empty() => Span::Prefix(head),
            tail @ (Self::Prefix(_) | Self::One(_)) => Span::EveryIdentity(head, tail),
        }
    }

    fn fits(&self, rest: &[u8]) -> bool {
        match self {
            Self::Prefix(tail) => rest.starts_with(tail),
            Self::One(tail) => rest == tail,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn keys() -> impl Strategy<Value = Key> {
        let text = || prop_oneof![Just("a"), Just("a-b"), Just("b"), Just("\0"), Just("\u{1}"), Just("a.b")];
        let identity = prop_oneof![
            Just(Identity::BuiltIn),
            Just(Identity::Custom),
            text().prop_map(|hash| Identity::Bound(hash.into()))
        ];
        let cluster = prop_oneof![Just("a"), Just("a-b"), Just("a0"), Just("system:admin")];
        let name = || prop_oneof![Just("x"), Just("x-y"), Just("x.y"), Just("xy"), Just("ü")];
        (text(), text(), identity, cluster, proptest::option::of(name()), name()).prop_map(
            |(group, resource, identity, cluster, namespace, name)| Key {
                resource: ResourceKey { group: group.into(), resource: resource.into(), identity },
                cluster: ClusterName::parse(cluster).expect("a cluster name"),
                namespace: namespace.map(|name| ObjectName::parse(name).expect("a name")),
                name: ObjectName::parse(name).expect("a name"),
            },
        )
    }

    proptest! {
        #[test]
        fn keys_come_back_and_keep_their_order(one in keys(), two in keys()) {
            let mut reader = Reader::default();
            prop_assert_eq!(reader.read(&spell(&one)).expect("reads"), one.clone());
            prop_assert_eq!(reader.read(&spell(&two)).expect("reads"), two.clone());
            prop_assert_eq!(spell(&one).cmp(&spell(&two)), one.cmp(&two));
        }

        #[test]
        fn a_span_holds_what_its_range_holds(key in keys(), other in keys()) {
            let every = Resources::EveryIdentity {
                group: other.resource.group.clone(),
                resource: other.resource.resource.clone(),
            };
            for resources in [Resources::One(other.resource.clone()), every, Resources::Every] {
                let namespace = other.namespace.clone().unwrap_or_else(|| other.name.clone());
                for scope in [
                    Scope::Everywhere,
                    Scope::Cluster(other.cluster.clone()),
                    Scope::Namespace(other.cluster.clone(), namespace),
                    Range::object(&other).scope,
                ] {
                    let range = Range { resources: resources.clone(), scope };
                    prop_assert_eq!(Span::of(&range).contains(&spell(&key)), range.contains(&key));
                }
            }
        }

        #[test]
        fn other_bytes_are_no_key(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            if let Ok(key) = Reader::default().read(&bytes) {
                prop_assert_eq!(spell(&key), bytes);
            }
        }
    }
}

use crate::InvalidName;
use std::{fmt, sync::Arc};

/// The name of a logical cluster, the owner of every stored object.
///
/// It has no `Default`, no `From<String>` and no `Deref`: a name comes out of the workspace index,
/// a stored key or the scheduler, and never out of a request by accident.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClusterName(Arc<str>);

impl ClusterName {
    /// Parses a bare name: a path segment, or anything that begins with `system:`.
    ///
    /// # Errors
    /// A string that is neither, such as a workspace path or `*`.
    pub fn parse(text: &str) -> Result<Self, InvalidName> {
        let system = text.strip_prefix("system:").is_some_and(|rest| {
            !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b':')
        });
        if system || is_segment(text) {
            Ok(Self(text.into()))
        } else {
            Err(InvalidName { kind: "cluster", given: text.to_owned() })
        }
    }

    /// `root`, the logical cluster every tree of workspaces starts in.
    #[must_use]
    pub fn root() -> Self {
        Self("root".into())
    }

    /// `system:admin`, whose RBAC objects count in every logical cluster of the shard.
    #[must_use]
    pub fn system_admin() -> Self {
        Self("system:admin".into())
    }

    /// `system:system-crds`, home of the CRDs that every logical cluster serves.
    #[must_use]
    pub fn system_crds() -> Self {
        Self("system:system-crds".into())
    }

    /// `system:bound-crds`, home of the CRDs made from bound APIResourceSchemas.
    #[must_use]
    pub fn bound_crds() -> Self {
        Self("system:bound-crds".into())
    }

    /// `system:shard`, what a shard keeps about itself.
    #[must_use]
    pub fn system_shard() -> Self {
        Self("system:shard".into())
    }

    /// Whether this is one of the shard's own clusters (`system:*`), which hold no tenant.
    #[must_use]
    pub fn is_system(&self) -> bool {
        self.0.starts_with("system:")
    }

    /// The name as it is written in URLs, keys and annotations.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ClusterName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ClusterName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", &*self.0)
    }
}

/// The name of a shard, as its `Shard` object and `--shard-name` have it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ShardName(Arc<str>);

impl ShardName {
    /// Parses a shard name: lower-case letters, digits, `-` and `.`, at most 253 of them.
    ///
    /// # Errors
    /// Any other string.
    pub fn parse(text: &str) -> Result<Self, InvalidName> {
        let ok = !text.is_empty()
            && text.len() <= 253
            && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'.');
        if ok { Ok(Self(text.into())) } else { Err(InvalidName { kind: "shard", given: text.to_owned() }) }
    }

    /// The name as it is written in labels and annotations.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ShardName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// `^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`: one segment of a workspace path.
pub(crate) fn is_segment(text: &str) -> bool {
    let bytes = text.as_bytes();
    let edge = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    match (bytes.first(), bytes.last()) {
        (Some(&first), Some(&last)) => {
            bytes.len() <= 63 && edge(first) && edge(last) && bytes.iter().all(|&b| edge(b) || b == b'-')
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_parse_and_paths_do_not() {
        for good in ["root", "a", "36ks9xj4a2n61", "system:admin", "system:bound-crds"] {
            assert_eq!(ClusterName::parse(good).expect(good).as_str(), good);
        }
        for bad in ["", "*", "root:org", "Root", "-a", "a-", "a_b", "system:", "a/b", &"a".repeat(64)] {
            assert!(ClusterName::parse(bad).is_err(), "{bad}");
        }
    }
}

use crate::{ClusterName, InvalidName, cluster::is_segment, hash};
use std::{fmt, sync::Arc};

/// What a user types, `root:org:team`. Only the workspace index turns it into a [`ClusterName`].
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WorkspacePath(Arc<str>);

/// How a path begins: every walk through the tree starts in a logical cluster that is named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathStart {
    /// The logical cluster of the first segment.
    pub cluster: ClusterName,
    /// The workspace names that follow, in order.
    pub rest: Vec<Arc<str>>,
}

impl WorkspacePath {
    /// Parses a colon-separated path of one or more segments, or a `system:` name.
    ///
    /// # Errors
    /// Anything else; `*` is no path.
    pub fn parse(text: &str) -> Result<Self, InvalidName> {
        let ok = if text.starts_with("system:") {
            ClusterName::parse(text).is_ok()
        } else {
            text.split(':').all(is_segment)
        };
        if ok { Ok(Self(text.into())) } else { Err(InvalidName { kind: "cluster", given: text.to_owned() }) }
    }

    /// Whether this is one name without a parent: no colon, or a `system:` name.
    #[must_use]
    pub fn is_name(&self) -> bool {
        self.0.starts_with("system:") || !self.0.contains(':')
    }

    /// The path as a cluster name, when it is one segment.
    #[must_use]
    pub fn as_name(&self) -> Option<ClusterName> {
        if self.is_name() { ClusterName::parse(&self.0).ok() } else { None }
    }

    /// The first segment as a cluster and the rest as workspace names.
    ///
    /// `user:<name>:…` starts in the home cluster of that user.
    #[must_use]
    pub fn start(&self) -> PathStart {
        let cluster = |text: &str| ClusterName::parse(text).unwrap_or_else(|_| ClusterName::root());
        if self.is_name() {
            return PathStart { cluster: cluster(&self.0), rest: Vec::new() };
        }
        let mut segments = self.0.split(':');
        let first = segments.next().unwrap_or_default();
        let start = match (first, segments.clone().next()) {
            ("user", Some(user)) => {
                segments.next();
                cluster(&hash::home_cluster(user))
            }
            _ => cluster(first),
        };
        PathStart { cluster: start, rest: segments.map(Arc::from).collect() }
    }

    /// The path of a child workspace.
    #[must_use]
    pub fn join(&self, name: &str) -> Self {
        Self(format!("{}:{name}", self.0).into())
    }

    /// The path of the parent and the last segment. `None` for a name.
    #[must_use]
    pub fn split(&self) -> Option<(Self, &str)> {
        if self.is_name() {
            return None;
        }
        self.0.rsplit_once(':').map(|(parent, name)| (Self(parent.into()), name))
    }

    /// The path as it is written in URLs and annotations.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&ClusterName> for WorkspacePath {
    /// Every cluster name is a path of one segment.
    fn from(name: &ClusterName) -> Self {
        Self(name.as_str().into())
    }
}

impl fmt::Display for WorkspacePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for WorkspacePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", &*self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_starts_in_a_cluster() {
        let start = WorkspacePath::parse("root:org:team").expect("valid").start();
        assert_eq!(start.cluster.as_str(), "root");
        assert_eq!(start.rest, ["org".into(), "team".into()]);
        let home = WorkspacePath::parse("user:alice:ws").expect("valid").start();
        assert_eq!(home.cluster.as_str(), "v1u4alow0iv9");
        assert_eq!(home.rest, ["ws".into()]);
    }

    #[test]
    fn malformed_paths_are_refused() {
        for bad in ["", "*", ":", "root:", ":root", "root::a", "root:A", "root:a_b", "system:"] {
            assert!(WorkspacePath::parse(bad).is_err(), "{bad}");
        }
    }
}

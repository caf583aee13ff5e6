use std::fmt;

/// Group and version: `apps/v1`, or `v1` for the group without a name.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Gv {
    /// The group, empty for the core group.
    pub group: Box<str>,
    /// The version.
    pub version: Box<str>,
}

/// Group, version and kind: what an object says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Gvk {
    /// The group, empty for the core group.
    pub group: Box<str>,
    /// The version.
    pub version: Box<str>,
    /// The kind, such as `Deployment`.
    pub kind: Box<str>,
}

/// Group, version and resource: what a URL says.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Gvr {
    /// The group, empty for the core group.
    pub group: Box<str>,
    /// The version.
    pub version: Box<str>,
    /// The resource, such as `deployments`.
    pub resource: Box<str>,
}

/// Group and resource, printed as `deployments.apps`.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GroupResource {
    /// The group, empty for the core group.
    pub group: Box<str>,
    /// The resource.
    pub resource: Box<str>,
}

/// Group and kind, printed as `Deployment.apps`.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GroupKind {
    /// The group, empty for the core group.
    pub group: Box<str>,
    /// The kind.
    pub kind: Box<str>,
}

/// Why text is no group and version.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unexpected GroupVersion string: {0}")]
pub struct InvalidGv(pub String);

impl Gv {
    /// A group and a version.
    #[must_use]
    pub fn new(group: &str, version: &str) -> Self {
        Self { group: group.into(), version: version.into() }
    }

    /// Reads `group/version` or `version`. Nothing, or `/`, is both empty, as in Kubernetes.
    ///
    /// # Errors
    /// More than one slash.
    pub fn parse(text: &str) -> Result<Self, InvalidGv> {
        match text.split('/').collect::<Vec<_>>()[..] {
            [version] => Ok(Self::new("", version)),
            [group, version] => Ok(Self::new(group, version)),
            _ => Err(InvalidGv(text.to_owned())),
        }
    }

    /// With a kind.
    #[must_use]
    pub fn with_kind(self, kind: &str) -> Gvk {
        Gvk { group: self.group, version: self.version, kind: kind.into() }
    }

    /// With a resource.
    #[must_use]
    pub fn with_resource(self, resource: &str) -> Gvr {
        Gvr { group: self.group, version: self.version, resource: resource.into() }
    }
}

impl Gvk {
    /// A group, a version and a kind.
    #[must_use]
    pub fn new(group: &str, version: &str, kind: &str) -> Self {
        Gv::new(group, version).with_kind(kind)
    }

    /// The value of `apiVersion`.
    #[must_use]
    pub fn api_version(&self) -> String {
        join(&self.group, &self.version)
    }

    /// Without the kind.
    #[must_use]
    pub fn gv(&self) -> Gv {
        Gv::new(&self.group, &self.version)
    }

    /// Without the version.
    #[must_use]
    pub fn group_kind(&self) -> GroupKind {
        GroupKind { group: self.group.clone(), kind: self.kind.clone() }
    }
}

impl Gvr {
    /// A group, a version and a resource.
    #[must_use]
    pub fn new(group: &str, version: &str, resource: &str) -> Self {
        Gv::new(group, version).with_resource(resource)
    }

    /// Without the resource.
    #[must_use]
    pub fn gv(&self) -> Gv {
        Gv::new(&self.group, &self.version)
    }

    /// Without the version.
    #[must_use]
    pub fn group_resource(&self) -> GroupResource {
        GroupResource { group: self.group.clone(), resource: self.resource.clone() }
    }
}

impl GroupResource {
    /// A group and a resource.
    #[must_use]
    pub fn new(group: &str, resource: &str) -> Self {
        Self { group: group.into(), resource: resource.into() }
    }

    /// Reads `resource.group` or `resource`.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let (resource, group) = text.split_once('.').unwrap_or((text, ""));
        Self::new(group, resource)
    }
}

impl GroupKind {
    /// A group and a kind.
    #[must_use]
    pub fn new(group: &str, kind: &str) -> Self {
        Self { group: group.into(), kind: kind.into() }
    }
}

fn join(group: &str, version: &str) -> String {
    if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") }
}

impl fmt::Display for Gv {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&join(&self.group, &self.version))
    }
}

impl fmt::Display for Gvk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}, Kind={}", self.group, self.version, self.kind)
    }
}

impl fmt::Display for Gvr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}, Resource={}", self.group, self.version, self.resource)
    }
}

impl fmt::Display for GroupResource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        dotted(f, &self.resource, &self.group)
    }
}

impl fmt::Display for GroupKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        dotted(f, &self.kind, &self.group)
    }
}

fn dotted(f: &mut fmt::Formatter<'_>, name: &str, group: &str) -> fmt::Result {
    if group.is_empty() { f.write_str(name) } else { write!(f, "{name}.{group}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_and_versions() {
        assert_eq!(Gv::parse("apps/v1"), Ok(Gv::new("apps", "v1")));
        assert_eq!(Gv::parse("v1"), Ok(Gv::new("", "v1")));
        assert_eq!(Gv::parse("/"), Ok(Gv::default()));
        let error = Gv::parse("a/b/c").expect_err("two slashes");
        assert_eq!(error.to_string(), "unexpected GroupVersion string: a/b/c");
    }

    #[test]
    fn printed_as_kubernetes_does() {
        assert_eq!(Gvk::new("", "v1", "Pod").to_string(), "/v1, Kind=Pod");
        assert_eq!(Gvk::new("apps", "v1", "Deployment").api_version(), "apps/v1");
        assert_eq!(Gvr::new("apps", "v1", "deployments").to_string(), "apps/v1, Resource=deployments");
        assert_eq!(GroupResource::parse("deployments.apps").to_string(), "deployments.apps");
        assert_eq!(GroupKind::new("", "Pod").to_string(), "Pod");
    }
}

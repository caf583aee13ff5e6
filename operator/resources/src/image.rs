//! Which image a pod runs.
//!
//! Manifests written for kcp name kcp's own image, or only a tag of it. Both mean "kcp", not another
//! program, so they run the image that belongs to this operator, and the status says so. Any other
//! repository is somebody's decision and is honoured to the letter.

use kcp_operator_api::{ImageSpec, LocalObjectReference, Text};

/// Where kcp itself publishes its image.
const UPSTREAM_REPOSITORY: &str = "ghcr.io/kcp-dev/kcp";
/// Kcp's tag when a manifest names kcp's repository without one and images are honoured.
const UPSTREAM_TAG: &str = "v0.32.3";

/// The image that this operator brings, and how seriously manifests are taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Images {
    /// Image with tag that pods run by default.
    pub bundled: String,
    /// Whether kcp's own repository is honoured like any other.
    pub honour_all: bool,
}

/// The image that was settled on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// Repository and tag.
    pub name: String,
    /// Whether it is the one that the operator brings.
    pub bundled: bool,
    /// Credentials of the registry.
    pub pull_secrets: Vec<LocalObjectReference>,
    /// What the manifest asked for, if something else runs.
    pub overridden: Option<String>,
}

impl Images {
    /// The image for a spec.
    pub fn resolve(&self, spec: Option<&ImageSpec>) -> Image {
        let pull_secrets = spec.map(|spec| spec.image_pull_secrets.clone()).unwrap_or_default();
        let repository = spec.and_then(|spec| spec.repository.text());
        let tag = spec.and_then(|spec| spec.tag.text());
        let foreign = match (repository, tag) {
            (Some(repository), _) if self.honour_all || repository != UPSTREAM_REPOSITORY => Some(repository),
            (None, Some(_)) if self.honour_all => Some(UPSTREAM_REPOSITORY),
            _ => None,
        };
        if let Some(repository) = foreign {
            let name = format!("{repository}:{}", tag.unwrap_or(UPSTREAM_TAG));
            return Image { name, bundled: false, pull_secrets, overridden: None };
        }
        let asked = match (repository, tag) {
            (None, None) => None,
            (repository, Some(tag)) => Some(format!("{}:{tag}", repository.unwrap_or(UPSTREAM_REPOSITORY))),
            (Some(repository), None) => Some(repository.to_owned()),
        };
        let overridden = asked.filter(|asked| *asked != self.bundled);
        Image { name: self.bundled.clone(), bundled: true, pull_secrets, overridden }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(
        repository: Option<&str>,
        tag: Option<&str>,
        honour_all: bool,
    ) -> (String, bool, Option<String>) {
        let spec = ImageSpec {
            repository: repository.map(str::to_owned),
            tag: tag.map(str::to_owned),
            ..ImageSpec::default()
        };
        let image = Images { bundled: "kcp:v1".to_owned(), honour_all }.resolve(Some(&spec));
        (image.name, image.bundled, image.overridden)
    }

    fn bundled(overridden: Option<&str>) -> (String, bool, Option<String>) {
        ("kcp:v1".to_owned(), true, overridden.map(str::to_owned))
    }

    fn foreign(name: &str) -> (String, bool, Option<String>) {
        (name.to_owned(), false, None)
    }

    #[test]
    fn what_means_kcp_runs_the_bundled_image() {
        assert_eq!(check(None, None, false), bundled(None));
        assert_eq!(check(Some(""), Some(""), false), bundled(None));
        assert_eq!(check(None, Some("v0.31.0"), false), bundled(Some("ghcr.io/kcp-dev/kcp:v0.31.0")));
        assert_eq!(check(Some(UPSTREAM_REPOSITORY), None, false), bundled(Some(UPSTREAM_REPOSITORY)));
    }

    #[test]
    fn another_repository_is_honoured() {
        assert_eq!(check(Some("example.com/kcp"), Some("main"), false), foreign("example.com/kcp:main"));
        assert_eq!(check(Some("example.com/kcp"), None, false), foreign("example.com/kcp:v0.32.3"));
    }

    #[test]
    fn everything_is_honoured_when_the_operator_is_told_to() {
        assert_eq!(check(None, Some("v0.31.0"), true), foreign("ghcr.io/kcp-dev/kcp:v0.31.0"));
        assert_eq!(check(None, None, true), bundled(None));
    }
}

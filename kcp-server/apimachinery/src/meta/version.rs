use std::cmp::Ordering;

/// Which version is to be preferred; the greater one is. `v2` > `v1` > `v2beta1` > `v1alpha3`, and
/// names that are no such versions come after them, in the order of the alphabet.
///
/// Sort with `versions.sort_by(|a, b| compare_versions(b, a))` to have the preferred one first.
#[must_use]
pub fn compare_versions(left: &str, right: &str) -> Ordering {
    match (parse(left), parse(right)) {
        (Some(left), Some(right)) => left.cmp(&right),
        (Some(_), None) => Ordering::Greater,
        (None, Some(_)) => Ordering::Less,
        (None, None) => right.cmp(left),
    }
}

/// Stability (2 general, 1 beta, 0 alpha), major and minor.
fn parse(version: &str) -> Option<(u8, u64, u64)> {
    let rest = version.strip_prefix('v')?;
    let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    let (major, rest) = rest.split_at(end);
    let major = major.parse().ok()?;
    if rest.is_empty() {
        return Some((2, major, 0));
    }
    let (stability, minor) = match (rest.strip_prefix("beta"), rest.strip_prefix("alpha")) {
        (Some(minor), _) => (1, minor),
        (_, Some(minor)) => (0, minor),
        (None, None) => return None,
    };
    let digits = minor.bytes().all(|byte| byte.is_ascii_digit());
    Some((stability, major, minor.parse().ok().filter(|_| digits)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_preferred_version_comes_first() {
        let mut versions = vec![
            "foo1",
            "v1alpha1",
            "v11alpha2",
            "v3beta1",
            "v12alpha1",
            "v11beta2",
            "v10beta3",
            "v2",
            "v10",
            "foo10",
            "v1",
        ];
        versions.sort_by(|a, b| compare_versions(b, a));
        assert_eq!(
            versions,
            [
                "v10",
                "v2",
                "v1",
                "v11beta2",
                "v10beta3",
                "v3beta1",
                "v12alpha1",
                "v11alpha2",
                "v1alpha1",
                "foo1",
                "foo10"
            ]
        );
        assert_eq!(compare_versions("v1", "v1"), Ordering::Equal);
        assert_eq!(compare_versions("v1beta+1", "foo"), Ordering::Greater.reverse().then(Ordering::Less));
    }
}

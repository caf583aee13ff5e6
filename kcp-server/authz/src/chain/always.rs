//! The two entries that look at nothing stored.

use crate::{Attributes, Decision};

/// Members of these groups may do everything. Only what authentication itself said counts: neither
/// scopes nor warrants.
pub(super) fn group(groups: &[String], attributes: &Attributes) -> Decision {
    if groups.iter().any(|group| attributes.user.is_in(group)) {
        Decision::Allow
    } else {
        Decision::NoOpinion
    }
}

/// Paths that anybody may use.
pub(super) struct AlwaysAllowPaths {
    exact: Vec<String>,
    prefixes: Vec<String>,
}

impl AlwaysAllowPaths {
    /// Gives back the first path with a `*` that is not its end.
    pub(super) fn new(paths: &[String]) -> Result<Self, String> {
        let (mut exact, mut prefixes) = (Vec::new(), Vec::new());
        for path in paths {
            let bare = path.strip_prefix('/').unwrap_or(path);
            match bare.split_once('*') {
                None => exact.push(bare.to_owned()),
                Some((prefix, "")) => prefixes.push(prefix.to_owned()),
                Some(_) => return Err(path.clone()),
            }
        }
        Ok(Self { exact, prefixes })
    }

    pub(super) fn decide(&self, attributes: &Attributes) -> Decision {
        let Some(path) = attributes.path() else { return Decision::NoOpinion };
        let bare = path.strip_prefix('/').unwrap_or(path);
        let allowed = self.exact.iter().any(|exact| exact == bare)
            || self.prefixes.iter().any(|prefix| bare.starts_with(prefix));
        if allowed { Decision::Allow } else { Decision::NoOpinion }
    }
}

//! Parts of an installation that can be left out, and the annotations of manifests.

use crate::well_known::annotation;
use kcp_apimachinery::Value;
use std::collections::BTreeSet;

/// Something that an installation may or may not start with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Battery {
    /// The workspace types `organization` and `team`.
    WorkspaceTypes,
    /// The local users `shard-admin` and `kcp-admin`, and `admin.kubeconfig`.
    Admin,
    /// A local user without rights, `user`; goes with `admin`.
    User,
    /// A service account and a user that may read metrics.
    MetricsViewer,
}

impl Battery {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::WorkspaceTypes, Self::Admin, Self::User, Self::MetricsViewer];

    /// Its name on the command line and in annotations.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::WorkspaceTypes => "workspace-types",
            Self::Admin => "admin",
            Self::User => "user",
            Self::MetricsViewer => "metrics-viewer",
        }
    }
}

/// The batteries of an installation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batteries(BTreeSet<Battery>);

impl Default for Batteries {
    /// `workspace-types` and `admin`.
    fn default() -> Self {
        Self([Battery::WorkspaceTypes, Battery::Admin].into())
    }
}

/// A battery that nobody knows.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown battery {0:?}; known are admin, metrics-viewer, user and workspace-types")]
pub struct UnknownBattery(pub String);

impl Batteries {
    /// Reads `--batteries-included`: a list that stands for itself or, if any entry begins with `+`
    /// or `-`, changes the defaults.
    ///
    /// # Errors
    /// An entry that names no battery.
    pub fn parse<'e>(entries: impl IntoIterator<Item = &'e str>) -> Result<Self, UnknownBattery> {
        let entries: Vec<&str> = entries.into_iter().filter(|entry| !entry.is_empty()).collect();
        let changes = entries.iter().any(|entry| entry.starts_with(['+', '-']));
        let mut batteries = if changes { Self::default() } else { Self(BTreeSet::new()) };
        for entry in entries {
            let name = entry.strip_prefix(['+', '-']).unwrap_or(entry);
            let battery = Battery::ALL
                .into_iter()
                .find(|battery| battery.name() == name)
                .ok_or_else(|| UnknownBattery(name.to_owned()))?;
            if entry.starts_with('-') {
                batteries.0.remove(&battery);
            } else {
                batteries.0.insert(battery);
            }
        }
        Ok(batteries)
    }

    /// Whether the installation has a battery.
    #[must_use]
    pub fn has(&self, battery: Battery) -> bool {
        self.0.contains(&battery)
    }
}

/// Whether an object of a manifest is wanted: it names no battery, or one that the installation has.
#[must_use]
pub fn enabled(object: &Value, batteries: &Batteries) -> bool {
    let Some(names) = object.str_at(&["metadata", "annotations", annotation::BOOTSTRAP_BATTERY]) else {
        return true;
    };
    names.split(',').any(|name| batteries.0.iter().any(|battery| battery.name() == name.trim()))
}

/// Whether an object, once it exists, is never updated from its manifest.
#[must_use]
pub fn create_only(stored: &Value) -> bool {
    stored.at(&["metadata", "annotations", annotation::BOOTSTRAP_CREATE_ONLY]).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(flag: &str, expected: &[Battery]) {
        let batteries = Batteries::parse(flag.split(',')).expect(flag);
        assert_eq!(batteries.0, expected.iter().copied().collect(), "{flag}");
    }

    #[test]
    fn a_list_stands_for_itself_or_changes_the_defaults() {
        check("user", &[Battery::User]);
        check("", &[]);
        check("+user", &[Battery::WorkspaceTypes, Battery::Admin, Battery::User]);
        check("-admin,metrics-viewer", &[Battery::WorkspaceTypes, Battery::MetricsViewer]);
        assert_eq!(Batteries::parse(["coal"]), Err(UnknownBattery("coal".into())));
    }
}

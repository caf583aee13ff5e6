use super::{
    element,
    managers::{ManagerId, Operation},
    set::Set,
};
use crate::{Name, go};
use std::fmt;

/// A field that the configuration would change and another manager owns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// Who owns it.
    pub manager: ManagerId,
    /// Which field it is.
    pub(super) path: Vec<Name>,
}

/// All conflicts of an apply, by manager.
///
/// Printed it is the message of the `Status`; each conflict is one cause with reason
/// [`Conflicts::REASON`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Conflicts(pub Vec<Conflict>);

impl Conflict {
    /// The field, such as `.spec.replicas`.
    #[must_use]
    pub fn field(&self) -> String {
        element::show(&self.path)
    }

    /// The message of the cause: `conflict with "kubectl" using apps/v1`.
    #[must_use]
    pub fn message(&self) -> String {
        format!("conflict with {}", self.manager)
    }
}

impl Conflicts {
    /// The reason of the causes.
    pub const REASON: &'static str = "FieldManagerConflict";

    pub(super) fn add(&mut self, manager: &ManagerId, fields: &Set) {
        self.0.extend(fields.paths().into_iter().map(|path| Conflict { manager: manager.clone(), path }));
    }

    /// Without those about these fields.
    pub(super) fn without(mut self, fields: &Set) -> Self {
        self.0.retain(|conflict| !fields.contains(&conflict.path));
        self
    }
}

impl fmt::Display for Conflicts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let [only] = self.0.as_slice() {
            return write!(f, "Apply failed with 1 conflict: {}: {}", only.message(), only.field());
        }
        write!(f, "Apply failed with {} conflicts: ", self.0.len())?;
        let mut last = None;
        for conflict in &self.0 {
            if last.replace(&conflict.manager) != Some(&conflict.manager) {
                let separator = if conflict == &self.0[0] { "" } else { "\n" };
                write!(f, "{separator}conflicts with {}:", conflict.manager)?;
            }
            write!(f, "\n- {}", conflict.field())?;
        }
        Ok(())
    }
}

impl std::error::Error for Conflicts {}

/// `"kubectl" with subresource "status" using apps/v1`; appliers have no version.
impl fmt::Display for ManagerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&go::quote(&self.manager))?;
        if !self.subresource.is_empty() {
            write!(f, " with subresource {}", go::quote(&self.subresource))?;
        }
        match self.operation {
            Operation::Apply => Ok(()),
            Operation::Update => write!(f, " using {}", self.api_version),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages() {
        let id = |manager: &str, operation| ManagerId {
            manager: manager.into(),
            operation,
            api_version: "v1".into(),
            subresource: "".into(),
        };
        let mut conflicts = Conflicts::default();
        conflicts.add(&id("x", Operation::Update), &Set::of(&[&["spec", "a"]]));
        assert_eq!(
            conflicts.to_string(),
            "Apply failed with 1 conflict: conflict with \"x\" using v1: .spec.a"
        );
        conflicts.add(&id("x", Operation::Update), &Set::of(&[&["spec", "b"]]));
        conflicts.add(&id("y", Operation::Apply), &Set::of(&[&["spec", "c"]]));
        assert_eq!(
            conflicts.to_string(),
            "Apply failed with 3 conflicts: conflicts with \"x\" using v1:\n- .spec.a\n- .spec.b\nconflicts with \"y\":\n- .spec.c"
        );
        let status = ManagerId { subresource: "status".into(), ..id("z", Operation::Apply) };
        assert_eq!(status.to_string(), "\"z\" with subresource \"status\"");
    }
}

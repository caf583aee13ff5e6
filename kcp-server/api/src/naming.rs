//! Whether an API that is to be bound has a name that another of the same group has in the logical
//! cluster.

use crate::types::apis::{ExportReference, Names};
use std::fmt;

/// What already has names: the accepted names of a CRD, and whose it is.
#[derive(Clone, Copy, Debug)]
pub struct Existing<'e> {
    /// API group.
    pub group: &'e str,
    /// Names that it was accepted under.
    pub accepted: &'e Names,
    /// Who brought it.
    pub holder: Holder<'e>,
}

/// Who brought an API into a logical cluster.
#[derive(Clone, Copy, Debug)]
pub enum Holder<'e> {
    /// A binding.
    Binding {
        /// Its name.
        name: &'e str,
        /// What it binds.
        export: &'e ExportReference,
    },
    /// A CRD of the logical cluster, by name.
    Crd(&'e str),
}

/// A name that is taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("naming conflict with {holder}: {name} is forbidden")]
pub struct NamingConflict {
    /// Who has it.
    pub holder: String,
    /// Which, as a field and its value.
    pub name: String,
}

/// Checks the names of an API that `binding` wants to serve.
///
/// # Errors
/// The first of its names that something else in the same group has.
pub fn check<'e>(
    binding: &str,
    group: &str,
    names: &Names,
    existing: impl IntoIterator<Item = Existing<'e>>,
) -> Result<(), NamingConflict> {
    for other in existing {
        if matches!(other.holder, Holder::Binding { name, .. } if name == binding) || other.group != group {
            continue;
        }
        if let Some(name) = taken(other.accepted, names) {
            return Err(NamingConflict { holder: other.holder.to_string(), name });
        }
    }
    Ok(())
}

fn taken(accepted: &Names, wanted: &Names) -> Option<String> {
    let resource = |name: &String| {
        *name == accepted.plural || *name == accepted.singular || accepted.short_names.contains(name)
    };
    let kind = |name: &String| *name == accepted.kind || *name == accepted.list_kind;
    if resource(&wanted.plural) {
        Some(format!("spec.names.plural={}", wanted.plural))
    } else if resource(&wanted.singular) {
        Some(format!("spec.names.singular={}", wanted.singular))
    } else if wanted.short_names.iter().any(resource) {
        Some(format!("spec.names.shortNames=[{}]", wanted.short_names.join(" ")))
    } else if kind(&wanted.kind) {
        Some(format!("spec.names.kind={}", wanted.kind))
    } else if kind(&wanted.list_kind) {
        Some(format!("spec.names.listKind={}", wanted.list_kind))
    } else {
        None
    }
}

impl fmt::Display for Holder<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Crd(name) => write!(f, "CustomResourceDefinition {name:?}"),
            Self::Binding { name, export } if export.path.is_empty() => {
                write!(f, "APIBinding {name:?} bound to local APIExport {:?}", export.name)
            }
            Self::Binding { name, export } => {
                write!(f, "APIBinding {name:?} bound to APIExport {}:{}", export.path, export.name)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(plural: &str, singular: &str, short: &[&str], kind: &str) -> Names {
        Names {
            plural: plural.into(),
            singular: singular.into(),
            short_names: short.iter().map(|name| (*name).into()).collect(),
            kind: kind.into(),
            list_kind: format!("{kind}List"),
            categories: Vec::new(),
        }
    }

    fn check_names(wanted: &Names, group: &str, holder: Holder<'_>, expected: Option<&str>) {
        let accepted = names("cows", "cow", &["c"], "Cow");
        let result =
            check("mine", group, wanted, [Existing { group: "farm.io", accepted: &accepted, holder }]);
        assert_eq!(result.err().map(|error| error.to_string()).as_deref(), expected);
    }

    #[test]
    fn a_name_is_taken_within_its_group() {
        let local = ExportReference { path: String::new(), name: "farm".into() };
        let remote = ExportReference { path: "root:farm".into(), name: "farm".into() };
        let crd = Holder::Crd("cows.farm.io");
        let plural = names("cows", "x", &[], "X");
        check_names(&plural, "zoo.io", crd, None);
        let text = "naming conflict with CustomResourceDefinition \"cows.farm.io\": spec.names.plural=cows is forbidden";
        check_names(&plural, "farm.io", crd, Some(text));
        let own = Holder::Binding { name: "mine", export: &local };
        check_names(&plural, "farm.io", own, None);
        let text = "naming conflict with APIBinding \"other\" bound to local APIExport \"farm\": spec.names.singular=cow is forbidden";
        let other = Holder::Binding { name: "other", export: &local };
        check_names(&names("x", "cow", &[], "X"), "farm.io", other, Some(text));
        let text = "naming conflict with APIBinding \"other\" bound to APIExport root:farm:farm: spec.names.shortNames=[b c] is forbidden";
        let other = Holder::Binding { name: "other", export: &remote };
        check_names(&names("x", "y", &["b", "c"], "X"), "farm.io", other, Some(text));
        let text = "naming conflict with CustomResourceDefinition \"cows.farm.io\": spec.names.kind=Cow is forbidden";
        check_names(&names("x", "y", &[], "Cow"), "farm.io", crd, Some(text));
        check_names(&names("x", "y", &["z"], "X"), "farm.io", crd, None);
    }
}

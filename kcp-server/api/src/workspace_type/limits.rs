use super::{Closure, PlacedType};
use crate::{
    rejection::Rejection,
    types::tenancy::{TypeReference, TypeSelector},
};
use std::collections::BTreeSet;

/// Checks that a workspace of one type may be in a workspace of another. `parent_type` and
/// `child_type` are how the types were named, `<path>:<name>`.
///
/// # Errors
/// Every limit of an alias that no alias of the other side meets; those of the child first and alone.
pub fn check(
    parent: &Closure,
    parent_type: &str,
    child: &Closure,
    child_type: &str,
) -> Result<(), Rejection> {
    let parents =
        Side { own: child, name: child_type, other: parent, other_name: parent_type, word: "parent" };
    Rejection::of_texts(parents.violations(|alias| alias.object.spec.limit_allowed_parents.as_ref()))?;
    let children =
        Side { own: parent, name: parent_type, other: child, other_name: child_type, word: "child" };
    Rejection::of_texts(children.violations(|alias| alias.object.spec.limit_allowed_children.as_ref()))
}

/// Whose limits are checked, against whom, and what the other is called.
struct Side<'c> {
    own: &'c Closure,
    name: &'c str,
    other: &'c Closure,
    other_name: &'c str,
    word: &'static str,
}

impl Side<'_> {
    fn violations(&self, limit: impl Fn(&PlacedType) -> Option<&TypeSelector>) -> Vec<String> {
        let implemented: BTreeSet<String> = self.other.aliases().iter().map(PlacedType::qualified).collect();
        let mut texts = Vec::new();
        for alias in self.own.aliases() {
            let Some(limit) = limit(alias) else { continue };
            if limit.none {
                texts.push(format!("workspace type {} cannot have any {}", self.name, self.word));
                continue;
            }
            let allowed: BTreeSet<String> = limit.types.iter().map(TypeReference::qualified).collect();
            if !allowed.is_empty() && allowed.is_disjoint(&implemented) {
                texts.push(self.text(alias, &allowed, &implemented));
            }
        }
        texts
    }

    fn text(&self, alias: &PlacedType, allowed: &BTreeSet<String>, implemented: &BTreeSet<String>) -> String {
        let list = |names: &BTreeSet<String>| names.iter().map(String::as_str).collect::<Vec<_>>().join(" ");
        let extending = if alias.qualified() == self.name {
            String::new()
        } else {
            format!(" extends {}, which", alias.qualified())
        };
        let Self { name, other_name, word, .. } = self;
        format!(
            "workspace type {name}{extending} only allows [{}] {word} workspaces, \
             but {word} type {other_name} only implements [{}]",
            list(allowed),
            list(implemented)
        )
    }
}

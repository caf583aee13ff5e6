use super::source::{list, text};
use kcp_apimachinery::{
    Value,
    field::{Error, Path},
    names::dns1035_label,
};

const MIXED: &str = "may have mixed case, but should otherwise match: ";

/// What is wrong with names that are there; `names` has `plural`, `singular`, `kind`, `listKind`, `shortNames` and
/// `categories`.
#[must_use]
pub fn validate_names(names: &Value, at: &Path<'_>) -> Vec<Error> {
    let mut errors = Vec::new();
    for name in ["plural", "singular"] {
        label(text(names, name), &at.child(name), &mut errors);
    }
    for name in ["kind", "listKind"] {
        let kind = text(names, name);
        let wrong = dns1035_label(&kind.to_lowercase());
        if !kind.is_empty() && !wrong.is_empty() {
            errors.push(Error::invalid(&at.child(name), kind, format!("{MIXED}{}", wrong.join(","))));
        }
    }
    listed(names, "shortNames", at, &mut errors);
    let (kind, list_kind) = (text(names, "kind"), text(names, "listKind"));
    if !kind.is_empty() && kind == list_kind {
        let detail = "kind and listKind may not be the same";
        errors.push(Error::invalid(&at.child("listKind"), list_kind, detail));
    }
    listed(names, "categories", at, &mut errors);
    errors
}

/// What is missing of the names that a definition must ask for.
pub(super) fn required(names: &Value, at: &Path<'_>) -> Vec<Error> {
    let missing =
        ["plural", "singular", "kind", "listKind"].into_iter().filter(|name| text(names, name).is_empty());
    missing.map(|name| Error::required(&at.child(name), "")).collect()
}

fn listed(names: &Value, name: &str, at: &Path<'_>, errors: &mut Vec<Error>) {
    let at = at.child(name);
    for (index, one) in list(names, name).iter().enumerate() {
        let one = one.as_str().unwrap_or_default();
        let wrong = dns1035_label(one);
        if !wrong.is_empty() {
            errors.push(Error::invalid(&at.index(index), one, wrong.join(",")));
        }
    }
}

fn label(name: &str, at: &Path<'_>, errors: &mut Vec<Error>) {
    let wrong = dns1035_label(name);
    if !name.is_empty() && !wrong.is_empty() {
        errors.push(Error::invalid(at, name, wrong.join(",")));
    }
}

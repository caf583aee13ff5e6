use super::{has, list, text};
use kcp_apimachinery::{
    Value,
    field::{Error, Path},
    names,
    selector::validate_label_selector,
};

const GROUP: &str = "rbac.authorization.k8s.io";

pub(super) fn rules(new: &Value, namespaced: bool, errors: &mut Vec<Error>) {
    let at = Path::new("rules");
    for (index, one) in list(new, &["rules"]).iter().enumerate() {
        rule(one, namespaced, &at.index(index), errors);
    }
}

fn rule(rule: &Value, namespaced: bool, at: &Path<'_>, errors: &mut Vec<Error>) {
    let is_empty = |name: &str| list(rule, &[name]).is_empty();
    if is_empty("verbs") {
        errors.push(Error::required(&at.child("verbs"), "verbs must contain at least one value"));
    }
    if !is_empty("nonResourceURLs") {
        let at = at.child("nonResourceURLs");
        let urls = || rule.get("nonResourceURLs").cloned().unwrap_or_default();
        if namespaced {
            errors.push(Error::invalid(&at, urls(), "namespaced rules cannot apply to non-resource URLs"));
        }
        if !(is_empty("apiGroups") && is_empty("resources") && is_empty("resourceNames")) {
            let detail = "rules cannot apply to both regular resources and non-resource URLs";
            errors.push(Error::invalid(&at, urls(), detail));
        }
        return;
    }
    if is_empty("apiGroups") {
        let detail = "resource rules must supply at least one api group";
        errors.push(Error::required(&at.child("apiGroups"), detail));
    }
    if is_empty("resources") {
        let detail = "resource rules must supply at least one resource";
        errors.push(Error::required(&at.child("resources"), detail));
    }
}

pub(super) fn cluster_role(new: &Value, errors: &mut Vec<Error>) {
    rules(new, false, errors);
    if !has(new, &["aggregationRule"]) {
        return;
    }
    let at = Path::new("aggregationRule.clusterRoleSelectors");
    let selectors = list(new, &["aggregationRule", "clusterRoleSelectors"]);
    if selectors.is_empty() {
        let detail = "at least one clusterRoleSelector required if aggregationRule is non-nil";
        errors.push(Error::required(&at, detail));
    }
    for (index, selector) in selectors.iter().enumerate() {
        errors.extend(validate_label_selector(selector, &at.index(index)));
    }
}

pub(super) fn binding(new: &Value, old: Option<&Value>, namespaced: bool, errors: &mut Vec<Error>) {
    let at = Path::new("roleRef");
    let group = text(new, &["roleRef", "apiGroup"]);
    if group != GROUP {
        errors.push(Error::not_supported(&at.child("apiGroup"), group, &[GROUP]));
    }
    let kinds: &[&str] = if namespaced { &["Role", "ClusterRole"] } else { &["ClusterRole"] };
    let kind = text(new, &["roleRef", "kind"]);
    if !kinds.contains(&kind) {
        errors.push(Error::not_supported(&at.child("kind"), kind, kinds));
    }
    let name = text(new, &["roleRef", "name"]);
    if name.is_empty() {
        errors.push(Error::required(&at.child("name"), ""));
    }
    let wrong = names::path_segment(name);
    errors.extend(wrong.into_iter().map(|wrong| Error::invalid(&at.child("name"), name, wrong)));
    let subjects = Path::new("subjects");
    for (index, one) in list(new, &["subjects"]).iter().enumerate() {
        subject(one, namespaced, &subjects.index(index), errors);
    }
    if old.is_some_and(|old| old.get("roleRef") != new.get("roleRef")) {
        let reference = new.get("roleRef").cloned().unwrap_or_default();
        errors.push(Error::invalid(&at, reference, "cannot change roleRef"));
    }
}

fn subject(subject: &Value, namespaced: bool, at: &Path<'_>, errors: &mut Vec<Error>) {
    let (name, group) = (text(subject, &["name"]), text(subject, &["apiGroup"]));
    if name.is_empty() {
        errors.push(Error::required(&at.child("name"), ""));
    }
    match text(subject, &["kind"]) {
        "ServiceAccount" => {
            if !name.is_empty() {
                let wrong = names::dns1123_subdomain(name);
                errors.extend(wrong.into_iter().map(|wrong| Error::invalid(&at.child("name"), name, wrong)));
            }
            if !group.is_empty() {
                errors.push(Error::not_supported(&at.child("apiGroup"), group, &[""]));
            }
            if !namespaced && text(subject, &["namespace"]).is_empty() {
                errors.push(Error::required(&at.child("namespace"), ""));
            }
        }
        kind @ ("User" | "Group") => {
            if name.is_empty() {
                let detail = format!("{} name cannot be empty", kind.to_lowercase());
                errors.push(Error::invalid(&at.child("name"), name, detail));
            }
            if group != GROUP {
                errors.push(Error::not_supported(&at.child("apiGroup"), group, &[GROUP]));
            }
        }
        kind => {
            errors.push(Error::not_supported(&at.child("kind"), kind, &["ServiceAccount", "User", "Group"]))
        }
    }
}

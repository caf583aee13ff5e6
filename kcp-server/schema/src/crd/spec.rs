use super::{
    conversion, names, open_api,
    source::{any, flag, list, present, text, texts},
    structural,
    version::{self, Rules},
    view::View,
};
use kcp_apimachinery::{
    Value,
    field::{Error, Path},
    meta::{self, Created, Scope},
    names::{Rule, dns1035_label, dns1123_subdomain},
};

const APPROVAL: &str = "api-approved.kubernetes.io";
const APPROVAL_SEE: &str = "see https://github.com/kubernetes/enhancements/pull/1111";

/// What is wrong with a definition that is created, defaults filled in.
#[must_use]
pub fn validate_create(crd: &Value) -> Vec<Error> {
    let created = Created { scope: Scope::Cluster, name: Rule::Subdomain };
    let mut errors = meta::validate_create(crd, created);
    errors.extend(create_errors(crd));
    errors
}

/// [`validate_create`] without what is wrong with the metadata of any object.
pub(crate) fn create_errors(crd: &Value) -> Vec<Error> {
    let empty = Value::object();
    let spec = crd.get("spec").unwrap_or(&empty);
    let mut errors = Vec::new();
    let name = crd.meta().name().unwrap_or_default();
    let group = Some(text(spec, "group")).filter(|group| !group.is_empty()).unwrap_or("core");
    if name != format!("{}.{group}", plural(spec)) {
        let detail = r#"must be spec.names.plural+"."+spec.group"#;
        errors.push(Error::invalid(&Path::new("metadata").child("name"), name, detail));
    }
    validate_spec(spec, Rules::for_create(), &mut errors);
    validate_rest(crd, None, &mut errors);
    errors
}

/// What is wrong with a definition that replaces another. What was wrong before is tolerated where
/// Kubernetes tolerates it, so that stored definitions stay usable.
#[must_use]
pub fn validate_update(crd: &Value, old: &Value) -> Vec<Error> {
    let mut errors = meta::validate_update(crd, old);
    errors.extend(update_errors(crd, old));
    errors
}

/// [`validate_update`] without what is wrong with the metadata of any object.
pub(crate) fn update_errors(crd: &Value, old: &Value) -> Vec<Error> {
    let empty = Value::object();
    let (spec, old_spec) = (crd.get("spec").unwrap_or(&empty), old.get("spec").unwrap_or(&empty));
    let mut errors = Vec::new();
    validate_spec(spec, rules_after(spec, old_spec, old), &mut errors);
    let at = Path::new("spec");
    if is_established(old) {
        immutable(spec, old_spec, &["scope"], &at, &mut errors);
        immutable(spec, old_spec, &["names", "kind"], &at, &mut errors);
    }
    immutable(spec, old_spec, &["group"], &at, &mut errors);
    immutable(spec, old_spec, &["names", "plural"], &at, &mut errors);
    validate_rest(crd, Some(old), &mut errors);
    errors
}

/// What is wrong with a new definition or APIResourceSchema in a group of the Kubernetes community that
/// was not approved.
#[must_use]
pub fn validate_approval(object: &Value) -> Vec<Error> {
    let mut errors = Vec::new();
    approval(object, None, &mut errors);
    errors
}

/// What is wrong with a write to `status`.
#[must_use]
pub fn validate_status_update(crd: &Value, old: &Value) -> Vec<Error> {
    let mut errors = meta::validate_update(crd, old);
    accepted_names(crd, &mut errors);
    errors
}

fn plural(spec: &Value) -> &str {
    spec.str_at(&["names", "plural"]).unwrap_or_default()
}

pub(super) fn is_established(crd: &Value) -> bool {
    let conditions = crd.get("status").map_or(&[][..], |status| list(status, "conditions"));
    let holds = |one: &Value| text(one, "type") == "Established" && text(one, "status") == "True";
    conditions.iter().any(holds)
}

fn rules_after(spec: &Value, old_spec: &Value, old: &Value) -> Rules {
    let (new_view, view) = (View::of(spec), View::of(old_spec));
    let in_any =
        |holds: &mut dyn FnMut(&Value) -> bool| view.schemas().any(|schema| any(schema, &mut |s| holds(s)));
    let all_have_schemas =
        view.common.schema.is_some() || view.versions.iter().all(|version| version.parts.schema.is_some());
    Rules {
        recognized_review_version: conversion::has_recognized_version(old_spec),
        schema: all_have_schemas,
        valid_types: !in_any(&mut open_api::has_unknown_type),
        structural: !view.schemas().any(structural::is_violated),
        pruned_defaults: !view.schemas().any(super::defaults::has_unpruned),
        atomic_sets: !in_any(&mut open_api::has_non_atomic_set),
        map_keys: !in_any(&mut open_api::has_unsound_list),
        any_ca_bundle: !is_established(old) || conversion::has_unreadable_ca_bundle(old_spec),
        many_selectable: new_view.common.selectable == view.common.selectable,
    }
}

fn validate_spec(spec: &Value, mut rules: Rules, errors: &mut Vec<Error>) {
    let at = Path::new("spec");
    let view = View::of(spec);
    group(text(spec, "group"), &at.child("group"), errors);
    scope(text(spec, "scope"), &at.child("scope"), errors);
    let preserve = flag(spec, "preserveUnknownFields");
    rules.structural |= !preserve;
    missing_schemas(&view, rules, preserve, &at, errors);
    if view.schemas().any(|schema| any(schema, &mut |schema| present(schema, "default").is_some())) {
        rules.structural = true;
        if preserve {
            let detail = "must be false in order to use defaults in the schema";
            errors.push(Error::invalid(&at.child("preserveUnknownFields"), true, detail));
        }
    }
    rules.structural |= view.schemas().any(|schema| any(schema, &mut open_api::has_extension));
    versions(&view, rules, &at, errors);
    let names_at = at.child("names");
    let empty = Value::object();
    let names = spec.get("names").unwrap_or(&empty);
    errors.extend(names::required(names, &names_at));
    errors.extend(names::validate_names(names, &names_at));
    common(&view, rules, &at, errors);
    conversion::validate(spec, rules, &at.child("conversion"), errors);
}

/// Groups without a dot that Kubernetes has had from the beginning. kcp allows them, and the core group.
const DOTLESS: [&str; 6] = ["", "apps", "autoscaling", "batch", "extensions", "policy"];

fn group(group: &str, at: &Path<'_>, errors: &mut Vec<Error>) {
    let wrong = dns1123_subdomain(group);
    if DOTLESS.contains(&group) {
    } else if !wrong.is_empty() {
        errors.push(Error::invalid(at, group, wrong.join(",")));
    } else if !group.contains('.') {
        errors.push(Error::invalid(at, group, "should be a domain with at least one dot"));
    }
}

fn scope(scope: &str, at: &Path<'_>, errors: &mut Vec<Error>) {
    match scope {
        "" => errors.push(Error::required(at, "")),
        "Cluster" | "Namespaced" => {}
        other => errors.push(Error::not_supported(at, other, &["Cluster", "Namespaced"])),
    }
}

fn missing_schemas(view: &View<'_>, rules: Rules, preserve: bool, at: &Path<'_>, errors: &mut Vec<Error>) {
    if view.common.schema.is_some() || !rules.schema && preserve {
        return;
    }
    let at = at.child("versions");
    for (index, version) in view.versions.iter().enumerate() {
        if version.parts.schema.is_none() && (rules.schema || flag(version.value, "served")) {
            let detail = if rules.schema { "" } else { "because otherwise all fields are pruned" };
            errors.push(Error::required(&at.index(index).child("schema.openAPIV3Schema"), detail));
        }
    }
}

fn versions(view: &View<'_>, rules: Rules, at: &Path<'_>, errors: &mut Vec<Error>) {
    let at = at.child("versions");
    for (index, entry) in view.versions.iter().enumerate() {
        let at = at.index(index);
        let name = text(entry.value, "name");
        let wrong = dns1035_label(name);
        if !wrong.is_empty() {
            errors.push(Error::invalid(&at.child("name"), name, wrong.join(",")));
        }
        let status = version::has_status(view.subresources(entry));
        version::deprecation(entry.value, &at, errors);
        version::parts(&entry.parts, status, rules, &at, "schema", errors);
    }
    let names: Vec<_> = view.versions.iter().map(|version| text(version.value, "name")).collect();
    let value = || Value::from(list(view.spec, "versions").to_vec());
    if (1..names.len()).any(|at| names[..at].contains(&names[at])) {
        errors.push(Error::invalid(&at, value(), "must contain unique version names"));
    }
    if view.versions.iter().filter(|version| flag(version.value, "storage")).count() != 1 {
        errors.push(Error::invalid(&at, value(), "must have exactly one version marked as storage version"));
    }
    if let Some(first) = names.first().filter(|name| !dns1035_label(name).is_empty() && !name.is_empty()) {
        errors.push(Error::invalid(
            &Path::new("spec").child("version"),
            *first,
            dns1035_label(first).join(","),
        ));
    }
}

fn common(view: &View<'_>, rules: Rules, at: &Path<'_>, errors: &mut Vec<Error>) {
    let status = version::has_status(view.common.subresources)
        || view.versions.iter().any(|version| version::has_status(version.parts.subresources));
    version::parts(&view.common, status, rules, at, "validation", errors);
}

fn validate_rest(crd: &Value, old: Option<&Value>, errors: &mut Vec<Error>) {
    accepted_names(crd, errors);
    stored_versions(crd, errors);
    approval(crd, old, errors);
    let preserves = |crd: &Value| crd.get("spec").is_some_and(|spec| flag(spec, "preserveUnknownFields"));
    if preserves(crd) && !old.is_some_and(preserves) {
        let at = Path::new("spec").child("preserveUnknownFields").to_string();
        let detail = "cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead";
        errors.push(Error::invalid(&Path::new(&at), true, detail));
    }
}

fn accepted_names(crd: &Value, errors: &mut Vec<Error>) {
    if let Some(names) = crd.at(&["status", "acceptedNames"]) {
        errors.extend(names::validate_names(names, &Path::new("status.acceptedNames")));
    }
}

fn stored_versions(crd: &Value, errors: &mut Vec<Error>) {
    let at = Path::new("status.storedVersions");
    let stored = crd.get("status").map(|status| texts(status, "storedVersions")).unwrap_or_default();
    let value = || stored.iter().map(|&name| Value::from(name)).collect::<Value>();
    if stored.is_empty() {
        errors.push(Error::invalid(&at, value(), "must have at least one stored version"));
        return;
    }
    let versions = crd.get("spec").map_or(&[][..], |spec| list(spec, "versions"));
    for version in versions.iter().filter(|version| flag(version, "storage")) {
        let name = text(version, "name");
        if !stored.contains(&name) {
            errors.push(Error::invalid(&at, value(), format!("must have the storage version {name}")));
        }
    }
    for (index, &name) in stored.iter().enumerate() {
        if !versions.iter().any(|version| text(version, "name") == name) {
            let detail = format!(
                "missing from spec.versions; {name} was previously a storage version, and must remain in \
                 spec.versions until a storage migration ensures no data remains persisted in {name} and \
                 removes {name} from status.storedVersions"
            );
            errors.push(Error::invalid(&at.index(index), name, detail));
        }
    }
}

/// Whether the group belongs to the Kubernetes community, whose API reviewers have to agree.
fn is_protected(group: &str) -> bool {
    ["k8s.io", "kubernetes.io"]
        .iter()
        .any(|owned| group.strip_suffix(owned).is_some_and(|rest| rest.is_empty() || rest.ends_with('.')))
}

fn approval(crd: &Value, old: Option<&Value>, errors: &mut Vec<Error>) {
    let group = crd.str_at(&["spec", "group"]).unwrap_or_default();
    if !is_protected(group) {
        return;
    }
    let annotation = |crd: &Value| crd.meta().annotation(APPROVAL).unwrap_or_default().to_owned();
    let new = annotation(crd);
    if old.is_some_and(|old| approval_state(&annotation(old)) == approval_state(&new)) {
        return;
    }
    let annotations = Path::new("metadata.annotations");
    let at = annotations.key(APPROVAL);
    let must = format!("protected groups must have approval annotation \"{APPROVAL}\"");
    match approval_state(&new) {
        Approval::Missing => errors.push(Error::required(&at, format!("{must}, {APPROVAL_SEE}"))),
        Approval::Invalid => errors.push(Error::invalid(
            &at,
            new,
            format!("{must} with either a URL or a reason starting with \"unapproved\", {APPROVAL_SEE}"),
        )),
        Approval::Given | Approval::Bypassed => {}
    }
}

#[derive(PartialEq)]
enum Approval {
    Missing,
    Bypassed,
    Given,
    Invalid,
}

fn approval_state(annotation: &str) -> Approval {
    let is_url = || {
        let host = annotation.split_once("://").filter(|(scheme, _)| !scheme.is_empty());
        host.is_some_and(|(_, rest)| !rest.is_empty() && !rest.starts_with('/'))
    };
    if annotation.is_empty() {
        Approval::Missing
    } else if annotation.starts_with("unapproved") {
        Approval::Bypassed
    } else if is_url() {
        Approval::Given
    } else {
        Approval::Invalid
    }
}

fn immutable(new: &Value, old: &Value, path: &[&str], at: &Path<'_>, errors: &mut Vec<Error>) {
    let name = path.join(".");
    let value = |spec: &Value| spec.at(path).cloned().unwrap_or_else(|| "".into());
    if value(new) != value(old) {
        errors.push(Error::invalid(&at.child(&name), value(new), "field is immutable"));
    }
}

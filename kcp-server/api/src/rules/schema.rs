//! APIResourceSchemas, as far as it does not take a schema compiler: names, group and versions.

use crate::types::apis::{APIResourceSchema, APIResourceSchemaSpec};
use kcp_apimachinery::{
    Value,
    field::{Error, Path},
    names, value,
};
use std::collections::BTreeSet;

/// Groups without a dot that Kubernetes has had from the beginning.
const DOTLESS: [&str; 5] = ["apps", "batch", "extensions", "policy", "autoscaling"];

/// The problems of a schema. Those of its structural schemas, printer columns and subresources, and
/// whether a Kubernetes group is approved, are for whoever checks CRDs to add. A schema that has any is
/// refused with [`crate::rejection::Rejection::of_list`].
#[must_use]
pub fn problems(schema: &APIResourceSchema) -> Vec<Error> {
    let mut problems = Vec::new();
    name_problem(&schema.metadata.name, &schema.spec, &mut problems);
    group_problem(&schema.spec.group, &mut problems);
    version_problems(&schema.spec, &mut problems);
    for (field, name) in [
        ("plural", &schema.spec.names.plural),
        ("singular", &schema.spec.names.singular),
        ("kind", &schema.spec.names.kind),
        ("listKind", &schema.spec.names.list_kind),
    ] {
        if name.is_empty() {
            problems.push(Error::required(&Path::new("spec.names").child(field), ""));
        }
    }
    problems
}

/// The problem of a changed spec: it never changes.
#[must_use]
pub fn immutable(old: &APIResourceSchema, new: &APIResourceSchema) -> Option<Error> {
    let spec = || value::to_value(&new.spec).unwrap_or_default();
    (old.spec != new.spec).then(|| Error::invalid(&Path::new("spec"), spec(), "is immutable"))
}

/// A group as the last part of a schema's name.
#[must_use]
pub fn group_segment(group: &str) -> &str {
    if group.is_empty() { "core" } else { group }
}

fn name_problem(name: &str, spec: &APIResourceSchemaSpec, problems: &mut Vec<Error>) {
    if spec.names.plural.is_empty() {
        return;
    }
    let at = Path::new("metadata.name");
    let suffix = format!(".{}.{}", spec.names.plural, group_segment(&spec.group));
    match name.strip_suffix(&suffix) {
        None => problems.push(Error::invalid(&at, name, format!("must end in {suffix}"))),
        Some(prefix) if !is_prefix(prefix) => {
            let detail = format!("must match ^[a-z]([-a-z0-9]*[a-z0-9])?$ in front of {suffix}");
            problems.push(Error::invalid(&at, name, detail));
        }
        Some(_) => {}
    }
}

/// `^[a-z]([-a-z0-9]*[a-z0-9])?$`
fn is_prefix(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.first().is_some_and(u8::is_ascii_lowercase)
        && bytes.last().is_some_and(|&last| last != b'-')
        && bytes.iter().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || *byte == b'-')
}

fn group_problem(group: &str, problems: &mut Vec<Error>) {
    let at = Path::new("spec.group");
    let malformed = names::dns1123_subdomain(group);
    if group.is_empty() {
    } else if group == "core" {
        problems.push(Error::invalid(&at, group, "must be empty string for the core group"));
    } else if !malformed.is_empty() {
        problems.push(Error::invalid(&at, group, malformed.join(",")));
    } else if !group.contains('.') && !DOTLESS.contains(&group) {
        problems.push(Error::invalid(&at, group, "should be a domain with at least one dot"));
    }
}

fn version_problems(spec: &APIResourceSchemaSpec, problems: &mut Vec<Error>) {
    let at = Path::new("spec.versions");
    let mut seen = BTreeSet::new();
    let mut repeated = false;
    for (index, version) in spec.versions.iter().enumerate() {
        repeated |= !seen.insert(&version.name);
        let malformed = names::dns1035_label(&version.name);
        if !malformed.is_empty() {
            let path = at.index(index);
            problems.push(Error::invalid(&path.child("name"), version.name.as_str(), malformed.join(",")));
        }
    }
    let shown = || -> Value { value::to_value(&spec.versions).unwrap_or_default() };
    if repeated {
        problems.push(Error::invalid(&at, shown(), "must contain unique version names"));
    }
    if spec.versions.iter().filter(|version| version.storage).count() != 1 {
        let detail = "must have exactly one version marked as storage version";
        problems.push(Error::invalid(&at, shown(), detail));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{rejection::Rejection, types::Kind};

    fn schema(name: &str, group: &str) -> APIResourceSchema {
        APIResourceSchema::from_value(&kcp_apimachinery::value!({
            "metadata": {"name": name},
            "spec": {
                "group": group, "scope": "Cluster",
                "names": {"plural": "cows", "singular": "cow", "kind": "Cow", "listKind": "CowList"},
                "versions": [{"name": "v1", "served": true, "storage": true, "schema": {"type": "object"}}]
            }
        }))
        .expect("a schema")
    }

    fn check(schema: &APIResourceSchema, expected: &[&str]) {
        let texts: Vec<_> = problems(schema).iter().map(Error::to_string).collect();
        assert_eq!(texts, expected);
    }

    #[test]
    fn the_name_says_what_it_is_a_schema_of() {
        check(&schema("v1-abc.cows.a.io", "a.io"), &[]);
        check(&schema("v1.cows.core", ""), &[]);
        check(&schema("v1.cows.apps", "apps"), &[]);
        let text = "metadata.name: Invalid value: \"v1.cats.a.io\": must end in .cows.a.io";
        check(&schema("v1.cats.a.io", "a.io"), &[text]);
        for prefix in ["1v", "v1.x", "v-", ""] {
            let name = format!("{prefix}.cows.a.io");
            let text = format!(
                "metadata.name: Invalid value: {name:?}: must match ^[a-z]([-a-z0-9]*[a-z0-9])?$ in front of .cows.a.io"
            );
            check(&schema(&name, "a.io"), &[&text]);
        }
    }

    #[test]
    fn the_group_is_a_domain() {
        let text = "spec.group: Invalid value: \"core\": must be empty string for the core group";
        check(&schema("v1.cows.core", "core"), &[text]);
        let text = "spec.group: Invalid value: \"farm\": should be a domain with at least one dot";
        check(&schema("v1.cows.farm", "farm"), &[text]);
    }

    #[test]
    fn one_version_is_stored_and_all_are_named() {
        let ends = |schema: &APIResourceSchema, expected: &[&str]| {
            let details: Vec<_> = problems(schema).into_iter().map(|error| error.detail).collect();
            assert_eq!(details, expected);
        };
        let mut twice = schema("v1.cows.a.io", "a.io");
        twice.spec.versions.push(twice.spec.versions[0].clone());
        let stored = "must have exactly one version marked as storage version";
        ends(&twice, &["must contain unique version names", stored]);
        let mut nameless = schema("v1.cows.a.io", "a.io");
        nameless.spec.names.list_kind.clear();
        check(&nameless, &["spec.names.listKind: Required value"]);
    }

    #[test]
    fn it_never_changes() {
        let (old, mut new) = (schema("v1.cows.a.io", "a.io"), schema("v1.cows.a.io", "a.io"));
        assert_eq!(immutable(&old, &new), None);
        new.spec.scope = "Namespaced".into();
        let problem = immutable(&old, &new).expect("a change");
        let refused = Rejection::of_list(&[problem]).expect_err("refused").to_string();
        assert!(refused.starts_with("[spec: Invalid value: {") && refused.ends_with(": is immutable]"));
    }
}

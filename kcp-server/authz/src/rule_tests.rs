use super::*;
use crate::{Reach, User};
use kcp_apimachinery::value;

fn rule(rule: &Value) -> Rule {
    Rule::read(rule)
}

/// `verb resource.group/subresource name`, or `verb /path`.
fn asks(text: &str) -> Attributes {
    let mut words = text.split(' ');
    let (verb, what, name) =
        (words.next().expect("verb"), words.next().expect("target"), words.next().unwrap_or_default());
    let target = if what.starts_with('/') {
        Target::Path(what.to_owned())
    } else {
        let (what, subresource) = what.split_once('/').unwrap_or((what, ""));
        let (resource, group) = what.split_once('.').unwrap_or((what, ""));
        Target::Resource(ResourceTarget {
            group: group.to_owned(),
            resource: resource.to_owned(),
            subresource: subresource.to_owned(),
            name: name.to_owned(),
            ..ResourceTarget::default()
        })
    };
    Attributes { user: User::default(), verb: verb.to_owned(), reach: Reach::Nowhere, target }
}

fn check(given: &Value, allowed: &[&str], refused: &[&str]) {
    let given = rule(given);
    for text in allowed {
        assert!(given.allows(&asks(text)), "{text} should be allowed by {given:?}");
    }
    for text in refused {
        assert!(!given.allows(&asks(text)), "{text} should be refused by {given:?}");
    }
}

#[test]
fn a_rule_allows_what_it_names() {
    check(
        &value!({"apiGroups": [""], "resources": ["pods", "pods/log"], "verbs": ["get", "list"]}),
        &["get pods", "list pods", "get pods/log a"],
        &["delete pods", "get pods/exec", "get pods.apps", "get podss", "get /pods", "GET pods"],
    );
}

#[test]
fn stars_are_anything() {
    let all = value!({"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]});
    check(&all, &["get pods", "x y.z/w n"], &["get /healthz"]);
    let scale = value!({"apiGroups": ["apps"], "resources": ["*/scale"], "verbs": ["*"]});
    check(
        &scale,
        &["patch deployments.apps/scale"],
        &["patch deployments.apps", "get deployments.apps/xscale"],
    );
    let of_pods = value!({"apiGroups": [""], "resources": ["pods/*"], "verbs": ["*"]});
    check(&of_pods, &["get pods/*"], &["get pods/log", "get pods"]);
}

#[test]
fn names_limit_a_rule() {
    let named =
        value!({"apiGroups": [""], "resources": ["pods"], "resourceNames": ["a", "b"], "verbs": ["get"]});
    check(&named, &["get pods a", "get pods b"], &["get pods c", "get pods"]);
}

#[test]
fn urls_match_whole_or_up_to_a_star_at_the_end() {
    let urls = |url: &str| value!({"nonResourceURLs": [(url)], "verbs": ["get"]});
    check(&urls("/healthz"), &["get /healthz"], &["get /healthz/etcd", "post /healthz"]);
    check(&urls("/healthz/*"), &["get /healthz/etcd", "get /healthz/"], &["get /healthz"]);
    check(&urls("*"), &["get /", "get /x/y"], &["get pods"]);
    check(&urls("/*/x"), &["get /*/x"], &["get /a/x"]);
}

#[test]
fn malformed_rules_allow_nothing() {
    for bad in
        [value!({}), value!({"apiGroups": "*", "resources": "*", "verbs": "*"}), value!(null), value!([])]
    {
        check(&bad, &[], &["get pods", "get /"]);
    }
}

fn check_covers(held: &[Value], given: &[Value], missing: &[&str]) {
    let read = |rules: &[Value]| rules.iter().map(rule).collect::<Vec<_>>();
    assert_eq!(covers(&read(held), &read(given)).err().unwrap_or_default(), missing);
}

#[test]
fn what_is_held_in_pieces_covers_the_whole() {
    check_covers(
        &[
            value!({"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list"]}),
            value!({"apiGroups": [""], "resources": ["secrets", "*/scale"], "verbs": ["*"]}),
            value!({"nonResourceURLs": ["/a/*"], "verbs": ["get"]}),
        ],
        &[
            value!({"apiGroups": [""], "resources": ["pods", "secrets"], "verbs": ["get", "list"]}),
            value!({"apiGroups": [""], "resources": ["pods/scale"], "verbs": ["patch"]}),
            value!({"nonResourceURLs": ["/a/b", "/a/*"], "verbs": ["get"]}),
        ],
        &[],
    );
}

#[test]
fn what_is_missing_is_shown_by_resource() {
    check_covers(
        &[value!({"apiGroups": [""], "resources": ["pods"], "resourceNames": ["a"], "verbs": ["get"]})],
        &[
            value!({"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list"]}),
            value!({"apiGroups": [""], "resources": ["pods"], "resourceNames": ["a", "b"], "verbs": ["get"]}),
            value!({"nonResourceURLs": ["/x"], "verbs": ["get"]}),
        ],
        &[
            r#"{APIGroups:[""], Resources:["pods"], ResourceNames:["b"], Verbs:["get"]}"#,
            r#"{APIGroups:[""], Resources:["pods"], Verbs:["get" "list"]}"#,
            r#"{NonResourceURLs:["/x"], Verbs:["get"]}"#,
        ],
    );
}

#[test]
fn a_star_is_covered_by_a_star_only() {
    let all = || value!({"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]});
    check_covers(&[all()], &[all()], &[]);
    let most = value!({"apiGroups": ["*"], "resources": ["pods"], "verbs": ["*"]});
    check_covers(&[most], &[all()], &[r#"{APIGroups:["*"], Resources:["*"], Verbs:["*"]}"#]);
}

#[test]
fn a_rule_is_read_and_written_alike() {
    let json = value!({"verbs": ["get"], "apiGroups": [""], "resources": ["pods"]});
    assert_eq!(rule(&json).to_value(), json);
}

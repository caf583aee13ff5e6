use super::*;
use kcp_names::ClusterName;

fn read(headers: &[(&str, &str)]) -> Result<Option<Impersonation>, String> {
    Impersonation::read(headers.iter().copied()).map_err(|error| error.to_string())
}

fn wanted(headers: &[(&str, &str)]) -> Impersonation {
    read(headers).expect("headers agree").expect("somebody")
}

fn here() -> Reach {
    Reach::Cluster(ClusterName::parse("here").expect("a name"))
}

#[test]
fn nobody_is_asked_for_without_headers() {
    assert_eq!(read(&[("authorization", "Bearer x")]), Ok(None));
    assert_eq!(read(&[("impersonate-user", "")]), Ok(None));
}

#[test]
fn the_first_of_two_user_headers_counts() {
    assert_eq!(wanted(&[("impersonate-user", "a"), ("impersonate-user", "b")]).user, "a");
}

#[test]
fn extra_keys_are_percent_decoded() {
    let found = wanted(&[
        ("impersonate-user", "a"),
        ("impersonate-extra-acme.com%2fproject", "1"),
        ("impersonate-extra-acme.com%2fproject", "2"),
        ("impersonate-extra-bad%2", "3"),
    ]);
    assert_eq!(found.extra["acme.com/project"], ["1", "2"]);
    assert_eq!(found.extra["bad%2"], ["3"]);
}

#[test]
fn groups_without_a_user_are_an_error() {
    let error = read(&[("impersonate-group", "g"), ("impersonate-extra-k", "v")]).expect_err("no user");
    assert_eq!(error, "requested [{Group  g    } {UserExtra  v    k}] without impersonating a user");
}

/// Each question as `resource/subresource.group namespace/name`.
fn check_questions(headers: &[(&str, &str)], expected: &[&str]) {
    let asked: Vec<String> = wanted(headers)
        .questions(&User::new("me", &[]), &here())
        .iter()
        .map(|asked| {
            assert_eq!((asked.verb.as_str(), asked.user.name.as_str()), ("impersonate", "me"));
            let target = asked.resource().expect("a resource");
            let ResourceTarget { group, resource, subresource, namespace, name, .. } = target;
            format!("{resource}/{subresource}.{group} {namespace}/{name}")
        })
        .collect();
    assert_eq!(asked, expected);
}

#[test]
fn everything_that_is_asked_for_must_be_allowed() {
    check_questions(
        &[
            ("impersonate-user", "a"),
            ("impersonate-uid", "1"),
            ("impersonate-group", "g"),
            ("impersonate-extra-k", "v"),
        ],
        &[
            "users/. /a",
            "groups/. /g",
            "userextras/k.authentication.k8s.io /v",
            "uids/.authentication.k8s.io /1",
        ],
    );
    check_questions(
        &[("impersonate-user", "system:serviceaccount:ns:robot")],
        &["serviceaccounts/. ns/robot"],
    );
    let odd = "system:serviceaccount:ns:robot:x";
    check_questions(&[("impersonate-user", odd)], &[&format!("users/. /{odd}")]);
}

fn check_groups(user: &str, groups: &[&str], expected: &[&str]) {
    let mut headers = vec![("impersonate-user", user)];
    headers.extend(groups.iter().map(|&group| ("impersonate-group", group)));
    assert_eq!(wanted(&headers).user().groups, expected);
}

#[test]
fn the_groups_everybody_has_are_added() {
    check_groups("a", &[], &["system:authenticated"]);
    check_groups("a", &["g"], &["g", "system:authenticated"]);
    check_groups("a", &["system:authenticated"], &["system:authenticated"]);
    check_groups("a", &["system:unauthenticated"], &["system:unauthenticated"]);
    check_groups("system:anonymous", &[], &["system:unauthenticated"]);
    check_groups("system:anonymous", &["g"], &["g", "system:unauthenticated"]);
    let of_namespace = ["system:serviceaccounts", "system:serviceaccounts:ns", "system:authenticated"];
    check_groups("system:serviceaccount:ns:robot", &[], &of_namespace);
    check_groups("system:serviceaccount:ns:robot", &["g"], &["g", "system:authenticated"]);
}

fn check_gate(requester: &[&str], groups: &[&str], allowed: bool) {
    let wanted = Impersonation {
        user: "a".to_owned(),
        groups: groups.iter().map(|&group| group.to_owned()).collect(),
        ..Impersonation::default()
    };
    let answer = gatekeeper(&User::new("me", requester), &wanted).map_err(|refused| refused.message);
    let refused = Err("forbidden: impersonation is not allowed for the requestor".to_owned());
    assert_eq!(answer, if allowed { Ok(()) } else { refused }, "{requester:?} as {groups:?}");
}

#[test]
fn special_groups_are_for_members() {
    check_gate(&[], &["team"], true);
    for special in SPECIAL_GROUPS {
        check_gate(&["team"], &["team", special], false);
        check_gate(&[special], &[special], true);
        check_gate(&["system:masters"], &[special], true);
    }
    check_gate(&["system:kcp:admin"], &["system:masters"], false);
    check_gate(&["system:kcp:admin"], &["system:kcp:logical-cluster-admin"], false);
}

#[test]
fn whoever_is_impersonated_is_limited_to_the_logical_cluster() {
    let somebody = || {
        wanted(&[
            ("impersonate-user", "a"),
            ("impersonate-extra-authentication.kcp.io%2fscopes", "cluster:x"),
        ])
    };
    let scopes = |requester: &User, reach: &Reach| {
        scoped(requester, somebody().user(), reach).extra[extra::SCOPES].clone()
    };
    let admin = User::new("admin", &["system:kcp:admin"]);
    assert_eq!(scopes(&admin, &here()), ["cluster:x", "cluster:here"]);
    assert_eq!(scopes(&admin, &Reach::EveryCluster), ["cluster:x", "cluster:"]);
    assert_eq!(scopes(&User::new("root", &["system:masters"]), &here()), ["cluster:x"]);
}

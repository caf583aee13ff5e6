use super::*;

const HOME: &str = "home";

fn cluster(name: &str) -> ClusterName {
    ClusterName::parse(name).expect("a cluster name")
}

fn user(name: &str, groups: &[&str], extras: &[(&str, &[&str])]) -> User {
    let mut user = User::new(name, groups);
    for (key, values) in extras {
        user.extra.insert((*key).to_owned(), values.iter().map(|&value| value.to_owned()).collect());
    }
    user
}

/// Shows each identity in `home` as `name[group,group]`.
fn check(user: &User, wanted: &[&str]) {
    let home = cluster(HOME);
    let shown: Vec<String> = effective_users(user, Some(&home))
        .iter()
        .map(|user| format!("{}[{}]", user.name, user.groups.join(",")))
        .collect();
    assert_eq!(shown, wanted);
}

const AUTH: &str = "system:authenticated";
const ALICE: &str = "alice[system:authenticated]";
const NOBODY: &str = "system:anonymous[system:unauthenticated]";

#[test]
fn a_user_without_scopes_is_itself_everywhere() {
    check(&user("alice", &[AUTH], &[]), &[ALICE]);
    assert_eq!(effective_users(&user("alice", &[], &[]), None).len(), 1);
}

#[test]
fn scopes_of_one_value_are_alternatives_and_values_must_all_hold() {
    let scoped = |scopes: &[&str]| user("alice", &[AUTH], &[(extra::SCOPES, scopes)]);
    check(&scoped(&["cluster:home"]), &[ALICE]);
    check(&scoped(&["cluster:other,cluster:home"]), &[ALICE]);
    check(&scoped(&["cluster:home", "cluster:other,cluster:home"]), &[ALICE]);
    check(&scoped(&["cluster:home", "cluster:other"]), &["system:anonymous[system:authenticated]"]);
    check(&scoped(&["home"]), &["system:anonymous[system:authenticated]"]);
    check(&scoped(&[""]), &["system:anonymous[system:authenticated]"]);
}

#[test]
fn out_of_scope_one_is_anonymous_from_where_one_is_in_scope() {
    let abroad = user(
        "alice",
        &[AUTH, "team"],
        &[(extra::SCOPES, &["cluster:b,cluster:a,cluster:c", "cluster:a,cluster:b"])],
    );
    check(&abroad, &["system:anonymous[system:authenticated,system:cluster:a,system:cluster:b]"]);
    let unknown = user("alice", &["team"], &[(extra::SCOPES, &["cluster:a"])]);
    check(&unknown, &[NOBODY]);
}

#[test]
fn in_scope_one_is_not_in_the_group_of_the_logical_cluster() {
    check(&user("alice", &[AUTH], &[(extra::SCOPES, &["cluster:home"])]), &[ALICE]);
}

#[test]
fn each_warrant_is_an_identity() {
    let warrant = r#"{"user":"bob","uid":"1","groups":["team"],"extra":{"k":["v"]}}"#;
    check(&user("alice", &[], &[(extra::WARRANT, &[warrant, warrant])]), &["alice[]", "bob[team]"]);
}

#[test]
fn warrants_nest() {
    let inner = r#"{"user":"carol"}"#;
    let outer = serde_json::json!({"user": "bob", "extra": {extra::WARRANT: [inner]}}).to_string();
    check(&user("alice", &[], &[(extra::WARRANT, &[&outer])]), &["alice[]", "bob[]", "carol[]"]);
}

#[test]
fn warrants_count_where_their_bearer_is_out_of_scope() {
    let warrant = r#"{"user":"bob","groups":["system:kcp:admin"]}"#;
    let abroad = user("alice", &[AUTH], &[(extra::SCOPES, &["cluster:a"]), (extra::WARRANT, &[warrant])]);
    check(&abroad, &["system:anonymous[system:authenticated,system:cluster:a]", "bob[system:kcp:admin]"]);
}

#[test]
fn a_warrant_has_scopes_of_its_own_and_is_always_in_their_groups() {
    let warrant = |cluster: &str| {
        serde_json::json!({"user": "bob", "groups": [AUTH], "extra": {extra::SCOPES: [cluster]}}).to_string()
    };
    let home = warrant("cluster:home");
    check(
        &user("alice", &[], &[(extra::WARRANT, &[&home])]),
        &["alice[]", "bob[system:authenticated,system:cluster:home]"],
    );
    let away = warrant("cluster:away");
    check(
        &user("alice", &[], &[(extra::WARRANT, &[&away])]),
        &["alice[]", "system:anonymous[system:authenticated,system:cluster:away]"],
    );
}

#[test]
fn warrants_that_cannot_be_read_are_no_identities() {
    for warrant in ["", "{", "[]", r#"{"user":1}"#, r#"{"user":"b","extra":{"k":"v"}}"#] {
        check(&user("alice", &[], &[(extra::WARRANT, &[warrant])]), &["alice[]"]);
    }
}

#[test]
fn warrants_are_bounded() {
    let many: Vec<String> = (0..2 * MAX_IDENTITIES).map(|n| format!(r#"{{"user":"u{n}"}}"#)).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let found = effective_users(&user("alice", &[], &[(extra::WARRANT, &many)]), None).len();
    assert_eq!(found, MAX_IDENTITIES);
}

const SA: &str = "system:serviceaccount:default:robot";

#[test]
fn a_service_account_is_itself_at_home_and_has_a_global_name_everywhere() {
    let groups = [AUTH, "system:serviceaccounts"];
    let of = |home: &str| user(SA, &groups, &[(extra::CLUSTER_NAME, &[home])]);
    check(
        &of("home"),
        &[
            "system:serviceaccount:default:robot[system:authenticated,system:serviceaccounts]",
            "system:kcp:serviceaccount:home:default:robot[system:authenticated,system:cluster:home]",
        ],
    );
    check(
        &of("away"),
        &[
            "system:anonymous[system:authenticated]",
            "system:kcp:serviceaccount:away:default:robot[system:authenticated,system:cluster:away]",
        ],
    );
}

#[test]
fn a_service_account_without_logical_cluster_is_local_and_one_of_several_is_foreign() {
    check(&user(SA, &[], &[]), &["system:serviceaccount:default:robot[]"]);
    check(&user(SA, &[], &[(extra::CLUSTER_NAME, &["home", "away"])]), &[NOBODY]);
}

#[test]
fn a_service_account_may_be_scoped_away_from_home() {
    let scoped = user(SA, &[AUTH], &[(extra::CLUSTER_NAME, &["home"]), (extra::SCOPES, &["cluster:away"])]);
    assert!(!is_in_scope(&scoped, Some(&cluster("home"))));
    assert!(!is_in_scope(&scoped, Some(&cluster("away"))));
}

#[test]
fn the_warrant_of_a_service_account_must_say_where_it_belongs() {
    let stray = format!(r#"{{"user":"{SA}","groups":["{AUTH}"]}}"#);
    check(&user("alice", &[], &[(extra::WARRANT, &[&stray])]), &["alice[]"]);
}

#[test]
fn groups_are_those_of_all_identities() {
    let warrant = r#"{"user":"bob","groups":["system:kcp:admin"]}"#;
    let alice = user("alice", &[AUTH], &[(extra::WARRANT, &[warrant])]);
    let groups = effective_groups(&alice, Some(&cluster(HOME)));
    assert_eq!(groups.into_iter().collect::<Vec<_>>(), [AUTH, "system:kcp:admin"]);
}

#[test]
fn an_export_sees_prefixed_names() {
    let warrant = format!(r#"{{"user":"{SA}","extra":{{"{}":["home"]}}}}"#, extra::CLUSTER_NAME);
    let alice = user("alice", &["team"], &[("k", &["v"]), (extra::WARRANT, &[&warrant, "{"])]);
    let seen = prefixed(&alice, "p:");
    assert_eq!((seen.name.as_str(), &seen.groups[..]), ("p:alice", &["p:team".to_owned()][..]));
    assert_eq!(seen.extra("k"), ["v"]);
    assert_eq!(
        seen.extra(extra::WARRANT),
        [format!(
            r#"{{"user":"p:system:kcp:serviceaccount:home:default:robot","extra":{{"{}":["home"]}}}}"#,
            extra::CLUSTER_NAME
        )]
    );
}

#[test]
fn an_export_sees_service_accounts_of_no_single_home_as_anonymous() {
    let seen = prefixed(&user(SA, &[AUTH, "team"], &[]), "p:");
    assert_eq!(seen, User::new("p:system:anonymous", &["p:system:authenticated"]));
    let seen = prefixed(&user(SA, &["team"], &[(extra::CLUSTER_NAME, &["a", "b"])]), "p:");
    assert_eq!(seen, User::new("p:system:anonymous", &["p:system:unauthenticated"]));
}

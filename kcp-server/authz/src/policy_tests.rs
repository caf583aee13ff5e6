use super::*;
use kcp_apimachinery::value;

fn binding(kind: &str, namespace: &str, name: &str, subjects: Vec<Value>) -> Value {
    value!({
        "kind": (kind),
        "metadata": {"name": (name), "namespace": (namespace)},
        "roleRef": {"kind": "ClusterRole", "name": "r"},
        "subjects": (subjects)
    })
}

fn user(name: &str) -> Value {
    value!({"kind": "User", "name": (name)})
}

fn check(policy: &Policy, namespace: &str, users: &[User], wanted: &[&str]) {
    let users: Vec<Cow<'_, User>> = users.iter().map(Cow::Borrowed).collect();
    let mut found: Vec<String> = policy.cluster_bindings(&users).iter().map(ToString::to_string).collect();
    found.extend(policy.bindings(namespace, &users).iter().map(ToString::to_string));
    assert_eq!(found, wanted);
}

#[test]
fn a_binding_applies_to_its_subjects() {
    let group = value!({"kind": "Group", "name": "g"});
    let account = value!({"kind": "ServiceAccount", "name": "robot", "namespace": "ns"});
    let policy: Policy = [
        binding("ClusterRoleBinding", "", "a", vec![user("u"), group]),
        binding("ClusterRoleBinding", "", "b", vec![account]),
    ]
    .iter()
    .collect();
    let a_of_user = r#"ClusterRoleBinding "a" of ClusterRole "r" to User "u""#;
    check(&policy, "", &[User::new("u", &["g"])], &[a_of_user]);
    check(
        &policy,
        "",
        &[User::new("x", &["g"])],
        &[r#"ClusterRoleBinding "a" of ClusterRole "r" to Group "g""#],
    );
    check(&policy, "", &[User::new("g", &["u"])], &[]);
    let robot = User::new("system:serviceaccount:ns:robot", &[]);
    let b = r#"ClusterRoleBinding "b" of ClusterRole "r" to ServiceAccount "robot/ns""#;
    check(&policy, "", &[robot, User::new("u", &[])], &[a_of_user, b]);
}

#[test]
fn a_role_binding_applies_in_its_namespace() {
    let account = value!({"kind": "ServiceAccount", "name": "robot"});
    let policy: Policy = [binding("RoleBinding", "ns", "a", vec![account, user("u")])].iter().collect();
    let robot = || User::new("system:serviceaccount:ns:robot", &[]);
    check(
        &policy,
        "ns",
        &[robot()],
        &[r#"RoleBinding "a/ns" of ClusterRole "r" to ServiceAccount "robot/ns""#],
    );
    check(&policy, "other", &[robot(), User::new("u", &[])], &[]);
    check(&policy, "", &[robot(), User::new("u", &[])], &[]);
}

#[test]
fn subjects_that_say_too_little_apply_to_nobody() {
    let bad = vec![
        value!({"kind": "ServiceAccount", "name": "robot"}),
        value!({"kind": "Robot", "name": "u"}),
        value!({"name": "u"}),
        value!({"kind": "User"}),
        value!(null),
    ];
    let policy: Policy = [binding("ClusterRoleBinding", "", "a", bad)].iter().collect();
    let robot = User::new("system:serviceaccount::robot", &[""]);
    check(&policy, "", &[User::new("u", &[]), robot, User::default()], &[]);
}

#[test]
fn roles_are_found_by_kind_name_and_namespace() {
    let rules = || value!([{"verbs": ["get"], "nonResourceURLs": ["/"]}]);
    let policy: Policy = [
        value!({"kind": "Role", "metadata": {"name": "r", "namespace": "ns"}, "rules": (rules())}),
        value!({"kind": "ClusterRole", "metadata": {"name": "c"}, "rules": (rules())}),
        value!({"kind": "ClusterRole", "metadata": {"name": "none"}, "rules": null}),
    ]
    .iter()
    .collect();
    let count = |kind, name, namespace| policy.rules(&Role::new(kind, name), namespace).map(<[Rule]>::len);
    assert_eq!(count("Role", "r", "ns"), Some(1));
    assert_eq!(count("Role", "r", "other"), None);
    assert_eq!(count("ClusterRole", "c", "ns"), Some(1));
    assert_eq!(count("ClusterRole", "none", ""), Some(0));
    assert_eq!(count("ClusterRole", "r", "ns"), None);
    assert_eq!(count("Group", "c", ""), None);
    assert_eq!(Role::new("X", "c").not_found(), r#"unsupported role reference kind: "X""#);
}

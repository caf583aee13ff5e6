//! Nobody gives away what they do not have.

mod world;

use kcp_apimachinery::{Value, value};
use kcp_authz::{Grant, GrantError, User};
use world::{World, group, now, rule, user};

/// alice reads pods and may write roles, bea may also escalate and bind `secrets`, carl is admin.
fn home() -> World {
    let mut world = World::new();
    let named = |verb: &str, name: &str| value!([{"verbs": [(verb)], "apiGroups": ["rbac.authorization.k8s.io"], "resources": ["clusterroles"], "resourceNames": [(name)]}]);
    world
        .cluster("home", "Ready")
        .role("home", "pods", rule(&["get", "list"], "", &["pods"]))
        .role("home", "secrets", rule(&["get"], "", &["secrets"]))
        .role("home", "escalate", named("escalate", "secrets"))
        .role("home", "bind", named("bind", "secrets"))
        .bind("home", "door", "system:kcp:workspace:access", &group("people"))
        .bind("home", "1", "pods", &user("alice"))
        .bind("home", "2", "escalate", &user("bea"))
        .bind("home", "3", "bind", &user("bea"))
        .bind("home", "4", "cluster-admin", &user("carl"));
    world
}

fn check(who: &str, resource: &str, current: Option<&Value>, object: &Value, wanted: Result<(), &str>) {
    let user = match who {
        "master" => User::new("m", &["system:masters"]),
        name => User::new(name, &["people"]),
    };
    let name = object.str_at(&["metadata", "name"]).expect("named");
    let namespace = object.str_at(&["metadata", "namespace"]).unwrap_or_default();
    let grant = Grant { resource, namespace, name, object, current };
    let authorizer = home().authorizer();
    let answer = now(authorizer.check_grant(&user, &world::reach("home"), &grant));
    assert_eq!(answer.map_err(|error: GrantError| error.to_string()), wanted.map_err(str::to_owned), "{who}");
}

fn role(name: &str, rules: Value) -> Value {
    value!({"metadata": {"name": (name)}, "rules": (rules)})
}

fn binding(kind: &str, role: &str) -> Value {
    value!({"metadata": {"name": "b", "namespace": "ns"}, "roleRef": {"kind": (kind), "name": (role)}})
}

const NOT_HELD: &str = r#"clusterroles.rbac.authorization.k8s.io "secrets" is forbidden: user "alice" (groups=["people"]) is attempting to grant RBAC permissions not currently held:
{APIGroups:[""], Resources:["secrets"], Verbs:["get" "list"]}"#;

#[test]
fn a_role_holds_what_its_writer_holds() {
    let pods = role("mine", rule(&["get"], "", &["pods"]));
    check("alice", "clusterroles", None, &pods, Ok(()));
    let secrets = role("secrets", rule(&["get", "list"], "", &["secrets"]));
    check("alice", "clusterroles", None, &secrets, Err(NOT_HELD));
    for who in ["bea", "carl", "master"] {
        check(who, "clusterroles", None, &secrets, Ok(()));
    }
    let other = role("other", rule(&["get"], "", &["secrets"]));
    let not_held = r#"clusterroles.rbac.authorization.k8s.io "other" is forbidden: user "bea" (groups=["people"]) is attempting to grant RBAC permissions not currently held:
{APIGroups:[""], Resources:["secrets"], Verbs:["get"]}"#;
    check("bea", "clusterroles", None, &other, Err(not_held));
}

#[test]
fn an_aggregated_role_may_hold_anything_one_day() {
    let mut aggregated = role("x", value!([]));
    aggregated.set_at(&["aggregationRule", "clusterRoleSelectors"], value!([]));
    let refusal = r#"clusterroles.rbac.authorization.k8s.io "x" is forbidden: must have cluster-admin privileges to use the aggregationRule"#;
    check("alice", "clusterroles", None, &aggregated, Err(refusal));
    check("alice", "clusterroles", Some(&aggregated), &role("x", value!([])), Err(refusal));
    check("carl", "clusterroles", None, &aggregated, Ok(()));
}

#[test]
fn removing_is_not_granting_but_labelling_is() {
    let old = role("secrets", rule(&["get", "list"], "", &["secrets"]));
    let mut finalized = old.clone();
    finalized.set_at(&["metadata", "finalizers"], value!(["a"]));
    check("alice", "clusterroles", Some(&old), &finalized, Ok(()));
    let mut labelled = old.clone();
    labelled.set_at(&["metadata", "labels", "rbac.authorization.k8s.io/aggregate-to-view"], "true".into());
    check("alice", "clusterroles", Some(&old), &labelled, Err(NOT_HELD));
}

#[test]
fn a_binding_gives_what_its_writer_holds() {
    check("alice", "rolebindings", None, &binding("ClusterRole", "pods"), Ok(()));
    check("bea", "rolebindings", None, &binding("ClusterRole", "secrets"), Ok(()));
    check("carl", "rolebindings", None, &binding("ClusterRole", "cluster-admin"), Ok(()));
    let refusal = r#"rolebindings.rbac.authorization.k8s.io "b" is forbidden: user "alice" (groups=["people"]) is attempting to grant RBAC permissions not currently held:
{APIGroups:[""], Resources:["secrets"], Verbs:["get"]}"#;
    check("alice", "rolebindings", None, &binding("ClusterRole", "secrets"), Err(refusal));
}

#[test]
fn a_binding_to_nothing_is_refused_to_all_but_binders() {
    let gone = r#"clusterrole.rbac.authorization.k8s.io "gone" not found"#;
    check("alice", "rolebindings", None, &binding("ClusterRole", "gone"), Err(gone));
    let gone = r#"role.rbac.authorization.k8s.io "gone" not found"#;
    check("alice", "rolebindings", None, &binding("Role", "gone"), Err(gone));
    check("carl", "rolebindings", None, &binding("Role", "gone"), Ok(()));
}

#[test]
fn other_kinds_grant_nothing() {
    check("alice", "configmaps", None, &role("x", world::all()), Ok(()));
}

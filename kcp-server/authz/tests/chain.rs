//! What each link says, and in which words.

mod world;

use expect_test::{Expect, expect};
use kcp_apimachinery::value;
use kcp_authz::{
    Authorizer, BoundExport, Depth, Export, Impersonation, MaximalPermissionPolicy, User, extra, forbidden,
};
use kcp_names::ClusterName;
use world::{World, asks, authorize, group, now, rule, trail, user};

const AUTH: &str = "system:authenticated";

fn home() -> World {
    let mut world = World::new();
    world.cluster("home", "Ready").bind("home", "workspace-admin", "cluster-admin", &user("alice"));
    world
}

fn check(world: World, who: User, what: &str, wanted: Expect) {
    let verdict = authorize(&world.authorizer(), &asks(who, "home", what));
    wanted.assert_eq(&trail(&verdict));
}

#[test]
fn a_granted_request_tells_who_granted_it() {
    check(
        home(),
        User::new("alice", &[AUTH]),
        "list configmaps",
        expect![[r#"
            01-requiredgroups Allowed delegating due to logical cluster does not require groups
            02-content Allowed delegating due to user logical cluster access
            03-systemcrd Allowed delegating due to no system CRD violation
            04-maxpermissionpolicy Allowed delegating due to no relevant binding found
            05-local Allowed local cluster "home" policy: RBAC: allowed by ClusterRoleBinding "workspace-admin" of ClusterRole "cluster-admin" to User "alice"
            05-bootstrap NoOpinion bootstrap policy: "#]],
    );
}

#[test]
fn strangers_stop_at_the_door() {
    check(
        home(),
        User::new("carol", &[AUTH]),
        "list configmaps",
        expect![[r#"
            01-requiredgroups NoOpinion delegating due to logical cluster does not require groups
            02-content NoOpinion no verb=access permission on /"#]],
    );
}

#[test]
fn clients_are_told_nothing_about_what_exists() {
    let authorizer = home().authorizer();
    let told = |place| {
        let asked = asks(User::new("carol", &[AUTH]), place, "list configmaps");
        forbidden(&asked, &authorize(&authorizer, &asked).reason).message
    };
    let refusal = r#"configmaps is forbidden: User "carol" cannot list resource "configmaps" in API group "" at the cluster scope: access denied"#;
    for place in ["home", "missing", "system:admin", "*", "-"] {
        assert_eq!(told(place), refusal, "{place}");
    }
}

#[test]
fn required_groups_keep_even_owners_out() {
    let mut world = home();
    world.requires("home", "staff,cleared;board");
    check(
        world,
        User::new("alice", &[AUTH, "staff"]),
        "list configmaps",
        expect!["01-requiredgroups Denied user is not a member of required groups: staff,cleared;board"],
    );
}

#[test]
fn a_missing_logical_cluster_is_denied_by_content() {
    let asked = asks(User::new("system:serviceaccount:ns:robot", &[AUTH]), "missing", "list configmaps");
    let verdict = authorize(&home().authorizer(), &asked);
    expect![[r#"
        01-requiredgroups Denied delegating due to service account access to logical cluster
        02-content Denied LogicalCluster not found"#]]
    .assert_eq(&trail(&verdict));
}

#[test]
fn phases_shut_the_door() {
    let mut world = home();
    world.cluster("home", "Scheduling");
    check(
        world,
        User::new("alice", &[AUTH]),
        "list configmaps",
        expect![[r#"
            01-requiredgroups NoOpinion delegating due to logical cluster does not require groups
            02-content NoOpinion not permitted due to phase "Scheduling""#]],
    );
}

#[test]
fn controllers_alone_write_the_status_of_bindings() {
    for (resource, said) in [("apibindings", "apibinding"), ("apiexports", "apiexport")] {
        let asked =
            asks(User::new("alice", &[AUTH]), "home", &format!("update {resource}.apis.kcp.io/status a"));
        let verdict = authorize(&home().authorizer(), &asked);
        assert_eq!(verdict.trail.0[0].reason, format!("{said} status updates not permitted"));
        assert_eq!((verdict.reason.as_str(), verdict.is_allowed()), ("access denied", false));
    }
}

fn exporting(policy: MaximalPermissionPolicy) -> World {
    let mut world = home();
    world.role("exporter", "consume", rule(&["get"], "g", &["things"])).bind(
        "exporter",
        "consumers",
        "consume",
        &group("apis.kcp.io:binding:system:authenticated"),
    );
    let export = Export { cluster: ClusterName::parse("exporter").expect("a name"), policy };
    let bound = BoundExport { path: "root:e".to_owned(), name: "x".to_owned(), export: Some(export) };
    world.export("home", "things", "g", bound);
    world
}

#[test]
fn exporters_limit_their_consumers() {
    check(
        exporting(MaximalPermissionPolicy::Local),
        User::new("alice", &[AUTH]),
        "delete things.g a",
        expect![[r#"
            01-requiredgroups NoOpinion delegating due to logical cluster does not require groups
            02-content NoOpinion delegating due to user logical cluster access
            03-systemcrd NoOpinion delegating due to no system CRD violation
            04-maxpermissionpolicy NoOpinion API export "exporter"|"x" policy: "#]],
    );
    let said = |world: World| {
        let verdict =
            authorize(&world.authorizer(), &asks(User::new("alice", &[AUTH]), "home", "get things.g a"));
        assert!(verdict.is_allowed());
        verdict.trail.0.iter().find(|entry| entry.link.starts_with("04")).expect("asked").reason.clone()
    };
    assert_eq!(
        said(exporting(MaximalPermissionPolicy::Local)),
        r#"delegating due to API export "exporter"|"x" policy: RBAC: allowed by ClusterRoleBinding "consumers" of ClusterRole "consume" to Group "apis.kcp.io:binding:system:authenticated""#
    );
    assert_eq!(
        said(exporting(MaximalPermissionPolicy::Absent)),
        r#"delegating due to no maximum permission policy in API Export "exporter"|"x""#
    );
    assert_eq!(
        said(exporting(MaximalPermissionPolicy::NotLocal)),
        r#"delegating due to no local maximum permission policy in API Export "exporter"|"x""#
    );
    let mut gone = home();
    gone.export(
        "home",
        "things",
        "g",
        BoundExport { path: "root:e".to_owned(), name: "x".to_owned(), export: None },
    );
    assert_eq!(said(gone), r#"delegating due to APIExport "root:e":"x" not found"#);
}

#[test]
fn bindings_of_other_shards_count() {
    let mut world = home();
    world.bind("home", "door", "system:kcp:workspace:access", &user("bob")).bind_globally(
        "home",
        "viewer",
        &user("bob"),
    );
    let verdict = authorize(&world.authorizer(), &asks(User::new("bob", &[AUTH]), "home", "list configmaps"));
    assert!(verdict.is_allowed());
    assert_eq!(
        verdict.trail.0[2].reason,
        r#"global cluster "home" policy: RBAC: allowed by ClusterRoleBinding "b" of ClusterRole "viewer" to User "bob""#
    );
}

#[test]
fn a_binding_to_a_role_that_is_gone_is_told_to_auditors() {
    let mut world = home();
    world
        .bind("home", "door", "system:kcp:workspace:access", &user("bob"))
        .bind("home", "a", "gone", &user("bob"))
        .bind_in("home", "ns", "lost", &user("bob"));
    let verdict = authorize(&world.authorizer(), &asks(User::new("bob", &[]), "home", "list configmaps ns/"));
    assert_eq!(
        verdict.trail.0[1].reason,
        r#"local cluster "home" policy: RBAC: [clusterrole.rbac.authorization.k8s.io "gone" not found, clusterrole.rbac.authorization.k8s.io "lost" not found]"#
    );
}

#[test]
fn a_deep_review_is_rbac_alone() {
    let mut world = home();
    world.cluster("home", "Scheduling").requires("home", "board");
    let authorizer = world.authorizer();
    let deep = |what| {
        let asked = asks(User::new("alice", &[AUTH]), "home", what);
        now(authorizer.authorize(&asked, Depth::Deep)).expect("the facts are there")
    };
    let verdict = deep("list configmaps");
    assert!(verdict.is_allowed());
    assert_eq!(verdict.trail.0[4].reason, "delegating due to deep SAR request");
    assert!(!deep("create subjectaccessreviews.authorization.k8s.io").is_allowed());
}

#[test]
fn only_masters_ask_for_deep_reviews() {
    let check = |user: User, what, header, wanted| {
        assert_eq!(Authorizer::is_deep_review(&asks(user, "home", what), header), wanted);
    };
    let review = "create subjectaccessreviews.authorization.k8s.io";
    let master = || User::new("m", &["system:masters"]);
    check(master(), review, Some("true"), true);
    check(master(), review, Some("1"), false);
    check(master(), review, None, false);
    check(master(), "list pods", Some("true"), false);
    check(User::new("a", &["system:kcp:admin"]), review, Some("true"), false);
    let mut scoped = master();
    scoped.extra.insert(extra::SCOPES.to_owned(), vec!["cluster:other".to_owned()]);
    check(scoped, review, Some("true"), false);
}

#[test]
fn life_cycle_groups_open_doors_only_then() {
    let initializer = || User::new("i", &[AUTH, "system:kcp:initializer:root:x"]);
    let allowed = |phase| {
        let mut world = home();
        world.cluster("home", phase);
        authorize(&world.authorizer(), &asks(initializer(), "home", "list configmaps")).is_allowed()
    };
    assert!(allowed("Initializing") && allowed("Terminating") && allowed("Deleting"));
    assert!(!allowed("Ready") && !allowed("Inactive") && !allowed("Scheduling") && !allowed(""));
}

#[test]
fn nothing_is_allowed_when_the_facts_are_gone() {
    let mut world = home();
    world.broken = true;
    let authorizer = world.authorizer();
    let ask = |who, what| now(authorizer.authorize(&asks(who, "home", what), Depth::Whole));
    let error = ask(User::new("alice", &[AUTH]), "list configmaps").expect_err("broken");
    assert_eq!(error.to_string(), "cannot look up what authorization depends on: the store is gone");
    assert!(ask(User::new("m", &["system:masters"]), "list configmaps").expect("no look-up").is_allowed());
    assert!(ask(User::anonymous(), "get /livez").expect("no look-up").is_allowed());
}

#[test]
fn the_audit_log_gets_two_annotations_for_each_link() {
    let verdict = authorize(&home().authorizer(), &asks(User::new("carol", &[]), "home", "list configmaps"));
    let found: Vec<_> = verdict.trail.annotations("request.auth.kcp.io").collect();
    let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    assert_eq!(found[0], pair("request.auth.kcp.io/02-content-decision", "NoOpinion"));
    assert_eq!(found[1], pair("request.auth.kcp.io/02-content-reason", "no verb=access permission on /"));
    assert_eq!(found.len(), 4);
}

#[test]
fn a_rules_review_merges_bootstrap_and_local_rules() {
    let mut world = home();
    world.bind_in("home", "ns", "viewer", &user("bob")).bind("home", "a", "gone", &user("bob"));
    let authorizer = world.authorizer();
    let bob = User::new("bob", &[AUTH]);
    let review =
        now(authorizer.review_rules(&bob, &world::reach("home"), "ns")).expect("the facts are there");
    let status = review.to_value();
    let verbs =
        value!({"verbs": ["get", "list", "watch"], "apiGroups": [""], "resources": ["configmaps", "pods"]});
    assert_eq!(status.get("resourceRules").and_then(|rules| rules.as_array()).expect("a list")[2], verbs);
    assert_eq!(status.get("incomplete").and_then(kcp_apimachinery::Value::as_bool), Some(false));
    assert_eq!(
        status.str_at(&["evaluationError"]),
        Some(r#"clusterrole.rbac.authorization.k8s.io "gone" not found"#)
    );
    assert_eq!(review.non_resource_rules.len(), 2);
    let elsewhere =
        now(authorizer.review_rules(&bob, &world::reach("home"), "other")).expect("the facts are there");
    assert_eq!(elsewhere.resource_rules.len(), 2);
}

#[test]
fn acting_as_somebody_else_needs_permission_and_leaves_a_scope() {
    let mut world = home();
    let verbs = value!([{"verbs": ["impersonate"], "apiGroups": [""], "resources": ["users"], "resourceNames": ["bob"]}]);
    world.role("home", "as-bob", verbs).bind("home", "1", "as-bob", &user("carol")).bind(
        "home",
        "2",
        "system:kcp:workspace:access",
        &user("carol"),
    );
    let authorizer = world.authorizer();
    let act = |headers: &[(&str, &str)]| {
        let wanted = Impersonation::read(headers.iter().copied()).expect("good headers").expect("somebody");
        let carol = User::new("carol", &[AUTH]);
        now(authorizer.impersonate(&carol, &wanted, &world::reach("home")))
            .map_err(|denied| denied.to_string())
    };
    let bob = act(&[("impersonate-user", "bob")]).expect("allowed");
    assert_eq!((bob.name.as_str(), bob.extra(extra::SCOPES)), ("bob", &["cluster:home".to_owned()][..]));
    let refused = r#"groups "staff" is forbidden: User "carol" cannot impersonate resource "groups" in API group "" at the cluster scope: access denied"#;
    assert_eq!(act(&[("impersonate-user", "bob"), ("impersonate-group", "staff")]), Err(refused.to_owned()));
    let refused = "forbidden: impersonation is not allowed for the requestor";
    assert_eq!(
        act(&[("impersonate-user", "bob"), ("impersonate-group", "system:masters")]),
        Err(refused.to_owned())
    );
}

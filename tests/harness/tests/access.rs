//! Who may do what: RBAC in workspaces, impersonation, service accounts and their tokens.

use kcp_test_harness::{Kcp, Kubectl, Options, eventually};

/// Alice, bob and a master, whose tokens are their names.
fn with_people() -> Kcp {
    let tokens = ["alice,alice,1,\"team-1\"", "bob,bob,2", "master,master,3,\"system:masters\""];
    Kcp::with(Options { tokens: tokens.map(str::to_owned).to_vec(), ..Options::default() })
}

/// Gives somebody a ClusterRole of the bootstrap policy or of the workspace.
fn bind(kubectl: &Kubectl, role: &str, user: &str) {
    let name = format!("{}-{user}", role.replace(':', "-"));
    let (role, user) = (format!("--clusterrole={role}"), format!("--user={user}"));
    kubectl.run(&["create", "clusterrolebinding", &name, &role, &user]).success();
}

/// Lets somebody into a workspace.
fn admit(kubectl: &Kubectl, user: &str) {
    bind(kubectl, "system:kcp:workspace:access", user);
}

fn token_of(kubectl: &Kubectl, account: &str, more: &[&str]) -> String {
    kubectl.run(&[&["create", "token", account], more].concat()).success().trim().to_owned()
}

#[test]
fn rbac_opens_what_it_names_and_nothing_else() {
    let kcp = with_people();
    let team = kcp.make_workspace("root", "team");
    let other = kcp.make_workspace("root", "other");
    team.run(&["create", "configmap", "a"]).success();
    let alice = team.clone().token("alice");
    assert!(alice.run(&["get", "configmaps"]).failure().contains("Forbidden"));
    admit(&team, "alice");
    let told = alice.run(&["get", "configmaps"]).failure();
    assert!(
        told.contains(
            r#"User "alice" cannot list resource "configmaps" in API group "" in the namespace "default""#
        ),
        "{told}"
    );
    team.run(&["create", "role", "reader", "--verb=get,list,watch", "--resource=configmaps"]).success();
    team.run(&["create", "rolebinding", "readers", "--role=reader", "--user=alice"]).success();
    alice.run(&["get", "configmap", "a"]).success();
    assert!(alice.run(&["delete", "configmap", "a"]).failure().contains("cannot delete resource"));
    assert!(alice.run(&["get", "configmaps", "-A"]).failure().contains("at the cluster scope"));
    assert!(other.clone().token("alice").run(&["get", "configmaps"]).failure().contains("Forbidden"));
    let asked = |args: &[&str]| alice.run(&[&["auth", "can-i"], args].concat()).stdout;
    assert!(asked(&["list", "configmaps"]).starts_with("yes"));
    assert!(asked(&["list", "secrets"]).starts_with("no"));
    assert!(asked(&["--list"]).contains("configmaps"));
    team.run(&["delete", "rolebinding", "readers"]).success();
    assert!(!alice.run(&["get", "configmap", "a"]).is_ok());
}

#[test]
fn a_role_in_a_namespace_opens_nothing_outside_of_it() {
    let kcp = with_people();
    let team = kcp.make_workspace("root", "team");
    admit(&team, "alice");
    team.run(&["create", "role", "owner", "--verb=*", "--resource=*.*"]).success();
    team.run(&["create", "rolebinding", "owners", "--role=owner", "--user=alice"]).success();
    let http = kcp.caller("alice");
    let rbac = "/clusters/root:team/apis/rbac.authorization.k8s.io/v1";
    let binding = r#"{"metadata":{"name":"mine"},"roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"ClusterRole","name":"cluster-admin"},"subjects":[{"kind":"User","name":"alice"}]}"#;
    let _ = http.get(&format!("{rbac}/namespaces/default/clusterroles")).code(404);
    let _ = http.json("POST", &format!("{rbac}/namespaces/default/clusterrolebindings"), binding).code(404);
    let _ = http.get("/clusters/root:team/api/v1/namespaces/default/namespaces").code(404);
    let _ = http.json("POST", &format!("{rbac}/clusterrolebindings"), binding).code(403);
    let _ = http.send("DELETE", "/clusters/root:team/api/v1/configmaps", &[], "").code(403);
    let _ = http.get("/clusters/root:team/api/v1/namespaces/default/configmaps").code(200);
}

#[test]
fn nobody_gives_what_they_do_not_have() {
    let kcp = with_people();
    let team = kcp.make_workspace("root", "team");
    admit(&team, "alice");
    let rules = "--verb=get,list,create,update,patch,delete";
    team.run(&["create", "role", "roles", rules, "--resource=roles,rolebindings"]).success();
    team.run(&["create", "rolebinding", "roles", "--role=roles", "--user=alice"]).success();
    let alice = team.clone().token("alice");
    let told = alice.run(&["create", "role", "more", "--verb=get", "--resource=secrets"]).failure();
    assert!(told.contains("is attempting to grant RBAC permissions not currently held"), "{told}");
    assert!(told.contains(r#"{APIGroups:[""], Resources:["secrets"], Verbs:["get"]}"#), "{told}");
    alice
        .run(&["create", "role", "same", "--verb=get", "--resource=roles.rbac.authorization.k8s.io"])
        .success();
    team.run(&["create", "role", "secrets", "--verb=get", "--resource=secrets"]).success();
    let told = alice.run(&["create", "rolebinding", "mine", "--role=secrets", "--user=alice"]).failure();
    assert!(told.contains("not currently held"), "{told}");
    team.run(&["create", "role", "binder", "--verb=bind", "--resource=roles", "--resource-name=secrets"])
        .success();
    team.run(&["create", "rolebinding", "binders", "--role=binder", "--user=alice"]).success();
    alice.run(&["create", "rolebinding", "mine", "--role=secrets", "--user=alice"]).success();
    team.run(&["create", "role", "escalator", "--verb=escalate", "--resource=roles"]).success();
    team.run(&["create", "rolebinding", "escalators", "--role=escalator", "--user=alice"]).success();
    alice.run(&["create", "role", "more", "--verb=delete", "--resource=secrets"]).success();
}

#[test]
fn impersonation_has_limits() {
    let kcp = with_people();
    let team = kcp.make_workspace("root", "team");
    for user in ["alice", "bob"] {
        admit(&team, user);
    }
    let alice = team.clone().token("alice");
    let http = kcp.caller("alice");
    let as_bob = |group: Option<&str>| {
        let mut headers = vec![("impersonate-user", "bob")];
        headers.extend(group.map(|group| ("impersonate-group", group)));
        http.send("GET", "/clusters/root:team/api/v1/namespaces/default/configmaps", &headers, "").told()
    };
    let told = as_bob(None);
    assert!(told.contains(r#"User "alice" cannot impersonate resource "users""#), "{told}");
    let rules =
        ["create", "clusterrole", "mask", "--verb=impersonate", "--resource=users,groups,serviceaccounts"];
    team.run(&rules).success();
    bind(&team, "mask", "alice");
    team.run(&["create", "role", "reader", "--verb=list", "--resource=configmaps"]).success();
    team.run(&["create", "rolebinding", "readers", "--role=reader", "--user=bob"]).success();
    alice.run(&["get", "configmaps", "--as=bob"]).success();
    let special = ["masters", "kcp:admin", "kcp:logical-cluster-admin", "kcp:external-logical-cluster-admin"];
    for group in special {
        let told = as_bob(Some(&format!("system:{group}")));
        assert!(told.contains("impersonation is not allowed for the requestor"), "{group}: {told}");
    }
    // Who is impersonated is nobody outside of the workspace where it was allowed.
    let who = alice.run(&["auth", "whoami", "--as=bob", "-o", "json"]).success();
    let cluster = kcp.admin().run(&["get", "workspace", "team", "-o", "jsonpath={.spec.cluster}"]).success();
    assert!(who.contains(&format!("cluster:{cluster}")), "{who}");
    let master = team.clone().token("master");
    let seen = master.run(&["get", "secrets", "--as=anyone", "--as-group=system:masters"]);
    assert!(seen.is_ok(), "{seen:?}");
}

#[test]
fn a_service_account_is_somebody_in_its_own_workspace_only() {
    let kcp = with_people();
    let (team, other) = (kcp.make_workspace("root", "team"), kcp.make_workspace("root", "other"));
    for workspace in [&team, &other] {
        workspace.run(&["create", "serviceaccount", "robot"]).success();
        workspace.run(&["create", "role", "reader", "--verb=list", "--resource=configmaps"]).success();
        workspace
            .run(&["create", "rolebinding", "readers", "--role=reader", "--serviceaccount=default:robot"])
            .success();
        workspace
            .run(&[
                "create",
                "clusterrolebinding",
                "robots",
                "--clusterrole=system:kcp:workspace:access",
                "--group=system:serviceaccounts",
            ])
            .success();
    }
    let token = token_of(&team, "robot", &[]);
    let robot = team.clone().token(&token);
    robot.run(&["get", "configmaps"]).success();
    assert!(!robot.run(&["get", "secrets"]).is_ok());
    let me = robot.run(&["auth", "whoami", "-o", "jsonpath={.status.userInfo.username}"]).success();
    assert_eq!(me, "system:serviceaccount:default:robot");
    assert!(
        !other.clone().token(&token).run(&["get", "configmaps"]).is_ok(),
        "the same name elsewhere is another account"
    );
    // Without a workspace in the URL it is in its own.
    let _ = kcp.caller(&token).get("/api/v1/namespaces/default/configmaps").code(200);
    team.run(&["delete", "serviceaccount", "robot"]).success();
    eventually("its token is worth nothing", || {
        robot.run(&["get", "configmaps"]).stderr.contains("Unauthorized")
    });
    team.run(&["create", "serviceaccount", "robot"]).success();
    assert!(
        robot.run(&["get", "configmaps"]).failure().contains("Unauthorized"),
        "it is not the account of before"
    );
}

#[test]
fn tokens_are_for_an_audience_and_end_with_what_they_are_bound_to() {
    let kcp = with_people();
    let team = kcp.make_workspace("root", "team");
    team.run(&["create", "serviceaccount", "robot"]).success();
    team.run(&[
        "create",
        "clusterrolebinding",
        "robots",
        "--clusterrole=system:kcp:workspace:access",
        "--group=system:serviceaccounts",
    ])
    .success();
    let works = |token: &str| {
        team.clone().token(token).run(&["auth", "can-i", "get", "configmaps"]).stdout.starts_with("no")
    };
    let elsewhere = token_of(&team, "robot", &["--audience=https://vault.example.com"]);
    assert!(!works(&elsewhere), "it is for somebody else");
    team.run(&["create", "secret", "generic", "session"]).success();
    let bound = token_of(&team, "robot", &["--bound-object-kind=Secret", "--bound-object-name=session"]);
    assert!(works(&bound));
    team.run(&["delete", "secret", "session"]).success();
    eventually("the token has ended with its secret", || !works(&bound));
    let secret = "apiVersion: v1\nkind: Secret\ntype: kubernetes.io/service-account-token\n\
                  metadata: {name: old, annotations: {kubernetes.io/service-account.name: robot}}\n";
    team.input(&["create", "-f", "-"], secret).success();
    let read = || team.run(&["get", "secret", "old", "-o", "go-template={{.data.token | base64decode}}"]);
    eventually("the secret has a token", || read().is_ok());
    let old = read().success();
    assert!(works(&old));
    let review = |token: &str| {
        let body = format!(r#"{{"spec":{{"token":"{token}","audiences":[]}}}}"#);
        let path = "/clusters/root:team/apis/authentication.k8s.io/v1/tokenreviews";
        kcp.caller("master").json("POST", path, &body).code(201).json()["status"]["authenticated"].clone()
    };
    assert_eq!((review(&old), review("nonsense")), (true.into(), serde_json::Value::Null));
    team.run(&["delete", "secret", "old"]).success();
    eventually("the token has ended with its secret", || !works(&old));
}

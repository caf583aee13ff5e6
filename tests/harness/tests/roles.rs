//! ClusterRoles that are made of others, as an administrator with kubectl meets them.

use kcp_test_harness::{Kcp, Kubectl, Options, eventually};

const GATHERED: &str = "
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: gathered}
aggregationRule:
  clusterRoleSelectors:
  - matchLabels: {to-gathered: 'yes'}
";

fn part(name: &str, resource: &str, verb: &str) -> String {
    format!(
        "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\n\
         metadata: {{name: {name}, labels: {{to-gathered: 'yes'}}}}\n\
         rules: [{{apiGroups: [''], resources: [{resource}], verbs: [{verb}]}}]\n"
    )
}

fn gathers(kubectl: &Kubectl, role: &str, expected: &str) {
    let path = "jsonpath={range .rules[*]}{.resources[*]}:{.verbs[*]} {end}";
    let mut found = String::new();
    eventually(&format!("{role} has the rules {expected:?}"), || {
        found = kubectl.run(&["get", "clusterrole", role, "-o", path]).success();
        found.trim() == expected
    });
}

#[test]
fn a_role_has_the_rules_of_those_it_selects() {
    let tokens = vec!["alice-token,alice,1,\"team-1\"".to_owned()];
    let kcp = Kcp::with(Options { tokens, ..Options::default() });
    let team = kcp.make_workspace("root", "team");
    team.input(&["create", "-f", "-"], &part("b", "secrets", "list")).success();
    team.input(&["create", "-f", "-"], GATHERED).success();
    gathers(&team, "gathered", "secrets:list");
    team.input(&["create", "-f", "-"], &part("a", "configmaps", "get")).success();
    gathers(&team, "gathered", "configmaps:get secrets:list");
    let bind = ["create", "clusterrolebinding", "alice", "--clusterrole=gathered", "--user=alice"];
    team.run(&bind).success();
    let enter = ["create", "clusterrolebinding", "enter", "--clusterrole=system:kcp:workspace:access"];
    team.run(&[&enter[..], &["--user=alice"]].concat()).success();
    team.run(&["create", "configmap", "c"]).success();
    let alice = kcp.workspace("root:team").token("alice-token");
    eventually("alice may what the parts allow", || alice.run(&["get", "configmap", "c"]).is_ok());
    team.input(&["apply", "-f", "-"], &part("a", "configmaps", "list")).success();
    gathers(&team, "gathered", "configmaps:list secrets:list");
    eventually("and what they do not allow any more she may not", || {
        !alice.run(&["get", "configmap", "c"]).is_ok()
    });
    team.run(&["label", "clusterrole", "b", "to-gathered-"]).success();
    gathers(&team, "gathered", "configmaps:list");
    team.run(&["delete", "clusterrole", "a"]).success();
    gathers(&team, "gathered", "");
    // Rules of its own are not for it to keep.
    let patch = r#"{"rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]}"#;
    team.run(&["patch", "clusterrole", "gathered", "--type=merge", "-p", patch]).success();
    gathers(&team, "gathered", "");
}

/// `view` is part of `edit`, and `edit` of `admin`, for roles of an administrator as for those of Kubernetes.
#[test]
fn what_one_may_view_one_may_edit_and_administrate() {
    let kcp = Kcp::start();
    let system = kcp.admin().flag("--context=system:admin");
    let rules = |role: &str| {
        let path = "jsonpath={range .rules[*]}{.resources[*]}:{.verbs[*]} {end}";
        system.run(&["get", "clusterrole", role, "-o", path]).success()
    };
    let before = rules("admin");
    let widgets = "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\n\
        metadata: {name: widgets, labels: {rbac.authorization.k8s.io/aggregate-to-view: 'true'}}\n\
        rules: [{apiGroups: [example.io], resources: [widgets], verbs: [get]}]\n";
    system.input(&["create", "-f", "-"], widgets).success();
    for role in ["view", "edit", "admin"] {
        eventually(role, || rules(role).contains("widgets:get"));
    }
    system.run(&["delete", "clusterrole", "widgets"]).success();
    for role in ["view", "edit", "admin"] {
        eventually(role, || !rules(role).contains("widgets:get"));
    }
    assert_eq!(rules("admin"), before, "and nothing else has changed");
}

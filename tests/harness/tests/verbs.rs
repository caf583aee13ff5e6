//! Every verb of kubectl, with the versions of it that there are.

use kcp_test_harness::{Kcp, Kubectl, eventually, kubectls};
use std::{collections::BTreeSet, path::PathBuf};

/// What it is done to: `map("a", "1")`.
fn map(name: &str, x: &str) -> String {
    format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\ndata: {{x: \"{x}\"}}\n")
}

/// Does something with these versions of kubectl, each in a namespace of its own.
fn with(programs: &[PathBuf], what: impl Fn(&Kubectl)) {
    let kcp = Kcp::start();
    let team = kcp.make_workspace("root", "team");
    for (at, program) in programs.iter().enumerate() {
        let namespace = format!("n{at}");
        team.run(&["create", "namespace", &namespace]).success();
        what(&team.clone().version(program).flag(&format!("--namespace={namespace}")));
    }
}

/// The oldest and the newest.
fn ends() -> Vec<PathBuf> {
    let all = kubectls();
    let mut ends = vec![all.first().expect("a kubectl").clone(), all.last().expect("a kubectl").clone()];
    ends.dedup();
    ends
}

fn value_of(kubectl: &Kubectl, name: &str) -> String {
    kubectl.run(&["get", "configmap", name, "-o", "jsonpath={.data.x}"]).success()
}

#[test]
fn objects_are_made_read_changed_and_deleted() {
    with(&kubectls(), |kubectl| {
        kubectl.run(&["create", "configmap", "a", "--from-literal=x=1"]).success();
        let told = kubectl.run(&["create", "configmap", "a"]).failure();
        assert!(told.contains("configmaps \"a\" already exists"), "{told}");
        assert_eq!(kubectl.run(&["get", "cm/a", "-o", "name"]).success(), "configmap/a\n");
        kubectl.run(&["label", "cm/a", "team=red"]).success();
        kubectl.run(&["annotate", "cm/a", "note=hello"]).success();
        kubectl.run(&["patch", "cm/a", "-p", r#"{"data":{"x":"2"}}"#]).success();
        kubectl.run(&["patch", "cm/a", "--type=merge", "-p", r#"{"data":{"y":"2","z":"3"}}"#]).success();
        let json = r#"[{"op":"test","path":"/data/x","value":"2"},{"op":"remove","path":"/data/z"}]"#;
        kubectl.run(&["patch", "cm/a", "--type=json", "-p", json]).success();
        assert_eq!(
            kubectl.run(&["get", "cm/a", "-o", "jsonpath={.data} {.metadata.labels}"]).success(),
            r#"{"x":"2","y":"2"} {"team":"red"}"#
        );
        kubectl.input(&["apply", "-f", "-"], &map("b", "1")).success();
        assert_eq!(kubectl.input(&["apply", "-f", "-"], &map("b", "1")).success(), "configmap/b unchanged\n");
        let differs = kubectl.input(&["diff", "-f", "-"], &map("b", "2"));
        assert_eq!(differs.code, 1, "{differs:?}");
        assert!(
            differs.stdout.contains("-  x: \"1\"") && differs.stdout.contains("+  x: \"2\""),
            "{differs:?}"
        );
        kubectl.input(&["apply", "-f", "-"], &map("b", "2")).success();
        kubectl.input(&["replace", "-f", "-"], &map("b", "3")).success();
        assert_eq!(value_of(kubectl, "b"), "3");
        let stale = map("b", "4").replace("name: b", "name: b, resourceVersion: \"1\"");
        let told = kubectl.input(&["replace", "-f", "-"], &stale).failure();
        assert!(told.contains("the object has been modified; please apply your changes"), "{told}");
        assert_eq!(kubectl.run(&["get", "cm", "-l", "team=red", "-o", "name"]).success(), "configmap/a\n");
        let columns = "custom-columns=NAME:.metadata.name,X:.data.x";
        let found = kubectl
            .run(&["get", "cm", "--field-selector=metadata.name=b", "--no-headers", "-o", columns])
            .success();
        assert_eq!(found.split_whitespace().collect::<Vec<_>>(), ["b", "3"]);
        assert!(kubectl.run(&["describe", "cm/a"]).success().contains("note: hello"));
        let table = kubectl.run(&["get", "cm/a", "-o", "wide"]).success();
        let heading: Vec<&str> = table.lines().next().unwrap_or_default().split_whitespace().collect();
        assert_eq!(heading, ["NAME", "DATA", "AGE"]);
        kubectl.run(&["label", "cm/a", "team-"]).success();
        assert_eq!(kubectl.run(&["get", "cm/a", "-o", "jsonpath={.metadata.labels}"]).success(), "");
        kubectl.run(&["delete", "cm/a", "cm/b"]).success();
        let told = kubectl.run(&["get", "cm/a"]).failure();
        assert!(told.contains("(NotFound): configmaps \"a\" not found"), "{told}");
    });
}

#[test]
fn fields_have_owners() {
    with(&ends(), |kubectl| {
        let apply = |manager: &str, x: &str, more: &[&str]| {
            let manager = format!("--field-manager={manager}");
            let args = [&["apply", "--server-side", "-f", "-", manager.as_str()], more].concat();
            kubectl.input(&args, &map("a", x))
        };
        apply("one", "1", &[]).success();
        apply("two", "1", &[]).success();
        let told = apply("two", "2", &[]).failure();
        assert!(told.contains(r#"Apply failed with 1 conflict: conflict with "one": .data.x"#), "{told}");
        assert_eq!(value_of(kubectl, "a"), "1");
        apply("two", "2", &["--force-conflicts"]).success();
        assert_eq!(value_of(kubectl, "a"), "2");
        let owners = "jsonpath={range .metadata.managedFields[*]}{.manager} {.operation} {.fieldsV1.f:data}{\"\\n\"}{end}";
        let owners = kubectl.run(&["get", "cm/a", "--show-managed-fields", "-o", owners]).success();
        assert_eq!(owners, "two Apply {\"f:x\":{}}\n");
        // What nobody applies any more is gone.
        let nothing = map("a", "").replace("data: {x: \"\"}\n", "");
        kubectl.input(&["apply", "--server-side", "--field-manager=two", "-f", "-"], &nothing).success();
        assert_eq!(value_of(kubectl, "a"), "");
        let typo = map("a", "1").replace("\ndata:", "\ndat:");
        let told = kubectl.input(&["apply", "--server-side", "-f", "-"], &typo).failure();
        assert!(told.contains("dat"), "{told}");
    });
}

#[test]
fn a_dry_run_changes_nothing() {
    with(&ends(), |kubectl| {
        let dry =
            kubectl.input(&["create", "--dry-run=server", "-o", "yaml", "-f", "-"], &map("a", "1")).success();
        assert!(dry.contains("uid: ") && dry.contains("creationTimestamp: "), "{dry}");
        assert!(!kubectl.run(&["get", "cm/a"]).is_ok());
        kubectl.input(&["create", "-f", "-"], &map("a", "1")).success();
        let version =
            || kubectl.run(&["get", "cm/a", "-o", "jsonpath={.metadata.resourceVersion}"]).success();
        let before = version();
        kubectl.input(&["apply", "--dry-run=server", "-f", "-"], &map("a", "2")).success();
        kubectl
            .input(
                &["apply", "--server-side", "--force-conflicts", "--dry-run=server", "-f", "-"],
                &map("a", "2"),
            )
            .success();
        kubectl.run(&["label", "--dry-run=server", "cm/a", "a=b"]).success();
        kubectl.run(&["delete", "--dry-run=server", "cm/a"]).success();
        assert_eq!((value_of(kubectl, "a"), version()), ("1".to_owned(), before));
    });
}

#[test]
fn an_editor_changes_an_object() {
    with(&ends(), |kubectl| {
        kubectl.input(&["create", "-f", "-"], &map("a", "before")).success();
        kubectl.clone().env("KUBE_EDITOR", "sed -i s/before/after/").run(&["edit", "cm/a"]).success();
        assert_eq!(value_of(kubectl, "a"), "after");
        let same = kubectl.clone().env("KUBE_EDITOR", "true").run(&["edit", "cm/a"]);
        assert!(same.stderr.contains("Edit cancelled, no changes made"), "{same:?}");
    });
}

#[test]
fn clients_wait_for_what_will_be() {
    with(&ends(), |kubectl| {
        kubectl.input(&["create", "-f", "-"], &map("a", "1")).success();
        kubectl.run(&["wait", "--for=jsonpath={.data.x}=1", "cm/a", "--timeout=20s"]).success();
        assert!(
            kubectl
                .run(&["wait", "--for=jsonpath={.data.x}=2", "cm/a", "--timeout=1s"])
                .failure()
                .contains("timed out")
        );
        kubectl
            .run(&[
                "patch",
                "cm/a",
                "--type=merge",
                "-p",
                r#"{"metadata":{"finalizers":["example.io/hold"]}}"#,
            ])
            .success();
        kubectl.run(&["delete", "cm/a", "--wait=false"]).success();
        let marked = kubectl.run(&["get", "cm/a", "-o", "jsonpath={.metadata.deletionTimestamp}"]).success();
        assert!(!marked.is_empty());
        let told = kubectl
            .run(&[
                "patch",
                "cm/a",
                "--type=merge",
                "-p",
                r#"{"metadata":{"finalizers":["example.io/hold","example.io/more"]}}"#,
            ])
            .failure();
        assert!(told.contains("no new finalizers can be added if the object is being deleted"), "{told}");
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| kubectl.run(&["wait", "--for=delete", "cm/a", "--timeout=30s"]));
            kubectl
                .run(&["patch", "cm/a", "--type=merge", "-p", r#"{"metadata":{"finalizers":null}}"#])
                .success();
            waiting.join().expect("it waits").success();
        });
        assert!(!kubectl.run(&["get", "cm/a"]).is_ok());
    });
}

#[test]
fn a_watcher_sees_what_happens() {
    with(&ends(), |kubectl| {
        let watcher = kubectl.spawn(&["get", "cm", "-w", "--output-watch-events"]);
        let watcher = watcher.until("kube-root-ca.crt");
        kubectl.input(&["create", "-f", "-"], &map("a", "1")).success();
        kubectl.input(&["replace", "-f", "-"], &map("a", "2")).success();
        kubectl.run(&["delete", "cm/a"]).success();
        let seen = watcher.until("DELETED").stop();
        let events = seen.split_whitespace().filter(|word| ["ADDED", "MODIFIED", "DELETED"].contains(word));
        assert_eq!(events.collect::<Vec<_>>(), ["ADDED", "ADDED", "MODIFIED", "DELETED"], "{seen}");
    });
}

#[test]
fn fields_are_explained() {
    with(&ends(), |kubectl| {
        let told = kubectl.run(&["explain", "configmap"]).success();
        for part in
            ["KIND:       ConfigMap", "VERSION:    v1", "DESCRIPTION:", "binaryData", "<map[string]string>"]
        {
            assert!(told.contains(part), "no {part} in {told}");
        }
        // Every field says what it is for.
        assert!(!told.contains("<no description>"), "{told}");
        let told = kubectl.run(&["explain", "crd.spec.versions", "--recursive"]).success();
        assert!(told.contains("additionalPrinterColumns") && told.contains("jsonPath"), "{told}");
        assert!(
            kubectl.run(&["explain", "cm.nothing"]).failure().contains("field \"nothing\" does not exist")
        );
        assert!(kubectl.run(&["explain", "workspaces.spec.type"]).success().contains("path"));
    });
}

#[test]
fn every_version_discovers_the_same() {
    let kcp = Kcp::start();
    let team = kcp.make_workspace("root", "team");
    let seen: BTreeSet<(String, String)> = kubectls()
        .iter()
        .map(|program| {
            let kubectl = team.clone().version(program);
            let resources =
                kubectl.run(&["api-resources", "--no-headers", "-o", "wide", "--sort-by=name"]).success();
            // Newer versions set the columns of short names and categories apart in another way.
            let resources = resources
                .lines()
                .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
                .collect::<Vec<_>>()
                .join("\n");
            (resources, kubectl.run(&["api-versions"]).success())
        })
        .collect();
    assert_eq!(seen.len(), 1, "{seen:#?}");
    let (resources, versions) = seen.into_iter().next().expect("one");
    for known in ["configmaps cm v1 true ConfigMap", "workspaces ws tenancy.kcp.io/v1alpha1 false Workspace"]
    {
        assert!(resources.contains(known), "no {known} in {resources}");
    }
    assert!(versions.lines().any(|line| line == "rbac.authorization.k8s.io/v1"), "{versions}");
}

#[test]
fn objects_of_all_kinds_are_made_by_name() {
    with(&ends(), |kubectl| {
        for args in [
            &["create", "secret", "generic", "s", "--from-literal=a=b"][..],
            &["create", "secret", "docker-registry", "d", "--docker-username=u", "--docker-password=p"],
            &["create", "serviceaccount", "robot"],
            &["create", "quota", "q", "--hard=configmaps=10"],
            &["create", "role", "reader", "--verb=get,list", "--resource=configmaps"],
            &["create", "rolebinding", "readers", "--role=reader", "--user=bob"],
        ] {
            kubectl.run(args).success();
        }
        assert!(
            kubectl
                .run(&["get", "secret/d", "-o", "jsonpath={.type}"])
                .success()
                .contains("dockerconfigjson")
        );
        assert!(kubectl.run(&["describe", "role/reader"]).success().contains("[get list]"));
        let token = kubectl.run(&["create", "token", "robot", "--duration=20m"]).success();
        assert_eq!(token.trim().split('.').count(), 3);
        let told = kubectl.run(&["create", "token", "robot", "--duration=10s"]).failure();
        assert!(told.contains("may not specify a duration less than 10 minutes"), "{told}");
        let told = kubectl.run(&["create", "configmap", "Bad_Name"]).failure();
        assert!(told.contains("a lowercase RFC 1123 subdomain must consist of"), "{told}");
        assert_eq!(kubectl.run(&["auth", "can-i", "create", "configmaps"]).success(), "yes\n");
        kubectl.run(&["delete", "secret", "--all"]).success();
        assert_eq!(kubectl.run(&["get", "secrets", "-o", "name"]).success(), "");
    });
}

#[test]
fn dependents_follow_orphans_stay() {
    with(&ends(), |kubectl| {
        for cascade in ["background", "foreground", "orphan"] {
            kubectl.input(&["create", "-f", "-"], &map("owner", "1")).success();
            let uid = kubectl.run(&["get", "cm/owner", "-o", "jsonpath={.metadata.uid}"]).success();
            let owned = format!(
                "{{name: owned, ownerReferences: [{{apiVersion: v1, kind: ConfigMap, name: owner, uid: {uid}, blockOwnerDeletion: true}}]}}"
            );
            kubectl
                .input(&["create", "-f", "-"], &map("owned", "1").replace("{name: owned}", &owned))
                .success();
            kubectl.run(&["delete", "cm/owner", &format!("--cascade={cascade}"), "--timeout=30s"]).success();
            let owned = || {
                kubectl
                    .run(&[
                        "get",
                        "cm/owned",
                        "--ignore-not-found",
                        "-o",
                        "jsonpath={.metadata.name} {.metadata.ownerReferences}",
                    ])
                    .success()
            };
            match cascade {
                "background" => eventually("its dependents are gone", || owned().is_empty()),
                "foreground" => assert_eq!(owned(), "", "they are gone first"),
                _ => assert_eq!(owned(), "owned ", "they have no owner any more"),
            }
        }
    });
}

#[test]
fn raw_paths_and_other_people() {
    with(&ends(), |kubectl| {
        let told = kubectl.run(&["get", "cm", "--as=bob"]).failure();
        assert!(told.contains("Forbidden"), "{told}");
        let who = kubectl.clone().version(&kubectls().pop().expect("a kubectl"));
        let me = who.run(&["auth", "whoami", "-o", "jsonpath={.status.userInfo.username}"]).success();
        assert_eq!(me, "kcp-admin");
        assert!(kubectl.run(&["version", "-o", "json"]).success().contains("\"minor\": \"36\""));
        let few =
            kubectl.run(&["get", "clusterrolebindings,namespaces", "--chunk-size=1", "-o", "name"]).success();
        let all = kubectl.run(&["get", "clusterrolebindings,namespaces", "-o", "name"]).success();
        assert_eq!(few, all);
    });
}

//! Workspaces, as a user with kubectl meets them.

use kcp_test_harness::{Kcp, Options, eventually};

#[test]
fn a_workspace_is_made_used_nested_and_deleted() {
    let kcp = Kcp::start();
    let team = kcp.make_workspace("root", "team-a");
    team.run(&["create", "configmap", "a", "--from-literal=x=y"]).success();
    let cluster =
        kcp.admin().run(&["get", "workspace", "team-a", "-o", "jsonpath={.spec.cluster}"]).success();
    let by_name = kcp.workspace(&cluster);
    assert_eq!(by_name.run(&["get", "configmap", "a", "-o", "jsonpath={.data.x}"]).success(), "y");
    let url = kcp.admin().run(&["get", "workspace", "team-a", "-o", "jsonpath={.spec.URL}"]).success();
    assert_eq!(url, format!("{}/clusters/root:team-a", kcp.url()));
    let inner = kcp.make_workspace("root:team-a", "inner");
    inner.run(&["create", "configmap", "b", "--from-literal=x=z"]).success();
    assert!(team.run(&["get", "configmap", "b"]).failure().contains("not found"));
    kcp.admin().run(&["delete", "workspace", "team-a", "--timeout=60s"]).success();
    eventually("its content is gone", || !by_name.run(&["get", "configmaps", "-A"]).is_ok());
}

#[test]
fn what_was_acknowledged_survives_kill_nine() {
    let mut kcp = Kcp::start();
    let team = kcp.make_workspace("root", "team");
    for at in 0..20 {
        team.run(&["create", "configmap", &format!("c{at}")]).success();
    }
    kcp.kill();
    kcp.run();
    let team = kcp.workspace("root:team");
    let names = team.run(&["get", "configmaps", "-o", "name"]).success();
    for at in 0..20 {
        assert!(names.lines().any(|name| name == format!("configmap/c{at}")), "c{at} of {names}");
    }
    team.run(&["create", "configmap", "after"]).success();
    assert_eq!(kcp.stop(), Some(0));
}

#[test]
fn outsiders_cannot_tell_a_forbidden_workspace_from_none() {
    let tokens = vec!["alice-token,alice,1,\"team-1\"".to_owned()];
    let kcp = Kcp::with(Options { tokens, ..Options::default() });
    kcp.make_workspace("root", "secret");
    let alice = |path: &str| {
        // Raw paths are relative to the host, not to the server's URL.
        kcp.admin().token("alice-token").run(&[
            "get",
            "--raw",
            &format!("/clusters/{path}/api/v1/configmaps"),
        ])
    };
    let texts: Vec<String> =
        ["root:secret", "root:missing", "nowhere"].map(|path| alice(path).failure()).into_iter().collect();
    assert!(texts[0].contains("Forbidden") && texts[0].contains("access denied"), "{}", texts[0]);
    assert_eq!(texts[0], texts[1]);
    assert_eq!(texts[0], texts[2]);
}

/// The newest revision of the store.
fn revision(kcp: &Kcp) -> u64 {
    let list = kcp.admin().run(&["get", "--raw", "/clusters/root/api/v1/configmaps?limit=1"]).success();
    let list: serde_json::Value = serde_json::from_str(&list).expect("a list");
    list["metadata"]["resourceVersion"].as_str().and_then(|text| text.parse().ok()).expect("a revision")
}

/// What a workspace begins with are eleven objects: the Workspace, its LogicalCluster, its administrator's binding, two
/// namespaces with a ServiceAccount and a ConfigMap each, and the bindings of two exports. Two of them are written
/// once more, when they are ready.
#[test]
fn a_workspace_takes_thirteen_revisions() {
    let kcp = Kcp::start();
    let made = |name: &str| {
        let before = revision(&kcp);
        let kubectl = kcp.make_workspace("root", name);
        let count = |what: &str| kubectl.run(&["get", what, "-A", "-o", "name"]).success().lines().count();
        eventually("its namespaces have what they need", || {
            count("serviceaccounts") == 2 && count("configmaps") == 2
        });
        revision(&kcp) - before
    };
    // The first one has the shard learn what the others use.
    made("first");
    // A machine that is slow for seconds is told so by the workspace, which is a write more.
    let costs: Vec<u64> = (0..3).map(|at| made(&format!("next-{at}"))).collect();
    assert_eq!(costs.iter().min(), Some(&13), "{costs:?}");
}

/// How many objects the store of a server that does not run holds.
fn objects(kcp: &Kcp) -> u64 {
    let output = std::process::Command::new(kcp_test_harness::binary("kcp"))
        .args(["store", "check", "--directory"])
        .arg(kcp.root().join("etcd-server"))
        .output()
        .expect("kcp store check");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let count = text.split(" objects").next().and_then(|count| count.trim().parse().ok());
    count.unwrap_or_else(|| panic!("{text}{}", String::from_utf8_lossy(&output.stderr)))
}

/// Whoever writes into a workspace while it is deleted is refused, or what was written goes with it.
#[test]
fn no_write_survives_the_workspace_it_was_made_in() {
    const WRITERS: usize = 4;
    let mut kcp = Kcp::start();
    let delete = |kcp: &Kcp| kcp.admin().run(&["delete", "workspace", "team", "--timeout=60s"]).success();
    kcp.make_workspace("root", "team");
    delete(&kcp);
    assert_eq!(kcp.stop(), Some(0));
    let before = objects(&kcp);
    kcp.run();
    kcp.make_workspace("root", "team");
    let cluster = kcp.admin().run(&["get", "workspace", "team", "-o", "jsonpath={.spec.cluster}"]).success();
    let old = kcp.workspace(&cluster);
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let old = old.clone();
            std::thread::spawn(move || {
                for round in 0.. {
                    let manifest: String = (0..50)
                        .map(|at| {
                            let kind = if at % 10 == 0 { "Namespace" } else { "ConfigMap" };
                            format!(
                                "---\napiVersion: v1\nkind: {kind}\nmetadata: {{name: w{writer}-{round}-{at}}}\n"
                            )
                        })
                        .collect();
                    if !old.input(&["create", "-f", "-"], &manifest).is_ok() {
                        return round;
                    }
                }
                0
            })
        })
        .collect();
    eventually("they write", || {
        old.run(&["get", "configmaps", "-o", "name"]).stdout.lines().count() > WRITERS * 5
    });
    delete(&kcp);
    for writer in writers {
        writer.join().expect("a writer ends when the workspace has gone");
    }
    let team = kcp.make_workspace("root", "team");
    let maps = team.run(&["get", "configmaps", "-A", "-o", "jsonpath={.items[*].metadata.name}"]).success();
    assert!(maps.split(' ').all(|name| name == "kube-root-ca.crt"), "{maps}");
    assert_eq!(
        team.run(&["get", "namespaces", "-o", "name"]).success(),
        "namespace/default\nnamespace/kube-system\n"
    );
    assert!(!old.run(&["get", "configmaps"]).is_ok(), "the old one is not there");
    delete(&kcp);
    assert_eq!(kcp.stop(), Some(0));
    assert_eq!(objects(&kcp), before, "nothing of either is left in the store");
}

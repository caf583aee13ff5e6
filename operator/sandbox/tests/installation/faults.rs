//! `kill -9`.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::fixture::{Installation, until, until_true};

const SHARD: &str = "pods --selector=app.kubernetes.io/component=rootshard";

pub fn a_killed_shard_starts_again_with_all_that_it_acknowledged(it: &Installation) {
    let team = it.workspace("root:team-a");
    let killed = AtomicBool::new(false);
    let acknowledged = std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            let mut acknowledged = Vec::new();
            while !killed.load(Ordering::Relaxed) {
                let name = format!("written-{}", acknowledged.len());
                if team.run(&["create", "configmap", &name]).is_ok() {
                    acknowledged.push(format!("configmap/{name}"));
                }
            }
            acknowledged
        });
        until_true("something is written", || team.run(&["get", "configmap", "written-1"]).is_ok());
        // The second time it is not started at once.
        for restarts in ["1", "2"] {
            it.sandbox.kill_processes_called("/kcp");
            until_restarted(it, restarts);
        }
        killed.store(true, Ordering::Relaxed);
        writer.join().unwrap()
    });
    let events = it.host.run(&["get", "events", "--field-selector=reason=BackOff", "-o", "name"]).success();
    assert!(!events.is_empty(), "waiting is told");
    it.until_condition("rootshard/kcp", "Available", "True");
    it.until_kcp_answers();
    let stored = team.run(&["get", "configmaps", "-o", "name"]).success();
    for name in acknowledged {
        assert!(
            stored.lines().any(|line| line == name),
            "{name} was acknowledged, and is not among {stored}"
        );
    }
}

fn until_restarted(it: &Installation, restarts: &str) {
    until(&format!("the shard has been started again {restarts} times"), || {
        let status = |field: &str| {
            let path = format!("-ojsonpath={{.items[*].status.containerStatuses[0].{field}}}");
            let args: Vec<&str> =
                ["get"].into_iter().chain(SHARD.split(' ')).chain([path.as_str()]).collect();
            it.host.run(&args).success()
        };
        let (count, ready) = (status("restartCount"), status("ready"));
        if count == restarts && ready == "true" { Ok(()) } else { Err(format!("{count}, ready {ready}")) }
    });
}

pub async fn a_killed_sandbox_takes_everything_with_it_and_continues(it: &mut Installation) {
    it.sandbox.kill().await;
    let manifests = it.manifests.clone();
    it.sandbox.start_again(&manifests).await;
    it.until_kcp_answers();
    it.workspace("root:team-a").run(&["get", "configmap", "hello"]).success();
}

pub async fn a_stopped_sandbox_leaves_no_process(it: &mut Installation) {
    it.sandbox.stop().await;
}

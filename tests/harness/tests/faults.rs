//! Faults of the whole process: killed while it writes, a port that is taken, a store it cannot read.

use kcp_test_harness::{Caller, Kcp};
use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

const MAPS: &str = "/clusters/root/api/v1/namespaces/default/configmaps";

fn names(http: &Caller) -> BTreeSet<String> {
    let list = http.get(MAPS).code(200).json();
    let items = list["items"].as_array().expect("a list").iter();
    items.filter_map(|item| item["metadata"]["name"].as_str()).map(str::to_owned).collect()
}

#[test]
fn what_was_acknowledged_is_there_after_every_kill() {
    const WRITERS: usize = 4;
    let mut kcp = Kcp::with_master();
    let done = AtomicBool::new(false);
    let https: Vec<Caller> = (0..WRITERS).map(|_| kcp.caller("master")).collect();
    let acknowledged: BTreeSet<String> = std::thread::scope(|scope| {
        let done = &done;
        let writers: Vec<_> = https
            .into_iter()
            .enumerate()
            .map(|(writer, http)| {
                scope.spawn(move || {
                    let (mut acknowledged, mut at) = (Vec::new(), 0);
                    while !done.load(Ordering::Relaxed) {
                        let name = format!("w{writer}-{at}");
                        at += 1;
                        let body = format!(r#"{{"metadata":{{"name":"{name}"}}}}"#);
                        match http.attempt("POST", MAPS, &[("content-type", "application/json")], &body) {
                            Some(answer) if answer.status == 201 => acknowledged.push(name),
                            // Killed meanwhile, or about to start: nobody knows what became of it.
                            Some(_) | None => std::thread::sleep(Duration::from_millis(5)),
                        }
                    }
                    acknowledged
                })
            })
            .collect();
        for _ in 0..5 {
            std::thread::sleep(Duration::from_millis(700));
            kcp.kill();
            kcp.run();
        }
        done.store(true, Ordering::Relaxed);
        writers.into_iter().flat_map(|writer| writer.join().expect("a writer")).collect()
    });
    let found = names(&kcp.caller("master"));
    let lost: Vec<_> = acknowledged.difference(&found).collect();
    assert!(lost.is_empty(), "of {} acknowledged are lost: {lost:?}", acknowledged.len());
    assert!(acknowledged.len() > WRITERS, "somebody has written something");
    kcp.kill();
    kcp.run();
    assert_eq!(names(&kcp.caller("master")), found, "and the same the next time");
}

#[test]
fn a_port_that_is_taken_is_told() {
    let first = Kcp::start();
    let second = Kcp::refused(&first.scratch().join("second"), first.port(), &[]);
    assert!(second.code != 0, "{second:?}");
    let port = first.port().to_string();
    assert!(
        second.stderr.contains(&port) && second.stderr.to_lowercase().contains("in use"),
        "{}",
        second.stderr
    );
    first.admin().run(&["get", "namespaces"]).success();
}

#[test]
fn one_directory_is_for_one_server() {
    let first = Kcp::start();
    let second = Kcp::refused(&first.root(), kcp_test_harness::free_port(), &[]);
    assert!(second.code != 0 && second.stderr.contains("etcd-server"), "{second:?}");
    first.admin().run(&["create", "configmap", "a"]).success();
}

#[test]
fn a_store_of_a_newer_server_is_left_alone() {
    let mut kcp = Kcp::start();
    assert_eq!(kcp.stop(), Some(0));
    let format = kcp.root().join("etcd-server/FORMAT");
    let before = std::fs::read_to_string(&format).expect("a format");
    std::fs::write(&format, before.replace("format 1", "format 99")).expect("it can be written");
    let refused = Kcp::refused(&kcp.root(), kcp.port(), &[]);
    assert!(refused.code != 0, "{refused:?}");
    assert!(refused.stderr.contains("has format 99, and this server reads up to 1"), "{}", refused.stderr);
    std::fs::write(&format, before).expect("it can be written");
    kcp.run();
}

#[test]
fn a_damaged_log_is_not_taken_for_a_short_one() {
    let mut kcp = Kcp::start();
    for at in 0..10 {
        kcp.admin().run(&["create", "configmap", &format!("c{at}")]).success();
    }
    kcp.kill();
    let log = first_file(&kcp.root().join("etcd-server/log"));
    let mut bytes = std::fs::read(&log).expect("a log");
    let middle = 200;
    bytes[middle] ^= 0x55;
    std::fs::write(&log, &bytes).expect("it can be written");
    let refused = Kcp::refused(&kcp.root(), kcp.port(), &[]);
    assert!(refused.code != 0, "{refused:?}");
    assert!(refused.stderr.contains(".log"), "{}", refused.stderr);
    bytes[middle] ^= 0x55;
    std::fs::write(&log, &bytes).expect("it can be written");
    kcp.run();
    assert!(kcp.admin().run(&["get", "configmaps", "-o", "name"]).success().contains("configmap/c9"));
}

fn first_file(directory: &Path) -> PathBuf {
    let mut files: Vec<PathBuf> = std::fs::read_dir(directory)
        .expect("a directory")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    files.sort();
    files.first().expect("a file").clone()
}

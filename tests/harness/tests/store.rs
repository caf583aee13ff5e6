//! The store of a running shard: backups, restores, and a disk that is full.

use kcp_test_harness::{Kcp, Kubectl, Options, Output, binary, eventually};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::atomic::{AtomicBool, Ordering},
};

/// `kcp store …`
fn store(args: &[&str]) -> Output {
    let output = Command::new(binary("kcp")).arg("store").args(args).output().expect("kcp starts");
    Output {
        command: format!("store {}", args.join(" ")),
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path that is text")
}

/// kubectl as the shard's administrator, outside of logical clusters.
fn shard_admin(kcp: &Kcp) -> Kubectl {
    kcp.admin().flag("--context=shard-base")
}

/// All objects of some kinds in all logical clusters, as they are or were at a revision.
fn everything(kcp: &Kcp, revision: Option<&str>) -> Vec<serde_json::Value> {
    let at = revision.map(|r| format!("?resourceVersion={r}&resourceVersionMatch=Exact")).unwrap_or_default();
    let kinds = [
        "api/v1/configmaps",
        "api/v1/secrets",
        "api/v1/namespaces",
        "api/v1/serviceaccounts",
        "apis/rbac.authorization.k8s.io/v1/clusterroles",
        "apis/core.kcp.io/v1alpha1/logicalclusters",
        "apis/apis.kcp.io/v1alpha2/apibindings",
    ];
    let list = |kind: &&str| {
        let list = shard_admin(kcp).run(&["get", "--raw", &format!("/clusters/*/{kind}{at}")]).success();
        let list: serde_json::Value = serde_json::from_str(&list).expect("a list");
        list["items"].as_array().cloned().expect("items")
    };
    kinds.iter().flat_map(list).collect()
}

#[test]
fn a_backup_of_a_running_server_holds_every_object_of_one_revision() {
    let mut kcp = Kcp::start();
    let spaces: Vec<_> = ["red", "blue"].map(|name| kcp.make_workspace("root", name)).into();
    let (kubeconfig, file) = (kcp.kubeconfig(), kcp.scratch().join("backup"));
    let stop = AtomicBool::new(false);
    let (report, then) = std::thread::scope(|scope| {
        for space in &spaces {
            scope.spawn(|| {
                for at in 0.. {
                    let name = format!("c{}", at % 7);
                    // Created, changed, deleted, and so on.
                    let _ = space.run(&["create", "configmap", &name, &format!("--from-literal=at={at}")]);
                    let _ = space.run(&["annotate", "configmap", &name, &format!("at={at}"), "--overwrite"]);
                    if stop.load(Ordering::SeqCst) {
                        break;
                    }
                    if at % 3 == 0 {
                        let _ = space.run(&["delete", "configmap", &name]);
                    }
                }
            });
        }
        eventually("something was written", || {
            spaces.iter().all(|space| space.run(&["get", "configmap", "c2"]).is_ok())
        });
        let taken = store(&["backup", "--kubeconfig", text(&kubeconfig), text(&file)]);
        assert!(taken.stderr.contains("backup: "), "progress is shown: {}", taken.stderr);
        let report = taken.success();
        let revision = report.split("revision ").nth(1).and_then(|rest| rest.split(',').next());
        let then = everything(&kcp, Some(revision.expect("a revision")));
        stop.store(true, Ordering::SeqCst);
        (report, then)
    });
    assert!(then.len() > 50, "{}", then.len());
    // It is refused in place of a file, and to whoever is not the shard's administrator.
    assert!(
        store(&["backup", "--kubeconfig", text(&kubeconfig), text(&file)])
            .failure()
            .contains("exists already")
    );
    let other = kcp.scratch().join("other");
    for context in ["root", "base"] {
        let args = ["backup", "--kubeconfig", text(&kubeconfig), "--context", context, text(&other)];
        let refused = store(&args).failure();
        assert!(refused.contains("403") && refused.contains("cannot get path"), "{refused}");
    }
    let inside =
        kcp.admin().flag("--context=system:admin").run(&["get", "--raw", "/clusters/root/store/backup"]);
    assert!(inside.failure().contains("NotFound"));
    let directory = kcp.root().join("etcd-server");
    let refused = store(&["backup", "--directory", text(&directory), text(&other)]).failure();
    assert!(refused.contains("--kubeconfig") && refused.contains("in use by another process"), "{refused}");
    assert!(!other.exists());

    assert_eq!(store(&["check", text(&file)]).success(), report);
    assert_eq!(kcp.stop(), Some(0));
    let full = store(&["restore", "--directory", text(&directory), text(&file)]).failure();
    assert!(full.contains("is not empty"), "{full}");
    fs::rename(&directory, kcp.scratch().join("aside")).expect("renames");
    damaged_ones_are_refused(&file, &directory);
    store(&["restore", "--directory", text(&directory), text(&file)]).success();
    assert!(store(&["check", "--directory", text(&directory)]).success().contains(" 0 problems"));
    kcp.run();
    let now = everything(&kcp, None);
    for (now, then) in now.iter().zip(&then) {
        // What controllers have changed since is still the same object.
        let changed = now["metadata"]["resourceVersion"].as_str().is_some_and(|version| version.len() > 6);
        let known = |object: &serde_json::Value| {
            if changed { object["metadata"]["uid"].clone() } else { object.clone() }
        };
        assert_eq!(known(now), known(then));
    }
    assert_eq!(now.len(), then.len());
    for space in &spaces {
        space.run(&["create", "configmap", "after"]).success();
    }
}

fn damaged_ones_are_refused(file: &Path, directory: &Path) {
    let whole = fs::read(file).expect("reads");
    let bad = file.with_extension("bad");
    let mut flipped = whole.clone();
    flipped[whole.len() / 2] ^= 1;
    let mut newer = whole.clone();
    newer[7] += 1;
    for (content, why) in [
        (&whole[..whole.len() - 1], "cut off"),
        (&flipped, "damaged"),
        (&newer, "has version 2, and this server reads 1"),
    ] {
        fs::write(&bad, content).expect("writes");
        assert!(store(&["check", text(&bad)]).failure().contains(why));
        assert!(store(&["restore", "--directory", text(directory), text(&bad)]).failure().contains(why));
        assert!(!directory.exists());
    }
}

/// Letters that no compression makes much fewer.
fn incompressible(length: usize) -> Vec<u8> {
    let mut state = 1_u64;
    let mut letter = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"[(state >> 58) as usize]
    };
    (0..length).map(|_| letter()).collect()
}

/// A small file system; it goes with this.
struct SmallDisk(PathBuf);

impl SmallDisk {
    /// `None` where there is no right to mount.
    fn mount(path: PathBuf, size: &str) -> Option<Self> {
        fs::create_dir_all(&path).expect("a directory");
        let options = format!("size={size},mode=700");
        let mounted =
            Command::new("mount").args(["-t", "tmpfs", "-o", &options, "tmpfs"]).arg(&path).output();
        mounted.is_ok_and(|output| output.status.success()).then_some(Self(path))
    }

    fn resize(&self, size: &str) {
        let options = format!("remount,size={size}");
        let status = Command::new("mount").args(["-o", &options]).arg(&self.0).status();
        assert!(status.expect("mount").success());
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[test]
#[allow(clippy::print_stderr, reason = "a test that cannot run here says so")]
fn a_full_disk_refuses_writes_answers_reads_and_is_left_without_hands() {
    let place = tempfile::tempdir().expect("a directory");
    let Some(disk) = SmallDisk::mount(place.path().join("store"), "6m") else {
        eprintln!("skipped: no right to mount a small file system here");
        return;
    };
    let flags = vec![format!("--embedded-etcd-directory={}", text(&disk.0))];
    let mut kcp = Kcp::with(Options { flags, ..Options::default() });
    let content = place.path().join("content");
    fs::write(&content, incompressible(700_000)).expect("writes");
    let create = |kcp: &Kcp, at: usize| {
        kcp.admin().run(&[
            "create",
            "configmap",
            &format!("c{at}"),
            &format!("--from-file=x={}", text(&content)),
        ])
    };
    let mut acknowledged = 0;
    let refused = loop {
        let created = create(&kcp, acknowledged);
        if !created.is_ok() {
            break created.failure();
        }
        acknowledged += 1;
        assert!(acknowledged < 200, "the disk does not fill up");
    };
    assert!(refused.contains("the store has no room") && refused.contains("No space left"), "{refused}");
    let holds = |kcp: &Kcp| {
        let names = kcp.admin().run(&["get", "configmaps", "-o", "name"]).success();
        (0..acknowledged)
            .for_each(|at| assert!(names.contains(&format!("configmap/c{at}\n")), "c{at} is lost"));
    };
    holds(&kcp);
    // As it is, it does not come back with less.
    kcp.kill();
    kcp.run();
    holds(&kcp);
    disk.resize("200m");
    eventually("writes are taken again", || create(&kcp, acknowledged).is_ok());
    acknowledged += 1;
    kcp.kill();
    kcp.run();
    let names = kcp.admin().run(&["get", "configmaps", "-o", "name"]).success();
    assert_eq!(names.matches("configmap/c").count(), acknowledged, "{names}");
    assert_eq!(kcp.stop(), Some(0));
}

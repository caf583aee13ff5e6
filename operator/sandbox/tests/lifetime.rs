//! What keeps a sandbox from starting, told before anything has started, and what is left of one.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod sandbox;

use std::{
    fs,
    net::TcpListener,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Output,
};

use kcp_test_harness::{eventually, free_port};
use sandbox::{Sandbox, User, as_user};

/// A place where an ordinary user finds the sandbox and may write.
struct Place {
    directory: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o777)).unwrap();
        fs::copy(env!("CARGO_BIN_EXE_kcp-sandbox"), directory.path().join("kcp-sandbox")).unwrap();
        Self { directory }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn file(&self, name: &str, text: &str) -> PathBuf {
        fs::write(self.path(name), text).unwrap();
        self.path(name)
    }

    /// Of everything in it.
    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.directory.path()).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// What a sandbox says that is expected to end by itself.
    fn run(&self, program: &str, arguments: &[&str]) -> Output {
        let mut command = as_user(User::Ordinary, Path::new(program));
        let command = command.args(arguments).current_dir(self.directory.path());
        command.env("TMPDIR", self.directory.path()).as_std_mut().output().unwrap()
    }
}

fn check(output: &Output, expected: &[&str]) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    for expected in expected {
        assert!(said.contains(expected), "{said}");
    }
    assert_eq!(String::from_utf8_lossy(&output.stdout), "", "nothing was begun");
}

/// An installation whose front-proxy is at a port.
fn manifests(port: u16) -> String {
    format!(
        "
apiVersion: operator.kcp.io/v1alpha1
kind: RootShard
metadata: {{name: root}}
spec: {{external: {{hostname: kcp.localhost, port: {port}}}, etcd: {{}}, cache: {{}}, certificates: {{}}}}
---
apiVersion: operator.kcp.io/v1alpha1
kind: FrontProxy
metadata: {{name: front}}
spec: {{rootShard: {{ref: {{name: root}}}}}}
"
    )
}

#[test]
fn a_port_that_is_taken() {
    let place = Place::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    place.file("m.yaml", &manifests(port));
    let output = place.run("./kcp-sandbox", &["-f", "m.yaml"]);
    check(
        &output,
        &[
            &format!("port {port} "),
            "FrontProxy default/front",
            "spec.external.port",
            "Address already in use",
        ],
    );
    let output = place.run("./kcp-sandbox", &["--ephemeral", "--api-port", &port.to_string()]);
    check(&output, &[&format!("port {port} (--api-port)"), "Address already in use"]);
    assert_eq!(place.names(), [".kcp-sandbox", "kcp-sandbox", "m.yaml"], "the ephemeral directory is gone");
}

#[test]
fn a_manifest_that_cannot_be_read() {
    let place = Place::new();
    place.file("m.yaml", "apiVersion: v1\nkind: [\n");
    check(&place.run("./kcp-sandbox", &["-f", "m.yaml"]), &["m.yaml", "line 2"]);
    check(&place.run("./kcp-sandbox", &["-f", "nowhere"]), &["nowhere", "No such file or directory"]);
}

#[test]
fn namespaces_that_are_not_allowed() {
    if !sandbox::is_allowed() {
        return;
    }
    let place = Place::new();
    place.file("m.yaml", &manifests(free_port()));
    // In a user namespace of its own one may forbid them to oneself.
    let forbid = "echo 0 > /proc/sys/user/max_user_namespaces; exec ./kcp-sandbox -f m.yaml";
    let output = place.run("unshare", &["--user", "--map-root-user", "sh", "-c", forbid]);
    check(&output, &["Nothing was started", "sudo sysctl -w user.max_user_namespaces="]);
}

/// Only the operator, which is what every sandbox begins with.
const NOTHING: &str = "{apiVersion: v1, kind: ConfigMap, metadata: {name: nothing}}";

#[tokio::test]
async fn a_directory_that_is_in_use() {
    if !sandbox::is_allowed() {
        return;
    }
    let mut first = Sandbox::start(User::Ordinary, NOTHING).await;
    let place = Place::new();
    place.file("m.yaml", NOTHING);
    let output =
        place.run("./kcp-sandbox", &["-f", "m.yaml", "--data-dir", &first.data().display().to_string()]);
    check(&output, &["another sandbox is running on ", "/data"]);
    first.stop().await;
}

#[tokio::test]
async fn an_ephemeral_one_leaves_nothing() {
    if !sandbox::is_allowed() {
        return;
    }
    let place = Place::new();
    let (file, before) = (place.file("m.yaml", NOTHING), place.names());
    let mut command = as_user(User::Ordinary, &place.path("kcp-sandbox"));
    command.args(["--ephemeral", "-f"]).arg(file).env("TMPDIR", place.directory.path());
    let mut child = command.current_dir(place.directory.path()).kill_on_drop(true).spawn().unwrap();
    eventually("it has a directory with a kubeconfig", || {
        let its = place.names().into_iter().find(|name| !before.contains(name));
        its.is_some_and(|name| place.path(&name).join("host.kubeconfig").exists())
    });
    sandbox::interrupt(child.id().unwrap());
    assert!(child.wait().await.unwrap().success());
    assert_eq!(place.names(), before);
}

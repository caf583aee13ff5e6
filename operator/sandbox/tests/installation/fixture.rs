//! The sample manifests in a sandbox, and kubectl at both APIs.

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use kcp_test_harness::{Kubectl, Output, free_port, kubectls};

use crate::sandbox::{Sandbox, User};

/// How long anything may take before the test gives up. Nothing is timed by it.
const PATIENCE: Duration = Duration::from_secs(120);
const LOOK: Duration = Duration::from_millis(200);

pub struct Installation {
    pub sandbox: Sandbox,
    /// At the host's API.
    pub host: Kubectl,
    /// At the front-proxy, as the administrator of kcp in `root`.
    pub kcp: Kubectl,
    pub manifests: String,
    port: u16,
}

impl Installation {
    /// The samples as they are, but for the port: 6443 may be taken on the machine that tests.
    pub async fn start() -> Self {
        let port = free_port();
        let manifests = samples().replace("port: 6443", &format!("port: {port}"));
        let sandbox = Sandbox::start(User::Ordinary, &manifests).await;
        let kubectl = kubectls().pop().expect("a kubectl");
        let host = Kubectl::new(&kubectl, &sandbox.data().join("host.kubeconfig"));
        let kcp = Kubectl::new(&kubectl, &sandbox.data().join("admin.kubeconfig"));
        Self { sandbox, host, kcp, manifests, port }
    }

    /// The URL of a workspace.
    pub fn url(&self, workspace: &str) -> String {
        format!("https://127.0.0.1:{}/clusters/{workspace}", self.port)
    }

    /// The administrator in a workspace.
    pub fn workspace(&self, path: &str) -> Kubectl {
        self.kcp.clone().server(&self.url(path))
    }

    /// What a JSON path finds in an object of the host; nothing where there is no such object.
    pub fn field(&self, object: &str, path: &str) -> String {
        let output = self.host.run(&["get", object, "-o", &format!("jsonpath={{{path}}}")]);
        if output.is_ok() { output.stdout } else { String::new() }
    }

    /// `status reason message` of a condition.
    pub fn condition(&self, object: &str, kind: &str) -> String {
        self.field(object, &format!(".status.conditions[?(@.type==\"{kind}\")]['status','reason','message']"))
    }

    /// A merge patch.
    pub fn patch(&self, object: &str, patch: &str) {
        self.host.run(&["patch", object, "--type=merge", "--patch", patch]).success();
    }

    /// A key of a Secret, decoded.
    pub fn secret(&self, name: &str, key: &str) -> String {
        let template = format!("go-template={{{{index .data {key:?} | base64decode}}}}");
        let output = self.host.run(&["get", "secret", name, "-o", &template]);
        if output.is_ok() { output.stdout } else { String::new() }
    }

    pub fn exists(&self, object: &str) -> bool {
        self.host.run(&["get", object]).is_ok()
    }

    /// A file of the test's own.
    pub fn scratch(&self, name: &str, text: &str) -> PathBuf {
        let path = self.sandbox.scratch().join(name);
        fs::write(&path, text).unwrap();
        path
    }

    /// Waits for a condition of an object of the host that has seen the object's present generation.
    pub fn until_condition(&self, object: &str, kind: &str, beginning: &str) {
        until(&format!("{kind} of {object} is {beginning}"), || {
            let observed = format!(".status.conditions[?(@.type==\"{kind}\")].observedGeneration");
            let current = self.field(object, ".metadata.generation");
            let told = self.condition(object, kind);
            let done = told.starts_with(beginning) && self.field(object, &observed) == current;
            if done { Ok(()) } else { Err(told) }
        });
    }

    /// Waits until the administrator gets an answer.
    pub fn until_kcp_answers(&self) {
        until("kcp answers", || of(self.kcp.run(&["get", "workspaces"])));
    }
}

/// Success, or what was said instead.
pub fn of(output: Output) -> Result<(), String> {
    if output.is_ok() { Ok(()) } else { Err(output.stderr) }
}

/// Waits until `done`, or shows what was seen last.
pub fn until(what: &str, mut done: impl FnMut() -> Result<(), String>) {
    let began = Instant::now();
    while let Err(seen) = done() {
        assert!(began.elapsed() < PATIENCE, "not within {PATIENCE:?}: {what}; last seen: {seen}");
        std::thread::sleep(LOOK);
    }
}

/// The same for what is true or not.
pub fn until_true(what: &str, mut done: impl FnMut() -> bool) {
    until(what, || if done() { Ok(()) } else { Err("not yet".to_owned()) });
}

fn samples() -> String {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../config/samples");
    let files = ["rootshard.yaml", "frontproxy.yaml", "kubeconfig.yaml"];
    files.map(|file| fs::read_to_string(directory.join(file)).unwrap()).join("---\n")
}

//! A sandbox in a directory of its own, started as a user starts it.

#![allow(
    clippy::unwrap_used,
    unreachable_pub,
    dead_code,
    reason = "shared by tests, each of which uses its part"
)]

pub mod processes;

use std::{
    fmt::Debug,
    fs,
    os::unix::fs::{PermissionsExt, chown},
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use k8s_openapi::NamespaceResourceScope;
use kube::{
    Api, Client, Config, Resource,
    config::{KubeConfigOptions, Kubeconfig},
};
use rustix::process::{Pid, Signal, kill_process};
use serde::de::DeserializeOwned;
use tokio::process::{Child, Command};

/// Everything here may take this long on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);
const LOOK: Duration = Duration::from_millis(100);
/// The user and group `nobody`.
const NOBODY: u32 = 65534;

/// Who starts it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum User {
    /// Whoever runs the tests.
    Same,
    /// Somebody without any rights.
    Ordinary,
}

/// Whether namespaces can be made here; says so when not, and the test has nothing to show.
pub fn is_allowed() -> bool {
    let mut command = as_user(User::Ordinary, Path::new("unshare"));
    command.args(["--user", "--map-root-user", "--mount", "--net", "--pid", "--fork", "true"]);
    let allowed = command.as_std_mut().output().is_ok_and(|output| output.status.success());
    if !allowed {
        eprintln_skipped();
    }
    allowed
}

#[allow(clippy::print_stderr, reason = "what a test that was skipped shows")]
fn eprintln_skipped() {
    eprintln!("skipped: this machine does not let an ordinary user make user namespaces");
}

pub struct Sandbox {
    directory: tempfile::TempDir,
    user: User,
    child: Child,
    client: Client,
    /// In the environment of all its containers.
    mark: String,
}

impl Sandbox {
    /// Starts one with these manifests, in which `MARK` stands for a mark of its own, and waits for its API.
    pub async fn start(user: User, manifests: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let root = rustix::process::getuid().is_root();
        let mark = format!("sandbox-test-{}", directory.path().file_name().unwrap().to_str().unwrap());
        let executable = directory.path().join("kcp-sandbox");
        fs::copy(env!("CARGO_BIN_EXE_kcp-sandbox"), &executable).unwrap();
        fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755)).unwrap();
        if user == User::Ordinary && root {
            fs::create_dir(directory.path().join("data")).unwrap();
            chown(directory.path().join("data"), Some(NOBODY), Some(NOBODY)).unwrap();
        }
        let child = spawn(directory.path(), user, &mark, manifests);
        let client = client(directory.path()).await;
        Self { directory, user, child, client, mark }
    }

    /// Starts it anew on the same data.
    pub async fn start_again(&mut self, manifests: &str) {
        fs::remove_file(self.directory.path().join("data/host.kubeconfig")).unwrap();
        self.child = spawn(self.directory.path(), self.user, &self.mark, manifests);
        self.client = client(self.directory.path()).await;
    }

    /// Where it keeps everything.
    pub fn data(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    /// A directory for files of the test.
    pub fn scratch(&self) -> &Path {
        self.directory.path()
    }

    pub fn api<K>(&self) -> Api<K>
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope>,
    {
        Api::namespaced(self.client.clone(), "default")
    }

    /// The object once it is as wanted.
    pub async fn until<K>(&self, name: &str, wanted: impl Fn(&K) -> bool, what: &str) -> K
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope> + Clone + DeserializeOwned + Debug,
    {
        let mut last = None;
        let found = tokio::time::timeout(PATIENCE, async {
            loop {
                if let Ok(Some(object)) = self.api::<K>().get_opt(name).await {
                    if wanted(&object) {
                        return object;
                    }
                    last = Some(object);
                }
                tokio::time::sleep(LOOK).await;
            }
        })
        .await;
        found.unwrap_or_else(|_| panic!("not within {PATIENCE:?}: {what}; {name} is {last:#?}"))
    }

    /// As Ctrl-C does; it must end by itself and without complaint.
    pub async fn stop(&mut self) {
        let started = self.processes();
        interrupt(self.child.id().unwrap());
        let status = tokio::time::timeout(PATIENCE, self.child.wait()).await.expect("it stops").unwrap();
        assert!(status.success(), "{status}");
        assert_eq!(processes::alive(&started), Vec::<u32>::new(), "processes that outlived it");
    }

    /// All processes that it started, and itself.
    pub fn processes(&self) -> Vec<u32> {
        processes::descendants(self.child.id().unwrap())
    }

    /// `kill -9` for its processes of that name.
    pub fn kill_processes_called(&self, name: &str) {
        for process in self.processes().into_iter().filter(|process| processes::is_called(*process, name)) {
            kill(process, Signal::KILL);
        }
    }

    /// As `kill -9` does.
    pub async fn kill(&mut self) {
        let started = self.processes();
        self.child.kill().await.unwrap();
        tokio::time::timeout(PATIENCE, async {
            while !processes::alive(&started).is_empty() {
                tokio::time::sleep(LOOK).await;
            }
        })
        .await
        .expect("what it started ends with it");
    }

    /// How many processes carry the mark.
    pub fn containers(&self) -> usize {
        let mark = format!("MARK={}", self.mark);
        let processes = fs::read_dir("/proc").unwrap().filter_map(|entry| Some(entry.ok()?.path()));
        let environments = processes.filter_map(|process| fs::read(process.join("environ")).ok());
        // A shell's sleep has it too, but is not the container.
        let marked = environments.filter(|environment| {
            environment.split(|byte| *byte == 0).any(|variable| variable == mark.as_bytes())
        });
        usize::from(marked.count() > 0)
    }
}

fn spawn(directory: &Path, user: User, mark: &str, manifests: &str) -> Child {
    let file = directory.join("manifests.yaml");
    fs::write(&file, manifests.replace("\"MARK\"", &format!("{mark:?}"))).unwrap();
    let executable = directory.join("kcp-sandbox");
    let data: PathBuf = directory.join("data");
    let mut command = as_user(user, &executable);
    command.arg("--data-dir").arg(data).arg("-f").arg(file);
    command.current_dir(directory).stdin(Stdio::null()).kill_on_drop(true).spawn().unwrap()
}

/// A command of that user's.
pub fn as_user(user: User, program: &Path) -> Command {
    if user == User::Same || !rustix::process::getuid().is_root() {
        return Command::new(program);
    }
    let (mut command, id) = (Command::new("setpriv"), NOBODY.to_string());
    command.args(["--reuid", &id, "--regid", &id, "--clear-groups"]).arg(program);
    command
}

/// As Ctrl-C does.
pub fn interrupt(process: u32) {
    kill(process, Signal::INT);
}

fn kill(process: u32, signal: Signal) {
    let process = Pid::from_raw(i32::try_from(process).unwrap()).unwrap();
    // It may have ended by itself in between.
    kill_process(process, signal).ok();
}

async fn client(directory: &Path) -> Client {
    let path = directory.join("data/host.kubeconfig");
    tokio::time::timeout(PATIENCE, async {
        loop {
            if let Ok(kubeconfig) = Kubeconfig::read_from(&path) {
                let options = KubeConfigOptions::default();
                let config = Config::from_custom_kubeconfig(kubeconfig, &options).await.unwrap();
                return Client::try_from(config).unwrap();
            }
            tokio::time::sleep(LOOK).await;
        }
    })
    .await
    .expect("the sandbox writes its kubeconfig")
}

//! A sandbox in a directory of its own, started as a user starts it.

#![allow(clippy::unwrap_used, unreachable_pub, reason = "shared by tests, which fail by panicking")]

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
        self.ask_to_stop();
        let status = tokio::time::timeout(PATIENCE, self.child.wait()).await.expect("it stops").unwrap();
        assert!(status.success(), "{status}");
    }

    fn ask_to_stop(&self) {
        let pid = i32::try_from(self.child.id().unwrap()).unwrap();
        kill_process(Pid::from_raw(pid).unwrap(), Signal::INT).unwrap();
    }

    /// As `kill -9` does.
    pub async fn kill(&mut self) {
        self.child.kill().await.unwrap();
        tokio::time::timeout(PATIENCE, async {
            while self.containers() > 0 {
                tokio::time::sleep(LOOK).await;
            }
        })
        .await
        .expect("its containers end with it");
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
    let mut command = if user == User::Ordinary && rustix::process::getuid().is_root() {
        let mut command = Command::new("setpriv");
        let id = NOBODY.to_string();
        command.args(["--reuid", &id, "--regid", &id, "--clear-groups"]).arg(executable);
        command
    } else {
        Command::new(executable)
    };
    command.arg("--data-dir").arg(data).arg("-f").arg(file);
    command.current_dir(directory).stdin(Stdio::null()).kill_on_drop(true).spawn().unwrap()
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

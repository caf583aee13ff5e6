use crate::{Kubectl, Output, PATIENCE, binary, eventually, free_port, kubectls};
use std::{
    fs::File,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

/// How a `kcp` is started.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// More flags.
    pub flags: Vec<String>,
    /// Lines of a static token file: `token,user,uid,"group,group"`.
    pub tokens: Vec<String>,
}

/// A running `kcp start` with a directory of its own.
pub struct Kcp {
    directory: tempfile::TempDir,
    port: u16,
    options: Options,
    child: Option<Child>,
}

impl Kcp {
    /// A fresh one, ready.
    #[must_use]
    pub fn start() -> Self {
        Self::with(Options::default())
    }

    /// A fresh one with options, ready.
    ///
    /// # Panics
    /// It cannot be started, or does not become ready.
    #[must_use]
    pub fn with(options: Options) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        if !options.tokens.is_empty() {
            std::fs::write(directory.path().join("tokens.csv"), options.tokens.join("\n") + "\n")
                .expect("a file");
        }
        let mut kcp = Self { directory, port: free_port(), options, child: None };
        kcp.run();
        kcp
    }

    /// Starts it (again) on its directory, and waits until it is ready.
    ///
    /// # Panics
    /// It does not become ready.
    pub fn run(&mut self) {
        let log = File::options().create(true).append(true).open(self.log()).expect("a log file");
        let mut command = Command::new(binary("kcp"));
        command
            .arg("start")
            .arg(format!("--root-directory={}", self.root().display()))
            .arg(format!("--secure-port={}", self.port))
            .arg("--bind-address=127.0.0.1")
            .args(&self.options.flags)
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a log file"))
            .stderr(log);
        if !self.options.tokens.is_empty() {
            command.arg(format!("--token-auth-file={}", self.directory.path().join("tokens.csv").display()));
        }
        self.child = Some(command.spawn().expect("kcp starts"));
        let mut child_ended = None;
        eventually("kcp is ready", || {
            child_ended = self.child.as_mut().and_then(|child| child.try_wait().expect("a child"));
            child_ended.is_some() || self.admin().run(&["get", "--raw", "/readyz"]).is_ok()
        });
        assert!(
            child_ended.is_none(),
            "kcp ended: {}",
            std::fs::read_to_string(self.log()).unwrap_or_default()
        );
    }

    /// Starts a `kcp` on a root directory and a port, which ends by itself because something is wrong.
    ///
    /// # Panics
    /// It goes on.
    #[must_use]
    pub fn refused(root: &Path, port: u16, flags: &[&str]) -> Output {
        let mut child = Command::new(binary("kcp"))
            .arg("start")
            .arg(format!("--root-directory={}", root.display()))
            .arg(format!("--secure-port={port}"))
            .arg("--bind-address=127.0.0.1")
            .args(flags)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("kcp starts");
        let deadline = std::time::Instant::now() + PATIENCE;
        while child.try_wait().expect("a child").is_none() {
            if std::time::Instant::now() > deadline {
                let _ = child.kill();
                panic!("kcp goes on");
            }
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        let output = child.wait_with_output().expect("kcp ends");
        Output {
            command: "kcp start".to_owned(),
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// `kill -9`
    ///
    /// # Panics
    /// It was not running.
    pub fn kill(&mut self) {
        let mut child = self.child.take().expect("kcp runs");
        child.kill().expect("it can be killed");
        child.wait().expect("it ends");
    }

    /// SIGTERM; waits until it has ended, and gives its exit code.
    ///
    /// # Panics
    /// It was not running.
    pub fn stop(&mut self) -> Option<i32> {
        let mut child = self.child.take().expect("kcp runs");
        let terminated = Command::new("kill").arg(child.id().to_string()).status().expect("kill");
        assert!(terminated.success());
        child.wait().expect("it ends").code()
    }

    /// Its root directory.
    #[must_use]
    pub fn root(&self) -> PathBuf {
        self.directory.path().join(".kcp")
    }

    /// Its log.
    #[must_use]
    pub fn log(&self) -> PathBuf {
        self.directory.path().join("kcp.log")
    }

    /// A directory for a scenario's own files.
    #[must_use]
    pub fn scratch(&self) -> &Path {
        self.directory.path()
    }

    /// Process id, for looking at memory and the like.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }

    /// Where it listens.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its URL, without a logical cluster.
    #[must_use]
    pub fn url(&self) -> String {
        format!("https://127.0.0.1:{}", self.port)
    }

    /// The administrator's kubeconfig.
    #[must_use]
    pub fn kubeconfig(&self) -> PathBuf {
        self.root().join("admin.kubeconfig")
    }

    /// kubectl as `kcp-admin` in root; the newest version there is.
    ///
    /// # Panics
    /// There is no kubectl.
    #[must_use]
    pub fn admin(&self) -> Kubectl {
        let newest = kubectls().pop().expect("a kubectl");
        Kubectl::new(&newest, &self.kubeconfig())
    }

    /// kubectl as `shard-admin`, without a logical cluster.
    #[must_use]
    pub fn shard_admin(&self) -> Kubectl {
        self.admin().flag("--context=shard-base")
    }

    /// kubectl as `kcp-admin` in a workspace.
    #[must_use]
    pub fn workspace(&self, path: &str) -> Kubectl {
        self.admin().server(&format!("{}/clusters/{path}", self.url()))
    }

    /// Makes a workspace below `parent`, waits until it is ready, and gives kubectl in it.
    pub fn make_workspace(&self, parent: &str, name: &str) -> Kubectl {
        let manifest = format!(
            "apiVersion: tenancy.kcp.io/v1alpha1\nkind: Workspace\nmetadata: {{name: {name}}}\nspec: {{type: {{name: universal, path: root}}}}\n"
        );
        let parent_kubectl = self.workspace(parent);
        parent_kubectl.input(&["create", "-f", "-"], &manifest).success();
        parent_kubectl
            .run(&[
                "wait",
                "--for=jsonpath={.status.phase}=Ready",
                &format!("workspace/{name}"),
                "--timeout=60s",
            ])
            .success();
        self.workspace(&format!("{parent}:{name}"))
    }
}

impl Drop for Kcp {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
        if std::thread::panicking() {
            crate::show("kcp", &std::fs::read_to_string(self.log()).unwrap_or_default());
        }
    }
}

use crate::{Ca, Http, Kcp, Kubectl, Options, binary, eventually, free_port, kubectls, write_pair};
use std::{
    fs::File,
    path::PathBuf,
    process::{Child, Command, Stdio},
};

/// A running `kcp-front-proxy` before one shard.
pub struct FrontProxy {
    directory: tempfile::TempDir,
    port: u16,
    users: Ca,
    child: Option<Child>,
}

impl FrontProxy {
    /// A fresh shard and a proxy before it, both ready.
    ///
    /// # Panics
    /// They cannot be started, or do not become ready.
    #[must_use]
    pub fn start(mut options: Options) -> (Kcp, Self) {
        let directory = tempfile::tempdir().expect("a directory");
        let (users, proxies) = (Ca::new("users"), Ca::new("proxies"));
        let at = |name: &str| directory.path().join(name);
        options.flags.extend([
            format!("--client-ca-file={}", users.write(&at("users.crt")).display()),
            format!("--requestheader-client-ca-file={}", proxies.write(&at("proxies.crt")).display()),
            "--requestheader-allowed-names=kcp-front-proxy".to_owned(),
        ]);
        let kcp = Kcp::with(options);
        write_pair(directory.path(), "admin", &users.client("shard-admin", &["system:masters"]));
        write_pair(directory.path(), "proxy", &proxies.client("kcp-front-proxy", &[]));
        let shard_ca = kcp.root().join("apiserver.crt");
        let (shard_ca, here, url) = (shard_ca.display(), directory.path().display(), kcp.url());
        let kubeconfig = format!(
            "{{clusters: [{{name: c, cluster: {{server: '{url}', certificate-authority: '{shard_ca}'}}}}], \
             users: [{{name: u, user: {{client-certificate: admin.crt, client-key: admin.key}}}}], \
             contexts: [{{name: x, context: {{cluster: c, user: u}}}}], current-context: x}}"
        );
        std::fs::write(at("kubeconfig"), kubeconfig).expect("a file");
        let mappings: String = ["/clusters/", "/services/"]
            .map(|path| {
                format!(
                    "- {{path: {path}, backend: '{url}', backend_server_ca: '{shard_ca}', \
                     proxy_client_cert: '{here}/proxy.crt', proxy_client_key: '{here}/proxy.key'}}\n"
                )
            })
            .concat();
        std::fs::write(at("mappings.yaml"), mappings).expect("a file");
        let mut proxy = Self { directory, port: free_port(), users, child: None };
        proxy.run();
        (kcp, proxy)
    }

    /// Starts it (again), and waits until it is ready.
    ///
    /// # Panics
    /// It does not become ready.
    pub fn run(&mut self) {
        let log = File::options().create(true).append(true).open(self.path("proxy.log")).expect("a log file");
        let child = self.command().stdout(log.try_clone().expect("a log file")).stderr(log).spawn();
        self.child = Some(child.expect("kcp-front-proxy starts"));
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        let mut ready = false;
        eventually("the front proxy is ready", || {
            let ended = self.child.as_mut().and_then(|child| child.try_wait().expect("a child"));
            assert!(ended.is_none(), "it ended: {}", self.log());
            ready = self.path("apiserver.crt").exists() && runtime.block_on(self.http().answers("/readyz"));
            ready
        });
    }

    /// Its command line, with nothing attached.
    #[must_use]
    pub fn command(&self) -> Command {
        let mut command = Command::new(binary("kcp-front-proxy"));
        command
            .arg(format!("--root-directory={}", self.directory.path().display()))
            .arg(format!("--secure-port={}", self.port))
            .arg("--bind-address=127.0.0.1")
            .arg(format!("--mapping-file={}", self.path("mappings.yaml").display()))
            .arg(format!("--root-kubeconfig={}", self.path("kubeconfig").display()))
            .arg(format!("--shards-kubeconfig={}", self.path("kubeconfig").display()))
            .arg(format!("--client-ca-file={}", self.path("users.crt").display()))
            .stdin(Stdio::null());
        command
    }

    /// SIGTERM; waits until it has ended, and gives its exit code.
    ///
    /// # Panics
    /// It was not running.
    pub fn stop(&mut self) -> Option<i32> {
        let mut child = self.child.take().expect("it runs");
        let terminated = Command::new("kill").arg(child.id().to_string()).status().expect("kill");
        assert!(terminated.success());
        child.wait().expect("it ends").code()
    }

    /// Its URL.
    #[must_use]
    pub fn url(&self) -> String {
        format!("https://127.0.0.1:{}", self.port)
    }

    /// A client that is nobody yet.
    #[must_use]
    pub fn http(&self) -> Http {
        Http::new(&self.url(), &self.path("apiserver.crt"), None)
    }

    /// A client with a certificate that proxy and shard believe.
    #[must_use]
    pub fn http_as(&self, user: &str, groups: &[&str]) -> Http {
        Http::new(&self.url(), &self.path("apiserver.crt"), Some(self.users.client(user, groups)))
    }

    /// The authority of users.
    #[must_use]
    pub fn users(&self) -> &Ca {
        &self.users
    }

    /// kubectl with a certificate, in a workspace.
    ///
    /// # Panics
    /// There is no kubectl.
    #[must_use]
    pub fn kubectl(&self, user: &str, groups: &[&str], workspace: &str) -> Kubectl {
        write_pair(self.directory.path(), user, &self.users.client(user, groups));
        let kubeconfig = self.path(&format!("{user}.kubeconfig"));
        let text = format!(
            "{{apiVersion: v1, kind: Config, clusters: [{{name: c, cluster: {{server: '{}/clusters/{workspace}', \
             certificate-authority: apiserver.crt}}}}], users: [{{name: u, user: {{client-certificate: {user}.crt, \
             client-key: {user}.key}}}}], contexts: [{{name: x, context: {{cluster: c, user: u}}}}], \
             current-context: x}}",
            self.url()
        );
        std::fs::write(&kubeconfig, text).expect("a file");
        Kubectl::new(&kubectls().pop().expect("a kubectl"), &kubeconfig)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.path("proxy.log")).unwrap_or_default()
    }
}

impl Drop for FrontProxy {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
        if std::thread::panicking() {
            crate::show("kcp-front-proxy", &self.log());
        }
    }
}

//! A proxy before shards that live in this process.
#![allow(dead_code, unreachable_pub, reason = "each test file uses a part")]

mod pki;
mod shard;

pub use pki::Ca;
pub use shard::FakeShard;

use http::{Request, Response, Uri};
use kcp_apimachinery::{Value, value, value::decode};
use kcp_authn::GroupFilter;
use kcp_front_proxy::{Authentication, Config, DROPPED_GROUPS, FrontProxy};
use kcp_transport::{
    Body, Client, ClientLimits, ClientTls, Cors, KeyPairSource, Limits, MinVersion, Roots, Upkeep,
};
use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// A root shard, maybe more shards, and a proxy in front of them.
pub struct World {
    pub ca: Ca,
    pub root: FakeShard,
    pub proxy: Proxy,
    directory: TempDir,
}

/// A proxy that runs.
pub struct Proxy {
    pub address: SocketAddr,
    pub shutdown: CancellationToken,
    upkeep: Vec<Arc<dyn Upkeep>>,
    task: JoinHandle<()>,
}

/// What a test wants of the proxy's configuration.
#[derive(Default)]
pub struct Setup {
    pub tokens: Option<&'static str>,
    pub drop_groups: Vec<String>,
    /// More of the mapping file.
    pub mappings: String,
    pub cors: Vec<&'static str>,
}

impl World {
    /// A root shard with `root`, and a proxy that is ready.
    pub async fn start() -> Self {
        Self::with(Setup::default()).await
    }

    pub async fn with(setup: Setup) -> Self {
        let ca = Ca::new("shards");
        let root = FakeShard::start(&ca, "root").await;
        root.put_identity("abc");
        root.put_shard("root", &root.url());
        root.put_logical_cluster("root");
        let world = Self::before(ca, root, setup).await;
        world.is_ready().await;
        world
    }

    /// A proxy before a root shard that may have nothing yet.
    pub async fn before(ca: Ca, root: FakeShard, setup: Setup) -> Self {
        let directory = tempfile::tempdir().expect("directory");
        let config = config(directory.path(), &ca, &root, &setup);
        let proxy = Proxy::start(config).await;
        Self { ca, root, proxy, directory }
    }

    pub fn uri(&self, path: &str) -> Uri {
        format!("https://localhost:{}{path}", self.proxy.address.port()).parse().expect("uri")
    }

    /// A client without a certificate.
    pub fn anybody(&self) -> User<'_> {
        self.client(None)
    }

    /// A client with a certificate of the proxy's client CA.
    pub fn user(&self, name: &str, groups: &[&str]) -> User<'_> {
        self.client(Some(self.ca.client(name, groups)))
    }

    pub fn client(&self, identity: Option<KeyPairSource>) -> User<'_> {
        self.client_of(&self.ca, identity)
    }

    /// A client that believes the servers of this CA.
    pub fn client_of(&self, ca: &Ca, identity: Option<KeyPairSource>) -> User<'_> {
        let tls = ClientTls { roots: Roots::Bundle(ca.bundle()), identity, server_name: None };
        User { world: self, client: Client::new(tls, ClientLimits::default()).expect("client") }
    }

    pub async fn is_ready(&self) {
        self.eventually("/readyz", 200).await;
    }

    /// Waits until anybody gets this status.
    pub async fn eventually(&self, path: &str, status: u16) {
        self.anybody().eventually(path, status).await;
    }

    /// A file of the proxy's directory.
    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub fn write(&self, name: &str, content: &[u8]) {
        std::fs::write(self.path(name), content).expect("write");
    }

    /// Writes `<name>.crt` and `<name>.key`.
    pub fn write_pair(&self, name: &str, pair: &KeyPairSource) {
        self.write(&format!("{name}.crt"), &pair.certificate.read().expect("pem"));
        self.write(&format!("{name}.key"), &pair.key.read().expect("pem"));
    }

    pub async fn stop(self) {
        self.proxy.stop().await;
        self.root.stop().await;
    }
}

impl Proxy {
    async fn start(config: Config) -> Self {
        let proxy = FrontProxy::start(config).await.expect("proxy");
        let (address, shutdown, upkeep) = (proxy.address(), CancellationToken::new(), proxy.upkeep());
        let task = tokio::spawn(proxy.serve(shutdown.clone()));
        Self { address, shutdown, upkeep, task }
    }

    /// Lets it look at its files now.
    pub fn look(&self) {
        self.upkeep.iter().for_each(|thing| thing.upkeep());
    }

    pub async fn stop(self) {
        self.shutdown.cancel();
        self.task.await.expect("proxy");
    }
}

/// Somebody who sends requests to the proxy.
pub struct User<'a> {
    world: &'a World,
    pub client: Arc<Client>,
}

impl User<'_> {
    pub async fn get(&self, path: &str) -> Response<Body> {
        self.send(Request::get(self.world.uri(path)).body(Body::empty()).expect("request")).await
    }

    pub async fn send(&self, request: Request<Body>) -> Response<Body> {
        self.client.send(request).await.expect("response")
    }

    /// What the shard saw of a request.
    pub async fn seen(&self, path: &str) -> Value {
        let response = self.get(path).await;
        assert_eq!(response.status(), 200, "{path}");
        json(response).await
    }

    pub async fn eventually(&self, path: &str, status: u16) {
        let mut last = 0;
        for _ in 0..500 {
            last = self.get(path).await.status().as_u16();
            if last == status {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("{path} stays at {last}");
    }

    /// Waits until a request lands where it should: `<shard> <path>`.
    pub async fn eventually_lands(&self, path: &str, landing: &str) {
        let mut last = String::new();
        for _ in 0..500 {
            let response = self.get(path).await;
            last = if response.status() == 200 { landed(&json(response).await) } else { String::new() };
            if last == landing {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("{path} lands at {last:?}");
    }
}

/// `<shard> <path>` of what a shard saw.
pub fn landed(seen: &Value) -> String {
    format!("{} {}", seen.str_at(&["shard"]).unwrap_or_default(), seen.str_at(&["path"]).unwrap_or_default())
}

pub async fn json(response: Response<Body>) -> Value {
    let bytes = response.into_body().collect(1 << 20).await.expect("body");
    decode(&bytes).expect("json")
}

fn config(directory: &Path, ca: &Ca, root: &FakeShard, setup: &Setup) -> Config {
    let write = |name: &str, content: &[u8]| {
        let path = directory.join(name);
        std::fs::write(&path, content).expect("write");
        path
    };
    let pair = |name: &str, pair: &KeyPairSource| {
        let certificate = write(&format!("{name}.crt"), &pair.certificate.read().expect("pem"));
        let key = write(&format!("{name}.key"), &pair.key.read().expect("pem"));
        KeyPairSource::files(certificate, key)
    };
    let bundle = write("ca.crt", &ca.bundle().read().expect("pem"));
    pair("admin", &ca.client("shard-admin", &["system:masters"]));
    pair("proxy", &ca.client("kcp-front-proxy", &[]));
    let kubeconfig = write("kubeconfig", kubeconfig(&root.url(), "ca.crt", "admin").as_bytes());
    let connection = format!(
        "backend_server_ca: '{0}/ca.crt', proxy_client_cert: '{0}/proxy.crt', proxy_client_key: '{0}/proxy.key'",
        directory.display()
    );
    let mappings = format!(
        "- {{path: /clusters/, backend: 'https://unused', {connection}}}\n\
         - {{path: /services/, backend: '{}', {connection}}}\n{}",
        root.url(),
        setup.mappings.replace("CONNECTION", &connection)
    );
    let dropped: Vec<String> =
        DROPPED_GROUPS.iter().map(|&group| group.to_owned()).chain(setup.drop_groups.clone()).collect();
    Config {
        host: IpAddr::V4(Ipv4Addr::LOCALHOST),
        port: 0,
        certificate: Some(pair("serving", &ca.server())),
        directory: directory.to_owned(),
        min_version: MinVersion::default(),
        http2: true,
        limits: Limits::default(),
        mapping_file: write("mapping.yaml", mappings.as_bytes()),
        root_kubeconfig: kubeconfig.clone(),
        shards_kubeconfig: kubeconfig,
        authentication: Authentication {
            client_ca: Some(bundle),
            token_file: setup.tokens.map(|tokens| write("tokens.csv", tokens.as_bytes())),
            groups: GroupFilter::new(&[], &dropped),
            ..Authentication::default()
        },
        cors: Cors::parse(setup.cors.iter().copied()).expect("regular expressions"),
    }
}

/// A kubeconfig whose files are `<ca>`, `<user>.crt` and `<user>.key`.
pub fn kubeconfig(server: &str, ca: &str, user: &str) -> String {
    format!(
        "{{clusters: [{{name: c, cluster: {{server: '{server}', certificate-authority: {ca}}}}}], \
         users: [{{name: u, user: {{client-certificate: {user}.crt, client-key: {user}.key}}}}], \
         contexts: [{{name: x, context: {{cluster: c, user: u}}}}], current-context: x}}"
    )
}

/// A workspace object.
pub fn workspace(name: &str, cluster: &str) -> Value {
    value!({
        "metadata": {"name": name},
        "spec": {"cluster": cluster, "URL": "https://front/clusters/x"},
        "status": {"phase": "Ready"}
    })
}

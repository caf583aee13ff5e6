//! Servers and clients on the loopback, with certificates of their own.
#![allow(dead_code, unreachable_pub, reason = "each test file uses a part")]

use http::{Request, Response, Uri};
use kcp_pki::{Algorithm, Authority, Encoding, PrivateKey, Spec, UnixTime, Validity};
use kcp_transport::{
    Body, Client, ClientLimits, ClientTls, KeyPairSource, Limits, Listener, Roots, Server, ServerTls,
    Service, ServingCertificate, Source,
};
use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// A certificate authority for one test.
pub struct Ca(Authority);

impl Ca {
    pub fn new(name: &str) -> Self {
        let key = PrivateKey::generate(Algorithm::default()).expect("key");
        Self(Authority::self_signed(&Spec::authority(name, validity()), key).expect("authority"))
    }

    pub fn bundle(&self) -> Source {
        Source::Inline(self.0.to_issued().root.to_pem().into_bytes())
    }

    pub fn server(&self) -> KeyPairSource {
        self.issue(&Spec::server(&["localhost", "127.0.0.1"], validity()))
    }

    pub fn client(&self, user: &str, groups: &[&str]) -> KeyPairSource {
        self.issue(&Spec::client(user, groups, validity()))
    }

    fn issue(&self, spec: &Spec) -> KeyPairSource {
        let key = PrivateKey::generate(Algorithm::default()).expect("key");
        let issued = self.0.issue(spec, &key.public()).expect("certificate");
        KeyPairSource {
            certificate: Source::Inline(issued.chain.to_pem().into_bytes()),
            key: Source::Inline(key.to_pem(Encoding::default()).into_bytes()),
        }
    }
}

fn validity() -> Validity {
    Validity::starting(UnixTime::now(), Duration::from_secs(3600))
}

/// A server that runs until it is stopped.
pub struct Running {
    pub address: SocketAddr,
    pub shutdown: CancellationToken,
    pub task: JoinHandle<()>,
}

impl Running {
    pub fn uri(&self, path: &str) -> Uri {
        format!("https://localhost:{}{path}", self.address.port()).parse().expect("uri")
    }

    /// Shuts down and waits until all has drained.
    pub async fn stop(self) {
        self.shutdown.cancel();
        self.task.await.expect("server");
    }
}

pub async fn serve(ca: &Ca, service: impl Service) -> Running {
    serve_with(ca, 0, Limits::default(), service).await
}

pub async fn serve_with(ca: &Ca, port: u16, limits: Limits, service: impl Service) -> Running {
    serve_tls(&ServerTls::new(ServingCertificate::load(ca.server()).expect("pair")), port, limits, service)
        .await
}

pub async fn serve_tls(tls: &ServerTls, port: u16, limits: Limits, service: impl Service) -> Running {
    let listener = Listener::bind(IpAddr::V4(Ipv4Addr::LOCALHOST), port).await.expect("bind");
    let address = listener.address();
    let server = Server::new(listener, tls, limits).expect("server");
    let shutdown = CancellationToken::new();
    let task = tokio::spawn(server.serve(service, shutdown.clone()));
    Running { address, shutdown, task }
}

pub fn tls(ca: &Ca, identity: Option<KeyPairSource>) -> ClientTls {
    ClientTls { roots: Roots::Bundle(ca.bundle()), identity, server_name: None }
}

pub fn client(ca: &Ca) -> Arc<Client> {
    Client::new(tls(ca, None), ClientLimits::default()).expect("client")
}

pub fn get(uri: Uri) -> Request<Body> {
    Request::get(uri).body(Body::empty()).expect("request")
}

pub async fn text(response: Response<Body>) -> String {
    let bytes = response.into_body().collect(16 << 20).await.expect("body");
    String::from_utf8(bytes.to_vec()).expect("text")
}

//! Asking a container something: the actions of probes and lifecycle hooks.

use std::{
    net::Ipv4Addr,
    sync::{Arc, OnceLock},
    time::Duration,
};

use bytes::Bytes;
use http_body_util::Empty;
use hyper_util::rt::TokioIo;
use k8s_openapi::{
    api::core::v1::{Container, HTTPGetAction, LifecycleHandler, Probe},
    apimachinery::pkg::util::intstr::IntOrString,
};
use rustls::{
    ClientConfig, DigitallySignedStruct, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    pki_types::{CertificateDer, ServerName, UnixTime},
};
use tokio::{io::AsyncReadExt, net::TcpStream};

use crate::spaces::pod;

/// So much of a command's output is kept as a reason.
const OUTPUT: u64 = 1024;

/// One question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Call {
    Http {
        secure: bool,
        host: Option<String>,
        port: u16,
        path: String,
        headers: Vec<(String, String)>,
    },
    Tcp {
        host: Option<String>,
        port: u16,
    },
    Exec(Vec<String>),
    Sleep(Duration),
    /// Cannot be asked here.
    Unsupported(&'static str),
}

/// Whom to ask.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub(crate) address: Ipv4Addr,
    /// Process 1 of the container, as the sandbox numbers it.
    pub(crate) pid: u32,
    pub(crate) env: Vec<(String, String)>,
    pub(crate) working_dir: String,
}

impl Call {
    pub(crate) fn of_probe(probe: &Probe, container: &Container) -> Self {
        if let Some(get) = &probe.http_get {
            Self::http(get, container)
        } else if let Some(tcp) = &probe.tcp_socket {
            match port(&tcp.port, container) {
                Some(port) => Self::Tcp { host: tcp.host.clone(), port },
                None => Self::Unsupported("a port of that name"),
            }
        } else if let Some(exec) = &probe.exec {
            Self::Exec(exec.command.clone().unwrap_or_default())
        } else {
            Self::Unsupported("this kind of probe")
        }
    }

    pub(crate) fn of_hook(hook: &LifecycleHandler, container: &Container) -> Self {
        if let Some(get) = &hook.http_get {
            Self::http(get, container)
        } else if let Some(exec) = &hook.exec {
            Self::Exec(exec.command.clone().unwrap_or_default())
        } else if let Some(sleep) = &hook.sleep {
            Self::Sleep(Duration::from_secs(u64::try_from(sleep.seconds).unwrap_or(0)))
        } else {
            Self::Unsupported("this kind of hook")
        }
    }

    fn http(get: &HTTPGetAction, container: &Container) -> Self {
        let Some(port) = port(&get.port, container) else { return Self::Unsupported("a port of that name") };
        let headers = get.http_headers.iter().flatten().map(|h| (h.name.clone(), h.value.clone()));
        Self::Http {
            secure: get.scheme.as_deref() == Some("HTTPS"),
            host: get.host.clone().filter(|host| !host.is_empty()),
            port,
            path: get.path.clone().filter(|path| !path.is_empty()).unwrap_or_else(|| "/".to_owned()),
            headers: headers.collect(),
        }
    }

    /// Asks, and waits for the answer at most that long.
    ///
    /// # Errors
    /// Says in one line why the answer is no.
    pub(crate) async fn ask(&self, target: &Target, timeout: Duration) -> Result<(), String> {
        match tokio::time::timeout(timeout, self.ask_for_ever(target)).await {
            Ok(answer) => answer,
            Err(_) => Err(format!("no answer within {timeout:?}")),
        }
    }

    async fn ask_for_ever(&self, target: &Target) -> Result<(), String> {
        let host_of = |host: &Option<String>| host.clone().unwrap_or_else(|| target.address.to_string());
        match self {
            Self::Http { secure, host, port, path, headers } => {
                let host = host_of(host);
                let stream = connect(&host, *port).await?;
                if *secure {
                    let name = ServerName::try_from(host.clone()).map_err(|error| error.to_string())?;
                    let connector = tokio_rustls::TlsConnector::from(trusting_config()?);
                    let stream = connector.connect(name, stream).await.map_err(|error| error.to_string())?;
                    http_get(stream, &host, *port, path, headers).await
                } else {
                    http_get(stream, &host, *port, path, headers).await
                }
            }
            Self::Tcp { host, port } => connect(&host_of(host), *port).await.map(|_| ()),
            Self::Exec(argv) => exec(target, argv.clone()).await,
            Self::Sleep(duration) => {
                tokio::time::sleep(*duration).await;
                Ok(())
            }
            Self::Unsupported(what) => Err(format!("{what} is not available")),
        }
    }
}

fn port(port: &IntOrString, container: &Container) -> Option<u16> {
    let number = match port {
        IntOrString::Int(number) => *number,
        IntOrString::String(name) => {
            let mut ports = container.ports.iter().flatten();
            match ports.find(|port| port.name.as_ref() == Some(name)) {
                Some(port) => port.container_port,
                None => name.parse().ok()?,
            }
        }
    };
    u16::try_from(number).ok().filter(|port| *port != 0)
}

async fn connect(host: &str, port: u16) -> Result<TcpStream, String> {
    TcpStream::connect((host, port)).await.map_err(|error| format!("dial tcp {host}:{port}: {error}"))
}

async fn http_get(
    stream: impl tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
    host: &str,
    port: u16,
    path: &str,
    headers: &[(String, String)],
) -> Result<(), String> {
    let told = |error: hyper::Error| error.to_string();
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake::<_, Empty<Bytes>>(TokioIo::new(stream)).await.map_err(told)?;
    let mut request = http::Request::get(path)
        .header(http::header::USER_AGENT, "kube-probe/1.36")
        .header(http::header::ACCEPT, "*/*")
        .header(http::header::CONNECTION, "close");
    let named = headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("host"));
    if !named {
        request = request.header(http::header::HOST, format!("{host}:{port}"));
    }
    for (name, value) in headers {
        request = request.header(name, value);
    }
    let request = request.body(Empty::new()).map_err(|error| error.to_string())?;
    // Both halves run on this task, so that a probe that is given up leaves nothing behind. A server that closes at
    // once may end the connection before the answer is looked at.
    let response = sender.send_request(request);
    tokio::pin!(response, connection);
    let response = tokio::select! {
        response = &mut response => response,
        _ = &mut connection => response.await,
    };
    let status = response.map_err(told)?.status();
    if (200..400).contains(&status.as_u16()) {
        Ok(())
    } else {
        Err(format!("HTTP probe failed with statuscode: {}", status.as_u16()))
    }
}

async fn exec(target: &Target, argv: Vec<String>) -> Result<(), String> {
    let what = pod::Exec { argv, env: target.env.clone(), working_dir: target.working_dir.clone() };
    let mut child = pod::exec(target.pid, what).await.map_err(|error| error.to_string())?;
    let (mut said, out) = (Vec::new(), child.stdout.take());
    if let Some(out) = out {
        out.take(OUTPUT).read_to_end(&mut said).await.map_err(|error| error.to_string())?;
    }
    let status = child.wait().await.map_err(|error| error.to_string())?;
    if status.success() {
        return Ok(());
    }
    Err(format!("command ended with {status}: {}", String::from_utf8_lossy(&said).trim()))
}

/// A probe asks whether a server answers, not who it is.
fn trusting_config() -> Result<Arc<ClientConfig>, String> {
    static CONFIG: OnceLock<Arc<ClientConfig>> = OnceLock::new();
    if let Some(config) = CONFIG.get() {
        return Ok(Arc::clone(config));
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let schemes = provider.signature_verification_algorithms.supported_schemes();
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Trusting(schemes)))
        .with_no_client_auth();
    Ok(Arc::clone(CONFIG.get_or_init(|| Arc::new(config))))
}

#[derive(Debug)]
struct Trusting(Vec<SignatureScheme>);

impl ServerCertVerifier for Trusting {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.clone()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tokio::io::AsyncWriteExt;

    use super::*;

    fn target() -> Target {
        Target { address: Ipv4Addr::LOCALHOST, pid: 1, env: Vec::new(), working_dir: "/".into() }
    }

    /// Asks a server that answers with this status line, through the probe's own description.
    async fn check(status: &'static str) -> Result<(), String> {
        let server = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = server.local_addr().unwrap().port();
        let mut serving = tokio::task::JoinSet::new();
        serving.spawn(async move {
            let (mut stream, _) = server.accept().await.unwrap();
            let mut request = vec![0; 1024];
            let got = stream.read(&mut request).await.unwrap();
            assert!(String::from_utf8_lossy(&request[..got]).starts_with("GET /ready HTTP/1.1\r\n"));
            stream
                .write_all(format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n").as_bytes())
                .await
                .unwrap();
            stream.shutdown().await.ok();
        });
        let probe = json!({ "httpGet": { "path": "/ready", "port": "web" } });
        let container = json!({ "name": "c", "ports": [{ "name": "web", "containerPort": port }] });
        let call = Call::of_probe(
            &serde_json::from_value(probe).unwrap(),
            &serde_json::from_value(container).unwrap(),
        );
        call.ask(&target(), Duration::from_secs(5)).await
    }

    #[tokio::test]
    async fn an_answer_below_400_is_a_success() {
        assert_eq!(check("200 OK").await, Ok(()));
        assert_eq!(check("302 Found").await, Ok(()));
        assert_eq!(check("500 X").await, Err("HTTP probe failed with statuscode: 500".to_owned()));
    }

    #[test]
    fn a_port_is_a_number_or_a_name_of_the_container() {
        let container: Container =
            serde_json::from_value(json!({ "name": "c", "ports": [{ "name": "a", "containerPort": 81 }] }))
                .unwrap();
        assert_eq!(port(&IntOrString::Int(80), &container), Some(80));
        assert_eq!(port(&IntOrString::String("a".into()), &container), Some(81));
        assert_eq!(port(&IntOrString::String("82".into()), &container), Some(82));
        assert_eq!(port(&IntOrString::String("b".into()), &container), None);
        assert_eq!(port(&IntOrString::Int(65536), &container), None);
    }
}

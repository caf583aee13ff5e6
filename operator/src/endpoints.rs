//! What the operator serves: its health, and its metrics to those who may see them.

use std::convert::Infallible;
use std::future::Future;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use k8s_openapi::api::authentication::v1::{TokenReview, TokenReviewSpec};
use k8s_openapi::api::authorization::v1::{
    NonResourceAttributes, SubjectAccessReview, SubjectAccessReviewSpec,
};
use kcp_pki::{Algorithm, Authority, Encoding, PrivateKey, Spec, Validity};
use kube::api::PostParams;
use kube::{Api, Client};
use rustls_pki_types::{PrivateKeyDer, pem::PemObject as _};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use crate::context::{Context, now, unix};

/// Connections at once; more have to wait.
const MAX_CONNECTIONS: usize = 64;
/// How long one connection may last.
const CONNECTION_TIME: Duration = Duration::from_secs(60);

type Answer = Response<Full<Bytes>>;

/// Opens a port. `[::]` is tried first, for both families, then IPv4 alone.
pub(crate) async fn listen(address: SocketAddr) -> std::io::Result<TcpListener> {
    match TcpListener::bind(address).await {
        Err(_) if address.ip().is_unspecified() => {
            TcpListener::bind(SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), address.port())).await
        }
        bound => bound,
    }
}

/// Serves `/healthz` and `/readyz`: the process runs, which is all there is to say without asking others.
pub(crate) async fn health(listener: TcpListener, stop: CancellationToken) {
    let answer = |request: Request<Incoming>| async move {
        match request.uri().path() {
            "/healthz" | "/readyz" => text(StatusCode::OK, "ok"),
            _ => text(StatusCode::NOT_FOUND, "not found"),
        }
    };
    serve(listener, None, stop, answer).await;
}

/// Serves `/metrics`. Behind TLS only to those whom the cluster lets `get` that path.
pub(crate) async fn metrics(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    context: Arc<Context>,
    stop: CancellationToken,
) {
    let secure = tls.is_some();
    let answer = move |request: Request<Incoming>| {
        let context = context.clone();
        async move {
            if request.method() != Method::GET || request.uri().path() != "/metrics" {
                return text(StatusCode::NOT_FOUND, "not found");
            }
            let refused = if secure { refuse(&context.client, &request).await } else { None };
            refused.unwrap_or_else(|| text(StatusCode::OK, &context.metrics.text()))
        }
    };
    serve(listener, tls, stop, answer).await;
}

/// TLS with a certificate of the day: who scrapes is told by a token, not by whom it trusts.
pub(crate) fn self_signed() -> Result<TlsAcceptor, String> {
    let failed = |error: &dyn ToString| error.to_string();
    let key = PrivateKey::generate(Algorithm::EcdsaP256).map_err(|error| failed(&error))?;
    let key_pem = key.to_pem(Encoding::Pkcs8);
    let validity = Validity::starting(unix(now()), Duration::from_secs(10 * 365 * 24 * 3600));
    let spec = Spec { common_name: "kcp-operator".to_owned(), ..Spec::server(&["localhost"], validity) };
    let issued = Authority::self_signed(&spec, key).map_err(|error| failed(&error))?.to_issued();
    let key = PrivateKeyDer::from_pem_slice(key_pem.as_bytes()).map_err(|error| failed(&error))?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| failed(&error))?
        .with_no_client_auth()
        .with_single_cert(issued.root.certificates().to_vec(), key)
        .map_err(|error| failed(&error))?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// The answer to somebody who may not read metrics.
async fn refuse(client: &Client, request: &Request<Incoming>) -> Option<Answer> {
    let token = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let Some(token) = token.and_then(|value| value.strip_prefix("Bearer ")) else {
        return Some(text(StatusCode::UNAUTHORIZED, "a bearer token is needed"));
    };
    match may_read(client, token).await {
        Ok(Access::Granted) => None,
        Ok(Access::Unknown) => Some(text(StatusCode::UNAUTHORIZED, "the token is not valid")),
        Ok(Access::Denied) => Some(text(StatusCode::FORBIDDEN, "reading metrics is not allowed")),
        Err(error) => {
            tracing::warn!(%error, "cannot find out who reads metrics");
            Some(text(StatusCode::INTERNAL_SERVER_ERROR, "the cluster cannot be asked"))
        }
    }
}

enum Access {
    Granted,
    Denied,
    Unknown,
}

async fn may_read(client: &Client, token: &str) -> kube::Result<Access> {
    let spec = TokenReviewSpec { token: token.to_owned(), audiences: None };
    let review = TokenReview { spec, ..TokenReview::default() };
    let review = Api::<TokenReview>::all(client.clone()).create(&PostParams::default(), &review).await?;
    let status = review.status.filter(|status| status.authenticated == Some(true));
    let Some(user) = status.and_then(|status| status.user) else { return Ok(Access::Unknown) };
    let review = SubjectAccessReview {
        spec: SubjectAccessReviewSpec {
            user: user.username,
            groups: user.groups,
            uid: user.uid,
            extra: user.extra,
            non_resource_attributes: Some(NonResourceAttributes {
                path: Some("/metrics".to_owned()),
                verb: Some("get".to_owned()),
            }),
            ..SubjectAccessReviewSpec::default()
        },
        ..SubjectAccessReview::default()
    };
    let review =
        Api::<SubjectAccessReview>::all(client.clone()).create(&PostParams::default(), &review).await?;
    Ok(if review.status.is_some_and(|status| status.allowed) { Access::Granted } else { Access::Denied })
}

async fn serve<F>(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    stop: CancellationToken,
    answer: impl Fn(Request<Incoming>) -> F + Clone + Send + 'static,
) where
    F: Future<Output = Answer> + Send + 'static,
{
    let (room, mut connections) = (Arc::new(Semaphore::new(MAX_CONNECTIONS)), JoinSet::new());
    loop {
        let accepted = async {
            let permit = room.clone().acquire_owned().await.ok()?;
            let (stream, _) = listener.accept().await.ok()?;
            Some((permit, stream))
        };
        let Some(accepted) = stop.run_until_cancelled(accepted).await else { break };
        while connections.try_join_next().is_some() {}
        let Some((permit, stream)) = accepted else {
            // Out of file handles, most likely; a moment later there may be some.
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        let (tls, answer) = (tls.clone(), answer.clone());
        connections.spawn(async move {
            let _permit = permit;
            let connection = connection(stream, tls, answer);
            if tokio::time::timeout(CONNECTION_TIME, connection).await.is_err() {
                tracing::debug!("a connection took too long");
            }
        });
    }
    connections.shutdown().await;
}

async fn connection<F>(
    stream: TcpStream,
    tls: Option<TlsAcceptor>,
    answer: impl Fn(Request<Incoming>) -> F + Clone + Send + 'static,
) where
    F: Future<Output = Answer> + Send + 'static,
{
    match tls {
        Some(tls) => {
            if let Ok(stream) = tls.accept(stream).await {
                requests(stream, answer).await;
            }
        }
        None => requests(stream, answer).await,
    }
}

async fn requests<S, F>(stream: S, answer: impl Fn(Request<Incoming>) -> F + Clone + Send + 'static)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    F: Future<Output = Answer> + Send + 'static,
{
    let service = service_fn(move |request| {
        let answer = answer(request);
        async move { Ok::<_, Infallible>(answer.await) }
    });
    if let Err(error) =
        Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service).await
    {
        tracing::debug!(%error, "a connection ended");
    }
}

fn text(status: StatusCode, body: &str) -> Answer {
    let mut answer = Response::new(Full::new(Bytes::from(body.to_owned())));
    *answer.status_mut() = status;
    let plain = header::HeaderValue::from_static("text/plain; charset=utf-8");
    answer.headers_mut().insert(header::CONTENT_TYPE, plain);
    answer
}

use super::{
    ClientError,
    connect::Target,
    pool::{Sent, Server},
};
use crate::Body;
use http::{HeaderValue, Request, Response, Uri, Version, header::HOST};
use hyper::{
    body::Incoming,
    client::conn::{TrySendError, http1, http2},
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

/// How long a connection may take to be ready again once its response was read or dropped.
const SETTLE: Duration = Duration::from_secs(5);

/// A connection, or a stream of one, for one request.
#[derive(Debug)]
pub(super) struct Lease {
    link: Link,
    kept: bool,
}

#[derive(Debug)]
enum Link {
    Http2(http2::SendRequest<Body>, StreamPlace),
    Http1(Http1),
}

impl Lease {
    /// A stream on a shared connection.
    pub(super) fn http2(sender: http2::SendRequest<Body>, streams: Arc<AtomicUsize>, kept: bool) -> Self {
        streams.fetch_add(1, Ordering::Relaxed);
        Self { link: Link::Http2(sender, StreamPlace(streams)), kept }
    }

    /// A whole connection, which goes to `home` afterwards if there is one.
    pub(super) fn http1(sender: http1::SendRequest<Body>, home: Option<Arc<Server>>, kept: bool) -> Self {
        Self { link: Link::Http1(Http1 { sender: Some(sender), home }), kept }
    }

    /// Sends the request. The response's body holds the lease.
    pub(super) async fn send(self, target: &Target, request: Request<Body>) -> Result<Response<Body>, Sent> {
        let kept = self.kept;
        match self.link {
            Link::Http2(mut sender, place) => {
                let request = for_http2(request);
                answer(sender.try_send_request(request).await, place, target, kept)
            }
            Link::Http1(mut connection) => {
                let Some(sender) = &mut connection.sender else {
                    return Err(Sent::Never(Box::new(request), kept));
                };
                // The URI must survive for another attempt, and the wire shows only its path.
                let (request, uri) = for_http1(request, target);
                let sent = sender.try_send_request(request).await;
                answer(sent, connection, target, kept).map_err(|sent| sent.at(uri))
            }
        }
    }
}

impl Sent {
    /// Gives an unsent request its full URI again.
    fn at(self, uri: Uri) -> Self {
        match self {
            Self::Never(mut request, kept) => {
                *request.uri_mut() = uri;
                Self::Never(request, kept)
            }
            perhaps @ Self::Perhaps(..) => perhaps,
        }
    }
}

fn answer(
    sent: Result<Response<Incoming>, TrySendError<Request<Body>>>,
    lease: impl std::any::Any + Send,
    target: &Target,
    kept: bool,
) -> Result<Response<Body>, Sent> {
    match sent {
        Ok(response) => Ok(response.map(|body| Body::from(body).guarded(lease))),
        Err(mut error) => Err(match error.take_message() {
            Some(request) => Sent::Never(Box::new(request), kept),
            None => {
                let reason = error.into_error().to_string();
                Sent::Perhaps(ClientError::Broken { server: target.to_string(), reason }, kept)
            }
        }),
    }
}

fn for_http2(mut request: Request<Body>) -> Request<Body> {
    *request.version_mut() = Version::HTTP_2;
    // The authority of the URI says it.
    request.headers_mut().remove(HOST);
    request
}

fn for_http1(mut request: Request<Body>, target: &Target) -> (Request<Body>, Uri) {
    *request.version_mut() = Version::HTTP_11;
    let authority = request.uri().authority().map_or_else(|| target.to_string(), ToString::to_string);
    if let Ok(host) = HeaderValue::from_str(&authority) {
        request.headers_mut().insert(HOST, host);
    }
    let path = request.uri().path_and_query().cloned();
    let origin = path.map_or_else(|| Uri::from_static("/"), Uri::from);
    let uri = std::mem::replace(request.uri_mut(), origin);
    (request, uri)
}

/// One request on an HTTP/2 connection.
#[derive(Debug)]
struct StreamPlace(Arc<AtomicUsize>);

impl Drop for StreamPlace {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// An HTTP/1.1 connection that goes home when its response is done with.
#[derive(Debug)]
struct Http1 {
    sender: Option<http1::SendRequest<Body>>,
    home: Option<Arc<Server>>,
}

impl Drop for Http1 {
    fn drop(&mut self) {
        let (Some(mut sender), Some(home)) = (self.sender.take(), self.home.take()) else { return };
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                // A response that was not read to its end closes the connection instead.
                if let Ok(Ok(())) = tokio::time::timeout(SETTLE, sender.ready()).await {
                    home.give_back(sender);
                }
            });
        }
    }
}

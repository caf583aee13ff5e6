//! A request, from its head to where it goes.
//!
//! Finding the place comes first and answers nobody; then the caller is authenticated, and only then is
//! anything said or forwarded. Whoever asks for a workspace that does not exist gets what they would get
//! for one that they may not enter.

use crate::{
    attributes::attributes,
    directory::Directory,
    ending::{end_with, is_watch},
    health::{self, Checks},
    identity::{Identity, Stamp},
    metrics::Metrics,
    review::may_read_metrics,
    routes::{Place, Route, Routes, Table, is_ambiguous},
    status,
};
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, Uri, header::WWW_AUTHENTICATE,
    uri::PathAndQuery,
};
use kcp_authn::peek_cluster;
use kcp_authz::{User, forbidden};
use kcp_transport::{Body, Cors, Peer, forward};
use std::{sync::Arc, time::Instant};

/// Marks requests that a proxy has given their logical cluster already.
const SHARDED: HeaderName = HeaderName::from_static("x-kubernetes-sharded-request");
/// What a refusal says, here and at the shards.
const DENIED: &str = "access denied";

/// The proxy, as a function from request to response.
pub(crate) struct Handler {
    pub(crate) identity: Arc<Identity>,
    pub(crate) directory: Arc<Directory>,
    pub(crate) routes: Arc<Routes>,
    pub(crate) metrics: Metrics,
    pub(crate) cors: Cors,
}

impl Handler {
    /// Answers one request.
    pub(crate) async fn serve(&self, peer: &Peer, request: Request<Body>) -> Response<Body> {
        let (begun, method) = (Instant::now(), request.method().clone());
        if let Some(answer) = self.health(peer, request.uri()) {
            return answer;
        }
        let origin = self.cors.origin(request.headers());
        if let Some(answer) = origin.as_ref().and_then(|origin| origin.preflight(&method)) {
            return answer;
        }
        let mut response = self.respond(peer, request).await;
        if let Some(origin) = &origin {
            origin.allow(response.headers_mut());
        }
        self.metrics.answered(&method, response.status(), begun.elapsed());
        response
    }

    fn health(&self, peer: &Peer, uri: &Uri) -> Option<Response<Body>> {
        let ready = Checks(vec![
            ("ping", true),
            ("shards", self.directory.is_ready()),
            ("shutdown", !peer.drain.has_begun()),
        ]);
        health::answer(uri.path(), uri.query().unwrap_or_default(), Checks(vec![("ping", true)]), ready)
    }

    async fn respond(&self, peer: &Peer, mut request: Request<Body>) -> Response<Body> {
        if is_ambiguous(request.uri().path()) {
            return status::bad_request("the path has segments that are no names");
        }
        enter_own_cluster(&mut request);
        let table = self.routes.table();
        let place = table.find(&self.directory, request.uri().path());
        let user = match self.identity.of(peer, request.headers_mut()).await {
            Ok(user) => user,
            Err(error) => {
                tracing::debug!(peer = %peer.address, %error, "not authenticated");
                return unauthorized();
            }
        };
        if request.uri().path() == "/metrics" {
            return self.report(user).await;
        }
        match self.look_twice(&table, place, request.uri().path()).await {
            Place::To(route, url) => send(peer, request, &route, &url, user.as_ref()).await,
            Place::Unknown(workspace) => {
                match table.judge(&self.directory, &workspace, request.uri().path()) {
                    Some((route, url)) => send_to_judge(peer, request, &route, &url, user).await,
                    None => refuse(user, &request),
                }
            }
            Place::Refused => refuse(user, &request),
            Place::Unavailable => status::text(StatusCode::SERVICE_UNAVAILABLE, "Not available.\n"),
            Place::Nowhere => status::text(StatusCode::NOT_FOUND, "404 page not found\n"),
        }
    }

    /// Before something is unknown for good, its shards are asked.
    async fn look_twice(&self, table: &Table, place: Place, path: &str) -> Place {
        match place {
            Place::Unknown(workspace) => {
                self.directory.resolve_by_asking(&workspace).await;
                table.find(&self.directory, path)
            }
            known @ (Place::To(..) | Place::Refused | Place::Unavailable | Place::Nowhere) => known,
        }
    }

    async fn report(&self, user: Option<User>) -> Response<Body> {
        let Some(user) = user else { return unauthorized() };
        match may_read_metrics(self.directory.root(), &user).await {
            Ok(true) => status::respond(
                StatusCode::OK,
                "application/openmetrics-text; version=1.0.0; charset=utf-8",
                self.metrics.report(&self.directory).into(),
            ),
            Ok(false) => {
                let asked = attributes(user, &Method::GET, "/metrics", &Uri::from_static("/metrics"));
                status::forbidden(&forbidden(&asked, ""))
            }
            Err(error) => {
                tracing::error!(%error, "cannot find out who may read metrics");
                status::internal("cannot find out whether this is allowed")
            }
        }
    }
}

/// Sends a request on, with the caller's identity in place of any that came with it.
async fn send(
    peer: &Peer,
    request: Request<Body>,
    route: &Route,
    url: &str,
    user: Option<&User>,
) -> Response<Body> {
    let Ok(stamp) = Stamp::new(&route.mapping.headers, user) else {
        return status::bad_request("the user cannot be passed on");
    };
    let query = request.uri().query().unwrap_or_default().to_owned();
    let url = if query.is_empty() { url.to_owned() } else { format!("{url}?{query}") };
    let Ok(uri) = url.parse::<Uri>() else {
        return status::bad_request("the URL cannot be passed on");
    };
    let watch = is_watch(&query);
    let response =
        forward(&route.client, peer, request, uri, |headers: &mut HeaderMap| stamp.put(headers)).await;
    if watch { end_with(response, &peer.drain) } else { response }
}

/// Lets a shard refuse what does not exist: it knows tokens and impersonation, and gives the very answer that it
/// gives for a workspace that exists and is not open to the user.
async fn send_to_judge(
    peer: &Peer,
    request: Request<Body>,
    route: &Route,
    url: &str,
    user: Option<User>,
) -> Response<Body> {
    let mut asked = Request::new(Body::empty());
    *asked.method_mut() = request.method().clone();
    *asked.uri_mut() = request.uri().clone();
    *asked.headers_mut() = request.headers().clone();
    let answer = send(peer, request, route, url, user.as_ref()).await;
    match answer.status() {
        // A judge who is away, or tells a friend of the house that there is nothing.
        StatusCode::NOT_FOUND | StatusCode::BAD_GATEWAY | StatusCode::GATEWAY_TIMEOUT => refuse(user, &asked),
        _ => answer,
    }
}

/// The same answer for what does not exist and what the user may not see.
fn refuse(user: Option<User>, request: &Request<Body>) -> Response<Body> {
    let path = request.uri().path();
    let below =
        path.strip_prefix("/clusters/").map_or(path, |below| below.find('/').map_or("/", |at| &below[at..]));
    let asked = attributes(user.unwrap_or_else(User::anonymous), request.method(), below, request.uri());
    status::forbidden(&forbidden(&asked, DENIED))
}

fn unauthorized() -> Response<Body> {
    let mut response = status::unauthorized();
    response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"kcp\""));
    response
}

/// Clients inside of pods know no `/clusters/…`: their service account's token says where they are.
fn enter_own_cluster(request: &mut Request<Body>) {
    let path = request.uri().path();
    let placed = path.starts_with("/clusters/") || path.starts_with("/services/");
    if placed || request.headers().contains_key(SHARDED) {
        return;
    }
    let Some(cluster) = peek_cluster(request.headers()) else { return };
    let path = request.uri().path_and_query().map_or("/", PathAndQuery::as_str);
    // Built from two paths that were parsed already; were it no URI, it would be left as it is.
    if let Ok(uri) = format!("/clusters/{cluster}{path}").parse() {
        *request.uri_mut() = uri;
    }
}

//! A request from socket to store. Each step takes what the step above returned, so none can be
//! skipped or moved, and every route takes all of them.

use crate::{
    ApiServer, Error,
    audit::Trace,
    clock, compress,
    request::{ClusterPart, Info, Options, Target, Verb, parse_uri},
    respond,
};
use http::{HeaderMap, Method, Request, Response, header};
use kcp_authn::peek_cluster;
use kcp_authz::{Attributes, Depth, Impersonation, ImpersonationDenied, Reach, User};
use kcp_index::Resolved;
use kcp_names::{ClusterName, WorkspacePath};
use kcp_transport::{Body, Peer};
use std::{sync::Arc, time::Duration};

/// Longest time that a request may take which is no watch; Kubernetes' default for `--request-timeout`.
const PATIENCE: Duration = Duration::from_secs(60);

/// A request whose line and headers have been read.
pub(crate) struct Parsed {
    pub method: Method,
    pub headers: HeaderMap,
    pub info: Info,
    pub raw_query: String,
    /// Path and query, as they came.
    pub uri: String,
    /// The request itself: its body, and its upgrade if it is one. Behind a lock because a body can only
    /// be read by one.
    http: parking_lot::Mutex<Option<Request<Body>>>,
}

impl Parsed {
    /// The request with its body. Once.
    pub(crate) fn take(&self) -> Request<Body> {
        self.http.lock().take().unwrap_or_else(|| Request::new(Body::empty()))
    }
}

/// Where a request belongs.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Place {
    /// No logical cluster.
    Nowhere,
    /// All of them.
    Everywhere,
    /// This one, whether it exists or not.
    Here(ClusterName),
    /// Another server, which a workspace stands for.
    Mount { url: String, rest: String },
    /// Another shard.
    Elsewhere,
    /// There, but not to be used now.
    Unavailable,
    /// No such workspace.
    Unknown(WorkspacePath),
}

/// A request whose sender is known.
pub(crate) struct Authenticated {
    pub parsed: Parsed,
    pub place: Place,
    pub user: User,
    pub trace: Trace,
}

impl ApiServer {
    /// Answers one request. Nowhere else does an error become a `Status` body.
    pub async fn serve(self: &Arc<Self>, peer: Arc<Peer>, http: Request<Body>) -> Response<Body> {
        let started = std::time::Instant::now();
        let (method, accept) = (http.method().clone(), http.headers().get(header::ACCEPT).cloned());
        let shrink = compress::is_wanted(http.headers());
        let origin = self.cors.origin(http.headers());
        if let Some(answer) = origin.as_ref().and_then(|origin| origin.preflight(&method)) {
            return answer;
        }
        let mut response = match self.respond(&peer, http).await {
            Ok(response) => response,
            Err(error) => respond::failure(&error, accept.as_ref()),
        };
        if method == Method::HEAD {
            response = respond::without_body(response);
        } else if shrink && method == Method::GET {
            response = compress::compress(response);
        }
        if let Some(origin) = origin {
            origin.allow(response.headers_mut());
        }
        self.metrics.request(&method, response.status(), started.elapsed());
        response
    }

    async fn respond(
        self: &Arc<Self>,
        peer: &Arc<Peer>,
        http: Request<Body>,
    ) -> Result<Response<Body>, Error> {
        let parsed = Self::parse(http)?;
        let parsed = self.home_of_token(parsed)?;
        let place = self.resolve(&parsed); // finds the place and answers nobody
        let request = self.authenticate(peer, parsed, place).await?;
        let trace = request.trace.clone();
        let result = match patience(&request.parsed) {
            Ok(None) => self.answer(peer, request).await,
            Ok(Some(patience)) => {
                let answer = tokio::time::timeout(patience, self.answer(peer, request));
                answer.await.unwrap_or(Err(Error::TookTooLong))
            }
            Err(error) => Err(error),
        };
        match result {
            Ok(response) => Ok(self.audit.answered(&trace, response)),
            Err(error) => {
                self.audit.refused(&trace, &error);
                Err(error)
            }
        }
    }

    async fn answer(
        self: &Arc<Self>,
        peer: &Arc<Peer>,
        request: Authenticated,
    ) -> Result<Response<Body>, Error> {
        match request.place.clone() {
            Place::Mount { url, rest } => self.forward(request, &url, &rest).await,
            Place::Nowhere | Place::Everywhere | Place::Here(_) => self.submit(peer, request).await,
            Place::Elsewhere => self.outside(request, Error::OtherShard).await,
            Place::Unavailable => self.outside(request, Error::WorkspaceUnavailable).await,
            Place::Unknown(path) => self.outside(request, Error::NoSuchWorkspace(path.to_string())).await,
        }
    }

    fn parse(http: Request<Body>) -> Result<Parsed, Error> {
        let info = parse_uri(http.uri().path())?;
        let raw_query = http.uri().query().unwrap_or_default().to_owned();
        let uri = http.uri().path_and_query().map(ToString::to_string).unwrap_or_default();
        let (method, headers) = (http.method().clone(), http.headers().clone());
        Ok(Parsed { method, headers, info, raw_query, uri, http: parking_lot::Mutex::new(Some(http)) })
    }

    /// A service account that names no cluster means its own. The token is believed for this only; it is
    /// verified when the request is authenticated, in the very cluster that it named.
    fn home_of_token(&self, mut parsed: Parsed) -> Result<Parsed, Error> {
        let bare = parsed.info.cluster == ClusterPart::None && !parsed.info.path.starts_with("/services/");
        if bare
            && !parsed.headers.contains_key("x-kubernetes-sharded-request")
            && let Some(cluster) = peek_cluster(&parsed.headers)
        {
            parsed.info.cluster = ClusterPart::Path(WorkspacePath::from(&cluster));
        }
        Ok(parsed)
    }

    fn resolve(&self, parsed: &Parsed) -> Place {
        let path = match &parsed.info.cluster {
            ClusterPart::None => return Place::Nowhere,
            ClusterPart::Wildcard => return Place::Everywhere,
            ClusterPart::Path(path) => path,
        };
        if let Some(name) = path.as_name() {
            return Place::Here(name);
        }
        match self.index.resolve(path) {
            Resolved::Here { cluster, .. } => Place::Here(cluster),
            Resolved::Mount { url, rest } => Place::Mount { url: url.to_string(), rest: rest.join(":") },
            Resolved::Elsewhere { .. } => Place::Elsewhere,
            Resolved::Unavailable => Place::Unavailable,
            Resolved::Unknown => Place::Unknown(path.clone()),
        }
    }

    async fn authenticate(
        &self,
        peer: &Peer,
        mut parsed: Parsed,
        place: Place,
    ) -> Result<Authenticated, Error> {
        let mut trace = self.audit.begin(&parsed, &place, peer);
        let authn = self.identity.load_full();
        let identity = authn.authn.authenticate(&peer.certificates, &mut parsed.headers, clock::unix()).await;
        let user = match identity {
            Ok(found) => found.user,
            Err(error) => {
                self.audit.refused(&trace, &Error::Unauthorized);
                tracing::debug!(%error, "unauthorized");
                return Err(Error::Unauthorized);
            }
        };
        trace.user(&user);
        let request = Authenticated { parsed, place, user, trace };
        self.impersonate(request).await
    }

    /// `Impersonate-*` headers, if whoever asks may use them here.
    async fn impersonate(&self, mut request: Authenticated) -> Result<Authenticated, Error> {
        let headers = request
            .parsed
            .headers
            .iter()
            .filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
        let wanted = Impersonation::read(headers).map_err(|e| Error::BadRequest(e.to_string()))?;
        let Some(wanted) = wanted else { return Ok(request) };
        let user = match self.authz.impersonate(&request.user, &wanted, &reach(&request.place)).await {
            Ok(user) => user,
            Err(ImpersonationDenied::Forbidden(refused)) => return Err(refused.into()),
            Err(ImpersonationDenied::Lookup(error)) => return Err(Error::Internal(error.to_string())),
        };
        request.trace.impersonated(&user);
        request.user = user;
        Ok(request)
    }

    /// From authorization on.
    async fn submit(
        self: &Arc<Self>,
        peer: &Arc<Peer>,
        request: Authenticated,
    ) -> Result<Response<Body>, Error> {
        if let Some(answer) = self.home_workspace(&request).await? {
            return Ok(answer);
        }
        let verb = verb(&request.parsed)?;
        let attributes = attributes(&request, verb);
        self.require(&attributes, Depth::Whole, Some(&request.trace)).await?;
        self.check_inactive(&request, &attributes).await?;
        match request.parsed.info.target.clone() {
            Target::Path => self.path(peer, request).await,
            Target::Resource(target) => self.resource(peer, request, target, verb.unwrap_or(Verb::Get)).await,
        }
    }

    /// Whoever may not enter a workspace learns nothing about it: not that it does not exist, either.
    async fn outside(&self, request: Authenticated, answer: Error) -> Result<Response<Body>, Error> {
        let attributes = attributes(&request, verb(&request.parsed)?);
        // An unknown place has no policy of its own, so only those pass who may go everywhere.
        self.require(&attributes, Depth::Whole, Some(&request.trace)).await?;
        Err(answer)
    }

    /// Lets a request pass that the authorizer allows.
    pub(crate) async fn require(
        &self,
        what: &Attributes,
        depth: Depth,
        trace: Option<&Trace>,
    ) -> Result<(), Error> {
        let verdict = self.authz.authorize(what, depth).await.map_err(|e| Error::Internal(e.to_string()))?;
        if let Some(trace) = trace {
            trace.authorized(&verdict);
        }
        if verdict.is_allowed() {
            return Ok(());
        }
        Err(kcp_authz::forbidden(what, &verdict.reason).into())
    }
}

/// How far a place reaches. An unknown path reaches into a cluster that nobody can have.
pub(crate) fn reach(place: &Place) -> Reach {
    match place {
        Place::Nowhere => Reach::Nowhere,
        Place::Everywhere => Reach::EveryCluster,
        Place::Here(cluster) => Reach::Cluster(cluster.clone()),
        Place::Mount { .. } | Place::Elsewhere | Place::Unavailable | Place::Unknown(_) => Reach::Cluster(
            ClusterName::parse("system:unknown").unwrap_or_else(|_| ClusterName::system_shard()),
        ),
    }
}

/// How long a request may take until the head of its answer is there; `None` for those that last.
fn patience(parsed: &Parsed) -> Result<Option<Duration>, Error> {
    if let Target::Resource(target) = &parsed.info.target {
        let streams = |name: &str| matches!(name, "log" | "exec" | "attach" | "portforward" | "proxy");
        if target.subresource.as_deref().is_some_and(streams)
            || verb(parsed).ok().flatten() == Some(Verb::Watch)
        {
            return Ok(None);
        }
    }
    let wanted = parsed.raw_query.split('&').find_map(|field| field.strip_prefix("timeout="));
    let Some(wanted) = wanted.filter(|wanted| !wanted.is_empty()) else { return Ok(Some(PATIENCE)) };
    let duration = kcp_apimachinery::time::Duration::parse(wanted).ok();
    let nanoseconds = duration.and_then(|duration| u64::try_from(duration.0).ok());
    match nanoseconds {
        Some(0) => Ok(Some(PATIENCE)),
        Some(nanoseconds) => Ok(Some(PATIENCE.min(Duration::from_nanos(nanoseconds)))),
        None => Err(Error::BadRequest("invalid timeout specified in the request URL".to_owned())),
    }
}

/// The verb of a request on a resource; `None` for paths.
fn verb(parsed: &Parsed) -> Result<Option<Verb>, Error> {
    let Target::Resource(target) = &parsed.info.target else { return Ok(None) };
    let named = target.name.is_some();
    Ok(Some(match parsed.method {
        Method::GET | Method::HEAD if named && target.subresource.is_some() => Verb::Get,
        Method::GET | Method::HEAD => {
            let options = Options::parse(&parsed.raw_query)?;
            match (options.watch, named) {
                (true, _) => Verb::Watch,
                (false, true) => Verb::Get,
                (false, false) => Verb::List,
            }
        }
        Method::POST => Verb::Create,
        Method::PUT => Verb::Update,
        Method::PATCH => Verb::Patch,
        Method::DELETE if named => Verb::Delete,
        Method::DELETE => Verb::DeleteCollection,
        _ => {
            return Err(Error::MethodNotAllowed(
                "the server does not allow this method on the requested resource".to_owned(),
            ));
        }
    }))
}

/// What the authorizer is asked.
pub(crate) fn attributes(request: &Authenticated, verb: Option<Verb>) -> Attributes {
    let target = match &request.parsed.info.target {
        Target::Path => kcp_authz::Target::Path(request.parsed.info.path.clone()),
        Target::Resource(target) => kcp_authz::Target::Resource(kcp_authz::ResourceTarget {
            group: target.group.clone(),
            version: target.version.clone(),
            resource: target.resource.clone(),
            subresource: target.subresource.clone().unwrap_or_default(),
            namespace: target.namespace.clone().unwrap_or_default(),
            name: target
                .name
                .clone()
                .or_else(|| named_by_selector(verb, &request.parsed.raw_query))
                .unwrap_or_default(),
        }),
    };
    let verb = verb
        .map_or_else(|| request.parsed.method.as_str().to_ascii_lowercase(), |verb| verb.as_str().to_owned());
    Attributes { user: request.user.clone(), verb, reach: scope(request), target }
}

/// How far a request reaches. What the shard counts is root's to show.
fn scope(request: &Authenticated) -> Reach {
    if request.place == Place::Nowhere && request.parsed.info.path == "/metrics" {
        return Reach::Cluster(ClusterName::root());
    }
    reach(&request.place)
}

/// A list or watch of one object by `metadata.name` is authorized as one of that object. No other verb looks at
/// the selector.
fn named_by_selector(verb: Option<Verb>, query: &str) -> Option<String> {
    if !matches!(verb, Some(Verb::List | Verb::Watch | Verb::DeleteCollection)) {
        return None;
    }
    let options = Options::parse(query).ok()?;
    let name = options.field_selector.strip_prefix("metadata.name=")?;
    (!name.contains(',')).then(|| name.trim_start_matches('=').to_owned())
}

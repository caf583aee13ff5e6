use super::Ca;
use bytes::Bytes;
use http::{Request, Response, StatusCode, header};
use hyper_util::rt::TokioIo;
use kcp_apimachinery::{Value, value, value::encode};
use kcp_pki::Certificate;
use kcp_transport::{
    Body, BodySender, KeyPairSource, Limits, Listener, Peer, Server, ServerTls, ServingCertificate,
};
use parking_lot::Mutex;
use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    sync::{mpsc, watch},
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;

/// A shard as a proxy sees it. To the shard admin it is an API server with three collections; to the proxy
/// it says what it saw of each request, watches over config maps and echoes upgraded connections.
pub struct FakeShard {
    port: u16,
    pair: KeyPairSource,
    state: Arc<State>,
    running: Option<(CancellationToken, JoinHandle<()>)>,
    watches: mpsc::Receiver<BodySender>,
}

struct State {
    name: String,
    objects: Mutex<Objects>,
    /// The revision that watches may read up to.
    shown: watch::Sender<u64>,
    opened: mpsc::Sender<BodySender>,
}

#[derive(Default)]
struct Objects {
    revision: u64,
    compacted: u64,
    /// Events are held back from watches.
    muted: bool,
    current: BTreeMap<(String, String, String), Value>,
    events: Vec<(u64, String, &'static str, Value)>,
}

const SHARDS: &str = "shards";
const WORKSPACES: &str = "workspaces";
const LOGICAL_CLUSTERS: &str = "logicalclusters";

impl FakeShard {
    pub async fn start(ca: &Ca, name: &str) -> Self {
        let (opened, watches) = mpsc::channel(16);
        let (shown, _) = watch::channel(0);
        let state = State { name: name.to_owned(), objects: Mutex::default(), shown, opened };
        let mut shard = Self { port: 0, pair: ca.server(), state: Arc::new(state), running: None, watches };
        shard.up().await;
        shard
    }

    pub fn url(&self) -> String {
        format!("https://localhost:{}", self.port)
    }

    /// Serves again, at the same port as before.
    pub async fn up(&mut self) {
        let listener = Listener::bind(IpAddr::V4(Ipv4Addr::LOCALHOST), self.port).await.expect("bind");
        self.port = listener.address().port();
        let tls = ServerTls::new(ServingCertificate::load(self.pair.clone()).expect("pair"));
        let server = Server::new(listener, &tls, Limits::default()).expect("server");
        let (shutdown, state) = (CancellationToken::new(), Arc::clone(&self.state));
        let service = move |peer: Arc<Peer>, request: Request<Body>| {
            let state = Arc::clone(&state);
            async move { state.serve(&peer, request).await }
        };
        self.running = Some((shutdown.clone(), tokio::spawn(server.serve(service, shutdown))));
    }

    pub async fn down(&mut self) {
        if let Some((shutdown, task)) = self.running.take() {
            shutdown.cancel();
            task.await.expect("shard");
        }
    }

    pub async fn stop(mut self) {
        self.down().await;
    }

    /// The next watch over config maps that a user opened here.
    pub async fn opened(&mut self) -> BodySender {
        self.watches.recv().await.expect("shard is there")
    }

    /// Holds events back from watches, or lets them go.
    pub fn mute(&self, muted: bool) {
        self.state.objects.lock().muted = muted;
        self.state.show();
    }

    /// Forgets all events: no watch can go on from before.
    pub fn compact(&self) {
        let mut objects = self.state.objects.lock();
        objects.compacted = objects.revision;
        objects.events.clear();
    }

    pub fn put_identity(&self, hash: &str) {
        let export = value!({"metadata": {"name": "tenancy.kcp.io"}, "status": {"identityHash": hash}});
        self.state.put("apiexports", "root", export);
    }

    pub fn put_shard(&self, name: &str, url: &str) {
        self.state.put(SHARDS, "root", value!({"metadata": {"name": name}, "spec": {"baseURL": url}}));
    }

    pub fn remove_shard(&self, name: &str) {
        self.state.remove(SHARDS, "root", name);
    }

    pub fn put_logical_cluster(&self, cluster: &str) {
        self.state.put(LOGICAL_CLUSTERS, cluster, value!({"metadata": {"name": "cluster"}}));
    }

    pub fn put_workspace(&self, parent: &str, workspace: Value) {
        self.state.put(WORKSPACES, parent, workspace);
    }

    pub fn remove_workspace(&self, parent: &str, name: &str) {
        self.state.remove(WORKSPACES, parent, name);
    }
}

impl State {
    fn put(&self, collection: &str, cluster: &str, mut object: Value) {
        let mut objects = self.objects.lock();
        objects.revision += 1;
        let name = object.str_at(&["metadata", "name"]).expect("name").to_owned();
        object.set_at(&["metadata", "annotations", "kcp.io/cluster"], cluster.into());
        object.set_at(&["metadata", "resourceVersion"], objects.revision.to_string().into());
        objects.current.insert((collection.into(), cluster.into(), name), object.clone());
        let revision = objects.revision;
        objects.events.push((revision, collection.into(), "MODIFIED", object));
        drop(objects);
        self.show();
    }

    fn remove(&self, collection: &str, cluster: &str, name: &str) {
        let mut objects = self.objects.lock();
        let key = (collection.to_owned(), cluster.to_owned(), name.to_owned());
        let mut object = objects.current.remove(&key).expect("there");
        objects.revision += 1;
        object.set_at(&["metadata", "resourceVersion"], objects.revision.to_string().into());
        let revision = objects.revision;
        objects.events.push((revision, collection.into(), "DELETED", object));
        drop(objects);
        self.show();
    }

    fn show(&self) {
        let objects = self.objects.lock();
        if !objects.muted {
            self.shown.send_replace(objects.revision);
        }
    }

    async fn serve(self: &Arc<Self>, peer: &Peer, request: Request<Body>) -> Response<Body> {
        let user = peer.certificates.first().map(|der| Certificate::from_der(der).expect("der").common_name);
        match user.as_deref() {
            Some("shard-admin") => self.administer(peer, request).await,
            Some("kcp-front-proxy") => self.answer(peer, request).await,
            _ => refuse(StatusCode::UNAUTHORIZED),
        }
    }

    /// Lists, watches and reads for whoever may see everything.
    async fn administer(self: &Arc<Self>, peer: &Peer, request: Request<Body>) -> Response<Body> {
        let path = request.uri().path().to_owned();
        let query = request.uri().query().unwrap_or_default().to_owned();
        let segments: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        let (cluster, collection, name) = match &segments[..] {
            ["clusters", cluster, "apis", _, _, collection] => (*cluster, *collection, None),
            ["clusters", cluster, "apis", _, _, collection, name] => (*cluster, *collection, Some(*name)),
            _ => return refuse(StatusCode::NOT_FOUND),
        };
        if collection == "subjectaccessreviews" {
            return review(request).await;
        }
        let collection = match collection.strip_prefix("workspaces:") {
            Some("abc") => WORKSPACES,
            Some(_) => return refuse(StatusCode::NOT_FOUND),
            None => collection,
        };
        match name {
            Some(name) => {
                let key = (collection.to_owned(), cluster.to_owned(), name.to_owned());
                match self.objects.lock().current.get(&key) {
                    Some(object) => json(object),
                    None => refuse(StatusCode::NOT_FOUND),
                }
            }
            None if query.contains("watch=true") => self.watch(peer, collection.to_owned(), &query),
            None => self.list(collection, cluster),
        }
    }

    fn list(&self, collection: &str, cluster: &str) -> Response<Body> {
        let objects = self.objects.lock();
        let items: Vec<Value> = objects
            .current
            .iter()
            .filter(|((of, within, _), _)| of == collection && (cluster == "*" || within == cluster))
            .map(|(_, object)| object.clone())
            .collect();
        let version = objects.revision.to_string();
        json(&value!({"metadata": {"resourceVersion": version}, "items": items}))
    }

    fn watch(self: &Arc<Self>, peer: &Peer, collection: String, query: &str) -> Response<Body> {
        let from =
            query.split('&').find_map(|field| field.strip_prefix("resourceVersion=")).expect("version");
        let mut reached: u64 = from.parse().expect("number");
        let (sender, body) = Body::channel(1);
        let (state, drain) = (Arc::clone(self), peer.drain.clone());
        peer.drain.spawn(async move {
            let mut shown = state.shown.subscribe();
            loop {
                let until = *shown.borrow_and_update();
                let Some(events) = state.since(reached, until, &collection) else {
                    sender.send(line("ERROR", &value!({"code": 410_i64, "message": "too old"}))).await;
                    return;
                };
                for event in events {
                    if !sender.send(event).await {
                        return;
                    }
                }
                reached = reached.max(until);
                tokio::select! {
                    () = drain.begun() => return,
                    () = sender.closed() => return,
                    _ = shown.changed() => {}
                }
            }
        });
        Response::new(body)
    }

    fn since(&self, reached: u64, until: u64, collection: &str) -> Option<Vec<Bytes>> {
        let objects = self.objects.lock();
        if reached < objects.compacted {
            return None;
        }
        let wanted = objects
            .events
            .iter()
            .filter(|(revision, of, ..)| *revision > reached && *revision <= until && of == collection);
        Some(wanted.map(|(_, _, kind, object)| line(kind, object)).collect())
    }

    /// Whether a path leads into a logical cluster that is not here, or into the one that is called `closed`.
    fn is_closed(&self, path: &str) -> bool {
        let Some(cluster) = path.strip_prefix("/clusters/").and_then(|rest| rest.split('/').next()) else {
            return false;
        };
        let key = (LOGICAL_CLUSTERS.to_owned(), cluster.to_owned(), "cluster".to_owned());
        cluster == "closed" || !self.objects.lock().current.contains_key(&key)
    }

    /// Tells a user what arrived here.
    async fn answer(&self, peer: &Peer, mut request: Request<Body>) -> Response<Body> {
        if self.is_closed(request.uri().path()) {
            return Response::builder()
                .status(StatusCode::FORBIDDEN)
                .header(header::CONTENT_TYPE, "application/json")
                .body(encode(&value!({"kind": "Status", "message": "the shards' own words"})).into())
                .expect("response");
        }
        if request.headers().contains_key(header::UPGRADE) {
            return echo(peer, &mut request);
        }
        if request.uri().path().ends_with("/configmaps") && request.uri().query() == Some("watch=true") {
            let (sender, body) = Body::channel(1);
            self.opened.send(sender).await.expect("test is there");
            return Response::builder()
                .header(header::CONTENT_TYPE, "application/json")
                .body(body)
                .expect("response");
        }
        let mut headers: BTreeMap<&str, Vec<Value>> = BTreeMap::new();
        for (name, text) in request.headers() {
            headers.entry(name.as_str()).or_default().push(text.to_str().expect("text").into());
        }
        let mut seen = value!({
            "shard": (self.name.as_str()),
            "path": (request.uri().path_and_query().expect("path").as_str()),
            "headers": {}
        });
        for (name, values) in headers {
            seen.set_at(&["headers", name], Value::Array(values));
        }
        json(&seen)
    }
}

fn echo(peer: &Peer, request: &mut Request<Body>) -> Response<Body> {
    let upgrade = hyper::upgrade::on(request);
    peer.drain.spawn(async move {
        let mut stream = TokioIo::new(upgrade.await.expect("upgraded"));
        let mut buffer = [0; 1024];
        while let Ok(read @ 1..) = stream.read(&mut buffer).await {
            stream.write_all(&buffer[..read]).await.expect("write");
        }
    });
    Response::builder()
        .status(StatusCode::SWITCHING_PROTOCOLS)
        .header(header::CONNECTION, "Upgrade")
        .header(header::UPGRADE, "SPDY/3.1")
        .body(Body::empty())
        .expect("response")
}

/// Whoever is in the group `metrics` may read metrics.
async fn review(request: Request<Body>) -> Response<Body> {
    let bytes = request.into_body().collect(1 << 20).await.expect("body");
    let mut review = kcp_apimachinery::value::decode(&bytes).expect("json");
    let groups = review.at(&["spec", "groups"]).and_then(Value::as_array).expect("groups");
    let allowed = groups.iter().any(|group| group.as_str() == Some("metrics"))
        && review.str_at(&["spec", "nonResourceAttributes", "path"]) == Some("/metrics");
    review.set_at(&["status", "allowed"], allowed.into());
    json(&review)
}

fn line(kind: &str, object: &Value) -> Bytes {
    let mut line = encode(&value!({"type": kind, "object": (object.clone())}));
    line.push(b'\n');
    line.into()
}

fn json(value: &Value) -> Response<Body> {
    Response::new(encode(value).into())
}

fn refuse(status: StatusCode) -> Response<Body> {
    Response::builder().status(status).body(Body::empty()).expect("response")
}

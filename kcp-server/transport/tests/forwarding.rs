//! A proxy between a client and a server: three real parties.

mod support;

use http::{Request, Response, StatusCode, header};
use hyper_util::rt::TokioIo;
use kcp_transport::{Body, Client, ClientLimits, Limits, Peer, forward};
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};
use support::{Ca, Running, client, get, serve, serve_with, text, tls};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    sync::mpsc,
};

/// A proxy in front of `port` of this host.
async fn proxy(ca: &Ca, port: u16) -> Running {
    let backend =
        Client::new(tls(ca, Some(ca.client("proxy", &[]))), ClientLimits::default()).expect("client");
    serve(ca, move |peer: Arc<Peer>, request: Request<Body>| {
        let backend = Arc::clone(&backend);
        async move {
            let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
            let uri = format!("https://localhost:{port}{path}").parse().expect("uri");
            forward(&backend, &peer, request, uri, |headers| {
                headers.insert("x-vouched", "us".parse().expect("value"));
            })
            .await
        }
    })
    .await
}

#[tokio::test]
async fn a_request_passes_without_what_concerns_one_hop() {
    let ca = Ca::new("ours");
    let backend = serve(&ca, |_: Arc<Peer>, request: Request<Body>| async move {
        let mut seen: Vec<String> = request
            .headers()
            .iter()
            .map(|(name, value)| format!("{name}={}", value.to_str().expect("text")))
            .collect();
        seen.sort();
        let uri = request.uri().path_and_query().map(ToString::to_string).unwrap_or_default();
        let mut response = Response::new(format!("{} {uri} {}", request.method(), seen.join(" ")).into());
        *response.status_mut() = StatusCode::CREATED;
        response.headers_mut().insert("x-answer", "42".parse().expect("value"));
        response
    })
    .await;
    let proxy = proxy(&ca, backend.address.port()).await;
    let request = Request::put(proxy.uri("/a%2Fb?c=d%20e"))
        .header("x-kept", "1")
        .header("x-forwarded-for", "10.0.0.1")
        .header("te", "trailers")
        .header("x-vouched", "mallory")
        .body(Body::empty())
        .expect("request");
    let response = client(&ca).send(request).await.expect("response");
    assert_eq!(response.status(), StatusCode::CREATED);
    assert_eq!(response.headers()["x-answer"], "42");
    assert_eq!(
        text(response).await,
        "PUT /a%2Fb?c=d%20e content-length=0 te=trailers x-forwarded-for=10.0.0.1, 127.0.0.1 x-kept=1 x-vouched=us"
    );
    proxy.stop().await;
    backend.stop().await;
}

#[tokio::test]
async fn bodies_stream_both_ways() {
    let ca = Ca::new("ours");
    // Echoes each chunk as it comes.
    let backend = serve(&ca, |_: Arc<Peer>, request: Request<Body>| async move {
        let (sender, body) = Body::channel(1);
        let mut upload = request.into_body();
        tokio::spawn(async move {
            while let Some(Ok(chunk)) = upload.chunk().await {
                if !sender.send(chunk).await {
                    return;
                }
            }
        });
        Response::new(body)
    })
    .await;
    let proxy = proxy(&ca, backend.address.port()).await;
    let (sender, body) = Body::channel(1);
    let request = Request::post(proxy.uri("/")).body(body).expect("request");
    let mut echo = client(&ca).send(request).await.expect("response").into_body();
    for part in ["one", "two", "three"] {
        assert!(sender.send(part.into()).await);
        assert_eq!(echo.chunk().await.expect("chunk").expect("data"), part);
    }
    drop(sender);
    assert!(echo.chunk().await.is_none());
    proxy.stop().await;
    backend.stop().await;
}

#[tokio::test]
async fn a_client_that_leaves_takes_its_request_back() {
    let ca = Ca::new("ours");
    let (bodies, mut opened) = mpsc::channel(1);
    let backend = serve(&ca, move |_: Arc<Peer>, _: Request<Body>| {
        let bodies = bodies.clone();
        async move {
            let (sender, body) = Body::channel(1);
            bodies.send(sender).await.expect("test is there");
            Response::new(body)
        }
    })
    .await;
    let proxy = proxy(&ca, backend.address.port()).await;
    let watch = client(&ca).send(get(proxy.uri("/watch"))).await.expect("response");
    let sender = opened.recv().await.expect("request");
    drop(watch);
    sender.closed().await;
    proxy.stop().await;
    backend.stop().await;
}

#[tokio::test]
async fn a_body_broken_off_behind_is_broken_off_in_front() {
    let ca = Ca::new("ours");
    let (bodies, mut opened) = mpsc::channel(1);
    let backend = serve(&ca, move |_: Arc<Peer>, _: Request<Body>| {
        let bodies = bodies.clone();
        async move {
            let (sender, body) = Body::channel(1);
            bodies.send(sender).await.expect("test is there");
            Response::new(body)
        }
    })
    .await;
    let proxy = proxy(&ca, backend.address.port()).await;
    for http1 in [false, true] {
        let client = client(&ca);
        let request = get(proxy.uri("/"));
        let sent = if http1 { client.send_upgrade(request).await } else { client.send(request).await };
        let mut body = sent.expect("response").into_body();
        let sender = opened.recv().await.expect("request");
        assert!(sender.send("half".into()).await);
        assert_eq!(body.chunk().await.expect("chunk").expect("data"), "half");
        sender.abort("lost");
        body.chunk().await.expect("an end").expect_err("not a good one");
    }
    proxy.stop().await;
    backend.stop().await;
}

#[tokio::test]
async fn an_upgrade_is_tunnelled_byte_for_byte() {
    let ca = Ca::new("ours");
    let backend = serve(&ca, |peer: Arc<Peer>, mut request: Request<Body>| async move {
        if request.headers().get(header::UPGRADE).is_none_or(|protocol| protocol != "SPDY/3.1") {
            return Response::new("no upgrade".into());
        }
        let upgrade = hyper::upgrade::on(&mut request);
        peer.drain.spawn(async move {
            let mut stream = TokioIo::new(upgrade.await.expect("upgraded"));
            let mut buffer = [0; 4];
            while stream.read_exact(&mut buffer).await.is_ok() {
                buffer.reverse();
                stream.write_all(&buffer).await.expect("write");
            }
        });
        Response::builder()
            .status(StatusCode::SWITCHING_PROTOCOLS)
            .header(header::CONNECTION, "Upgrade")
            .header(header::UPGRADE, "SPDY/3.1")
            .header("x-stream-protocol-version", "v4.channel.k8s.io")
            .body(Body::empty())
            .expect("response")
    })
    .await;
    let proxy = proxy(&ca, backend.address.port()).await;
    let ask = |protocol: &str| {
        Request::post(proxy.uri("/exec"))
            .header(header::CONNECTION, "Upgrade")
            .header(header::UPGRADE, protocol)
            .body(Body::empty())
            .expect("request")
    };
    let client = client(&ca);
    let mut response = client.send_upgrade(ask("SPDY/3.1")).await.expect("response");
    assert_eq!(response.status(), StatusCode::SWITCHING_PROTOCOLS);
    assert_eq!(response.headers()["x-stream-protocol-version"], "v4.channel.k8s.io");
    let mut stream = TokioIo::new(hyper::upgrade::on(&mut response).await.expect("upgraded"));
    for (sent, got) in [(*b"abcd", *b"dcba"), ([0, 255, 1, 254], [254, 1, 255, 0])] {
        stream.write_all(&sent).await.expect("write");
        let mut answer = [0; 4];
        stream.read_exact(&mut answer).await.expect("read");
        assert_eq!(answer, got);
    }
    drop(stream);

    let refused = client.send_upgrade(ask("other")).await.expect("response");
    assert_eq!(refused.status(), StatusCode::OK);
    assert_eq!(text(refused).await, "no upgrade");
    proxy.stop().await;
    backend.stop().await;
}

#[tokio::test]
async fn a_server_that_is_not_there_is_a_bad_gateway() {
    let ca = Ca::new("ours");
    let gone = serve(&ca, |_: Arc<Peer>, _: Request<Body>| async { Response::new(Body::empty()) }).await;
    let port = gone.address.port();
    gone.stop().await;
    let proxy = proxy(&ca, port).await;
    let response = client(&ca).send(get(proxy.uri("/"))).await.expect("response");
    assert_eq!(response.status(), StatusCode::BAD_GATEWAY);
    assert_eq!(text(response).await, "bad gateway: the server behind does not answer\n");
    proxy.stop().await;
}

#[tokio::test]
async fn a_restarted_server_is_found_again() {
    let ca = Ca::new("ours");
    let hello = |_: Arc<Peer>, _: Request<Body>| async { Response::new("hello".into()) };
    let mut backend = serve(&ca, hello).await;
    let proxy = proxy(&ca, backend.address.port()).await;
    let client = client(&ca);
    for _ in 0..3 {
        let response = client.send(get(proxy.uri("/"))).await.expect("response");
        assert_eq!(text(response).await, "hello");
        let port = backend.address.port();
        backend.stop().await;
        backend = serve_with(&ca, port, Limits::default(), hello).await;
    }
    proxy.stop().await;
    backend.stop().await;
}

#[tokio::test]
async fn watches_do_not_use_a_connection_up() {
    let ca = Ca::new("ours");
    let peers = Arc::new(parking_lot::Mutex::new(std::collections::HashSet::new()));
    let seen = Arc::clone(&peers);
    let server = serve(&ca, move |peer: Arc<Peer>, _: Request<Body>| {
        seen.lock().insert(peer.address);
        async {
            let (sender, body) = Body::channel(1);
            Response::new(body.guarded(sender))
        }
    })
    .await;
    let limits = ClientLimits { streams: 2, ..ClientLimits::default() };
    let client = Client::new(tls(&ca, None), limits).expect("client");
    let mut watches = Vec::new();
    for _ in 0..5 {
        watches.push(client.send(get(server.uri("/"))).await.expect("response"));
    }
    assert_eq!(peers.lock().len(), 3);
    watches.pop();
    watches.push(client.send(get(server.uri("/"))).await.expect("response"));
    assert_eq!(peers.lock().len(), 3);
    drop(watches);
    server.stop().await;
}

#[tokio::test]
async fn too_many_connections_are_refused() {
    let ca = Ca::new("ours");
    let server = serve(&ca, |_: Arc<Peer>, _: Request<Body>| async {
        let (sender, body) = Body::channel(1);
        Response::new(body.guarded(sender))
    })
    .await;
    let limits = ClientLimits { streams: 1, connections: 1, ..ClientLimits::default() };
    let client = Client::new(tls(&ca, None), limits).expect("client");
    let watch = client.send(get(server.uri("/"))).await.expect("response");
    let error = client.send(get(server.uri("/"))).await.expect_err("one is in use");
    assert!(matches!(error, kcp_transport::ClientError::Busy(_)), "{error}");
    drop(watch);
    server.stop().await;
}

#[tokio::test]
async fn a_new_identity_is_shown_after_a_reload() {
    let ca = Ca::new("ours");
    let directory = tempfile::tempdir().expect("directory");
    let pair = kcp_transport::KeyPairSource::files(
        directory.path().join("client.crt"),
        directory.path().join("client.key"),
    );
    let write = |user: &str| {
        let issued = ca.client(user, &[]);
        std::fs::write(directory.path().join("client.crt"), issued.certificate.read().expect("pem"))
            .expect("write");
        std::fs::write(directory.path().join("client.key"), issued.key.read().expect("pem")).expect("write");
    };
    let requests = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&requests);
    let server = serve(&ca, move |peer: Arc<Peer>, _: Request<Body>| {
        counted.fetch_add(1, Ordering::Relaxed);
        async move {
            let certificate = kcp_pki::Certificate::from_der(&peer.certificates[0]).expect("certificate");
            Response::new(certificate.common_name.into())
        }
    })
    .await;
    write("before");
    let client = Client::new(tls(&ca, Some(pair)), ClientLimits::default()).expect("client");
    let who = async || text(client.send(get(server.uri("/"))).await.expect("response")).await;
    assert_eq!(who().await, "before");
    assert!(!client.reload().expect("unchanged"));
    std::fs::write(directory.path().join("client.key"), "no key").expect("write");
    client.reload().expect_err("broken");
    assert_eq!(who().await, "before");
    write("after");
    assert!(client.reload().expect("usable"));
    assert_eq!(who().await, "after");
    assert_eq!(requests.load(Ordering::Relaxed), 3);
    server.stop().await;
}

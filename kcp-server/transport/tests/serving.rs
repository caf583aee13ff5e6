//! A server on a real socket: what its clients get, and what they cannot take.

mod support;

use http::{Request, Response, Version};
use kcp_pki::Certificate;
use kcp_transport::{
    Body, Client, ClientLimits, Error, KeyPairSource, Limits, Listener, Peer, ServerTls, ServingCertificate,
    generate_self_signed,
};
use std::{
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
    time::Duration,
};
use support::{Ca, client, get, serve, serve_tls, serve_with, text, tls};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::{Notify, mpsc},
};

/// Answers with what the server knows of the request.
async fn describe(peer: Arc<Peer>, request: Request<Body>) -> Response<Body> {
    let user = match peer.certificates.first() {
        None => "nobody".to_owned(),
        Some(der) => Certificate::from_der(der).expect("certificate").common_name,
    };
    let version = if request.version() == Version::HTTP_2 { "h2" } else { "h1" };
    let longest = request.headers().values().map(|value| value.len()).max().unwrap_or_default();
    Response::new(format!("{user} {version} {} {longest}", request.uri().path()).into())
}

#[tokio::test]
async fn certificates_are_asked_for_and_handed_on_unjudged() {
    let ca = Ca::new("ours");
    let server = serve(&ca, describe).await;
    for (identity, user) in [
        (None, "nobody"),
        (Some(ca.client("alice", &[])), "alice"),
        (Some(Ca::new("strangers").client("mallory", &[])), "mallory"),
    ] {
        let client = Client::new(tls(&ca, identity), ClientLimits::default()).expect("client");
        let response = client.send(get(server.uri("/a"))).await.expect("response");
        assert_eq!(text(response).await, format!("{user} h2 /a 0"));
    }
    server.stop().await;
}

#[tokio::test]
async fn long_tokens_fit_in_both_versions() {
    let ca = Ca::new("ours");
    let server = serve(&ca, describe).await;
    let mut request = get(server.uri("/"));
    request.headers_mut().insert("authorization", "x".repeat(64 * 1024).parse().expect("value"));
    let response = client(&ca).send(request).await.expect("response");
    assert_eq!(text(response).await, "nobody h2 / 65536");

    let mut request = get(server.uri("/"));
    request.headers_mut().insert("authorization", "x".repeat(64 * 1024).parse().expect("value"));
    let response = client(&ca).send_upgrade(request).await.expect("response");
    assert_eq!(text(response).await, "nobody h1 / 65536");
    server.stop().await;
}

#[tokio::test]
async fn http2_is_only_offered_where_it_is_wanted() {
    let ca = Ca::new("ours");
    for (http2, version) in [(true, "h2"), (false, "h1")] {
        let tls = ServerTls { http2, ..ServerTls::new(ServingCertificate::load(ca.server()).expect("pair")) };
        let server = serve_tls(&tls, 0, Limits::default(), describe).await;
        let response = client(&ca).send(get(server.uri("/"))).await.expect("response");
        assert!(text(response).await.starts_with(&format!("nobody {version} / ")));
        server.stop().await;
    }
}

#[tokio::test]
async fn a_taken_port_is_named() {
    let host = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let first = Listener::bind(host, 0).await.expect("any port");
    assert_ne!(first.address().port(), 0);
    let error = Listener::bind(host, first.address().port()).await.expect_err("taken");
    assert!(matches!(error, Error::AddressInUse(address) if address == first.address()));
    assert_eq!(
        error.to_string(),
        format!("cannot listen on {}: the address is already in use", first.address())
    );
}

#[tokio::test]
async fn a_new_certificate_is_shown_to_new_connections() {
    let directory = tempfile::tempdir().expect("directory");
    let serving =
        ServingCertificate::load_or_generate(directory.path(), "apiserver", &[]).expect("generated");
    let server = serve_tls(&ServerTls::new(Arc::clone(&serving)), 0, Limits::default(), describe).await;
    let trusting = |pem: Vec<u8>| {
        let roots = kcp_transport::Roots::Bundle(kcp_transport::Source::Inline(pem));
        let tls = kcp_transport::ClientTls { roots, ..Default::default() };
        Client::new(tls, ClientLimits::default()).expect("client")
    };
    let old = trusting(serving.pem().expect("pem"));
    old.send(get(server.uri("/"))).await.expect("the generated certificate is trusted by its own chain");

    let (certificate, key) = generate_self_signed(&[]).expect("pair");
    std::fs::write(directory.path().join("apiserver.crt"), &certificate).expect("write");
    std::fs::write(directory.path().join("apiserver.key"), key).expect("write");
    assert!(serving.reload().expect("usable"));
    trusting(certificate.into_bytes()).send(get(server.uri("/"))).await.expect("the new one is shown");
    old.send(get(server.uri("/"))).await.expect("the old connection goes on");
    server.stop().await;
}

#[tokio::test]
async fn a_watch_arrives_event_by_event() {
    let ca = Ca::new("ours");
    let (events, mut source) = mpsc::channel::<&'static str>(1);
    let (bodies, mut opened) = mpsc::channel(1);
    let server = serve(&ca, move |_: Arc<Peer>, _: Request<Body>| {
        let bodies = bodies.clone();
        async move {
            let (sender, body) = Body::channel(1);
            bodies.send(sender).await.expect("test is there");
            Response::new(body)
        }
    })
    .await;
    let mut body = client(&ca).send(get(server.uri("/"))).await.expect("response").into_body();
    let sender = opened.recv().await.expect("request");
    for event in ["one", "two"] {
        events.send(event).await.expect("room");
        assert!(sender.send(source.recv().await.expect("event").into()).await);
        // Nothing else is on its way: the event is here before the next is made.
        assert_eq!(body.chunk().await.expect("chunk").expect("data"), event);
    }
    drop(body);
    sender.closed().await;
    server.stop().await;
}

#[tokio::test]
async fn a_slow_reader_stops_its_writer() {
    let ca = Ca::new("ours");
    let (bodies, mut opened) = mpsc::channel(1);
    let server = serve(&ca, move |_: Arc<Peer>, _: Request<Body>| {
        let bodies = bodies.clone();
        async move {
            let (sender, body) = Body::channel(1);
            bodies.send(sender).await.expect("test is there");
            Response::new(body)
        }
    })
    .await;
    let client = client(&ca);
    let body = client.send(get(server.uri("/"))).await.expect("response").into_body();
    let sender = opened.recv().await.expect("request");
    // As much as windows and buffers on the way hold, and then no more.
    let chunk = bytes::Bytes::from(vec![b'x'; 16 * 1024]);
    let mut taken = 0;
    while tokio::time::timeout(Duration::from_millis(300), sender.send(chunk.clone())).await.is_ok() {
        taken += chunk.len();
        assert!(taken < 2 << 20, "the server buffers without limit");
    }
    // The connection is not blocked for others.
    let other = client.send(get(server.uri("/"))).await.expect("response");
    opened.recv().await.expect("request").abort("enough");
    other.into_body().collect(1024).await.expect_err("broken off");
    drop((body, sender));
    server.stop().await;
}

#[tokio::test]
async fn a_silent_connection_holds_nobody_up() {
    let ca = Ca::new("ours");
    let limits = Limits { handshake: Duration::from_secs(1), ..Limits::default() };
    let server = serve_with(&ca, 0, limits, describe).await;
    let mut silent = TcpStream::connect(server.address).await.expect("connect");
    let mut half = TcpStream::connect(server.address).await.expect("connect");
    half.write_all(&[0x16, 0x03, 0x01, 0x02]).await.expect("half a hello");
    client(&ca).send(get(server.uri("/"))).await.expect("response");
    drop(server.shutdown.drop_guard());
    drop(half);
    // The handshake times out, which the drain waits for.
    tokio::time::timeout(Duration::from_secs(30), server.task).await.expect("drained").expect("server");
    assert_eq!(silent.read(&mut [0; 16]).await.unwrap_or_default(), 0);
}

#[tokio::test]
async fn connections_beyond_the_limit_wait_their_turn() {
    let ca = Ca::new("ours");
    let limits = Limits { connections: 1, ..Limits::default() };
    let server = serve_with(&ca, 0, limits, describe).await;
    let first = client(&ca);
    first.send(get(server.uri("/"))).await.expect("response");
    let uri = server.uri("/");
    let second = client(&ca);
    let mut waiting = tokio::spawn(async move { second.send(get(uri)).await.map(|answer| answer.status()) });
    let early = tokio::time::timeout(Duration::from_millis(200), &mut waiting).await;
    assert!(early.is_err(), "served beside the first");
    drop(first);
    assert_eq!(waiting.await.expect("task").expect("response"), 200);
    server.stop().await;
}

#[tokio::test]
async fn draining_ends_watches_and_finishes_requests() {
    let ca = Ca::new("ours");
    let (arrived, mut arrivals) = mpsc::channel(2);
    let release = Arc::new(Notify::new());
    let released = Arc::clone(&release);
    let server = serve(&ca, move |peer: Arc<Peer>, request: Request<Body>| {
        let (arrived, release) = (arrived.clone(), Arc::clone(&released));
        async move {
            arrived.send(()).await.expect("test is there");
            if request.uri().path() == "/slow" {
                release.notified().await;
                return Response::new("done".into());
            }
            let (sender, body) = Body::channel(1);
            let drain = peer.drain.clone();
            tokio::spawn(async move {
                sender.send("event".into()).await;
                drain.begun().await;
            });
            Response::new(body)
        }
    })
    .await;
    let client = client(&ca);
    let watch = client.send(get(server.uri("/watch"))).await.expect("watch");
    let slow = tokio::spawn({
        let (client, uri) = (Arc::clone(&client), server.uri("/slow"));
        async move { text(client.send(get(uri)).await.expect("response")).await }
    });
    for _ in 0..2 {
        arrivals.recv().await.expect("request");
    }
    server.shutdown.cancel();
    assert_eq!(text(watch).await, "event");
    release.notify_one();
    assert_eq!(slow.await.expect("task"), "done");
    server.task.await.expect("server");
    client.send(get("https://localhost:1/".parse().expect("uri"))).await.expect_err("nobody there");
}

#[tokio::test]
async fn what_does_not_end_is_cut_at_the_deadline() {
    let ca = Ca::new("ours");
    let limits = Limits { drain_deadline: Duration::from_millis(50), ..Limits::default() };
    let server = serve_with(&ca, 0, limits, |_: Arc<Peer>, _: Request<Body>| async {
        let (sender, body) = Body::channel(1);
        sender.send("event".into()).await;
        // Ends with the task that holds it, and only with it.
        Response::new(body.guarded(sender))
    })
    .await;
    let mut body = client(&ca).send(get(server.uri("/"))).await.expect("response").into_body();
    assert_eq!(body.chunk().await.expect("chunk").expect("data"), "event");
    server.stop().await;
    body.chunk().await.expect("an end").expect_err("not a good one");
}

#[tokio::test]
async fn only_whole_pairs_are_served() {
    let ours = Ca::new("ours");
    let (one, other) = (ours.server(), ours.server());
    let mixed = KeyPairSource { certificate: one.certificate, key: other.key };
    let error = ServingCertificate::load(mixed).expect_err("not a pair");
    assert!(matches!(error, Error::Certificate { .. }), "{error}");
}

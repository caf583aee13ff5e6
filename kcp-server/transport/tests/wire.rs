//! Bytes as no client library would send them, and what comes back.

mod support;

use http::{Request, Response};
use kcp_transport::{Body, Limits, Peer};
use rustls::{ClientConfig, RootCertStore, pki_types::ServerName};
use std::{sync::Arc, time::Duration};
use support::{Ca, Running, serve, serve_with};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

/// A connection that speaks HTTP/1.1 by hand.
struct Wire(TlsStream<TcpStream>);

impl Wire {
    async fn to(ca: &Ca, server: &Running) -> Self {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(ca.bundle().certificates().expect("certificates"));
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_root_certificates(roots)
            .with_no_client_auth();
        let stream = TcpStream::connect(server.address).await.expect("connect");
        let name = ServerName::try_from("localhost").expect("name");
        Self(TlsConnector::from(Arc::new(config)).connect(name, stream).await.expect("handshake"))
    }

    async fn send(&mut self, text: &str) {
        // The server may have hung up already.
        let _ = self.0.write_all(text.as_bytes()).await;
    }

    /// Reads until the text ends so.
    async fn until(&mut self, end: &str) -> String {
        let mut read = Vec::new();
        while !read.ends_with(end.as_bytes()) {
            let byte = self.0.read_u8().await.unwrap_or_else(|error| {
                panic!("{error} after {:?}", String::from_utf8_lossy(&read));
            });
            read.push(byte);
        }
        String::from_utf8(read).expect("text")
    }

    /// The first line of all that comes until the server hangs up; nothing if it just does.
    async fn rest(mut self) -> String {
        let mut read = Vec::new();
        // Hanging up without a word is an end, too.
        let _ = self.0.read_to_end(&mut read).await;
        String::from_utf8_lossy(&read).lines().next().unwrap_or_default().to_owned()
    }
}

/// Says how long the body is, unless it is not looked at.
async fn measure(_: Arc<Peer>, request: Request<Body>) -> Response<Body> {
    if request.uri().path() == "/unread" {
        return Response::builder().status(413).body("too long".into()).expect("response");
    }
    let path = request.uri().path().to_owned();
    match request.into_body().collect(1 << 20).await {
        Ok(body) => Response::new(format!("{path} {}.", body.len()).into()),
        Err(_) => Response::builder().status(400).body("broken.".into()).expect("response"),
    }
}

#[tokio::test]
async fn a_connection_is_kept_for_the_next_request() {
    let ca = Ca::new("ours");
    let server = serve(&ca, measure).await;
    let mut wire = Wire::to(&ca, &server).await;
    wire.send("POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc").await;
    assert!(wire.until("/a 3.").await.starts_with("HTTP/1.1 200 OK\r\n"));
    // Two at once, the second in chunks.
    wire.send("GET /b HTTP/1.1\r\nHost: x\r\n\r\n").await;
    wire.send(
        "POST /c HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n3\r\ncde\r\n0\r\n\r\n",
    )
    .await;
    wire.until("/b 0.").await;
    wire.until("/c 5.").await;
    wire.send("GET /d HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await;
    assert!(wire.until("/d 0.").await.contains("connection: close"));
    assert_eq!(wire.rest().await, "");
    server.stop().await;
}

#[tokio::test]
async fn a_client_that_asks_first_sends_only_what_is_read() {
    let ca = Ca::new("ours");
    let server = serve(&ca, measure).await;
    let head = |path| {
        format!("POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n")
    };
    let mut wire = Wire::to(&ca, &server).await;
    wire.send(&head("/read")).await;
    assert_eq!(wire.until("\r\n\r\n").await, "HTTP/1.1 100 Continue\r\n\r\n");
    wire.send("abcd").await;
    assert!(wire.until("/read 4.").await.starts_with("HTTP/1.1 200 OK\r\n"));
    wire.send(&head("/unread")).await;
    assert!(wire.until("too long").await.starts_with("HTTP/1.1 413 "));
    server.stop().await;
}

#[tokio::test]
async fn a_request_that_never_ends_is_hung_up_on() {
    let ca = Ca::new("ours");
    let limits = Limits { header_read: Duration::from_millis(200), ..Limits::default() };
    let server = serve_with(&ca, 0, limits, measure).await;
    let mut silent = Wire::to(&ca, &server).await;
    silent.send("").await;
    let mut slow = Wire::to(&ca, &server).await;
    slow.send("GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ").await;
    // It does not help to send a byte now and then.
    let drips = tokio::spawn(async move {
        for _ in 0..100 {
            slow.send("a").await;
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        slow.rest().await
    });
    for end in [silent.rest().await, drips.await.expect("task")] {
        assert!(end.is_empty() || end.starts_with("HTTP/1.1 408"), "{end}");
    }
    server.stop().await;
}

#[tokio::test]
async fn heads_have_limits() {
    let ca = Ca::new("ours");
    let server = serve(&ca, measure).await;
    let fields = |count: usize| (0..count).map(|at| format!("x-{at}: 1\r\n")).collect::<String>();
    for (head, expected) in [
        (format!("GET / HTTP/1.1\r\nHost: x\r\n{}\r\n", fields(900)), "HTTP/1.1 200 OK"),
        (
            format!("GET / HTTP/1.1\r\nHost: x\r\n{}\r\n", fields(1_100)),
            "HTTP/1.1 431 Request Header Fields Too Large",
        ),
        (
            format!("GET / HTTP/1.1\r\nHost: x\r\nA: {}\r\n\r\n", "a".repeat(200_000)),
            "HTTP/1.1 431 Request Header Fields Too Large",
        ),
        (format!("GET /{} HTTP/1.1\r\nHost: x\r\n\r\n", "a".repeat(100_000)), "HTTP/1.1 414 URI Too Long"),
    ] {
        let mut wire = Wire::to(&ca, &server).await;
        wire.send(&head.replacen("Host: x", "Host: x\r\nConnection: close", 1)).await;
        assert_eq!(wire.rest().await, expected, "{:.60}", head);
    }
    server.stop().await;
}

#[tokio::test]
async fn what_two_readers_could_read_differently_is_refused() {
    let ca = Ca::new("ours");
    let server = serve(&ca, measure).await;
    for head in [
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: +3\r\n\r\nabc",
        "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\nabc",
        "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc",
        "GET / HTTP/1.1\r\nHost : x\r\n\r\n",
        "GET /a b HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\nA: b\r\n c\r\n\r\n",
        "nonsense\r\n\r\n",
    ] {
        let mut wire = Wire::to(&ca, &server).await;
        wire.send(head).await;
        let answer = wire.rest().await;
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 400 "), "{head:?}: {answer}");
    }
    server.stop().await;
}

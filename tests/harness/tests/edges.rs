//! The edges of HTTP: what a client can send that is no good request, and what it gets.

use bytes::Bytes;
use http::{Method, StatusCode};
use kcp_test_harness::{Answer, Ca, Http, Kcp, Options, binary, eventually, write_pair};
use kcp_transport::Body;
use std::{io::Read, process::Command};

const CONFIG_MAPS: &str = "/clusters/root/api/v1/namespaces/default/configmaps";

fn options() -> Options {
    Options {
        tokens: vec!["master-token,master,1,\"system:masters\"".to_owned(), "alice-token,alice,2".to_owned()],
        ..Options::default()
    }
}

fn start(options: Options) -> Kcp {
    tokio::task::block_in_place(|| Kcp::with(options))
}

fn master(kcp: &Kcp) -> Http {
    kcp.http().token("master-token")
}

async fn post(client: &Http, kind: &str, body: impl Into<Body>) -> Answer {
    client.clone().header("content-type", kind).send(Method::POST, CONFIG_MAPS, body).await
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_that_cannot_be_used_are_refused() {
    let kcp = start(options());
    let master = master(&kcp);
    let before = master.get(CONFIG_MAPS).await.json()["items"].as_array().expect("items").len();
    let mut large =
        br#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"large"},"data":{"a":""#.to_vec();
    large.resize(10_000_000, b'a');
    large.extend_from_slice(b"\"}}");
    let large = Bytes::from(large);
    let too_large = "413 RequestEntityTooLarge: Request entity too large: limit is 3145728";
    for client in [master.clone(), master.clone().http1()] {
        assert_eq!(post(&client, "application/json", large.clone()).await.told(), too_large);
        // A length that is not told before.
        let (sender, body) = Body::channel(1);
        let sent = large.clone();
        tokio::spawn(async move {
            for at in (0..sent.len()).step_by(1 << 16) {
                if !sender.send(sent.slice(at..sent.len().min(at + (1 << 16)))).await {
                    return;
                }
            }
        });
        assert_eq!(post(&client, "application/json", body).await.told(), too_large);
    }
    let deep = || "[".repeat(100_000);
    for (kind, body, code, reason) in [
        ("text/plain", "{}".to_owned(), 415, "UnsupportedMediaType"),
        ("application/x-www-form-urlencoded", "{}".to_owned(), 415, "UnsupportedMediaType"),
        ("application/merge-patch+json", "{}".to_owned(), 415, "UnsupportedMediaType"),
        ("application/json", String::new(), 400, "BadRequest"),
        ("application/json", "{\"a\"".to_owned(), 400, "BadRequest"),
        ("application/json", "[]".to_owned(), 400, "BadRequest"),
        ("application/json", deep(), 400, "BadRequest"),
        ("application/json", format!("{{\"a\":{}", deep()), 400, "BadRequest"),
        ("application/yaml", "a: [".to_owned(), 400, "BadRequest"),
        ("application/yaml", deep(), 400, "BadRequest"),
        ("application/yaml", "a: &a [*a, *a]".to_owned(), 400, "BadRequest"),
        ("application/vnd.kubernetes.protobuf", "k8s\0\u{1}".to_owned(), 400, "BadRequest"),
    ] {
        let told = format!("{kind} {:.40}", body);
        let answer = post(&master, kind, body).await;
        assert_eq!(
            (answer.status.as_u16(), answer.json()["reason"].as_str()),
            (code, Some(reason)),
            "{told}"
        );
    }
    let after = master.get(CONFIG_MAPS).await.json()["items"].as_array().expect("items").len();
    assert_eq!(before, after, "nothing was made");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_client_accepts_is_what_it_gets() {
    let kcp = start(options());
    let master = master(&kcp);
    let accept = async |accept: &str, path: &str| {
        let answer = master.clone().header("accept", accept).get(path).await;
        let kind = answer.headers["content-type"].to_str().expect("text").to_owned();
        format!("{} {kind}", answer.status.as_u16())
    };
    for path in [
        CONFIG_MAPS,
        "/clusters/root/api/v1",
        "/clusters/root/apis",
        "/clusters/root/apis/rbac.authorization.k8s.io",
    ] {
        for (accepted, expected) in [
            ("*/*", "200 application/json"),
            ("application/yaml", "200 application/yaml"),
            ("application/vnd.kubernetes.protobuf, application/json", "200 application/json"),
            ("application/json;q=0.5, application/yaml;q=0.9", "200 application/yaml"),
            ("image/png", "406 application/json"),
            ("application/vnd.kubernetes.protobuf", "406 application/json"),
        ] {
            assert_eq!(accept(accepted, path).await, expected, "{path} {accepted}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn methods_lengths_and_times_have_limits() {
    let kcp = start(options());
    let master = master(&kcp);
    for client in [master.clone(), master.clone().http1()] {
        let whole = client.get(CONFIG_MAPS).await;
        let head = client.send(Method::HEAD, CONFIG_MAPS, Body::empty()).await;
        assert_eq!((head.status, head.body.len()), (StatusCode::OK, 0));
        assert_eq!(head.headers["content-length"], whole.body.len().to_string());
        assert_eq!(client.send(Method::OPTIONS, CONFIG_MAPS, Body::empty()).await.status, 405);
        assert_eq!(client.send(Method::TRACE, CONFIG_MAPS, Body::empty()).await.status, 405);
        assert_eq!(client.send(Method::DELETE, "/version", Body::empty()).await.status, 405);
        let long = format!("/clusters/root/{}", "a".repeat(20_000));
        assert_eq!(client.get(&long).await.told(), "414 RequestURITooLong: the URL is too long");
        let told = client.get(&format!("{CONFIG_MAPS}?timeout=soon")).await.told();
        assert_eq!(told, "400 BadRequest: invalid timeout specified in the request URL");
    }
    // A body that does not come.
    let (sender, body) = Body::channel(1);
    let slow = master.header("content-type", "application/json");
    let answer = slow.send(Method::POST, &format!("{CONFIG_MAPS}?timeout=200ms"), body).await;
    assert_eq!(answer.told(), "504 Timeout: Timeout: request did not complete within the allotted timeout");
    drop(sender);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_scripts_of_allowed_origins_are_let_in() {
    let mut options = options();
    options.flags.push("--cors-allowed-origins=^https://console\\.example$,//b\\.example(:|$)".to_owned());
    let kcp = start(options);
    let ask = async |method: Method, origin: &str, token: bool| {
        let client = if token { master(&kcp) } else { kcp.http() };
        let answer = client.header("origin", origin).send(method, CONFIG_MAPS, Body::empty()).await;
        let allowed = answer.headers.get("access-control-allow-origin");
        (answer.status.as_u16(), allowed.map(|origin| origin.to_str().expect("text").to_owned()))
    };
    let console = || Some("https://console.example".to_owned());
    // Browsers ask without credentials.
    assert_eq!(ask(Method::OPTIONS, "https://console.example", false).await, (204, console()));
    assert_eq!(ask(Method::GET, "https://console.example", true).await, (200, console()));
    assert_eq!(ask(Method::GET, "https://console.example", false).await, (403, console()));
    assert_eq!(
        ask(Method::GET, "https://b.example:8443", true).await.1.as_deref(),
        Some("https://b.example:8443")
    );
    assert_eq!(ask(Method::OPTIONS, "https://console.example.evil", false).await, (405, None));
    assert_eq!(ask(Method::GET, "https://console.example.evil", true).await, (200, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn long_answers_are_shrunk_for_who_asks() {
    let kcp = start(options());
    let master = master(&kcp);
    let text = "0123456789abcdef".repeat(64);
    for at in 0..1_100 {
        let object = format!(
            "{{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{{\"name\":\"a{at}\"}},\"data\":{{\"a\":\"{text}\"}}}}"
        );
        assert_eq!(post(&master, "application/json", object).await.status, 201);
    }
    let gzip = master.clone().header("accept-encoding", "gzip");
    for path in [
        CONFIG_MAPS.to_owned(), // sent in pieces
        format!("{CONFIG_MAPS}?limit=400"),
        "/clusters/root/openapi/v2".to_owned(),
    ] {
        let (plain, shrunk) = (master.get(&path).await, gzip.get(&path).await);
        assert!(!plain.headers.contains_key("content-encoding"), "{path}");
        assert_eq!(shrunk.headers["content-encoding"], "gzip", "{path}");
        assert_eq!(shrunk.headers["vary"], "Accept-Encoding", "{path}");
        assert!(shrunk.body.len() * 3 < plain.body.len(), "{path}: {}", shrunk.body.len());
        let mut whole = Vec::new();
        flate2::read::GzDecoder::new(&shrunk.body[..]).read_to_end(&mut whole).expect("gzip");
        assert_eq!(whole, plain.body, "{path}");
    }
    for path in [format!("{CONFIG_MAPS}?limit=10"), format!("{CONFIG_MAPS}/a1"), "/version".to_owned()] {
        assert!(!gzip.get(&path).await.headers.contains_key("content-encoding"), "{path}");
    }
    // A watch waits for no compressor.
    let path = format!("{CONFIG_MAPS}?watch=true&resourceVersion=0&fieldSelector=metadata.name=a7");
    let watch = gzip.open(Method::GET, &path, Body::empty()).await;
    assert!(!watch.headers().contains_key("content-encoding"));
    let event = watch.into_body().chunk().await.expect("an event").expect("a whole one");
    assert!(event.starts_with(br#"{"type":"ADDED""#));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_or_token_counts_only_if_it_is_good() {
    let directory = tempfile::tempdir().expect("a directory");
    let (ours, others) = (Ca::new("ours"), Ca::new("others"));
    let mut options = options();
    let file = ours.write(&directory.path().join("ca.crt"));
    options.flags.push(format!("--client-ca-file={}", file.display()));
    let kcp = start(options);
    let review = "/clusters/root/apis/authentication.k8s.io/v1/selfsubjectreviews";
    let who = async |client: Http| {
        let body = r#"{"apiVersion":"authentication.k8s.io/v1","kind":"SelfSubjectReview"}"#;
        let client = client.header("content-type", "application/json");
        let answer = client.send(Method::POST, review, body).await;
        match answer.status.as_u16() {
            201 => answer.json()["status"]["userInfo"]["username"].as_str().expect("a name").to_owned(),
            _ => answer.told(),
        }
    };
    let with = |identity| Http::new(&kcp.url(), &kcp.root().join("apiserver.crt"), Some(identity));
    let masters = &["system:masters"];
    assert_eq!(who(with(ours.client("bob", masters))).await, "bob");
    assert_eq!(who(with(ours.expired("bob", masters))).await, "401 Unauthorized: Unauthorized");
    assert_eq!(who(with(others.client("bob", masters))).await, "401 Unauthorized: Unauthorized");
    assert_eq!(who(kcp.http().token("master-token")).await, "master");
    assert_eq!(who(kcp.http().token("wrong")).await, "401 Unauthorized: Unauthorized");
    assert_eq!(who(with(ours.client("bob", masters)).token("wrong")).await, "bob");
    let two = kcp.http().token("master-token").token("alice-token");
    assert_eq!(who(two.clone()).await, "401 Unauthorized: Unauthorized");
    assert_eq!(who(two.http1()).await, "401 Unauthorized: Unauthorized");
}

#[test]
fn a_serving_certificate_that_changes_is_shown() {
    let directory = tempfile::tempdir().expect("a directory");
    let show = |ca: &Ca| write_pair(directory.path(), "tls", &ca.server());
    let (first, second) = (Ca::new("first"), Ca::new("second"));
    let (certificate, key) = show(&first);
    let mut options = options();
    options.flags.push(format!("--tls-cert-file={}", certificate.display()));
    options.flags.push(format!("--tls-private-key-file={}", key.display()));
    let kcp = Kcp::with(options);
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let believes = |ca: &Ca| {
        let bundle = ca.write(&directory.path().join("bundle.crt"));
        runtime.block_on(Http::new(&kcp.url(), &bundle, None).answers("/livez"))
    };
    assert!(believes(&first) && !believes(&second));
    show(&second);
    eventually("the new certificate is shown", || believes(&second));
    assert!(!believes(&first));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_asked_to_end_ends_its_watches_first() {
    let mut kcp = start(options());
    let master = master(&kcp);
    for client in [master.clone(), master.http1()] {
        let path = "/clusters/root/api/v1/namespaces?watch=true";
        let mut watch = client.open(Method::GET, path, Body::empty()).await.into_body();
        watch.chunk().await.expect("an event").expect("a whole one");
        let code = tokio::task::block_in_place(|| kcp.stop());
        while let Some(chunk) = watch.chunk().await {
            chunk.expect("a good end");
        }
        assert_eq!(code, Some(0));
        tokio::task::block_in_place(|| kcp.run());
    }
}

#[test]
fn what_it_cannot_start_with_is_named_at_once() {
    let kcp = Kcp::with(options());
    let directory = tempfile::tempdir().expect("a directory");
    let port = kcp.url().rsplit(':').next().expect("a port").to_owned();
    let check = |flags: &[&str], code: i32, told: &str| {
        let mut command = Command::new(binary("kcp"));
        command.args(["start", "--bind-address=127.0.0.1"]).args(flags).current_dir(directory.path());
        let output = command.output().expect("it starts");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{flags:?}: {stderr}");
        assert!(stderr.contains(told), "{flags:?}: {stderr}");
    };
    let taken = format!("--secure-port={port}");
    check(&[&taken], 1, &format!("cannot listen on 127.0.0.1:{port}: the address is already in use"));
    check(&["--no-such-flag"], 2, "--no-such-flag");
    check(&["--cors-allowed-origins=example.com"], 1, "does not pin the start");
    check(&["--encryption-provider-config=/none"], 1, "--encryption-provider-config is not implemented");
    check(&["--secure-port=0", "--client-ca-file=/none"], 1, "/none");
    check(&["--secure-port=0", "--tls-cert-file=/a", "--tls-private-key-file=/b"], 1, "--tls-cert-file");
}

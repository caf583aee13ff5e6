//! Where requests land, and when.

mod support;

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode, header};
use hyper_util::rt::TokioIo;
use kcp_apimachinery::value;
use kcp_transport::Body;
use support::{Ca, FakeShard, Setup, World, json, landed, workspace};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

#[tokio::test]
async fn names_and_paths_lead_to_their_shards() {
    let world = World::start().await;
    let amber = FakeShard::start(&world.ca, "amber").await;
    amber.put_logical_cluster("aa");
    amber.put_logical_cluster("bb");
    amber.put_workspace("aa", workspace("team", "bb"));
    world.root.put_workspace("root", workspace("org", "aa"));
    world.root.put_logical_cluster("v1u4alow0iv9");
    world.root.put_shard("amber", &amber.url());
    let alice = world.user("alice", &[]);
    alice.eventually_lands("/clusters/bb/x", "amber /clusters/bb/x").await;
    alice.eventually_lands("/clusters/root:org:team/x", "amber /clusters/bb/x").await;
    for (path, landing) in [
        ("/clusters/root/apis/g/v/r?limit=5&a=%2F", "root /clusters/root/apis/g/v/r?limit=5&a=%2F"),
        ("/clusters/root:org/api/v1", "amber /clusters/aa/api/v1"),
        ("/clusters/root%3Aorg/api", "amber /clusters/aa/api"),
        ("/clusters/aa:team/api/a%2Fb", "amber /clusters/bb/api/a%2Fb"),
        ("/clusters/user:alice/api", "root /clusters/v1u4alow0iv9/api"),
        ("/clusters/root", "root /clusters/root"),
        (
            "/services/apiexport/root:org/x/clusters/*/api",
            "root /services/apiexport/root:org/x/clusters/*/api",
        ),
    ] {
        assert_eq!(landed(&alice.seen(path).await), landing, "{path}");
    }
    amber.stop().await;
    world.stop().await;
}

/// Everything that a client can see of an answer, but when it was given.
async fn whole(response: Response<Body>) -> (StatusCode, HeaderMap, Bytes) {
    let (mut head, body) = response.into_parts();
    head.headers.remove(header::DATE);
    (head.status, head.headers, body.collect(1 << 20).await.expect("body"))
}

#[tokio::test]
async fn what_does_not_exist_looks_like_what_is_forbidden() {
    let world = World::start().await;
    let amber = FakeShard::start(&world.ca, "amber").await;
    amber.put_logical_cluster("closed");
    world.root.put_workspace("root", workspace("org", "closed"));
    world.root.put_shard("amber", &amber.url());
    for user in [world.user("alice", &[]), world.anybody()] {
        user.eventually_lands("/clusters/root/x", "root /clusters/root/x").await;
        let ask = async |place: &str| {
            let path = format!("/clusters/{place}/api/v1/namespaces/n/configmaps");
            let asked = Request::get(world.uri(&path)).header("Impersonate-User", "bob");
            whole(user.send(asked.body(Body::empty()).expect("request")).await).await
        };
        let forbidden = ask("closed").await;
        assert_eq!(forbidden.0, 403);
        for place in ["root:org", "none", "root:none", "root:org:none", "none:none"] {
            assert_eq!(ask(place).await, forbidden, "{place}");
        }
    }
    amber.stop().await;
    world.stop().await;
}

#[tokio::test]
async fn what_cannot_exist_is_refused_here() {
    let world = World::start().await;
    let alice = world.user("alice", &[]);
    let refused = async |path: &str| {
        let response = alice.get(path).await;
        assert_eq!(response.status(), 403, "{path}");
        json(response).await
    };
    for place in ["*", "Not_A_Name"] {
        let status = refused(&format!("/clusters/{place}/api/v1/namespaces/n/configmaps")).await;
        assert_eq!(
            status.str_at(&["message"]),
            Some(
                r#"configmaps is forbidden: User "alice" cannot list resource "configmaps" in API group "" in the namespace "n": access denied"#
            )
        );
        assert_eq!(status.str_at(&["reason"]), Some("Forbidden"));
        assert_eq!(status.str_at(&["details", "kind"]), Some("configmaps"));
    }
    refused("/services/apiexport/x/clusters/root:none/api").await;
    assert_eq!(alice.get("/version").await.status(), 404);
    for path in ["/clusters/root/../none/api", "/clusters/root/%2e%2E/none"] {
        assert_eq!(alice.get(path).await.status(), 400, "{path}");
    }
    world.stop().await;
}

#[tokio::test]
async fn a_judge_who_is_away_is_stood_in_for() {
    let mut world = World::start().await;
    world.root.down().await;
    let status = json(world.user("alice", &[]).get("/clusters/none/version").await).await;
    assert_eq!(
        status.str_at(&["message"]),
        Some(r#"forbidden: User "alice" cannot get path "/version": access denied"#)
    );
    world.stop().await;
}

#[tokio::test]
async fn a_closed_workspace_is_not_available() {
    let world = World::start().await;
    world.root.put_logical_cluster("aa");
    world.root.put_workspace("root", workspace("org", "aa"));
    let alice = world.user("alice", &[]);
    alice.eventually("/clusters/root:org/api", 200).await;
    let mut closed = workspace("org", "aa");
    closed.set_at(&["status", "phase"], "Unavailable".into());
    world.root.put_workspace("root", closed);
    alice.eventually("/clusters/root:org/api", 503).await;
    let response = alice.get("/clusters/root:org/api").await;
    assert_eq!(response.into_body().collect(100).await.expect("body"), "Not available.\n");
    world.root.put_workspace("root", workspace("org", "aa"));
    alice.eventually("/clusters/root:org/api", 200).await;
    world.root.remove_workspace("root", "org");
    alice.eventually("/clusters/root:org/api", 403).await;
    world.stop().await;
}

#[tokio::test]
async fn a_workspace_is_reachable_before_its_event_arrives() {
    let world = World::start().await;
    let amber = FakeShard::start(&world.ca, "amber").await;
    amber.put_logical_cluster("zz");
    world.root.put_shard("amber", &amber.url());
    let alice = world.user("alice", &[]);
    alice.eventually_lands("/clusters/zz/x", "amber /clusters/zz/x").await;

    for shard in [&world.root, &amber] {
        shard.mute(true);
    }
    world.root.put_workspace("root", workspace("org", "aa"));
    amber.put_logical_cluster("aa");
    amber.put_workspace("aa", workspace("team", "bb"));
    amber.put_logical_cluster("bb");
    amber.put_logical_cluster("cc");
    assert_eq!(landed(&alice.seen("/clusters/root:org:team/x").await), "amber /clusters/bb/x");
    assert_eq!(landed(&alice.seen("/clusters/cc/x").await), "amber /clusters/cc/x");
    // What was found by asking goes when its removal is told.
    world.root.remove_workspace("root", "org");
    world.root.mute(false);
    alice.eventually("/clusters/root:org:team/x", 403).await;
    amber.stop().await;
    world.stop().await;
}

#[tokio::test]
async fn a_shard_that_restarts_is_followed_again() {
    let world = World::start().await;
    let mut amber = FakeShard::start(&world.ca, "amber").await;
    amber.put_logical_cluster("aa");
    world.root.put_workspace("root", workspace("org", "aa"));
    world.root.put_shard("amber", &amber.url());
    let alice = world.user("alice", &[]);
    alice.eventually_lands("/clusters/root:org/x", "amber /clusters/aa/x").await;

    amber.down().await;
    assert_eq!(alice.get("/clusters/root:org/x").await.status(), 502);
    assert_eq!(alice.get("/clusters/root/x").await.status(), 200);
    amber.put_logical_cluster("bb");
    amber.put_workspace("aa", workspace("team", "bb"));
    amber.compact();
    amber.up().await;
    alice.eventually_lands("/clusters/root:org/x", "amber /clusters/aa/x").await;
    alice.eventually_lands("/clusters/root:org:team/x", "amber /clusters/bb/x").await;

    // What went while nobody could watch is noticed by listing.
    amber.down().await;
    amber.remove_workspace("aa", "team");
    amber.compact();
    amber.up().await;
    alice.eventually("/clusters/root:org:team/x", 403).await;
    amber.stop().await;
    world.stop().await;
}

#[tokio::test]
async fn a_shard_that_moves_or_goes_takes_its_traffic_along() {
    let world = World::start().await;
    let amber = FakeShard::start(&world.ca, "amber").await;
    let moved = FakeShard::start(&world.ca, "moved").await;
    for shard in [&amber, &moved] {
        shard.put_logical_cluster("aa");
    }
    world.root.put_shard("amber", &amber.url());
    let alice = world.user("alice", &[]);
    alice.eventually_lands("/clusters/aa/x", "amber /clusters/aa/x").await;
    world.root.put_shard("amber", &moved.url());
    alice.eventually_lands("/clusters/aa/x", "moved /clusters/aa/x").await;
    moved.put_logical_cluster("bb");
    alice.eventually_lands("/clusters/bb/x", "moved /clusters/bb/x").await;
    world.root.remove_shard("amber");
    alice.eventually("/clusters/aa/x", 403).await;
    world.root.put_shard("amber", &amber.url());
    alice.eventually_lands("/clusters/aa/x", "amber /clusters/aa/x").await;
    amber.stop().await;
    moved.stop().await;
    world.stop().await;
}

#[tokio::test]
async fn a_mounts_url_is_where_its_requests_go() {
    let world = World::start().await;
    let other = FakeShard::start(&world.ca, "other").await;
    other.put_logical_cluster("remote");
    other.put_logical_cluster("remote:team");
    let mount = |name: &str, url: &str| {
        value!({
            "metadata": {"name": name},
            "spec": {"mount": {"ref": {"kind": "Cluster"}}, "URL": url},
            "status": {"phase": "Ready"}
        })
    };
    world.root.put_workspace("root", mount("far", &format!("{}/clusters/remote", other.url())));
    world.root.put_workspace("root", mount("near", "https://front.example/services/cluster/x"));
    world.root.put_workspace("root", mount("plain", "http://localhost/clusters/remote"));
    let alice = world.user("alice", &[]);
    alice.eventually_lands("/clusters/root:far/api?a=b", "other /clusters/remote/api?a=b").await;
    alice.eventually_lands("/clusters/root:far:team/api", "other /clusters/remote:team/api").await;
    alice.eventually_lands("/clusters/root:near/api", "root /services/cluster/x/api").await;
    alice.eventually("/clusters/root:plain/api", 403).await;
    alice.eventually("/clusters/root:near:team/api", 403).await;
    other.stop().await;
    world.stop().await;
}

#[tokio::test]
async fn the_proxy_is_ready_when_all_shards_are_listed() {
    let ca = Ca::new("shards");
    let root = FakeShard::start(&ca, "root").await;
    root.put_shard("root", &root.url());
    root.put_logical_cluster("root");
    let world = World::before(ca, root, Setup::default()).await;
    // Its workspaces cannot be listed without the identity of their export.
    let response = world.anybody().get("/readyz?verbose").await;
    assert_eq!(response.status(), 500);
    assert_eq!(world.anybody().get("/livez").await.status(), 200);
    world.root.put_identity("abc");
    world.is_ready().await;
    world.stop().await;
}

#[tokio::test]
async fn a_dead_shard_does_not_keep_the_proxy_from_being_ready() {
    let world = World::start().await;
    let mut dead = FakeShard::start(&world.ca, "dead").await;
    dead.down().await;
    world.root.put_shard("dead", &dead.url());
    world.eventually("/readyz", 500).await;
    world.is_ready().await;
    world.stop().await;
}

#[tokio::test]
async fn a_watch_passes_event_by_event_and_ends_with_the_proxy() {
    let mut world = World::start().await;
    let path = "/clusters/root/api/v1/configmaps?watch=true";
    let mut watch = world.user("alice", &[]).get(path).await.into_body();
    let events = world.root.opened().await;
    for event in ["{\"one\":1}\n", "{\"two\":2}\n"] {
        assert!(events.send(event.into()).await);
        assert_eq!(watch.chunk().await.expect("chunk").expect("data"), event);
    }
    let dropped = world.user("alice", &[]).get(path).await;
    let others = world.root.opened().await;
    drop(dropped);
    others.closed().await;

    world.proxy.stop().await;
    assert!(watch.chunk().await.is_none(), "a good end");
    world.root.stop().await;
}

#[tokio::test]
async fn an_upgraded_connection_is_passed_through() {
    let world = World::start().await;
    let request = Request::post(world.uri("/clusters/root/api/v1/namespaces/n/pods/p/exec?command=sh"))
        .header(header::CONNECTION, "Upgrade, X-Remote-User")
        .header(header::UPGRADE, "SPDY/3.1")
        .body(Body::empty())
        .expect("request");
    let alice = world.user("alice", &[]);
    let mut response = alice.client.send_upgrade(request).await.expect("response");
    assert_eq!(response.status(), StatusCode::SWITCHING_PROTOCOLS);
    let mut stream = TokioIo::new(hyper::upgrade::on(&mut response).await.expect("upgraded"));
    stream.write_all(b"\0\x01bytes\xff").await.expect("write");
    let mut answer = [0; 8];
    stream.read_exact(&mut answer).await.expect("read");
    assert_eq!(&answer, b"\0\x01bytes\xff");
    drop(stream);
    world.stop().await;
}

#[tokio::test]
async fn allowed_origins_may_read_answers() {
    let world = World::with(Setup { cors: vec!["^https://console\\.example$"], ..Setup::default() }).await;
    let ask = async |origin: &str, method: &str| {
        let request =
            Request::builder().method(method).uri(world.uri("/clusters/root/x")).header("Origin", origin);
        let response = world.user("alice", &[]).send(request.body(Body::empty()).expect("request")).await;
        let allowed = response.headers().get("access-control-allow-origin");
        (response.status().as_u16(), allowed.map(|origin| origin.to_str().expect("text").to_owned()))
    };
    let console = Some("https://console.example".to_owned());
    assert_eq!(ask("https://console.example", "GET").await, (200, console.clone()));
    assert_eq!(ask("https://console.example", "OPTIONS").await, (204, console));
    assert_eq!(ask("https://evil.example", "GET").await, (200, None));
    world.stop().await;
}

//! Who a shard is told that somebody is, whatever they say themselves.

mod support;

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use http::Request;
use kcp_apimachinery::{Value, value::encode};
use kcp_transport::Body;
use support::{Ca, Setup, World, json, landed};

const PATH: &str = "/clusters/root/api/v1/configmaps";

/// The headers of a request that concern who is asking, as a shard saw them.
fn identity(seen: &Value) -> String {
    let headers = seen.at(&["headers"]).and_then(Value::as_object).expect("headers");
    let told = headers.iter().filter(|(name, _)| {
        name.starts_with("x-remote")
            || name.starts_with("x-kcp")
            || *name == "authorization"
            || *name == "x-who"
    });
    told.map(|(name, values)| format!("{name}={}", String::from_utf8_lossy(&encode(values))))
        .collect::<Vec<_>>()
        .join(" ")
}

#[tokio::test]
async fn a_certificate_is_an_identity() {
    let world = World::start().await;
    let seen = world.user("alice", &["team", "staff"]).seen(PATH).await;
    assert_eq!(
        identity(&seen),
        r#"x-remote-group=["staff","system:authenticated","team"] x-remote-user=["alice"]"#
    );
    world.stop().await;
}

#[tokio::test]
async fn headers_of_the_caller_make_nobody_else() {
    let world = World::start().await;
    let alice = world.user("alice", &[]);
    let forged = || {
        Request::get(world.uri(PATH))
            .header("X-Remote-User", "admin")
            .header("x-remote-user", "admin-again")
            .header("X-REMOTE-GROUP", "system:masters")
            .header("X-Remote-Uid", "1")
            .header("X-Remote-Extra-Scopes", "all")
            .header("x-remote-extra-authentication.kcp.io%2fscopes", "all")
            .header("X-Kcp-Internal-Deep-SubjectAccessReview", "true")
    };
    let expected = r#"x-remote-group=["system:authenticated"] x-remote-user=["alice"]"#;
    let response = alice.send(forged().body(Body::empty()).expect("request")).await;
    assert_eq!(identity(&json(response).await), expected);

    // Over HTTP/1.1 a client can ask for headers to be dropped on the way.
    let request = forged().header("Connection", "close, X-Remote-User, X-Remote-Group").body(Body::empty());
    let response = alice.client.send_upgrade(request.expect("request")).await.expect("response");
    assert_eq!(identity(&json(response).await), expected);

    // Nor does it help to be nobody.
    let response = world.anybody().send(forged().body(Body::empty()).expect("request")).await;
    assert_eq!(identity(&json(response).await), "");
    world.stop().await;
}

#[tokio::test]
async fn groups_that_mean_something_between_shards_stay_here() {
    let world = World::with(Setup { drop_groups: vec!["ops".into()], ..Setup::default() }).await;
    let user = world.user(
        "alice",
        &[
            "system:masters",
            "system:kcp:logical-cluster-admin",
            "system:kcp:initializer:x",
            "ops",
            "system:kcp:admin",
        ],
    );
    assert_eq!(
        identity(&user.seen(PATH).await),
        r#"x-remote-group=["system:authenticated","system:kcp:admin"] x-remote-user=["alice"]"#
    );
    world.stop().await;
}

#[tokio::test]
async fn tokens_nobody_knows_here_are_for_the_shard() {
    let world = World::start().await;
    let request = Request::get(world.uri(PATH)).header("Authorization", "Bearer t").body(Body::empty());
    let response = world.anybody().send(request.expect("request")).await;
    assert_eq!(identity(&json(response).await), r#"authorization=["Bearer t"]"#);
    world.stop().await;
}

#[tokio::test]
async fn a_strangers_certificate_is_refused() {
    let world = World::start().await;
    let stranger = world.client(Some(Ca::new("strangers").client("mallory", &["system:kcp:admin"])));
    for path in [PATH, "/clusters/root:none/api", "/services/x", "/other", "/metrics"] {
        let response = stranger.get(path).await;
        assert_eq!(response.status(), 401, "{path}");
        assert_eq!(json(response).await.str_at(&["reason"]), Some("Unauthorized"));
    }
    world.stop().await;
}

#[tokio::test]
async fn known_tokens_are_taken_and_others_refused() {
    let tokens = Some("secret,bob,7,\"team,system:masters\"\n");
    let world = World::with(Setup { tokens, ..Setup::default() }).await;
    let ask = async |token: &str| {
        let request = Request::get(world.uri(PATH)).header("Authorization", format!("Bearer {token}"));
        world.anybody().send(request.body(Body::empty()).expect("request")).await
    };
    let response = ask("secret").await;
    assert_eq!(
        identity(&json(response).await),
        r#"x-remote-group=["system:authenticated","team"] x-remote-user=["bob"]"#
    );
    assert_eq!(ask("wrong").await.status(), 401);
    assert_eq!(world.anybody().get(PATH).await.status(), 401);
    assert_eq!(world.anybody().get("/readyz").await.status(), 200);
    world.stop().await;
}

#[tokio::test]
async fn a_mapping_may_have_headers_of_its_own() {
    let mappings = "- {path: /own, backend: BACKEND, user_header: X-Who, CONNECTION}";
    let ca = Ca::new("shards");
    let root = support::FakeShard::start(&ca, "root").await;
    let setup =
        Setup { mappings: mappings.replace("BACKEND", &format!("'{}'", root.url())), ..Setup::default() };
    let world = World::before(ca, root, setup).await;
    let request =
        Request::get(world.uri("/own/a?b=c")).header("X-Who", "admin").header("X-Remote-User", "admin");
    let response = world.user("alice", &[]).send(request.body(Body::empty()).expect("request")).await;
    let seen = json(response).await;
    assert_eq!(landed(&seen), "root /own/a?b=c");
    assert_eq!(identity(&seen), r#"x-remote-group=["system:authenticated"] x-who=["alice"]"#);
    world.stop().await;
}

#[tokio::test]
async fn a_pods_token_says_where_it_is() {
    let world = World::start().await;
    let claims = BASE64_URL_SAFE_NO_PAD.encode(r#"{"kubernetes.io":{"clusterName":"root"}}"#);
    let request = Request::get(world.uri("/api/v1/pods?limit=1"))
        .header("Authorization", format!("Bearer e30.{claims}.x"));
    let response = world.anybody().send(request.body(Body::empty()).expect("request")).await;
    assert_eq!(landed(&json(response).await), "root /clusters/root/api/v1/pods?limit=1");
    world.stop().await;
}

#[tokio::test]
async fn metrics_are_for_those_whom_the_root_shard_lets_read_them() {
    let world = World::start().await;
    assert_eq!(world.anybody().get("/metrics").await.status(), 401);
    let response = world.user("alice", &[]).get("/metrics").await;
    assert_eq!(response.status(), 403);
    assert_eq!(
        json(response).await.str_at(&["message"]),
        Some(r#"forbidden: User "alice" cannot get path "/metrics""#)
    );
    let response = world.user("prometheus", &["metrics"]).get("/metrics").await;
    assert_eq!(response.status(), 200);
    let report = response.into_body().collect(1 << 20).await.expect("body");
    let report = String::from_utf8_lossy(&report);
    assert!(report.contains("kcp_indexed_logicalclusters{shard=\"root\"} 1\n"), "{report}");
    assert!(
        report.contains("proxy_request_duration_seconds_count{method=\"GET\",code=\"403\"} 1\n"),
        "{report}"
    );
    world.stop().await;
}

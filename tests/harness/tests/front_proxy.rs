//! A real shard behind a real front proxy, as users and outsiders meet them.

use http::Method;
use kcp_test_harness::{Answer, FrontProxy, Http, Options};
use kcp_transport::Body;

fn options() -> Options {
    Options { tokens: vec!["alice-token,alice,1".to_owned()], ..Options::default() }
}

const ADMIN: &[&str] = &["system:kcp:admin"];

/// Makes `root:closed`, which is open to its administrators only, and gives its logical cluster's name.
fn closed(proxy: &FrontProxy) -> String {
    let root = proxy.kubectl("admin", ADMIN, "root");
    let workspace = "apiVersion: tenancy.kcp.io/v1alpha1\nkind: Workspace\nmetadata: {name: closed}\n";
    root.input(&["create", "-f", "-"], workspace).success();
    root.run(&["wait", "--for=jsonpath={.status.phase}=Ready", "workspace/closed", "--timeout=60s"])
        .success();
    root.run(&["get", "workspace", "closed", "-o", "jsonpath={.spec.cluster}"]).success()
}

/// Requests of every kind that a path can be of.
const REQUESTS: &[(Method, &str, &str)] = &[
    (Method::GET, "/api/v1/namespaces/default/configmaps", ""),
    (Method::GET, "/api/v1/namespaces/default/configmaps/a", ""),
    (Method::GET, "/api/v1/configmaps?watch=true", ""),
    (Method::GET, "/apis/tenancy.kcp.io/v1alpha1/workspaces/x/status", ""),
    (Method::POST, "/api/v1/namespaces", r#"{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"a"}}"#),
    (Method::PATCH, "/api/v1/namespaces/a", "{}"),
    (Method::DELETE, "/api/v1/namespaces/a", ""),
    (Method::GET, "/api", ""),
    (Method::GET, "/apis", ""),
    (Method::GET, "/version", ""),
    (Method::GET, "/openapi/v3", ""),
    (Method::GET, "/nothing/here", ""),
    (Method::GET, "", ""),
    (Method::HEAD, "/api/v1/namespaces", ""),
    (Method::OPTIONS, "/api/v1/namespaces", ""),
];

#[tokio::test(flavor = "multi_thread")]
async fn an_outsider_cannot_tell_what_does_not_exist_from_what_is_forbidden() {
    let (kcp, proxy) = tokio::task::block_in_place(|| FrontProxy::start(options()));
    let name = tokio::task::block_in_place(|| closed(&proxy));
    let outsiders: Vec<(&str, Http)> = vec![
        ("certificate at the proxy", proxy.http_as("alice", &["team"])),
        ("token at the proxy", proxy.http().token("alice-token")),
        ("wrong token at the proxy", proxy.http().token("wrong")),
        ("nobody at the proxy", proxy.http()),
        ("yaml at the proxy", proxy.http_as("alice", &["team"]).header("accept", "application/yaml")),
        ("impersonation at the proxy", proxy.http_as("alice", &[]).header("impersonate-user", "bob")),
        ("HTTP/1.1 at the proxy", proxy.http_as("alice", &["team"]).http1()),
        ("certificate at the shard", kcp.http_as(proxy.users(), "alice", &["team"])),
        ("token at the shard", kcp.http().token("alice-token")),
        ("nobody at the shard", kcp.http()),
    ];
    for (who, outsider) in &outsiders {
        for (method, path, body) in REQUESTS {
            let ask = async |place: &str| -> Answer {
                let path = format!("/clusters/{place}{path}");
                let body = if body.is_empty() { Body::empty() } else { Body::from(*body) };
                outsider
                    .clone()
                    .header("content-type", "application/json")
                    .send(method.clone(), &path, body)
                    .await
            };
            let forbidden = ask(&name).await;
            assert!(forbidden.status.is_client_error(), "{who}: {method} {path}: {forbidden:?}");
            for place in
                ["root:closed", "none", "root:none", "root:closed:none", "none:none", "root:closed:a:b"]
            {
                assert_eq!(ask(place).await, forbidden, "{who}: {method} {path} in {place}");
            }
        }
    }
    let refused = outsiders[0].1.get(&format!("/clusters/{name}/api/v1/configmaps")).await;
    assert_eq!(
        refused.told(),
        "403 Forbidden: configmaps is forbidden: User \"alice\" cannot list resource \"configmaps\" \
         in API group \"\" at the cluster scope: access denied"
    );
}

#[test]
fn what_a_user_does_through_the_proxy_happens_at_the_shard() {
    let (kcp, proxy) = FrontProxy::start(options());
    let name = closed(&proxy);
    let by_path = proxy.kubectl("admin", ADMIN, "root:closed");
    by_path.run(&["create", "configmap", "a", "--from-literal=b=c"]).success();
    let by_name = proxy.kubectl("admin", ADMIN, &name);
    assert_eq!(by_name.run(&["get", "configmap", "a", "-o", "jsonpath={.data.b}"]).success(), "c");
    assert_eq!(
        by_name.run(&["auth", "whoami", "-o", "jsonpath={.status.userInfo.username}"]).success(),
        "admin"
    );
    assert!(kcp.workspace("root:closed").run(&["get", "configmap", "a"]).is_ok());
    assert!(by_path.run(&["get", "workspaces"]).is_ok());
    assert!(by_path.run(&["apply", "--server-side", "-f", "-"]).failure().contains("no objects"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_that_is_asked_to_end_ends_its_watches_first() {
    let (kcp, mut proxy) = tokio::task::block_in_place(|| FrontProxy::start(options()));
    let admin = proxy.http_as("admin", ADMIN);
    let path = "/clusters/root/api/v1/namespaces?watch=true";
    for admin in [admin.clone(), admin.http1()] {
        let mut watch = admin.open(Method::GET, path, Body::empty()).await.into_body();
        let first = watch.chunk().await.expect("an event").expect("a whole one");
        assert!(first.starts_with(br#"{"type":"ADDED""#), "{first:?}");
        let code = tokio::task::block_in_place(|| proxy.stop());
        while let Some(chunk) = watch.chunk().await {
            chunk.expect("a good end");
        }
        assert_eq!(code, Some(0));
        tokio::task::block_in_place(|| proxy.run());
    }
    drop(kcp);
}

#[test]
fn what_it_cannot_start_with_is_named_at_once() {
    let (kcp, proxy) = FrontProxy::start(options());
    let check = |flags: &[&str], code: i32, told: &str| {
        let output = proxy.command().args(flags).output().expect("it starts");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{flags:?}: {stderr}");
        assert!(stderr.contains(told), "{flags:?}: {stderr}");
    };
    check(&[], 1, "the address is already in use");
    check(&["--no-such-flag"], 2, "--no-such-flag");
    check(&["--oidc-issuer-url=https://a"], 1, "--oidc-issuer-url is not implemented");
    check(&["--mapping-file=/none"], 1, "cannot read mapping file /none");
    check(&["--root-kubeconfig=/none"], 1, "cannot read kubeconfig /none");
    check(&["--client-ca-file=/none"], 1, "/none");
    drop(kcp);
}

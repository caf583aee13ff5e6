//! Files that change while the proxy runs: what it does with the new ones, and with broken ones.

mod support;

use kcp_apimachinery::Value;
use support::{Ca, FakeShard, World, json, kubeconfig, workspace};

const PATH: &str = "/clusters/root/api";

#[tokio::test]
async fn a_kubeconfig_that_changes_is_followed() {
    let mut world = World::start().await;
    // The administrator of the shards gets new files, and the root shard another address.
    world.write_pair("other", &world.ca.client("shard-admin", &["system:masters"]));
    let moved = FakeShard::start(&world.ca, "moved").await;
    moved.put_identity("abc");
    moved.put_shard("moved", &moved.url());
    moved.put_logical_cluster("root");
    moved.put_logical_cluster("aa");
    moved.put_workspace("root", workspace("org", "aa"));
    world.write("kubeconfig", b"{current-context: broken}");
    world.proxy.look();
    let alice = world.user("alice", &[]);
    assert_eq!(alice.get(PATH).await.status(), 200, "the old one stays in use");
    world.write("kubeconfig", kubeconfig(&moved.url(), "ca.crt", "other").as_bytes());
    world.proxy.look();
    drop(alice);
    world.root.down().await;
    let alice = world.user("alice", &[]);
    alice.eventually_lands("/clusters/root:org/x", "moved /clusters/aa/x").await;
    drop(alice);
    moved.stop().await;
    world.stop().await;
}

#[tokio::test]
async fn a_client_authority_that_changes_is_believed() {
    let world = World::start().await;
    let others = Ca::new("others");
    let bob = world.client_of(&world.ca, Some(others.client("bob", &[])));
    assert_eq!(bob.get(PATH).await.status(), 401);
    let both = [world.ca.bundle(), others.bundle()].map(|ca| ca.read().expect("pem")).concat();
    world.write("ca.crt", &both);
    world.proxy.look();
    // On the same connection: trust is judged per request.
    let seen: Value = bob.seen(PATH).await;
    assert_eq!(seen.str_at(&["path"]), Some(PATH));
    world.write("ca.crt", &others.bundle().read().expect("pem"));
    world.proxy.look();
    assert_eq!(world.user("alice", &[]).get(PATH).await.status(), 401);
    drop(bob);
    world.stop().await;
}

#[tokio::test]
async fn certificates_that_change_are_shown() {
    let world = World::start().await;
    let others = Ca::new("others");
    world.write_pair("serving", &others.server());
    // What the shards know the proxy by: a stranger to them now.
    world.write_pair("proxy", &world.ca.client("somebody", &[]));
    world.proxy.look();
    let alice = world.client_of(&others, Some(world.ca.client("alice", &[])));
    assert_eq!(alice.get(PATH).await.status(), 401);
    world.write_pair("proxy", &world.ca.client("kcp-front-proxy", &[]));
    world.proxy.look();
    assert_eq!(alice.get(PATH).await.status(), 200);
    drop(alice);
    world.stop().await;
}

#[tokio::test]
async fn a_mapping_file_that_changes_is_followed() {
    let world = World::start().await;
    let alice = world.user("alice", &[]);
    assert_eq!(alice.get("/new/x").await.status(), 404);
    let file = std::fs::read_to_string(world.path("mapping.yaml")).expect("read");
    let more = file.replace("/services/", "/new/") + &file.replace("path: /clusters/", "path: /unused/");
    world.write("mapping.yaml", b"- {path: 7");
    world.proxy.look();
    assert_eq!(alice.get(PATH).await.status(), 200);
    world.write("mapping.yaml", more.as_bytes());
    world.proxy.look();
    assert_eq!(json(alice.get("/new/x").await).await.str_at(&["path"]), Some("/new/x"));
    drop(alice);
    world.stop().await;
}

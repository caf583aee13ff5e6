//! Who may do what where: the whole table is `matrix.txt`; `UPDATE_EXPECT=1` rewrites it.

mod world;

use expect_test::expect_file;
use kcp_apimachinery::value;
use kcp_authz::{BoundExport, Decision, Export, MaximalPermissionPolicy, User, extra};
use kcp_names::ClusterName;
use std::fmt::Write as _;
use world::{World, access, asks, authorize, group, rule, user};

/// `home` is alice's workspace. `guarded` requires groups. `starting`, `ending` and `scheduling` are
/// in those phases. In all of them alice is admin and visitors have `access`.
fn installation() -> World {
    let mut world = World::new();
    for (name, phase) in [
        ("root", "Ready"),
        ("home", "Ready"),
        ("guarded", "Ready"),
        ("starting", "Initializing"),
        ("ending", "Deleting"),
        ("scheduling", "Scheduling"),
    ] {
        world
            .cluster(name, phase)
            .bind(name, "workspace-admin", "cluster-admin", &user("alice"))
            .bind(name, "visitors", "system:kcp:workspace:access", &group("visitors"))
            .bind(
                name,
                "robots",
                "viewer",
                &value!({"kind": "ServiceAccount", "name": "robot", "namespace": "ns"}),
            )
            .bind(name, "friends", "system:kcp:workspace:access", &group("system:cluster:friend"))
            .bind(name, "global", "viewer", &user("system:kcp:serviceaccount:friend:ns:robot"))
            .bind_in(name, "ns", "viewer", &group("visitors"));
    }
    world.requires("guarded", "staff,cleared;board");
    world
        .cluster("exporter", "Ready")
        .role("exporter", "consume", rule(&["get", "list"], "cowboys.io", &["cowboys"]))
        .bind("exporter", "consumers", "consume", &group("apis.kcp.io:binding:system:authenticated"));
    let export = Export {
        cluster: ClusterName::parse("exporter").expect("a name"),
        policy: MaximalPermissionPolicy::Local,
    };
    let bound =
        BoundExport { path: "root:exporter".to_owned(), name: "cowboys".to_owned(), export: Some(export) };
    world.export("home", "cowboys", "cowboys.io", bound);
    world.role("root", "metrics", world::urls(&["/metrics"])).bind("root", "m", "metrics", &user("scraper"));
    world.role("root", "unused", access());
    world
}

fn with(mut user: User, key: &str, value: &str) -> User {
    user.extra.entry(key.to_owned()).or_default().push(value.to_owned());
    user
}

fn people() -> Vec<(&'static str, User)> {
    const AUTH: &str = "system:authenticated";
    let robot = || User::new("system:serviceaccount:ns:robot", &[AUTH, "system:serviceaccounts"]);
    let of = |home: &str| {
        with(with(robot(), extra::CLUSTER_NAME, home), extra::SCOPES, &format!("cluster:{home}"))
    };
    let alice = || User::new("alice", &[AUTH]);
    vec![
        ("master", User::new("root", &["system:masters", AUTH])),
        ("kcp-admin", User::new("admin", &["system:kcp:admin", AUTH])),
        ("logical-cluster-admin", User::new("lca", &["system:kcp:logical-cluster-admin", AUTH])),
        ("alice, the owner", alice()),
        ("alice, staff and cleared", User::new("alice", &["staff", "cleared", AUTH])),
        ("alice, of the board", User::new("alice", &["board", AUTH])),
        ("alice, scoped to friend", with(alice(), extra::SCOPES, "cluster:friend")),
        ("bob, a visitor", User::new("bob", &["visitors", AUTH])),
        ("carol, a stranger", User::new("carol", &[AUTH])),
        ("carol, with a warrant", with(User::new("carol", &[AUTH]), extra::WARRANT, r#"{"user":"alice"}"#)),
        ("scraper", User::new("scraper", &[AUTH])),
        ("robot of home", of("home")),
        ("robot of friend", of("friend")),
        ("robot of elsewhere", of("elsewhere")),
        ("initializer", User::new("i", &["system:kcp:initializer:root:x", AUTH])),
        ("anonymous", User::anonymous()),
    ]
}

const PLACES: [&str; 10] =
    ["home", "guarded", "starting", "ending", "scheduling", "root", "missing", "system:admin", "*", "-"];

const DEEDS: [&str; 10] = [
    "list configmaps",
    "list configmaps ns/",
    "create configmaps ns/a",
    "get cowboys.cowboys.io",
    "create cowboys.cowboys.io",
    "update apibindings.apis.kcp.io/status a",
    "create selfsubjectaccessreviews.authorization.k8s.io",
    "get /healthz",
    "get /apis",
    "get /metrics",
];

#[test]
fn the_matrix_stands() {
    let authorizer = installation().authorizer();
    let mut table = String::from("+ allowed, ! denied, . no opinion\n");
    for (at, deed) in DEEDS.iter().enumerate() {
        writeln!(table, "{}: {deed}", char::from(b'a' + u8::try_from(at).expect("few"))).expect("a string");
    }
    for (who, user) in people() {
        writeln!(table, "\n{who}\n{:16}abcdefghij", "").expect("a string");
        for place in PLACES {
            let row: String = DEEDS
                .iter()
                .map(|deed| {
                    let verdict = authorize(&authorizer, &asks(user.clone(), place, deed));
                    match verdict.decision {
                        Decision::Allow => '+',
                        Decision::Deny => '!',
                        Decision::NoOpinion => '.',
                    }
                })
                .collect();
            writeln!(table, "  {place:14}{row}").expect("a string");
        }
    }
    expect_file!["matrix.txt"].assert_eq(&table);
}

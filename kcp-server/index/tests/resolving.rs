//! What paths mean, in the words of those who walk them.

use kcp_index::{Feed, Frontier, Index, LogicalClusterFacts, Reach, Resolved, WorkspaceFacts};
use kcp_names::{ClusterName, ShardName, WorkspacePath};

/// An index with short words for what happens to it.
struct World(Index);

impl World {
    fn proxy() -> Self {
        Self(Index::of_proxy())
    }

    fn shard(name: &str) -> Self {
        Self(Index::of_shard(shard(name)))
    }

    fn holds(self, source: &str, name: &str) -> Self {
        self.0.upsert_logical_cluster(&shard(source), &cluster(name), &LogicalClusterFacts::default());
        self
    }

    /// `edge` is `<parent cluster>/<name>`.
    fn leads(self, source: &str, edge: &str, to: &str) -> Self {
        self.report(source, edge, |facts| facts.cluster = Some(cluster(to)))
    }

    fn report(self, source: &str, edge: &str, change: impl FnOnce(&mut WorkspaceFacts<'_>)) -> Self {
        let (parent, name) = edge.split_once('/').expect("parent/name");
        let mut facts = WorkspaceFacts {
            parent: cluster(parent),
            name,
            reach: Reach::Open,
            cluster: None,
            shard: None,
            mount_url: None,
        };
        change(&mut facts);
        self.0.upsert_workspace(&shard(source), &facts);
        self
    }

    fn loses(self, source: &str, edge: &str) -> Self {
        let (parent, name) = edge.split_once('/').expect("parent/name");
        self.0.remove_workspace(&shard(source), &cluster(parent), name);
        self
    }

    #[track_caller]
    fn check(self, path: &str, expected: &str) -> Self {
        assert_eq!(spell(&self.0.resolve(&WorkspacePath::parse(path).expect(path))), expected, "{path}");
        self
    }
}

fn spell(resolved: &Resolved) -> String {
    match resolved {
        Resolved::Here { cluster, .. } => format!("here {cluster}"),
        Resolved::Elsewhere { shard, cluster, .. } => format!("{shard} {cluster}"),
        Resolved::Mount { url, rest } => format!("mount {url} {rest:?}"),
        Resolved::Unavailable => "unavailable".into(),
        Resolved::Unknown => "unknown".into(),
    }
}

fn shard(name: &str) -> ShardName {
    ShardName::parse(name).expect(name)
}

fn cluster(name: &str) -> ClusterName {
    ClusterName::parse(name).expect(name)
}

fn tree() -> World {
    World::proxy()
        .holds("root", "root")
        .leads("root", "root/org", "aa")
        .holds("amber", "aa")
        .leads("amber", "aa/team", "bb")
        .holds("blue", "bb")
}

#[test]
fn a_path_crosses_shards() {
    tree()
        .check("root", "root root")
        .check("root:org", "amber aa")
        .check("root:org:team", "blue bb")
        .check("aa:team", "blue bb")
        .check("bb", "blue bb")
        .check("root:team", "unknown")
        .check("root:org:team:deeper", "unknown")
        .check("other", "unknown");
}

#[test]
fn a_home_is_found_by_its_user() {
    World::proxy()
        .holds("root", "v1u4alow0iv9")
        .leads("root", "v1u4alow0iv9/ws", "cc")
        .holds("root", "cc")
        .check("user:alice", "root v1u4alow0iv9")
        .check("user:alice:ws", "root cc")
        .check("user:bob", "unknown");
}

#[test]
fn a_shard_passes_bare_names_on() {
    World::shard("amber")
        .holds("amber", "aa")
        .leads("amber", "aa/mine", "bb")
        .holds("amber", "bb")
        .check("zz", "here zz")
        .check("system:admin", "here system:admin")
        .check("aa:mine", "here bb")
        .check("aa:other", "unknown")
        .check("zz:mine", "unknown");
}

#[test]
fn a_shard_knows_where_a_child_was_scheduled() {
    let world = World::shard("amber").holds("amber", "aa");
    world.0.add_shard(&shard("blue"));
    world
        .report("amber", "aa/far", |facts| {
            facts.cluster = Some(cluster("ff"));
            facts.shard = Some(shard("blue"));
        })
        .check("aa:far", "blue ff");
}

#[test]
fn what_is_being_scheduled_is_not_there() {
    tree()
        .report("amber", "aa/team", |facts| facts.reach = Reach::Hidden)
        .check("root:org:team", "unknown")
        .check("bb", "blue bb");
}

#[test]
fn nobody_passes_an_unavailable_workspace() {
    let closed = tree().report("root", "root/org", |facts| {
        facts.cluster = Some(cluster("aa"));
        facts.reach = Reach::Unavailable;
    });
    closed
        .check("root:org", "unavailable")
        .check("root:org:team", "unavailable")
        .check("root:org:none", "unknown")
        .check("aa:team", "blue bb")
        .leads("root", "root/org", "aa")
        .check("root:org:team", "blue bb");
}

#[test]
fn a_mount_keeps_the_rest_of_the_path() {
    tree()
        .report("root", "root/m", |facts| facts.mount_url = Some("https://m/clusters/x"))
        .check("root:m", "mount https://m/clusters/x []")
        .check("root:m:a:b", r#"mount https://m/clusters/x ["a", "b"]"#)
        .report("root", "root/m", |facts| {
            facts.mount_url = Some("https://m/clusters/x");
            facts.reach = Reach::Unavailable;
        })
        .check("root:m", "unavailable")
        .report("root", "root/m", |_| ())
        .check("root:m", "unknown");
}

#[test]
fn a_migrated_cluster_stays_where_it_went() {
    let world = tree().holds("amber", "bb").check("root:org:team", "amber bb");
    world.0.remove_logical_cluster(&shard("blue"), &cluster("bb"));
    let world = world.check("root:org:team", "amber bb").loses("blue", "aa/team");
    world.check("root:org:team", "amber bb").loses("amber", "aa/team").check("root:org:team", "unknown");
}

#[test]
fn what_a_new_list_lacks_is_dropped() {
    let world = tree();
    for feed in [Feed::Workspaces, Feed::LogicalClusters] {
        world.0.begin_round(&shard("amber"), feed);
    }
    let world = world.check("root:org:team", "blue bb").holds("amber", "aa");
    world.0.end_round(&shard("amber"), Feed::LogicalClusters);
    let world = world.check("root:org:team", "blue bb");
    world.0.end_round(&shard("amber"), Feed::Workspaces);
    world.check("root:org", "amber aa").check("root:org:team", "unknown").check("bb", "blue bb");
}

#[test]
fn a_removed_shard_takes_its_reports_with_it() {
    let world = tree();
    world.0.remove_shard(&shard("amber"));
    let world = world.check("root:org", "unknown").check("bb", "blue bb");
    world.holds("green", "aa").check("root:org", "green aa").check("root:org:team", "unknown");
}

#[test]
fn the_way_back_up() {
    let world = tree();
    let path = |name: &str| world.0.path_of(&cluster(name)).map(|path| path.to_string());
    assert_eq!(path("bb").as_deref(), Some("root:org:team"));
    assert_eq!(path("root").as_deref(), Some("root"));
    assert_eq!(path("none"), None);
}

#[test]
fn contradicting_reports_do_not_hang_anyone() {
    let ring = World::proxy().leads("a", "xx/y", "yy").leads("b", "yy/x", "xx");
    assert_eq!(ring.0.path_of(&cluster("xx")), None);
}

#[test]
fn knowledge_ends_where_a_shard_can_be_asked() {
    let world = tree();
    let frontier = |path: &str| world.0.frontier(&WorkspacePath::parse(path).expect(path));
    assert_eq!(
        frontier("root:org:new:deeper"),
        Some(Frontier { cluster: cluster("aa"), shard: shard("amber"), missing: "new".into() })
    );
    assert_eq!(frontier("root:org:team"), None);
    assert_eq!(frontier("other:x"), None);
}

#[test]
fn types_and_counts_follow_the_logical_clusters() {
    let world = tree();
    let typed = LogicalClusterFacts { type_path: Some("root:universal") };
    world.0.upsert_logical_cluster(&shard("amber"), &cluster("aa"), &typed);
    assert_eq!(world.0.type_of(&cluster("aa")).as_deref(), Some("root:universal"));
    assert_eq!(world.0.counts(), [(shard("root"), 1), (shard("amber"), 1), (shard("blue"), 1)]);
    world.0.remove_logical_cluster(&shard("amber"), &cluster("aa"));
    assert_eq!(world.0.type_of(&cluster("aa")), None);
    assert_eq!(world.0.counts()[1], (shard("amber"), 0));
}

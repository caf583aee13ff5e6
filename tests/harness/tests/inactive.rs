//! A workspace that is marked inactive: what it still answers, and what becomes of those who were watching.

use kcp_test_harness::Kcp;

#[test]
fn watches_end_when_a_workspace_is_marked_inactive_and_it_answers_again_when_the_mark_is_gone() {
    let kcp = Kcp::start();
    let team = kcp.make_workspace("root", "team");
    let other = kcp.make_workspace("root", "other");
    let watch = |cluster: &str| {
        let path = format!("/clusters/{cluster}/api/v1/configmaps?watch=1");
        kcp.shard_admin().spawn(&["get", "--raw", &path]).begun()
    };
    let (in_it, everywhere) = (watch("root:team"), watch("*"));
    let mark = |value: &str| {
        let annotation = format!("core.kcp.io/inactive={value}");
        team.run(&["annotate", "--overwrite", "logicalcluster", "cluster", &annotation]).success();
    };
    mark("true");
    // They would go on for an hour.
    in_it.wait().success();
    everywhere.wait().success();
    let refused = team.run(&["get", "configmaps"]).failure();
    assert!(refused.contains("logical cluster is marked inactive"), "{refused}");
    other.run(&["get", "configmaps"]).success();
    mark("false");
    team.run(&["get", "configmaps"]).success();
}

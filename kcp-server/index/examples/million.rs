//! Fills an index with a million workspaces and prints what one costs.
//! Run with `cargo run --release -p kcp-index --example million`.

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a measurement for people")]

use kcp_index::{Index, LogicalClusterFacts, Reach, WorkspaceFacts};
use kcp_names::{ClusterName, ShardName, WorkspacePath, hash::base36_sha224};
use std::time::Instant;

fn main() {
    let count = 1_000_000_u32;
    let shard = ShardName::parse("amber").unwrap();
    let name = |at: u32| ClusterName::parse(&base36_sha224(&at.to_be_bytes())[..16]).unwrap();
    let index = Index::of_proxy();
    index.upsert_logical_cluster(&shard, &ClusterName::root(), &LogicalClusterFacts::default());
    let (before, start) = (resident(), Instant::now());
    for at in 0..count {
        // A tree of fan-out 1,000.
        let parent = if at < 1_000 { ClusterName::root() } else { name(at / 1_000) };
        let workspace = WorkspaceFacts {
            parent,
            name: &format!("workspace-{at}"),
            reach: Reach::Open,
            cluster: Some(name(at)),
            shard: None,
            mount_url: None,
        };
        index.upsert_workspace(&shard, &workspace);
        let facts = LogicalClusterFacts { type_path: Some("root:universal") };
        index.upsert_logical_cluster(&shard, &name(at), &facts);
    }
    println!("filled in {:?}", start.elapsed());
    println!("{} bytes per workspace", (resident() - before) / u64::from(count));
    let path = WorkspacePath::parse("root:workspace-999:workspace-999999").unwrap();
    let start = Instant::now();
    for _ in 0..count {
        std::hint::black_box(index.resolve(std::hint::black_box(&path)));
    }
    println!("{:?} per lookup of three segments", start.elapsed() / count);
}

fn resident() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    statm.split(' ').nth(1).unwrap().parse::<u64>().unwrap() * 4096
}

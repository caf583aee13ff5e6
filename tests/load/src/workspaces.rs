//! Workspaces, from the request that creates one to the first GET that shows it Ready.

use crate::{client::Client, percentile, row};
use anyhow::bail;
use bytes::Bytes;
use http::Method;
use serde_json::Value;
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

const BASE: &str = "/apis/tenancy.kcp.io/v1alpha1/workspaces";
/// How long one may take before the run is given up.
const PATIENCE: Duration = Duration::from_secs(60);

/// Makes workspaces and prints what it took; deletes them unless they are to be kept.
pub(crate) async fn run(
    client: &Client,
    count: usize,
    clients: usize,
    rate: u32,
    keep: bool,
    memory: impl Fn() -> Option<u64>,
) -> anyhow::Result<()> {
    let before = memory();
    let next = Arc::new(AtomicUsize::new(0));
    let begun = Instant::now();
    let mut tasks = Vec::new();
    for _ in 0..clients {
        tasks.push(tokio::spawn(one(client.clone(), next.clone(), count, rate, begun)));
    }
    let mut samples = Vec::new();
    for task in tasks {
        samples.extend(task.await??);
    }
    let took = begun.elapsed().as_secs_f64();
    let per_second = samples.len() as f64 / took;
    row(&["workspaces", "clients", "per second", "create → Ready p50 ms", "p99 ms"]);
    row(&["---", "---", "---", "---", "---"]);
    let (p50, p99) = (percentile(&mut samples, 0.5), percentile(&mut samples, 0.99));
    row(&[
        &count.to_string(),
        &clients.to_string(),
        &format!("{per_second:.0}"),
        &format!("{p50:.2}"),
        &format!("{p99:.2}"),
    ]);
    if let (Some(before), Some(after)) = (before, memory()) {
        row(&[
            "memory per workspace",
            &format!("{} bytes", after.saturating_sub(before) / count.max(1) as u64),
        ]);
    }
    if !keep {
        let begun = Instant::now();
        client
            .expect(Method::DELETE, &format!("{BASE}?labelSelector=kcp-load%3Dyes"), "", Bytes::new())
            .await?;
        while remaining(client).await? > 0 {
            if begun.elapsed() > PATIENCE * 10 {
                bail!("the workspaces do not go away");
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        row(&["deleted in", &format!("{:.1} s", begun.elapsed().as_secs_f64())]);
    }
    Ok(())
}

async fn one(
    client: Client,
    next: Arc<AtomicUsize>,
    count: usize,
    rate: u32,
    begun: Instant,
) -> anyhow::Result<Vec<Duration>> {
    let mut samples = Vec::new();
    loop {
        let at = next.fetch_add(1, Ordering::Relaxed);
        if at >= count {
            return Ok(samples);
        }
        if rate > 0 {
            let due = begun + Duration::from_secs_f64(at as f64 / f64::from(rate));
            tokio::time::sleep_until(due.into()).await;
        }
        let name = format!("load-{at}");
        let body = format!(
            "{{\"apiVersion\":\"tenancy.kcp.io/v1alpha1\",\"kind\":\"Workspace\",\"metadata\":{{\"name\":\"{name}\",\"labels\":{{\"kcp-load\":\"yes\"}}}},\"spec\":{{\"type\":{{\"name\":\"universal\",\"path\":\"root\"}}}}}}"
        );
        let sent = Instant::now();
        client.expect(Method::POST, BASE, "application/json", body.into()).await?;
        let path = format!("{BASE}/{name}");
        loop {
            let found: Value =
                serde_json::from_slice(&client.expect(Method::GET, &path, "", Bytes::new()).await?)?;
            if found["status"]["phase"] == "Ready" {
                break;
            }
            if sent.elapsed() > PATIENCE {
                bail!("{name} is not ready: {found}");
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        samples.push(sent.elapsed());
    }
}

async fn remaining(client: &Client) -> anyhow::Result<usize> {
    let path = format!("{BASE}?labelSelector=kcp-load%3Dyes&limit=1");
    let list: Value = serde_json::from_slice(&client.expect(Method::GET, &path, "", Bytes::new()).await?)?;
    Ok(list["items"].as_array().map_or(0, Vec::len))
}

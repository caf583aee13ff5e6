//! ConfigMaps of about 1 KiB: get, create, merge patch, and lists of many.

use crate::{client::Client, percentile, row};
use bytes::Bytes;
use http::Method;
use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

const NAMESPACE: &str = "kcp-load";
const BASE: &str = "/api/v1/namespaces/kcp-load/configmaps";
const JSON: &str = "application/json";

/// Prints a row for each operation and number of clients.
pub(crate) async fn run(
    client: &Client,
    clients: &[usize],
    time: Duration,
    list: usize,
) -> anyhow::Result<()> {
    let namespace =
        format!("{{\"apiVersion\":\"v1\",\"kind\":\"Namespace\",\"metadata\":{{\"name\":\"{NAMESPACE}\"}}}}");
    client.send(Method::POST, "/api/v1/namespaces", JSON, namespace.into()).await?;
    client.send(Method::POST, BASE, JSON, object("target", 0)).await?;
    row(&["operation", "clients", "per second", "p50 ms", "p99 ms"]);
    row(&["---", "---", "---", "---", "---"]);
    for &count in clients {
        measure("get", count, time, |_| async {
            client.expect(Method::GET, &format!("{BASE}/target"), "", Bytes::new()).await
        })
        .await?;
    }
    for &count in clients {
        measure("create", count, time, |at| async move {
            client.expect(Method::POST, BASE, JSON, object(&format!("c{count}-{at}"), at)).await
        })
        .await?;
    }
    for &count in clients {
        measure("merge patch", count, time, |at| async move {
            let patch = format!("{{\"data\":{{\"k{}\":\"{at}\"}}}}", at % 10);
            let path = format!("{BASE}/c{count}-{}", at % 50);
            client.expect(Method::PATCH, &path, "application/merge-patch+json", patch.into()).await
        })
        .await?;
    }
    lists(client, list).await?;
    client.send(Method::DELETE, &format!("/api/v1/namespaces/{NAMESPACE}"), "", Bytes::new()).await?;
    Ok(())
}

async fn lists(client: &Client, count: usize) -> anyhow::Result<()> {
    let next = Arc::new(AtomicUsize::new(0));
    let mut tasks = Vec::new();
    for _ in 0..32 {
        let (client, next) = (client.clone(), next.clone());
        tasks.push(tokio::spawn(async move {
            loop {
                let at = next.fetch_add(1, Ordering::Relaxed);
                if at >= count {
                    return Ok::<_, anyhow::Error>(());
                }
                let mut body = String::from_utf8_lossy(&object(&format!("l{at}"), at)).into_owned();
                body = body.replacen("\"metadata\":{", "\"metadata\":{\"labels\":{\"list\":\"yes\"},", 1);
                client.send(Method::POST, BASE, JSON, body.into()).await?;
            }
        }));
    }
    for task in tasks {
        task.await??;
    }
    let mut times = Vec::new();
    let mut bytes = 0;
    for _ in 0..10 {
        let begun = Instant::now();
        bytes = client.expect(Method::GET, BASE, "", Bytes::new()).await?.len();
        times.push(begun.elapsed());
    }
    let rate = 1000.0 / percentile(&mut times, 0.5);
    let name = format!("list, {:.1} MiB", bytes as f64 / 1048576.0);
    row(&[
        &name,
        "1",
        &format!("{rate:.1}"),
        &format!("{:.1}", percentile(&mut times, 0.5)),
        &format!("{:.1}", percentile(&mut times, 0.99)),
    ]);
    Ok(())
}

async fn measure<F: Future<Output = anyhow::Result<Bytes>>>(
    name: &str,
    clients: usize,
    time: Duration,
    act: impl Fn(usize) -> F,
) -> anyhow::Result<()> {
    let next = AtomicUsize::new(0);
    let begun = Instant::now();
    let one = || async {
        let mut samples = Vec::new();
        while begun.elapsed() < time {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let sent = Instant::now();
            act(at).await?;
            samples.push(sent.elapsed());
        }
        Ok::<_, anyhow::Error>(samples)
    };
    let all = futures(clients, one).await?;
    let took = begun.elapsed().as_secs_f64();
    let mut samples: Vec<Duration> = all.into_iter().flatten().collect();
    let rate = samples.len() as f64 / took;
    let (p50, p99) = (percentile(&mut samples, 0.5), percentile(&mut samples, 0.99));
    row(&[name, &clients.to_string(), &format!("{rate:.0}"), &format!("{p50:.2}"), &format!("{p99:.2}")]);
    Ok(())
}

/// Runs so many of a future at the same time, on this task.
async fn futures<T, F: Future<Output = anyhow::Result<T>>>(
    count: usize,
    make: impl Fn() -> F,
) -> anyhow::Result<Vec<T>> {
    let mut pending: Vec<_> = (0..count).map(|_| Box::pin(make())).collect();
    let mut done = Vec::new();
    std::future::poll_fn(|context| {
        let mut at = 0;
        while at < pending.len() {
            match pending[at].as_mut().poll(context) {
                std::task::Poll::Ready(result) => {
                    drop(pending.swap_remove(at));
                    done.push(result);
                }
                std::task::Poll::Pending => at += 1,
            }
        }
        if pending.is_empty() { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    done.into_iter().collect()
}

/// A ConfigMap of about 1 KiB.
fn object(name: &str, at: usize) -> Bytes {
    let filler = format!("{at:0>8}").repeat(110);
    format!(
        "{{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{{\"name\":\"{name}\"}},\"data\":{{\"filler\":\"{filler}\"}}}}"
    )
    .into()
}

//! What is counted. Labels are methods, status codes and shards, never workspaces.

use crate::directory::Directory;
use http::{Method, StatusCode};
use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{family::Family, gauge::Gauge, histogram::Histogram},
    registry::Registry,
};
use std::time::Duration;

const BUCKETS: [f64; 12] = [0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 45.0, 60.0];

/// The metrics of the proxy.
#[derive(Debug)]
pub(crate) struct Metrics {
    registry: Registry,
    requests: Family<Request, Histogram, fn() -> Histogram>,
    indexed: Family<OfShard, Gauge>,
    ready: Gauge,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Request {
    method: &'static str,
    code: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfShard {
    shard: String,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let requests = Family::new_with_constructor((|| Histogram::new(BUCKETS)) as fn() -> Histogram);
        let (indexed, ready) = (Family::default(), Gauge::default());
        let mut registry = Registry::default();
        registry.register(
            "proxy_request_duration_seconds",
            "Time until the head of a response, by method and status code",
            requests.clone(),
        );
        registry.register("kcp_indexed_logicalclusters", "Logical clusters known, by shard", indexed.clone());
        registry.register(
            "kcp_front_proxy_index_ready",
            "Whether all shards have been listed",
            ready.clone(),
        );
        Self { registry, requests, indexed, ready }
    }

    /// Counts an answered request.
    pub(crate) fn answered(&self, method: &Method, status: StatusCode, took: Duration) {
        let labels = Request { method: known(method), code: status.as_u16() };
        self.requests.get_or_create(&labels).observe(took.as_secs_f64());
    }

    /// All metrics as OpenMetrics text.
    pub(crate) fn report(&self, directory: &Directory) -> String {
        // Shards that are gone take their series with them.
        self.indexed.clear();
        for (shard, count) in directory.index().counts() {
            let count = i64::try_from(count).unwrap_or(i64::MAX);
            self.indexed.get_or_create(&OfShard { shard: shard.to_string() }).set(count);
        }
        self.ready.set(directory.is_ready().into());
        let mut report = String::new();
        // Writing to a string cannot fail.
        let _ = encode(&mut report, &self.registry);
        report
    }
}

/// Clients may invent methods; labels may not.
fn known(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

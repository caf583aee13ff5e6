//! What is counted, and what is checked for health. The number of series is constant: nothing here is
//! labelled by workspace, user or object.

use kcp_names::Revision;
use kcp_registry::Resource;
use parking_lot::RwLock;
use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::Registry,
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

/// Upper bounds of the latency buckets, in seconds.
const BUCKETS: [f64; 12] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0];

/// Counters of one server.
pub struct Metrics {
    registry: RwLock<Registry>,
    requests: Family<Request, Counter>,
    durations: Family<Method, Histogram>,
    lists: Family<List, Counter>,
    revision: Gauge,
    checks: RwLock<Vec<Check>>,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Request {
    verb: String,
    code: u16,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Method {
    verb: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct List {
    group: String,
    index: String,
    resource: String,
}

/// Something that has to hold for the server to be well.
#[derive(Clone)]
struct Check {
    name: &'static str,
    /// Whether it matters to `livez`, too.
    live: bool,
    well: Arc<AtomicBool>,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::default();
        let requests = Family::<Request, Counter>::default();
        let durations = Family::<Method, Histogram>::new_with_constructor(|| Histogram::new(BUCKETS));
        let lists = Family::<List, Counter>::default();
        let revision = Gauge::default();
        registry.register("apiserver_request", "Requests answered, by verb and code", requests.clone());
        registry.register("apiserver_request_duration_seconds", "Time to answer, by verb", durations.clone());
        registry.register(
            "apiserver_cache_list",
            "Lists served without asking a remote store",
            lists.clone(),
        );
        registry.register("apiserver_storage_revision", "The newest revision", revision.clone());
        let this = Self {
            registry: RwLock::new(registry),
            requests,
            durations,
            lists,
            revision,
            checks: RwLock::default(),
        };
        this.check("ping", true).store(true, Ordering::Relaxed);
        this
    }
}

impl Metrics {
    /// Adds a health check, failing until it is set. `live`: the process is of no use while it fails.
    pub fn check(&self, name: &'static str, live: bool) -> Arc<AtomicBool> {
        let well = Arc::new(AtomicBool::new(false));
        self.checks.write().push(Check { name, live, well: well.clone() });
        well
    }

    /// The checks of `livez`, `readyz` or `healthz`, and whether each holds.
    pub(crate) fn checks(&self, kind: &str) -> Vec<(&'static str, bool)> {
        let checks = self.checks.read();
        let wanted = checks.iter().filter(|check| kind != "livez" || check.live);
        wanted.map(|check| (check.name, check.well.load(Ordering::Relaxed))).collect()
    }

    pub(crate) fn request(&self, method: &http::Method, code: http::StatusCode, took: Duration) {
        let verb = match method.as_str() {
            verb @ ("GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE") => verb,
            _ => "other",
        };
        self.requests.get_or_create(&Request { verb: verb.to_owned(), code: code.as_u16() }).inc();
        self.durations.get_or_create(&Method { verb: verb.to_owned() }).observe(took.as_secs_f64());
    }

    /// A list that the store's local index answered. Only built-in and kcp's own kinds get a series of
    /// their own; tenants' kinds share one, as their number has no bound.
    pub(crate) fn listed(&self, resource: &Resource) {
        let ours = resource.is_built_in() || resource.group.ends_with(".kcp.io");
        let name = |text: &str| if ours { text.to_owned() } else { "other".to_owned() };
        let lists =
            List { group: name(&resource.group), index: String::new(), resource: name(&resource.plural) };
        self.lists.get_or_create(&lists).inc();
    }

    /// The text that Prometheus reads.
    pub(crate) fn render(&self, revision: Revision) -> String {
        self.revision.set(i64::try_from(revision.0).unwrap_or(i64::MAX));
        let mut text = String::new();
        // Writing to a string does not fail.
        let _ = encode(&mut text, &self.registry.read());
        text
    }

    /// Lets other parts add what they count.
    pub fn register(&self, add: impl FnOnce(&mut Registry)) {
        add(&mut self.registry.write());
    }
}

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
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

/// Upper bounds of the latency buckets, in seconds.
const BUCKETS: [f64; 12] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0];

/// Kinds of tenants that are counted one by one.
const TENANTS_KINDS: usize = 200;

/// Counters of one server.
pub struct Metrics {
    registry: RwLock<Registry>,
    requests: Family<Request, Counter>,
    durations: Family<Method, Histogram>,
    lists: Family<List, Counter>,
    /// Kinds of tenants that have series of their own.
    tenants: RwLock<HashSet<List>>,
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
            tenants: RwLock::default(),
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

    /// A list that the store's local index answered. The first [`TENANTS_KINDS`] kinds of tenants have series
    /// of their own; those after them share one, as their number has no bound.
    pub(crate) fn listed(&self, resource: &Resource) {
        let ours = resource.is_built_in() || resource.group.ends_with(".kcp.io");
        self.count(ours, &resource.group, &resource.plural);
    }

    fn count(&self, ours: bool, group: &str, plural: &str) {
        let list = |group: &str, plural: &str| List {
            group: group.to_owned(),
            index: String::new(),
            resource: plural.to_owned(),
        };
        let own = list(group, plural);
        let known = ours || self.tenants.read().contains(&own) || self.admit(&own);
        let counted = if known { own } else { list("other", "other") };
        self.lists.get_or_create(&counted).inc();
    }

    fn admit(&self, list: &List) -> bool {
        let mut tenants = self.tenants.write();
        let fits = tenants.len() < TENANTS_KINDS;
        if fits {
            tenants.insert(list.clone());
        }
        fits
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kinds_of_tenants_have_a_bounded_number_of_series() {
        let metrics = Metrics::default();
        for number in 0..TENANTS_KINDS + 50 {
            metrics.count(false, &format!("g{number}.example.org"), "things");
        }
        metrics.count(true, "", "configmaps");
        let text = metrics.render(Revision(1));
        let series = text.lines().filter(|line| line.starts_with("apiserver_cache_list_total")).count();
        assert_eq!(series, TENANTS_KINDS + 2);
        let other = r#"apiserver_cache_list_total{group="other",index="",resource="other"} 50"#;
        assert!(text.contains(other), "{text}");
    }
}

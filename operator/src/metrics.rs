//! What the operator counts, under the names of the operator before it.
//!
//! Labels come from resources of the operator only, which are few, and from words of its own; an error's
//! text is never one.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kcp_operator_api::{FrontProxy, Kubeconfig, RootShard};
use kube::ResourceExt as _;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Run {
    controller: String,
    result: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Failure {
    controller: String,
    error_type: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Phased {
    phase: String,
    namespace: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Spaced {
    namespace: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Conditional {
    resource_type: String,
    resource_name: String,
    namespace: String,
    condition_type: String,
}

type Durations = Family<Run, Histogram, fn() -> Histogram>;

/// All metrics of the process.
pub(crate) struct Metrics {
    registry: Mutex<Registry>,
    durations: Durations,
    failures: Family<Failure, Counter>,
    root_shards: Family<Phased, Gauge>,
    front_proxies: Family<Phased, Gauge>,
    kubeconfigs: Family<Spaced, Gauge>,
    conditions: Family<Conditional, Gauge>,
}

/// What is counted of a resource.
pub(crate) struct Counted {
    kind: &'static str,
    name: String,
    namespace: String,
    phase: Option<String>,
    conditions: Vec<Condition>,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        const BUCKETS: [f64; 11] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
        let metrics = Self {
            registry: Mutex::new(Registry::with_prefix("kcp_operator")),
            durations: Family::new_with_constructor(|| Histogram::new(BUCKETS)),
            failures: Family::default(),
            root_shards: Family::default(),
            front_proxies: Family::default(),
            kubeconfigs: Family::default(),
            conditions: Family::default(),
        };
        let mut registry = metrics.registry.lock().unwrap_or_else(PoisonError::into_inner);
        let durations = metrics.durations.clone();
        registry.register("reconciliation_duration_seconds", "How long reconciles take", durations);
        registry.register("reconciliation_errors", "Reconciles that failed", metrics.failures.clone());
        registry.register("rootshard_count", "RootShards", metrics.root_shards.clone());
        registry.register("frontproxy_count", "FrontProxies", metrics.front_proxies.clone());
        registry.register("kubeconfig_count", "Kubeconfigs", metrics.kubeconfigs.clone());
        let help = "Conditions: 1 true, 0 false, -1 unknown";
        registry.register("condition_status", help, metrics.conditions.clone());
        drop(registry);
        metrics
    }

    /// One reconcile has ended.
    pub(crate) fn reconciled(&self, controller: &str, took: Duration, error: Option<&str>) {
        let (controller, result) =
            (controller.to_lowercase(), if error.is_some() { "error" } else { "success" });
        let run = Run { controller: controller.clone(), result: result.to_owned() };
        self.durations.get_or_create(&run).observe(took.as_secs_f64());
        if let Some(error) = error {
            self.failures.get_or_create(&Failure { controller, error_type: error.to_owned() }).inc();
        }
    }

    /// What there is now.
    pub(crate) fn count(&self, root_shards: &[Counted], front_proxies: &[Counted], kubeconfigs: &[Counted]) {
        count_phases(&self.root_shards, root_shards);
        count_phases(&self.front_proxies, front_proxies);
        self.kubeconfigs.clear();
        for found in kubeconfigs {
            self.kubeconfigs.get_or_create(&Spaced { namespace: found.namespace.clone() }).inc();
        }
        self.conditions.clear();
        for found in root_shards.iter().chain(front_proxies).chain(kubeconfigs) {
            for condition in &found.conditions {
                let labels = Conditional {
                    resource_type: found.kind.to_owned(),
                    resource_name: found.name.clone(),
                    namespace: found.namespace.clone(),
                    condition_type: condition.type_.clone(),
                };
                let value = match condition.status.as_str() {
                    "True" => 1,
                    "False" => 0,
                    _ => -1,
                };
                self.conditions.get_or_create(&labels).set(value);
            }
        }
    }

    /// All metrics as text.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        let registry = self.registry.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = encode(&mut text, &registry) {
            tracing::warn!(%error, "metrics cannot be written");
        }
        text
    }
}

fn count_phases(family: &Family<Phased, Gauge>, counted: &[Counted]) {
    family.clear();
    for found in counted {
        let phase =
            found.phase.clone().filter(|phase| !phase.is_empty()).unwrap_or_else(|| "Unknown".to_owned());
        family.get_or_create(&Phased { phase, namespace: found.namespace.clone() }).inc();
    }
}

macro_rules! counted {
    ($($kind:ty => $name:literal),*) => {
        $(impl From<&$kind> for Counted {
            fn from(object: &$kind) -> Self {
                let status = object.status.clone().unwrap_or_default();
                Self {
                    kind: $name,
                    name: object.name_any(),
                    namespace: object.namespace().unwrap_or_default(),
                    phase: status.phase,
                    conditions: status.conditions,
                }
            }
        })*
    };
}

counted!(RootShard => "RootShard", FrontProxy => "FrontProxy", Kubeconfig => "Kubeconfig");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_operator_before() {
        let metrics = Metrics::new();
        metrics.reconciled("RootShard", Duration::from_millis(7), Some("api"));
        let counted = Counted {
            kind: "RootShard",
            name: "root".to_owned(),
            namespace: "kcp".to_owned(),
            phase: None,
            conditions: Vec::new(),
        };
        metrics.count(&[counted], &[], &[]);
        let text = metrics.text();
        for line in [
            "kcp_operator_rootshard_count{phase=\"Unknown\",namespace=\"kcp\"} 1",
            "kcp_operator_reconciliation_errors_total{controller=\"rootshard\",error_type=\"api\"} 1",
            "kcp_operator_reconciliation_duration_seconds_count{controller=\"rootshard\",result=\"error\"} 1",
        ] {
            assert!(text.contains(line), "{line}\n{text}");
        }
    }
}

use super::{core, each, empty, has, missing, pod};
use kcp_apimachinery::{Value, value};

fn pod_template(object: &mut Value, path: &[&str]) {
    let template = path.iter().fold(object, |value, name| value.force_object().entry(name));
    pod::template(template);
}

pub(super) fn deployment(object: &mut Value) {
    missing(object, &["spec", "replicas"], 1_i64);
    empty(object, &["spec", "strategy", "type"], "RollingUpdate");
    if object.str_at(&["spec", "strategy", "type"]) == Some("RollingUpdate") {
        missing(object, &["spec", "strategy", "rollingUpdate", "maxUnavailable"], "25%");
        missing(object, &["spec", "strategy", "rollingUpdate", "maxSurge"], "25%");
    }
    missing(object, &["spec", "revisionHistoryLimit"], 10_i64);
    missing(object, &["spec", "progressDeadlineSeconds"], 600_i64);
    pod_template(object, &["spec", "template"]);
}

pub(super) fn stateful_set(object: &mut Value) {
    empty(object, &["spec", "podManagementPolicy"], "OrderedReady");
    if object.str_at(&["spec", "updateStrategy", "type"]).unwrap_or_default().is_empty() {
        object.set_at(&["spec", "updateStrategy", "type"], "RollingUpdate".into());
        missing(object, &["spec", "updateStrategy", "rollingUpdate", "partition"], 0_i64);
    } else if has(object, &["spec", "updateStrategy", "rollingUpdate"]) {
        missing(object, &["spec", "updateStrategy", "rollingUpdate", "partition"], 0_i64);
    }
    for when in ["whenDeleted", "whenScaled"] {
        empty(object, &["spec", "persistentVolumeClaimRetentionPolicy", when], "Retain");
    }
    missing(object, &["spec", "replicas"], 1_i64);
    missing(object, &["spec", "revisionHistoryLimit"], 10_i64);
    pod_template(object, &["spec", "template"]);
    for claim in each(object, &["spec", "volumeClaimTemplates"]) {
        empty(claim, &["apiVersion"], "v1");
        empty(claim, &["kind"], "PersistentVolumeClaim");
        core::persistent_volume_claim(claim);
    }
}

pub(super) fn daemon_set(object: &mut Value) {
    empty(object, &["spec", "updateStrategy", "type"], "RollingUpdate");
    if object.str_at(&["spec", "updateStrategy", "type"]) == Some("RollingUpdate") {
        missing(object, &["spec", "updateStrategy", "rollingUpdate", "maxUnavailable"], 1_i64);
        missing(object, &["spec", "updateStrategy", "rollingUpdate", "maxSurge"], 0_i64);
    }
    missing(object, &["spec", "revisionHistoryLimit"], 10_i64);
    pod_template(object, &["spec", "template"]);
}

pub(super) fn replica_set(object: &mut Value) {
    missing(object, &["spec", "replicas"], 1_i64);
    pod_template(object, &["spec", "template"]);
}

pub(super) fn job(object: &mut Value) {
    job_spec(object, &["spec"]);
    let labels = object.at(&["spec", "template", "metadata", "labels"]).cloned();
    if let Some(labels) = labels.filter(|_| object.meta().labels().next().is_none()) {
        object.set_at(&["metadata", "labels"], labels);
    }
}

pub(super) fn cron_job(object: &mut Value) {
    empty(object, &["spec", "concurrencyPolicy"], "Allow");
    missing(object, &["spec", "suspend"], false);
    missing(object, &["spec", "successfulJobsHistoryLimit"], 3_i64);
    missing(object, &["spec", "failedJobsHistoryLimit"], 1_i64);
    pod_template(object, &["spec", "jobTemplate", "spec", "template"]);
}

fn job_spec(object: &mut Value, path: &[&str]) {
    let spec = path.iter().fold(object, |value, name| value.force_object().entry(name));
    if !has(spec, &["completions"]) && !has(spec, &["parallelism"]) {
        spec.set_at(&["completions"], Value::Int(1));
    }
    missing(spec, &["parallelism"], 1_i64);
    let per_index = has(spec, &["backoffLimitPerIndex"]);
    missing(spec, &["backoffLimit"], if per_index { i64::from(i32::MAX) } else { 6 });
    missing(spec, &["completionMode"], "NonIndexed");
    missing(spec, &["suspend"], false);
    missing(spec, &["manualSelector"], false);
    let failed = has(spec, &["podFailurePolicy"]);
    missing(spec, &["podReplacementPolicy"], if failed { "Failed" } else { "TerminatingOrFailed" });
    pod_template(spec, &["template"]);
}

pub(super) fn autoscaler(object: &mut Value) {
    missing(object, &["spec", "minReplicas"], 1_i64);
    let target = value!({"type": "Utilization", "averageUtilization": 80_i64});
    missing(
        object,
        &["spec", "metrics"],
        value!([{"type": "Resource", "resource": {"name": "cpu", "target": target}}]),
    );
}

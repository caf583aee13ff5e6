use super::{has, immutable, list, not_negative, pod, text};
use kcp_apimachinery::{
    Value,
    field::{Error, Path},
    selector::{Labels, validate_label_selector},
};

pub(super) fn deployment(new: &Value, old: Option<&Value>, errors: &mut Vec<Error>) {
    not_negative(new, &["spec", "replicas"], errors);
    selected(new, "empty selector is invalid for deployment", errors);
    template(new, &["spec", "template"], true, &["Always"], errors);
    let at = Path::new("spec.strategy");
    if text(new, &["spec", "strategy", "type"]) == "Recreate"
        && has(new, &["spec", "strategy", "rollingUpdate"])
    {
        let detail = "may not be specified when strategy `type` is 'Recreate'";
        errors.push(Error::forbidden(&at.child("rollingUpdate"), detail));
    }
    let zero = |name| {
        matches!(new.at(&["spec", "strategy", "rollingUpdate", name]), Some(Value::Int(0)) | None)
            || text(new, &["spec", "strategy", "rollingUpdate", name]) == "0%"
    };
    if has(new, &["spec", "strategy", "rollingUpdate"]) && zero("maxUnavailable") && zero("maxSurge") {
        let value =
            new.at(&["spec", "strategy", "rollingUpdate", "maxUnavailable"]).cloned().unwrap_or_default();
        let at = at.child("rollingUpdate.maxUnavailable");
        errors.push(Error::invalid(&at, value, "may not be 0 when `maxSurge` is 0"));
    }
    for name in ["minReadySeconds", "revisionHistoryLimit", "progressDeadlineSeconds"] {
        not_negative(new, &["spec", name], errors);
    }
    let number = |name| new.at(&["spec", name]).and_then(Value::as_int).unwrap_or_default();
    if has(new, &["spec", "progressDeadlineSeconds"])
        && number("progressDeadlineSeconds") <= number("minReadySeconds")
    {
        let at = Path::new("spec.progressDeadlineSeconds");
        let detail = "must be greater than minReadySeconds";
        errors.push(Error::invalid(&at, number("progressDeadlineSeconds"), detail));
    }
    selector_is_kept(new, old, errors);
}

pub(super) fn replica_set(new: &Value, old: Option<&Value>, errors: &mut Vec<Error>) {
    not_negative(new, &["spec", "replicas"], errors);
    not_negative(new, &["spec", "minReadySeconds"], errors);
    selected(new, "empty selector is invalid for deployment", errors);
    template(new, &["spec", "template"], true, &["Always"], errors);
    selector_is_kept(new, old, errors);
}

pub(super) fn daemon_set(new: &Value, old: Option<&Value>, errors: &mut Vec<Error>) {
    selected(new, "empty selector is invalid for daemonset", errors);
    template(new, &["spec", "template"], true, &["Always"], errors);
    not_negative(new, &["spec", "minReadySeconds"], errors);
    not_negative(new, &["spec", "revisionHistoryLimit"], errors);
    selector_is_kept(new, old, errors);
}

pub(super) fn stateful_set(new: &Value, old: Option<&Value>, errors: &mut Vec<Error>) {
    not_negative(new, &["spec", "replicas"], errors);
    selected(new, "empty selector is invalid for statefulset", errors);
    // Mounts may be of volume claims, so volumes are left to the pods.
    template(new, &["spec", "template"], false, &["Always"], errors);
    let Some(old) = old else { return };
    const CHANGEABLE: [&str; 7] = [
        "replicas",
        "ordinals",
        "template",
        "updateStrategy",
        "revisionHistoryLimit",
        "persistentVolumeClaimRetentionPolicy",
        "minReadySeconds",
    ];
    let fixed = |set: &Value| {
        let mut spec = set.get("spec").cloned().unwrap_or_else(Value::object);
        for name in CHANGEABLE {
            spec.remove_at(&[name]);
        }
        spec
    };
    if fixed(new) != fixed(old) {
        let detail = "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden";
        errors.push(Error::forbidden(&Path::new("spec"), detail));
    }
}

pub(super) fn controller_revision(new: &Value, old: Option<&Value>, errors: &mut Vec<Error>) {
    if !has(new, &["data"]) {
        errors.push(Error::required(&Path::new("data"), "data is mandatory"));
    }
    not_negative(new, &["revision"], errors);
    if let Some(old) = old {
        immutable(new, old, &["data"], errors);
    }
}

pub(super) fn job(new: &Value, old: Option<&Value>, errors: &mut Vec<Error>) {
    for name in
        ["parallelism", "completions", "backoffLimit", "activeDeadlineSeconds", "ttlSecondsAfterFinished"]
    {
        not_negative(new, &["spec", name], errors);
    }
    template(new, &["spec", "template"], true, &["OnFailure", "Never"], errors);
    let Some(old) = old else { return };
    for name in ["completions", "selector", "completionMode", "podFailurePolicy", "backoffLimitPerIndex"] {
        immutable(new, old, &["spec", name], errors);
    }
    let suspended = |job: &Value| job.at(&["spec", "suspend"]) == Some(&Value::Bool(true));
    if !suspended(old) {
        immutable(new, old, &["spec", "template"], errors);
    }
}

pub(super) fn cron_job(new: &Value, errors: &mut Vec<Error>) {
    if text(new, &["spec", "schedule"]).is_empty() {
        errors.push(Error::required(&Path::new("spec.schedule"), ""));
    }
    for name in ["startingDeadlineSeconds", "successfulJobsHistoryLimit", "failedJobsHistoryLimit"] {
        not_negative(new, &["spec", name], errors);
    }
    template(new, &["spec", "jobTemplate", "spec", "template"], true, &["OnFailure", "Never"], errors);
}

pub(super) fn disruption_budget(new: &Value, errors: &mut Vec<Error>) {
    if has(new, &["spec", "minAvailable"]) && has(new, &["spec", "maxUnavailable"]) {
        let value = new.get("spec").cloned().unwrap_or_default();
        let detail = "minAvailable and maxUnavailable cannot be both set";
        errors.push(Error::invalid(&Path::new("spec"), value, detail));
    }
    if let Some(selector) = new.at(&["spec", "selector"]) {
        errors.extend(validate_label_selector(selector, &Path::new("spec.selector")));
    }
}

/// A selector is there, selects something, and selects the pods of the template.
fn selected(new: &Value, if_empty: &str, errors: &mut Vec<Error>) {
    let at = Path::new("spec.selector");
    let Some(selector) = new.at(&["spec", "selector"]).filter(|selector| !selector.is_null()) else {
        errors.push(Error::required(&at, ""));
        labels_match(&Value::object(), new, errors);
        return;
    };
    errors.extend(validate_label_selector(selector, &at));
    let labels = selector.get("matchLabels").and_then(Value::as_object).map_or(0, |labels| labels.len());
    if labels + list(selector, &["matchExpressions"]).len() == 0 {
        errors.push(Error::invalid(&at, selector.clone(), if_empty));
    } else {
        labels_match(selector, new, errors);
    }
}

fn labels_match(selector: &Value, new: &Value, errors: &mut Vec<Error>) {
    let Ok(parsed) = Labels::from_object(Some(selector)) else { return };
    let labels = new.at(&["spec", "template", "metadata", "labels"]);
    let label = |key: &str| labels.and_then(|labels| labels.str_at(&[key]));
    if !parsed.is_everything() && !parsed.matches_with(label) {
        let value = labels.cloned().unwrap_or_default();
        let at = Path::new("spec.template.metadata.labels");
        errors.push(Error::invalid(&at, value, "`selector` does not match template `labels`"));
    }
}

fn selector_is_kept(new: &Value, old: Option<&Value>, errors: &mut Vec<Error>) {
    if let Some(old) = old {
        immutable(new, old, &["spec", "selector"], errors);
    }
}

fn template(new: &Value, path: &[&str], whole: bool, restart: &[&str], errors: &mut Vec<Error>) {
    let empty = Value::object();
    let template = new.at(path).unwrap_or(&empty);
    let name = path.join(".");
    let at = Path::new(&name);
    if whole {
        pod::template(template, &at, errors);
    }
    let policy = text(template, &["spec", "restartPolicy"]);
    if !restart.contains(&policy) {
        let at = at.child("spec.restartPolicy");
        match (policy, restart) {
            ("", [_]) | (_, [_]) => errors.push(Error::not_supported(&at, policy, restart)),
            ("Always", _) => {
                errors.push(Error::required(&at, "valid values: \"OnFailure\", \"Never\""));
            }
            (policy, _) => errors.push(Error::not_supported(&at, policy, restart)),
        }
    }
}

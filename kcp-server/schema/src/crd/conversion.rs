use super::{
    source::{flag, present, text, texts},
    version::Rules,
};
use kcp_apimachinery::{
    Value,
    field::{Error, Path},
    names::{dns1035_label, dns1123_subdomain},
};

/// The versions of ConversionReview that Kubernetes' servers send.
const ACCEPTED: [&str; 2] = ["v1", "v1beta1"];
const NOT_WEBHOOK: &str = "should not be set when strategy is not set to Webhook";

pub(super) fn validate(spec: &Value, rules: Rules, at: &Path<'_>, errors: &mut Vec<Error>) {
    let Some(conversion) = present(spec, "conversion") else { return };
    let strategy = text(conversion, "strategy");
    if strategy != "None" && flag(spec, "preserveUnknownFields") {
        let detail = "must be None if spec.preserveUnknownFields is true";
        errors.push(Error::invalid(&at.child("strategy"), strategy, detail));
    }
    match strategy {
        "" => errors.push(Error::required(&at.child("strategy"), "")),
        "None" | "Webhook" => {}
        other => errors.push(Error::not_supported(&at.child("strategy"), other, &["None", "Webhook"])),
    }
    let webhook = present(conversion, "webhook");
    let config = webhook.and_then(|webhook| present(webhook, "clientConfig"));
    let versions = webhook.map(|webhook| texts(webhook, "conversionReviewVersions")).unwrap_or_default();
    if strategy == "Webhook" {
        client(config, rules, &at.child("webhookClientConfig"), errors);
        review_versions(&versions, rules, &at.child("conversionReviewVersions"), errors);
        return;
    }
    if config.is_some() {
        errors.push(Error::forbidden(&at.child("webhookClientConfig"), NOT_WEBHOOK));
    }
    if !versions.is_empty() {
        errors.push(Error::forbidden(&at.child("conversionReviewVersions"), NOT_WEBHOOK));
    }
}

/// Whether the versions have one that servers know, or there are none.
pub(super) fn has_recognized_version(spec: &Value) -> bool {
    let webhook = spec.at(&["conversion", "webhook"]);
    let versions = webhook.map(|webhook| texts(webhook, "conversionReviewVersions")).unwrap_or_default();
    versions.is_empty() || versions.iter().any(|version| ACCEPTED.contains(version))
}

/// Whether there is a CA bundle that is no PEM.
pub(super) fn has_unreadable_ca_bundle(spec: &Value) -> bool {
    let bundle = spec.str_at(&["conversion", "webhook", "clientConfig", "caBundle"]).unwrap_or_default();
    !bundle.is_empty() && !is_pem(bundle)
}

fn client(config: Option<&Value>, rules: Rules, at: &Path<'_>, errors: &mut Vec<Error>) {
    let Some(config) = config else {
        errors.push(Error::required(at, "required when strategy is set to Webhook"));
        return;
    };
    match (present(config, "url").and_then(Value::as_str), present(config, "service")) {
        (Some(url), None) => webhook_url(url, &at.child("url"), errors),
        (None, Some(service)) => webhook_service(service, &at.child("service"), errors),
        (Some(_), Some(_)) | (None, None) => {
            errors.push(Error::required(at, "exactly one of url or service is required"));
        }
    }
    let bundle = text(config, "caBundle");
    if !bundle.is_empty() && !rules.any_ca_bundle && !is_pem(bundle) {
        let detail = "unable to load root certificates: unable to parse bytes as PEM block";
        errors.push(Error::invalid(&at.child("caBundle"), bundle, detail));
    }
}

/// Whether base64 holds something that begins like PEM.
fn is_pem(base64: &str) -> bool {
    // `-----BEGIN ` is the same twelve characters of base64 wherever a bundle begins with it.
    base64.starts_with("LS0tLS1CRUdJTi")
}

fn webhook_url(url: &str, at: &Path<'_>, errors: &mut Vec<Error>) {
    const FORM: &str = "; desired format: https://host[/path]";
    let mut invalid = |part: &str, detail: String| errors.push(Error::invalid(at, part, detail));
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    if scheme != "https" {
        invalid(scheme, format!("'https' is the only allowed URL scheme{FORM}"));
    }
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, after) = rest.split_at(if scheme.is_empty() { 0 } else { end });
    let (user, host) = authority.rsplit_once('@').unwrap_or(("", authority));
    if host.is_empty() {
        invalid(host, format!("host must be specified{FORM}"));
    }
    if !user.is_empty() {
        invalid(user, "user information is not permitted in the URL".into());
    }
    let (after, fragment) = after.split_once('#').unwrap_or((after, ""));
    if !fragment.is_empty() {
        invalid(fragment, "fragments are not permitted in the URL".into());
    }
    let (_, query) = after.split_once('?').unwrap_or((after, ""));
    if !query.is_empty() {
        invalid(query, "query parameters are not permitted in the URL".into());
    }
}

fn webhook_service(service: &Value, at: &Path<'_>, errors: &mut Vec<Error>) {
    // Kubernetes mixes the two up, and its clients see it.
    for (missing, told) in [("name", "namespace"), ("namespace", "name")] {
        if text(service, missing).is_empty() {
            errors.push(Error::required(&at.child(told), ""));
        }
    }
    let port = service.get("port").and_then(Value::as_int).unwrap_or(443);
    if !(1..=65535).contains(&port) {
        let detail = "port is not valid: must be between 1 and 65535, inclusive";
        errors.push(Error::invalid(&at.child("port"), port, detail));
    }
    let Some(path) = service.get("path").and_then(Value::as_str) else { return };
    let at = at.child("path");
    if path == "/" || path.is_empty() {
        return;
    }
    if path == "//" {
        errors.push(Error::invalid(&at, path, "segment[0] may not be empty"));
        return;
    }
    if !path.starts_with('/') {
        errors.push(Error::invalid(&at, path, "must start with a '/'"));
    }
    let steps = path.char_indices().nth(1).map_or("", |(second, _)| &path[second..]);
    let steps = steps.strip_suffix('/').unwrap_or(steps);
    for (index, step) in steps.split('/').enumerate() {
        if step.is_empty() {
            errors.push(Error::invalid(&at, path, format!("segment[{index}] may not be empty")));
            continue;
        }
        for wrong in dns1123_subdomain(step) {
            errors.push(Error::invalid(&at, path, format!("segment[{index}]: {wrong}")));
        }
    }
}

fn review_versions(versions: &[&str], rules: Rules, at: &Path<'_>, errors: &mut Vec<Error>) {
    if versions.is_empty() {
        errors.push(Error::required(at, ""));
        return;
    }
    for (index, &version) in versions.iter().enumerate() {
        if versions[..index].contains(&version) {
            errors.push(Error::invalid(&at.index(index), version, "duplicate version"));
            continue;
        }
        for wrong in dns1035_label(version) {
            errors.push(Error::invalid(&at.index(index), version, wrong));
        }
    }
    if rules.recognized_review_version && !versions.iter().any(|version| ACCEPTED.contains(version)) {
        let value: Value = versions.iter().map(|&version| Value::from(version)).collect();
        errors.push(Error::invalid(
            at,
            value,
            format!("must include at least one of {}", ACCEPTED.join(", ")),
        ));
    }
}

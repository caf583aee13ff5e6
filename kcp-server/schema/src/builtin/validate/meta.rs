use super::{list, text};
use kcp_apimachinery::{
    Value,
    field::{Error, Path},
    names,
};

pub(super) fn lease(new: &Value, errors: &mut Vec<Error>) {
    let number = |name: &str| new.at(&["spec", name]).and_then(Value::as_int);
    if let Some(seconds) = number("leaseDurationSeconds").filter(|seconds| *seconds <= 0) {
        errors.push(Error::invalid(
            &Path::new("spec.leaseDurationSeconds"),
            seconds,
            "must be greater than 0",
        ));
    }
    if let Some(times) = number("leaseTransitions").filter(|times| *times < 0) {
        let detail = "must be greater than or equal to 0";
        errors.push(Error::invalid(&Path::new("spec.leaseTransitions"), times, detail));
    }
}

/// The form of a request for a certificate. What is in it is for the signer to check.
pub(super) fn signing_request(new: &Value, errors: &mut Vec<Error>) {
    let request = text(new, &["spec", "request"]);
    // `-----BEGIN CERTIFICATE REQUEST` or `-----BEGIN NEW CERTIFICATE REQUEST`, as base64 begins.
    let is_request =
        ["LS0tLS1CRUdJTiBDRVJUSUZJQ0FURSBSRVFVRVNU", "LS0tLS1CRUdJTiBORVcgQ0VSVElGSUNBVEUgUkVRVUVTV"];
    if !is_request.iter().any(|start| request.starts_with(start)) {
        let detail = "PEM block type must be CERTIFICATE REQUEST";
        errors.push(Error::invalid(&Path::new("spec.request"), request, detail));
    }
    if list(new, &["spec", "usages"]).is_empty() {
        errors.push(Error::required(&Path::new("spec.usages"), ""));
    }
    signer_name(text(new, &["spec", "signerName"]), &Path::new("spec.signerName"), errors);
    let expiration = new.at(&["spec", "expirationSeconds"]).and_then(Value::as_int);
    if let Some(seconds) = expiration.filter(|seconds| *seconds < 600) {
        let detail = "may not specify a duration less than 600 seconds (10 minutes)";
        errors.push(Error::invalid(&Path::new("spec.expirationSeconds"), seconds, detail));
    }
}

/// `example.com/signer-name`
fn signer_name(name: &str, at: &Path<'_>, errors: &mut Vec<Error>) {
    if name.is_empty() {
        errors.push(Error::required(at, ""));
        return;
    }
    let Some((domain, path)) = name.split_once('/').filter(|(_, path)| !path.contains('/')) else {
        let detail = "must be a fully qualified domain and path of the form 'example.com/signer-name'";
        errors.push(Error::invalid(at, name, detail));
        return;
    };
    if !domain.contains('.') {
        errors.push(Error::invalid(
            at,
            domain,
            "should be a domain with at least two segments separated by dots",
        ));
    }
    for (part, wrong) in [(domain, names::dns1123_subdomain(domain)), (path, names::path_segment(path))] {
        errors.extend(wrong.into_iter().map(|wrong| Error::invalid(at, part, wrong)));
    }
    if path.is_empty() {
        errors.push(Error::invalid(at, path, "must not be empty"));
    }
}

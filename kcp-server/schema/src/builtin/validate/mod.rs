//! What must hold for objects of Kubernetes' own kinds beyond their metadata: the checks that matter to
//! a control plane, with the messages of Kubernetes' `validation.go` files, one function per kind.
//!
//! Values of fields that allow only some are checked for every kind from the data ([`allowed`]); `status`
//! is written by programs and not checked.

mod allowed;
mod core;
mod meta;
mod pod;
mod rbac;
mod workload;

use super::definition;
use crate::crd;
use kcp_apimachinery::{
    Value,
    field::{Error, Path},
    meta::Gvk,
};

/// What is wrong with an object of a built-in kind; with `old`, with an update of it. The object's own
/// metadata is checked elsewhere. Objects of other kinds are not looked at.
#[must_use]
pub fn validate(gvk: &Gvk, new: &Value, old: Option<&Value>) -> Vec<Error> {
    let package = match &*gvk.group {
        "" => "core",
        "rbac.authorization.k8s.io" => "rbac",
        group => group.split('.').next().unwrap_or_default(),
    };
    definition(&format!("{package}.{}.{}", gvk.version, gvk.kind))
        .map(|definition| by_type(definition.name(), new, old))
        .unwrap_or_default()
}

/// What is wrong with an object of a type by its name in the data.
pub(crate) fn by_type(name: &str, new: &Value, old: Option<&Value>) -> Vec<Error> {
    let mut errors = Vec::new();
    let errors_of = &mut errors;
    match name {
        "core.v1.ConfigMap" => core::config_map(new, old, errors_of),
        "core.v1.Secret" => core::secret(new, old, errors_of),
        "core.v1.Namespace" => core::namespace(new, errors_of),
        "core.v1.Event" => core::event(new, errors_of),
        "events.v1.Event" => core::new_event(new, old, errors_of),
        "core.v1.ResourceQuota" => core::resource_quota(new, errors_of),
        "core.v1.Service" => core::service(new, errors_of),
        "core.v1.Pod" => pod::pod(new, old, errors_of),
        "coordination.v1.Lease" => meta::lease(new, errors_of),
        "certificates.v1.CertificateSigningRequest" => meta::signing_request(new, errors_of),
        "rbac.v1.Role" => rbac::rules(new, true, errors_of),
        "rbac.v1.ClusterRole" => rbac::cluster_role(new, errors_of),
        "rbac.v1.RoleBinding" => rbac::binding(new, old, true, errors_of),
        "rbac.v1.ClusterRoleBinding" => rbac::binding(new, old, false, errors_of),
        "apps.v1.Deployment" => workload::deployment(new, old, errors_of),
        "apps.v1.ReplicaSet" => workload::replica_set(new, old, errors_of),
        "apps.v1.DaemonSet" => workload::daemon_set(new, old, errors_of),
        "apps.v1.StatefulSet" => workload::stateful_set(new, old, errors_of),
        "apps.v1.ControllerRevision" => workload::controller_revision(new, old, errors_of),
        "batch.v1.Job" => workload::job(new, old, errors_of),
        "batch.v1.CronJob" => workload::cron_job(new, errors_of),
        "policy.v1.PodDisruptionBudget" => workload::disruption_budget(new, errors_of),
        "apiextensions.v1.CustomResourceDefinition" => errors.extend(match old {
            Some(old) => crd::update_errors(new, old),
            None => crd::create_errors(new),
        }),
        _ => {}
    }
    if let Some(definition) = definition(name) {
        allowed::walk(definition.node(), new, old, &Path::root(), &mut errors);
    }
    errors
}

const IMMUTABLE: &str = "field is immutable";

/// A member that may not change.
fn immutable(new: &Value, old: &Value, path: &[&str], errors: &mut Vec<Error>) {
    let (value, before) = (new.at(path), old.at(path));
    if value != before {
        let value = value.cloned().unwrap_or_default();
        errors.push(Error::invalid(&Path::new(&path.join(".")), value, IMMUTABLE));
    }
}

/// A number that may not be negative.
fn not_negative(object: &Value, path: &[&str], errors: &mut Vec<Error>) {
    if let Some(number) = object.at(path).and_then(Value::as_int).filter(|number| *number < 0) {
        let at = path.join(".");
        errors.push(Error::invalid(&Path::new(&at), number, "must be greater than or equal to 0"));
    }
}

/// The text at the end of a path; empty if there is none.
fn text<'v>(object: &'v Value, path: &[&str]) -> &'v str {
    object.str_at(path).unwrap_or_default()
}

/// The elements at the end of a path.
fn list<'v>(object: &'v Value, path: &[&str]) -> &'v [Value] {
    object.at(path).and_then(Value::as_array).unwrap_or_default()
}

/// Whether something is there and not `null`.
fn has(object: &Value, path: &[&str]) -> bool {
    object.at(path).is_some_and(|value| !value.is_null())
}

#[cfg(test)]
mod tests;

//! What Kubernetes fills in that its types do not say. Facts of its `defaults.go` files, one function
//! per kind. An empty text counts as missing where Go cannot tell them apart.

mod core;
mod pod;
mod policy;
mod workload;

use kcp_apimachinery::Value;

/// Fills in the defaults of a type by its name in the data.
pub(crate) fn by_type(name: &str, object: &mut Value) {
    match name {
        "core.v1.Namespace" => core::namespace(object),
        "core.v1.Secret" => core::secret(object),
        "core.v1.Service" => core::service(object),
        "core.v1.Node" => core::node(object),
        "core.v1.PersistentVolume" => core::persistent_volume(object),
        "core.v1.PersistentVolumeClaim" => core::persistent_volume_claim(object),
        "core.v1.Endpoints" => core::endpoints(object),
        "core.v1.Pod" => pod::pod(object),
        "apps.v1.Deployment" => workload::deployment(object),
        "apps.v1.StatefulSet" => workload::stateful_set(object),
        "apps.v1.DaemonSet" => workload::daemon_set(object),
        "apps.v1.ReplicaSet" => workload::replica_set(object),
        "batch.v1.Job" => workload::job(object),
        "batch.v1.CronJob" => workload::cron_job(object),
        "rbac.v1.RoleBinding" | "rbac.v1.ClusterRoleBinding" => policy::role_binding(object),
        "admissionregistration.v1.MutatingWebhookConfiguration" => policy::webhooks(object, true),
        "admissionregistration.v1.ValidatingWebhookConfiguration" => policy::webhooks(object, false),
        "admissionregistration.v1.ValidatingAdmissionPolicy"
        | "admissionregistration.v1.MutatingAdmissionPolicy" => policy::admission_policy(object),
        "admissionregistration.v1.ValidatingAdmissionPolicyBinding"
        | "admissionregistration.v1.MutatingAdmissionPolicyBinding" => policy::admission_binding(object),
        "apiextensions.v1.CustomResourceDefinition" => policy::custom_resource_definition(object),
        "authentication.v1.TokenRequest" => missing(object, &["spec", "expirationSeconds"], 3600_i64),
        "autoscaling.v2.HorizontalPodAutoscaler" => workload::autoscaler(object),
        "discovery.v1.EndpointSlice" => core::endpoint_slice(object),
        "networking.v1.NetworkPolicy" => policy::network_policy(object),
        "networking.v1.IngressClass" => policy::ingress_class(object),
        "scheduling.v1.PriorityClass" => empty(object, &["preemptionPolicy"], "PreemptLowerPriority"),
        "storage.v1.StorageClass" => {
            empty(object, &["reclaimPolicy"], "Delete");
            empty(object, &["volumeBindingMode"], "Immediate");
        }
        _ => {}
    }
}

/// Sets what is missing.
fn missing(object: &mut Value, path: &[&str], value: impl Into<Value>) {
    if object.at(path).is_none_or(Value::is_null) {
        object.set_at(path, value.into());
    }
}

/// Sets a text that is missing or empty.
fn empty(object: &mut Value, path: &[&str], text: &str) {
    if object.str_at(path).unwrap_or_default().is_empty() {
        object.set_at(path, text.into());
    }
}

/// Whether a member is there and not `null`.
fn has(object: &Value, path: &[&str]) -> bool {
    object.at(path).is_some_and(|value| !value.is_null())
}

/// The elements of a list for change; none if there is no list.
fn each<'v>(object: &'v mut Value, path: &[&str]) -> impl Iterator<Item = &'v mut Value> + use<'v> {
    let list = path.iter().try_fold(object, |value, name| value.get_mut(name));
    list.and_then(Value::as_array_mut).into_iter().flatten()
}

#[cfg(test)]
mod tests;

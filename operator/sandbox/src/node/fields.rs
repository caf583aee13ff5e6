//! The fields of a pod that its containers may ask for (the downward API), and names derived from it.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::Pod;

use crate::spaces::network::GATEWAY;

/// The name a pod calls itself.
pub(crate) fn hostname(pod: &Pod) -> String {
    let spec = pod.spec.as_ref();
    let name = spec.and_then(|spec| spec.hostname.clone()).or_else(|| pod.metadata.name.clone());
    // Linux allows 64 bytes; Kubernetes cuts at 63.
    name.unwrap_or_default().chars().take(63).collect::<String>().trim_end_matches(['-', '.']).to_owned()
}

/// The value of a field by its path, as `fieldRef` names it.
///
/// # Errors
/// Says that the path is not one of those that can be asked for.
pub(crate) fn value(pod: &Pod, path: &str) -> Result<String, String> {
    let meta = &pod.metadata;
    let address = || pod.status.as_ref().and_then(|status| status.pod_ip.clone()).unwrap_or_default();
    Ok(match path {
        "metadata.name" => meta.name.clone().unwrap_or_default(),
        "metadata.namespace" => meta.namespace.clone().unwrap_or_default(),
        "metadata.uid" => meta.uid.clone().unwrap_or_default(),
        "metadata.labels" => lines(meta.labels.as_ref()),
        "metadata.annotations" => lines(meta.annotations.as_ref()),
        "spec.nodeName" => pod.spec.as_ref().and_then(|spec| spec.node_name.clone()).unwrap_or_default(),
        "spec.serviceAccountName" => service_account(pod).to_owned(),
        "status.podIP" | "status.podIPs" => address(),
        "status.hostIP" | "status.hostIPs" => GATEWAY.to_string(),
        _ => return keyed(pod, path).ok_or_else(|| format!("field {path} is not supported")),
    })
}

/// `metadata.labels['name']` and the same of annotations.
fn keyed(pod: &Pod, path: &str) -> Option<String> {
    let (map, rest) = if let Some(rest) = path.strip_prefix("metadata.labels[") {
        (pod.metadata.labels.as_ref(), rest)
    } else {
        (pod.metadata.annotations.as_ref(), path.strip_prefix("metadata.annotations[")?)
    };
    let key = rest.strip_suffix(']')?.trim_matches(['\'', '"']);
    Some(map.and_then(|map| map.get(key)).cloned().unwrap_or_default())
}

fn lines(map: Option<&BTreeMap<String, String>>) -> String {
    let lines = map.into_iter().flatten().map(|(name, value)| format!("{name}={value:?}"));
    lines.collect::<Vec<_>>().join("\n")
}

/// The account the pod acts as.
pub(crate) fn service_account(pod: &Pod) -> &str {
    let name = pod.spec.as_ref().and_then(|spec| spec.service_account_name.as_deref());
    name.filter(|name| !name.is_empty()).unwrap_or("default")
}

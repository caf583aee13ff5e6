//! Discovery documents of a catalog, legacy and aggregated. Pure: the same catalog gives the same bytes.

use kcp_apimachinery::{Map, Value, value};
use kcp_registry::{Catalog, Resource, Version};
use std::{collections::BTreeSet, sync::Arc};

/// The discovery document at a path; `None` if the path is no discovery path of this catalog.
pub(crate) fn document(catalog: &Catalog, path: &str) -> Option<Value> {
    let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    match parts.as_slice() {
        ["api"] => Some(value!({"kind": "APIVersions", "versions": ["v1"],
            "serverAddressByClientCIDRs": [{"clientCIDR": "0.0.0.0/0", "serverAddress": ""}]})),
        ["apis"] => {
            let groups: Value = groups(catalog).iter().map(|name| group(catalog, name)).collect();
            Some(value!({"kind": "APIGroupList", "apiVersion": "v1", "groups": (groups)}))
        }
        ["api", "v1"] => Some(resources(catalog, "", "v1")),
        ["apis", name] => {
            let known = groups(catalog).iter().any(|group| group == name);
            known.then(|| {
                let mut document = group(catalog, name);
                document.force_object().insert("kind", "APIGroup");
                document.force_object().insert("apiVersion", "v1");
                document
            })
        }
        ["apis", group, version] => {
            versions(catalog, group).iter().any(|v| v == version).then(|| resources(catalog, group, version))
        }
        _ => None,
    }
}

/// The aggregated document of `/api` (`core`) or `/apis`.
pub(crate) fn aggregated(catalog: &Catalog, core: bool, version: &str) -> Value {
    let names = if core { vec![String::new()] } else { groups(catalog) };
    let items: Value = names.iter().map(|name| aggregated_group(catalog, name)).collect();
    value!({
        "kind": "APIGroupDiscoveryList",
        "apiVersion": (format!("apidiscovery.k8s.io/{version}")),
        "metadata": {},
        "items": (items),
    })
}

/// Names of the groups besides the core group: built-in ones in Kubernetes' order, then the rest by name.
pub(crate) fn groups(catalog: &Catalog) -> Vec<String> {
    let mut built_in = Vec::new();
    let mut others = BTreeSet::new();
    for resource in catalog.resources.iter().filter(|resource| !resource.group.is_empty()) {
        let name = resource.group.to_string();
        if resource.is_built_in() {
            if !built_in.contains(&name) {
                built_in.push(name);
            }
        } else {
            others.insert(name);
        }
    }
    let rest: Vec<_> = others.into_iter().filter(|name| !built_in.contains(name)).collect();
    built_in.into_iter().chain(rest).collect()
}

/// Versions of a group, most preferred first.
pub(crate) fn versions(catalog: &Catalog, group: &str) -> Vec<String> {
    let served: BTreeSet<String> = catalog
        .resources
        .iter()
        .filter(|resource| &*resource.group == group)
        .flat_map(|resource| resource.versions.iter().map(|version| version.name.to_string()))
        .collect();
    let mut versions: Vec<String> = served.into_iter().collect();
    versions.sort_by(|a, b| kcp_apimachinery::meta::compare_versions(b, a));
    versions
}

fn group(catalog: &Catalog, name: &str) -> Value {
    let entry = |version: &String| value!({"groupVersion": (format!("{name}/{version}")), "version": (version.as_str())});
    let versions = versions(catalog, name);
    let preferred = versions.first().map_or(Value::Null, entry);
    let all: Value = versions.iter().map(entry).collect();
    value!({"name": (name), "versions": (all), "preferredVersion": (preferred)})
}

/// The resources of a group that are served in a version.
fn served<'c>(
    catalog: &'c Catalog,
    group: &str,
    version: &str,
) -> Vec<(&'c Arc<Resource>, &'c Arc<Version>)> {
    let mut found: Vec<_> = catalog
        .resources
        .iter()
        .filter(|resource| &*resource.group == group)
        .filter_map(|resource| Some((resource, resource.version(version)?)))
        .collect();
    found.sort_by(|a, b| a.0.plural.cmp(&b.0.plural));
    found
}

fn resources(catalog: &Catalog, group: &str, version: &str) -> Value {
    let mut entries = Vec::new();
    for (resource, served) in served(catalog, group, version) {
        entries.push(resource_entry(resource, served));
        entries
            .extend(subresources(resource, served).into_iter().map(|sub| legacy_subresource(resource, &sub)));
    }
    let group_version = if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") };
    value!({"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": (group_version), "resources": (entries)})
}

fn resource_entry(resource: &Resource, version: &Version) -> Value {
    let mut entry = Map::new();
    entry.insert("name", &*resource.plural);
    entry.insert("singularName", &*resource.singular);
    entry.insert("namespaced", resource.namespaced);
    entry.insert("kind", &*resource.kind);
    entry.insert("verbs", strings(&verbs(resource, version)));
    optional(&mut entry, "shortNames", &resource.short_names);
    optional(&mut entry, "categories", &resource.categories);
    if version.verbs.contains(&"list") {
        entry.insert("storageVersionHash", storage_version_hash(resource));
    }
    Value::Object(entry)
}

/// An API that is going away takes nothing new, and says so.
fn verbs<'v>(resource: &Resource, version: &'v Version) -> Vec<&'v str> {
    version.verbs.iter().copied().filter(|verb| !(resource.is_terminating() && *verb == "create")).collect()
}

/// A subresource as discovery tells of it.
struct Sub<'a> {
    name: &'a str,
    kind: &'a str,
    group: &'a str,
    version: &'a str,
    verbs: Vec<&'a str>,
}

fn subresources<'a>(resource: &'a Resource, version: &'a Version) -> Vec<Sub<'a>> {
    let mut found: Vec<Sub<'a>> = version
        .subresources
        .iter()
        .map(|sub| Sub {
            name: sub.name,
            kind: sub.kind,
            group: sub.group,
            version: sub.version,
            verbs: sub.verbs.to_vec(),
        })
        .collect();
    if version.scale.is_some() {
        let verbs = vec!["get", "patch", "update"];
        found.push(Sub { name: "scale", kind: "Scale", group: "autoscaling", version: "v1", verbs });
    }
    if version.status {
        let verbs = vec!["get", "patch", "update"];
        found.push(Sub { name: "status", kind: &resource.kind, group: "", version: "", verbs });
    }
    found.sort_by(|a, b| a.name.cmp(b.name));
    found
}

fn legacy_subresource(resource: &Resource, sub: &Sub<'_>) -> Value {
    let mut entry = Map::new();
    entry.insert("name", format!("{}/{}", resource.plural, sub.name));
    entry.insert("singularName", "");
    entry.insert("namespaced", resource.namespaced);
    entry.insert("kind", sub.kind);
    entry.insert("verbs", strings(&sub.verbs));
    if !sub.version.is_empty() {
        entry.insert("group", sub.group);
        entry.insert("version", sub.version);
    }
    Value::Object(entry)
}

fn aggregated_group(catalog: &Catalog, name: &str) -> Value {
    let versions: Value = versions(catalog, name)
        .iter()
        .map(|version| {
            let resources: Value = served(catalog, name, version)
                .into_iter()
                .map(|(resource, v)| aggregated_resource(resource, v))
                .collect();
            value!({"version": (version.as_str()), "resources": (resources), "freshness": "Current"})
        })
        .collect();
    let metadata = if name.is_empty() { Value::object() } else { value!({"name": (name)}) };
    value!({"metadata": (metadata), "versions": (versions)})
}

fn aggregated_resource(resource: &Resource, version: &Version) -> Value {
    let kind = |group: &str, version: &str, kind: &str| value!({"group": (group), "version": (version), "kind": (kind)});
    let mut entry = Map::new();
    entry.insert("resource", &*resource.plural);
    entry.insert("responseKind", kind(&resource.group, &version.name, &resource.kind));
    entry.insert("scope", if resource.namespaced { "Namespaced" } else { "Cluster" });
    entry.insert("singularResource", &*resource.singular);
    entry.insert("verbs", strings(&verbs(resource, version)));
    optional(&mut entry, "shortNames", &resource.short_names);
    optional(&mut entry, "categories", &resource.categories);
    let subs: Vec<Value> = subresources(resource, version)
        .iter()
        .map(|sub| {
            let (group, of) = if sub.version.is_empty() { (&*resource.group, &*version.name) } else { (sub.group, sub.version) };
            value!({"subresource": (sub.name), "responseKind": (kind(group, of, sub.kind)), "verbs": (strings(&sub.verbs))})
        })
        .collect();
    if !subs.is_empty() {
        entry.insert("subresources", subs);
    }
    Value::Object(entry)
}

fn optional(entry: &mut Map, name: &str, texts: &[String]) {
    if !texts.is_empty() {
        entry.insert(name, strings(&texts.iter().map(String::as_str).collect::<Vec<_>>()));
    }
}

fn strings(texts: &[&str]) -> Value {
    texts.iter().map(|&text| Value::from(text)).collect()
}

/// Eight bytes of a hash over group, stored version and kind, in base64: clients only compare it.
fn storage_version_hash(resource: &Resource) -> String {
    use base64::Engine;
    use sha2::Digest;
    let text = format!("{}/{}/{}", resource.group, resource.storage.name, resource.kind);
    base64::prelude::BASE64_STANDARD.encode(&sha2::Sha256::digest(text)[..8])
}

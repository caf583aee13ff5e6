//! The kinds of Kubernetes itself, as resources of a catalog.

use crate::{Column, Resource, Scale, Source, Subresource, Version};
use kcp_schema::builtin::{self, BuiltIn, CellSource, Set};
use kcp_storage::ResourceKey;
use std::{
    hash::{DefaultHasher, Hash, Hasher},
    sync::Arc,
};

/// The built-in resources: those of a control plane, and with `workloads` those of a cluster that runs
/// something.
#[must_use]
pub fn built_in_resources(workloads: bool) -> Vec<Arc<Resource>> {
    let mut kinds: Vec<&'static BuiltIn> = builtin::kinds(Set::ControlPlane).iter().collect();
    if workloads {
        kinds.extend(builtin::kinds(Set::Workloads));
    }
    kinds.into_iter().map(|kind| Arc::new(resource(kind))).collect()
}

fn resource(kind: &'static BuiltIn) -> Resource {
    let version = Arc::new(version(kind));
    let mut content = DefaultHasher::new();
    (kind.group, kind.version, kind.kind, version.schema.content_id()).hash(&mut content);
    Resource {
        group: kind.group.into(),
        plural: kind.plural.into(),
        singular: kind.singular.as_str().into(),
        kind: kind.kind.into(),
        list_kind: kind.list_kind.as_str().into(),
        short_names: kind.short_names.iter().map(|&name| name.to_owned()).collect(),
        categories: kind.categories.iter().map(|&name| name.to_owned()).collect(),
        namespaced: kind.namespaced,
        key: key(kind),
        versions: vec![version.clone()],
        storage: version,
        source: Source::BuiltIn,
        content: content.finish(),
    }
}

/// Both kinds of events are one.
fn key(kind: &BuiltIn) -> ResourceKey {
    match (kind.group, kind.plural) {
        ("events.k8s.io", "events") => ResourceKey::built_in("", "events"),
        (group, plural) => ResourceKey::built_in(group, plural),
    }
}

fn version(kind: &'static BuiltIn) -> Version {
    let others = kind.subresources.iter().filter(|sub| !matches!(sub.name, "status" | "scale"));
    Version {
        name: kind.version.into(),
        api_version: kind.api_version().into(),
        schema: kind.schema(),
        verbs: kind.verbs.clone(),
        status: kind.subresource("status").is_some(),
        scale: kind.subresource("scale").map(|_| Scale {
            spec_replicas: ".spec.replicas".to_owned(),
            status_replicas: ".status.replicas".to_owned(),
            selector: Some(".spec.selector".to_owned()),
        }),
        subresources: others
            .map(|sub| {
                let (group, version, of) = sub.kind.unwrap_or(("", "", kind.kind));
                Subresource { name: sub.name, kind: of, group, version, verbs: &sub.verbs }
            })
            .collect(),
        columns: columns(kind),
        selectable: Vec::new(),
        deprecation: None,
        known: Some(kind),
    }
}

/// The columns that `kubectl` shows of a kind.
pub(crate) fn columns(kind: &'static BuiltIn) -> Vec<Column> {
    kind.columns
        .iter()
        .map(|column| {
            let (json_path, function) = match column.source {
                CellSource::Path(path) => (path, None),
                CellSource::Function(function) => ("", Some(function)),
            };
            Column {
                name: column.name.to_owned(),
                kind: column.kind.to_owned(),
                format: column.format.to_owned(),
                priority: column.priority,
                description: column.description.to_owned(),
                json_path: json_path.to_owned(),
                function,
            }
        })
        .collect()
}

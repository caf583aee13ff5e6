//! What every shard has, and what every workspace of a type that extends `universal` gets.

use super::{manifest, sort};
use crate::kinds;
use kcp_apimachinery::Value;

/// Plural and group of the kinds that every logical cluster serves without a binding.
const SYSTEM: [(&str, &str); 8] = [
    ("apiexports", "apis.kcp.io"),
    ("apibindings", "apis.kcp.io"),
    ("apiresourceschemas", "apis.kcp.io"),
    ("apiexportendpointslices", "apis.kcp.io"),
    ("logicalclusters", "core.kcp.io"),
    ("apiconversions", "apis.kcp.io"),
    ("clustercachedresources", "cache.kcp.io"),
    ("clustercachedresourceendpointslices", "cache.kcp.io"),
];

/// The CRDs of `system:system-crds`.
#[must_use]
pub fn system_crds() -> Vec<Value> {
    SYSTEM.iter().filter_map(|(plural, group)| kinds::find(plural, group).map(kinds::Kind::crd)).collect()
}

/// The objects of `system:shard`.
#[must_use]
pub fn system_shard() -> Vec<Value> {
    let mut objects = manifest(include_str!("../../../../config/kcp/system-shard/objects.yaml"));
    sort(&mut objects);
    objects
}

/// What the initializer `root:universal` puts into a new workspace.
#[must_use]
pub fn universal() -> Vec<Value> {
    manifest(include_str!("../../../../config/kcp/universal/namespaces.yaml"))
}

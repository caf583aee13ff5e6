//! The root workspace: the APIs that all workspaces use, their exports, types and policy.

use super::{Batteries, Battery, enabled, manifest, sort};
use crate::kinds;
use kcp_apimachinery::{Value, value};

/// Prefix, plural and group of the APIResourceSchemas of root: clients and documents know them by
/// the names that upstream generated.
pub const SCHEMAS: [(&str, &str, &str); 12] = [
    ("v250523-2b8c1d3c5", "cachedobjects", "cache.kcp.io"),
    ("v260804-b35f3bb61", "clustercachedresourceendpointslices", "cache.kcp.io"),
    ("v250920-de0c8484d", "clustercachedresources", "cache.kcp.io"),
    ("v260702-7381341f5", "logicalclusterdumps", "migration.kcp.io"),
    ("v260702-7381341f5", "logicalclustermigrations", "migration.kcp.io"),
    ("v260522-2bf05df66", "logicalclusters", "core.kcp.io"),
    ("v240903-d6797056a", "partitions", "topology.kcp.io"),
    ("v240903-d6797056a", "partitionsets", "topology.kcp.io"),
    ("v260302-ae9fdd9c1", "shards", "core.kcp.io"),
    ("v250827-717cfea84", "workspaceauthenticationconfigurations", "tenancy.kcp.io"),
    ("v260522-2bf05df66", "workspaces", "tenancy.kcp.io"),
    ("v260519-96f2749", "workspacetypes", "tenancy.kcp.io"),
];

/// What makes root a logical cluster with APIs: schemas, exports, bindings and its LogicalCluster,
/// whose phase is then set to Initializing. `cache_apis` is the feature gate CacheAPIs.
#[must_use]
pub fn root_phase0(cache_apis: bool) -> Vec<Value> {
    let mut objects = manifest(include_str!("../../../../config/kcp/root/logicalcluster.yaml"));
    objects.extend(SCHEMAS.iter().filter_map(|(prefix, plural, group)| {
        kinds::find(plural, group).map(|kind| kind.resource_schema(prefix))
    }));
    objects.extend(manifest(include_str!("../../../../config/kcp/root/exports.yaml")));
    objects.extend(
        manifest(include_str!("../../../../config/kcp/root/bindings.yaml"))
            .into_iter()
            .filter(|binding| cache_apis || binding.meta().name() != Some("cache.kcp.io")),
    );
    sort(&mut objects);
    objects
}

/// What root holds once its APIs are served: types, the namespace `default`, RBAC.
/// `home_creator_groups` may have home workspaces.
#[must_use]
pub fn root_phase1(batteries: &Batteries, home_creator_groups: &[String]) -> Vec<Value> {
    let mut objects = manifest(include_str!("../../../../config/kcp/root/workspacetypes.yaml"));
    objects.extend(manifest(include_str!("../../../../config/kcp/root/namespace.yaml")));
    objects.extend(manifest(include_str!("../../../../config/kcp/root/rbac.yaml")));
    objects.extend(manifest(include_str!("../../../../config/kcp/root/metrics-viewer.yaml")));
    objects.retain(|object| enabled(object, batteries));
    for object in &mut objects {
        match object.meta().name() {
            Some("root") if !batteries.has(Battery::WorkspaceTypes) => {
                object.remove_at(&["spec", "defaultChildWorkspaceType"]);
            }
            Some("system:kcp:configured-group:home-clusterworkspace-create") => {
                object
                    .set_at(&["subjects"], home_creator_groups.iter().map(|group| subject(group)).collect());
            }
            _ => {}
        }
    }
    sort(&mut objects);
    objects
}

fn subject(group: &str) -> Value {
    value!({"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": group})
}

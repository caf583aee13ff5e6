//! Strings that are part of the wire: annotations, labels, finalizers, names, groups, verbs.

/// Annotation keys.
pub mod annotation {
    /// On every object that is read: its logical cluster. Derived from the key, never stored.
    pub const CLUSTER: &str = "kcp.io/cluster";
    /// Canonical path of the workspace, on the kinds that other workspaces refer to.
    pub const PATH: &str = "kcp.io/path";
    /// On objects read from the cache server: the shard they came from.
    pub const SHARD: &str = "kcp.io/shard";
    /// On partial metadata across clusters: the version an object is stored in.
    pub const ORIGINAL_API_VERSION: &str = "kcp.io/original-api-version";
    /// Why an object is replicated to the cache server: API groups, separated by commas.
    pub const REPLICATE: &str = "internal.kcp.io/replicate";
    /// On a LogicalCluster: `<cluster>:<name>` of the migration that moves it.
    pub const MIGRATING: &str = "internal.kcp.io/migrating";
    /// On a bound CRD: `path-segment` for names that are any path segment.
    pub const VALIDATE_NAME: &str = "internal.kcp.io/validate-name";
    /// On Workspace and LogicalCluster: who asked for it, as JSON of a `UserInfo`.
    pub const OWNER: &str = "experimental.tenancy.kcp.io/owner";
    /// On a LogicalCluster: `<path>:<name>` of its WorkspaceType.
    pub const TYPE: &str = "internal.tenancy.kcp.io/type";
    /// On a Workspace: the logical cluster that was chosen, before `spec.cluster` is set.
    pub const CHOSEN_CLUSTER: &str = "internal.tenancy.kcp.io/cluster";
    /// On a Workspace: hash of the shard's name. Deprecated.
    pub const SHARD_HASH: &str = "internal.tenancy.kcp.io/shard";
    /// On Workspace and LogicalCluster: name of the hosting shard.
    pub const HOSTING_SHARD: &str = "core.kcp.io/shard";
    /// On a LogicalCluster: `true` closes it.
    pub const INACTIVE: &str = "core.kcp.io/inactive";
    /// Older spelling of [`INACTIVE`].
    pub const INACTIVE_LEGACY: &str = "internal.kcp.io/inactive";
    /// On a LogicalCluster: how many objects it may hold; none or less than one for no limit.
    pub const MAX_TOTAL_OBJECTS: &str = "core.kcp.io/max-total-objects";
    /// On a Shard, with any value: no new workspaces.
    pub const UNSCHEDULABLE: &str = "experimental.core.kcp.io/unschedulable";
    /// On LogicalCluster and Workspace: groups that may enter; `;` is or, `,` is and.
    pub const REQUIRED_GROUPS: &str = "authorization.kcp.io/required-groups";
    /// On a LogicalCluster: which binding or CRD holds each resource.
    pub const RESOURCE_BINDINGS: &str = "internal.apis.kcp.io/resource-bindings";
    /// On a bound CRD: what it is.
    pub const BOUND_CRD: &str = "apis.kcp.io/bound-crd";
    /// On a bound CRD: logical cluster of the schema it was made from.
    pub const SCHEMA_CLUSTER: &str = "apis.kcp.io/schema-cluster";
    /// On a bound CRD: name of the schema it was made from.
    pub const SCHEMA_NAME: &str = "apis.kcp.io/schema-name";
    /// On a bound CRD as the server sees it: the identity its objects are stored under.
    pub const IDENTITY: &str = "apis.kcp.io/identity";
    /// On a bound CRD as the server sees it: `virtual:<identity>` for virtual storage.
    pub const SCHEMA_STORAGE: &str = "apis.kcp.io/schema-storage";
    /// Prefix of annotations that bindings copy from their export.
    pub const EXTRA_PREFIX: &str = "extra.apis.kcp.io/";
    /// On an APIExport, with any value: no endpoint slice is made for it.
    pub const SKIP_ENDPOINT_SLICE: &str = "apiexports.apis.kcp.io/skip-endpointslice";
    /// On an APIResourceSchema or CRD in a Kubernetes group.
    pub const API_APPROVED: &str = "api-approved.kubernetes.io";
    /// On a copy in the cache server: resource version of the source.
    pub const ORIGINAL_RESOURCE_VERSION: &str = "cache.kcp.io/original-resource-version";
    /// On a copy in the cache server: UID of the source.
    pub const ORIGINAL_UID: &str = "cache.kcp.io/original-resource-UID";
    /// On a ClusterCachedResource: kind of the resource.
    pub const RESOURCE_KIND: &str = "cache.kcp.io/resource-kind";
    /// On a ClusterCachedResource: scope of the resource.
    pub const RESOURCE_SCOPE: &str = "cache.kcp.io/resource-scope";
    /// On a ResourceQuota in the namespace `admin`: it counts the whole logical cluster.
    pub const CLUSTER_SCOPED_QUOTA: &str = "experimental.quota.kcp.io/cluster-scoped";
    /// In a manifest, with any value: never update the object.
    pub const BOOTSTRAP_CREATE_ONLY: &str = "bootstrap.kcp.io/create-only";
    /// In a manifest: the batteries the object comes with.
    pub const BOOTSTRAP_BATTERY: &str = "bootstrap.kcp.io/battery";

    /// What an APIExport or APIBinding says in one version and cannot say in the other.
    pub mod conversion {
        /// v1alpha1 exports: resources that are not stored as CRs.
        pub const RESOURCE_SCHEMAS: &str = "apis.v1alpha2.kcp.io/resource-schemas";
        /// v1alpha1 exports: claims with chosen verbs.
        pub const PERMISSION_CLAIMS: &str = "apis.v1alpha2.kcp.io/permission-claims";
        /// v1alpha2 exports and bindings: claims as v1alpha1 has them.
        pub const OLD_PERMISSION_CLAIMS: &str = "apis.v1alpha2.kcp.io/v1alpha1-permission-claims";
        /// v1alpha1 bindings: claims with chosen verbs or objects.
        pub const ACCEPTABLE_CLAIMS: &str = "apis.v1alpha2.kcp.io/acceptable-permission-claims";
        /// v1alpha1 bindings: the export's claims with chosen verbs.
        pub const EXPORT_CLAIMS: &str = "apis.v1alpha2.kcp.io/status-export-permission-claims";
        /// v1alpha1 bindings: claims in effect with chosen verbs or objects.
        pub const APPLIED_CLAIMS: &str = "apis.v1alpha2.kcp.io/status-applied-permission-claims";
        /// v1alpha2 bindings: the export's claims as v1alpha1 has them.
        pub const OLD_EXPORT_CLAIMS: &str = "apis.v1alpha2.kcp.io/v1alpha1-status-export-permission-claims";
        /// v1alpha2 bindings: claims in effect as v1alpha1 has them.
        pub const OLD_APPLIED_CLAIMS: &str = "apis.v1alpha2.kcp.io/v1alpha1-status-applied-permission-claims";
    }
}

/// Label keys.
pub mod label {
    /// On Workspace and LogicalCluster: `status.phase`.
    pub const PHASE: &str = "tenancy.kcp.io/phase";
    /// On a Shard, and copied to its Workspaces.
    pub const REGION: &str = "region";
    /// On a Shard: its name.
    pub const NAME: &str = "name";
    /// On an APIBinding: hash of its export.
    pub const EXPORT: &str = "internal.apis.kcp.io/export";
    /// Prefix of the labels that mark an object as claimed; the hash of the export follows.
    pub const CLAIMED_PREFIX: &str = "claimed.internal.apis.kcp.io/";
}

/// Finalizers.
pub mod finalizer {
    /// On a Workspace while its logical cluster may exist.
    pub const WORKSPACE: &str = "core.kcp.io/logicalcluster";
    /// On a LogicalCluster until its content is gone.
    pub const LOGICAL_CLUSTER: &str = "core.kcp.io/logicalcluster-deletion";
    /// On a LogicalCluster while it has terminators.
    pub const TERMINATORS: &str = "kcp.io/has-terminators";
    /// On an APIBinding until the bound objects are gone.
    pub const API_BINDING: &str = "apis.kcp.io/apibinding-finalizer";
    /// On a ClusterCachedResource until its copies are gone.
    pub const CACHED_RESOURCE: &str = "cache.kcp.io/clustercachedresource";
}

/// Groups and users that mean something to the server.
pub mod group {
    /// Passes everything.
    pub const MASTERS: &str = "system:masters";
    /// Everyone who is known.
    pub const AUTHENTICATED: &str = "system:authenticated";
    /// Everyone else.
    pub const UNAUTHENTICATED: &str = "system:unauthenticated";
    /// Cluster admin in every logical cluster.
    pub const KCP_ADMIN: &str = "system:kcp:admin";
    /// What bootstraps workspaces.
    pub const WORKSPACE_BOOTSTRAPPER: &str = "system:kcp:tenancy:workspace-bootstrapper";
    /// Makes LogicalClusters on its own shard.
    pub const LOGICAL_CLUSTER_ADMIN: &str = "system:kcp:logical-cluster-admin";
    /// What shards may do to one another.
    pub const EXTERNAL_LOGICAL_CLUSTER_ADMIN: &str = "system:kcp:external-logical-cluster-admin";
    /// The cluster role that lets its subjects into a workspace.
    pub const WORKSPACE_ACCESS: &str = "system:kcp:workspace:access";
    /// Prefix of the group of an initializer in its virtual workspace.
    pub const INITIALIZER_PREFIX: &str = "system:kcp:initializer:";
    /// Prefix of the group of a terminator in its virtual workspace.
    pub const TERMINATOR_PREFIX: &str = "system:kcp:terminator:";
    /// In front of users and groups when a maximal permission policy is evaluated.
    pub const BINDING_PREFIX: &str = "apis.kcp.io:binding:";
    /// The user that bootstraps root.
    pub const BOOTSTRAPPER_USER: &str = "system:kcp:bootstrapper";
}

/// Names of objects.
pub mod name {
    /// The LogicalCluster of every logical cluster.
    pub const LOGICAL_CLUSTER: &str = "cluster";
    /// The initializer that binds a type's default exports.
    pub const API_BINDINGS_INITIALIZER: &str = "system:apibindings";
    /// The initializer of the type `universal`.
    pub const UNIVERSAL_INITIALIZER: &str = "root:universal";
    /// The binding that makes a workspace's creator its admin.
    pub const WORKSPACE_ADMIN: &str = "workspace-admin";
    /// Where identity Secrets are.
    pub const IDENTITY_NAMESPACE: &str = "kcp-system";
    /// ConfigMap `default/apiexport-identity-cache` of `system:shard`.
    pub const IDENTITY_CACHE: &str = "apiexport-identity-cache";
    /// A user's home, as an object name.
    pub const HOME: &str = "~";
}

/// API groups.
pub mod api_group {
    /// Exports, bindings, schemas.
    pub const APIS: &str = "apis.kcp.io";
    /// Logical clusters and shards.
    pub const CORE: &str = "core.kcp.io";
    /// Workspaces and their types.
    pub const TENANCY: &str = "tenancy.kcp.io";
    /// Partitions.
    pub const TOPOLOGY: &str = "topology.kcp.io";
    /// Resources that every shard can read.
    pub const CACHE: &str = "cache.kcp.io";
    /// Logical clusters on the move.
    pub const MIGRATION: &str = "migration.kcp.io";
}

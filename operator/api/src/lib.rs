//! `operator.kcp.io/v1alpha1` as Rust types, and the CustomResourceDefinitions generated from them.
//!
//! The custom resources are those of kcp-operator 0.9: same names, paths, types, list keys, printer
//! columns and rules, so that existing manifests apply unchanged. Ours are additions under new optional
//! keys only: short names, `spec.etcd` without `endpoints` (the shard keeps its own store on a
//! volume), and `spec.etcd.storage` (what to claim for it).
//!
//! Nothing here decides anything. Defaults are the operator's business (`kcp-operator-resources`),
//! which is why almost every field is an `Option`.
//!
//! [`core_schema`] holds what the resources borrow from Kubernetes' own pod types, as data: the
//! structural schema of a volume, an affinity and so on, without descriptions. They are a tenth of the
//! size that way, and a CRD still fits the annotation of a client-side `kubectl apply`.

mod audit;
mod auth;
mod bundle;
mod cache_server;
mod certificates;
mod common;
mod core_schema;
mod crd;
mod duration;
mod front_proxy;
mod kubeconfig;
mod root_shard;
mod shard;
mod status;
mod templates;
mod virtual_workspace;

pub use audit::{AuditPolicySpec, AuditSpec, AuditWebhookSpec, AuthorizationSpec, AuthorizationWebhookSpec};
pub use auth::{
    AuthSpec, AuthenticationWebhookSpec, OidcCaFileRef, OidcConfiguration, ServiceAccountAuthentication,
    TokenAuthFileSpec,
};
pub use bundle::{Bundle, BundleObject, BundleSpec, BundleStatus, BundleTarget};
pub use cache_server::{CacheServer, CacheServerSpec, CacheServerStatus};
pub use certificates::{
    CertificateMetadataTemplate, CertificatePrivateKeyTemplate, CertificateSecretTemplate,
    CertificateSpecTemplate, CertificateTemplate, Certificates, X509Subject,
};
pub use common::{
    EtcdConfig, EtcdStorage, EtcdTlsConfig, ExternalConfig, ImageSpec, LocalDataKeyReference,
    LocalObjectReference, LoggingSpec, ObjectReference, RootShardConfig, Text,
};
pub use crd::crds;
pub use duration::{Duration, DurationError};
pub use front_proxy::{FrontProxy, FrontProxySpec, FrontProxyStatus, PathMappingEntry};
pub use kubeconfig::{
    Kubeconfig, KubeconfigAuthorization, KubeconfigAuthorizationStatus, KubeconfigClusterRoleBindings,
    KubeconfigSpec, KubeconfigStatus, KubeconfigTarget,
};
pub use root_shard::{
    EmbeddedCacheConfiguration, RootShard, RootShardCacheConfig, RootShardProxySpec, RootShardSpec,
    RootShardStatus, ShardReference,
};
pub use shard::{CommonShardSpec, Shard, ShardCacheConfig, ShardSpec, ShardStatus};
pub use status::{KubeconfigPhase, Phase};
pub use templates::{
    DeploymentMetadataTemplate, DeploymentSpecTemplate, DeploymentTemplate, PodMetadataTemplate,
    PodSpecTemplate, PodTemplateSpec, ServiceMetadataTemplate, ServiceSpecTemplate, ServiceTemplate,
};
pub use virtual_workspace::{
    VirtualWorkspace, VirtualWorkspaceInitContainer, VirtualWorkspaceSpec, VirtualWorkspaceStatus,
    VirtualWorkspaceTarget,
};

/// The API group of everything here.
pub const GROUP: &str = "operator.kcp.io";
/// The only version of the group.
pub const VERSION: &str = "v1alpha1";

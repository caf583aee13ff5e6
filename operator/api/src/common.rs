//! Parts that several kinds share: references, images, the store, the address from outside.

use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::core_schema;

/// Names an object of a known kind in the same namespace.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(extend("x-kubernetes-map-type" = "atomic"))]
pub struct LocalObjectReference {
    /// Name of the object. An empty name refers to nothing.
    #[serde(default)]
    #[schemars(extend("default" = ""))]
    pub name: String,
}

/// An object of any kind: the issuer of a certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ObjectReference {
    /// Name of the object.
    pub name: String,
    /// Kind of the object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// API group of the object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
}

/// One key of a ConfigMap or Secret in the same namespace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LocalDataKeyReference {
    /// Name of the object.
    pub name: String,
    /// Key in its data.
    pub key: String,
}

/// Which container image to run instead of the one bundled with the operator.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ImageSpec {
    /// Image without tag. Without it, or with kcp's own default repository, the bundled image runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repository: Option<String>,
    /// Tag of the image. It counts only together with a repository of your own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
    /// Secrets with the credentials of the registry.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub image_pull_secrets: Vec<LocalObjectReference>,
}

/// Which installation an object belongs to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RootShardConfig {
    /// The RootShard, in the same namespace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[serde(rename = "ref")]
    pub reference: Option<LocalObjectReference>,
}

/// Where a server keeps its objects.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct EtcdConfig {
    /// Client URLs of an etcd, like `https://etcd:2379`. Without any, the server keeps its own store
    /// on a PersistentVolumeClaim and runs as a single replica.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub endpoints: Vec<String>,
    /// How to authenticate to etcd.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls_config: Option<EtcdTlsConfig>,
    /// Prefix of all keys in etcd. Unset means the default of the server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
    /// What to claim for the server's own store. It is ignored when there are endpoints.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storage: Option<EtcdStorage>,
}

/// The volume of a server that keeps its own store.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct EtcdStorage {
    /// Size of the claim; 8Gi when unset. It can grow later if the storage class allows that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "core_schema::quantity")]
    pub size: Option<Quantity>,
    /// Storage class of the claim; the default one of the cluster when unset. It is fixed once claimed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storage_class_name: Option<String>,
}

/// TLS towards etcd.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct EtcdTlsConfig {
    /// Secret with `tls.crt`, `tls.key` and `ca.crt`.
    pub secret_ref: LocalObjectReference,
}

/// Address under which clients reach a server.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ExternalConfig {
    /// DNS name as clients use it.
    pub hostname: String,
    /// Port as clients use it.
    pub port: i32,
    /// DNS name for clients within the host cluster. Unset means the front-proxy's Service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub private_hostname: Option<String>,
    /// Port for clients within the host cluster, together with `privateHostname`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub private_port: Option<i32>,
}

/// How much a server logs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LoggingSpec {
    /// Verbosity, the `-v` flag of the server: 0 is the least.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<core_schema::Int>", extend("minimum" = 0, "maximum" = 10))]
    pub level: Option<i64>,
}

/// An optional text in which Go clients write the empty string for "unset".
pub trait Text {
    /// The text, unless it is absent or empty.
    fn text(&self) -> Option<&str>;
}

impl Text for Option<String> {
    fn text(&self) -> Option<&str> {
        self.as_deref().filter(|text| !text.is_empty())
    }
}

impl Text for Option<LocalObjectReference> {
    fn text(&self) -> Option<&str> {
        self.as_ref().map(|reference| reference.name.as_str()).filter(|name| !name.is_empty())
    }
}

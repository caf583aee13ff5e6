use crate::types::{kind, unset};
use kcp_apimachinery::Value;
use serde::{Deserialize, Serialize};

kind!(
    /// One immutable revision of an API's schema.
    APIResourceSchema, "apis.kcp.io", "v1alpha1", "apiresourceschemas", spec: APIResourceSchemaSpec
);

/// The API.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct APIResourceSchemaSpec {
    /// API group; empty for the core group.
    pub group: String,
    /// What it is called.
    pub names: Names,
    /// `Cluster` or `Namespaced`.
    pub scope: String,
    /// `DNS1123Subdomain` (also if empty) or `PathSegmentName`: what objects may be called.
    #[serde(skip_serializing_if = "unset")]
    pub name_validation: String,
    /// Versions.
    pub versions: Vec<ApiVersion>,
    /// How objects get from one version to another.
    #[serde(skip_serializing_if = "unset")]
    pub conversion: Option<SchemaConversion>,
}

/// What an API is called.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Names {
    /// Plural.
    pub plural: String,
    /// Singular.
    #[serde(skip_serializing_if = "unset")]
    pub singular: String,
    /// Short names.
    #[serde(skip_serializing_if = "unset")]
    pub short_names: Vec<String>,
    /// Kind.
    pub kind: String,
    /// Kind of lists.
    #[serde(skip_serializing_if = "unset")]
    pub list_kind: String,
    /// Categories.
    #[serde(skip_serializing_if = "unset")]
    pub categories: Vec<String>,
}

/// One version of an API. What only the server of the API looks at stays a tree.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ApiVersion {
    /// Name, such as `v1alpha1`.
    pub name: String,
    /// Whether it is served.
    pub served: bool,
    /// Whether objects are stored in it.
    pub storage: bool,
    /// Whether requests get a warning.
    #[serde(skip_serializing_if = "unset")]
    pub deprecated: bool,
    /// The warning.
    #[serde(skip_serializing_if = "unset")]
    pub deprecation_warning: Option<String>,
    /// The OpenAPI v3 schema, without a wrapper.
    pub schema: Value,
    /// `status` and `scale`.
    #[serde(skip_serializing_if = "unset")]
    pub subresources: Value,
    /// Printer columns.
    #[serde(skip_serializing_if = "unset")]
    pub additional_printer_columns: Vec<Value>,
    /// Fields that lists can be filtered by.
    #[serde(skip_serializing_if = "unset")]
    pub selectable_fields: Vec<Value>,
}

/// How objects get from one version to another.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SchemaConversion {
    /// `None` or `Webhook`.
    pub strategy: String,
    /// The webhook.
    #[serde(skip_serializing_if = "unset")]
    pub webhook: Option<Webhook>,
}

/// A conversion webhook.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Webhook {
    /// Where it is.
    #[serde(skip_serializing_if = "unset")]
    pub client_config: Option<WebhookClient>,
    /// Versions of `ConversionReview` that it understands.
    pub conversion_review_versions: Vec<String>,
}

/// How a webhook is called.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct WebhookClient {
    /// Where.
    #[serde(skip_serializing_if = "unset")]
    pub url: String,
    /// PEM of the CA, in base64.
    #[serde(skip_serializing_if = "unset")]
    pub ca_bundle: String,
}

kind!(
    /// Rules that carry objects from one version to another. Stored and replicated, never applied.
    APIConversion, "apis.kcp.io", "v1alpha1", "apiconversions", spec: ConversionSpec
);

/// The ways between versions.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ConversionSpec {
    /// One per pair of versions.
    pub conversions: Vec<ConversionPath>,
}

/// From one version to another.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ConversionPath {
    /// Version.
    pub from: String,
    /// Version.
    pub to: String,
    /// Rules.
    pub rules: Vec<ConversionRule>,
    /// Fields that are kept in an annotation.
    #[serde(skip_serializing_if = "unset")]
    pub preserve: Vec<String>,
}

/// One field.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ConversionRule {
    /// Path of the source.
    pub field: String,
    /// Path of the target.
    pub destination: String,
    /// Expression over `self`.
    #[serde(skip_serializing_if = "unset")]
    pub transformation: String,
}

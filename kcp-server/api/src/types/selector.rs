use super::unset;
use kcp_apimachinery::{
    selector::{InvalidLabels, Labels},
    value,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Selects objects by their labels. Without any requirement it selects all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct LabelSelector {
    /// Labels that must be there with these values.
    #[serde(skip_serializing_if = "unset")]
    pub match_labels: BTreeMap<String, String>,
    /// Further requirements.
    #[serde(skip_serializing_if = "unset")]
    pub match_expressions: Vec<Expression>,
}

impl LabelSelector {
    /// The selector, ready to match.
    ///
    /// # Errors
    /// An operator that nobody knows, or one without the values that it needs.
    pub fn to_labels(&self) -> Result<Labels, InvalidLabels> {
        Labels::from_object(value::to_value(self).as_ref())
    }
}

/// One requirement of a selector.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Expression {
    /// Label key.
    pub key: String,
    /// `In`, `NotIn`, `Exists` or `DoesNotExist`; a schema does not check it everywhere.
    pub operator: String,
    /// Values for `In` and `NotIn`.
    #[serde(skip_serializing_if = "unset")]
    pub values: Vec<String>,
}

/// An RBAC rule.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct PolicyRule {
    /// What may be done.
    pub verbs: Vec<String>,
    /// API groups.
    #[serde(skip_serializing_if = "unset")]
    pub api_groups: Vec<String>,
    /// Resources, with subresources as `resource/subresource`.
    #[serde(skip_serializing_if = "unset")]
    pub resources: Vec<String>,
    /// Names; none for all.
    #[serde(skip_serializing_if = "unset")]
    pub resource_names: Vec<String>,
    /// URL paths.
    #[serde(rename = "nonResourceURLs", skip_serializing_if = "unset")]
    pub non_resource_urls: Vec<String>,
}

/// A user as authentication knows one: `authentication.k8s.io/v1` `UserInfo`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct UserInfo {
    /// Name.
    #[serde(skip_serializing_if = "unset")]
    pub username: String,
    /// Unique for ever, where the authenticator knows that.
    #[serde(skip_serializing_if = "unset")]
    pub uid: String,
    /// Groups.
    #[serde(skip_serializing_if = "unset")]
    pub groups: Vec<String>,
    /// What else authentication learned.
    #[serde(skip_serializing_if = "unset")]
    pub extra: BTreeMap<String, Vec<String>>,
}

/// Where a Secret is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SecretReference {
    /// Name.
    #[serde(skip_serializing_if = "unset")]
    pub name: String,
    /// Namespace.
    #[serde(skip_serializing_if = "unset")]
    pub namespace: String,
}

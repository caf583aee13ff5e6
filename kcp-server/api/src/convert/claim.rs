//! Permission claims of both versions, and the annotations that keep what one of them cannot say.

use super::ConvertError;
use crate::types::apis::{ClaimSelector, ClaimState, PermissionClaim};
use kcp_apimachinery::{Value, value};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// A claim as v1alpha1 has it. The order of the fields is that of upstream's annotations.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct OldClaim {
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) group: String,
    pub(super) resource: String,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) all: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) resource_selector: Vec<Value>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) identity_hash: String,
}

/// A v1alpha1 claim with the user's answer.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct OldAcceptable {
    #[serde(flatten)]
    pub(super) claim: OldClaim,
    pub(super) state: ClaimState,
}

impl OldClaim {
    /// What tells claims apart: group, resource and identity.
    pub(super) fn key(&self) -> (&str, &str, &str) {
        (&self.group, &self.resource, &self.identity_hash)
    }

    /// The claim without verbs, which v1alpha1 does not have.
    pub(super) fn up(&self) -> PermissionClaim {
        PermissionClaim {
            group: self.group.clone(),
            resource: self.resource.clone(),
            identity_hash: self.identity_hash.clone(),
            ..PermissionClaim::default()
        }
    }

    /// Puts back from `kept` what v1alpha2 could not say.
    pub(super) fn restore(&mut self, kept: &OldClaim) {
        self.all = kept.all;
        self.resource_selector.clone_from(&kept.resource_selector);
    }
}

/// The claim without verbs and selectors; `all` says whether it is about every object.
pub(super) fn down(claim: &PermissionClaim, all: bool) -> OldClaim {
    OldClaim {
        group: claim.group.clone(),
        resource: claim.resource.clone(),
        identity_hash: claim.identity_hash.clone(),
        all,
        resource_selector: Vec::new(),
    }
}

/// What tells claims apart: group, resource and identity.
pub(super) fn key(claim: &PermissionClaim) -> (&str, &str, &str) {
    (&claim.group, &claim.resource, &claim.identity_hash)
}

/// Whether v1alpha1 says everything about the verbs of a claim.
pub(super) fn every_verb(claim: &PermissionClaim) -> bool {
    claim.verbs == ["*"]
}

/// Gives a claim that came from v1alpha1 the verbs that such a claim means.
pub(super) fn default_verbs(claim: &mut PermissionClaim) {
    if claim.verbs.is_empty() {
        claim.verbs = vec!["*".to_owned()];
    }
}

/// Gives a selector that came from v1alpha1 the objects that such a claim means.
pub(super) fn default_selector(selector: &mut ClaimSelector) {
    if selector.match_labels.is_empty() && selector.match_expressions.is_empty() {
        selector.match_all = true;
    }
}

/// A list of the object, empty if it is not there.
pub(super) fn list<T: DeserializeOwned>(
    object: &Value,
    path: &[&str],
    field: &'static str,
) -> Result<Vec<T>, ConvertError> {
    let Some(list) = object.at(path).filter(|list| !list.is_null()) else { return Ok(Vec::new()) };
    value::into_type(list).map_err(|error| ConvertError::Shape { field, problem: error.to_string() })
}

/// Writes a list into the object, unless it is empty.
pub(super) fn set_list<T: Serialize>(object: &mut Value, path: &[&str], list: &[T]) {
    if !list.is_empty() {
        object.set_at(path, value::to_value(&list).unwrap_or_default());
    }
}

/// Keeps a list in an annotation, unless it is empty.
pub(super) fn keep<T: Serialize>(object: &mut Value, annotation: &str, list: &[T]) {
    if !list.is_empty() {
        let text = serde_json::to_string(list).unwrap_or_default();
        object.set_at(&["metadata", "annotations", annotation], text.into());
    }
}

/// Takes a kept list out of its annotation.
pub(super) fn take<T: DeserializeOwned>(
    object: &mut Value,
    annotation: &str,
    what: &'static str,
) -> Result<Vec<T>, ConvertError> {
    let Some(kept) = object.remove_at(&["metadata", "annotations", annotation]) else {
        return Ok(Vec::new());
    };
    let list: Option<Vec<T>> = serde_json::from_str(kept.as_str().unwrap_or_default())
        .map_err(|error| ConvertError::Annotation { what, problem: error.to_string() })?;
    Ok(list.unwrap_or_default())
}

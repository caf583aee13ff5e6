use crate::types::{Expression, LabelSelector, unset};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Access to objects in consumers' workspaces that an export asks for.
///
/// The order of the fields is part of the wire: the hash of a claim is over this type as JSON.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct PermissionClaim {
    /// API group; empty for the core group.
    #[serde(skip_serializing_if = "unset")]
    pub group: String,
    /// Resource, in plural.
    pub resource: String,
    /// What may be done; `*` for everything.
    pub verbs: Vec<String>,
    /// Identity of the export that serves the resource; empty for built-in resources.
    #[serde(skip_serializing_if = "unset")]
    pub identity_hash: String,
    /// What default bindings accept; none: all objects.
    #[serde(skip_serializing_if = "unset")]
    pub default_selector: Option<ClaimSelector>,
}

/// A claim on the objects that a selector selects.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ScopedClaim {
    /// The claim.
    #[serde(flatten)]
    pub claim: PermissionClaim,
    /// The objects.
    pub selector: ClaimSelector,
}

/// A claim with the user's answer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AcceptableClaim {
    /// The claim.
    #[serde(flatten)]
    pub claim: PermissionClaim,
    /// The objects.
    pub selector: ClaimSelector,
    /// The answer.
    pub state: ClaimState,
}

/// A user's answer to a claim.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum ClaimState {
    /// No.
    #[default]
    Rejected,
    /// Yes.
    Accepted,
}

/// Which objects a claim is about: all, or those with certain labels.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ClaimSelector {
    /// Labels.
    #[serde(skip_serializing_if = "unset")]
    pub match_labels: BTreeMap<String, String>,
    /// Further requirements on labels.
    #[serde(skip_serializing_if = "unset")]
    pub match_expressions: Vec<Expression>,
    /// Every object.
    #[serde(skip_serializing_if = "unset")]
    pub match_all: bool,
}

impl ClaimSelector {
    /// Selects every object.
    #[must_use]
    pub fn all() -> Self {
        Self { match_all: true, ..Self::default() }
    }

    /// The requirements on labels; of no meaning where [`Self::match_all`] is set.
    #[must_use]
    pub fn labels(&self) -> LabelSelector {
        LabelSelector {
            match_labels: self.match_labels.clone(),
            match_expressions: self.match_expressions.clone(),
        }
    }
}

/// What tells claims apart.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClaimKey {
    /// Resource.
    pub resource: String,
    /// API group.
    pub group: String,
    /// Identity of the export that serves the resource.
    pub identity_hash: String,
}

impl PermissionClaim {
    /// What tells this claim from others.
    #[must_use]
    pub fn key(&self) -> ClaimKey {
        ClaimKey {
            resource: self.resource.clone(),
            group: self.group.clone(),
            identity_hash: self.identity_hash.clone(),
        }
    }
}

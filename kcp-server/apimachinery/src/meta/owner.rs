use super::{Gv, Gvk};
use crate::{Map, Value};

/// An object that another one lives and dies with. It is in the same namespace or in none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct OwnerReference {
    /// `group/version` of the owner.
    pub api_version: String,
    /// The kind of the owner.
    pub kind: String,
    /// The name of the owner.
    pub name: String,
    /// The UID of the owner, which alone identifies it.
    pub uid: String,
    /// Whether the owner manages the object; at most one does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub controller: Option<bool>,
    /// Whether the owner may only go in the foreground after the object is gone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub block_owner_deletion: Option<bool>,
}

impl OwnerReference {
    /// Reads one; members that are missing or malformed are empty.
    #[must_use]
    pub fn read(value: &Value) -> Self {
        let text = |name| value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let truth = |name| value.get(name).and_then(Value::as_bool);
        Self {
            api_version: text("apiVersion"),
            kind: text("kind"),
            name: text("name"),
            uid: text("uid"),
            controller: truth("controller"),
            block_owner_deletion: truth("blockOwnerDeletion"),
        }
    }

    /// It as it is on the wire.
    #[must_use]
    pub fn to_value(&self) -> Value {
        let mut map = Map::new();
        map.insert("apiVersion", &*self.api_version);
        if let Some(truth) = self.block_owner_deletion {
            map.insert("blockOwnerDeletion", truth);
        }
        if let Some(truth) = self.controller {
            map.insert("controller", truth);
        }
        map.insert("kind", &*self.kind);
        map.insert("name", &*self.name);
        map.insert("uid", &*self.uid);
        Value::Object(map)
    }

    /// The kind of the owner; `None` if its `apiVersion` is malformed.
    #[must_use]
    pub fn gvk(&self) -> Option<Gvk> {
        Some(Gv::parse(&self.api_version).ok()?.with_kind(&self.kind))
    }
}

//! Lists of objects as they are on the wire, as trees and as bytes around bytes.

use crate::{Map, Value, meta::Gvk, value::encode};

/// The metadata of a list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListMeta {
    /// The revision at which it was read.
    pub resource_version: String,
    /// Where the next page begins; empty if this is the last one.
    pub continue_token: String,
    /// How many objects follow, as far as that is known.
    pub remaining: Option<i64>,
}

impl ListMeta {
    /// It as it is on the wire.
    #[must_use]
    pub fn to_value(&self) -> Value {
        let mut map = Map::new();
        if !self.continue_token.is_empty() {
            map.insert("continue", &*self.continue_token);
        }
        if let Some(remaining) = self.remaining {
            map.insert("remainingItemCount", remaining);
        }
        map.insert("resourceVersion", &*self.resource_version);
        Value::Object(map)
    }
}

/// A list. `kind` is that of the list, such as `ConfigMapList`.
#[must_use]
pub fn list(kind: &Gvk, meta: &ListMeta, items: Vec<Value>) -> Value {
    let mut map = Map::new();
    map.insert("apiVersion", kind.api_version());
    map.insert("items", items);
    map.insert("kind", &*kind.kind);
    map.insert("metadata", meta.to_value());
    Value::Object(map)
}

/// What comes before the first item of an encoded list. Items follow with commas between them.
#[must_use]
pub fn opening(kind: &Gvk) -> Vec<u8> {
    let mut out = b"{\"apiVersion\":".to_vec();
    crate::value::escape_into(&kind.api_version(), &mut out);
    out.extend_from_slice(b",\"items\":[");
    out
}

/// What comes behind the last item of an encoded list. What was read last is known only now.
#[must_use]
pub fn closing(kind: &Gvk, meta: &ListMeta) -> Vec<u8> {
    let mut out = b"],\"kind\":".to_vec();
    crate::value::escape_into(&kind.kind, &mut out);
    out.extend_from_slice(b",\"metadata\":");
    out.extend(encode(&meta.to_value()));
    out.push(b'}');
    out
}

/// The items of a list; `None` for anything that has none, which is an object.
#[must_use]
pub fn items(list: &Value) -> Option<&[Value]> {
    list.get("items")?
        .as_array()
        .filter(|_| list.str_at(&["kind"]).is_some_and(|kind| kind.ends_with("List")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value;

    #[test]
    fn bytes_and_trees_agree() {
        let kind = Gvk::new("apps", "v1", "DeploymentList");
        let meta = ListMeta { resource_version: "7".into(), continue_token: "x".into(), remaining: Some(2) };
        let item = value!({"metadata": {"name": "a"}});
        let tree = list(&kind, &meta, vec![item.clone(), item.clone()]);
        let item = encode(&item);
        let bytes = [&opening(&kind)[..], &item, b",", &item, &closing(&kind, &meta)].concat();
        assert_eq!(encode(&tree), bytes);
        assert_eq!(items(&tree).map(<[Value]>::len), Some(2));
        assert_eq!(items(&value!({"kind": "A", "items": []})), None);
    }
}

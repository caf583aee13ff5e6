//! Structural schemas of the Kubernetes types that our custom resources embed, as data.
//!
//! `core.json` holds one schema a line: `core/v1` Volume and VolumeMount lists, Affinity, Toleration,
//! ResourceRequirements, `meta/v1` Condition and so on, with the list types, map keys, defaults and
//! patterns that Kubernetes 1.36's own types carry.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

static SCHEMAS: LazyLock<BTreeMap<String, serde_json::Value>> =
    LazyLock::new(|| serde_json::from_str(include_str!("core.json")).unwrap_or_default());

/// The schema called `name`; one that allows nothing when there is no such schema, so that a slip of
/// the pen shows in the generated file.
fn schema(name: &str) -> Schema {
    SCHEMAS.get(name).cloned().and_then(|value| Schema::try_from(value).ok()).unwrap_or(json_schema!(false))
}

macro_rules! schemas {
    ($($function:ident => $name:literal),* $(,)?) => {
        $(pub(crate) fn $function(_: &mut SchemaGenerator) -> Schema {
            schema($name)
        })*

        #[cfg(test)]
        const NAMES: &[&str] = &[$($name),*];
    };
}

schemas! {
    affinity => "affinity",
    conditions => "conditions",
    host_aliases => "hostAliases",
    image_pull_secrets => "imagePullSecrets",
    node_selector => "nodeSelector",
    resources => "resources",
    tolerations => "tolerations",
    topology_spread_constraints => "topologySpreadConstraints",
    volume_mounts => "volumeMounts",
    volumes => "volumes",
}

/// A Kubernetes quantity: `8Gi`, `500m` or a plain number.
pub(crate) fn quantity(_: &mut SchemaGenerator) -> Schema {
    let limits = SCHEMAS.get("resources").and_then(|r| r.pointer("/properties/limits/additionalProperties"));
    limits.cloned().and_then(|value| Schema::try_from(value).ok()).unwrap_or(json_schema!(false))
}

/// Go's `int`: an integer without a format.
pub(crate) struct Int;

impl JsonSchema for Int {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Int".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "integer" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_named_schema_is_there() {
        for name in NAMES {
            assert!(SCHEMAS.contains_key(*name), "{name}");
        }
        assert_eq!(SCHEMAS.len(), NAMES.len());
    }
}

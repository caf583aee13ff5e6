//! What holds for every schema and every object, tried on random ones.

use crate::{
    Schema,
    builtin::{CellSource, Set, kinds},
};
use kcp_apimachinery::{Map, Value, time::Time, value};
use proptest::{collection::vec, option, prelude::*};

const NAMES: [&str; 4] = ["a", "b", "c", "d"];

/// A schema of a member, with a default that it allows if it has one.
fn member(depth: u32) -> BoxedStrategy<Value> {
    let leaf = prop_oneof![
        (any::<bool>(), option::of("[a-c]{0,3}")).prop_map(|(nullable, default)| leaf(
            "string",
            nullable,
            default.map(Value::from)
        )),
        (any::<bool>(), option::of(0..9_i64)).prop_map(|(nullable, default)| leaf(
            "integer",
            nullable,
            default.map(Value::from)
        )),
        Just(value!({"x-kubernetes-preserve-unknown-fields": true})),
    ];
    if depth == 0 {
        return leaf.boxed();
    }
    prop_oneof![
        2 => leaf,
        2 => object(depth - 1),
        1 => member(depth - 1).prop_map(|inner| value!({"type": "array", "items": inner})),
        1 => member(depth - 1).prop_map(|inner| value!({"type": "object", "additionalProperties": inner})),
    ]
    .boxed()
}

fn leaf(kind: &str, nullable: bool, default: Option<Value>) -> Value {
    let mut schema = Map::new();
    schema.insert("type", kind);
    schema.insert("nullable", nullable);
    if let Some(default) = default {
        schema.insert("default", default);
    }
    schema.into()
}

fn object(depth: u32) -> BoxedStrategy<Value> {
    (vec((0..NAMES.len(), member(depth)), 0..4), any::<bool>())
        .prop_map(|(members, preserve)| {
            let members: Map = members.into_iter().map(|(name, schema)| (NAMES[name], schema)).collect();
            let mut schema = value!({"type": "object", "properties": (Value::Object(members))});
            if preserve {
                schema.set_at(&["x-kubernetes-preserve-unknown-fields"], true.into());
            }
            schema
        })
        .boxed()
}

fn data(depth: u32) -> BoxedStrategy<Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (0..9_i64).prop_map(Value::from),
        "[a-c]{0,3}".prop_map(Value::from),
    ];
    if depth == 0 {
        return leaf.boxed();
    }
    prop_oneof![
        2 => leaf,
        3 => record(depth),
        1 => vec(data(depth - 1), 0..3).prop_map(Value::from),
    ]
    .boxed()
}

fn record(depth: u32) -> BoxedStrategy<Value> {
    let members = vec((0..NAMES.len(), data(depth.saturating_sub(1))), 0..4);
    let named = |members: Vec<(usize, Value)>| {
        members.into_iter().map(|(name, value)| (NAMES[name], value)).collect::<Map>()
    };
    members.prop_map(move |members| Value::Object(named(members))).boxed()
}

fn compiled(source: &Value) -> std::sync::Arc<Schema> {
    Schema::compile(source).expect("a schema")
}

/// Data with the names of built-in kinds, so that it gets past the first checks.
fn plausible(depth: u32) -> BoxedStrategy<Value> {
    const WORDS: [&str; 24] = [
        "metadata",
        "spec",
        "status",
        "data",
        "rules",
        "subjects",
        "roleRef",
        "containers",
        "template",
        "selector",
        "matchLabels",
        "ports",
        "name",
        "type",
        "webhooks",
        "versions",
        "names",
        "conditions",
        "strategy",
        "hard",
        "eventTime",
        "series",
        "volumes",
        "env",
    ];
    let leaf = data(0);
    if depth == 0 {
        return leaf;
    }
    let members = vec((0..WORDS.len(), plausible(depth - 1)), 0..5);
    let named = members.prop_map(|members| {
        Value::Object(members.into_iter().map(|(name, value)| (WORDS[name], value)).collect::<Map>())
    });
    prop_oneof![1 => leaf, 4 => named, 2 => vec(plausible(depth - 1), 0..3).prop_map(Value::from)].boxed()
}

proptest! {
    #[test]
    fn nothing_breaks_a_built_in_kind(object in plausible(5), old in plausible(5)) {
        let now = Time::from_unix(0).expect("a time");
        for kind in [Set::ControlPlane, Set::Workloads].into_iter().flat_map(kinds) {
            let schema = kind.schema();
            let _ = schema.malformed(&object);
            let mut new = object.clone();
            schema.prune(&mut new);
            schema.default(&mut new);
            let defaulted = new.clone();
            schema.default(&mut new);
            if schema.malformed(&object).is_none() {
                prop_assert_eq!(&new, &defaulted, "{} a second time", kind.kind);
            }
            let _ = schema.validate(&new, Some(&old));
            for column in &kind.columns {
                if let CellSource::Function(function) = column.source {
                    let _ = function.cell(&object, now);
                }
            }
        }
    }

    #[test]
    fn pruning_twice_is_pruning_once(source in object(3), mut object in record(3)) {
        let schema = compiled(&source);
        schema.prune(&mut object);
        let once = object.clone();
        prop_assert!(schema.prune(&mut object).is_empty());
        prop_assert_eq!(object, once);
    }

    #[test]
    fn defaulting_twice_is_defaulting_once(source in object(3), mut object in record(3)) {
        let schema = compiled(&source);
        schema.default(&mut object);
        let once = object.clone();
        schema.default(&mut object);
        prop_assert_eq!(object, once);
    }

    #[test]
    fn what_is_pruned_has_nothing_unknown_after_defaulting(source in object(3), mut object in record(3)) {
        let schema = compiled(&source);
        schema.prune(&mut object);
        schema.default(&mut object);
        prop_assert!(schema.prune(&mut object).is_empty());
    }

    #[test]
    fn valid_objects_stay_valid(source in object(3), mut object in record(3)) {
        let schema = compiled(&source);
        if schema.validate(&object, None).is_empty() {
            schema.default(&mut object);
            prop_assert_eq!(schema.validate(&object, None), vec![]);
        }
    }

    #[test]
    fn what_does_not_change_is_not_refused(source in object(3), mut object in record(3)) {
        let schema = compiled(&source);
        schema.prune(&mut object);
        schema.default(&mut object);
        // Members that are kept though the schema does not know them count as changed.
        prop_assume!(!value::encode(&source).windows(16).any(|part| part == b"preserve-unknown"));
        prop_assert_eq!(schema.validate(&object, Some(&object)), vec![]);
    }

    #[test]
    fn definitions_made_of_such_schemas_are_valid(source in object(3)) {
        let crd = value!({
            "metadata": {"name": "widgets.example.com"},
            "spec": {
                "group": "example.com", "scope": "Cluster",
                "names": {"plural": "widgets", "singular": "widget", "kind": "Widget", "listKind": "WidgetList"},
                "versions": [{"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": source}}],
            },
            "status": {"storedVersions": ["v1"]},
        });
        prop_assert_eq!(crate::crd::validate_create(&crd), vec![]);
    }

    #[test]
    fn nothing_that_is_no_schema_breaks_anything(source in data(4), object in data(3)) {
        if let Ok(schema) = Schema::compile(&source) {
            let (mut pruned, old) = (object.clone(), object);
            schema.prune(&mut pruned);
            schema.default(&mut pruned);
            let _ = schema.validate(&pruned, Some(&old));
        }
        let crd = value!({"spec": {"versions": [{"schema": {"openAPIV3Schema": (source.clone())}}]}});
        let _ = crate::crd::validate_create(&crd);
        let _ = crate::crd::validate_update(&crd, &source);
        let _ = crate::crd::conditions(&crd, &crate::crd::Names::default(), "");
    }
}

//! Ownership in scenes: who does what to one object, and who owns what then.

use super::*;
use crate::{
    shape::{Node, Scalar, object_meta, scalar},
    value,
    value::decode,
};
use expect_test::{Expect, expect};
use proptest::prelude::*;

const NONE: Set = Set::new();

fn schema() -> Node {
    let string = || scalar(Scalar::String);
    let item = Node::object().with_scalars(Scalar::String, &["name", "x", "y"]);
    let spec = Node::object()
        .with_scalars(Scalar::String, &["a", "b", "c"])
        .with("map", Node::map_of(string()))
        .with("set", Node::set_of(string()))
        .with("items", Node::list_map_of(item, &["name"]))
        .with("atomic", Node::list_of(string()));
    Node::object()
        .with_scalars(Scalar::String, &["apiVersion", "kind"])
        .with("metadata", crate::shape::Child::Shared(object_meta))
        .with("spec", spec)
        .with("status", Node::object().with_scalars(Scalar::String, &["a"]))
}

/// One object and the hands it goes through. Time passes a second with each.
struct Scene {
    object: Option<Value>,
    shape: Node,
    seconds: i64,
    resets: Set,
    subresource: &'static str,
}

impl Scene {
    fn new() -> Self {
        Self { object: None, shape: schema(), seconds: 0, resets: NONE, subresource: "" }
    }

    fn with<T>(
        &mut self,
        manager: &str,
        run: impl FnOnce(&Write<'_>, &dyn Versions, Option<Value>) -> T,
    ) -> T {
        self.seconds += 1;
        let now = Time::from_unix(self.seconds).expect("a time");
        let gvk = Gvk::new("", "v1", "Thing");
        let write = Write { manager, subresource: self.subresource, gvk: &gvk, resets: &self.resets, now };
        run(&write, &OneVersion { api_version: "v1", shape: &self.shape }, self.object.clone())
    }

    fn try_apply(&mut self, manager: &str, spec: &str, force: bool) -> Result<bool, Error> {
        let mut config = value!({"apiVersion": "v1", "kind": "Thing", "metadata": {"name": "t"}});
        config.set_at(&["spec"], decode(spec.as_bytes()).expect("JSON"));
        let applied =
            self.with(manager, |write, versions, live| apply(live, config, write, force, versions))?;
        self.object = Some(applied.object);
        self.stored();
        Ok(applied.changed)
    }

    fn apply(&mut self, manager: &str, spec: &str) -> &mut Self {
        self.try_apply(manager, spec, false).expect("no conflict");
        self
    }

    fn force(&mut self, manager: &str, spec: &str) -> &mut Self {
        self.try_apply(manager, spec, true).expect("no conflict");
        self
    }

    fn refused(&mut self, manager: &str, spec: &str, expected: Expect) -> &mut Self {
        expected.assert_eq(&self.try_apply(manager, spec, false).expect_err("a conflict").to_string());
        self
    }

    fn update(&mut self, manager: &str, change: impl FnOnce(&mut Value)) -> &mut Self {
        let basis = value!({"apiVersion": "v1", "kind": "Thing", "metadata": {"name": "t"}});
        let mut new = self.object.clone().unwrap_or(basis);
        change(&mut new);
        self.with(manager, |write, versions, live| track_update(live.as_ref(), &mut new, write, versions));
        self.object = Some(new);
        self.stored();
        self
    }

    /// What the store adds.
    fn stored(&mut self) {
        if let Some(object) = &mut self.object {
            object.meta_mut().set_uid(Some("u"));
            object.meta_mut().set_resource_version(Some(&self.seconds.to_string()));
        }
    }

    fn object(&self) -> &Value {
        self.object.as_ref().expect("an object")
    }

    /// The spec, then who owns what since when.
    fn shows(&mut self, expected: Expect) -> &mut Self {
        let object = self.object();
        let mut text = crate::go::json(object.get("spec").unwrap_or(&Value::Null)) + "\n";
        for (id, entry) in ManagedFields::read(object.meta().managed_fields()).expect("managers").iter() {
            let since = entry.time.map_or(0, Time::unix);
            let fields = crate::go::json(&entry.fields.to_fields_v1());
            text += &format!("{:?} {id} since {since}: {fields}\n", id.operation);
        }
        expected.assert_eq(&text);
        self
    }
}

fn set(field: &'static str, value: &'static str) -> impl FnOnce(&mut Value) {
    move |object| object.set_at(&["spec", field], value.into())
}

#[test]
fn an_applier_owns_what_it_lists() {
    Scene::new().apply("one", r#"{"a":"1","map":{"x":"y"},"set":["s"],"items":[{"name":"n","x":"1"}]}"#).shows(expect![[r#"
        {"a":"1","items":[{"name":"n","x":"1"}],"map":{"x":"y"},"set":["s"]}
        Apply "one" since 1: {"f:spec":{"f:a":{},"f:items":{"k:{\"name\":\"n\"}":{".":{},"f:name":{},"f:x":{}}},"f:map":{"f:x":{}},"f:set":{"v:\"s\"":{}}}}
    "#]]);
}

#[test]
fn a_conflict_is_refused_unless_forced() {
    Scene::new()
        .apply("one", r#"{"a":"1","b":"1"}"#)
        .apply("two", r#"{"a":"1"}"#)
        .refused(
            "three",
            r#"{"a":"2"}"#,
            expect![[r#"
            Apply failed with 2 conflicts: conflicts with "one":
            - .spec.a
            conflicts with "two":
            - .spec.a"#]],
        )
        .force("three", r#"{"a":"2"}"#)
        .shows(expect![[r#"
            {"a":"2","b":"1"}
            Apply "one" since 1: {"f:spec":{"f:b":{}}}
            Apply "three" since 4: {"f:spec":{"f:a":{}}}
        "#]]);
}

#[test]
fn what_is_not_listed_any_more_goes_unless_shared() {
    Scene::new()
        .apply("one", r#"{"a":"1","b":"1","map":{"x":"1"},"items":[{"name":"n","x":"1"}]}"#)
        .apply("two", r#"{"b":"1"}"#)
        .update("hand", |object| object.set_at(&["spec", "c"], "1".into()))
        .apply("one", "{}")
        .shows(expect![[r#"
            {"b":"1","c":"1"}
            Update "hand" using v1 since 3: {"f:spec":{"f:c":{}}}
            Apply "one" since 4: {"f:spec":{}}
            Apply "two" since 0: {"f:spec":{"f:b":{}}}
        "#]]);
}

#[test]
fn elements_keep_what_others_put_into_them() {
    let mut scene = Scene::new();
    scene
        .apply("one", r#"{"items":[{"name":"n","x":"1"}]}"#)
        .apply("two", r#"{"items":[{"name":"n","y":"2"},{"name":"m"}]}"#)
        .apply("one", r#"{"items":[]}"#)
        .shows(expect![[r#"
            {"items":[{"name":"n","y":"2"},{"name":"m"}]}
            Apply "two" since 2: {"f:spec":{"f:items":{"k:{\"name\":\"m\"}":{".":{},"f:name":{}},"k:{\"name\":\"n\"}":{".":{},"f:name":{},"f:y":{}}}}}
        "#]]);
}

#[test]
fn an_update_owns_what_it_changed() {
    Scene::new()
        .update("creator", |object| object.set_at(&["spec"], value!({"a": "1", "b": "1", "set": ["s"]})))
        .update("second", set("b", "2"))
        .update("idle", |_| ())
        .update("second", |object| {
            object.remove_at(&["spec", "set"]);
        })
        .shows(expect![[r#"
            {"a":"1","b":"2"}
            Update "creator" using v1 since 1: {"f:spec":{".":{},"f:a":{}}}
            Update "second" using v1 since 2: {"f:spec":{"f:b":{}}}
        "#]]);
}

#[test]
fn an_update_takes_from_an_applier() {
    Scene::new()
        .apply("one", r#"{"a":"1"}"#)
        .update("hand", set("a", "2"))
        .shows(expect![[r#"
            {"a":"2"}
            Update "hand" using v1 since 2: {"f:spec":{"f:a":{}}}
        "#]])
        .refused(
            "one",
            r#"{"a":"1"}"#,
            expect![[r#"Apply failed with 1 conflict: conflict with "hand" using v1: .spec.a"#]],
        )
        .apply("one", r#"{"a":"2"}"#);
}

#[test]
fn who_was_there_before_the_first_apply() {
    let mut scene = Scene::new();
    scene.object = Some(
        value!({"apiVersion": "v1", "kind": "Thing", "metadata": {"name": "t", "uid": "u"}, "spec": {"a": "1"}}),
    );
    scene
        .update("untracked", set("b", "1"))
        .shows(expect![[r#"
            {"a":"1","b":"1"}
        "#]])
        .refused(
            "one",
            r#"{"a":"2"}"#,
            expect![[
                r#"Apply failed with 1 conflict: conflict with "before-first-apply" using v1: .spec.a"#
            ]],
        )
        .apply("one", r#"{"a":"1"}"#)
        .shows(expect![[r#"
            {"a":"1","b":"1"}
            Update "before-first-apply" using v1 since 3: {"f:spec":{".":{},"f:a":{},"f:b":{}}}
            Apply "one" since 0: {"f:spec":{"f:a":{}}}
        "#]]);
}

#[test]
fn an_empty_list_ends_the_tracking() {
    Scene::new()
        .apply("one", r#"{"a":"1"}"#)
        .update("hand", |object| object.set_at(&["metadata", "managedFields"], value!([])))
        .shows(expect![[r#"
            {"a":"1"}
        "#]]);
}

#[test]
fn an_apply_that_changes_nothing_keeps_its_time() {
    let mut scene = Scene::new();
    scene.apply("one", r#"{"a":"1"}"#);
    assert_eq!(scene.try_apply("one", r#"{"a":"1"}"#, false), Ok(false));
    scene.shows(expect![[r#"
        {"a":"1"}
        Apply "one" since 1: {"f:spec":{"f:a":{}}}
    "#]]);
}

#[test]
fn a_subresource_has_its_own_managers() {
    let mut scene = Scene::new();
    scene.resets = Set::of(&[&["status"]]);
    scene.apply("one", r#"{"a":"1"}"#);
    scene.resets = Set::of(&[&["spec"]]);
    scene.subresource = "status";
    scene.update("one", |object| object.set_at(&["status", "a"], "1".into())).shows(expect![[r#"
        {"a":"1"}
        Apply "one" since 1: {"f:spec":{"f:a":{}}}
        Update "one" with subresource "status" using v1 since 2: {"f:status":{".":{},"f:a":{}}}
    "#]]);
}

#[test]
fn kubectl_takes_over_what_its_annotation_says() {
    let annotate = |object: &mut Value| {
        let text = r#"{"apiVersion":"v1","kind":"Thing","metadata":{"name":"t"},"spec":{"a":"1","b":"1"}}"#;
        object.set_at(&["spec"], value!({"a": "1", "b": "1"}));
        object.meta_mut().set_annotation(last_applied::ANNOTATION, Some(text));
    };
    let mut scene = Scene::new();
    scene.update("kubectl-client-side-apply", annotate).refused(
        "other",
        r#"{"a":"2"}"#,
        expect![[
            r#"Apply failed with 1 conflict: conflict with "kubectl-client-side-apply" using v1: .spec.a"#
        ]],
    );
    scene.apply("kubectl", r#"{"a":"2"}"#);
    assert_eq!(
        scene.object().meta().annotation(last_applied::ANNOTATION),
        Some(
            "{\"apiVersion\":\"v1\",\"kind\":\"Thing\",\"metadata\":{\"name\":\"t\"},\"spec\":{\"a\":\"2\"}}\n"
        )
    );
}

#[test]
fn a_schema_that_became_atomic() {
    let mut scene = Scene::new();
    scene.apply("one", r#"{"set":["s"]}"#).apply("two", r#"{"set":["t"]}"#);
    scene.shape = Node::object()
        .with_scalars(Scalar::String, &["apiVersion", "kind"])
        .with("metadata", crate::shape::Child::Shared(object_meta))
        .with("spec", Node::object().with("set", Node::list_of(scalar(Scalar::String))));
    scene.apply("one", r#"{"set":["s","t"]}"#).shows(expect![[r#"
        {"set":["s","t"]}
        Apply "one" since 1: {"f:spec":{"f:set":{}}}
        Apply "two" since 2: {"f:spec":{"f:set":{}}}
    "#]]);
}

#[test]
fn bad_requests() {
    let mut scene = Scene::new();
    let error = scene.try_apply("one", r#"{"z":"1"}"#, false).expect_err("no such field");
    assert_eq!(
        error.to_string(),
        "failed to create typed patch object (/t; /v1, Kind=Thing): .spec.z: field not declared in schema"
    );
    let try_config = |scene: &mut Scene, config: Value| {
        scene
            .with("one", |write, versions, live| apply(live, config, write, false, versions))
            .expect_err("bad")
            .to_string()
    };
    let other = value!({"apiVersion": "v2", "kind": "Thing"});
    assert_eq!(try_config(&mut scene, other), "invalid object type: /v2, Kind=Thing");
    let managed = value!({"apiVersion": "v1", "kind": "Thing", "metadata": {"managedFields": []}});
    assert_eq!(try_config(&mut scene, managed), "metadata.managedFields must be nil");
}

/// `a` of v1 is called `b` in v2.
struct Renamed {
    v1: Node,
    v2: Node,
}

impl Versions for Renamed {
    fn shape(&self, api_version: &str) -> Option<&dyn Shape> {
        match api_version {
            "v1" => Some(&self.v1),
            "v2" => Some(&self.v2),
            _ => None,
        }
    }

    fn convert(&self, mut object: Value, api_version: &str) -> Result<Value, String> {
        let (from, to) = if api_version == "v2" { ("a", "b") } else { ("b", "a") };
        if let Some(value) = object.remove_at(&["spec", from]) {
            object.set_at(&["spec", to], value);
        }
        object.set_at(&["apiVersion"], api_version.into());
        Ok(object)
    }
}

#[test]
fn managers_may_use_other_versions() {
    let versions = Renamed { v1: schema(), v2: schema() };
    let run = |live: Option<Value>, manager: &str, version: &str, spec: Value| {
        let gvk = Gvk::new("", version, "Thing");
        let now = Time::from_unix(1).expect("a time");
        let write = Write { manager, subresource: "", gvk: &gvk, resets: &NONE, now };
        let mut config = value!({"kind": "Thing"});
        config.set_at(&["apiVersion"], version.into());
        config.set_at(&["spec"], spec);
        apply(
            live.map(|live| versions.convert(live, version).expect("converts")),
            config,
            &write,
            false,
            &versions,
        )
    };
    let object = run(None, "one", "v1", value!({"a": "1", "c": "1"})).expect("applied").object;
    let conflict = run(Some(object.clone()), "two", "v2", value!({"b": "2"})).expect_err("a conflict");
    assert_eq!(conflict.to_string(), "Apply failed with 1 conflict: conflict with \"one\": .spec.a");
    let shared = run(Some(object), "two", "v2", value!({"b": "1"})).expect("applied").object;
    // The one that now speaks v2 drops both; `b` is also the other's.
    let pruned = run(Some(shared), "one", "v2", value!({})).expect("applied").object;
    assert_eq!(pruned.get("spec"), Some(&value!({"b": "1"})));
}

#[test]
fn names_of_managers() {
    assert_eq!(manager_name("x", "kubectl/v1"), "x");
    assert_eq!(manager_name("", "kubectl/v1.33 (linux)"), "kubectl");
    assert_eq!(manager_name("", "a\u{1}b"), "ab");
    assert_eq!(manager_name("", ""), "unknown");
    assert_eq!(manager_name("", &"é".repeat(100)).len(), 128);
}

fn arbitrary_spec() -> impl Strategy<Value = String> {
    let text = prop::sample::select(vec!["1", "2"]);
    let name = prop::sample::select(vec!["m", "n", "o"]);
    let scalars = prop::collection::btree_map(prop::sample::select(vec!["a", "b", "c"]), text.clone(), 0..3);
    let map = prop::collection::btree_map(name.clone(), text.clone(), 0..3);
    let set = prop::collection::btree_set(name.clone(), 0..3);
    let items = prop::collection::btree_map(name, prop::option::of(text), 0..3);
    (scalars, prop::option::of(map), prop::option::of(set), prop::option::of(items)).prop_map(
        |(scalars, map, set, items)| {
            let mut spec = Value::object();
            for (name, value) in scalars {
                spec.set_at(&[name], value.into());
            }
            if let Some(map) = map {
                spec.set_at(&["map"], Value::Object(map.into_iter().collect()));
            }
            if let Some(set) = set {
                spec.set_at(&["set"], set.into_iter().rev().map(Value::from).collect());
            }
            if let Some(items) = items {
                let item = |(name, x): (&str, Option<&str>)| {
                    let mut item = value!({"name": (name)});
                    if let Some(x) = x {
                        item.set_at(&["x"], x.into());
                    }
                    item
                };
                spec.set_at(&["items"], items.into_iter().map(item).collect());
            }
            crate::go::json(&spec)
        },
    )
}

proptest! {
    #[test]
    fn an_object_does_not_differ_from_itself(spec in arbitrary_spec()) {
        let value = value!({"spec": (decode(spec.as_bytes()).expect("JSON"))});
        prop_assert!(compare(&value, &value, &schema()).is_same());
    }

    #[test]
    fn comparing_is_symmetric(left in arbitrary_spec(), right in arbitrary_spec()) {
        let read = |spec: &str| value!({"spec": (decode(spec.as_bytes()).expect("JSON"))});
        let there = compare(&read(&left), &read(&right), &schema());
        let back = compare(&read(&right), &read(&left), &schema());
        prop_assert_eq!(there.added, back.removed);
        prop_assert_eq!(there.modified, back.modified);
    }

    #[test]
    fn applying_twice_changes_nothing(first in arbitrary_spec(), other in arbitrary_spec(), second in arbitrary_spec()) {
        let mut scene = Scene::new();
        scene.force("one", &first).force("two", &other).force("one", &second);
        let object = scene.object().clone();
        prop_assert_eq!(scene.try_apply("one", &second, true), Ok(false));
        // Where nobody owns anything, the next apply finds an object without owners.
        prop_assume!(object.meta().managed_fields().is_some());
        let mut again = scene.object().clone();
        again.meta_mut().set_resource_version(object.meta().resource_version());
        prop_assert_eq!(again, object);
    }

    /// What an object has, somebody owns; what somebody owns, the object has.
    #[test]
    fn appliers_own_exactly_what_is_there(specs in prop::collection::vec((0..3_usize, arbitrary_spec()), 1..6)) {
        let mut scene = Scene::new();
        for (manager, spec) in &specs {
            scene.force(["one", "two", "three"][*manager], spec);
        }
        let object = scene.object();
        let managers = ManagedFields::read(object.meta().managed_fields()).expect("managers");
        let owned = managers.iter().fold(Set::new(), |all, (_, entry)| all.union(entry.fields.clone()));
        let there = fields_of(object, &scene.shape).difference(&track::NEVER_OWNED);
        let there = there.difference(&Set::of(&[&["metadata", "uid"]]));
        prop_assert!(there.is_subset(&owned), "{there} is not all of {owned}");
    }

    #[test]
    fn an_update_and_an_apply_agree_on_the_codec(spec in arbitrary_spec()) {
        let mut scene = Scene::new();
        scene.apply("one", &spec);
        let list = scene.object().meta().managed_fields().cloned();
        let managers = ManagedFields::read(list.as_ref()).expect("managers");
        prop_assert_eq!(managers.to_value(), list);
    }
}

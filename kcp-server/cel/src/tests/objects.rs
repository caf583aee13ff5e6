use super::{list, member, outcome, string};
use crate::{Decl, Format, ListKind};
use kcp_apimachinery::{Value, value};

fn object() -> Decl {
    let port = Decl::object(vec![member("name", string()), member("port", Decl::integer())]);
    Decl::object(vec![
        member("replicas", Decl::integer()),
        member("ratio", Decl::number()),
        member("name", string()),
        member("from", Decl::string(Format::DateTime, None, None)),
        member("day", Decl::string(Format::Date, None, None)),
        member("every", Decl::string(Format::Duration, None, None)),
        member("data", Decl::string(Format::Byte, None, None)),
        member("at", Decl::int_or_string(None)),
        member("maybe", Decl::integer().or_null()),
        member("labels", Decl::map(string(), None)),
        member("list", list(Decl::integer())),
        member("set", Decl::list(string(), None, ListKind::Set)),
        member("ports", Decl::list(port, None, ListKind::Map(Box::new(["name".into()])))),
        member("a.b/c-d", Decl::boolean()),
        member("namespace", string()),
    ])
}

fn check(object_value: &Value, expression: &str, expected: &str) {
    assert_eq!(outcome(object(), object_value, expression), expected, "{expression}");
}

#[test]
fn values_are_read_as_they_are_declared() {
    let this = value!({
        "replicas": 3_i64, "ratio": 2_i64, "from": "2026-01-31T00:00:00Z", "day": "2026-01-31",
        "every": "90s", "data": "aGk=", "at": "80%", "a.b/c-d": true, "namespace": "default",
    });
    check(&this, "self.replicas + 1", "4");
    check(&this, "self.ratio", "2.0");
    check(&this, "self.from == self.day", "true");
    check(&this, "self.every == duration('1m30s')", "true");
    check(&this, "self.data", "b\"hi\"");
    check(&this, "type(self.at) == string && self.at.endsWith('%')", "true");
    check(&this, "self.a__dot__b__slash__c__dash__d && self.__namespace__ == 'default'", "true");
    check(
        &value!({"every": "x"}),
        "self.every == duration('1s')",
        "! Invalid duration x: time: invalid duration \"x\"",
    );
    check(&value!({"replicas": "x"}), "self.replicas == 1", "! invalid data, expected int, got string");
}

#[test]
fn what_is_absent() {
    let this = value!({"maybe": null, "replicas": 1_i64});
    check(&this, "has(self.maybe) || has(self.name)", "false");
    check(&this, "has(self.replicas)", "true");
    check(&this, "self.name", "! no such key: name");
    check(&this, "self.?name.orValue('none')", "\"none\"");
    check(&this, "self.?labels['a']", "none");
    check(
        &this,
        "self.unknown",
        "! ERROR: <input>:1:5: undefined field 'unknown'\n | self.unknown\n | ....^",
    );
    check(&this, "dyn(self).unknown", "! no such key: unknown");
}

#[test]
fn sets_and_maps_have_no_order() {
    let this = value!({
        "set": ["a", "b"],
        "list": [1_i64, 2_i64],
        "ports": [{"name": "x", "port": 1_i64}, {"name": "y", "port": 2_i64}],
    });
    check(&this, "self.set == ['b', 'a']", "true");
    check(&this, "self.set == ['b', 'c']", "false");
    check(&this, "self.set + ['b', 'c']", "[\"a\", \"b\", \"c\"]");
    check(&this, "(self.set + ['c']) == ['c', 'b', 'a']", "true");
    check(&this, "self.list == [2, 1]", "false");
    check(&this, "self.list + [2]", "[1, 2, 2]");
    check(&this, "self.ports == self.ports", "true");
    check(&this, "(self.ports + self.ports).map(p, p.port)", "[1, 2]");
    check(&this, "self.ports.exists(p, p.name == 'y' && p.port == 2)", "true");
    check(&this, "self.ports[0]", "{\"name\": \"x\", \"port\": 1}");
}

#[test]
fn maps_and_objects_are_gone_through() {
    let this = value!({"labels": {"b": "2", "a": "1"}, "a.b/c-d": true});
    check(&this, "self.labels.map(k, self.labels[k])", "[\"1\", \"2\"]");
    check(&this, "self.labels.all(k, v, k != v)", "true");
    check(&this, "'a' in self.labels && !('c' in self.labels)", "true");
    check(&this, "self.labels == {'a': '1', 'b': '2'}", "true");
    check(&this, "self.labels.c", "! no such key: c");
    check(&this, "size(self.labels)", "2");
}

use super::typed::{self, Form, element_of, form};
use crate::{
    Map, Name, Value,
    shape::{ListKind, MapKind, Shape},
};
use std::{
    collections::{HashMap, HashSet, VecDeque},
    convert::Infallible,
};

/// The live object with what the configuration sets: leaves are the configuration's, the rest stays.
#[must_use]
pub(super) fn merge(live: Value, config: Value, shape: &dyn Shape) -> Value {
    match form(shape, &config) {
        Form::Map(MapKind::Granular) => {
            let (live, config) = match (live, config) {
                (Value::Object(live), config) => (live, config),
                (_, config) => (Map::new(), config),
            };
            merge_maps(live, config, shape)
        }
        Form::List(kind @ (ListKind::Set | ListKind::Map(_))) => merge_lists(live, config, kind, shape),
        Form::Map(MapKind::Atomic) | Form::List(ListKind::Atomic) | Form::Scalar(_) | Form::Nothing => config,
    }
}

/// A configuration that is null leaves the members that are there, as in Kubernetes.
fn merge_maps(mut live: Map, config: Value, shape: &dyn Shape) -> Value {
    let Value::Object(config) = config else {
        return if live.is_empty() { config } else { Value::Object(live) };
    };
    let merge = |name: &str, current, value| {
        Ok::<_, Infallible>(Some(match current {
            Some(current) => merge(current, value, typed::member(shape, name)),
            None => value,
        }))
    };
    let Ok(()) = live.merge_with(config, merge);
    Value::Object(live)
}

/// Elements of the live list keep their places, those of both are merged in the order of the
/// configuration, new ones come where the configuration has them.
fn merge_lists(live: Value, config: Value, kind: ListKind<'_>, shape: &dyn Shape) -> Value {
    let Value::Array(live) = live else { return config };
    let Value::Array(config) = config else {
        return if live.is_empty() { config } else { Value::Array(live) };
    };
    match (typed::keyed(shape, kind, &live), typed::keyed(shape, kind, &config)) {
        (Some(live_names), Some(names)) => {
            Value::Array(Weave::new(live, &live_names, config, &names).run(element_of(shape)))
        }
        _ => Value::Array(config),
    }
}

/// The state of merging two lists of elements with identities.
struct Weave<'n> {
    live: Vec<Option<Value>>,
    live_names: &'n [Name],
    config: Vec<Value>,
    names: &'n [Name],
    /// Where an element is in the live list; `None` if it is there more than once.
    live_at: HashMap<&'n Name, Option<usize>>,
    wanted: HashSet<&'n Name>,
    /// Elements of both that are still to come, in the order of the configuration.
    shared: VecDeque<&'n Name>,
}

impl<'n> Weave<'n> {
    fn new(live: Vec<Value>, live_names: &'n [Name], config: Vec<Value>, names: &'n [Name]) -> Self {
        let mut live_at = HashMap::with_capacity(live.len());
        for (at, name) in live_names.iter().enumerate() {
            live_at.entry(name).and_modify(|at| *at = None).or_insert(Some(at));
        }
        let shared = names.iter().filter(|name| live_at.contains_key(name)).collect();
        let wanted = names.iter().collect();
        let live = live.into_iter().map(Some).collect();
        Self { live, live_names, config, names, live_at, wanted, shared }
    }

    /// The order is that of Kubernetes, step by step, since clients see it.
    fn run(mut self, shape: &dyn Shape) -> Vec<Value> {
        let mut out = Vec::with_capacity(self.live.len().max(self.config.len()));
        let mut merged: HashSet<&Name> = HashSet::with_capacity(self.config.len());
        let mut config = std::mem::take(&mut self.config).into_iter().zip(self.names).peekable();
        let mut at = 0;
        loop {
            let name = self.live_names.get(at);
            let next = config.peek().map(|(_, name)| *name);
            if let Some(name) = name {
                if !self.wanted.contains(name) {
                    out.extend(self.live[at].take());
                    at += 1;
                    continue;
                }
                // Shared, but its turn in the order of the configuration comes later.
                let later = self.shared.front().is_some_and(|first| *first != name);
                if next.is_some_and(|next| next != name) && later {
                    at += 1;
                    continue;
                }
                if next == Some(name) || merged.contains(name) {
                    at += 1;
                }
            }
            match config.next() {
                Some((item, name)) => {
                    merged.insert(name);
                    out.push(self.take(name, item, shape));
                }
                None if at >= self.live_names.len() => return out,
                None => {}
            }
        }
    }

    fn take(&mut self, name: &'n Name, item: Value, shape: &dyn Shape) -> Value {
        if self.shared.front() == Some(&name) {
            self.shared.pop_front();
        }
        // Of elements that are there more than once none is merged; they are all replaced.
        let live = self.live_at.get(name).copied().flatten().and_then(|at| self.live[at].take());
        match live {
            Some(live) => merge(live, item, shape),
            None => item,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        shape::{Node, Scalar, any, scalar},
        value::decode,
    };

    fn check(shape: &dyn Shape, live: &str, config: &str, expected: &str) {
        let read = |text: &str| decode(text.as_bytes()).expect("JSON");
        assert_eq!(crate::go::json(&merge(read(live), read(config), shape)), expected);
    }

    #[test]
    fn maps() {
        check(
            any(),
            r#"{"a":1,"b":{"c":2}}"#,
            r#"{"b":{"d":[1]},"e":null}"#,
            r#"{"a":1,"b":{"c":2,"d":[1]},"e":null}"#,
        );
        check(any(), r#"{"a":{"b":1}}"#, r#"{"a":null}"#, r#"{"a":{"b":1}}"#);
        check(any(), r#"{"a":[1],"b":{"c":1}}"#, r#"{"a":[2],"b":"x"}"#, r#"{"a":[2],"b":"x"}"#);
        check(any(), r#"{"a":"x"}"#, r#"{"a":{"b":1}}"#, r#"{"a":{"b":1}}"#);
    }

    fn sets(live: &str, config: &str, expected: &str) {
        let list = |text: &str| {
            format!("[{}]", text.split_whitespace().map(|x| format!("\"{x}\"")).collect::<Vec<_>>().join(","))
        };
        check(&Node::set_of(scalar(Scalar::String)), &list(live), &list(config), &list(expected));
    }

    #[test]
    fn the_order_of_lists() {
        sets("a b", "b c", "a b c");
        sets("a b c", "c a", "b c a");
        sets("a b c", "x b", "a x b c");
        sets("a", "x y a", "x y a");
        sets("", "a", "a");
        sets("a b", "", "a b");
        sets("a b c d", "d b", "a c d b");
        sets("a a b", "a", "a b");
        sets("b a", "a b", "a b");
    }

    #[test]
    fn elements_are_merged() {
        let item = Node::object().with_scalars(Scalar::String, &["name", "x", "y"]);
        let shape = Node::list_map_of(item, &["name"]);
        check(
            &shape,
            r#"[{"name":"a","x":"1"}]"#,
            r#"[{"name":"a","y":"2"}]"#,
            r#"[{"name":"a","x":"1","y":"2"}]"#,
        );
    }
}

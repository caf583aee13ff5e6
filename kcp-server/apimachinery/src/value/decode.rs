use super::{Map, Name, Value};
use serde::de::{DeserializeSeed, Error as _, MapAccess, SeqAccess, Visitor};
use std::{
    cell::{Cell, RefCell},
    fmt,
};

/// What a document may be at most. Checked while it is read, before anything is built from it.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Objects and arrays inside one another.
    pub depth: usize,
    /// Values in all.
    pub nodes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { depth: 500, nodes: 1_000_000 }
    }
}

/// Most repeated members that are told, as in Kubernetes. Each may have a long path.
const DUPLICATES_MAX: usize = 100;

/// Why bytes are no object tree.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct DecodeError(pub String);

/// Reads JSON. Of a repeated member the last one counts, as in Go.
///
/// # Errors
/// Bytes that are not one JSON value, or one beyond the default [`Limits`].
pub fn decode(bytes: &[u8]) -> Result<Value, DecodeError> {
    decode_with(bytes, Limits::default()).map(|(value, _)| value)
}

/// Reads JSON and also gives the paths of members that occur twice in one object, such as
/// `metadata.name`, in the order they were met.
///
/// # Errors
/// As [`decode`].
pub fn decode_strict(bytes: &[u8]) -> Result<(Value, Vec<String>), DecodeError> {
    decode_with(bytes, Limits::default())
}

/// [`decode_strict`] under other limits.
///
/// # Errors
/// As [`decode`].
pub fn decode_with(bytes: &[u8], limits: Limits) -> Result<(Value, Vec<String>), DecodeError> {
    let state = State::new(limits);
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    // Our own depth limit stands in its place.
    reader.disable_recursion_limit();
    let value =
        Seed { state: &state, depth: 0 }.deserialize(&mut reader).map_err(|e| DecodeError(e.to_string()))?;
    reader.end().map_err(|e| DecodeError(e.to_string()))?;
    Ok((value, state.paths()))
}

/// [`decode_with`] from any format.
pub(crate) fn decode_from<'de, D: serde::Deserializer<'de>>(
    from: D,
    limits: Limits,
) -> Result<(Value, Vec<String>), D::Error> {
    let state = State::new(limits);
    let value = Seed { state: &state, depth: 0 }.deserialize(from)?;
    Ok((value, state.paths()))
}

impl<'de> serde::Deserialize<'de> for Value {
    /// From any format, under the default [`Limits`].
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Seed { state: &State::new(Limits::default()), depth: 0 }.deserialize(from)
    }
}

struct State {
    limits: Limits,
    nodes: Cell<usize>,
    /// Members that occur twice, each as its path from the inside out: only documents that have some pay.
    duplicates: RefCell<Vec<Vec<PathPart>>>,
}

enum PathPart {
    Member(Name),
    Index(usize),
}

impl State {
    fn new(limits: Limits) -> Self {
        Self { limits, nodes: Cell::new(0), duplicates: RefCell::default() }
    }

    /// How many there are: what is told from here on is inside what is read next.
    fn told(&self) -> usize {
        self.duplicates.borrow().len()
    }

    /// All that was told since is in here.
    fn inside(&self, since: usize, part: impl Fn() -> PathPart) {
        if self.told() > since {
            self.duplicates.borrow_mut()[since..].iter_mut().for_each(|path| path.push(part()));
        }
    }

    fn tell(&self, twice: Vec<Name>) {
        let mut duplicates = self.duplicates.borrow_mut();
        let room = DUPLICATES_MAX.saturating_sub(duplicates.len());
        duplicates.extend(twice.into_iter().take(room).map(|name| vec![PathPart::Member(name)]));
    }

    fn paths(self) -> Vec<String> {
        self.duplicates.into_inner().iter().map(|path| text(path)).collect()
    }
}

fn text(path: &[PathPart]) -> String {
    let mut text = String::new();
    for part in path.iter().rev() {
        match part {
            PathPart::Member(name) => {
                if !text.is_empty() {
                    text.push('.');
                }
                text.push_str(name);
            }
            PathPart::Index(at) => text.push_str(&format!("[{at}]")),
        }
    }
    text
}

#[derive(Clone, Copy)]
struct Seed<'s> {
    state: &'s State,
    depth: usize,
}

impl Seed<'_> {
    fn deeper<E: serde::de::Error>(self) -> Result<Self, E> {
        if self.depth >= self.state.limits.depth {
            return Err(E::custom(format!("exceeded max depth of {}", self.state.limits.depth)));
        }
        Ok(Self { depth: self.depth + 1, ..self })
    }
}

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Value;

    fn deserialize<D: serde::Deserializer<'de>>(self, from: D) -> Result<Value, D::Error> {
        let nodes = self.state.nodes.get() + 1;
        self.state.nodes.set(nodes);
        if nodes > self.state.limits.nodes {
            return Err(D::Error::custom(format!("more than {} values", self.state.limits.nodes)));
        }
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, truth: bool) -> Result<Value, E> {
        Ok(Value::Bool(truth))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(Value::Int(number))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        // Beyond 63 bits Kubernetes falls back to floating point.
        Ok(i64::try_from(number).map_or(Value::Float(number as f64), Value::Int))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Value, E> {
        Ok(Value::Float(number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::String(text.into()))
    }

    fn visit_string<E>(self, text: String) -> Result<Value, E> {
        Ok(Value::String(text.into_boxed_str()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut from: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut items = Vec::new();
        loop {
            let since = self.state.told();
            let Some(item) = from.next_element_seed(inner)? else { return Ok(Value::Array(items)) };
            self.state.inside(since, || PathPart::Index(items.len()));
            items.push(item);
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut from: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut members = Vec::new();
        while let Some(name) = from.next_key_seed(NameSeed)? {
            let since = self.state.told();
            let value = from.next_value_seed(inner)?;
            self.state.inside(since, || PathPart::Member(name.clone()));
            members.push((name, value));
        }
        let (map, twice) = Map::collect(members);
        if !twice.is_empty() {
            self.state.tell(twice);
        }
        Ok(Value::Object(map))
    }
}

/// Reads the name of a member without a copy in between.
struct NameSeed;

impl<'de> DeserializeSeed<'de> for NameSeed {
    type Value = Name;

    fn deserialize<D: serde::Deserializer<'de>>(self, from: D) -> Result<Name, D::Error> {
        from.deserialize_str(self)
    }
}

impl Visitor<'_> for NameSeed {
    type Value = Name;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a member")
    }

    fn visit_str<E>(self, text: &str) -> Result<Name, E> {
        Ok(Name::from(text))
    }
}

#[cfg(test)]
mod tests {
    use super::{super::encode, *};

    #[test]
    fn members_are_sorted_and_numbers_kept_apart() {
        let value = decode(br#"{"b":1,"a":1.0,"c":18446744073709551615}"#).expect("JSON");
        assert_eq!(value.get("b"), Some(&Value::Int(1)));
        assert_eq!(value.get("a"), Some(&Value::Float(1.0)));
        assert!(matches!(value.get("c"), Some(Value::Float(_))));
        assert_eq!(encode(&decode(br#"{"b":2, "a":[ ]}"#).expect("JSON")), br#"{"a":[],"b":2}"#);
    }

    #[test]
    fn repeated_members_are_told() {
        let (value, twice) = decode_strict(br#"{"a":{"x":1,"x":2},"l":[{},{"y":1,"y":1}]}"#).expect("JSON");
        assert_eq!(twice, ["a.x", "l[1].y"]);
        assert_eq!(value.at(&["a", "x"]), Some(&Value::Int(2)));
    }

    #[test]
    fn order_does_not_cost() {
        let names: Vec<_> = (0..100_000).rev().map(|n| format!("\"{n:06}\":0")).collect();
        let value = decode(format!("{{{}}}", names.join(",")).as_bytes()).expect("JSON");
        assert_eq!(value.as_object().map(Map::len), Some(100_000));
        let twice = format!("{{{}}}", vec!["\"a\":0"; 1000].join(","));
        assert_eq!(decode_strict(twice.as_bytes()).expect("JSON").1.len(), DUPLICATES_MAX);
    }

    #[test]
    fn depth_and_size_are_bounded() {
        let deep = "[".repeat(600) + &"]".repeat(600);
        assert!(decode(deep.as_bytes()).expect_err("too deep").0.contains("max depth"));
        let limits = Limits { depth: 10, nodes: 3 };
        assert!(decode_with(b"[1,2,3]", limits).is_err());
        assert!(decode(b"{} {}").is_err(), "one value only");
        assert!(decode(b"{\"a\":\"\xff\"}").is_err(), "UTF-8 only");
    }
}

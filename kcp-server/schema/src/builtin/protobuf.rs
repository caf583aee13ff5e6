//! Bodies that clients send as `application/vnd.kubernetes.protobuf`: built-in kinds only.
//!
//! The field numbers are data (`data/protobuf.txt`). Kubernetes' encoder writes the zero of every field that
//! is no pointer, so a zero counts as missing unless the data says that it is meant. Reading is bounded by
//! the input: nothing is allocated that the bytes do not pay for, and messages nest at most [`DEPTH`] deep.

use base64::{Engine, prelude::BASE64_STANDARD};
use kcp_apimachinery::{
    Map, Value,
    meta::Gvk,
    time::{MicroTime, Time},
    value,
};
use std::{collections::HashMap, sync::LazyLock};

/// Messages inside one another.
const DEPTH: usize = 100;
/// What every such body begins with.
const MAGIC: &[u8] = b"k8s\0";

static MESSAGES: LazyLock<HashMap<&'static str, Vec<Field>>> = LazyLock::new(|| {
    let mut messages = HashMap::new();
    let mut current = "";
    for line in include_str!("../../data/protobuf.txt").lines().filter(|line| !line.starts_with('#')) {
        match line.strip_prefix("  ") {
            None => current = line,
            Some(field) => messages.entry(current).or_insert_with(Vec::new).extend(Field::read(field)),
        }
    }
    messages
});

/// One field of a message.
#[derive(Clone, Copy)]
struct Field {
    number: u64,
    code: &'static str,
    /// Empty: its members are those of the message it is in.
    name: &'static str,
    zero_counts: bool,
}

impl Field {
    fn read(line: &'static str) -> Option<Self> {
        let mut parts = line.split(' ');
        let (number, code, name) = (parts.next()?.parse().ok()?, parts.next()?, parts.next()?);
        let zero_counts = name.starts_with('*');
        Some(Self { number, code, name: name.trim_start_matches(['*', '^']), zero_counts })
    }
}

/// Why bytes are no object.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProtobufError {
    /// They do not begin as such a body does.
    #[error("provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]")]
    Prefix,
    /// They end early, or a field is of another wire type than it should be.
    #[error("the protobuf message is malformed")]
    Malformed,
    /// Messages nest too deeply.
    #[error("the protobuf message nests too deeply")]
    Depth,
    /// The kind is not one that is sent so.
    #[error("no kind {0} is known in protobuf")]
    Kind(String),
}

/// The object in a body.
///
/// # Errors
/// See [`ProtobufError`].
pub fn decode(body: &[u8]) -> Result<Value, ProtobufError> {
    let envelope = body.strip_prefix(MAGIC).ok_or(ProtobufError::Prefix)?;
    let (mut api_version, mut kind, mut raw) = (String::new(), String::new(), &[][..]);
    each(envelope, |number, wire| {
        match (number, wire) {
            (1, Wire::Bytes(meta)) => each(meta, |number, wire| {
                match (number, wire) {
                    (1, Wire::Bytes(text)) => api_version = string(text)?,
                    (2, Wire::Bytes(text)) => kind = string(text)?,
                    _ => {}
                }
                Ok(())
            })?,
            (2, Wire::Bytes(bytes)) => raw = bytes,
            _ => {}
        }
        Ok(())
    })?;
    let group = api_version.rsplit_once('/').map_or("", |(group, _)| group);
    let version = api_version.rsplit('/').next().unwrap_or_default();
    let gvk = Gvk::new(group, version, &kind);
    let message = message_of(&gvk).ok_or_else(|| ProtobufError::Kind(format!("{api_version} {kind}")))?;
    let mut members = Map::new();
    fill(message, raw, &mut members, 0)?;
    members.insert("apiVersion", api_version);
    members.insert("kind", kind);
    Ok(Value::Object(members))
}

fn message_of(gvk: &Gvk) -> Option<&'static [Field]> {
    let first = if gvk.group.is_empty() { "core" } else { gvk.group.split('.').next().unwrap_or_default() };
    let own = MESSAGES.get(format!("{first}.{}.{}", gvk.version, gvk.kind).as_str());
    // Options are of every group.
    own.or_else(|| MESSAGES.get(format!("meta.v1.{}", gvk.kind).as_str())).map(Vec::as_slice)
}

enum Wire<'b> {
    Number(u64),
    Double(f64),
    Bytes(&'b [u8]),
}

/// Calls `see` with each field of a message.
fn each<'b>(
    mut bytes: &'b [u8],
    mut see: impl FnMut(u64, Wire<'b>) -> Result<(), ProtobufError>,
) -> Result<(), ProtobufError> {
    while !bytes.is_empty() {
        let tag = varint(&mut bytes)?;
        let wire = match tag & 7 {
            0 => Wire::Number(varint(&mut bytes)?),
            1 => Wire::Double(f64::from_le_bytes(take(&mut bytes, 8)?.try_into().unwrap_or_default())),
            2 => {
                let length = usize::try_from(varint(&mut bytes)?).map_err(|_| ProtobufError::Malformed)?;
                Wire::Bytes(take(&mut bytes, length)?)
            }
            5 => {
                take(&mut bytes, 4)?;
                continue;
            }
            _ => return Err(ProtobufError::Malformed),
        };
        see(tag >> 3, wire)?;
    }
    Ok(())
}

fn varint(bytes: &mut &[u8]) -> Result<u64, ProtobufError> {
    let mut number = 0_u64;
    for shift in (0..70).step_by(7) {
        let byte = take(bytes, 1)?[0];
        number |= u64::from(byte & 0x7f).checked_shl(shift).unwrap_or(0);
        if byte < 0x80 {
            return Ok(number);
        }
    }
    Err(ProtobufError::Malformed)
}

fn take<'b>(bytes: &mut &'b [u8], length: usize) -> Result<&'b [u8], ProtobufError> {
    let (taken, rest) = bytes.split_at_checked(length).ok_or(ProtobufError::Malformed)?;
    *bytes = rest;
    Ok(taken)
}

fn string(bytes: &[u8]) -> Result<String, ProtobufError> {
    String::from_utf8(bytes.to_vec()).map_err(|_| ProtobufError::Malformed)
}

/// Puts the members of a message into an object.
fn fill(message: &[Field], bytes: &[u8], members: &mut Map, depth: usize) -> Result<(), ProtobufError> {
    if depth > DEPTH {
        return Err(ProtobufError::Depth);
    }
    each(bytes, |number, wire| {
        let Some(field) = message.iter().find(|field| field.number == number) else { return Ok(()) };
        if field.name.is_empty() {
            let (Some(inner), Wire::Bytes(bytes)) = (named(field.code), wire) else {
                return Err(ProtobufError::Malformed);
            };
            return fill(inner, bytes, members, depth + 1);
        }
        if let Some(code) = field.code.strip_prefix('[') {
            let item = single(code, wire, depth)?;
            let list = members.entry(field.name);
            if list.is_null() {
                *list = Value::Array(Vec::new());
            }
            if let Some(list) = list.as_array_mut() {
                list.push(item);
            }
        } else if let Some(code) = field.code.strip_prefix('{') {
            let (key, value) = entry(code, wire, depth)?;
            members.entry(field.name).force_object().insert(key, value);
        } else {
            let value = single(field.code, wire, depth)?;
            if field.zero_counts || !is_zero(&value) {
                members.insert(field.name, value);
            }
        }
        Ok(())
    })
}

fn named(code: &str) -> Option<&'static [Field]> {
    MESSAGES.get(code.strip_prefix('@')?).map(Vec::as_slice)
}

fn is_zero(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) | Value::Int(0) => true,
        Value::Float(number) => *number == 0.0,
        Value::String(text) => text.is_empty(),
        Value::Object(map) => map.is_empty(),
        Value::Bool(true) | Value::Int(_) | Value::Array(_) => false,
    }
}

/// A member of a map. A list as a value is a message of its own with the items in field 1.
fn entry(code: &str, wire: Wire<'_>, depth: usize) -> Result<(String, Value), ProtobufError> {
    let Wire::Bytes(bytes) = wire else { return Err(ProtobufError::Malformed) };
    let (mut key, mut found) = (String::new(), Value::Null);
    each(bytes, |number, wire| {
        match (number, wire) {
            (1, Wire::Bytes(text)) => key = string(text)?,
            (2, wire) => found = map_value(code, wire, depth)?,
            _ => {}
        }
        Ok(())
    })?;
    if found.is_null() && matches!(code, "s" | "y") {
        found = "".into();
    }
    Ok((key, found))
}

fn map_value(code: &str, wire: Wire<'_>, depth: usize) -> Result<Value, ProtobufError> {
    let Some(item) = code.strip_prefix('[') else { return single(code, wire, depth) };
    let Wire::Bytes(bytes) = wire else { return Err(ProtobufError::Malformed) };
    let mut items = Vec::new();
    each(bytes, |number, wire| {
        if number == 1 {
            items.push(single(item, wire, depth)?);
        }
        Ok(())
    })?;
    Ok(Value::Array(items))
}

/// One value of a type.
fn single(code: &str, wire: Wire<'_>, depth: usize) -> Result<Value, ProtobufError> {
    match (code, wire) {
        // Two's complement: what is written as unsigned may mean a negative number.
        ("i", Wire::Number(number)) => Ok(Value::Int(number.cast_signed())),
        ("b", Wire::Number(number)) => Ok(Value::Bool(number != 0)),
        ("f", Wire::Double(number)) => Ok(Value::Float(number)),
        ("s", Wire::Bytes(bytes)) => string(bytes).map(Value::from),
        ("y", Wire::Bytes(bytes)) => Ok(BASE64_STANDARD.encode(bytes).into()),
        ("t" | "u", Wire::Bytes(bytes)) => moment(bytes, code == "u"),
        ("d", Wire::Bytes(bytes)) => {
            let nanoseconds = numbers(bytes)?.first().copied().unwrap_or(0);
            Ok(kcp_apimachinery::time::Duration(nanoseconds).to_string().into())
        }
        ("q", Wire::Bytes(bytes)) => first_text(bytes),
        ("x", Wire::Bytes(bytes)) => int_or_string(bytes),
        ("r" | "j", Wire::Bytes(bytes)) => raw(bytes),
        ("A" | "B" | "C", Wire::Bytes(bytes)) => one_of(code, bytes, depth),
        (code, Wire::Bytes(bytes)) => {
            let mut members = Map::new();
            fill(named(code).ok_or(ProtobufError::Malformed)?, bytes, &mut members, depth + 1)?;
            Ok(Value::Object(members))
        }
        (_, Wire::Number(_) | Wire::Double(_)) => Err(ProtobufError::Malformed),
    }
}

/// Fields 1, 2 and 3 of a message of numbers.
fn numbers(bytes: &[u8]) -> Result<[i64; 3], ProtobufError> {
    let mut found = [0; 3];
    each(bytes, |number, wire| {
        if let (1..=3, Wire::Number(value)) = (number, wire) {
            found[usize::try_from(number).unwrap_or(1) - 1] = value.cast_signed();
        }
        Ok(())
    })?;
    Ok(found)
}

fn moment(bytes: &[u8], micro: bool) -> Result<Value, ProtobufError> {
    let [seconds, nanoseconds, _] = numbers(bytes)?;
    if bytes.is_empty() {
        return Ok(Value::Null);
    }
    let time = Time::from_unix(seconds).ok_or(ProtobufError::Malformed)?;
    if !micro {
        return Ok(time.to_string().into());
    }
    let fraction = format!(".{:06}Z", nanoseconds.clamp(0, 999_999_999) / 1000);
    let text = time.to_string().replace('Z', &fraction);
    MicroTime::parse(&text).map(|time| time.to_string().into()).map_err(|_| ProtobufError::Malformed)
}

fn first_text(bytes: &[u8]) -> Result<Value, ProtobufError> {
    let mut text = String::new();
    each(bytes, |number, wire| {
        if let (1, Wire::Bytes(bytes)) = (number, wire) {
            text = string(bytes)?;
        }
        Ok(())
    })?;
    Ok(text.into())
}

fn int_or_string(bytes: &[u8]) -> Result<Value, ProtobufError> {
    let [kind, number, _] = numbers(bytes)?;
    let mut text = String::new();
    each(bytes, |number, wire| {
        if let (3, Wire::Bytes(bytes)) = (number, wire) {
            text = string(bytes)?;
        }
        Ok(())
    })?;
    Ok(if kind == 1 { text.into() } else { Value::Int(number) })
}

/// JSON inside of a message.
fn raw(bytes: &[u8]) -> Result<Value, ProtobufError> {
    let mut found = Value::Null;
    each(bytes, |number, wire| {
        if let (1, Wire::Bytes(json)) = (number, wire)
            && !json.is_empty()
        {
            found = value::decode(json).map_err(|_| ProtobufError::Malformed)?;
        }
        Ok(())
    })?;
    Ok(found)
}

/// A schema or several, a schema or a boolean, a schema or strings.
fn one_of(code: &str, bytes: &[u8], depth: usize) -> Result<Value, ProtobufError> {
    const SCHEMA: &str = "@apiextensions.v1.JSONSchemaProps";
    let mut found = if code == "B" { Value::Bool(false) } else { Value::Null };
    let mut many = Vec::new();
    let mut schema = None;
    each(bytes, |number, wire| {
        match (code, number) {
            ("B", 1) => found = single("b", wire, depth)?,
            ("C", 2) => many.push(single("s", wire, depth)?),
            ("A", 2) => many.push(single(SCHEMA, wire, depth + 1)?),
            _ => schema = Some(single(SCHEMA, wire, depth + 1)?),
        }
        Ok(())
    })?;
    Ok(match schema {
        Some(schema) => schema,
        None if many.is_empty() => found,
        None => Value::Array(many),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use kcp_apimachinery::value;

    /// `<number> <bytes>` as a length-delimited field.
    fn field(number: u8, content: &[u8]) -> Vec<u8> {
        let length = u8::try_from(content.len()).expect("short");
        [&[number << 3 | 2, length], content].concat()
    }

    fn body(api_version: &str, kind: &str, raw: &[u8]) -> Vec<u8> {
        let meta = [field(1, api_version.as_bytes()), field(2, kind.as_bytes())].concat();
        [MAGIC, &field(1, &meta), &field(2, raw)].concat()
    }

    #[test]
    fn a_config_map_is_read() {
        let metadata = [field(1, b"a"), field(3, b""), field(8, b"")].concat();
        let data = [field(1, b"x"), field(2, b"y")].concat();
        let raw = [field(1, &metadata), field(2, &data)].concat();
        let expected =
            value!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"x": "y"}});
        assert_eq!(decode(&body("v1", "ConfigMap", &raw)), Ok(expected));
    }

    #[test]
    fn bytes_are_base64_and_flags_that_are_pointers_count() {
        let data = [field(1, b"p"), field(2, b"q")].concat();
        let raw = [field(2, &data), vec![5 << 3, 0]].concat();
        let expected =
            value!({"apiVersion": "v1", "kind": "Secret", "data": {"p": "cQ=="}, "immutable": false});
        assert_eq!(decode(&body("v1", "Secret", &raw)), Ok(expected));
    }

    #[test]
    fn broken_bodies_are_refused() {
        assert_eq!(decode(b"{}"), Err(ProtobufError::Prefix));
        assert_eq!(decode(b"k8s\0\x0a\xff"), Err(ProtobufError::Malformed));
        assert!(matches!(decode(&body("e.io/v1", "Widget", b"")), Err(ProtobufError::Kind(_))));
    }
}
